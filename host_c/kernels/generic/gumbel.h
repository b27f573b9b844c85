/* The token that Gumbel noise draws. */
#ifndef TALOS_GUMBEL_H
#define TALOS_GUMBEL_H

#include "gumbel_noise.h"
#include "internal.h"

/* Token for the logits in s->words. */
uint32_t talos_gumbel_draw(const talos_stream *s, size_t vocab, uint32_t rng);

#endif
