/* `precise` with NEON in float64, for any shape and any word; A64 alone has such registers. */
#if defined(TALOS_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#include <math.h>
#include <string.h>

#include "precise_f64_pack.h"

enum { LANES = 2 };
typedef float64x2_t vec;
static inline vec vec_load(const double *at) { return vld1q_f64(at); }
static inline void vec_store(double *at, vec x) { vst1q_f64(at, x); }
static inline vec vec_of(double x) { return vdupq_n_f64(x); }
static inline vec vec_mla(vec sum, vec a, vec b) { return vfmaq_f64(sum, a, b); }

#include "precise_f64.h"

const talos_kernel talos_precise_neon_f64 = {
    .name = "neon-f64", .arithmetic = TALOS_PRECISE, .word_width = TALOS_MAX_WIDTH,
    .available = talos_always, .suits = talos_any_model,
    .prepare = talos_f64_prepare,
    .cache_bytes = talos_f64_cache_bytes, .scratch_bytes = talos_f64_scratch_bytes,
    .step = step,
};
#endif
