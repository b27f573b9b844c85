/* Q4.12 weights laid out for the SIMD kernels of one-layer models of the shipped shape. */
#ifndef TALOS_PRECISE_PACK_H
#define TALOS_PRECISE_PACK_H

#include "fast.h"
#include "precise.h"

/* Two words are multiplied in 32 bits, and two products are added there. */
_Static_assert(TALOS_Q4_12_WIDTH == 16, "an instruction multiplies pairs of words of 16 bits");
_Static_assert(TALOS_EXP2_INDEX_BITS == 5 && TALOS_EXP2_STEP_BITS < 15, "one permutation reads the 32 lines of 2^f");
_Static_assert(TALOS_RECIPROCAL_FIRST == 128 && TALOS_RECIPROCAL_INDEX_BITS == 8, "reciprocals have 128 lines");
_Static_assert(TALOS_RECIPROCAL_FRACTION == 16 && TALOS_RECIPROCAL_HIGH < 1 << 17, "a reciprocal less 2^16 has 16 bits");

/* Shifts of the fixed-point pieces in Q4.12; for the formulas see fixed.h and precise_scalar.c. */
enum {
    TALOS_WORD_SHIFT = TALOS_SUM_FRACTION - TALOS_WORD_FRACTION,
    TALOS_WORD_HALF = 1 << (TALOS_WORD_SHIFT - 1),
    TALOS_SCORE_SHIFT = TALOS_SUM_FRACTION - TALOS_EXPONENT_FRACTION,
    TALOS_SCORE_HALF = 1 << (TALOS_SCORE_SHIFT - 1),
    TALOS_WIDE_SHIFT = TALOS_SUM_FRACTION - TALOS_Q4_12_WIDE_FRACTION,
    TALOS_WIDE_HALF = 1 << (TALOS_WIDE_SHIFT - 1),
    /* Bits that a scaled sum has below a sum. */
    TALOS_SCALED_SHIFT = TALOS_Q4_12_WIDE_FRACTION + TALOS_SCALE_FRACTION - TALOS_SUM_FRACTION,
    /* A weighted mean: before the product with the reciprocal, added to the exponent; and after it. */
    TALOS_MEAN_SHIFT = TALOS_RECIPROCAL_INPUT_BITS - TALOS_Q4_12_GUARD,
    TALOS_QUOTIENT_SHIFT = TALOS_RECIPROCAL_FRACTION + TALOS_Q4_12_GUARD,
    TALOS_EXP2_LINES = 1 << TALOS_EXP2_INDEX_BITS,
    TALOS_EXP2_STEP_HALF = 1 << (TALOS_EXP2_STEP_BITS - 1),
    TALOS_RECIPROCAL_LINES = (1 << TALOS_RECIPROCAL_INDEX_BITS) - TALOS_RECIPROCAL_FIRST
};

/* After (token, position): x and v as they are added and weighted, q (with log2(e) / sqrt(head_dim)) and k as multiplied. */
typedef struct {
    _Alignas(64) int32_t x[FAST_EMBD];
    int32_t v[FAST_EMBD];
    _Alignas(64) int16_t q[FAST_EMBD];
    int16_t k[FAST_EMBD];
} talos_precise_row;

/* The words that attention reads of a row, for streams in lanes. */
typedef struct {
    _Alignas(32) int16_t k[FAST_EMBD];
    int16_t v[FAST_EMBD], q[FAST_EMBD];
} talos_lane_row;

/* Tables of 2^f and 1 / u by segment: lines, which have above the slope what they begin with, less the constant below, so that a
 * kernel reads one word in place of two. */
enum { TALOS_EXP2_LINE_OFFSET = (1 << 16) - (1 << 10), TALOS_RECIPROCAL_LINE_OFFSET = 1 << 16 };
typedef struct {
    _Alignas(64) int32_t exp2_line[TALOS_EXP2_LINES];
    _Alignas(64) int32_t reciprocal_line[TALOS_RECIPROCAL_LINES];
} talos_precise_tables;

/* Matrices are stored by pairs of columns, so that one instruction multiplies two elements and adds the products. */
typedef struct {
    _Alignas(64) int16_t wo[FAST_EMBD / 2][FAST_EMBD][2];
    _Alignas(64) int16_t fc1[FAST_EMBD / 2][FAST_MLP][2];
    _Alignas(64) int16_t head[FAST_EMBD / 2][FAST_LANES][2];
    /* lm_head * fc2 by hidden unit, then a row of zeros, where an exhausted bit scan points; the second of a pair is 0. */
    _Alignas(64) int16_t folded[FAST_MLP + 1][FAST_LANES][2];
    _Alignas(64) int32_t live[FAST_LANES]; /* -1 where the lane is a token, else 0 */
    talos_precise_tables tables;
    talos_precise_row rows[]; /* and behind them as many for streams in lanes */
} talos_precise_pack;

typedef struct {
    _Alignas(64) int16_t k[FAST_POSITIONS][FAST_EMBD];
    _Alignas(64) int32_t v[FAST_POSITIONS][FAST_EMBD];
    _Alignas(64) int32_t hidden[FAST_MLP + 16]; /* [64] stays 0 */
    bool from_bos;                              /* the name's first token was BOS; read with talos_folded_units alone */
} talos_precise_state;

void talos_precise_row_of(const talos_model *m, uint32_t token, uint32_t position, talos_precise_row *row);
void talos_precise_lane_row_of(const talos_precise_row *row, talos_lane_row *lanes);
/* The rows for lanes of a model, which stand behind its rows. */
static inline const talos_lane_row *talos_precise_lanes(const talos_model *m, const talos_precise_row *rows) {
    return (const talos_lane_row *)(const void *)(rows + m->config.vocab_size * FAST_POSITIONS);
}
void talos_precise_make_tables(talos_precise_tables *tables);
/* Whether every sum of this model provably fits 32 bits. */
bool talos_precise_suits(const talos_model *m);
talos_status talos_precise_prepare(talos_model *m, void **pack);
size_t talos_precise_state_bytes(const talos_model *m);

#endif
