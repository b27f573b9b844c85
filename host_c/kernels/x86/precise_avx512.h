/* What `precise` and `folded` share on AVX-512: attention and the projection of its output. A file includes
 * this after it has named the instructions that `available` asks for. */
#ifndef TALOS_PRECISE_AVX512_H
#define TALOS_PRECISE_AVX512_H

#include "avx512.h"
#include "precise_pack.h"

static bool available(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
}

/* A line of precise_pack.h: what it begins with, plus its slope times the `bits` lower bits of x, rounded. */
INLINE __m512i interpolated(__m512i line, int32_t offset, __m512i x, int bits) {
    __m512i d = _mm512_and_si512(x, _mm512_set1_epi32(TALOS_LOW_BITS(bits)));
    /* The zeros above d take out what stands above the slope. */
    __m512i rise = _mm512_dpwssd_epi32(_mm512_set1_epi32((offset << bits) + (1 << (bits - 1))), line, d);
    return _mm512_add_epi32(_mm512_srli_epi32(line, 16), _mm512_srai_epi32(rise, bits));
}

/* 32 lines, of which the five lower bits of an index choose one. */
INLINE __m512i line_of(const int32_t *lines, __m512i index) {
    return _mm512_permutex2var_epi32(_mm512_load_si512(lines), index, _mm512_load_si512(lines + 16));
}

/* Weight of t where the largest integer part is top: 2^16 * 2^f of its fraction f, shifted. */
INLINE __m512i weight(const talos_precise_tables *p, __m512i t, __m512i top) {
    __m512i line = line_of(p->exp2_line, _mm512_srli_epi32(t, TALOS_EXP2_STEP_BITS));
    __m512i mantissa = interpolated(line, TALOS_EXP2_LINE_OFFSET, t, TALOS_EXP2_STEP_BITS);
    return _mm512_srlv_epi32(mantissa, _mm512_sub_epi32(top, _mm512_srai_epi32(t, TALOS_EXPONENT_FRACTION)));
}

/* 2^16 / (u / 2^16) for u in [2^15, 2^16), from one of 4 * 32 lines. */
INLINE __m512i reciprocal(const talos_precise_tables *p, __m512i u) {
    __m512i index = _mm512_srli_epi32(u, TALOS_RECIPROCAL_STEP_BITS);
    __mmask16 sixth = _mm512_test_epi32_mask(index, _mm512_set1_epi32(32)), seventh = _mm512_test_epi32_mask(index, _mm512_set1_epi32(64));
    const int32_t *lines = p->reciprocal_line;
    __m512i low = _mm512_mask_mov_epi32(line_of(lines, index), sixth, line_of(lines + 32, index));
    __m512i high = _mm512_mask_mov_epi32(line_of(lines + 64, index), sixth, line_of(lines + 96, index));
    __m512i line = _mm512_mask_mov_epi32(low, seventh, high);
    __m512i y = interpolated(line, TALOS_RECIPROCAL_LINE_OFFSET, u, TALOS_RECIPROCAL_STEP_BITS);
    return _mm512_min_epi32(y, _mm512_set1_epi32(TALOS_RECIPROCAL_HIGH));
}

#define QUARTER(x, quad) _mm512_shuffle_i32x4(x, x, (quad) * 0x55)
#define ELEMENT(quarter, lane) _mm512_shuffle_epi32(quarter, (_MM_PERM_ENUM)((lane) * 0x55))

/* Scores of four positions in the four lanes of each head, from products of two positions a register. */
INLINE __m512i scores(__m512i first, __m512i second) {
    const __m512i even = _mm512_setr_epi32(0, 8, 16, 24, 2, 10, 18, 26, 4, 12, 20, 28, 6, 14, 22, 30);
    const __m512i odd = _mm512_setr_epi32(1, 9, 17, 25, 3, 11, 19, 27, 5, 13, 21, 29, 7, 15, 23, 31);
    __m512i sum = _mm512_add_epi32(_mm512_permutex2var_epi32(first, even, second), _mm512_permutex2var_epi32(first, odd, second));
    return _mm512_srai_epi32(_mm512_add_epi32(sum, _mm512_set1_epi32(TALOS_SCORE_HALF)), TALOS_SCORE_SHIFT);
}

/* Lanes of a block of four positions, of which n have been seen. */
static const uint16_t seen_mask[FAST_POSITIONS] = {0x0000, 0x1111, 0x3333, 0x7777, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF,
                                                   0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF};

INLINE __m512i head_max(__m512i t) {
    t = _mm512_max_epi32(t, _mm512_shuffle_epi32(t, (_MM_PERM_ENUM)0xB1));
    return _mm512_max_epi32(t, _mm512_shuffle_epi32(t, (_MM_PERM_ENUM)0x4E));
}

INLINE __m512i head_sum(__m512i t) {
    t = _mm512_add_epi32(t, _mm512_shuffle_epi32(t, (_MM_PERM_ENUM)0xB1));
    return _mm512_add_epi32(t, _mm512_shuffle_epi32(t, (_MM_PERM_ENUM)0x4E));
}

/* Output of attention at a position, whose key and value join the state: words 2j and 2j + 1 in the lower half of lane
 * pair j. */
INLINE __m512i attended(const talos_precise_tables *p, const talos_precise_row *row, talos_precise_state *state,
                        uint32_t position) {
    __m256i q = _mm256_load_si256((const __m256i *)row->q), k = _mm256_load_si256((const __m256i *)row->k);
    __m512i v = _mm512_load_si512(row->v), qq = _mm512_broadcast_i64x4(q);
    const __m512i low = _mm512_set1_epi32(-(1 << 30));
    __m512i own = _mm512_castsi256_si512(_mm256_madd_epi16(q, k));
    const __m512i even = _mm512_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6);
    own = _mm512_add_epi32(_mm512_permutexvar_epi32(even, own),
                           _mm512_permutexvar_epi32(_mm512_or_si512(even, _mm512_set1_epi32(1)), own));
    own = _mm512_srai_epi32(_mm512_add_epi32(own, _mm512_set1_epi32(TALOS_SCORE_HALF)), TALOS_SCORE_SHIFT);
    __m512i t[4], top = own;
    uint32_t blocks = 0;
    do {
        const int16_t *keys = state->k[4 * blocks];
        __m512i score = scores(_mm512_madd_epi16(qq, _mm512_load_si512(keys)), _mm512_madd_epi16(qq, _mm512_load_si512(keys + 32)));
        t[blocks] = _mm512_mask_mov_epi32(low, _cvtu32_mask16(seen_mask[position - 4 * blocks]), score);
        top = _mm512_max_epi32(top, t[blocks++]);
    } while (4 * blocks < position);
    top = _mm512_srai_epi32(head_max(top), TALOS_EXPONENT_FRACTION);
    own = weight(p, own, top);
    __m512i sum = _mm512_setzero_si512();
    __m512i even_sum = _mm512_mul_epi32(own, v), odd_sum = _mm512_mul_epi32(own, _mm512_srli_epi64(v, 32));
    for (uint32_t i = 0; i < blocks; i++) {
        __m512i weights = weight(p, t[i], top);
        sum = _mm512_add_epi32(sum, weights);
#define POSITION(lane) \
    { \
        __m512i one = ELEMENT(weights, lane), value = _mm512_load_si512(state->v[4 * i + (lane)]); \
        even_sum = _mm512_add_epi64(even_sum, _mm512_mul_epi32(one, value)); \
        odd_sum = _mm512_add_epi64(odd_sum, _mm512_mul_epi32(one, _mm512_srli_epi64(value, 32))); \
    }
        POSITION(0) POSITION(1) POSITION(2) POSITION(3)
#undef POSITION
    }
    _mm256_store_si256((__m256i *)state->k[position], k);
    _mm512_store_si512(state->v[position], v);
    sum = _mm512_add_epi32(head_sum(sum), own);
    __m512i e = _mm512_sub_epi32(_mm512_set1_epi32(32 - TALOS_RECIPROCAL_INPUT_BITS), _mm512_lzcnt_epi32(sum));
    __m512i inverse = reciprocal(p, _mm512_srlv_epi32(sum, e));
    __m512i down = _mm512_and_si512(_mm512_add_epi32(e, _mm512_set1_epi32(TALOS_MEAN_SHIFT)), _mm512_set1_epi64(255));
    __m512i half = _mm512_set1_epi64(1 << (TALOS_QUOTIENT_SHIFT - 1));
    even_sum = _mm512_mul_epi32(_mm512_srav_epi64(even_sum, down), inverse);
    odd_sum = _mm512_mul_epi32(_mm512_srav_epi64(odd_sum, down), inverse);
    even_sum = _mm512_srli_epi64(_mm512_add_epi64(even_sum, half), TALOS_QUOTIENT_SHIFT);
    odd_sum = _mm512_slli_epi64(_mm512_srli_epi64(_mm512_add_epi64(odd_sum, half), TALOS_QUOTIENT_SHIFT), 16);
    return _mm512_mask_blend_epi16(0x22222222, even_sum, odd_sum);
}

/* x after attention, 16 words, of which each quarter holds four, twice. */
INLINE __m512i project(const int16_t wo[FAST_EMBD / 2][FAST_EMBD][2], const int32_t *x, __m512i pairs) {
    __m512i part[4] = {_mm512_set1_epi32(TALOS_WORD_HALF), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
#define QUAD(quad) \
    { \
        __m512i quarter = QUARTER(pairs, quad); \
        part[quad] = _mm512_dpwssd_epi32(part[quad], ELEMENT(quarter, 0), _mm512_load_si512(wo[2 * (quad)])); \
        part[quad] = _mm512_dpwssd_epi32(part[quad], ELEMENT(quarter, 2), _mm512_load_si512(wo[2 * (quad) + 1])); \
    }
    QUAD(0) QUAD(1) QUAD(2) QUAD(3)
#undef QUAD
    __m512i out = _mm512_add_epi32(_mm512_add_epi32(part[0], part[1]), _mm512_add_epi32(part[2], part[3]));
    out = _mm512_add_epi32(_mm512_load_si512(x), _mm512_srai_epi32(out, TALOS_WORD_SHIFT));
    return _mm512_packs_epi32(out, out);
}

/* acc[count] (+ acc[count] for odd pairs) += the pair of columns of w, times the pair of words. */
#define PAIR(w, acc, count, pair) \
    { \
        __m512i e = ELEMENT(QUARTER(pairs, (pair) / 2), 2 * ((pair) % 2)); \
        for (int i = 0; i < (count); i++) { \
            __m512i *sum = &acc[(count) * ((pair) % 2) + i]; \
            *sum = _mm512_dpwssd_epi32(*sum, e, _mm512_load_si512(p->w[pair][16 * i])); \
        } \
    }
#define PRODUCT(w, acc, count) \
    PAIR(w, acc, count, 0) PAIR(w, acc, count, 1) PAIR(w, acc, count, 2) PAIR(w, acc, count, 3) \
    PAIR(w, acc, count, 4) PAIR(w, acc, count, 5) PAIR(w, acc, count, 6) PAIR(w, acc, count, 7)

/* The words of `project` as pairs, in the lower half of each pair of lanes. */
INLINE __m512i pairs_of(__m512i words) { return _mm512_shuffle_epi32(words, (_MM_PERM_ENUM)0x10); }

/* The scale of those words. */
INLINE __m512i scale_of(const talos_model *m, __m512i words) {
    __m512i sum = _mm512_madd_epi16(words, words);
    sum = _mm512_add_epi32(sum, _mm512_shuffle_i32x4(sum, sum, 0x4E));
    sum = _mm512_add_epi32(sum, _mm512_shuffle_i32x4(sum, sum, 0xB1));
    sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32(sum, (_MM_PERM_ENUM)0xB1));
    return _mm512_set1_epi32(talos_norm_scale(&m->norm, _mm_cvtsi128_si32(_mm512_castsi512_si128(sum))));
}

/* Sums of hidden units, in two parts, as words in the state; which of them are positive. */
INLINE uint64_t keep_hidden(talos_precise_state *state, const __m512i h[8]) {
    __mmask16 positive[4];
    for (int i = 0; i < 4; i++) {
        __m512i unit = _mm512_srai_epi32(_mm512_add_epi32(h[i], h[i + 4]), TALOS_WORD_SHIFT);
        unit = _mm512_min_epi32(unit, _mm512_set1_epi32(TALOS_Q4_12_HIGH));
        _mm512_store_si512(state->hidden + 16 * i, unit);
        positive[i] = _mm512_cmpgt_epi32_mask(unit, _mm512_setzero_si512());
    }
    return join_masks(positive);
}

/* first, second = lm_head * fc2 times the positive units alone; 16 tokens each. A scan of no bits gives 64, the row of zeros;
 * so twelve units, enough for 24 steps of 25, go without a branch. */
#define UNIT(i) \
    { \
        uint64_t unit = _tzcnt_u64(mask); \
        mask &= mask - 1; \
        __m512i e = _mm512_set1_epi32(hidden[unit]); \
        a[i] = _mm512_dpwssd_epi32(a[i], e, _mm512_load_si512(folded[unit])); \
        b[i] = _mm512_dpwssd_epi32(b[i], e, _mm512_load_si512(folded[unit] + 16)); \
    }
INLINE void sparse_sums(const int16_t folded[][FAST_LANES][2], const int32_t *hidden, uint64_t mask, __m512i *first,
                        __m512i *second) {
    __m512i a[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()}, b[2] = {a[0], a[0]};
    UNIT(0) UNIT(1) UNIT(0) UNIT(1) UNIT(0) UNIT(1) UNIT(0) UNIT(1) UNIT(0) UNIT(1) UNIT(0) UNIT(1)
    while (__builtin_expect(mask != 0, 0)) { UNIT(0) UNIT(1) }
    *first = _mm512_add_epi32(a[0], a[1]);
    *second = _mm512_add_epi32(b[0], b[1]);
}
#undef UNIT

#endif
