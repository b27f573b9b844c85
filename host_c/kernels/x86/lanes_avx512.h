/* Streams in lanes on AVX-512: what attention_lanes.h is made of, as in lanes_avx2.h. Includes follow precise_avx512.h. */
#ifndef TALOS_LANES_AVX512_H
#define TALOS_LANES_AVX512_H

#include "precise_avx512.h"

enum { LANES = 16 };
typedef __m512i ints;
typedef __m512i pair;
typedef struct {
    __m512i low, high;
} factor;

INLINE ints spread(int32_t x) { return _mm512_set1_epi32(x); }
INLINE ints add(ints a, ints b) { return _mm512_add_epi32(a, b); }
INLINE ints maximum(ints a, ints b) { return _mm512_max_epi32(a, b); }
INLINE ints down(ints x, unsigned bits) { return _mm512_srai_epi32(x, bits); }
INLINE ints down_by(ints x, ints bits) { return _mm512_srav_epi32(x, bits); }
INLINE ints low_bits(ints x, int bits) { return _mm512_and_si512(x, _mm512_set1_epi32(TALOS_LOW_BITS(bits))); }

INLINE pair pair_of(ints x) { return x; }
INLINE ints words_of(ints first, ints second) { return _mm512_mask_blend_epi16(0xAAAAAAAA, first, _mm512_slli_epi32(second, 16)); }
INLINE ints dot(ints acc, pair a, pair b) { return _mm512_dpwssd_epi32(acc, a, b); }
INLINE factor factor_of(ints x) {
    factor out = {x, _mm512_slli_epi32(x, 16)};
    return out;
}
INLINE void weigh(ints acc[2], pair v, factor by) {
    acc[0] = dot(acc[0], v, by.low);
    acc[1] = dot(acc[1], v, by.high);
}

INLINE void quad(const int32_t *const row[LANES], size_t at, ints out[4]) {
    __m512i r[4];
#define FOUR(i) _mm_load_si128((const __m128i *)(row[i] + at))
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_broadcast_i32x4(FOUR(i));
        r[i] = _mm512_mask_broadcast_i32x4(r[i], 0x00F0, FOUR(i + 4));
        r[i] = _mm512_mask_broadcast_i32x4(r[i], 0x0F00, FOUR(i + 8));
        r[i] = _mm512_mask_broadcast_i32x4(r[i], 0xF000, FOUR(i + 12));
    }
#undef FOUR
    __m512i low01 = _mm512_unpacklo_epi32(r[0], r[1]), high01 = _mm512_unpackhi_epi32(r[0], r[1]);
    __m512i low23 = _mm512_unpacklo_epi32(r[2], r[3]), high23 = _mm512_unpackhi_epi32(r[2], r[3]);
    out[0] = _mm512_unpacklo_epi64(low01, low23);
    out[1] = _mm512_unpackhi_epi64(low01, low23);
    out[2] = _mm512_unpacklo_epi64(high01, high23);
    out[3] = _mm512_unpackhi_epi64(high01, high23);
}
INLINE void unquad(const ints in[4], int32_t *rows, size_t stride, size_t at) {
    __m512i low01 = _mm512_unpacklo_epi32(in[0], in[1]), high01 = _mm512_unpackhi_epi32(in[0], in[1]);
    __m512i low23 = _mm512_unpacklo_epi32(in[2], in[3]), high23 = _mm512_unpackhi_epi32(in[2], in[3]);
    __m512i r[4] = {_mm512_unpacklo_epi64(low01, low23), _mm512_unpackhi_epi64(low01, low23),
                    _mm512_unpacklo_epi64(high01, high23), _mm512_unpackhi_epi64(high01, high23)};
    for (size_t i = 0; i < 4; i++) {
        _mm_store_si128((__m128i *)(rows + i * stride + at), _mm512_castsi512_si128(r[i]));
        _mm_store_si128((__m128i *)(rows + (i + 4) * stride + at), _mm512_extracti32x4_epi32(r[i], 1));
        _mm_store_si128((__m128i *)(rows + (i + 8) * stride + at), _mm512_extracti32x4_epi32(r[i], 2));
        _mm_store_si128((__m128i *)(rows + (i + 12) * stride + at), _mm512_extracti32x4_epi32(r[i], 3));
    }
}

INLINE ints weight_of(const talos_precise_tables *p, ints t, ints top) { return weight(p, t, top); }
INLINE ints length_of(ints sum) { return _mm512_sub_epi32(_mm512_set1_epi32(32), _mm512_lzcnt_epi32(sum)); }
INLINE ints inverse_of(const talos_precise_tables *p, ints u) { return reciprocal(p, u); }
INLINE ints quotient_of(ints wide, ints inverse) {
    const __m512i half = _mm512_set1_epi64(1 << (TALOS_QUOTIENT_SHIFT - 1));
    __m512i even = _mm512_add_epi64(_mm512_mul_epi32(wide, inverse), half);
    __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(wide, 32), _mm512_srli_epi64(inverse, 32)), half);
    odd = _mm512_slli_epi64(odd, 32 - TALOS_QUOTIENT_SHIFT);
    return _mm512_mask_mov_epi32(_mm512_srli_epi64(even, TALOS_QUOTIENT_SHIFT), 0xAAAA, odd);
}

#include "attention_lanes.h"

/* A stream's row of words, pairs of them in the lower half of each pair of lanes. */
INLINE __m512i pairs_at(const int16_t mixed[FAST_EMBD]) {
    return _mm512_cvtepu32_epi64(_mm256_load_si256((const __m256i *)(const void *)mixed));
}

#endif
