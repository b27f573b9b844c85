/* Tables of the `precise` SIMD kernels, and the proof that 32 bits are enough for a model's sums. */
#include "precise_pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fixed.h"

static const double word_one = TALOS_WORD_ONE;

typedef struct {
    double q[FAST_EMBD], k[FAST_EMBD], v[FAST_EMBD]; /* largest magnitudes over all rows, words */
    double x_norm;                                   /* largest Euclidean norm of x, words */
} row_bounds;

static void make_row(const talos_model *m, uint32_t token, uint32_t position, talos_precise_row *row) {
    int32_t normed[FAST_EMBD], q[FAST_EMBD], k[FAST_EMBD];
    talos_precise_embed(m, token, position, row->x);
    talos_precise_qkv(m, &m->layer[0], row->x, normed, q, k, row->v);
    for (int i = 0; i < FAST_EMBD; i++) {
        row->q[i] = (int16_t)q[i];
        row->k[i] = (int16_t)k[i];
    }
}

static row_bounds bound_rows(const talos_model *m) {
    row_bounds b;
    memset(&b, 0, sizeof b);
    for (uint32_t token = 0; token < m->config.vocab_size; token++)
        for (uint32_t position = 0; position < m->config.block_size; position++) {
            talos_precise_row row;
            double norm = 0;
            make_row(m, token, position, &row);
            for (int i = 0; i < FAST_EMBD; i++) {
                b.q[i] = fmax(b.q[i], fabs((double)row.q[i]));
                b.k[i] = fmax(b.k[i], fabs((double)row.k[i]));
                b.v[i] = fmax(b.v[i], fabs((double)row.v[i]));
                norm += (double)row.x[i] * row.x[i];
            }
            b.x_norm = fmax(b.x_norm, sqrt(norm));
        }
    return b;
}

/* Upper bound of the largest singular value of a matrix [rows][16]: trace((A'A)^8)^(1/16). */
static double spectral_bound(const int32_t *a, int rows) {
    double g[FAST_EMBD][FAST_EMBD] = {{0}}, next[FAST_EMBD][FAST_EMBD], trace = 0;
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < FAST_EMBD; i++)
            for (int j = 0; j < FAST_EMBD; j++)
                g[i][j] += a[r * FAST_EMBD + i] / word_one * (a[r * FAST_EMBD + j] / word_one);
    for (int square = 0; square < 3; square++) {
        for (int i = 0; i < FAST_EMBD; i++)
            for (int j = 0; j < FAST_EMBD; j++) {
                next[i][j] = 0;
                for (int l = 0; l < FAST_EMBD; l++) next[i][j] += g[i][l] * g[l][j];
            }
        memcpy(g, next, sizeof g);
    }
    for (int i = 0; i < FAST_EMBD; i++) trace += g[i][i];
    return pow(trace, 1.0 / 16.0);
}

static double norm_of(const int32_t *row, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)row[i] * row[i];
    return sqrt(sum);
}

/* Largest sum of magnitudes of a row. */
static double row_sum(const int32_t *a, int rows, int columns) {
    int64_t top = 0;
    for (int r = 0; r < rows; r++) {
        int64_t sum = 0;
        for (int c = 0; c < columns; c++) sum += abs(a[r * columns + c]);
        if (sum > top) top = sum;
    }
    return (double)top;
}

bool talos_precise_suits(const talos_model *m) {
    if (!talos_fast_shape(m)) return false;
    const double sum_limit = 2147483647.0 - 2 * TALOS_WORD_ONE, slack = 1.001;
    const int32_t *wo = m->words + m->layer[0].wo, *fc1 = m->words + m->layer[0].fc1, *head = m->words + m->lm_head;
    row_bounds b = bound_rows(m);
    double v_top = 0, v_norm = 0, mixed_norm;
    for (int first = 0; first < FAST_EMBD; first += 4) {
        double score = 0;
        for (int i = first; i < first + 4; i++) score += b.q[i] * b.k[i];
        if (score > sum_limit) return false;
    }
    for (int i = 0; i < FAST_EMBD; i++) {
        double v = b.v[i] * slack + 8; /* a weighted mean, and what the reciprocal may add */
        v_top = fmax(v_top, v);
        v_norm += v * v;
    }
    mixed_norm = sqrt(v_norm);
    /* Attention stays a word without saturation, and so does its product with Wo. */
    if (v_top > TALOS_Q4_12_HIGH / 2 || row_sum(wo, FAST_EMBD, FAST_EMBD) * v_top / word_one > TALOS_Q4_12_HIGH - 1) return false;
    /* |x| after attention; hidden units; and the sums over them, in words. ReLU and saturation only shorten a vector. */
    double x = (b.x_norm + spectral_bound(wo, FAST_EMBD) * mixed_norm) * slack + 8;
    double hidden = spectral_bound(fc1, FAST_MLP) * x * slack + 8, folded = 0;
    for (uint32_t token = 0; token < m->config.vocab_size; token++)
        folded = fmax(folded, norm_of(m->folded + token * FAST_MLP, FAST_MLP));
    double head_sum = row_sum(head, (int)m->config.vocab_size, FAST_EMBD) * -(double)TALOS_Q4_12_LOW;
    /* The scale shortens x to at most sqrt(n_embd), so the scaled sum is bounded apart from the sum. */
    double scaled = folded * spectral_bound(fc1, FAST_MLP) * 4.0 * word_one * slack + 65536.0;
    return x * x < sum_limit && row_sum(fc1, FAST_MLP, FAST_EMBD) * -(double)TALOS_Q4_12_LOW < sum_limit && head_sum < sum_limit &&
           folded * hidden < sum_limit && scaled + head_sum < sum_limit;
}

talos_status talos_precise_prepare(talos_model *m, void **pack) {
    uint32_t vocab = m->config.vocab_size;
    talos_precise_pack *p = talos_allocate(sizeof *p + (size_t)vocab * FAST_POSITIONS * sizeof p->rows[0]);
    if (!p) return TALOS_NO_MEMORY;
    const int32_t *wo = m->words + m->layer[0].wo, *fc1 = m->words + m->layer[0].fc1, *head = m->words + m->lm_head;
    for (int c = 0; c < FAST_EMBD; c++) {
        for (int r = 0; r < FAST_EMBD; r++) p->wo[c / 2][r][c % 2] = (int16_t)wo[r * FAST_EMBD + c];
        for (int r = 0; r < FAST_MLP; r++) p->fc1[c / 2][r][c % 2] = (int16_t)fc1[r * FAST_EMBD + c];
    }
    for (unsigned lane = 0; lane < FAST_LANES; lane++) {
        unsigned token = talos_lane_token(lane);
        if (token >= vocab) continue;
        p->live[lane] = -1;
        for (int c = 0; c < FAST_EMBD; c++) p->head[c / 2][lane][c % 2] = (int16_t)head[token * FAST_EMBD + c];
        for (int unit = 0; unit < FAST_MLP; unit++) p->folded[unit][lane][0] = (int16_t)m->folded[token * FAST_MLP + unit];
    }
    for (int i = 0; i < TALOS_EXP2_LINES; i++) {
        p->exp2_base[i] = talos_exp2_lines[i][0];
        p->exp2_slope[i] = talos_exp2_lines[i][1] | TALOS_EXP2_STEP_HALF << 16;
    }
    for (int i = 0; i < TALOS_RECIPROCAL_LINES; i++) {
        p->reciprocal_base[i] = (int16_t)(uint16_t)(talos_reciprocal_lines[i][0] - (1 << TALOS_RECIPROCAL_FRACTION));
        p->reciprocal_slope[i] = (int16_t)talos_reciprocal_lines[i][1];
    }
    for (uint32_t token = 0; token < vocab; token++)
        for (uint32_t position = 0; position < m->config.block_size; position++)
            make_row(m, token, position, &p->rows[token * FAST_POSITIONS + position]);
    *pack = p;
    return TALOS_OK;
}

size_t talos_precise_state_bytes(const talos_model *m) {
    (void)m;
    return sizeof(talos_precise_state);
}
