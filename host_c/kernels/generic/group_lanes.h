/* A step of a group of streams: attention in lanes, and what follows it a stream at a time. A file includes this after it has
 * defined `step_lane(model, stream, mixed)`, which draws a stream's token from the output of its attention. */
#ifndef TALOS_GROUP_LANES_H
#define TALOS_GROUP_LANES_H

#include "attention_lanes.h"

/* Without `attends` the output of attention is not wanted. */
INLINE void step_group(const talos_model *m, const talos_precise_tables *tables, const talos_lane_row *rows,
                       const talos_group *g, bool attends) {
    const uint32_t bos = m->config.vocab_size - 1;
    talos_precise_state state = {.hidden = {0}, .from_bos = true};
    talos_stream s = {.cache = &state, .temper = *g->temper, .position = g->position};
    _Alignas(64) int16_t mixed[LANES][FAST_EMBD];
    for (size_t first = 0; first < g->count; first += LANES) {
        size_t count = g->count - first < LANES ? g->count - first : LANES;
        if (attends) attend_lanes(tables, rows, g, first, count, bos, mixed);
        for (size_t i = 0; i < count; i++) {
            s.token = g->position ? g->tokens[g->rows[first + i]][g->position - 1] : bos;
            s.rng = g->rng[first + i];
            step_lane(m, &s, mixed[i]);
            g->rng[first + i] = s.rng;
            g->drawn[first + i] = (uint8_t)s.token;
        }
    }
}

#endif
