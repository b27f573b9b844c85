/* Q4.12 weights laid out for the SIMD kernels of one-layer models of the shipped shape. */
#ifndef TALOS_PRECISE_PACK_H
#define TALOS_PRECISE_PACK_H

#include "fast.h"
#include "precise.h"

/* After (token, position): x and v as they are added and weighted, q (with log2(e) / sqrt(head_dim)) and k as multiplied. */
typedef struct {
    _Alignas(64) int32_t x[FAST_EMBD];
    int32_t v[FAST_EMBD];
    _Alignas(64) int16_t q[FAST_EMBD];
    int16_t k[FAST_EMBD];
} talos_precise_row;

/* Matrices are stored by pairs of columns, so that one instruction multiplies two elements and adds the products. */
typedef struct {
    _Alignas(64) int16_t wo[FAST_EMBD / 2][FAST_EMBD][2];
    _Alignas(64) int16_t fc1[FAST_EMBD / 2][FAST_MLP][2];
    _Alignas(64) int16_t head[FAST_EMBD / 2][FAST_LANES][2];
    /* lm_head * fc2 by hidden unit, then a row of zeros, where an exhausted bit scan points; the second of a pair is 0. */
    _Alignas(64) int16_t folded[FAST_MLP + 1][FAST_LANES][2];
    _Alignas(64) int32_t live[FAST_LANES]; /* -1 where the lane is a token, else 0 */
    /* Tables by segment: 2^f with half a unit for rounding above the slope, and 1 / u less 2^16. */
    _Alignas(64) int32_t exp2_base[32];
    _Alignas(64) int32_t exp2_slope[32];
    _Alignas(64) int16_t reciprocal_base[128];
    _Alignas(64) int16_t reciprocal_slope[128];
    talos_precise_row rows[];
} talos_precise_pack;

typedef struct {
    _Alignas(64) int16_t k[FAST_POSITIONS][FAST_EMBD];
    _Alignas(64) int32_t v[FAST_POSITIONS][FAST_EMBD];
    _Alignas(64) int32_t hidden[FAST_MLP + 16]; /* [64] stays 0 */
} talos_precise_state;

/* Whether every sum of this model provably fits 32 bits. */
bool talos_precise_suits(const talos_model *m);
talos_status talos_precise_prepare(talos_model *m, void **pack);
size_t talos_precise_state_bytes(const talos_model *m);

#endif
