/* WebAssembly SIMD: vectors of 128 bits, without a gather, a shift by lanes or a fused product. */
#ifndef TALOS_SIMD128_H
#define TALOS_SIMD128_H

#include <wasm_simd128.h>

#define INLINE static inline __attribute__((always_inline))

INLINE v128_t load(const void *at) { return wasm_v128_load(at); }
/* 32 bits of memory in all lanes. */
INLINE v128_t spread(const void *at) { return wasm_v128_load32_splat(at); }

/* The lane of 32 bits, in all lanes. */
#define LANE(x, lane) wasm_i32x4_shuffle(x, x, lane, lane, lane, lane)

/* Entries of a table of pairs of 32 bits: first and second of each. */
typedef struct {
    v128_t first, second;
} pairs4;

INLINE pairs4 look_up(const int32_t (*table)[2], v128_t index) {
    v128_t low = wasm_v128_load64_zero(table[wasm_i32x4_extract_lane(index, 0)]);
    v128_t high = wasm_v128_load64_zero(table[wasm_i32x4_extract_lane(index, 2)]);
    low = wasm_v128_load64_lane(table[wasm_i32x4_extract_lane(index, 1)], low, 1);
    high = wasm_v128_load64_lane(table[wasm_i32x4_extract_lane(index, 3)], high, 1);
    pairs4 out = {wasm_i32x4_shuffle(low, high, 0, 2, 4, 6), wasm_i32x4_shuffle(low, high, 1, 3, 5, 7)};
    return out;
}

/* 2^n as float for n held between -126 and 127. */
INLINE v128_t power_of_two(v128_t n) { return wasm_i32x4_shl(wasm_i32x4_add(n, wasm_i32x4_splat(127)), 23); }

/* The lower half of each lane of 64 bits, of two vectors. */
INLINE v128_t low_halves(v128_t a, v128_t b) { return wasm_i32x4_shuffle(a, b, 0, 2, 4, 6); }

/* Sums of each vector's lanes, a lane a vector. */
INLINE v128_t lane_sums_f32(v128_t a, v128_t b, v128_t c, v128_t d) {
    v128_t ab = wasm_f32x4_add(wasm_i32x4_shuffle(a, b, 0, 2, 4, 6), wasm_i32x4_shuffle(a, b, 1, 3, 5, 7));
    v128_t cd = wasm_f32x4_add(wasm_i32x4_shuffle(c, d, 0, 2, 4, 6), wasm_i32x4_shuffle(c, d, 1, 3, 5, 7));
    return wasm_f32x4_add(wasm_i32x4_shuffle(ab, cd, 0, 2, 4, 6), wasm_i32x4_shuffle(ab, cd, 1, 3, 5, 7));
}

#endif
