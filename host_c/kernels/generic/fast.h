/* The shape that the SIMD kernels are written for. */
#ifndef TALOS_FAST_H
#define TALOS_FAST_H

#include "internal.h"

enum { FAST_EMBD = 16, FAST_HEADS = 4, FAST_MLP = 64, FAST_POSITIONS = 16, FAST_LANES = 32 };
/* Where no more hidden units than these can be positive, kernels compute them alone. */
enum { FEW_UNITS = 32 };

/* Token of a logit lane: even tokens fill the first half and odd ones the second, so that adding the halves adds
 * neighbours and a running sum over 32 tokens takes one over 16 pairs. */
static inline unsigned talos_lane_token(unsigned lane) { return lane < 16 ? 2 * lane : 2 * lane - 31; }

/* One layer of the shipped widths, at most 32 tokens and 16 positions. */
bool talos_fast_shape(const talos_model *m);
size_t talos_no_scratch(const talos_model *m);

#endif
