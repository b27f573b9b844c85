/* Parts of `precise` that the scalar kernel has and the others use to make their tables. */
#ifndef TALOS_PRECISE_H
#define TALOS_PRECISE_H

#include "fixed.h"
#include "internal.h"

/* Scale of a vector of n_embd words, UQ4.13. */
int32_t talos_rms_scale(const talos_model *m, const int32_t *x);
/* x = norm(wte[token] + wpe[position]). */
void talos_precise_embed(const talos_model *m, uint32_t token, uint32_t position, int32_t *x);
/* q (with log2(e) / sqrt(head_dim)), k and v of a layer's input; `normed` is working memory. All [n_embd]. */
void talos_precise_qkv(const talos_model *m, const talos_layer *layer, const int32_t *x, int32_t *normed, int32_t *q,
                       int32_t *k, int32_t *v);
/* Token for the logits in s->words. */
uint32_t talos_precise_draw(const talos_stream *s, size_t vocab, uint32_t rng);

#endif
