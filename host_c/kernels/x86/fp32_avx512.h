/* What the two float32 kernels of AVX-512 share: 2^t, RMSNorm's scale, and the products over positive hidden units. */
#ifndef TALOS_FP32_AVX512_H
#define TALOS_FP32_AVX512_H

#include "avx512.h"
#include "fp32_pack.h"

BEGIN_AVX512

/* 2^t, relative error below 1e-7: minimax polynomial of the fraction. */
INLINE __m512 exp2_ps(__m512 t) {
    __m512 f = _mm512_reduce_ps(t, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    __m512 f2 = _mm512_mul_ps(f, f);
    __m512 low = _mm512_fmadd_ps(_mm512_set1_ps(0.6931530239f), f, _mm512_set1_ps(0.9999999267f));
    __m512 middle = _mm512_fmadd_ps(_mm512_set1_ps(0.0558261729f), f, _mm512_set1_ps(0.2401538184f));
    __m512 high = _mm512_fmadd_ps(_mm512_set1_ps(0.001877784128f), f, _mm512_set1_ps(0.008989127362f));
    return _mm512_scalef_ps(_mm512_fmadd_ps(_mm512_fmadd_ps(high, f2, middle), f2, low), t);
}

/* 1 / sqrt(sum / n_embd + eps) of a sum of squares. */
INLINE __m512 rms_scale_of(__m512 sum) {
    __m512 m = _mm512_fmadd_ps(sum, _mm512_set1_ps(1.0f / FAST_EMBD), _mm512_set1_ps((float)TALOS_EPS));
    __m512 r = _mm512_rsqrt14_ps(m);
    __m512 half = _mm512_mul_ps(_mm512_mul_ps(m, r), _mm512_set1_ps(-0.5f));
    return _mm512_mul_ps(r, _mm512_fmadd_ps(half, r, _mm512_set1_ps(1.5f)));
}

typedef struct {
    __m512 even, odd; /* even tokens, odd tokens */
} logits;

/* folded relu(hidden) of a stream over the positive ones of its hidden values alone. Value n is hidden[stride * n], and value 64
 * is 0; it belongs to unit n, or where `units` is given to units[n]. */
INLINE logits sparse_sums(const talos_fp32_pack *p, const float *hidden, size_t stride, uint64_t mask, const uint8_t *units) {
    __m512 even[4], odd[4];
    for (int i = 0; i < 4; i++) even[i] = odd[i] = _mm512_setzero_ps();
    /* A scan of no bits gives 64, the row of zeros; so twelve units, enough for 24 steps of 25, go without a branch. */
#define UNIT(i) \
    { \
        uint64_t value = _tzcnt_u64(mask), unit = units ? units[value] : value; \
        mask &= mask - 1; \
        __m512 e = _mm512_set1_ps(hidden[stride * value]); \
        even[i] = _mm512_fmadd_ps(e, _mm512_load_ps(p->folded[unit]), even[i]); \
        odd[i] = _mm512_fmadd_ps(e, _mm512_load_ps(p->folded[unit] + 16), odd[i]); \
    }
    UNIT(0) UNIT(1) UNIT(2) UNIT(3) UNIT(0) UNIT(1) UNIT(2) UNIT(3) UNIT(0) UNIT(1) UNIT(2) UNIT(3)
    while (__builtin_expect(mask != 0, 0)) { UNIT(0) UNIT(1) UNIT(2) UNIT(3) }
#undef UNIT
    return (logits){_mm512_add_ps(_mm512_add_ps(even[0], even[1]), _mm512_add_ps(even[2], even[3])),
                    _mm512_add_ps(_mm512_add_ps(odd[0], odd[1]), _mm512_add_ps(odd[2], odd[3]))};
}

END_AVX512

#endif
