/* `precise` with AVX2, one-layer models of the shipped shape: precise_avx512.c in halves. Sums are exact in 32 bits, which
 * precise_pack.c proves for the model before this kernel may run it. */
#include "precise_pack.h"

#if defined(TALOS_X86)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt")
#endif

#define INLINE static inline __attribute__((always_inline))

static bool available(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"); }

/* 16 words of 32 bits. */
typedef struct {
    __m256i half[2];
} row16;

INLINE __m256i load(const void *at) { return _mm256_load_si256(at); }

INLINE __m256i clamp_word(__m256i x) {
    return _mm256_max_epi32(_mm256_min_epi32(x, _mm256_set1_epi32(TALOS_Q4_12_HIGH)), _mm256_set1_epi32(TALOS_Q4_12_LOW));
}

/* 2^16 * 2^f of an exponent's fraction f. */
INLINE __m256i mantissa(const talos_precise_pack *p, __m256i t) {
    __m256i index = _mm256_and_si256(_mm256_srli_epi32(t, TALOS_EXP2_STEP_BITS), _mm256_set1_epi32(TALOS_EXP2_LINES - 1));
    __m256i base = _mm256_i32gather_epi32(p->tables.exp2_base, index, 4), slope = _mm256_i32gather_epi32(p->tables.exp2_slope, index, 4);
    __m256i d = _mm256_and_si256(t, _mm256_set1_epi32(TALOS_LOW_BITS(TALOS_EXP2_STEP_BITS)));
    __m256i step = _mm256_madd_epi16(slope, _mm256_or_si256(d, _mm256_set1_epi32(1 << 16)));
    return _mm256_add_epi32(base, _mm256_srai_epi32(step, TALOS_EXP2_STEP_BITS));
}

/* Weight of t where the largest integer part is top. */
INLINE __m256i weight(const talos_precise_pack *p, __m256i t, __m256i top) {
    return _mm256_srlv_epi32(mantissa(p, t), _mm256_sub_epi32(top, _mm256_srai_epi32(t, TALOS_EXPONENT_FRACTION)));
}

/* Scores of one position, each in the four lanes of its head: heads 0 and 1, or 2 and 3. */
INLINE row16 scores(__m256i q, const int16_t *k) {
    __m256i t = _mm256_madd_epi16(q, load(k));
    t = _mm256_add_epi32(t, _mm256_shuffle_epi32(t, 0xB1));
    t = _mm256_srai_epi32(_mm256_add_epi32(t, _mm256_set1_epi32(TALOS_SCORE_HALF)), TALOS_SCORE_SHIFT);
    row16 out = {{_mm256_permutevar8x32_epi32(t, _mm256_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2)),
                  _mm256_permutevar8x32_epi32(t, _mm256_setr_epi32(4, 4, 4, 4, 6, 6, 6, 6))}};
    return out;
}

/* Weighted mean of eight lanes as words, pairs of them in the lower half of each pair of lanes. */
INLINE __m256i divide(__m256i even, __m256i odd, __m256i sum) {
    /* The sum has at most 21 bits, so float holds it exactly and its exponent is the bit length. */
    const __m256i bias = _mm256_set1_epi32(126 + TALOS_RECIPROCAL_INPUT_BITS);
    __m256i e = _mm256_sub_epi32(_mm256_srli_epi32(_mm256_castps_si256(_mm256_cvtepi32_ps(sum)), 23), bias);
    __m256i u = _mm256_srlv_epi32(sum, e), index = _mm256_srli_epi32(u, TALOS_RECIPROCAL_STEP_BITS);
    index = _mm256_sub_epi32(index, _mm256_set1_epi32(TALOS_RECIPROCAL_FIRST));
    __m256i base = _mm256_i32gather_epi32(&talos_reciprocal_lines[0][0], index, 8);
    __m256i slope = _mm256_i32gather_epi32(&talos_reciprocal_lines[0][1], index, 8);
    __m256i step = _mm256_madd_epi16(slope, _mm256_and_si256(u, _mm256_set1_epi32(TALOS_LOW_BITS(TALOS_RECIPROCAL_STEP_BITS))));
    step = _mm256_add_epi32(step, _mm256_set1_epi32(TALOS_RECIPROCAL_STEP_HALF));
    step = _mm256_srai_epi32(step, TALOS_RECIPROCAL_STEP_BITS);
    __m256i inverse = _mm256_min_epi32(_mm256_add_epi32(base, step), _mm256_set1_epi32(TALOS_RECIPROCAL_HIGH));
    __m256i down = _mm256_and_si256(_mm256_add_epi32(e, _mm256_set1_epi32(TALOS_MEAN_SHIFT)), _mm256_set1_epi64x(255));
    /* There is no arithmetic shift of 64 bits: shift from above zero, then take the offset off again. */
    __m256i offset = _mm256_set1_epi64x((int64_t)1 << 40), shifted = _mm256_srlv_epi64(offset, down);
    even = _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_add_epi64(even, offset), down), shifted);
    odd = _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_add_epi64(odd, offset), down), shifted);
    __m256i rounding = _mm256_set1_epi64x(1 << (TALOS_QUOTIENT_SHIFT - 1));
    even = _mm256_srli_epi64(_mm256_add_epi64(_mm256_mul_epi32(even, inverse), rounding), TALOS_QUOTIENT_SHIFT);
    odd = _mm256_srli_epi64(_mm256_add_epi64(_mm256_mul_epi32(odd, inverse), rounding), TALOS_QUOTIENT_SHIFT);
    return _mm256_blend_epi16(even, _mm256_slli_epi64(odd, 16), 0x22);
}

/* x after attention, 16 words. */
INLINE row16 attend(const talos_precise_pack *p, const talos_stream *s) {
    talos_precise_state *state = s->cache;
    const talos_precise_row *row = &p->rows[s->token * FAST_POSITIONS + s->position];
    __m256i q = load(row->q);
    _mm256_store_si256((__m256i *)state->k[s->position], load(row->k));
    for (int half = 0; half < 2; half++)
        _mm256_store_si256((__m256i *)(state->v[s->position] + 8 * half), load(row->v + 8 * half));
    row16 t[FAST_POSITIONS], top;
    for (uint32_t i = 0; i <= s->position; i++) {
        t[i] = scores(q, i < s->position ? state->k[i] : row->k);
        for (int half = 0; half < 2; half++)
            top.half[half] = i ? _mm256_max_epi32(top.half[half], t[i].half[half]) : t[i].half[half];
    }
    _Alignas(32) int32_t mixed[FAST_EMBD];
    for (int half = 0; half < 2; half++) {
        __m256i sum = _mm256_setzero_si256(), even = sum, odd = sum, most = _mm256_srai_epi32(top.half[half], TALOS_EXPONENT_FRACTION);
        for (uint32_t i = 0; i <= s->position; i++) {
            __m256i w = weight(p, t[i].half[half], most), v = load((i < s->position ? state->v[i] : row->v) + 8 * half);
            sum = _mm256_add_epi32(sum, w);
            even = _mm256_add_epi64(even, _mm256_mul_epi32(w, v));
            odd = _mm256_add_epi64(odd, _mm256_mul_epi32(w, _mm256_srli_epi64(v, 32)));
        }
        _mm256_store_si256((__m256i *)(mixed + 8 * half), divide(even, odd, sum));
    }
    row16 x;
    for (int half = 0; half < 2; half++) {
        __m256i part[2] = {_mm256_set1_epi32(TALOS_WORD_HALF), _mm256_setzero_si256()};
        for (int pair = 0; pair < 8; pair++) {
            __m256i product = _mm256_madd_epi16(_mm256_set1_epi32(mixed[2 * pair]), load(p->wo[pair][8 * half]));
            part[pair % 2] = _mm256_add_epi32(part[pair % 2], product);
        }
        __m256i out = _mm256_srai_epi32(_mm256_add_epi32(part[0], part[1]), TALOS_WORD_SHIFT);
        x.half[half] = clamp_word(_mm256_add_epi32(load(row->x + 8 * half), out));
    }
    return x;
}

typedef struct {
    __m256i lane[4]; /* even tokens, then odd ones */
} logits;

/* As in precise_scalar.c; `addend` comes with half a word. */
INLINE __m256i scaled(__m256i total, __m256i scale, __m256i addend) {
    __m256i wide = _mm256_srai_epi32(_mm256_add_epi32(total, _mm256_set1_epi32(TALOS_WIDE_HALF)), TALOS_WIDE_SHIFT);
    wide = _mm256_min_epi32(wide, _mm256_set1_epi32(TALOS_Q4_12_WIDE_HIGH));
    wide = _mm256_max_epi32(wide, _mm256_set1_epi32(TALOS_Q4_12_WIDE_LOW));
    __m256i even = _mm256_srli_epi64(_mm256_mul_epi32(wide, scale), TALOS_SCALED_SHIFT);
    __m256i odd = _mm256_slli_epi64(_mm256_mul_epi32(_mm256_srli_epi64(wide, 32), scale), 32 - TALOS_SCALED_SHIFT);
    __m256i product = _mm256_blend_epi32(even, odd, 0xAA);
    return clamp_word(_mm256_srai_epi32(_mm256_add_epi32(product, addend), TALOS_WORD_SHIFT));
}

/* Logits: head x + s folded relu(fc1 x), over the positive units alone. */
INLINE logits mlp(const talos_model *m, const talos_precise_pack *p, talos_precise_state *state, row16 x) {
    _Alignas(32) int32_t pairs[FAST_EMBD]; /* every other one is a pair of words */
    int32_t squares = 0;
    for (int half = 0; half < 2; half++) {
        __m256i pair = _mm256_blend_epi16(x.half[half], _mm256_srli_epi64(x.half[half], 16), 0x22);
        __m256i square = _mm256_and_si256(_mm256_madd_epi16(pair, pair), _mm256_set1_epi64x(0xFFFFFFFF));
        _mm256_store_si256((__m256i *)(pairs + 8 * half), pair);
        __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(square), _mm256_extracti128_si256(square, 1));
        squares += _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_unpackhi_epi64(sum, sum)));
    }
    __m256i scale = _mm256_set1_epi32(talos_rms_scale_of(m, squares));
    __m256i h[8], addend[4], sum[4];
    for (int i = 0; i < 8; i++) h[i] = _mm256_set1_epi32(TALOS_WORD_HALF);
    for (int i = 0; i < 4; i++) addend[i] = _mm256_set1_epi32(TALOS_WORD_HALF), sum[i] = _mm256_setzero_si256();
    for (int pair = 0; pair < 8; pair++) {
        __m256i e = _mm256_set1_epi32(pairs[2 * pair]);
        for (int i = 0; i < 8; i++) h[i] = _mm256_add_epi32(h[i], _mm256_madd_epi16(e, load(p->fc1[pair][8 * i])));
    }
    uint64_t mask = 0;
    for (int i = 0; i < 8; i++) {
        __m256i unit = _mm256_min_epi32(_mm256_srai_epi32(h[i], TALOS_WORD_SHIFT), _mm256_set1_epi32(TALOS_Q4_12_HIGH));
        _mm256_store_si256((__m256i *)(state->hidden + 8 * i), unit);
        __m256i positive = _mm256_cmpgt_epi32(unit, _mm256_setzero_si256());
        mask |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(positive)) << 8 * i;
    }
    for (int pair = 0; pair < 8; pair++) {
        __m256i e = _mm256_set1_epi32(pairs[2 * pair]);
        for (int i = 0; i < 4; i++)
            addend[i] = _mm256_add_epi32(addend[i], _mm256_madd_epi16(e, load(p->head[pair][8 * i])));
    }
    /* A scan of no bits gives 64, the row of zeros; so ten units go without a branch. */
#define UNIT \
    { \
        uint64_t unit = _tzcnt_u64(mask); \
        mask &= mask - 1; \
        __m256i e = _mm256_set1_epi32(state->hidden[unit]); \
        for (int i = 0; i < 4; i++) \
            sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(e, load(p->folded[unit][8 * i]))); \
    }
    UNIT UNIT UNIT UNIT UNIT UNIT UNIT UNIT UNIT UNIT
    while (__builtin_expect(mask != 0, 0)) UNIT
#undef UNIT
    logits out;
    for (int i = 0; i < 4; i++) out.lane[i] = scaled(sum[i], scale, addend[i]);
    return out;
}

/* round(logit * inverse / 2^shift), with the inverse in two parts so that the product fits 32 bits. */
INLINE __m256i exponent(const talos_stream *s, __m256i logit, __m256i live) {
    int32_t inverse = s->temper.inverse_word, shift = s->temper.shift;
    __m256i high = _mm256_mullo_epi32(logit, _mm256_set1_epi32(inverse >> 2));
    __m256i low = _mm256_srai_epi32(_mm256_mullo_epi32(logit, _mm256_set1_epi32(inverse & 3)), 2);
    __m256i sum = _mm256_add_epi32(high, _mm256_add_epi32(low, _mm256_set1_epi32(1 << (shift - 3))));
    __m256i t = _mm256_sra_epi32(sum, _mm_cvtsi32_si128(shift - 2));
    return _mm256_blendv_epi8(_mm256_set1_epi32(-(1 << 30)), t, live);
}

INLINE __m256i last_lane(__m256i x) { return _mm256_shuffle_epi32(_mm256_permute2x128_si256(x, x, 0x11), 0xFF); }

/* Running sum over eight lanes, from `before` on. */
INLINE __m256i running_sum(__m256i x, __m256i before) {
    x = _mm256_add_epi32(x, _mm256_slli_si256(x, 4));
    x = _mm256_add_epi32(x, _mm256_slli_si256(x, 8));
    __m256i low = _mm256_shuffle_epi32(_mm256_permute2x128_si256(x, x, 0x08), 0xFF);
    return _mm256_add_epi32(_mm256_add_epi32(x, low), before);
}

INLINE void draw(const talos_precise_pack *p, talos_stream *s, logits l) {
    uint32_t rng = talos_next_rng(s);
    for (int i = 0; i < 2; i++) {
        __m256i low = _mm256_unpacklo_epi32(l.lane[i], l.lane[i + 2]), high = _mm256_unpackhi_epi32(l.lane[i], l.lane[i + 2]);
        _mm256_store_si256((__m256i *)(s->words + 16 * i), _mm256_permute2x128_si256(low, high, 0x20));
        _mm256_store_si256((__m256i *)(s->words + 16 * i + 8), _mm256_permute2x128_si256(low, high, 0x31));
    }
    if (__builtin_expect(s->greedy, 0)) {
        s->token = talos_precise_draw(s, s->model->config.vocab_size, rng);
        return;
    }
    __m256i t[4], w[4], top;
    for (int i = 0; i < 4; i++) {
        t[i] = exponent(s, l.lane[i], load(p->live + 8 * i));
        top = i ? _mm256_max_epi32(top, t[i]) : t[i];
    }
    top = _mm256_max_epi32(top, _mm256_shuffle_epi32(top, 0xB1));
    top = _mm256_max_epi32(top, _mm256_shuffle_epi32(top, 0x4E));
    top = _mm256_srai_epi32(_mm256_max_epi32(top, _mm256_permute2x128_si256(top, top, 1)), TALOS_EXPONENT_FRACTION);
    for (int i = 0; i < 4; i++) w[i] = weight(p, t[i], top);
    __m256i low = running_sum(_mm256_add_epi32(w[0], w[2]), _mm256_setzero_si256());
    __m256i high = running_sum(_mm256_add_epi32(w[1], w[3]), last_lane(low));
    int64_t total = _mm256_extract_epi32(high, 7);
    __m256i cut = _mm256_set1_epi32((int32_t)((int64_t)(rng & 0xFFFFFF) * total >> 24));
    __m256i sums[4] = {_mm256_sub_epi32(low, w[2]), _mm256_sub_epi32(high, w[3]), low, high};
    uint32_t above = 0;
    for (int i = 0; i < 4; i++)
        above |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(sums[i], cut))) << 8 * i;
    s->token = 32 - (uint32_t)_mm_popcnt_u32(above);
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    const talos_precise_pack *p = m->pack;
    for (int i = 0; i < count; i++) draw(p, streams[i], mlp(m, p, streams[i]->cache, attend(p, streams[i])));
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

const talos_kernel talos_precise_avx2 = {
    .name = "avx2", .arithmetic = TALOS_PRECISE, .word_width = TALOS_Q4_12_WIDTH,
    .available = available, .suits = talos_precise_suits,
    .prepare = talos_precise_prepare,
    .cache_bytes = talos_precise_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step,
};
#endif
