/* `precise` with AVX2 in float64, for any shape and any word. */
#if defined(TALOS_X86)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "precise_f64_pack.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,bmi,bmi2,lzcnt,popcnt")
#endif

enum { LANES = 4 };
typedef __m256d vec;
static inline vec vec_load(const double *at) { return _mm256_load_pd(at); }
static inline void vec_store(double *at, vec x) { _mm256_store_pd(at, x); }
static inline vec vec_of(double x) { return _mm256_set1_pd(x); }
static inline vec vec_mla(vec sum, vec a, vec b) { return _mm256_fmadd_pd(a, b, sum); }

#include "precise_f64.h"

static bool available(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

const talos_kernel talos_precise_avx2_f64 = {
    .name = "avx2-f64", .arithmetic = TALOS_PRECISE, .word_width = TALOS_MAX_WIDTH,
    .available = available, .suits = talos_any_model,
    .prepare = talos_f64_prepare,
    .cache_bytes = talos_f64_cache_bytes, .scratch_bytes = talos_f64_scratch_bytes,
    .step = step,
};
#endif
