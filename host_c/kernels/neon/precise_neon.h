/* What `precise` and `folded` share with NEON: attention, products by columns, and the sparse product. */
#ifndef TALOS_PRECISE_NEON_H
#define TALOS_PRECISE_NEON_H

#include <string.h>

#include "neon.h"
#include "precise_pack.h"

/* Weights of four exponents where the largest integer part is top. */
INLINE int32x4_t weights_of(int32x4_t t, int32x4_t top) {
    int32_t base[4], slope[4], index[4];
    vst1q_s32(index, vandq_s32(vshrq_n_s32(t, TALOS_EXP2_STEP_BITS), vdupq_n_s32(TALOS_EXP2_LINES - 1)));
    for (int i = 0; i < 4; i++) {
        base[i] = talos_exp2_lines[index[i]][0];
        slope[i] = talos_exp2_lines[index[i]][1];
    }
    int32x4_t d = vandq_s32(t, vdupq_n_s32(TALOS_LOW_BITS(TALOS_EXP2_STEP_BITS)));
    int32x4_t step = vrshrq_n_s32(vmulq_s32(vld1q_s32(slope), d), TALOS_EXP2_STEP_BITS);
    int32x4_t fall = vminq_s32(vsubq_s32(top, vshrq_n_s32(t, TALOS_EXPONENT_FRACTION)), vdupq_n_s32(31));
    return vshlq_s32(vaddq_s32(vld1q_s32(base), step), vnegq_s32(fall));
}

/* Scores of one position, a lane a head. */
INLINE int32x4_t scores(const int16x4_t q[4], const int16_t *k) {
    int32x4_t product[4];
    for (int head = 0; head < 4; head++) product[head] = vmull_s16(q[head], vld1_s16(k + 4 * head));
    int32x4_t sum = pair_sums_s32(pair_sums_s32(product[0], product[1]), pair_sums_s32(product[2], product[3]));
    return vrshrq_n_s32(sum, TALOS_SCORE_SHIFT);
}

/* acc += the four columns of quarter `quad` of w, times x's elements; `count` vectors of eight rows from `at`. */
#define COLUMN(count, acc, w, quarter, quad, lane) \
    for (int j = 0; j < (count); j++) { \
        int16x8_t column = vld1q_s16((w)[4 * (quad) + (lane)] + at + 8 * j); \
        acc[2 * j] = vmlal_lane_s16(acc[2 * j], vget_low_s16(column), quarter, lane); \
        acc[2 * j + 1] = vmlal_lane_s16(acc[2 * j + 1], vget_high_s16(column), quarter, lane); \
    }
#define COLUMNS(count, acc, w, quarter, quad) \
    COLUMN(count, acc, w, quarter, quad, 0) COLUMN(count, acc, w, quarter, quad, 1) \
    COLUMN(count, acc, w, quarter, quad, 2) COLUMN(count, acc, w, quarter, quad, 3)
#define PRODUCT(count, acc, w, x) \
    COLUMNS(count, acc, w, (x)[0], 0) COLUMNS(count, acc, w, (x)[1], 1) \
    COLUMNS(count, acc, w, (x)[2], 2) COLUMNS(count, acc, w, (x)[3], 3)

/* Output of attention at a position, whose key and value join the state. */
INLINE void attended(const talos_precise_row *row, talos_precise_state *state, uint32_t position, int16x4_t q[4]) {
    for (int head = 0; head < 4; head++) q[head] = vld1_s16(row->q + 4 * head);
    memcpy(state->k[position], row->k, sizeof row->k);
    memcpy(state->v[position], row->v, sizeof row->v);
    int32x4_t t[FAST_POSITIONS], top = t[position] = scores(q, row->k), sum = vdupq_n_s32(0);
    for (uint32_t i = 0; i < position; i++) top = vmaxq_s32(top, t[i] = scores(q, state->k[i]));
    top = vshrq_n_s32(top, TALOS_EXPONENT_FRACTION);
    int64x2_t mixed[8];
    for (int i = 0; i < 8; i++) mixed[i] = vdupq_n_s64(0);
    for (uint32_t i = 0; i <= position; i++) {
        int32x4_t weights = weights_of(t[i], top);
        sum = vaddq_s32(sum, weights);
#define HEAD(head, half, lane) \
    { \
        int32x4_t v = vld1q_s32(state->v[i] + 4 * (head)); \
        mixed[2 * (head)] = vmlal_lane_s32(mixed[2 * (head)], vget_low_s32(v), half(weights), lane); \
        mixed[2 * (head) + 1] = vmlal_lane_s32(mixed[2 * (head) + 1], vget_high_s32(v), half(weights), lane); \
    }
        HEAD(0, vget_low_s32, 0) HEAD(1, vget_low_s32, 1) HEAD(2, vget_high_s32, 0) HEAD(3, vget_high_s32, 1)
#undef HEAD
    }
    int32_t sums[4];
    vst1q_s32(sums, sum);
    for (int head = 0; head < 4; head++) {
        int e = talos_bit_length((uint32_t)sums[head]) - TALOS_RECIPROCAL_INPUT_BITS;
        const int64x2_t down = vdupq_n_s64(-(e + TALOS_MEAN_SHIFT));
        const int32x2_t inverse = vdup_n_s32(talos_reciprocal((uint32_t)sums[head] >> e));
        int64x2_t low = vmull_s32(vmovn_s64(vshlq_s64(mixed[2 * head], down)), inverse);
        int64x2_t high = vmull_s32(vmovn_s64(vshlq_s64(mixed[2 * head + 1], down)), inverse);
        int32x2_t first = vrshrn_n_s64(low, TALOS_QUOTIENT_SHIFT), second = vrshrn_n_s64(high, TALOS_QUOTIENT_SHIFT);
        q[head] = vmovn_s32(vcombine_s32(first, second));
    }
}

/* x after attention, 16 words. */
INLINE void project(const int16_t wo[FAST_EMBD][FAST_EMBD], const int32_t *before, const int16x4_t q[4], int16x4_t x[4]) {
    int32x4_t out[4];
    for (int i = 0; i < 4; i++) out[i] = vdupq_n_s32(0);
    const int at = 0;
    PRODUCT(2, out, wo, q)
    for (int i = 0; i < 4; i++) x[i] = vqmovn_s32(vaddq_s32(vld1q_s32(before + 4 * i), vrshrq_n_s32(out[i], TALOS_WORD_SHIFT)));
}

/* The scale of x. */
INLINE int32x2_t scale_of(const talos_model *m, const int16x4_t x[4]) {
    int32x4_t squares = vmull_s16(x[0], x[0]);
    for (int i = 1; i < 4; i++) squares = vmlal_s16(squares, x[i], x[i]);
    return vdup_n_s32(talos_norm_scale(&m->norm, sum_s32(squares)));
}

/* sum = lm_head * fc2 times the positive words alone. Word n belongs to hidden unit n, or where `units` is given to units[n]. */
INLINE void sparse_sums(const int16_t folded[][FAST_LANES], const int16_t *hidden, uint64_t mask, const uint8_t *units,
                        int32x4_t sum[8]) {
    for (int i = 0; i < 8; i++) sum[i] = vdupq_n_s32(0);
    for (; mask; mask &= mask - 1) {
        int n = __builtin_ctzll(mask), unit = units ? units[n] : n;
        int16x4_t h = vdup_n_s16(hidden[n]);
        for (int i = 0; i < 4; i++) {
            int16x8_t column = vld1q_s16(folded[unit] + 8 * i);
            sum[2 * i] = vmlal_s16(sum[2 * i], vget_low_s16(column), h);
            sum[2 * i + 1] = vmlal_s16(sum[2 * i + 1], vget_high_s16(column), h);
        }
    }
}

#endif
