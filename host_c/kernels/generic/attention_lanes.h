/* Attention of `precise` and `folded` for streams in lanes, which all stand at one position: a score and a weight are one for
 * each lane, where a single stream has them for all elements of a head. A file includes this after it has defined vectors
 * of LANES integers, and what is done with them: see lanes_avx2.h. */
#ifndef TALOS_ATTENTION_LANES_H
#define TALOS_ATTENTION_LANES_H

#include "precise_pack.h"

enum {
    TALOS_LANE_K = 0, TALOS_LANE_V = 8, TALOS_LANE_Q = 16, /* pairs of words from the beginning of a talos_lane_row */
    /* A weight is multiplied in two parts, of which the lower has these bits. */
    TALOS_WEIGHT_LOW = 8
};
_Static_assert(TALOS_EXP2_HIGH >> TALOS_WEIGHT_LOW < 1 << 15, "both parts of a weight are words");

/* Four pairs of each lane's row at a position; at position 0 all lanes have the same row. */
INLINE void four_pairs(const int32_t *const row[LANES], uint32_t position, size_t at, pair out[4]) {
    ints words[4];
    if (position) quad(row, at, words);
    else
        for (size_t i = 0; i < 4; i++) words[i] = spread(row[0][at + i]);
    for (int i = 0; i < 4; i++) out[i] = pair_of(words[i]);
}

/* Output of attention of `count` streams of the group from `first` on, as words [lane][element]; rows are by token and
 * position. */
INLINE void attend_lanes(const talos_precise_tables *tables, const talos_lane_row *rows, const talos_group *g, size_t first,
                         size_t count, uint32_t bos, int16_t mixed[LANES][FAST_EMBD]) {
    const int32_t *row[FAST_POSITIONS][LANES];
    ints t[FAST_POSITIONS][FAST_HEADS], top[FAST_HEADS];
    pair q[8], four[4];
    for (size_t lane = 0; lane < LANES; lane++) {
        /* Lanes without a stream repeat the first. */
        const uint8_t *drawn = g->tokens[g->rows[first + (lane < count ? lane : 0)]];
        for (uint32_t i = 0; i <= g->position; i++)
            row[i][lane] = (const int32_t *)(const void *)&rows[(i ? drawn[i - 1] : bos) * FAST_POSITIONS + i];
    }
    four_pairs(row[g->position], g->position, TALOS_LANE_Q, q);
    four_pairs(row[g->position], g->position, TALOS_LANE_Q + 4, q + 4);
    for (uint32_t i = 0; i <= g->position; i++)
        for (int half = 0; half < 2; half++) {
            four_pairs(row[i], i, TALOS_LANE_K + 4 * half, four);
            for (int h = 0; h < 2; h++) {
                int head = 2 * half + h;
                ints score = dot(spread(TALOS_SCORE_HALF), q[2 * head], four[2 * h]);
                score = down(dot(score, q[2 * head + 1], four[2 * h + 1]), TALOS_SCORE_SHIFT);
                t[i][head] = score;
                top[head] = i ? maximum(top[head], score) : score;
            }
        }
    for (int half = 0; half < 2; half++) {
        /* Of two heads: sums of weights, and of values by both parts of their weights. */
        ints sum[2], high[8], low[8], out[4];
        for (int i = 0; i < 2; i++) sum[i] = spread(0), top[2 * half + i] = down(top[2 * half + i], TALOS_EXPONENT_FRACTION);
        for (int i = 0; i < 8; i++) high[i] = low[i] = spread(0);
        for (uint32_t i = 0; i <= g->position; i++) {
            four_pairs(row[i], i, TALOS_LANE_V + 4 * half, four);
            for (int h = 0; h < 2; h++) {
                ints weight = weight_of(tables, t[i][2 * half + h], top[2 * half + h]);
                factor above = factor_of(down(weight, TALOS_WEIGHT_LOW)), below = factor_of(low_bits(weight, TALOS_WEIGHT_LOW));
                sum[h] = add(sum[h], weight);
                for (int j = 0; j < 2; j++) {
                    weigh(high + 4 * h + 2 * j, four[2 * h + j], above);
                    weigh(low + 4 * h + 2 * j, four[2 * h + j], below);
                }
            }
        }
        for (int h = 0; h < 2; h++) {
            ints e = add(length_of(sum[h]), spread(-TALOS_RECIPROCAL_INPUT_BITS));
            ints inverse = inverse_of(tables, down_by(sum[h], e)), by = add(e, spread(TALOS_MEAN_SHIFT - TALOS_WEIGHT_LOW));
            for (int j = 0; j < 2; j++) {
                const int at = 4 * h + 2 * j;
                ints even = down_by(add(high[at], down(low[at], TALOS_WEIGHT_LOW)), by);
                ints odd = down_by(add(high[at + 1], down(low[at + 1], TALOS_WEIGHT_LOW)), by);
                out[2 * h + j] = words_of(quotient_of(even, inverse), quotient_of(odd, inverse));
            }
        }
        unquad(out, (int32_t *)(void *)mixed, FAST_EMBD / 2, 4 * (size_t)half);
    }
}

#endif
