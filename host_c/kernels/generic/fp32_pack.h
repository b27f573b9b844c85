/* float32 weights laid out for the SIMD kernels of one-layer models of the shipped shape. */
#ifndef TALOS_FP32_PACK_H
#define TALOS_FP32_PACK_H

#include <string.h>

#include "fast.h"

/* After a token at a position: what fc1 and lm_head make of x before attention, to which they add products with the output of
 * attention, by way of Wo. */
typedef struct {
    /* At most FEW_UNITS can be positive, and the others are left out. What can be is decided for names that begin with BOS. */
    bool few;
    uint8_t unit[FAST_MLP + 1];                       /* which they are, if few; [64] is 64 */
    _Alignas(64) float before[FAST_MLP];              /* fc1 x: of those, or of all */
    _Alignas(64) float logits[FAST_LANES];            /* lm_head x */
    _Alignas(64) float weights[FAST_EMBD][FEW_UNITS]; /* fc1 Wo by column, if few */
} talos_fp32_units;

/* Matrices are stored by column: product = sum over columns of a broadcast element times a row of this array. */
typedef struct {
    _Alignas(64) float wo[FAST_EMBD][FAST_EMBD];
    _Alignas(64) float fc1[FAST_EMBD][FAST_MLP];
    /* fc1 by hidden unit, then a row of zeros, for kernels that compute some of the units. */
    _Alignas(64) float fc1_rows[FAST_MLP + 1][FAST_EMBD];
    _Alignas(64) float head[FAST_EMBD][FAST_LANES];
    /* lm_head * fc2 by hidden unit, then a row of zeros, where an exhausted bit scan points. */
    _Alignas(64) float folded[FAST_MLP + 1][FAST_LANES];
    _Alignas(64) int32_t live[FAST_LANES]; /* -1 where the lane is a token, else 0 */
    /* Logits by token at position 0, where attention sees itself alone; false until the kernel has made them. */
    bool has_first;
    _Alignas(64) float first[FAST_LANES][FAST_LANES];
    /* Hidden units, a bit each, that can be positive at a position after a token, whatever came before; 0 unless prepared. */
    uint64_t candidates[FAST_POSITIONS][FAST_LANES];
    /* From here on what talos_fp32_prepare_lanes makes; else 0 and null. fc1 Wo (by unit, too, as fc1_rows) and lm_head Wo. */
    _Alignas(64) float fc1_wo[FAST_EMBD][FAST_MLP];
    _Alignas(64) float fc1_wo_rows[FAST_MLP + 1][FAST_EMBD];
    _Alignas(64) float head_wo[FAST_EMBD][FAST_LANES];
    /* The rows below for streams in lanes: [position][x, q, k or v][element][token]. */
    float (*by_token)[4][FAST_EMBD][FAST_LANES];
    float (*before)[FAST_MLP + 1][FAST_LANES];      /* fc1 x: [position][unit][token], unit 64 being 0 */
    float (*logits_before)[FAST_LANES][FAST_LANES]; /* lm_head x: [position][lane of a logit][token] */
    talos_fp32_units *units;                        /* [token][position] */
    /* x, q (with log2(e) / sqrt(head_dim)), k and v after (token, position). */
    _Alignas(64) float rows[][4][FAST_EMBD];
} talos_fp32_pack;

/* What the SIMD kernels keep of a stream: keys and values [position][n_embd]. */
typedef struct {
    _Alignas(64) float k[FAST_POSITIONS][FAST_EMBD];
    _Alignas(64) float v[FAST_POSITIONS][FAST_EMBD];
    _Alignas(64) float hidden[FAST_MLP + 16]; /* [64] stays 0 */
    bool from_bos;                            /* the name's first token was BOS */
} talos_fp32_state;

/* At position 0: remember key, value and whether the token is BOS, and return the logits. */
static inline const float *talos_fp32_first(const talos_fp32_pack *p, const talos_stream *s) {
    talos_fp32_state *state = s->cache;
    state->from_bos = s->token == s->model->config.vocab_size - 1;
    const float(*row)[FAST_EMBD] = p->rows[s->token * FAST_POSITIONS];
    memcpy(state->k[0], row[2], sizeof row[2]);
    memcpy(state->v[0], row[3], sizeof row[3]);
    return p->first[s->token];
}

/* Hidden units that can be positive in any of `count` streams of a group, from `first` on. */
static inline uint64_t talos_fp32_candidates(const talos_fp32_pack *p, const talos_group *g, size_t first, size_t count,
                                             uint32_t bos) {
    const uint64_t *by_token = p->candidates[g->position];
    if (g->position == 0) return by_token[bos];
    uint64_t units = 0;
    for (size_t i = first; i < first + count; i++) units |= by_token[g->tokens[g->rows[i]][g->position - 1]];
    return units;
}

bool talos_fp32_suits(const talos_model *m);
talos_status talos_fp32_prepare(talos_model *m, void **pack);
/* The same with candidates. */
talos_status talos_fp32_prepare_candidates(talos_model *m, void **pack);
/* The same with what AVX-512 needs besides. */
talos_status talos_fp32_prepare_lanes(talos_model *m, void **pack);
size_t talos_fp32_state_bytes(const talos_model *m);
#if defined(TALOS_X86)
void talos_fp32_avx2_together(const talos_model *m, const talos_group *g);
void talos_fp32_avx512_together(const talos_model *m, const talos_group *g);
#endif
/* First maximum. */
uint32_t talos_fp32_greedy(const talos_stream *s);

#endif
