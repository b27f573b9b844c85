/* Parts of `precise` that the scalar kernel has and the others use to make their tables. */
#ifndef TALOS_PRECISE_H
#define TALOS_PRECISE_H

#include "fixed.h"
#include "internal.h"

/* Scale of a vector of n_embd words, UQ4.13. */
int32_t talos_rms_scale(const talos_model *m, const int32_t *x);
/* The same for a sum of squares, Q.24. */
static inline int32_t talos_rms_scale_of(const talos_model *m, int64_t sum) {
    sum += m->rsqrt_eps;
    int e = (talos_bit_length((uint64_t)sum) + 1) / 2, down = 2 * e - TALOS_RSQRT_INPUT_BITS;
    if (e < m->rsqrt_unit) return TALOS_SCALE_HIGH;
    uint32_t u = (uint32_t)(down >= 0 ? sum >> down : sum << -down);
    const int32_t *line = m->rsqrt_lines[(u >> TALOS_RSQRT_STEP_BITS) - TALOS_RSQRT_FIRST];
    int32_t y = talos_interpolate(line, u & TALOS_LOW_BITS(TALOS_RSQRT_STEP_BITS), TALOS_RSQRT_STEP_BITS);
    y = y > m->rsqrt_top ? m->rsqrt_top : y;
    if (e > m->rsqrt_unit) y = (int32_t)talos_round_shift(y, e - m->rsqrt_unit);
    return y > TALOS_SCALE_HIGH ? TALOS_SCALE_HIGH : y;
}

/* x = norm(wte[token] + wpe[position]). */
void talos_precise_embed(const talos_model *m, uint32_t token, uint32_t position, int32_t *x);
/* q (with log2(e) / sqrt(head_dim)), k and v of a layer's input; `normed` is working memory. All [n_embd]. */
void talos_precise_qkv(const talos_model *m, const talos_layer *layer, const int32_t *x, int32_t *normed, int32_t *q,
                       int32_t *k, int32_t *v);
/* Token for the logits in s->words. */
uint32_t talos_precise_draw(const talos_stream *s, size_t vocab, uint32_t rng);

#endif
