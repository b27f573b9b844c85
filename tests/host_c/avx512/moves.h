/* Loads and stores, constants, casts and general registers. An aligned access to another address ends the program, as the
 * instruction does. */

INTRINSIC const void *emulated_aligned(const void *address, size_t bytes) {
    if ((uintptr_t)address % bytes) abort();
    return address;
}

#define LOAD(name, type, argument) \
    INTRINSIC type name(argument *from) { return *(const type *)emulated_aligned(from, sizeof(type)); }
#define STORE(name, type, argument) \
    INTRINSIC void name(argument *to, type a) { memcpy((void *)emulated_aligned(to, sizeof a), &a, sizeof a); }
LOAD(_mm_load_ps, __m128, const float)
LOAD(_mm_load_si128, __m128i, const __m128i)
LOAD(_mm256_load_si256, __m256i, const __m256i)
LOAD(_mm512_load_ps, __m512, const void)
LOAD(_mm512_load_si512, __m512i, const void)
STORE(_mm_store_si128, __m128i, __m128i)
STORE(_mm256_store_si256, __m256i, __m256i)
STORE(_mm512_store_ps, __m512, void)
STORE(_mm512_store_si512, __m512i, void)
#undef LOAD
#undef STORE

/* What a mask leaves out is neither read nor written. */
INTRINSIC __m512i _mm512_maskz_loadu_epi32(__mmask16 mask, const void *from) {
    i32x16 out = {0};
    EACH(out) if (mask >> i & 1) memcpy(&out[i], (const char *)from + 4 * i, 4);
    return (__m512i)out;
}
INTRINSIC void _mm512_mask_storeu_epi32(void *to, __mmask16 mask, __m512i a) {
    i32x16 x = (i32x16)a;
    EACH(x) if (mask >> i & 1) memcpy((char *)to + 4 * i, &x[i], 4);
}
INTRINSIC void _mm512_mask_cvtepi32_storeu_epi8(void *to, __mmask16 mask, __m512i a) {
    u32x16 x = (u32x16)a;
    EACH(x) if (mask >> i & 1) ((uint8_t *)to)[i] = (uint8_t)x[i];
}
INTRINSIC __m512i _mm512_mask_i32gather_epi32(__m512i source, __mmask16 mask, __m512i index, const void *base, int scale) {
    i32x16 out = (i32x16)source, at = (i32x16)index;
    EACH(out) if (mask >> i & 1) memcpy(&out[i], (const char *)base + (ptrdiff_t)at[i] * scale, 4);
    return (__m512i)out;
}
INTRINSIC __m512i _mm512_i32gather_epi32(__m512i index, const void *base, int scale) {
    return _mm512_mask_i32gather_epi32((__m512i){0}, 0xFFFF, index, base, scale);
}

#define SET1(name, type, view, element) \
    INTRINSIC type name(element a) { \
        view out; \
        EACH(out) out[i] = a; \
        return (type)out; \
    }
SET1(_mm512_set1_ps, __m512, __m512, float)
SET1(_mm512_set1_epi16, __m512i, i16x32, short)
SET1(_mm512_set1_epi32, __m512i, i32x16, int)
SET1(_mm512_set1_epi64, __m512i, i64x8, long long)
#undef SET1
INTRINSIC __m512 _mm512_setzero_ps(void) { return (__m512){0}; }
INTRINSIC __m512i _mm512_setzero_si512(void) { return (__m512i){0}; }
INTRINSIC __m512i _mm512_setr_epi32(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j, int k, int l, int m,
                                    int n, int o, int p) {
    return (__m512i)(i32x16){a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p};
}

INTRINSIC __m512 _mm512_castsi512_ps(__m512i a) { return (__m512)a; }
INTRINSIC __m512i _mm512_castps_si512(__m512 a) { return (__m512i)a; }
INTRINSIC float _mm512_cvtss_f32(__m512 a) { return a[0]; }
INTRINSIC __m128i _mm_cvtsi32_si128(int a) { return (__m128i){(uint32_t)a, 0}; }
INTRINSIC int _mm_cvtsi128_si32(__m128i a) { return (int)a[0]; }
INTRINSIC __m128i _mm512_castsi512_si128(__m512i a) { return (__m128i){a[0], a[1]}; }
/* Nothing defines the upper half; a kernel that used it would differ from the others. */
INTRINSIC __m512i _mm512_castsi256_si512(__m256i a) {
    const long long any = 0x5A5AA5A5C3C33C3C;
    return (__m512i){a[0], a[1], a[2], a[3], any, any, any, any};
}

INTRINSIC uint32_t _tzcnt_u32(uint32_t a) { return a ? (uint32_t)__builtin_ctz(a) : 32; }
INTRINSIC uint64_t _tzcnt_u64(uint64_t a) { return a ? (uint64_t)__builtin_ctzll(a) : 64; }
INTRINSIC int _mm_popcnt_u32(uint32_t a) { return __builtin_popcount(a); }
