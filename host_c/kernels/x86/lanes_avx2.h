/* Streams in lanes on AVX2: what attention_lanes.h is made of. Includes follow precise_avx2.h. */
#ifndef TALOS_LANES_AVX2_H
#define TALOS_LANES_AVX2_H

#include "precise_avx2.h"

enum { LANES = 8 };
typedef __m256i ints; /* an integer of each stream */
typedef __m256i pair; /* two words of each */
typedef struct {
    __m256i low, high;
} factor; /* a word of each that is not negative, in the lower half and in the upper one */

INLINE ints spread(int32_t x) { return _mm256_set1_epi32(x); }
INLINE ints add(ints a, ints b) { return _mm256_add_epi32(a, b); }
INLINE ints maximum(ints a, ints b) { return _mm256_max_epi32(a, b); }
INLINE ints down(ints x, int bits) { return _mm256_srai_epi32(x, bits); }
INLINE ints down_by(ints x, ints bits) { return _mm256_srav_epi32(x, bits); }
INLINE ints low_bits(ints x, int bits) { return _mm256_and_si256(x, _mm256_set1_epi32(TALOS_LOW_BITS(bits))); }

INLINE pair pair_of(ints x) { return x; }
INLINE ints words_of(ints first, ints second) { return _mm256_blend_epi16(first, _mm256_slli_epi32(second, 16), 0xAA); }
/* acc plus the products of the first words and of the second ones. */
INLINE ints dot(ints acc, pair a, pair b) { return _mm256_add_epi32(acc, _mm256_madd_epi16(a, b)); }
INLINE factor factor_of(ints x) {
    factor out = {x, _mm256_slli_epi32(x, 16)};
    return out;
}
/* Both words times a factor. */
INLINE void weigh(ints acc[2], pair v, factor by) {
    acc[0] = dot(acc[0], v, by.low);
    acc[1] = dot(acc[1], v, by.high);
}

/* Four integers of each stream's row from `at` on; unquad is the inverse, for rows `stride` integers apart. */
INLINE void quad(const int32_t *const row[LANES], size_t at, ints out[4]) {
    __m256i r[4];
    for (int i = 0; i < 4; i++)
        r[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_load_si128((const __m128i *)(row[i] + at))),
                                       _mm_load_si128((const __m128i *)(row[i + 4] + at)), 1);
    __m256i low01 = _mm256_unpacklo_epi32(r[0], r[1]), high01 = _mm256_unpackhi_epi32(r[0], r[1]);
    __m256i low23 = _mm256_unpacklo_epi32(r[2], r[3]), high23 = _mm256_unpackhi_epi32(r[2], r[3]);
    out[0] = _mm256_unpacklo_epi64(low01, low23);
    out[1] = _mm256_unpackhi_epi64(low01, low23);
    out[2] = _mm256_unpacklo_epi64(high01, high23);
    out[3] = _mm256_unpackhi_epi64(high01, high23);
}
INLINE void unquad(const ints in[4], int32_t *rows, size_t stride, size_t at) {
    __m256i low01 = _mm256_unpacklo_epi32(in[0], in[1]), high01 = _mm256_unpackhi_epi32(in[0], in[1]);
    __m256i low23 = _mm256_unpacklo_epi32(in[2], in[3]), high23 = _mm256_unpackhi_epi32(in[2], in[3]);
    __m256i r[4] = {_mm256_unpacklo_epi64(low01, low23), _mm256_unpackhi_epi64(low01, low23),
                    _mm256_unpacklo_epi64(high01, high23), _mm256_unpackhi_epi64(high01, high23)};
    for (size_t i = 0; i < 4; i++) {
        _mm_store_si128((__m128i *)(rows + i * stride + at), _mm256_castsi256_si128(r[i]));
        _mm_store_si128((__m128i *)(rows + (i + 4) * stride + at), _mm256_extracti128_si256(r[i], 1));
    }
}

INLINE ints weight_of(const talos_precise_tables *p, ints t, ints top) { return weight(p, t, top); }
/* Bits of a sum of weights, at most 24. */
INLINE ints length_of(ints sum) {
    __m256i exponent = _mm256_srli_epi32(_mm256_castps_si256(_mm256_cvtepi32_ps(sum)), 23);
    return _mm256_sub_epi32(exponent, _mm256_set1_epi32(126));
}
INLINE ints inverse_of(const talos_precise_tables *p, ints u) { return reciprocal(p, u); }
/* What is left of a weighted mean: the product with the reciprocal, rounded. */
INLINE ints quotient_of(ints wide, ints inverse) {
    const __m256i half = _mm256_set1_epi64x(1 << (TALOS_QUOTIENT_SHIFT - 1));
    __m256i even = _mm256_add_epi64(_mm256_mul_epi32(wide, inverse), half);
    __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(wide, 32), _mm256_srli_epi64(inverse, 32)), half);
    odd = _mm256_slli_epi64(odd, 32 - TALOS_QUOTIENT_SHIFT);
    return _mm256_blend_epi32(_mm256_srli_epi64(even, TALOS_QUOTIENT_SHIFT), odd, 0xAA);
}

#include "attention_lanes.h"

#endif
