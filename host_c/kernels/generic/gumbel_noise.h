/* Gumbel noise of `folded`; formulas as in talos_ref. */
#ifndef TALOS_GUMBEL_NOISE_H
#define TALOS_GUMBEL_NOISE_H

#include "fixed.h"

enum {
    TALOS_GUMBEL_PLACE_BITS = TALOS_GUMBEL_SEGMENT_BITS + TALOS_GUMBEL_STEP_BITS,
    /* A rise times a step loses these. */
    TALOS_GUMBEL_SHIFT = TALOS_GUMBEL_STEP_BITS - TALOS_GUMBEL_RISE_SHIFT
};

/* 32 random bits of a lane. */
static inline uint32_t talos_lane_bits(uint32_t rng, uint32_t lane) {
    uint32_t z = rng + lane * TALOS_WEYL;
    z = (z ^ z >> TALOS_HASH_SHIFT_0) * TALOS_HASH_FACTOR_0;
    z = (z ^ z >> TALOS_HASH_SHIFT_1) * TALOS_HASH_FACTOR_1;
    z = (z ^ z >> TALOS_HASH_SHIFT_2) * TALOS_HASH_FACTOR_2;
    return z ^ z >> TALOS_HASH_SHIFT_3;
}

/* -ln(-ln u) of them, Q6.12. */
static inline int32_t talos_gumbel(uint32_t z) {
    uint32_t half = 0 - (z >> 31), v = (z ^ half) << 1 | 1; /* the tail that u is in, folded onto the lower one */
    uint32_t e = (uint32_t)__builtin_clz(v), place = (v << e ^ half) >> (31 - TALOS_GUMBEL_PLACE_BITS);
    place = ((half & 32) + e) << TALOS_GUMBEL_PLACE_BITS | (place & TALOS_LOW_BITS(TALOS_GUMBEL_PLACE_BITS));
    int32_t line = talos_gumbel_lines[place >> TALOS_GUMBEL_STEP_BITS];
    int32_t step = (line & TALOS_LOW_BITS(TALOS_GUMBEL_RISE_BITS)) * (int32_t)(place & TALOS_LOW_BITS(TALOS_GUMBEL_STEP_BITS));
    return (line >> TALOS_GUMBEL_RISE_BITS) + (int32_t)talos_round_shift(step, TALOS_GUMBEL_SHIFT);
}

#endif
