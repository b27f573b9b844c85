/* The kernel table: what each arithmetic can run on, fastest first. */
#include "internal.h"

static const talos_kernel *const fp32[] = {
#if defined(TALOS_X86)
    &talos_fp32_avx512, &talos_fp32_avx2,
#endif
#if defined(TALOS_NEON)
    &talos_fp32_neon,
#endif
#if defined(TALOS_WASM)
    &talos_fp32_simd128,
#endif
    &talos_fp32_scalar, 0};

static const talos_kernel *const precise[] = {
#if defined(TALOS_X86)
    &talos_precise_avx512, &talos_precise_avx2, &talos_precise_avx2_f64,
#endif
#if defined(TALOS_NEON)
    &talos_precise_neon,
#if defined(__aarch64__)
    &talos_precise_neon_f64,
#endif
#endif
    &talos_precise_scalar, 0};

static const talos_kernel *const folded[] = {
#if defined(TALOS_X86)
    &talos_folded_avx512, &talos_folded_avx2,
#endif
#if defined(TALOS_NEON)
    &talos_folded_neon,
#endif
#if defined(TALOS_WASM)
    &talos_folded_simd128,
#endif
    &talos_folded_scalar, 0};

static const talos_kernel *const v2[] = {&talos_v2_scalar, 0};

const talos_kernel *const *talos_kernels(talos_arithmetic arithmetic) {
    switch (arithmetic) {
        case TALOS_FP32: return fp32;
        case TALOS_PRECISE: return precise;
        case TALOS_FOLDED: return folded;
        case TALOS_V2: return v2;
    }
    return 0;
}

static const talos_kernel *kernel_at(talos_arithmetic arithmetic, size_t index) {
    const talos_kernel *const *at = talos_kernels(arithmetic);
    for (size_t i = 0; at && i < index && *at; i++) at++;
    return at ? *at : 0;
}

const char *talos_kernel_name(talos_arithmetic arithmetic, size_t index) {
    const talos_kernel *kernel = kernel_at(arithmetic, index);
    return kernel ? kernel->name : 0;
}

int talos_kernel_available(talos_arithmetic arithmetic, size_t index) {
    const talos_kernel *kernel = kernel_at(arithmetic, index);
    return kernel && kernel->available();
}
