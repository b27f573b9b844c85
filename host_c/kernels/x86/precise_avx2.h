/* What `precise` and `folded` share on AVX2: attention and the projection of its output. A file includes this after it has
 * named the instructions that `available` asks for. */
#ifndef TALOS_PRECISE_AVX2_H
#define TALOS_PRECISE_AVX2_H

#include <immintrin.h>

#include "precise_pack.h"

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

/* A line of precise_pack.h: what it begins with, plus its slope times the `bits` lower bits of x, rounded. */
INLINE __m256i interpolated(__m256i line, int32_t offset, __m256i x, int bits) {
    __m256i d = _mm256_and_si256(x, _mm256_set1_epi32(TALOS_LOW_BITS(bits)));
    /* The zeros above d take out what stands above the slope. */
    __m256i rise = _mm256_add_epi32(_mm256_madd_epi16(line, d), _mm256_set1_epi32((offset << bits) + (1 << (bits - 1))));
    return _mm256_add_epi32(_mm256_srli_epi32(line, 16), _mm256_srai_epi32(rise, bits));
}

/* 2^16 * 2^f of an exponent's fraction f. A permutation reads eight lines: four of them, and a choice by each of two bits,
 * take a fraction of a gather's time. */
INLINE __m256i mantissa(const talos_precise_tables *p, __m256i t) {
    __m256i index = _mm256_srli_epi32(t, TALOS_EXP2_STEP_BITS); /* a permutation reads its three lower bits */
    __m256 fourth = _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)), fifth = _mm256_castsi256_ps(_mm256_slli_epi32(index, 27));
    __m256 eight[4];
    for (int i = 0; i < 4; i++) eight[i] = _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(load(p->exp2_line + 8 * i), index));
    __m256 low = _mm256_blendv_ps(eight[0], eight[1], fourth), high = _mm256_blendv_ps(eight[2], eight[3], fourth);
    return interpolated(_mm256_castps_si256(_mm256_blendv_ps(low, high, fifth)), TALOS_EXP2_LINE_OFFSET, t, TALOS_EXP2_STEP_BITS);
}

/* Weight of t where the largest integer part is top. */
INLINE __m256i weight(const talos_precise_tables *p, __m256i t, __m256i top) {
    return _mm256_srlv_epi32(mantissa(p, t), _mm256_sub_epi32(top, _mm256_srai_epi32(t, TALOS_EXPONENT_FRACTION)));
}

/* Scores of two positions, a lane each: heads 0 and 1 of the first and of the second, then heads 2 and 3. */
INLINE __m256i scores(__m256i q, const int16_t *first, const int16_t *second) {
    __m256 one = _mm256_castsi256_ps(_mm256_madd_epi16(q, load(first)));
    __m256 other = _mm256_castsi256_ps(_mm256_madd_epi16(q, load(second)));
    __m256i even = _mm256_castps_si256(_mm256_shuffle_ps(one, other, 0x88)), odd = _mm256_castps_si256(_mm256_shuffle_ps(one, other, 0xDD));
    __m256i sum = _mm256_add_epi32(_mm256_add_epi32(even, odd), _mm256_set1_epi32(TALOS_SCORE_HALF));
    return _mm256_srai_epi32(sum, TALOS_SCORE_SHIFT);
}

/* What belongs to the heads of a half, 0 and 1 or 2 and 3, in all of a head's lanes; of `scores`' first position or the second. */
INLINE __m256i of_heads(__m256i x, int half, int which) {
    int head = 4 * half + 2 * which;
    return _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(head, head, head, head, head + 1, head + 1, head + 1, head + 1));
}

/* 2^16 / (u / 2^16) for u in [2^15, 2^16). */
INLINE __m256i reciprocal(const talos_precise_tables *p, __m256i u) {
    __m256i index = _mm256_sub_epi32(_mm256_srli_epi32(u, TALOS_RECIPROCAL_STEP_BITS), _mm256_set1_epi32(TALOS_RECIPROCAL_FIRST));
    __m256i line = _mm256_i32gather_epi32(p->reciprocal_line, index, 4);
    __m256i y = interpolated(line, TALOS_RECIPROCAL_LINE_OFFSET, u, TALOS_RECIPROCAL_STEP_BITS);
    return _mm256_min_epi32(y, _mm256_set1_epi32(TALOS_RECIPROCAL_HIGH));
}

/* Weighted mean of eight lanes as words, pairs of them in the lower half of each pair of lanes. */
INLINE __m256i divide(__m256i even, __m256i odd, __m256i inverse, __m256i down) {
    down = _mm256_and_si256(down, _mm256_set1_epi64x(255));
    /* There is no arithmetic shift of 64 bits: shift from above zero, then take the offset off again. */
    __m256i offset = _mm256_set1_epi64x((int64_t)1 << 40), shifted = _mm256_srlv_epi64(offset, down);
    even = _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_add_epi64(even, offset), down), shifted);
    odd = _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_add_epi64(odd, offset), down), shifted);
    __m256i rounding = _mm256_set1_epi64x(1 << (TALOS_QUOTIENT_SHIFT - 1));
    even = _mm256_srli_epi64(_mm256_add_epi64(_mm256_mul_epi32(even, inverse), rounding), TALOS_QUOTIENT_SHIFT);
    odd = _mm256_srli_epi64(_mm256_add_epi64(_mm256_mul_epi32(odd, inverse), rounding), TALOS_QUOTIENT_SHIFT);
    return _mm256_blend_epi16(even, _mm256_slli_epi64(odd, 16), 0x22);
}

/* Output of attention at a position, whose key and value join the state, as pairs of words. */
INLINE void attended(const talos_precise_tables *p, const talos_precise_row *row, talos_precise_state *state,
                     uint32_t position, int32_t mixed[FAST_EMBD / 2]) {
    const __m256i none = _mm256_set1_epi32(-(1 << 30));
    __m256i q = load(row->q), t[FAST_POSITIONS / 2], top = none;
    for (uint32_t i = 0; i <= position; i += 2) {
        __m256i both = scores(q, i < position ? state->k[i] : row->k, i + 1 < position ? state->k[i + 1] : row->k);
        t[i / 2] = i < position ? both : _mm256_blend_epi32(both, none, 0xCC);
        top = _mm256_max_epi32(top, t[i / 2]);
    }
    top = _mm256_srai_epi32(_mm256_max_epi32(top, _mm256_shuffle_epi32(top, 0x4E)), TALOS_EXPONENT_FRACTION);
    __m256i sum = _mm256_setzero_si256(), even[2] = {sum, sum}, odd[2] = {sum, sum};
    for (uint32_t i = 0; i <= position; i += 2) {
        const int32_t *values[2] = {i < position ? state->v[i] : row->v, i + 1 < position ? state->v[i + 1] : row->v};
        __m256i weights = weight(p, t[i / 2], top);
        sum = _mm256_add_epi32(sum, weights);
        for (int which = 0; which < 2; which++)
            for (int half = 0; half < 2; half++) {
                __m256i w = of_heads(weights, half, which), v = load(values[which] + 8 * half);
                even[half] = _mm256_add_epi64(even[half], _mm256_mul_epi32(w, v));
                odd[half] = _mm256_add_epi64(odd[half], _mm256_mul_epi32(w, _mm256_srli_epi64(v, 32)));
            }
    }
    _mm256_store_si256((__m256i *)state->k[position], load(row->k));
    for (int half = 0; half < 2; half++)
        _mm256_store_si256((__m256i *)(state->v[position] + 8 * half), load(row->v + 8 * half));
    sum = _mm256_add_epi32(sum, _mm256_shuffle_epi32(sum, 0x4E));
    /* The sum has at most 21 bits, so float holds it exactly and its exponent is the bit length. */
    const __m256i bias = _mm256_set1_epi32(126 + TALOS_RECIPROCAL_INPUT_BITS);
    __m256i e = _mm256_sub_epi32(_mm256_srli_epi32(_mm256_castps_si256(_mm256_cvtepi32_ps(sum)), 23), bias);
    __m256i inverse = reciprocal(p, _mm256_srlv_epi32(sum, e)), down = _mm256_add_epi32(e, _mm256_set1_epi32(TALOS_MEAN_SHIFT));
    for (int half = 0; half < 2; half++) {
        __m256i words = divide(even[half], odd[half], of_heads(inverse, half, 0), of_heads(down, half, 0));
        __m256i pairs = _mm256_permutevar8x32_epi32(words, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
        _mm_store_si128((__m128i *)(mixed + 4 * half), _mm256_castsi256_si128(pairs));
    }
}

/* x after attention, 16 words. */
INLINE row16 project(const int16_t wo[FAST_EMBD / 2][FAST_EMBD][2], const int32_t *before, const int32_t mixed[FAST_EMBD / 2]) {
    row16 x;
    for (int half = 0; half < 2; half++) {
        __m256i part[2] = {_mm256_set1_epi32(TALOS_WORD_HALF), _mm256_setzero_si256()};
        for (int pair = 0; pair < 8; pair++) {
            __m256i product = _mm256_madd_epi16(_mm256_set1_epi32(mixed[pair]), load(wo[pair][8 * half]));
            part[pair % 2] = _mm256_add_epi32(part[pair % 2], product);
        }
        __m256i out = _mm256_srai_epi32(_mm256_add_epi32(part[0], part[1]), TALOS_WORD_SHIFT);
        x.half[half] = clamp_word(_mm256_add_epi32(load(before + 8 * half), out));
    }
    return x;
}

/* The scale of x, and its words as pairs in every other word. */
INLINE __m256i scale_of(const talos_model *m, row16 x, int32_t pairs[FAST_EMBD]) {
    int32_t squares = 0;
    for (int half = 0; half < 2; half++) {
        __m256i pair = _mm256_blend_epi16(x.half[half], _mm256_srli_epi64(x.half[half], 16), 0x22);
        __m256i square = _mm256_and_si256(_mm256_madd_epi16(pair, pair), _mm256_set1_epi64x(0xFFFFFFFF));
        _mm256_store_si256((__m256i *)(pairs + 8 * half), pair);
        __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(square), _mm256_extracti128_si256(square, 1));
        squares += _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_unpackhi_epi64(sum, sum)));
    }
    return _mm256_set1_epi32(talos_norm_scale(&m->norm, squares));
}

/* Sums of hidden units as words in the state; which of them are positive. */
INLINE uint64_t keep_hidden(talos_precise_state *state, const __m256i h[8]) {
    uint64_t mask = 0;
    for (int i = 0; i < 8; i++) {
        __m256i unit = _mm256_min_epi32(_mm256_srai_epi32(h[i], TALOS_WORD_SHIFT), _mm256_set1_epi32(TALOS_Q4_12_HIGH));
        _mm256_store_si256((__m256i *)(state->hidden + 8 * i), unit);
        __m256i positive = _mm256_cmpgt_epi32(unit, _mm256_setzero_si256());
        mask |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(positive)) << 8 * i;
    }
    return mask;
}

/* sum = lm_head * fc2 times the positive units alone. A scan of no bits gives 64, the row of zeros; so ten units go without
 * a branch. */
#define UNIT \
    { \
        uint64_t unit = _tzcnt_u64(mask); \
        mask &= mask - 1; \
        __m256i e = _mm256_set1_epi32(hidden[unit]); \
        for (int i = 0; i < 4; i++) sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(e, load(folded[unit][8 * i]))); \
    }
INLINE void sparse_sums(const int16_t folded[][FAST_LANES][2], const int32_t *hidden, uint64_t mask, __m256i sum[4]) {
    for (int i = 0; i < 4; i++) sum[i] = _mm256_setzero_si256();
    UNIT UNIT UNIT UNIT UNIT UNIT UNIT UNIT UNIT UNIT
    while (__builtin_expect(mask != 0, 0)) UNIT
}
#undef UNIT

#endif
