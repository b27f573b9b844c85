#include "folded_units.h"

#include <math.h>
#include <stdlib.h>

#include "bounds.h"
#include "candidates.h"

/* What a unit can be. Its products with values are exact; error is what attention's means of these may be off by. */
static void sums_of(const talos_model *m, const talos_folded_pack *p, int unit, const double v_top[FAST_EMBD],
                    talos_unit_sums *sums) {
    const int32_t *fc1_wo = m->fc1_wo + unit * FAST_EMBD;
    double error = 0;
    for (int i = 0; i < FAST_EMBD; i++) error += abs(fc1_wo[i]) * TALOS_MEAN_ERROR(v_top[i]);
    for (uint32_t position = 0; position < m->config.block_size; position++)
        for (uint32_t token = 0; token < m->config.vocab_size; token++) {
            const talos_folded_row *row = &p->rows[token * FAST_POSITIONS + position];
            /* A sum below one, half a word in f1 included, is no positive word. */
            sums->before[position][token] = row->f1[unit] + error - (TALOS_WORD_ONE - 1);
            for (int head = 0; head < FAST_HEADS; head++) {
                double share = 0;
                for (int i = 4 * head; i < 4 * head + 4; i++) share += (double)fc1_wo[i] * row->precise.v[i];
                sums->share[position][token][head] = share;
            }
        }
}

static void pack(const talos_folded_pack *p, const talos_folded_row *row, uint64_t candidates, talos_folded_units *to) {
    const int most = __builtin_popcountll(candidates);
    if (most > FEW_UNITS) return;
    to->count = most > FEW_UNITS / 2 ? FEW_UNITS : FEW_UNITS / 2;
    for (int unit = 0, n = 0; unit < FAST_MLP; unit++) {
        if (!(candidates >> unit & 1)) continue;
        to->unit[n] = (uint8_t)unit;
        to->f1[n] = row->f1[unit];
        for (int pair = 0; pair < FAST_EMBD / 2; pair++)
            for (int i = 0; i < 2; i++) to->fc1_wo[2 * (to->count * pair + n) + i] = p->fc1_wo[pair][unit][i];
        for (int lane = 0; lane < FAST_LANES; lane++) to->folded[n / 2][lane][n % 2] = p->folded[unit][lane][0];
        n++;
    }
}

void talos_folded_pack_units(const talos_model *m, talos_folded_pack *p) {
    const uint32_t vocab = m->config.vocab_size, positions = m->config.block_size;
    uint64_t candidates[FAST_POSITIONS][FAST_LANES] = {{0}};
    double v_top[FAST_EMBD] = {0};
    talos_unit_sums sums;
    for (size_t row = 0; row < (size_t)vocab * FAST_POSITIONS; row++)
        for (int i = 0; i < FAST_EMBD; i++) v_top[i] = fmax(v_top[i], abs(p->rows[row].precise.v[i]));
    for (int unit = 0; unit < FAST_MLP; unit++) {
        sums_of(m, p, unit, v_top, &sums);
        talos_mark_candidates(&m->config, unit, &sums, candidates);
    }
    for (uint32_t token = 0; token < vocab; token++)
        for (uint32_t position = 0; position < positions; position++) {
            size_t row = token * FAST_POSITIONS + position;
            pack(p, &p->rows[row], candidates[position][token], &p->units[row]);
        }
}
