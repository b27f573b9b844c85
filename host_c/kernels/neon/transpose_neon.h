/* Streams in lanes with NEON: four of them, and four elements of each turned into a vector an element. */
#ifndef TALOS_TRANSPOSE_NEON_H
#define TALOS_TRANSPOSE_NEON_H

#include "neon.h"

enum { LANES = 4 };

INLINE void transpose(int32x4_t r[4]) {
    int32x4x2_t even = vzipq_s32(r[0], r[2]), odd = vzipq_s32(r[1], r[3]);
    int32x4x2_t low = vzipq_s32(even.val[0], odd.val[0]), high = vzipq_s32(even.val[1], odd.val[1]);
    r[0] = low.val[0];
    r[1] = low.val[1];
    r[2] = high.val[0];
    r[3] = high.val[1];
}

#endif
