/* `precise`, any model, one value at a time: the golden model in C. */
#include "precise_scalar.h"

/* Keys and values, int32 [layer][2][position][n_embd]. */
static size_t cache_bytes(const talos_model *m) {
    return sizeof(int32_t) * m->config.n_layer * 2 * m->config.block_size * m->config.n_embd;
}

/* x, normed, q, mixed, out: int32 [n_embd] each; hidden [mlp_dim]; scores [position]. */
static size_t scratch_bytes(const talos_model *m) {
    return sizeof(int32_t) * (5 * m->config.n_embd + m->config.mlp_dim + m->config.block_size);
}

int32_t talos_rms_scale(const talos_model *m, const int32_t *x) {
    int64_t sum = 0;
    for (size_t i = 0; i < m->config.n_embd; i++) sum += (int64_t)x[i] * x[i];
    return talos_norm_scale(&m->norm, sum);
}

/* First index whose running sum of weights exceeds the cut; the first maximum if greedy. */
uint32_t talos_precise_draw(const talos_stream *s, size_t vocab, uint32_t rng) {
    int32_t weights[TALOS_MAX_VOCAB], top = INT32_MIN;
    uint32_t best = 0;
    for (uint32_t i = 1; i < vocab; i++)
        if (s->words[i] > s->words[best]) best = i;
    if (s->greedy) return best;
    int64_t total = 0, running = 0;
    for (size_t i = 0; i < vocab; i++) {
        weights[i] = (int32_t)talos_round_shift((int64_t)s->words[i] * s->temper.inverse_word, s->temper.shift);
        if (weights[i] >> TALOS_EXPONENT_FRACTION > top) top = weights[i] >> TALOS_EXPONENT_FRACTION;
    }
    for (size_t i = 0; i < vocab; i++) total += weights[i] = talos_exp2_weight(weights[i], top);
    int64_t cut = (int64_t)(rng & 0xFFFFFF) * total >> 24;
    uint32_t token = 0;
    for (; token < vocab - 1; token++)
        if ((running += weights[token]) > cut) break;
    return token;
}

void talos_precise_embed(const talos_model *m, uint32_t token, uint32_t position, int32_t *x) {
    embed(m, &m->format, token, position, x);
}

void talos_precise_qkv(const talos_model *m, const talos_layer *layer, const int32_t *x, int32_t *normed, int32_t *q,
                       int32_t *k, int32_t *v) {
    qkv(m, &m->format, layer, x, normed, q, k, v);
}

INLINE void step_one(const talos_model *m, const talos_format *f, talos_stream *s) {
    size_t e = m->config.n_embd, mlp = m->config.mlp_dim, at = s->position, block = m->config.block_size;
    int32_t *x = s->scratch, *normed = x + e, *q = normed + e, *mixed = q + e, *out = mixed + e, *hidden = out + e;
    int32_t *scores = hidden + mlp;
    embed(m, f, s->token, (uint32_t)at, x);
    for (uint32_t l = 0; l < m->config.n_layer; l++) {
        const talos_layer *layer = &m->layer[l];
        int32_t *keys = (int32_t *)s->cache + l * 2 * block * e, *values = keys + block * e;
        qkv(m, f, layer, x, normed, q, keys + at * e, values + at * e);
        for (size_t first = 0; first < e; first += m->head_dim)
            attend(m, f, q + first, keys + first, values + first, scores, mixed + first, at + 1);
        linear(f, m->words + layer->wo, mixed, out, e, e);
        for (size_t i = 0; i < e; i++) x[i] = talos_word(f, x[i] + out[i]);
        /* RMSNorm's scale commutes with fc1, ReLU and fc2, and is applied after them. */
        int32_t scale = talos_rms_scale(m, x);
        linear(f, m->words + layer->fc1, x, hidden, mlp, e);
        for (size_t i = 0; i < mlp; i++) hidden[i] = hidden[i] > 0 ? hidden[i] : 0;
        if (l == m->config.n_layer - 1) {
            for (size_t i = 0; i < m->config.vocab_size; i++) {
                int64_t direct = dot(m->words + m->lm_head + i * e, x, e);
                s->words[i] = scaled(f, dot(m->folded + i * mlp, hidden, mlp), scale, direct);
            }
        } else {
            for (size_t i = 0; i < e; i++) out[i] = scaled(f, dot(m->words + layer->fc2 + i * mlp, hidden, mlp), scale, 0);
            for (size_t i = 0; i < e; i++) x[i] = talos_word(f, x[i] + out[i]);
        }
    }
    s->token = talos_precise_draw(s, m->config.vocab_size, talos_next_rng(s));
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    /* A format that is known when this is compiled makes its shifts and limits constants. */
    bool narrow = m->format.width == TALOS_Q4_12_WIDTH;
    for (int i = 0; i < count; i++) {
        if (narrow) step_one(m, &talos_formats[0], streams[i]);
        else step_one(m, &m->format, streams[i]);
    }
}

const talos_kernel talos_precise_scalar = {
    .name = "scalar", .arithmetic = TALOS_PRECISE, .word_width = TALOS_MAX_WIDTH,
    .available = talos_always, .suits = talos_any_model,
    .cache_bytes = cache_bytes, .scratch_bytes = scratch_bytes,
    .step = step,
};
