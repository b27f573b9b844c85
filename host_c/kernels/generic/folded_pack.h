/* `folded` laid out for the SIMD kernels of models of the shipped shape. */
#ifndef TALOS_FOLDED_PACK_H
#define TALOS_FOLDED_PACK_H

#include "gumbel.h"
#include "precise_pack.h"

/* Shifts of a logit; for the formula see `scaled` in precise_scalar.h. */
enum {
    TALOS_LOGIT_WIDE_SHIFT = TALOS_SUM_FRACTION - TALOS_LOGIT_WIDE_FRACTION,
    TALOS_LOGIT_WIDE_HALF = 1 << (TALOS_LOGIT_WIDE_SHIFT - 1),
    TALOS_LOGIT_SCALED_SHIFT = TALOS_LOGIT_WIDE_FRACTION + TALOS_SCALE_FRACTION - TALOS_SUM_FRACTION,
    /* Entries of a tail: an octave's are counted by the zeros of 32 bits before its numbers, 1 to 32. */
    TALOS_GUMBEL_SPAN = 33 << TALOS_GUMBEL_SEGMENT_BITS,
    TALOS_GUMBEL_HALF = 1 << (TALOS_GUMBEL_SHIFT - 1),
    TALOS_NOISE_HALF = 1 << (TALOS_NOISE_SHIFT - 1)
};

_Static_assert(TALOS_GUMBEL_RISE_BITS == TALOS_GUMBEL_SHIFT, "what a line begins with, and its steps, have one fraction");

/* After (token, position): what attention needs, and F1 and L as sums in Q.24 with half a word for rounding. */
typedef struct {
    talos_precise_row precise;
    _Alignas(64) int32_t f1[FAST_MLP];
    int32_t l[FAST_LANES];
} talos_folded_row;

/* The hidden units that can be positive after (token, position) in a name that begins with BOS, if they are few. */
typedef struct {
    int32_t count; /* FEW_UNITS or half of them, in which the units fit; 0 where more can be positive */
    uint8_t unit[FEW_UNITS];
    _Alignas(64) int32_t f1[FEW_UNITS];
    int16_t fc1_wo[FAST_EMBD * FEW_UNITS];        /* [pair of columns][unit of `count`][2] */
    int16_t folded[FEW_UNITS / 2][FAST_LANES][2]; /* by pairs of units */
} talos_folded_units;

/* Matrices by pairs of columns, as in talos_precise_pack; lanes are tokens in their order. */
typedef struct {
    _Alignas(64) int16_t wo[FAST_EMBD / 2][FAST_EMBD][2];
    _Alignas(64) int16_t fc1_wo[FAST_EMBD / 2][FAST_MLP][2];
    _Alignas(64) int16_t head_wo[FAST_EMBD / 2][FAST_LANES][2];
    _Alignas(64) int16_t folded[FAST_MLP + 1][FAST_LANES][2];
    _Alignas(64) int32_t first[FAST_LANES][FAST_LANES]; /* [token]: logits after it at position 0 */
    _Alignas(64) int32_t lane_weyl[FAST_LANES];         /* what the state of a lane is moved by */
    _Alignas(64) int32_t most[FAST_LANES];              /* largest key; the least integer where the lane is no token */
    /* talos_gumbel_lines, counted from the middle: segment s after n zeros at 8 n + s, and at its inverse for the upper tail. */
    int32_t gumbel[2 * TALOS_GUMBEL_SPAN];
    talos_precise_tables tables;
    talos_folded_units *units; /* [token][position]; null unless prepared */
    talos_folded_row rows[];   /* and behind them as many for streams in lanes */
} talos_folded_pack;

/* The rows for lanes of a model, which stand behind its rows. */
static inline const talos_lane_row *talos_folded_lanes(const talos_model *m, const talos_folded_pack *p) {
    return (const talos_lane_row *)(const void *)(p->rows + m->config.vocab_size * FAST_POSITIONS);
}

/* Whether every sum of this model provably fits 32 bits. */
bool talos_folded_suits(const talos_model *m);
talos_status talos_folded_prepare(talos_model *m, void **pack);
/* The same with units. */
talos_status talos_folded_prepare_units(talos_model *m, void **pack);
/* Logits after a token at position 0. */
talos_status talos_folded_first(const talos_model *m, uint32_t token, int32_t *logits);

#endif
