/* Tables of the `folded` SIMD kernels, and the proof that 32 bits are enough for a model's sums. */
#include "folded_units.h"

#include <stdlib.h>
#include <string.h>

#include "bounds.h"

bool talos_folded_suits(const talos_model *m) {
    talos_bounds b;
    if (!talos_fast_shape(m) || !talos_bounds_of(m, &b)) return false;
    const int32_t vocab = (int32_t)m->config.vocab_size;
    const double addend = -(double)TALOS_Q4_12_LOW * TALOS_WORD_ONE, one = TALOS_WORD_ONE;
    double units = talos_row_sum(m->fc1_wo, FAST_MLP, FAST_EMBD) * b.v + addend;
    double direct = talos_row_sum(m->lm_head_wo, vocab, FAST_EMBD) * b.v + addend;
    /* A hidden unit differs from a row of fc1 times x by what F1, a row of fc1 * Wo, and x were rounded by. */
    double rounding = 1 + FAST_EMBD / 2 * b.v / one + talos_row_sum(m->words + m->layer[0].fc1, FAST_MLP, FAST_EMBD) / one;
    double error = 8 * rounding; /* the norm of 64 of them */
    /* The scale, below 16, shortens x to at most sqrt(n_embd), so the scaled sum is bounded apart from the sum. */
    double scaled = b.folded * (b.fc1 * 4.0 * one + 16 * error) + 65536.0;
    return units < TALOS_SUM_LIMIT && b.folded * (b.hidden + error) < TALOS_SUM_LIMIT && direct + scaled < TALOS_SUM_LIMIT;
}

/* What a row of `matrix` makes of x, a word, as a sum in Q.24 with half a word. */
static int32_t addend(const talos_model *m, const int32_t *row, const int32_t *x) {
    int64_t total = 0;
    for (int i = 0; i < FAST_EMBD; i++) total += (int64_t)row[i] * x[i];
    return talos_word(&m->format, talos_round_shift(total, TALOS_WORD_FRACTION)) * TALOS_WORD_ONE + TALOS_WORD_HALF;
}

static void make_row(const talos_model *m, uint32_t token, uint32_t position, talos_folded_row *row) {
    talos_precise_row_of(m, token, position, &row->precise);
    const int32_t *x = row->precise.x, *fc1 = m->words + m->layer[0].fc1, *head = m->words + m->lm_head;
    for (int unit = 0; unit < FAST_MLP; unit++) row->f1[unit] = addend(m, fc1 + unit * FAST_EMBD, x);
    for (uint32_t t = 0; t < m->config.vocab_size; t++) row->l[t] = addend(m, head + t * FAST_EMBD, x);
}

static talos_status prepare(talos_model *m, bool units, void **pack) {
    uint32_t vocab = m->config.vocab_size;
    talos_folded_pack *p;
    size_t rows = (size_t)vocab * FAST_POSITIONS, bytes = sizeof *p + rows * (sizeof p->rows[0] + sizeof(talos_lane_row));
    p = talos_allocate(bytes + units * rows * sizeof p->units[0]);
    if (!p) return TALOS_NO_MEMORY;
    const int32_t *wo = m->words + m->layer[0].wo;
    for (int c = 0; c < FAST_EMBD; c++) {
        for (int r = 0; r < FAST_EMBD; r++) p->wo[c / 2][r][c % 2] = (int16_t)wo[r * FAST_EMBD + c];
        for (int r = 0; r < FAST_MLP; r++) p->fc1_wo[c / 2][r][c % 2] = (int16_t)m->fc1_wo[r * FAST_EMBD + c];
        for (uint32_t t = 0; t < vocab; t++) p->head_wo[c / 2][t][c % 2] = (int16_t)m->lm_head_wo[t * FAST_EMBD + (uint32_t)c];
    }
    for (uint32_t lane = 0; lane < FAST_LANES; lane++) {
        p->most[lane] = lane < vocab ? INT32_MAX : INT32_MIN;
        p->lane_weyl[lane] = (int32_t)(lane * TALOS_WEYL);
    }
    for (uint32_t token = 0; token < vocab; token++) {
        const int32_t *row = m->folded + token * FAST_MLP;
        for (int unit = 0; unit < FAST_MLP; unit++) p->folded[unit][token][0] = (int16_t)row[unit];
        if (talos_folded_first(m, token, p->first[token]) != TALOS_OK) {
            free(p);
            return TALOS_NO_MEMORY;
        }
        for (uint32_t position = 0; position < m->config.block_size; position++)
            make_row(m, token, position, &p->rows[token * FAST_POSITIONS + position]);
    }
    talos_lane_row *lanes = (talos_lane_row *)(void *)(p->rows + rows);
    for (size_t i = 0; i < rows; i++) talos_precise_lane_row_of(&p->rows[i].precise, &lanes[i]);
    for (int segment = 0; segment < 32 << TALOS_GUMBEL_SEGMENT_BITS; segment++) {
        int place = segment + (1 << TALOS_GUMBEL_SEGMENT_BITS);
        p->gumbel[TALOS_GUMBEL_SPAN + place] = talos_gumbel_lines[segment];
        p->gumbel[TALOS_GUMBEL_SPAN + ~place] = talos_gumbel_lines[(32 << TALOS_GUMBEL_SEGMENT_BITS) + segment];
    }
    talos_precise_make_tables(&p->tables);
    if (units) {
        p->units = (void *)((uint8_t *)p + bytes);
        talos_folded_pack_units(m, p);
    }
    *pack = p;
    return TALOS_OK;
}

talos_status talos_folded_prepare(talos_model *m, void **pack) { return prepare(m, false, pack); }
talos_status talos_folded_prepare_units(talos_model *m, void **pack) { return prepare(m, true, pack); }
