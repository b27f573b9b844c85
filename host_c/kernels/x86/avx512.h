/* The instructions that every kernel of AVX-512 needs. */
#ifndef TALOS_AVX512_H
#define TALOS_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#if defined(__clang__)
#define BEGIN_AVX512 \
    _Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512bw,avx512vl,avx512dq,bmi,bmi2,lzcnt,popcnt,fma\"))), apply_to = function)")
#define END_AVX512 _Pragma("clang attribute pop")
#else
#define BEGIN_AVX512 _Pragma("GCC push_options") _Pragma("GCC target(\"avx512f,avx512bw,avx512vl,avx512dq,bmi,bmi2,lzcnt,popcnt,fma\")")
#define END_AVX512 _Pragma("GCC pop_options")
#endif

#define INLINE static inline __attribute__((always_inline))

BEGIN_AVX512

/* Four masks as one, the first lowest. Not `(uint64_t)mask << 16 * i`: GCC 12 spills such a mask as 16 bits and reads 64. */
INLINE uint64_t join_masks(const __mmask16 masks[4]) {
    __mmask32 low = _mm512_kunpackw(masks[1], masks[0]), high = _mm512_kunpackw(masks[3], masks[2]);
    return _cvtmask64_u64(_mm512_kunpackd(high, low));
}

END_AVX512

#endif
