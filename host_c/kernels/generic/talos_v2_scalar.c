/* `talos-v2`, any model whose dimensions have shifts for their roots: what the published TALOS-V2 RTL computes. */
#include <math.h>

#include "fixed.h"
#include "internal.h"

static size_t cache_bytes(const talos_model *m) {
    return sizeof(int32_t) * m->config.n_layer * 2 * m->config.block_size * m->config.n_embd;
}

static size_t scratch_bytes(const talos_model *m) {
    return sizeof(int32_t) * (5 * m->config.n_embd + m->config.mlp_dim + m->config.block_size);
}

static const talos_format *const word = &talos_formats[0];
_Static_assert(TALOS_Q4_12_WIDTH == 16, "the published words are of 16 bits");

static void linear(const int32_t *w, const int32_t *x, int32_t *y, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        int64_t total = 0;
        for (size_t c = 0; c < columns; c++) total += (int64_t)w[r * columns + c] * x[c];
        y[r] = talos_word(word, total >> TALOS_WORD_FRACTION);
    }
}

/* Integer square root; the double is exact to well beyond the 38 bits that come here. */
static int64_t isqrt(int64_t value) {
    int64_t root = (int64_t)sqrt((double)value);
    while (root * root > value) root--;
    while ((root + 1) * (root + 1) <= value) root++;
    return root;
}

static void normalise(const talos_model *m, const int32_t *x, int32_t *y) {
    int64_t sum = 0;
    for (size_t i = 0; i < m->config.n_embd; i++) sum += (int64_t)x[i] * x[i] >> TALOS_WORD_FRACTION;
    int64_t mean = (sum >> __builtin_ctz(m->config.n_embd)) + 1;
    int64_t scale = (1 << TALOS_SUM_FRACTION) / isqrt(mean << TALOS_WORD_FRACTION);
    if (scale > TALOS_V2_SCALE_HIGH) scale = TALOS_V2_SCALE_HIGH;
    for (size_t i = 0; i < m->config.n_embd; i++) y[i] = talos_word(word, x[i] * scale >> TALOS_WORD_FRACTION);
}

static void attend(const talos_model *m, const int32_t *q, const int32_t *keys, const int32_t *values, int32_t *scores,
                   int32_t *out, size_t count) {
    size_t dim = m->head_dim, stride = m->config.n_embd;
    int shift = TALOS_WORD_FRACTION + __builtin_ctz(m->head_dim) / 2;
    int32_t top = INT32_MIN;
    int64_t sum = 0;
    for (size_t p = 0; p < count; p++) {
        int64_t total = 0;
        for (size_t i = 0; i < dim; i++) total += (int64_t)q[i] * keys[p * stride + i];
        scores[p] = talos_word(word, total >> shift);
        if (scores[p] > top) top = scores[p];
    }
    for (size_t p = 0; p < count; p++) {
        int32_t step = (top - scores[p] + 511) >> 10;
        sum += scores[p] = talos_exp_table[step < TALOS_EXP_ENTRIES ? step : TALOS_EXP_ENTRIES - 1];
    }
    for (size_t i = 0; i < dim; i++) {
        int64_t total = 0;
        for (size_t p = 0; p < count; p++) total += (int64_t)scores[p] * values[p * stride + i];
        out[i] = talos_word(word, total / sum); /* C truncates towards zero, as Verilog does */
    }
}

/* Weight of a logit `delta` below the top, with both wraps of the published sampler. */
static uint32_t weight(int32_t delta, uint32_t q8) {
    if (q8 <= 0x80) delta *= 2;
    else if (q8 > 0x100) delta >>= q8 > 0x200 ? 2 : 1;
    if (delta >= 0) return (uint32_t)talos_exp_table[0];
    uint32_t f = (uint32_t)(127 - delta) >> 8 & 255, c = f >> 2, n = (c + 1) & 63;
    uint32_t here = c < TALOS_EXP_ENTRIES ? (uint32_t)talos_exp_table[c] : 1;
    uint32_t after = n < TALOS_EXP_ENTRIES ? (uint32_t)talos_exp_table[n] : 1;
    uint32_t w = here - ((here - after) * (f & 3) >> 2);
    return w ? w : 1;
}

static uint32_t draw(const talos_stream *s, size_t vocab, uint32_t rng) {
    uint32_t weights[TALOS_MAX_VOCAB], best = 0, total = 0, running = 0;
    for (uint32_t i = 1; i < vocab; i++)
        if (s->words[i] > s->words[best]) best = i;
    for (size_t i = 0; i < vocab; i++) total += weights[i] = weight(s->words[i] - s->words[best], s->temper.q8);
    uint64_t uniform = (rng * TALOS_V2_MULTIPLIER) >> 8, wide = uniform * total >> 24;
    uint32_t cut = wide < total - 1 ? (uint32_t)wide : total - 1;
    for (uint32_t i = 0; i < vocab; i++)
        if ((running += weights[i]) > cut) return i;
    return best;
}

static void step_one(const talos_model *m, talos_stream *s) {
    size_t e = m->config.n_embd, mlp = m->config.mlp_dim, at = s->position, block = m->config.block_size;
    int32_t *x = s->scratch, *normed = x + e, *q = normed + e, *mixed = q + e, *out = mixed + e, *hidden = out + e;
    int32_t *scores = hidden + mlp;
    const int32_t *w = m->words;
    for (size_t i = 0; i < e; i++) x[i] = talos_word(word, w[m->wte + s->token * e + i] + w[m->wpe + at * e + i]);
    normalise(m, x, x);
    for (uint32_t l = 0; l < m->config.n_layer; l++) {
        const talos_layer *layer = &m->layer[l];
        int32_t *keys = (int32_t *)s->cache + l * 2 * block * e, *values = keys + block * e;
        normalise(m, x, normed);
        linear(w + layer->wq, normed, q, e, e);
        linear(w + layer->wk, normed, keys + at * e, e, e);
        linear(w + layer->wv, normed, values + at * e, e, e);
        for (size_t first = 0; first < e; first += m->head_dim)
            attend(m, q + first, keys + first, values + first, scores, mixed + first, at + 1);
        linear(w + layer->wo, mixed, out, e, e);
        for (size_t i = 0; i < e; i++) x[i] = talos_word(word, x[i] + out[i]);
        normalise(m, x, normed);
        linear(w + layer->fc1, normed, hidden, mlp, e);
        for (size_t i = 0; i < mlp; i++) hidden[i] = hidden[i] > 0 ? hidden[i] : 0;
        linear(w + layer->fc2, hidden, out, e, mlp);
        for (size_t i = 0; i < e; i++) x[i] = talos_word(word, x[i] + out[i]);
    }
    linear(w + m->lm_head, x, s->words, m->config.vocab_size, e);
    s->token = draw(s, m->config.vocab_size, talos_next_rng(s));
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    for (int i = 0; i < count; i++) step_one(m, streams[i]);
}

const talos_kernel talos_v2_scalar = {
    .name = "scalar", .arithmetic = TALOS_V2, .word_width = TALOS_Q4_12_WIDTH,
    .available = talos_always, .suits = talos_any_model,
    .cache_bytes = cache_bytes, .scratch_bytes = scratch_bytes,
    .step = step,
};
