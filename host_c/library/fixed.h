/* Fixed-point pieces that every integer kernel is built from; formulas as in talos_ref. */
#ifndef TALOS_FIXED_H
#define TALOS_FIXED_H

#include <stdint.h>

#include "tables.h"

enum {
    TALOS_WORD_ONE = 1 << TALOS_WORD_FRACTION,
    TALOS_SUM_FRACTION = 2 * TALOS_WORD_FRACTION, /* of sums of products of two words: Q.24 */
    TALOS_RSQRT_INPUT_BITS = TALOS_RSQRT_INDEX_BITS + TALOS_RSQRT_STEP_BITS,
    TALOS_RECIPROCAL_INPUT_BITS = TALOS_RECIPROCAL_INDEX_BITS + TALOS_RECIPROCAL_STEP_BITS,
    TALOS_RSQRT_LINES = (1 << TALOS_RSQRT_INDEX_BITS) - TALOS_RSQRT_FIRST
};
_Static_assert(TALOS_EXP2_INDEX_BITS + TALOS_EXP2_STEP_BITS == TALOS_EXPONENT_FRACTION, "2^f is read at all bits of f");
_Static_assert(TALOS_EXP2_FIRST == 0, "f begins at 0");

/* The n lowest bits, as a mask. */
#define TALOS_LOW_BITS(n) ((1 << (n)) - 1)

static inline int64_t talos_round_shift(int64_t value, int bits) { return (value + ((int64_t)1 << (bits - 1))) >> bits; }

static inline int32_t talos_clamp(int64_t value, int32_t low, int32_t high) {
    return value < low ? low : value > high ? high : (int32_t)value;
}

static inline int32_t talos_word(const talos_format *f, int64_t value) { return talos_clamp(value, f->low, f->high); }

static inline int talos_bit_length(uint64_t value) { return value ? 64 - __builtin_clzll(value) : 0; }

/* base + round(slope * d / 2^step_bits), where u = (index, d). */
static inline int32_t talos_interpolate(const int32_t line[2], uint32_t d, int step_bits) {
    return line[0] + (int32_t)talos_round_shift((int64_t)line[1] * d, step_bits);
}

/* 2^16 * 2^f of an exponent's fraction f. */
static inline int32_t talos_mantissa(int32_t t) {
    uint32_t f = (uint32_t)t & TALOS_LOW_BITS(TALOS_EXPONENT_FRACTION);
    uint32_t d = f & TALOS_LOW_BITS(TALOS_EXP2_STEP_BITS);
    int32_t y = talos_interpolate(talos_exp2_lines[f >> TALOS_EXP2_STEP_BITS], d, TALOS_EXP2_STEP_BITS);
    return y > TALOS_EXP2_HIGH ? TALOS_EXP2_HIGH : y;
}

/* Weight of t where the largest integer part is top. */
static inline int32_t talos_exp2_weight(int32_t t, int32_t top) {
    int32_t fall = top - (t >> TALOS_EXPONENT_FRACTION);
    return talos_mantissa(t) >> (fall < 31 ? fall : 31);
}

/* 2^16 / (u / 2^16) for u in [2^15, 2^16). */
static inline int32_t talos_reciprocal(uint32_t u) {
    const int32_t *line = talos_reciprocal_lines[(u >> TALOS_RECIPROCAL_STEP_BITS) - TALOS_RECIPROCAL_FIRST];
    int32_t y = talos_interpolate(line, u & TALOS_LOW_BITS(TALOS_RECIPROCAL_STEP_BITS), TALOS_RECIPROCAL_STEP_BITS);
    return y > TALOS_RECIPROCAL_HIGH ? TALOS_RECIPROCAL_HIGH : y;
}

/* RMSNorm of vectors of one width. */
typedef struct {
    int64_t eps;  /* added to a sum of squares, Q.24 */
    int64_t unit; /* exponent at which the table gives the scale without a shift */
    int32_t lines[TALOS_RSQRT_LINES][2]; /* base, slope */
} talos_norm;

/* Scale of a vector whose squares have this sum, UQ4.13. */
static inline int32_t talos_norm_scale(const talos_norm *n, int64_t sum) {
    sum += n->eps;
    /* An even number of zeros before the sum is shifted out, so that its top two bits are not both 0. */
    int zeros = __builtin_clzll((uint64_t)sum) & ~1, down = 32 - zeros / 2 - (int)n->unit;
    if (down < 0) return TALOS_SCALE_HIGH;
    uint32_t u = (uint32_t)((uint64_t)sum << zeros >> (64 - TALOS_RSQRT_INPUT_BITS));
    const int32_t *line = n->lines[(u >> TALOS_RSQRT_STEP_BITS) - TALOS_RSQRT_FIRST];
    /* The line's value is rounded, and rounded again as it is shifted down. Two floors are one, so both halves are added at once. */
    int32_t half = (1 << down >> 1 << TALOS_RSQRT_STEP_BITS) + (1 << (TALOS_RSQRT_STEP_BITS - 1));
    int32_t y = (line[0] << TALOS_RSQRT_STEP_BITS) + half + line[1] * (int32_t)(u & TALOS_LOW_BITS(TALOS_RSQRT_STEP_BITS));
    y >>= TALOS_RSQRT_STEP_BITS + down;
    return y > TALOS_SCALE_HIGH ? TALOS_SCALE_HIGH : y;
}

/* Weighted mean as a word. */
static inline int32_t talos_divide(const talos_format *f, int64_t numerator, int64_t denominator) {
    int e = talos_bit_length((uint64_t)denominator) - TALOS_RECIPROCAL_INPUT_BITS;
    int64_t wide = numerator >> (e + TALOS_RECIPROCAL_INPUT_BITS - f->guard);
    int64_t product = wide * talos_reciprocal((uint32_t)(denominator >> e));
    return talos_word(f, talos_round_shift(product, TALOS_RECIPROCAL_FRACTION + f->guard));
}

#endif
