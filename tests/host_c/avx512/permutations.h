/* Permutations: of the whole register, and in each block of 128 bits. */

/* Entries of a and, by the bit above an index into it, of b; higher bits are not read. */
INTRINSIC __m512i _mm512_permutex2var_epi32(__m512i a, __m512i index, __m512i b) {
    i32x16 first = (i32x16)a, second = (i32x16)b, out;
    u32x16 at = (u32x16)index;
    EACH(out) out[i] = at[i] & 16 ? second[at[i] % 16] : first[at[i] % 16];
    return (__m512i)out;
}
INTRINSIC __m512 _mm512_permutex2var_ps(__m512 a, __m512i index, __m512 b) {
    return (__m512)_mm512_permutex2var_epi32((__m512i)a, index, (__m512i)b);
}
INTRINSIC __m512i _mm512_permutexvar_epi32(__m512i index, __m512i a) { return _mm512_permutex2var_epi32(a, index, a); }

/* Each block's two elements of a, then two of b, by pairs of bits. */
INTRINSIC __m512i emulated_shuffle_epi32(__m512i a, __m512i b, unsigned control) {
    i32x16 first = (i32x16)a, second = (i32x16)b, out;
    EACH(out) {
        unsigned from = (i & ~3u) + (control >> 2 * (i % 4) & 3);
        out[i] = i % 4 < 2 ? first[from] : second[from];
    }
    return (__m512i)out;
}
INTRINSIC __m512i _mm512_shuffle_epi32(__m512i a, _MM_PERM_ENUM control) { return emulated_shuffle_epi32(a, a, (unsigned)control); }
INTRINSIC __m512 _mm512_shuffle_ps(__m512 a, __m512 b, int control) {
    return (__m512)emulated_shuffle_epi32((__m512i)a, (__m512i)b, (unsigned)control);
}
INTRINSIC __m512 _mm512_permute_ps(__m512 a, int control) { return _mm512_shuffle_ps(a, a, control); }

/* Two blocks of a, then two of b. */
INTRINSIC __m512i _mm512_shuffle_i32x4(__m512i a, __m512i b, int control) {
    __m512i out;
    EACH(out) {
        unsigned from = 2 * ((unsigned)control >> 2 * (i / 2) & 3) + i % 2;
        out[i] = i < 4 ? a[from] : b[from];
    }
    return out;
}
INTRINSIC __m512 _mm512_shuffle_f32x4(__m512 a, __m512 b, int control) {
    return (__m512)_mm512_shuffle_i32x4((__m512i)a, (__m512i)b, control);
}

/* Elements of a and b in turn, from one half of each block; `half` is 0 or 1, and a block has `count` elements. */
#define UNPACK(name, view, count, half) \
    INTRINSIC __m512i name(__m512i a, __m512i b) { \
        view first = (view)a, second = (view)b, out; \
        EACH(out) { \
            unsigned from = i / (count) * (count) + (half) * (count) / 2 + i % (count) / 2; \
            out[i] = i % 2 ? second[from] : first[from]; \
        } \
        return (__m512i)out; \
    }
UNPACK(_mm512_unpacklo_epi32, i32x16, 4, 0)
UNPACK(_mm512_unpackhi_epi32, i32x16, 4, 1)
UNPACK(_mm512_unpacklo_epi64, i64x8, 2, 0)
UNPACK(_mm512_unpackhi_epi64, i64x8, 2, 1)
#undef UNPACK
INTRINSIC __m512 _mm512_unpacklo_ps(__m512 a, __m512 b) { return (__m512)_mm512_unpacklo_epi32((__m512i)a, (__m512i)b); }
INTRINSIC __m512 _mm512_unpackhi_ps(__m512 a, __m512 b) { return (__m512)_mm512_unpackhi_epi32((__m512i)a, (__m512i)b); }

/* Each block moved up by bytes. */
INTRINSIC __m512i _mm512_bslli_epi128(__m512i a, unsigned bytes) {
    unsigned char from[64], out[64];
    memcpy(from, &a, 64);
    EACH(out) out[i] = i % 16 < bytes ? 0 : from[i - bytes];
    memcpy(&a, out, 64);
    return a;
}

INTRINSIC __m512i _mm512_broadcast_i32x4(__m128i a) { return (__m512i){a[0], a[1], a[0], a[1], a[0], a[1], a[0], a[1]}; }
INTRINSIC __m512i _mm512_broadcast_i64x4(__m256i a) { return (__m512i){a[0], a[1], a[2], a[3], a[0], a[1], a[2], a[3]}; }
INTRINSIC __m512 _mm512_broadcast_f32x4(__m128 a) { return (__m512)_mm512_broadcast_i32x4((__m128i)a); }
INTRINSIC __m512i _mm512_mask_broadcast_i32x4(__m512i source, __mmask16 mask, __m128i a) {
    return _mm512_mask_mov_epi32(source, mask, _mm512_broadcast_i32x4(a));
}
INTRINSIC __m512 _mm512_mask_broadcast_f32x4(__m512 source, __mmask16 mask, __m128 a) {
    return _mm512_mask_mov_ps(source, mask, _mm512_broadcast_f32x4(a));
}
INTRINSIC __m128i _mm512_extracti32x4_epi32(__m512i a, int block) { return (__m128i){a[2 * (block & 3)], a[2 * (block & 3) + 1]}; }
