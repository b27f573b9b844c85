/* float32 with NEON, one-layer models of the shipped shape: products take an element of x from a lane and add a column of
 * the matrix, so that nothing is summed across lanes but a head's scores. */
#include "fp32_pack.h"

#if defined(TALOS_NEON)
#include <math.h>

#include "transpose_neon.h"

/* 2^t, relative error below 2e-7, for t held between -126 and 127. Adding 1.5 * 2^23 rounds, and leaves the integer in
 * the low bits. */
INLINE float32x4_t exp2_f32(float32x4_t t) {
    const float32x4_t magic = vdupq_n_f32(12582912.0f);
    t = vmaxq_f32(vminq_f32(t, vdupq_n_f32(127.0f)), vdupq_n_f32(-126.0f));
    float32x4_t n = vaddq_f32(t, magic), f = vsubq_f32(t, vsubq_f32(n, magic));
    float32x4_t y = mla(vdupq_n_f32(0.009675757641f), vdupq_n_f32(0.00132779389f), f);
    y = mla(vdupq_n_f32(0.05550709598f), y, f);
    y = mla(vdupq_n_f32(0.2402211434f), y, f);
    y = mla(vdupq_n_f32(0.6931469682f), y, f);
    y = mla(vdupq_n_f32(1.000000073f), y, f);
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(y), vshlq_n_s32(vreinterpretq_s32_f32(n), 23)));
}

/* Comparisons of floats as integers, since ARMv7's own flush subnormals and GCC spells them out there. The second is for
 * sums and a cut that are not below zero but for rounding. */
INLINE uint32x4_t above_zero(float32x4_t x) { return vcgtq_s32(vreinterpretq_s32_f32(x), vdupq_n_s32(0)); }
INLINE uint32x4_t at_most(float32x4_t x, float32x4_t cut) {
    return vcleq_s32(vreinterpretq_s32_f32(x), vreinterpretq_s32_f32(cut));
}

/* Weights of one position, a lane a head. */
INLINE float32x4_t weights_of(float32x4x4_t q, float32x4x4_t k) {
    for (int head = 0; head < 4; head++) k.val[head] = vmulq_f32(q.val[head], k.val[head]);
    return exp2_f32(pair_sums(pair_sums(k.val[0], k.val[1]), pair_sums(k.val[2], k.val[3])));
}

/* acc += the columns of `w` times the elements of x: 16 * width rows, `skip` floats to the next column. */
#define COLUMN(width, skip, acc, quarter, lane) \
    for (int j = 0; j < (width); j++, w += 16) { \
        float32x4x4_t column = load16(w); \
        for (int i = 0; i < 4; i++) acc[4 * j + i] = MLA_LANE(acc[4 * j + i], column.val[i], quarter, lane); \
    } \
    w += (skip);
#define COLUMNS(width, skip, acc, quarter) \
    COLUMN(width, skip, acc, quarter, 0) COLUMN(width, skip, acc, quarter, 1) \
    COLUMN(width, skip, acc, quarter, 2) COLUMN(width, skip, acc, quarter, 3)
#define PRODUCT(width, skip, acc, from, x) \
    { \
        const float *w = (from); \
        COLUMNS(width, skip, acc, (x).val[0]) COLUMNS(width, skip, acc, (x).val[1]) \
        COLUMNS(width, skip, acc, (x).val[2]) COLUMNS(width, skip, acc, (x).val[3]) \
    }

/* Hidden units at a time: as many sums as there are registers for. */
#if defined(__aarch64__)
enum { UNITS = 64 };
#else
enum { UNITS = 32 };
#endif

/* Output of attention: softmax(q.k) v. */
INLINE float32x4x4_t attend(const talos_fp32_pack *p, const talos_stream *s) {
    talos_fp32_state *state = s->cache;
    const float(*row)[FAST_EMBD] = p->rows[s->token * FAST_POSITIONS + s->position];
    float32x4x4_t q = load16(row[1]), k = load16(row[2]), v = load16(row[3]), mixed;
    float32x4_t sum = weights_of(q, k);
    for (int i = 0; i < 4; i++) {
        vst1q_f32(state->k[s->position] + 4 * i, k.val[i]);
        vst1q_f32(state->v[s->position] + 4 * i, v.val[i]);
    }
    mixed.val[0] = vmulq_n_f32(v.val[0], vgetq_lane_f32(sum, 0));
    mixed.val[1] = vmulq_n_f32(v.val[1], vgetq_lane_f32(sum, 1));
    mixed.val[2] = vmulq_n_f32(v.val[2], vgetq_lane_f32(sum, 2));
    mixed.val[3] = vmulq_n_f32(v.val[3], vgetq_lane_f32(sum, 3));
    for (uint32_t i = 0; i < s->position; i++) {
        float32x4_t weights = weights_of(q, load16(state->k[i]));
        v = load16(state->v[i]);
        sum = vaddq_f32(sum, weights);
        mixed.val[0] = MLA_LANE(mixed.val[0], v.val[0], weights, 0);
        mixed.val[1] = MLA_LANE(mixed.val[1], v.val[1], weights, 1);
        mixed.val[2] = MLA_LANE(mixed.val[2], v.val[2], weights, 2);
        mixed.val[3] = MLA_LANE(mixed.val[3], v.val[3], weights, 3);
    }
    float32x4_t inverse = inverse_f32(sum);
    mixed.val[0] = vmulq_n_f32(mixed.val[0], vgetq_lane_f32(inverse, 0));
    mixed.val[1] = vmulq_n_f32(mixed.val[1], vgetq_lane_f32(inverse, 1));
    mixed.val[2] = vmulq_n_f32(mixed.val[2], vgetq_lane_f32(inverse, 2));
    mixed.val[3] = vmulq_n_f32(mixed.val[3], vgetq_lane_f32(inverse, 3));
    return mixed;
}

/* x after attention: x + Wo mixed. */
INLINE float32x4x4_t project(const talos_fp32_pack *p, const talos_stream *s, float32x4x4_t mixed) {
    float32x4x4_t x = load16(p->rows[s->token * FAST_POSITIONS + s->position][0]);
    PRODUCT(1, 0, x.val, p->wo[0], mixed)
    return x;
}

typedef struct {
    float32x4_t lane[8]; /* even tokens, then odd ones */
} logits;

/* Logits: head x + s folded relu(fc1 x), over the positive units alone, of which unit u is hidden[stride * u]. */
INLINE void head_product(const talos_fp32_pack *p, const float *hidden, size_t stride, uint64_t mask, float32x4x4_t x, logits *l) {
    float32x4_t sum[8];
    for (int i = 0; i < 8; i++) sum[i] = vdupq_n_f32(0.0f);
    for (; mask; mask &= mask - 1) {
        size_t unit = (size_t)__builtin_ctzll(mask);
        float h = hidden[stride * unit];
        for (int j = 0; j < 2; j++) {
            float32x4x4_t column = load16(p->folded[unit] + 16 * j);
            for (int i = 0; i < 4; i++) sum[4 * j + i] = mla(sum[4 * j + i], column.val[i], vdupq_n_f32(h));
        }
    }
    float32x4_t squares = vmulq_f32(x.val[0], x.val[0]);
    for (int i = 1; i < 4; i++) squares = mla(squares, x.val[i], x.val[i]);
    float scale = 1.0f / sqrtf(sum_f32(squares) * (1.0f / FAST_EMBD) + (float)TALOS_EPS);
    for (int i = 0; i < 8; i++) l->lane[i] = vmulq_n_f32(sum[i], scale);
    PRODUCT(2, 0, l->lane, p->head[0], x)
}

INLINE void mlp(const talos_fp32_pack *p, talos_fp32_state *state, float32x4x4_t x, logits *l) {
    uint8x8_t positive[8];
    for (int at = 0; at < FAST_MLP; at += UNITS) {
        float32x4_t h[UNITS / 4];
        for (int i = 0; i < UNITS / 4; i++) h[i] = vdupq_n_f32(0.0f);
        PRODUCT(UNITS / 16, FAST_MLP - UNITS, h, p->fc1[0] + at, x)
        for (int i = 0; i < UNITS / 4; i++) vst1q_f32(state->hidden + at + 4 * i, h[i]);
        for (int i = 0; i < UNITS / 8; i++)
            positive[at / 8 + i] = vmovn_u16(vcombine_u16(vmovn_u32(above_zero(h[2 * i])), vmovn_u32(above_zero(h[2 * i + 1]))));
    }
    head_product(p, state->hidden, 1, bits_of(positive), x, l);
}

/* Number of tokens whose running sum does not exceed the cut, which is the token drawn. */
INLINE uint32_t first_above(const talos_fp32_pack *p, const talos_stream *s, const logits *l, float top, uint32_t rng,
                            float *total) {
    const float32x4_t zero = vdupq_n_f32(0.0f), tops = vdupq_n_f32(top), inverse = vdupq_n_f32(s->temper.inverse);
    float32x4_t odd[4], pairs[4], before = zero;
    for (int i = 0; i < 4; i++) {
        float32x4_t e = exp2_f32(vmulq_f32(vsubq_f32(l->lane[i], tops), inverse));
        float32x4_t o = exp2_f32(vmulq_f32(vsubq_f32(l->lane[i + 4], tops), inverse));
        e = vreinterpretq_f32_s32(vandq_s32(vreinterpretq_s32_f32(e), vld1q_s32(p->live + 4 * i)));
        odd[i] = vreinterpretq_f32_s32(vandq_s32(vreinterpretq_s32_f32(o), vld1q_s32(p->live + 16 + 4 * i)));
        float32x4_t x = vaddq_f32(e, odd[i]);
        x = vaddq_f32(x, vextq_f32(zero, x, 3));
        x = vaddq_f32(x, vextq_f32(zero, x, 2));
        pairs[i] = vaddq_f32(x, before);
        before = vdupq_n_f32(vgetq_lane_f32(pairs[i], 3));
    }
    *total = vgetq_lane_f32(before, 0);
    const float32x4_t cut = vmulq_f32(before, vdupq_n_f32((float)(rng & 0xFFFFFF) * 0x1p-24f));
    uint32x4_t below = vdupq_n_u32(0);
    for (int i = 0; i < 4; i++) {
        below = vsubq_u32(below, at_most(vsubq_f32(pairs[i], odd[i]), cut));
        below = vsubq_u32(below, at_most(pairs[i], cut));
    }
    return (uint32_t)sum_s32(vreinterpretq_s32_u32(below));
}

#include "fp32_choose.h"

INLINE void draw(const talos_fp32_pack *p, talos_stream *s, const logits *l) {
    uint32_t rng = talos_next_rng(s);
    for (int i = 0; i < 4; i++) {
        float32x4x2_t both = {{l->lane[i], l->lane[i + 4]}};
        vst2q_f32(s->logits + 8 * i, both);
    }
    choose(p, s, l, rng);
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    const talos_fp32_pack *p = m->pack;
    for (int i = 0; i < count; i++) {
        talos_stream *s = streams[i];
        logits l;
        if (s->position == 0 && p->has_first) {
            const float *first = talos_fp32_first(p, s);
            for (int j = 0; j < 8; j++) l.lane[j] = vld1q_f32(first + 4 * j);
        } else {
            mlp(p, s->cache, project(p, s, attend(p, s)), &l);
        }
        draw(p, s, &l);
    }
}

/* Streams in lanes: what attention_lanes_fp32.h is made of. */
typedef float32x4_t floats;

INLINE floats spread(float x) { return vdupq_n_f32(x); }
INLINE floats add(floats a, floats b) { return vaddq_f32(a, b); }
INLINE floats multiply(floats a, floats b) { return vmulq_f32(a, b); }
INLINE floats multiply_add(floats a, floats b, floats c) { return mla(c, a, b); }
INLINE floats power_of_two(floats t) { return exp2_f32(t); }
INLINE void quotients(floats total[4], floats sum) {
    floats inverse = inverse_f32(sum);
    for (int i = 0; i < 4; i++) total[i] = vmulq_f32(total[i], inverse);
}
INLINE void transpose_f32(floats r[4]) {
    int32x4_t words[4];
    for (int i = 0; i < 4; i++) words[i] = vreinterpretq_s32_f32(r[i]);
    transpose(words);
    for (int i = 0; i < 4; i++) r[i] = vreinterpretq_f32_s32(words[i]);
}
INLINE void quad(const float *const row[LANES], size_t at, floats out[4]) {
    for (int i = 0; i < 4; i++) out[i] = vld1q_f32(row[i] + at);
    transpose_f32(out);
}
INLINE void unquad(const floats in[4], float *rows, size_t stride, size_t at) {
    floats r[4] = {in[0], in[1], in[2], in[3]};
    transpose_f32(r);
    for (size_t i = 0; i < 4; i++) vst1q_f32(rows + i * stride + at, r[i]);
}

#include "attention_lanes_fp32.h"

/* Hidden units that are positive, by lane: units 0 to 31 in the first half, the others in the second. */
typedef struct {
    uint32_t half[2][LANES];
} positive_units;

/* From the output of attention: x after it, by lane, and the hidden units, [unit][lane]. A weight is a lane of a vector of
 * four, so that a product needs a quarter of a load where a single stream needs one. */
static void products(const talos_fp32_pack *p, const floats mixed[FAST_EMBD], const float *const own[LANES],
                     float rows[LANES][FAST_EMBD], float hidden[FAST_MLP][LANES], positive_units *positive) {
    floats x[FAST_EMBD];
#define FOUR(acc, v, w) \
    { \
        float32x4_t weights = vld1q_f32(w); \
        (acc)[0] = MLA_LANE((acc)[0], v, weights, 0); \
        (acc)[1] = MLA_LANE((acc)[1], v, weights, 1); \
        (acc)[2] = MLA_LANE((acc)[2], v, weights, 2); \
        (acc)[3] = MLA_LANE((acc)[3], v, weights, 3); \
    }
    for (int r = 0; r < FAST_EMBD; r += 4) {
        quad(own, (size_t)r, x + r);
        for (int c = 0; c < FAST_EMBD; c++) FOUR(x + r, mixed[c], p->wo[c] + r)
        unquad(x + r, rows[0], FAST_EMBD, (size_t)r);
    }
    for (int half = 1; half >= 0; half--) {
        uint32x4_t bits = vdupq_n_u32(0);
        for (int unit = 32 * half + 24; unit >= 32 * half; unit -= 8) {
            floats h[8];
            for (int i = 0; i < 8; i++) h[i] = vdupq_n_f32(0.0f);
            for (int c = 0; c < FAST_EMBD; c++) {
                FOUR(h, x[c], p->fc1[c] + unit)
                FOUR(h + 4, x[c], p->fc1[c] + unit + 4)
            }
            for (int i = 7; i >= 0; i--) {
                vst1q_f32(hidden[unit + i], h[i]);
                bits = vsubq_u32(vaddq_u32(bits, bits), above_zero(h[i]));
            }
        }
        vst1q_u32(positive->half[half], bits);
    }
#undef FOUR
}

/* A step of the stream in a lane, from its products; position 0 needs none. */
static void finish_lane(const talos_fp32_pack *p, talos_stream *s, const float row[FAST_EMBD],
                        const float hidden[FAST_MLP][LANES], const positive_units *positive, size_t lane) {
    logits l;
    if (s->position) {
        uint64_t mask = (uint64_t)positive->half[1][lane] << 32 | positive->half[0][lane];
        head_product(p, hidden[0] + lane, LANES, mask, load16(row), &l);
    } else {
        for (int i = 0; i < 8; i++) l.lane[i] = vld1q_f32(p->first[s->model->config.vocab_size - 1] + 4 * i);
    }
    draw(p, s, &l);
}

static void together(const talos_model *m, const talos_group *g) {
    const talos_fp32_pack *p = m->pack;
    const uint32_t bos = m->config.vocab_size - 1;
    talos_stream s = {.model = (talos_model *)(uintptr_t)m, .temper = *g->temper, .position = g->position};
    _Alignas(64) float rows[LANES][FAST_EMBD];
    _Alignas(64) float hidden[FAST_MLP][LANES];
    for (size_t first = 0; first < g->count; first += LANES) {
        size_t count = g->count - first < LANES ? g->count - first : LANES;
        positive_units positive;
        if (g->position) {
            floats mixed[FAST_EMBD];
            const float *own[LANES];
            attend_lanes(p, g, first, count, bos, mixed, own);
            products(p, mixed, own, rows, hidden, &positive);
        }
        for (size_t i = 0; i < count; i++) {
            s.rng = g->rng[first + i];
            finish_lane(p, &s, rows[i], (const float(*)[LANES])hidden, &positive, i);
            g->rng[first + i] = s.rng;
            g->drawn[first + i] = (uint8_t)s.token;
        }
    }
}

const talos_kernel talos_fp32_neon = {
    .name = "neon", .arithmetic = TALOS_FP32,
    .available = talos_always, .suits = talos_fp32_suits,
    .prepare = talos_fp32_prepare,
    .cache_bytes = talos_fp32_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step, .together = together,
};
#endif
