/* Attention in float32 for streams in lanes, which all stand at one position: attention_lanes.h without fixed point. Every sum
 * adds in the order of a single stream, and so comes out the same to the bit. A file includes this after it has defined
 * vectors of LANES floats, and what is done with them. */
#ifndef TALOS_ATTENTION_LANES_FP32_H
#define TALOS_ATTENTION_LANES_FP32_H

#include "fp32_pack.h"

/* Four elements of each lane's row at a position; at position 0 all lanes have the same row. */
INLINE void four_elements(const float *const row[LANES], uint32_t position, int at, floats out[4]) {
    if (position) quad(row, (size_t)at, out);
    else
        for (int i = 0; i < 4; i++) out[i] = spread(row[0][at + i]);
}

INLINE floats score_of(const floats q[4], const floats k[4]) {
    return add(add(multiply(q[0], k[0]), multiply(q[1], k[1])), add(multiply(q[2], k[2]), multiply(q[3], k[3])));
}

/* Output of attention of `count` streams of the group from `first` on, and each lane's row of (token, position). */
INLINE void attend_lanes(const talos_fp32_pack *p, const talos_group *g, size_t first, size_t count, uint32_t bos,
                         floats mixed[FAST_EMBD], const float *own[LANES]) {
    enum { Q = FAST_EMBD, K = 2 * FAST_EMBD, V = 3 * FAST_EMBD };
    const float *row[FAST_POSITIONS][LANES];
    for (size_t lane = 0; lane < LANES; lane++) {
        /* Lanes without a stream repeat the first. */
        const uint8_t *drawn = g->tokens[g->rows[first + (lane < count ? lane : 0)]];
        for (uint32_t i = 0; i <= g->position; i++) row[i][lane] = p->rows[(i ? drawn[i - 1] : bos) * FAST_POSITIONS + i][0];
    }
    for (int lane = 0; lane < LANES; lane++) own[lane] = row[g->position][lane];
    for (int head = 0; head < FAST_EMBD; head += 4) {
        floats q[4], k[4], v[4], *total = mixed + head;
        four_elements(own, g->position, Q + head, q);
        four_elements(own, g->position, K + head, k);
        four_elements(own, g->position, V + head, v);
        floats sum = power_of_two(score_of(q, k));
        for (int i = 0; i < 4; i++) total[i] = multiply(sum, v[i]);
        for (uint32_t at = 0; at < g->position; at++) {
            four_elements(row[at], at, K + head, k);
            four_elements(row[at], at, V + head, v);
            floats weight = power_of_two(score_of(q, k));
            sum = add(sum, weight);
            for (int i = 0; i < 4; i++) total[i] = multiply_add(weight, v[i], total[i]);
        }
        quotients(total, sum);
    }
}

#endif
