/* `precise` with NEON, one-layer models of the shipped shape. 16-bit elements are multiplied into 32-bit sums, which
 * precise_pack.c proves to be wide enough for the model before this kernel may run it. */
#include "precise_pack.h"

#if defined(TALOS_NEON)
#include <stdlib.h>
#include <string.h>

#include "neon.h"

/* The weights of talos_precise_pack by column instead of by pairs of columns. */
typedef struct {
    _Alignas(64) int16_t wo[FAST_EMBD][FAST_EMBD];
    int16_t fc1[FAST_EMBD][FAST_MLP];
    int16_t head[FAST_EMBD][FAST_LANES];
    int16_t folded[FAST_MLP][FAST_LANES];
    int32_t live[FAST_LANES];
    talos_precise_row rows[];
} neon_pack;

static talos_status prepare(talos_model *m, void **pack) {
    void *memory;
    talos_status status = talos_precise_prepare(m, &memory);
    if (status != TALOS_OK) return status;
    const talos_precise_pack *from = memory;
    size_t rows = (size_t)m->config.vocab_size * FAST_POSITIONS * sizeof from->rows[0];
    neon_pack *to = talos_allocate(sizeof *to + rows);
    if (to) {
        for (int c = 0; c < FAST_EMBD; c++) {
            for (int r = 0; r < FAST_EMBD; r++) to->wo[c][r] = from->wo[c / 2][r][c % 2];
            for (int r = 0; r < FAST_MLP; r++) to->fc1[c][r] = from->fc1[c / 2][r][c % 2];
            for (int r = 0; r < FAST_LANES; r++) to->head[c][r] = from->head[c / 2][r][c % 2];
        }
        for (int unit = 0; unit < FAST_MLP; unit++)
            for (int r = 0; r < FAST_LANES; r++) to->folded[unit][r] = from->folded[unit][r][0];
        memcpy(to->live, from->live, sizeof to->live);
        memcpy(to->rows, from->rows, rows);
    }
    free(memory);
    *pack = to;
    return to ? TALOS_OK : TALOS_NO_MEMORY;
}

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

/* x after attention, 16 words. */
INLINE void attend(const neon_pack *p, const talos_stream *s, int16x4_t x[4]) {
    talos_precise_state *state = s->cache;
    const talos_precise_row *row = &p->rows[s->token * FAST_POSITIONS + s->position];
    int16x4_t q[4];
    for (int head = 0; head < 4; head++) q[head] = vld1_s16(row->q + 4 * head);
    memcpy(state->k[s->position], row->k, sizeof row->k);
    memcpy(state->v[s->position], row->v, sizeof row->v);
    int32x4_t t[FAST_POSITIONS], top = t[s->position] = scores(q, row->k), sum = vdupq_n_s32(0);
    for (uint32_t i = 0; i < s->position; i++) top = vmaxq_s32(top, t[i] = scores(q, state->k[i]));
    top = vshrq_n_s32(top, TALOS_EXPONENT_FRACTION);
    int64x2_t mixed[8];
    for (int i = 0; i < 8; i++) mixed[i] = vdupq_n_s64(0);
    for (uint32_t i = 0; i <= s->position; i++) {
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
    int32x4_t out[4];
    for (int i = 0; i < 4; i++) out[i] = vdupq_n_s32(0);
    const int at = 0;
    PRODUCT(2, out, p->wo, q)
    for (int i = 0; i < 4; i++) x[i] = vqmovn_s32(vaddq_s32(vld1q_s32(row->x + 4 * i), vrshrq_n_s32(out[i], TALOS_WORD_SHIFT)));
}

/* Logits, even tokens and then odd ones: head x + s folded relu(fc1 x), over the positive units alone. */
INLINE void mlp(const talos_model *m, const neon_pack *p, talos_precise_state *state, const int16x4_t x[4], int32x4_t logits[8]) {
    int16_t *hidden = (int16_t *)state->hidden;
    uint8x8_t positive[8];
    for (int at = 0; at < FAST_MLP; at += 32) {
        int32x4_t h[8];
        for (int i = 0; i < 8; i++) h[i] = vdupq_n_s32(0);
        PRODUCT(4, h, p->fc1, x)
        for (int i = 0; i < 4; i++) {
            int16x4_t low = vqmovn_s32(vrshrq_n_s32(h[2 * i], TALOS_WORD_SHIFT));
            int16x8_t unit = vcombine_s16(low, vqmovn_s32(vrshrq_n_s32(h[2 * i + 1], TALOS_WORD_SHIFT)));
            vst1q_s16(hidden + at + 8 * i, unit);
            positive[at / 8 + i] = vmovn_u16(vcgtq_s16(unit, vdupq_n_s16(0)));
        }
    }
    int32x4_t sum[8], squares = vmull_s16(x[0], x[0]);
    for (int i = 1; i < 4; i++) squares = vmlal_s16(squares, x[i], x[i]);
    const int32x2_t scale = vdup_n_s32(talos_rms_scale_of(m, sum_s32(squares)));
    for (int i = 0; i < 8; i++) logits[i] = sum[i] = vdupq_n_s32(0);
    for (uint64_t mask = bits_of(positive); mask; mask &= mask - 1) {
        int unit = __builtin_ctzll(mask);
        int16x4_t h = vdup_n_s16(hidden[unit]);
        for (int i = 0; i < 4; i++) {
            int16x8_t column = vld1q_s16(p->folded[unit] + 8 * i);
            sum[2 * i] = vmlal_s16(sum[2 * i], vget_low_s16(column), h);
            sum[2 * i + 1] = vmlal_s16(sum[2 * i + 1], vget_high_s16(column), h);
        }
    }
    const int at = 0;
    PRODUCT(4, logits, p->head, x)
    for (int i = 0; i < 8; i++) {
        int32x4_t wide = vmaxq_s32(vrshrq_n_s32(sum[i], TALOS_WIDE_SHIFT), vdupq_n_s32(TALOS_Q4_12_WIDE_LOW));
        wide = vminq_s32(wide, vdupq_n_s32(TALOS_Q4_12_WIDE_HIGH));
        int32x2_t low = vshrn_n_s64(vmull_s32(vget_low_s32(wide), scale), TALOS_SCALED_SHIFT);
        int32x2_t high = vshrn_n_s64(vmull_s32(vget_high_s32(wide), scale), TALOS_SCALED_SHIFT);
        int32x4_t total = vaddq_s32(vcombine_s32(low, high), logits[i]);
        logits[i] = vmovl_s16(vqmovn_s32(vrshrq_n_s32(total, TALOS_WORD_SHIFT)));
    }
}

/* round(logit * inverse / 2^shift). */
INLINE int32x4_t exponent(const talos_stream *s, int32x4_t logit) {
    const int32x2_t inverse = vdup_n_s32(s->temper.inverse_word);
    const int64x2_t down = vdupq_n_s64(-s->temper.shift);
    return vcombine_s32(vmovn_s64(vrshlq_s64(vmull_s32(vget_low_s32(logit), inverse), down)),
                        vmovn_s64(vrshlq_s64(vmull_s32(vget_high_s32(logit), inverse), down)));
}

INLINE void draw(const neon_pack *p, talos_stream *s, const int32x4_t l[8]) {
    uint32_t rng = talos_next_rng(s);
    for (int i = 0; i < 4; i++) {
        int32x4x2_t both = {{l[i], l[i + 4]}};
        vst2q_s32(s->words + 8 * i, both);
    }
    if (__builtin_expect(s->greedy, 0)) {
        s->token = talos_precise_draw(s, s->model->config.vocab_size, rng);
        return;
    }
    const int32x4_t zero = vdupq_n_s32(0), lowest = vdupq_n_s32(-(1 << 30));
    int32x4_t t[8], odd[4], pairs[4], top = lowest, before = zero;
    for (int i = 0; i < 8; i++) {
        t[i] = vbslq_s32(vreinterpretq_u32_s32(vld1q_s32(p->live + 4 * i)), exponent(s, l[i]), lowest);
        top = vmaxq_s32(top, t[i]);
    }
    top = vdupq_n_s32(max_s32(top) >> TALOS_EXPONENT_FRACTION);
    for (int i = 0; i < 4; i++) {
        odd[i] = weights_of(t[i + 4], top);
        int32x4_t x = vaddq_s32(weights_of(t[i], top), odd[i]);
        x = vaddq_s32(x, vextq_s32(zero, x, 3));
        x = vaddq_s32(x, vextq_s32(zero, x, 2));
        pairs[i] = vaddq_s32(x, before);
        before = vdupq_n_s32(vgetq_lane_s32(pairs[i], 3));
    }
    const int32x4_t cut = vdupq_n_s32((int32_t)((uint64_t)(rng & 0xFFFFFF) * (uint32_t)vgetq_lane_s32(before, 0) >> 24));
    uint32x4_t below = vdupq_n_u32(0);
    for (int i = 0; i < 4; i++) {
        below = vsubq_u32(below, vcleq_s32(vsubq_s32(pairs[i], odd[i]), cut));
        below = vsubq_u32(below, vcleq_s32(pairs[i], cut));
    }
    s->token = (uint32_t)sum_s32(vreinterpretq_s32_u32(below));
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    const neon_pack *p = m->pack;
    for (int i = 0; i < count; i++) {
        int16x4_t x[4];
        int32x4_t logits[8];
        attend(p, streams[i], x);
        mlp(m, p, streams[i]->cache, x, logits);
        draw(p, streams[i], logits);
    }
}

const talos_kernel talos_precise_neon = {
    .name = "neon", .arithmetic = TALOS_PRECISE, .word_width = TALOS_Q4_12_WIDTH,
    .available = talos_always, .suits = talos_precise_suits,
    .prepare = prepare,
    .cache_bytes = talos_precise_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step,
};
#endif
