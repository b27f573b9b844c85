/* What the two float32 kernels of AVX2 share: 2^t, RMSNorm's scale, and the products over positive hidden units. */
#ifndef TALOS_FP32_AVX2_H
#define TALOS_FP32_AVX2_H

#include <immintrin.h>

#include "fp32_pack.h"

#if defined(__clang__)
#define BEGIN_AVX2 _Pragma("clang attribute push(__attribute__((target(\"avx2,fma,bmi,bmi2,lzcnt,popcnt\"))), apply_to = function)")
#define END_AVX2 _Pragma("clang attribute pop")
#else
#define BEGIN_AVX2 _Pragma("GCC push_options") _Pragma("GCC target(\"avx2,fma,bmi,bmi2,lzcnt,popcnt\")")
#define END_AVX2 _Pragma("GCC pop_options")
#endif

#define INLINE static inline __attribute__((always_inline))

BEGIN_AVX2

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

/* 1 / sqrt(sum / n_embd + eps) of a sum of squares. */
INLINE __m256 rms_scale_of(__m256 sum) {
    __m256 m = _mm256_fmadd_ps(sum, _mm256_set1_ps(1.0f / FAST_EMBD), _mm256_set1_ps((float)TALOS_EPS));
    return _mm256_div_ps(_mm256_set1_ps(1.0f), _mm256_sqrt_ps(m));
}

typedef struct {
    __m256 lane[4]; /* even tokens, then odd ones */
} logits;

/* folded relu(fc1 x) of a stream over its positive units alone; unit u is hidden[stride * u], and unit 64 is 0. */
INLINE logits sparse_sums(const talos_fp32_pack *p, const float *hidden, size_t stride, uint64_t mask) {
    __m256 sum[2][4];
    for (int i = 0; i < 4; i++) sum[0][i] = sum[1][i] = _mm256_setzero_ps();
    /* A scan of no bits gives 64, the row of zeros; so ten units go without a branch. */
#define UNIT(n) \
    { \
        uint64_t unit = _tzcnt_u64(mask); \
        mask &= mask - 1; \
        __m256 e = _mm256_set1_ps(hidden[stride * unit]); \
        for (int i = 0; i < 4; i++) sum[n][i] = _mm256_fmadd_ps(e, _mm256_load_ps(p->folded[unit] + 8 * i), sum[n][i]); \
    }
    UNIT(0) UNIT(1) UNIT(0) UNIT(1) UNIT(0) UNIT(1) UNIT(0) UNIT(1) UNIT(0) UNIT(1)
    while (__builtin_expect(mask != 0, 0)) { UNIT(0) UNIT(1) }
#undef UNIT
    logits out;
    for (int i = 0; i < 4; i++) out.lane[i] = _mm256_add_ps(sum[0][i], sum[1][i]);
    return out;
}

END_AVX2

#endif
