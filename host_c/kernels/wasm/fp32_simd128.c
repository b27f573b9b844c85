/* float32 with WebAssembly SIMD, one-layer models of the shipped shape: products take an element of x and add a column of
 * the matrix, so that nothing is summed across lanes but a head's scores. */
#include "fp32_pack.h"

#if defined(TALOS_WASM)
#include <math.h>

#include "simd128.h"

INLINE v128_t mla(v128_t acc, v128_t a, v128_t b) { return wasm_f32x4_add(acc, wasm_f32x4_mul(a, b)); }

/* 2^t, relative error below 2e-7, for t held between -126 and 127. Adding 1.5 * 2^23 rounds, and leaves the integer in the
 * low bits. */
INLINE v128_t exp2_f32(v128_t t) {
    const v128_t magic = wasm_f32x4_splat(12582912.0f);
    t = wasm_f32x4_pmax(wasm_f32x4_splat(-126.0f), wasm_f32x4_pmin(wasm_f32x4_splat(127.0f), t));
    v128_t n = wasm_f32x4_add(t, magic), f = wasm_f32x4_sub(t, wasm_f32x4_sub(n, magic));
    v128_t y = mla(wasm_f32x4_splat(0.009675757641f), wasm_f32x4_splat(0.00132779389f), f);
    y = mla(wasm_f32x4_splat(0.05550709598f), y, f);
    y = mla(wasm_f32x4_splat(0.2402211434f), y, f);
    y = mla(wasm_f32x4_splat(0.6931469682f), y, f);
    y = mla(wasm_f32x4_splat(1.000000073f), y, f);
    return wasm_i32x4_add(y, wasm_i32x4_shl(n, 23));
}

/* 16 floats: the elements of x. */
typedef struct {
    v128_t quarter[4];
} row16;

INLINE row16 load16(const float *at) {
    row16 x = {{load(at), load(at + 4), load(at + 8), load(at + 12)}};
    return x;
}

/* Weights of one position, a lane a head. */
INLINE v128_t weights_of(row16 q, const float *k) {
    v128_t t[4];
    for (int head = 0; head < 4; head++) t[head] = wasm_f32x4_mul(q.quarter[head], load(k + 4 * head));
    return exp2_f32(lane_sums_f32(t[0], t[1], t[2], t[3]));
}

/* x after attention: x + Wo softmax(q.k) v. */
INLINE row16 attend(const talos_fp32_pack *p, const talos_stream *s) {
    talos_fp32_state *state = s->cache;
    const float(*row)[FAST_EMBD] = p->rows[s->token * FAST_POSITIONS + s->position];
    row16 x = load16(row[0]), q = load16(row[1]), mixed;
    memcpy(state->k[s->position], row[2], sizeof row[2]);
    memcpy(state->v[s->position], row[3], sizeof row[3]);
    v128_t sum = wasm_f32x4_splat(0);
    for (int i = 0; i < 4; i++) mixed.quarter[i] = wasm_f32x4_splat(0);
    for (uint32_t i = 0; i <= s->position; i++) {
        v128_t weights = weights_of(q, state->k[i]);
        const float *v = state->v[i];
        sum = wasm_f32x4_add(sum, weights);
        mixed.quarter[0] = mla(mixed.quarter[0], load(v), LANE(weights, 0));
        mixed.quarter[1] = mla(mixed.quarter[1], load(v + 4), LANE(weights, 1));
        mixed.quarter[2] = mla(mixed.quarter[2], load(v + 8), LANE(weights, 2));
        mixed.quarter[3] = mla(mixed.quarter[3], load(v + 12), LANE(weights, 3));
    }
    const v128_t inverse = wasm_f32x4_div(wasm_f32x4_splat(1.0f), sum);
    _Alignas(16) float elements[FAST_EMBD];
    wasm_v128_store(elements, wasm_f32x4_mul(mixed.quarter[0], LANE(inverse, 0)));
    wasm_v128_store(elements + 4, wasm_f32x4_mul(mixed.quarter[1], LANE(inverse, 1)));
    wasm_v128_store(elements + 8, wasm_f32x4_mul(mixed.quarter[2], LANE(inverse, 2)));
    wasm_v128_store(elements + 12, wasm_f32x4_mul(mixed.quarter[3], LANE(inverse, 3)));
    for (int c = 0; c < FAST_EMBD; c++) {
        const v128_t e = spread(elements + c);
        for (int i = 0; i < 4; i++) x.quarter[i] = mla(x.quarter[i], e, load(p->wo[c] + 4 * i));
    }
    return x;
}

typedef struct {
    v128_t lane[8]; /* even tokens, then odd ones */
} logits;

/* Logits: head x + s folded relu(fc1 x), over the positive units alone. */
INLINE logits mlp(const talos_fp32_pack *p, talos_fp32_state *state, row16 x) {
    _Alignas(16) float elements[FAST_EMBD];
    uint64_t mask = 0;
    v128_t sum[8], squares = wasm_f32x4_splat(0);
    logits out;
    for (int i = 0; i < 4; i++) {
        wasm_v128_store(elements + 4 * i, x.quarter[i]);
        squares = mla(squares, x.quarter[i], x.quarter[i]);
    }
    for (int at = 0; at < FAST_MLP; at += 32) {
        v128_t h[8];
        for (int i = 0; i < 8; i++) h[i] = wasm_f32x4_splat(0);
        for (int c = 0; c < FAST_EMBD; c++) {
            const v128_t e = spread(elements + c);
            for (int i = 0; i < 8; i++) h[i] = mla(h[i], e, load(p->fc1[c] + at + 4 * i));
        }
        for (int i = 0; i < 8; i++) {
            wasm_v128_store(state->hidden + at + 4 * i, h[i]);
            mask |= (uint64_t)wasm_i32x4_bitmask(wasm_f32x4_gt(h[i], wasm_f32x4_splat(0))) << (at + 4 * i);
        }
    }
    for (int i = 0; i < 8; i++) sum[i] = wasm_f32x4_splat(0);
    for (; mask; mask &= mask - 1) {
        int unit = __builtin_ctzll(mask);
        const v128_t h = spread(state->hidden + unit);
        for (int i = 0; i < 8; i++) sum[i] = mla(sum[i], h, load(p->folded[unit] + 4 * i));
    }
    squares = wasm_f32x4_add(squares, wasm_i32x4_shuffle(squares, squares, 2, 3, 0, 1));
    float total = wasm_f32x4_extract_lane(squares, 0) + wasm_f32x4_extract_lane(squares, 1);
    const v128_t scale = wasm_f32x4_splat(1.0f / sqrtf(total * (1.0f / FAST_EMBD) + (float)TALOS_EPS));
    for (int i = 0; i < 8; i++) out.lane[i] = wasm_f32x4_mul(sum[i], scale);
    for (int c = 0; c < FAST_EMBD; c++) {
        const v128_t e = spread(elements + c);
        for (int i = 0; i < 8; i++) out.lane[i] = mla(out.lane[i], e, load(p->head[c] + 4 * i));
    }
    return out;
}

/* Number of tokens whose running sum does not exceed the cut, which is the token drawn. */
INLINE uint32_t first_above(const talos_fp32_pack *p, const talos_stream *s, const logits *l, float top, uint32_t rng,
                            float *total) {
    const v128_t zero = wasm_f32x4_splat(0), tops = wasm_f32x4_splat(top), inverse = wasm_f32x4_splat(s->temper.inverse);
    v128_t odd[4], both[4], before = zero;
    for (int i = 0; i < 4; i++) {
        v128_t e = exp2_f32(wasm_f32x4_mul(wasm_f32x4_sub(l->lane[i], tops), inverse));
        v128_t o = exp2_f32(wasm_f32x4_mul(wasm_f32x4_sub(l->lane[i + 4], tops), inverse));
        odd[i] = wasm_v128_and(o, load(p->live + 16 + 4 * i));
        v128_t x = wasm_f32x4_add(wasm_v128_and(e, load(p->live + 4 * i)), odd[i]);
        x = wasm_f32x4_add(x, wasm_i32x4_shuffle(zero, x, 3, 4, 5, 6));
        x = wasm_f32x4_add(x, wasm_i32x4_shuffle(zero, x, 2, 3, 4, 5));
        both[i] = wasm_f32x4_add(x, before);
        before = LANE(both[i], 3);
    }
    *total = wasm_f32x4_extract_lane(before, 0);
    const v128_t cut = wasm_f32x4_mul(before, wasm_f32x4_splat((float)(rng & 0xFFFFFF) * 0x1p-24f));
    v128_t below = zero;
    for (int i = 0; i < 4; i++) {
        below = wasm_i32x4_sub(below, wasm_f32x4_le(wasm_f32x4_sub(both[i], odd[i]), cut));
        below = wasm_i32x4_sub(below, wasm_f32x4_le(both[i], cut));
    }
    below = wasm_i32x4_add(below, wasm_i32x4_shuffle(below, below, 2, 3, 0, 1));
    return (uint32_t)(wasm_i32x4_extract_lane(below, 0) + wasm_i32x4_extract_lane(below, 1));
}

#include "fp32_choose.h"

INLINE void draw(const talos_fp32_pack *p, talos_stream *s, const logits *l) {
    uint32_t rng = talos_next_rng(s);
    for (int i = 0; i < 4; i++) {
        wasm_v128_store(s->logits + 8 * i, wasm_i32x4_shuffle(l->lane[i], l->lane[i + 4], 0, 4, 1, 5));
        wasm_v128_store(s->logits + 8 * i + 4, wasm_i32x4_shuffle(l->lane[i], l->lane[i + 4], 2, 6, 3, 7));
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
            for (int j = 0; j < 8; j++) l.lane[j] = load(first + 4 * j);
        } else {
            l = mlp(p, s->cache, attend(p, s));
        }
        draw(p, s, &l);
    }
}

const talos_kernel talos_fp32_simd128 = {
    .name = "simd128", .arithmetic = TALOS_FP32,
    .available = talos_always, .suits = talos_fp32_suits,
    .prepare = talos_fp32_prepare,
    .cache_bytes = talos_fp32_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step,
};
#endif
