/* Weights of `precise` in float64, by column, for the kernels of any shape and any word. */
#ifndef TALOS_PRECISE_F64_PACK_H
#define TALOS_PRECISE_F64_PACK_H

#include "precise.h"

enum { TALOS_F64_LANES = 4 }; /* widths are padded to multiples of it, with zeros */

/* Indices into `numbers` of a layer's matrices [column][row]. */
typedef struct {
    size_t qkv; /* [n_embd][3 * attention]: rows of q, k and v, each head padded to head_width */
    size_t wo;  /* [n_embd][width] */
    size_t fc1; /* [n_embd][hidden] */
    size_t fc2; /* [mlp_dim][width]; in the last layer lm_head * fc2, [mlp_dim][vocab] */
} talos_f64_layer;

typedef struct {
    /* Padded: n_embd, mlp_dim, vocab_size, block_size, head_dim, and n_head times the last. */
    size_t width, hidden, vocab, positions, head_width, attention;
    size_t head; /* lm_head [n_embd][vocab] */
    talos_f64_layer layer[16];
    _Alignas(64) double numbers[];
} talos_f64_pack;

/* What a stream keeps of a layer: keys [attention][positions], then values [positions][attention]. */
static inline size_t talos_f64_layer_doubles(const talos_f64_pack *p) { return 2 * p->attention * p->positions; }

talos_status talos_f64_prepare(talos_model *m, void **pack);
size_t talos_f64_cache_bytes(const talos_model *m);
size_t talos_f64_scratch_bytes(const talos_model *m);

#endif
