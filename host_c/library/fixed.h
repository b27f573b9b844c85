/* Fixed-point pieces that every integer kernel is built from; formulas as in talos_ref. */
#ifndef TALOS_FIXED_H
#define TALOS_FIXED_H

#include <stdint.h>

#include "tables.h"

static inline int64_t talos_round_shift(int64_t value, int bits) { return (value + ((int64_t)1 << (bits - 1))) >> bits; }

static inline int32_t talos_clamp(int64_t value, int32_t low, int32_t high) {
    return value < low ? low : value > high ? high : (int32_t)value;
}

static inline int32_t talos_word(int64_t value) { return talos_clamp(value, -32768, 32767); }

static inline int talos_bit_length(uint64_t value) { return value ? 64 - __builtin_clzll(value) : 0; }

/* base + round(slope * d / 2^step_bits), where u = (index, d). */
static inline int32_t talos_interpolate(const int32_t line[2], uint32_t d, int step_bits) {
    return line[0] + (int32_t)talos_round_shift((int64_t)line[1] * d, step_bits);
}

/* 2^16 * 2^(f / 2^12) for f = t mod 2^12. */
static inline int32_t talos_mantissa(int32_t t) {
    uint32_t f = (uint32_t)t & 4095;
    int32_t y = talos_interpolate(talos_exp2_lines[f >> 7], f & 127, 7);
    return y > 131071 ? 131071 : y;
}

/* Weight of t where the largest integer part is top. */
static inline int32_t talos_exp2_weight(int32_t t, int32_t top) {
    int32_t fall = top - (t >> 12);
    return talos_mantissa(t) >> (fall < 31 ? fall : 31);
}

/* 2^16 / (u / 2^16) for u in [2^15, 2^16). */
static inline int32_t talos_reciprocal(uint32_t u) {
    int32_t y = talos_interpolate(talos_reciprocal_lines[(u >> 8) - 128], u & 255, 8);
    return y > 131071 ? 131071 : y;
}

/* Weighted mean as a word. */
static inline int32_t talos_divide(int64_t numerator, int64_t denominator) {
    int e = talos_bit_length((uint64_t)denominator) - 16;
    int64_t wide = numerator >> (e + 14);
    return talos_word(talos_round_shift(wide * talos_reciprocal((uint32_t)(denominator >> e)), 18));
}

#endif
