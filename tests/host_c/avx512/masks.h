/* Masks: from comparisons, joined, converted, and as a choice between two sources. */

#define COMPARE(name, mask, type, view, condition) \
    INTRINSIC mask name(type left, type right) { \
        view a = (view)left, b = (view)right; \
        mask out = 0; \
        EACH(a) { \
            __typeof__(a[0]) x = a[i], y = b[i]; \
            out |= (mask)((mask)(condition) << i); \
        } \
        return out; \
    }
COMPARE(_mm512_cmpeq_epi32_mask, __mmask16, __m512i, i32x16, x == y)
COMPARE(_mm512_cmpgt_epi32_mask, __mmask16, __m512i, i32x16, x > y)
COMPARE(_mm512_cmple_epi32_mask, __mmask16, __m512i, i32x16, x <= y)
COMPARE(_mm512_test_epi16_mask, __mmask32, __m512i, u16x32, (x & y) != 0)
COMPARE(_mm512_test_epi32_mask, __mmask16, __m512i, u32x16, (x & y) != 0)
COMPARE(emulated_less, __mmask16, __m512, __m512, x < y)
COMPARE(emulated_not_above, __mmask16, __m512, __m512, x <= y)
#undef COMPARE

INTRINSIC __mmask16 _mm512_cmp_ps_mask(__m512 a, __m512 b, int predicate) {
    switch (predicate) {
        case _CMP_LT_OQ: return emulated_less(a, b);
        case _CMP_LE_OQ: return emulated_not_above(a, b);
        case _CMP_GT_OQ: return emulated_less(b, a);
    }
    abort();
}
INTRINSIC __mmask16 _mm512_mask_cmp_ps_mask(__mmask16 mask, __m512 a, __m512 b, int predicate) {
    return mask & _mm512_cmp_ps_mask(a, b, predicate);
}
INTRINSIC __mmask16 _mm512_movepi32_mask(__m512i a) { return _mm512_cmpgt_epi32_mask(_mm512_setzero_si512(), a); }

INTRINSIC __mmask32 _mm512_kunpackw(__mmask32 high, __mmask32 low) { return high << 16 | (low & 0xFFFF); }
INTRINSIC __mmask64 _mm512_kunpackd(__mmask64 high, __mmask64 low) { return high << 32 | (low & 0xFFFFFFFF); }
INTRINSIC uint32_t _cvtmask16_u32(__mmask16 mask) { return mask; }
INTRINSIC uint32_t _cvtmask32_u32(__mmask32 mask) { return mask; }
INTRINSIC uint64_t _cvtmask64_u64(__mmask64 mask) { return mask; }
INTRINSIC __mmask16 _cvtu32_mask16(uint32_t a) { return (__mmask16)a; }

/* b where the mask is 1, a where it is 0. */
#define BLEND(name, mask, view) \
    INTRINSIC __m512i name(mask choice, __m512i a, __m512i b) { \
        view out = (view)a, other = (view)b; \
        EACH(out) if (choice >> i & 1) out[i] = other[i]; \
        return (__m512i)out; \
    }
BLEND(_mm512_mask_blend_epi16, __mmask32, i16x32)
BLEND(emulated_blend_epi32, __mmask16, i32x16)
#undef BLEND

INTRINSIC __m512i _mm512_mask_mov_epi32(__m512i source, __mmask16 mask, __m512i a) { return emulated_blend_epi32(mask, source, a); }
INTRINSIC __m512 _mm512_mask_mov_ps(__m512 source, __mmask16 mask, __m512 a) {
    return (__m512)emulated_blend_epi32(mask, (__m512i)source, (__m512i)a);
}
INTRINSIC __m512 _mm512_maskz_mov_ps(__mmask16 mask, __m512 a) { return _mm512_mask_mov_ps((__m512){0}, mask, a); }
