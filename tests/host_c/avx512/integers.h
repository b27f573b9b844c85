/* Integers. Sums and products wrap, so that they are made of unsigned numbers. */

#define LANEWISE(name, view, expression) \
    INTRINSIC __m512i name(__m512i left, __m512i right) { \
        view a = (view)left, b = (view)right, out; \
        EACH(out) { \
            __typeof__(out[0]) x = a[i], y = b[i]; \
            out[i] = (expression); \
        } \
        return (__m512i)out; \
    }
LANEWISE(_mm512_add_epi32, u32x16, x + y)
LANEWISE(_mm512_add_epi64, u64x8, x + y)
LANEWISE(_mm512_sub_epi32, u32x16, x - y)
LANEWISE(_mm512_mullo_epi32, u32x16, x * y)
LANEWISE(_mm512_mul_epi32, i64x8, (int64_t)(int32_t)x * (int32_t)y)
LANEWISE(_mm512_mul_epu32, u64x8, (uint64_t)(uint32_t)x * (uint32_t)y)
LANEWISE(_mm512_max_epi32, i32x16, x > y ? x : y)
LANEWISE(_mm512_min_epi32, i32x16, x < y ? x : y)
LANEWISE(_mm512_max_epi16, i16x32, x > y ? x : y)
LANEWISE(_mm512_and_si512, u64x8, x & y)
LANEWISE(_mm512_or_si512, u64x8, x | y)
LANEWISE(_mm512_xor_si512, u64x8, x ^ y)
/* By counts of the lanes; one that is out of range shifts everything out. */
LANEWISE(_mm512_sllv_epi32, u32x16, y < 32 ? x << y : 0)
LANEWISE(_mm512_srlv_epi32, u32x16, y < 32 ? x >> y : 0)
LANEWISE(_mm512_srav_epi32, i32x16, x >> ((uint32_t)y < 32 ? y : 31))
LANEWISE(_mm512_srav_epi64, i64x8, x >> ((uint64_t)y < 64 ? y : 63))
#undef LANEWISE

#define SHIFT(name, view, type, expression) \
    INTRINSIC __m512i name(__m512i a, type n) { \
        view out = (view)a; \
        EACH(out) { \
            __typeof__(out[0]) x = out[i]; \
            out[i] = (expression); \
        } \
        return (__m512i)out; \
    }
SHIFT(_mm512_slli_epi32, u32x16, unsigned, n < 32 ? x << n : 0)
SHIFT(_mm512_slli_epi64, u64x8, unsigned, n < 64 ? x << n : 0)
SHIFT(_mm512_srli_epi32, u32x16, unsigned, n < 32 ? x >> n : 0)
SHIFT(_mm512_srli_epi64, u64x8, unsigned, n < 64 ? x >> n : 0)
SHIFT(_mm512_srai_epi32, i32x16, unsigned, x >> (n < 32 ? n : 31))
SHIFT(_mm512_sra_epi32, i32x16, __m128i, x >> ((uint64_t)n[0] < 32 ? n[0] : 31))
#undef SHIFT

/* Products of words by pairs, and their sum. */
#define PAIRS_OF_WORDS(a, b) ((uint32_t)((a)[2 * i] * (b)[2 * i]) + (uint32_t)((a)[2 * i + 1] * (b)[2 * i + 1]))
INTRINSIC __m512i _mm512_dpwssd_epi32(__m512i sum, __m512i a, __m512i b) {
    i16x32 x = (i16x32)a, y = (i16x32)b;
    u32x16 out = (u32x16)sum;
    EACH(out) out[i] += PAIRS_OF_WORDS(x, y);
    return (__m512i)out;
}
INTRINSIC __m512i _mm512_madd_epi16(__m512i a, __m512i b) { return _mm512_dpwssd_epi32((__m512i){0}, a, b); }
INTRINSIC __m256i _mm256_madd_epi16(__m256i a, __m256i b) {
    i16x16 x = (i16x16)a, y = (i16x16)b;
    u32x8 out;
    EACH(out) out[i] = PAIRS_OF_WORDS(x, y);
    return (__m256i)out;
}
#undef PAIRS_OF_WORDS

/* Words by saturation: in each block four of a, then four of b. */
INTRINSIC __m512i _mm512_packs_epi32(__m512i a, __m512i b) {
    i32x16 x = (i32x16)a, y = (i32x16)b;
    i16x32 out;
    EACH(out) {
        unsigned from = i / 8 * 4 + i % 4;
        int32_t word = i % 8 < 4 ? x[from] : y[from];
        out[i] = (int16_t)(word > INT16_MAX ? INT16_MAX : word < INT16_MIN ? INT16_MIN : word);
    }
    return (__m512i)out;
}

INTRINSIC __m512i _mm512_mask_add_epi32(__m512i source, __mmask16 mask, __m512i a, __m512i b) {
    return _mm512_mask_mov_epi32(source, mask, _mm512_add_epi32(a, b));
}
/* Bit 4 a + 2 b + c of the table, for each bit of a, b and c. */
INTRINSIC __m512i _mm512_ternarylogic_epi32(__m512i a, __m512i b, __m512i c, int table) {
    __m512i out = {0};
    for (int row = 0; row < 8; row++)
        if (table >> row & 1) out |= (row & 4 ? a : ~a) & (row & 2 ? b : ~b) & (row & 1 ? c : ~c);
    return out;
}
INTRINSIC __m512i _mm512_lzcnt_epi32(__m512i a) {
    u32x16 out = (u32x16)a;
    EACH(out) out[i] = out[i] ? (uint32_t)__builtin_clz(out[i]) : 32;
    return (__m512i)out;
}
INTRINSIC __m512i _mm512_cvtepu32_epi64(__m256i a) {
    u32x8 x = (u32x8)a;
    u64x8 out;
    EACH(out) out[i] = x[i];
    return (__m512i)out;
}
