/* `folded`, any model of one layer, one value at a time: the golden model in C. */
#include <stdlib.h>

#include "folded_pack.h"
#include "gumbel.h"
#include "precise_scalar.h"

/* Keys and values, int32 [2][position][n_embd]. */
static size_t cache_bytes(const talos_model *m) {
    return sizeof(int32_t) * 2 * m->config.block_size * m->config.n_embd;
}

/* A `room`. */
static size_t scratch_bytes(const talos_model *m) {
    return sizeof(int32_t) * (5 * m->config.n_embd + m->config.mlp_dim + m->config.block_size);
}

uint32_t talos_gumbel_draw(const talos_stream *s, size_t vocab, uint32_t rng) {
    int32_t t = s->greedy ? 0 : (int32_t)s->temper.q8, best = INT32_MIN;
    uint32_t token = 0;
    for (uint32_t i = 0; i < vocab; i++) {
        int32_t noise = t ? (int32_t)talos_round_shift((int64_t)t * talos_gumbel(talos_lane_bits(rng, i)), TALOS_NOISE_SHIFT) : 0;
        int32_t key = s->words[i] * (1 << TALOS_KEY_SHIFT) + noise;
        if (key > best) best = key, token = i;
    }
    return token;
}

/* A row of `fold` times `mixed`, and what the same row of `matrix` makes of x as a word, as one sum in Q.24. */
INLINE int64_t folded_sum(const talos_format *f, const int32_t *fold, const int32_t *mixed, const int32_t *row,
                          const int32_t *x, size_t e) {
    int64_t addend = talos_word(f, talos_round_shift(dot(row, x, e), TALOS_WORD_FRACTION));
    return dot(fold, mixed, e) + addend * TALOS_WORD_ONE;
}

/* Memory of a step. */
typedef struct {
    int32_t *x, *normed, *q, *mixed, *out, *hidden, *scores; /* [n_embd] each; hidden [mlp_dim]; scores [position] */
} room;

/* Logits after a token at a position, whose key and value join the cache. */
INLINE void logits_of(const talos_model *m, const talos_format *f, const talos_format *logit, uint32_t token, size_t at,
                      int32_t *cache, room r, int32_t *logits) {
    size_t e = m->config.n_embd, mlp = m->config.mlp_dim;
    const talos_layer *layer = &m->layer[0];
    int32_t *keys = cache, *values = keys + m->config.block_size * e;
    embed(m, f, token, (uint32_t)at, r.x);
    qkv(m, f, layer, r.x, r.normed, r.q, keys + at * e, values + at * e);
    for (size_t first = 0; first < e; first += m->head_dim)
        attend(m, f, r.q + first, keys + first, values + first, r.scores, r.mixed + first, at + 1);
    for (size_t i = 0; i < mlp; i++) {
        int64_t sum = folded_sum(f, m->fc1_wo + i * e, r.mixed, m->words + layer->fc1 + i * e, r.x, e);
        r.hidden[i] = talos_word(f, talos_round_shift(sum > 0 ? sum : 0, TALOS_WORD_FRACTION));
    }
    linear(f, m->words + layer->wo, r.mixed, r.out, e, e);
    for (size_t i = 0; i < e; i++) r.out[i] = talos_word(f, r.x[i] + r.out[i]);
    int32_t scale = talos_rms_scale(m, r.out);
    for (size_t i = 0; i < m->config.vocab_size; i++) {
        int64_t direct = folded_sum(f, m->lm_head_wo + i * e, r.mixed, m->words + m->lm_head + i * e, r.x, e);
        logits[i] = scaled(logit, dot(m->folded + i * mlp, r.hidden, mlp), scale, direct);
    }
}

static room divide_up(const talos_model *m, int32_t *memory) {
    size_t e = m->config.n_embd;
    int32_t *hidden = memory + 5 * e;
    room r = {memory, memory + e, memory + 2 * e, memory + 3 * e, memory + 4 * e, hidden, hidden + m->config.mlp_dim};
    return r;
}

talos_status talos_folded_first(const talos_model *m, uint32_t token, int32_t *logits) {
    int32_t *memory = talos_allocate(cache_bytes(m) + scratch_bytes(m));
    if (!memory) return TALOS_NO_MEMORY;
    logits_of(m, &m->format, &m->logit, token, 0, memory, divide_up(m, memory + cache_bytes(m) / sizeof *memory), logits);
    free(memory);
    return TALOS_OK;
}

INLINE void step_one(const talos_model *m, const talos_format *f, const talos_format *logit, talos_stream *s) {
    logits_of(m, f, logit, s->token, s->position, s->cache, divide_up(m, s->scratch), s->words);
    s->token = talos_gumbel_draw(s, m->config.vocab_size, talos_next_rng(s));
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    /* A format that is known when this is compiled makes its shifts and limits constants. */
    bool narrow = m->format.width == TALOS_Q4_12_WIDTH;
    for (int i = 0; i < count; i++) {
        if (narrow) step_one(m, &talos_formats[0], &talos_logit_formats[0], streams[i]);
        else step_one(m, &m->format, &m->logit, streams[i]);
    }
}

const talos_kernel talos_folded_scalar = {
    .name = "scalar", .arithmetic = TALOS_FOLDED, .word_width = TALOS_MAX_WIDTH,
    .available = talos_always, .suits = talos_any_model,
    .cache_bytes = cache_bytes, .scratch_bytes = scratch_bytes,
    .step = step,
};
