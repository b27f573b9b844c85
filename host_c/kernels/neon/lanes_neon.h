/* Streams in lanes with NEON: what attention_lanes.h is made of, as in lanes_avx2.h. Includes follow precise_neon.h. */
#ifndef TALOS_LANES_NEON_H
#define TALOS_LANES_NEON_H

#include "precise_neon.h"
#include "transpose_neon.h"

typedef int32x4_t ints;
typedef struct {
    int16x4_t first, second;
} pair;
typedef int16x4_t factor;

INLINE ints spread(int32_t x) { return vdupq_n_s32(x); }
INLINE ints add(ints a, ints b) { return vaddq_s32(a, b); }
INLINE ints maximum(ints a, ints b) { return vmaxq_s32(a, b); }
/* A shift by a vector, since one by a number wants a constant, which a function's argument is not. */
INLINE ints down(ints x, int bits) { return vshlq_s32(x, vdupq_n_s32(-bits)); }
INLINE ints down_by(ints x, ints bits) { return vshlq_s32(x, vnegq_s32(bits)); }
INLINE ints low_bits(ints x, int bits) { return vandq_s32(x, vdupq_n_s32(TALOS_LOW_BITS(bits))); }

INLINE pair pair_of(ints x) {
    pair out = {vmovn_s32(x), vshrn_n_s32(x, 16)};
    return out;
}
INLINE ints words_of(ints first, ints second) {
    return vbslq_s32(vdupq_n_u32(0xFFFF), first, vshlq_n_s32(second, 16));
}
INLINE ints dot(ints acc, pair a, pair b) { return vmlal_s16(vmlal_s16(acc, a.first, b.first), a.second, b.second); }
INLINE factor factor_of(ints x) { return vmovn_s32(x); }
INLINE void weigh(ints acc[2], pair v, factor by) {
    acc[0] = vmlal_s16(acc[0], v.first, by);
    acc[1] = vmlal_s16(acc[1], v.second, by);
}

INLINE void quad(const int32_t *const row[LANES], size_t at, ints out[4]) {
    for (int i = 0; i < 4; i++) out[i] = vld1q_s32(row[i] + at);
    transpose(out);
}
INLINE void unquad(const ints in[4], int32_t *rows, size_t stride, size_t at) {
    ints r[4] = {in[0], in[1], in[2], in[3]};
    transpose(r);
    for (size_t i = 0; i < 4; i++) vst1q_s32(rows + i * stride + at, r[i]);
}

INLINE ints weight_of(const talos_precise_tables *p, ints t, ints top) {
    (void)p;
    return weights_of(t, top);
}
INLINE ints length_of(ints sum) { return vsubq_s32(vdupq_n_s32(32), vclzq_s32(sum)); }
INLINE ints inverse_of(const talos_precise_tables *p, ints u) {
    (void)p;
    int32_t each[4];
    vst1q_s32(each, u);
    for (int i = 0; i < 4; i++) each[i] = talos_reciprocal((uint32_t)each[i]);
    return vld1q_s32(each);
}
INLINE ints quotient_of(ints wide, ints inverse) {
    return vcombine_s32(vrshrn_n_s64(vmull_s32(vget_low_s32(wide), vget_low_s32(inverse)), TALOS_QUOTIENT_SHIFT),
                        vrshrn_n_s64(vmull_s32(vget_high_s32(wide), vget_high_s32(inverse)), TALOS_QUOTIENT_SHIFT));
}

#include "attention_lanes.h"

#endif
