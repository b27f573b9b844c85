#include "fp32_units.h"

#include <math.h>

#include "candidates.h"

/* Sum of w[stride * c] x[c]. */
static double product(const float *w, size_t stride, const float x[FAST_EMBD]) {
    double sum = 0;
    for (size_t c = 0; c < FAST_EMBD; c++) sum += (double)w[stride * c] * x[c];
    return sum;
}

/* The magnitudes of its terms. */
static double magnitude(const float *w, size_t stride, const float x[FAST_EMBD]) {
    double sum = 0;
    for (size_t c = 0; c < FAST_EMBD; c++) sum += fabs((double)w[stride * c] * x[c]);
    return sum;
}

/* A head's share in a unit if all of its weight is on one value. */
static double head_share(const double fc1_wo[FAST_EMBD], const float value[FAST_EMBD], int head) {
    double sum = 0;
    for (int i = 4 * head; i < 4 * head + 4; i++) sum += fc1_wo[i] * (double)value[i];
    return sum;
}

void talos_fp32_find_candidates(const talos_model *m, talos_fp32_pack *p) {
    const float *wo = m->weights + m->layer[0].wo;
    double value_top[FAST_EMBD] = {0};
    talos_unit_sums sums;
    for (uint32_t row = 0; row < m->config.vocab_size * FAST_POSITIONS; row++)
        for (int i = 0; i < FAST_EMBD; i++) value_top[i] = fmax(value_top[i], fabs((double)p->rows[row][3][i]));
    for (int unit = 0; unit < FAST_MLP; unit++) {
        const float *fc1 = p->fc1_rows[unit];
        double fc1_wo[FAST_EMBD], mixed_size = 0;
        for (int i = 0; i < FAST_EMBD; i++) {
            fc1_wo[i] = product(wo + i, FAST_EMBD, fc1);
            mixed_size += magnitude(wo + i, FAST_EMBD, fc1) * value_top[i];
        }
        for (uint32_t position = 0; position < m->config.block_size; position++)
            for (uint32_t token = 0; token < m->config.vocab_size; token++) {
                const float(*row)[FAST_EMBD] = p->rows[token * FAST_POSITIONS + position];
                /* Rounding in float32 is less than 1e-5 of the magnitudes. */
                double error = 1e-4 * (mixed_size + magnitude(fc1, 1, row[0]));
                sums.before[position][token] = product(fc1, 1, row[0]) + error;
                for (int head = 0; head < FAST_HEADS; head++)
                    sums.share[position][token][head] = head_share(fc1_wo, row[3], head);
            }
        talos_mark_candidates(&m->config, unit, &sums, p->candidates);
    }
}

void talos_fp32_fold_wo(const talos_model *m, talos_fp32_pack *p) {
    const float *wo = m->weights + m->layer[0].wo;
    for (int i = 0; i < FAST_EMBD; i++) {
        float column[FAST_EMBD];
        for (int c = 0; c < FAST_EMBD; c++) column[c] = wo[c * FAST_EMBD + i];
        for (int unit = 0; unit < FAST_MLP; unit++)
            p->fc1_wo[i][unit] = p->fc1_wo_rows[unit][i] = (float)product(p->fc1_rows[unit], 1, column);
        for (int lane = 0; lane < FAST_LANES; lane++) p->head_wo[i][lane] = (float)product(p->head[0] + lane, FAST_LANES, column);
    }
    for (uint32_t token = 0; token < m->config.vocab_size; token++)
        for (uint32_t position = 0; position < m->config.block_size; position++) {
            const float *x = p->rows[token * FAST_POSITIONS + position][0];
            talos_fp32_units *units = &p->units[token * FAST_POSITIONS + position];
            int count = 0;
            for (int lane = 0; lane < FAST_LANES; lane++)
                units->logits[lane] = p->logits_before[position][lane][token] = (float)product(p->head[0] + lane, FAST_LANES, x);
            units->few = __builtin_popcountll(p->candidates[position][token]) <= FEW_UNITS;
            units->unit[FAST_MLP] = FAST_MLP;
            for (int unit = 0; unit < FAST_MLP; unit++) {
                float before = (float)product(p->fc1_rows[unit], 1, x);
                p->before[position][unit][token] = before;
                if (units->few && !(p->candidates[position][token] >> unit & 1)) continue;
                units->before[count] = before;
                units->unit[count] = (uint8_t)unit;
                for (int i = 0; units->few && i < FAST_EMBD; i++) units->weights[i][count] = p->fc1_wo[i][unit];
                count++;
            }
        }
}
