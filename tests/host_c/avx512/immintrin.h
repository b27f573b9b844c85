/* The intrinsics of AVX-512 that host_c/kernels/x86 uses, in C for any processor: it stands in for the compiler's
 * <immintrin.h> and takes nothing from it. Results are those of Intel's definitions to the bit; rsqrt14 alone is not. */
#ifndef TALOS_EMULATED_AVX512_H
#define TALOS_EMULATED_AVX512_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef float __m128 __attribute__((vector_size(16), may_alias));
typedef float __m512 __attribute__((vector_size(64), may_alias));
typedef long long __m128i __attribute__((vector_size(16), may_alias));
typedef long long __m256i __attribute__((vector_size(32), may_alias));
typedef long long __m512i __attribute__((vector_size(64), may_alias));
typedef int32_t i32x4 __attribute__((vector_size(16), may_alias));
typedef uint32_t u32x8 __attribute__((vector_size(32), may_alias));
typedef int16_t i16x16 __attribute__((vector_size(32), may_alias));
typedef int16_t i16x32 __attribute__((vector_size(64), may_alias));
typedef uint16_t u16x32 __attribute__((vector_size(64), may_alias));
typedef int32_t i32x16 __attribute__((vector_size(64), may_alias));
typedef uint32_t u32x16 __attribute__((vector_size(64), may_alias));
typedef int64_t i64x8 __attribute__((vector_size(64), may_alias));
typedef uint64_t u64x8 __attribute__((vector_size(64), may_alias));
typedef uint16_t __mmask16;
typedef uint32_t __mmask32;
typedef uint64_t __mmask64;
typedef int _MM_PERM_ENUM;

enum { _CMP_LT_OQ = 0x11, _CMP_LE_OQ = 0x12, _CMP_GT_OQ = 0x1E, _MM_FROUND_TO_NEG_INF = 0x01, _MM_FROUND_NO_EXC = 0x08 };

#define INTRINSIC __attribute__((unused, noinline)) static
#define EACH(vector) for (unsigned i = 0; i < sizeof(vector) / sizeof(vector)[0]; i++)

#include "moves.h"
#include "masks.h"
#include "permutations.h"
#include "integers.h"
#include "floats.h"

#undef INTRINSIC
#undef EACH

#endif
