/* float32 with AVX2 and FMA, one-layer models of the shipped shape: fp32_avx512.c in halves. */
#include "fp32_pack.h"

#if defined(TALOS_X86)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,bmi,bmi2,lzcnt,popcnt")
#endif

#define INLINE static inline __attribute__((always_inline))

static bool available(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

/* 16 floats: the elements of x, or even or odd tokens. */
typedef struct {
    __m256 half[2];
} row16;

/* 2^t, relative error below 1e-7, for t held between -126 and 127. */
INLINE __m256 exp2_ps(__m256 t) {
    t = _mm256_max_ps(_mm256_min_ps(t, _mm256_set1_ps(127.0f)), _mm256_set1_ps(-126.0f));
    __m256 n = _mm256_floor_ps(t), f = _mm256_sub_ps(t, n), f2 = _mm256_mul_ps(f, f);
    __m256 low = _mm256_fmadd_ps(_mm256_set1_ps(0.6931530239f), f, _mm256_set1_ps(0.9999999267f));
    __m256 middle = _mm256_fmadd_ps(_mm256_set1_ps(0.0558261729f), f, _mm256_set1_ps(0.2401538184f));
    __m256 high = _mm256_fmadd_ps(_mm256_set1_ps(0.001877784128f), f, _mm256_set1_ps(0.008989127362f));
    __m256 y = _mm256_fmadd_ps(_mm256_fmadd_ps(high, f2, middle), f2, low);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(y), _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23)));
}

/* Sum over each head's four lanes, in all four. */
INLINE __m256 head_sum(__m256 t) {
    t = _mm256_add_ps(t, _mm256_permute_ps(t, 0xB1));
    return _mm256_add_ps(t, _mm256_permute_ps(t, 0x4E));
}

/* Output of attention: softmax(q.k) v. */
INLINE void attend(const talos_fp32_pack *p, const talos_stream *s, float mixed[FAST_EMBD]) {
    talos_fp32_state *state = s->cache;
    const float(*row)[FAST_EMBD] = p->rows[s->token * FAST_POSITIONS + s->position];
    for (int half = 0; half < 2; half++) {
        int at = 8 * half;
        __m256 q = _mm256_load_ps(row[1] + at), k = _mm256_load_ps(row[2] + at), v = _mm256_load_ps(row[3] + at);
        _mm256_store_ps(state->k[s->position] + at, k);
        _mm256_store_ps(state->v[s->position] + at, v);
        __m256 sum = exp2_ps(head_sum(_mm256_mul_ps(q, k))), total = _mm256_mul_ps(sum, v);
        for (uint32_t i = 0; i < s->position; i++) {
            __m256 weight = exp2_ps(head_sum(_mm256_mul_ps(q, _mm256_load_ps(state->k[i] + at))));
            sum = _mm256_add_ps(sum, weight);
            total = _mm256_fmadd_ps(weight, _mm256_load_ps(state->v[i] + at), total);
        }
        _mm256_store_ps(mixed + at, _mm256_mul_ps(total, _mm256_div_ps(_mm256_set1_ps(1.0f), sum)));
    }
}

/* x after attention: x + Wo mixed. */
INLINE row16 project(const talos_fp32_pack *p, const talos_stream *s, const float mixed[FAST_EMBD]) {
    const float *before = p->rows[s->token * FAST_POSITIONS + s->position][0];
    row16 x;
    for (int half = 0; half < 2; half++) {
        __m256 part[4] = {_mm256_load_ps(before + 8 * half), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
        for (int c = 0; c < FAST_EMBD; c++)
            part[c % 4] = _mm256_fmadd_ps(_mm256_set1_ps(mixed[c]), _mm256_load_ps(p->wo[c] + 8 * half), part[c % 4]);
        x.half[half] = _mm256_add_ps(_mm256_add_ps(part[0], part[1]), _mm256_add_ps(part[2], part[3]));
    }
    return x;
}

/* 1 / sqrt(mean(x^2) + eps) in all lanes. */
INLINE __m256 rms_scale(row16 x) {
    __m256 sum = _mm256_fmadd_ps(x.half[0], x.half[0], _mm256_mul_ps(x.half[1], x.half[1]));
    sum = head_sum(sum);
    sum = _mm256_add_ps(sum, _mm256_permute2f128_ps(sum, sum, 1));
    __m256 m = _mm256_fmadd_ps(sum, _mm256_set1_ps(1.0f / FAST_EMBD), _mm256_set1_ps((float)TALOS_EPS));
    return _mm256_div_ps(_mm256_set1_ps(1.0f), _mm256_sqrt_ps(m));
}

typedef struct {
    __m256 lane[4]; /* even tokens, then odd ones */
} logits;

/* Logits: head x + s folded relu(fc1 x), over the positive units alone. */
INLINE logits mlp(const talos_fp32_pack *p, talos_fp32_state *state, row16 x) {
    _Alignas(32) float elements[FAST_EMBD];
    __m256 h[8], sum[2][4];
    logits out;
    for (int i = 0; i < 2; i++) _mm256_store_ps(elements + 8 * i, x.half[i]);
    for (int i = 0; i < 8; i++) h[i] = _mm256_setzero_ps();
    for (int i = 0; i < 4; i++) out.lane[i] = sum[0][i] = sum[1][i] = _mm256_setzero_ps();
    for (int c = 0; c < FAST_EMBD; c++) {
        __m256 e = _mm256_set1_ps(elements[c]);
        for (int i = 0; i < 8; i++) h[i] = _mm256_fmadd_ps(e, _mm256_load_ps(p->fc1[c] + 8 * i), h[i]);
    }
    uint64_t mask = 0;
    for (int i = 0; i < 8; i++) {
        _mm256_store_ps(state->hidden + 8 * i, h[i]);
        int positive = _mm256_movemask_ps(_mm256_cmp_ps(h[i], _mm256_setzero_ps(), _CMP_GT_OQ));
        mask |= (uint64_t)(uint32_t)positive << 8 * i;
    }
    for (int c = 0; c < FAST_EMBD; c++) {
        __m256 e = _mm256_set1_ps(elements[c]);
        for (int i = 0; i < 4; i++) out.lane[i] = _mm256_fmadd_ps(e, _mm256_load_ps(p->head[c] + 8 * i), out.lane[i]);
    }
    __m256 scale = rms_scale(x);
    /* A scan of no bits gives 64, the row of zeros; so ten units go without a branch. */
#define UNIT(n) \
    { \
        uint64_t unit = _tzcnt_u64(mask); \
        mask &= mask - 1; \
        __m256 e = _mm256_set1_ps(state->hidden[unit]); \
        for (int i = 0; i < 4; i++) sum[n][i] = _mm256_fmadd_ps(e, _mm256_load_ps(p->folded[unit] + 8 * i), sum[n][i]); \
    }
    UNIT(0) UNIT(1) UNIT(0) UNIT(1) UNIT(0) UNIT(1) UNIT(0) UNIT(1) UNIT(0) UNIT(1)
    while (__builtin_expect(mask != 0, 0)) { UNIT(0) UNIT(1) }
#undef UNIT
    for (int i = 0; i < 4; i++) out.lane[i] = _mm256_fmadd_ps(_mm256_add_ps(sum[0][i], sum[1][i]), scale, out.lane[i]);
    return out;
}

/* Running sum over eight lanes, from `before` on. */
INLINE __m256 running_sum(__m256 x, __m256 before) {
    x = _mm256_add_ps(x, _mm256_castsi256_ps(_mm256_slli_si256(_mm256_castps_si256(x), 4)));
    x = _mm256_add_ps(x, _mm256_castsi256_ps(_mm256_slli_si256(_mm256_castps_si256(x), 8)));
    __m256 low = _mm256_permute_ps(_mm256_permute2f128_ps(x, x, 0x08), 0xFF);
    return _mm256_add_ps(_mm256_add_ps(x, low), before);
}

INLINE __m256 last_lane(__m256 x) { return _mm256_permute_ps(_mm256_permute2f128_ps(x, x, 0x11), 0xFF); }

/* Number of tokens whose running sum does not exceed the cut, which is the token drawn. */
INLINE uint32_t first_above(const talos_fp32_pack *p, const talos_stream *s, const logits *l, float top, uint32_t rng,
                            float *total) {
    __m256 w[4], inverse = _mm256_set1_ps(s->temper.inverse);
    for (int i = 0; i < 4; i++) {
        w[i] = exp2_ps(_mm256_mul_ps(_mm256_sub_ps(l->lane[i], _mm256_set1_ps(top)), inverse));
        w[i] = _mm256_and_ps(w[i], _mm256_load_ps((const float *)p->live + 8 * i));
    }
    __m256 low = running_sum(_mm256_add_ps(w[0], w[2]), _mm256_setzero_ps());
    __m256 high = running_sum(_mm256_add_ps(w[1], w[3]), last_lane(low)), sum = last_lane(high);
    __m256 cut = _mm256_mul_ps(sum, _mm256_set1_ps((float)(rng & 0xFFFFFF) * 0x1p-24f));
    __m256 sums[4] = {_mm256_sub_ps(low, w[2]), _mm256_sub_ps(high, w[3]), low, high};
    uint32_t below = 0;
    for (int i = 0; i < 4; i++) below |= (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(sums[i], cut, _CMP_LE_OQ)) << 8 * i;
    *total = _mm256_cvtss_f32(sum);
    return (uint32_t)_mm_popcnt_u32(below);
}

#include "fp32_choose.h"

INLINE void draw(const talos_fp32_pack *p, talos_stream *s, logits l) {
    uint32_t rng = talos_next_rng(s);
    for (int i = 0; i < 2; i++) {
        __m256 low = _mm256_unpacklo_ps(l.lane[i], l.lane[i + 2]), high = _mm256_unpackhi_ps(l.lane[i], l.lane[i + 2]);
        _mm256_store_ps(s->logits + 16 * i, _mm256_permute2f128_ps(low, high, 0x20));
        _mm256_store_ps(s->logits + 16 * i + 8, _mm256_permute2f128_ps(low, high, 0x31));
    }
    choose(p, s, &l, rng);
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    const talos_fp32_pack *p = m->pack;
    for (int i = 0; i < count; i++) {
        talos_stream *s = streams[i];
        logits l;
        if (s->position == 0 && p->has_first) {
            const float *first = talos_fp32_first(p, s);
            for (int j = 0; j < 4; j++) l.lane[j] = _mm256_load_ps(first + 8 * j);
        } else {
            _Alignas(32) float mixed[FAST_EMBD];
            attend(p, s, mixed);
            l = mlp(p, s->cache, project(p, s, mixed));
        }
        draw(p, s, l);
    }
}

/* Streams in lanes: what attention_lanes_fp32.h is made of. */
enum { LANES = 8 };
typedef __m256 floats;

INLINE floats spread(float x) { return _mm256_set1_ps(x); }
INLINE floats add(floats a, floats b) { return _mm256_add_ps(a, b); }
INLINE floats multiply(floats a, floats b) { return _mm256_mul_ps(a, b); }
INLINE floats multiply_add(floats a, floats b, floats c) { return _mm256_fmadd_ps(a, b, c); }
INLINE floats power_of_two(floats t) { return exp2_ps(t); }
INLINE void quotients(floats total[4], floats sum) {
    __m256 inverse = _mm256_div_ps(_mm256_set1_ps(1.0f), sum);
    for (int i = 0; i < 4; i++) total[i] = _mm256_mul_ps(total[i], inverse);
}
INLINE void transpose(__m256 r[4]) {
    __m256 low01 = _mm256_unpacklo_ps(r[0], r[1]), high01 = _mm256_unpackhi_ps(r[0], r[1]);
    __m256 low23 = _mm256_unpacklo_ps(r[2], r[3]), high23 = _mm256_unpackhi_ps(r[2], r[3]);
    r[0] = _mm256_shuffle_ps(low01, low23, 0x44);
    r[1] = _mm256_shuffle_ps(low01, low23, 0xEE);
    r[2] = _mm256_shuffle_ps(high01, high23, 0x44);
    r[3] = _mm256_shuffle_ps(high01, high23, 0xEE);
}
INLINE void quad(const float *const row[LANES], size_t at, floats out[4]) {
    for (int i = 0; i < 4; i++)
        out[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_load_ps(row[i] + at)), _mm_load_ps(row[i + 4] + at), 1);
    transpose(out);
}
INLINE void unquad(const floats in[4], float *rows, size_t stride, size_t at) {
    __m256 r[4] = {in[0], in[1], in[2], in[3]};
    transpose(r);
    for (size_t i = 0; i < 4; i++) {
        _mm_store_ps(rows + i * stride + at, _mm256_castps256_ps128(r[i]));
        _mm_store_ps(rows + (i + 4) * stride + at, _mm256_extractf128_ps(r[i], 1));
    }
}

#include "attention_lanes_fp32.h"

static void together(const talos_model *m, const talos_group *g) {
    const talos_fp32_pack *p = m->pack;
    const uint32_t bos = m->config.vocab_size - 1;
    talos_fp32_state state = {.hidden = {0}};
    talos_stream s = {.model = (talos_model *)(uintptr_t)m, .cache = &state, .temper = *g->temper, .position = g->position};
    _Alignas(32) float mixed[LANES][FAST_EMBD];
    for (size_t first = 0; first < g->count; first += LANES) {
        size_t count = g->count - first < LANES ? g->count - first : LANES;
        if (g->position) {
            const float *own[LANES];
            floats output[FAST_EMBD];
            attend_lanes(p, g, first, count, bos, output, own);
            for (size_t head = 0; head < FAST_EMBD; head += 4) unquad(output + head, mixed[0], FAST_EMBD, head);
        }
        for (size_t i = 0; i < count; i++) {
            s.token = g->position ? g->tokens[g->rows[first + i]][g->position - 1] : bos;
            s.rng = g->rng[first + i];
            logits l;
            if (g->position) l = mlp(p, &state, project(p, &s, mixed[i]));
            else
                for (int j = 0; j < 4; j++) l.lane[j] = _mm256_load_ps(p->first[bos] + 8 * j);
            draw(p, &s, l);
            g->rng[first + i] = s.rng;
            g->drawn[first + i] = (uint8_t)s.token;
        }
    }
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

const talos_kernel talos_fp32_avx2 = {
    .name = "avx2", .arithmetic = TALOS_FP32,
    .available = available, .suits = talos_fp32_suits,
    .prepare = talos_fp32_prepare,
    .cache_bytes = talos_fp32_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step, .together = together,
};
#endif
