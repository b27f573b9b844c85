/* NEON of either ARM instruction set, or of SIMDe elsewhere, so that the same kernels are tested on any processor. */
#ifndef TALOS_NEON_H
#define TALOS_NEON_H

#if defined(__ARM_NEON)
#include <arm_neon.h>
#else
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/arm/neon.h>
#endif

#define INLINE static inline __attribute__((always_inline))

#if defined(__ARM_NEON) && !defined(__aarch64__)
/* ARMv7: products take a lane of 64 bits and are not fused; sums across a vector go by pairs. */
#define MLA_LANE(acc, v, x, lane) \
    vmlaq_lane_f32(acc, v, (lane) < 2 ? vget_low_f32(x) : vget_high_f32(x), (lane) & 1)
INLINE float32x4_t mla(float32x4_t acc, float32x4_t a, float32x4_t b) { return vmlaq_f32(acc, a, b); }
INLINE float32x4_t pair_sums(float32x4_t a, float32x4_t b) {
    return vcombine_f32(vpadd_f32(vget_low_f32(a), vget_high_f32(a)), vpadd_f32(vget_low_f32(b), vget_high_f32(b)));
}
INLINE int32x4_t pair_sums_s32(int32x4_t a, int32x4_t b) {
    return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)), vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
}
INLINE int32_t sum_s32(int32x4_t x) {
    int32x2_t half = vadd_s32(vget_low_s32(x), vget_high_s32(x));
    return vget_lane_s32(vpadd_s32(half, half), 0);
}
INLINE float sum_f32(float32x4_t x) {
    float32x2_t half = vadd_f32(vget_low_f32(x), vget_high_f32(x));
    return vget_lane_f32(vpadd_f32(half, half), 0);
}
INLINE int32_t max_s32(int32x4_t x) {
    int32x2_t half = vmax_s32(vget_low_s32(x), vget_high_s32(x));
    return vget_lane_s32(vpmax_s32(half, half), 0);
}
#else
#define MLA_LANE(acc, v, x, lane) vfmaq_laneq_f32(acc, v, x, lane)
INLINE float32x4_t mla(float32x4_t acc, float32x4_t a, float32x4_t b) { return vfmaq_f32(acc, a, b); }
INLINE float32x4_t pair_sums(float32x4_t a, float32x4_t b) { return vpaddq_f32(a, b); }
INLINE int32x4_t pair_sums_s32(int32x4_t a, int32x4_t b) { return vpaddq_s32(a, b); }
INLINE int32_t sum_s32(int32x4_t x) { return vaddvq_s32(x); }
INLINE float sum_f32(float32x4_t x) { return vaddvq_f32(x); }
INLINE int32_t max_s32(int32x4_t x) { return vmaxvq_s32(x); }
#endif

#if defined(__aarch64__)
INLINE float32x4_t inverse_f32(float32x4_t x) { return vdivq_f32(vdupq_n_f32(1.0f), x); }
#else
/* An estimate of 8 bits, doubled twice. */
INLINE float32x4_t inverse_f32(float32x4_t x) {
    float32x4_t r = vrecpeq_f32(x);
    r = vmulq_f32(r, vrecpsq_f32(x, r));
    return vmulq_f32(r, vrecpsq_f32(x, r));
}
#endif

INLINE float32x4x4_t load16(const float *at) {
#if defined(__ARM_NEON) && !defined(__aarch64__)
    /* As one object: ARMv7 has no load of two vectors with an offset, but one of eight registers in a row. */
    float32x4x4_t x;
    __builtin_memcpy(&x, __builtin_assume_aligned(at, 64), sizeof x);
    return x;
#else
    /* Not vld1q_f32_x4, which wants four registers in a row and costs A64 more moves than it saves loads. */
    float32x4x4_t x = {{vld1q_f32(at), vld1q_f32(at + 4), vld1q_f32(at + 8), vld1q_f32(at + 12)}};
    return x;
#endif
}

/* Bit i is set where byte i of eight vectors of eight is not zero. */
INLINE uint64_t bits_of(const uint8x8_t bytes[8]) {
    static const uint8_t places[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x8_t place = vld1_u8(places);
    uint8x8_t x[8];
    for (int i = 0; i < 8; i++) x[i] = vand_u8(bytes[i], place);
    for (int n = 4; n; n /= 2)
        for (int i = 0; i < n; i++) x[i] = vpadd_u8(x[2 * i], x[2 * i + 1]);
    return vget_lane_u64(vreinterpret_u64_u8(x[0]), 0);
}

#endif
