/* The kernel table: what each arithmetic can run on, fastest first. */
#include "internal.h"

static const talos_kernel *const fp32[] = {
#if defined(TALOS_X86)
    &talos_fp32_avx512, &talos_fp32_avx2,
#endif
#if defined(TALOS_NEON)
    &talos_fp32_neon,
#endif
    &talos_fp32_scalar, 0};

static const talos_kernel *const precise[] = {
#if defined(TALOS_X86)
    &talos_precise_avx512, &talos_precise_avx2,
#endif
#if defined(TALOS_NEON)
    &talos_precise_neon,
#endif
    &talos_precise_scalar, 0};

static const talos_kernel *const v2[] = {&talos_v2_scalar, 0};

const talos_kernel *const *talos_kernels(talos_arithmetic arithmetic) {
    return arithmetic == TALOS_FP32 ? fp32 : arithmetic == TALOS_PRECISE ? precise : v2;
}

static const talos_kernel *kernel_at(talos_arithmetic arithmetic, size_t index) {
    if ((int)arithmetic < 0 || arithmetic >= TALOS_ARITHMETIC_COUNT) return 0;
    const talos_kernel *const *at = talos_kernels(arithmetic);
    for (size_t i = 0; i < index && *at; i++) at++;
    return *at;
}

const char *talos_kernel_name(talos_arithmetic arithmetic, size_t index) {
    const talos_kernel *kernel = kernel_at(arithmetic, index);
    return kernel ? kernel->name : 0;
}

int talos_kernel_available(talos_arithmetic arithmetic, size_t index) {
    const talos_kernel *kernel = kernel_at(arithmetic, index);
    return kernel && kernel->available();
}
