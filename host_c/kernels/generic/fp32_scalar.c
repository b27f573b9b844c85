/* float32, any model, one value at a time: the readable kernel. */
#include <math.h>
#include <string.h>

#include "internal.h"
#include "tables.h"

/* Keys and values, float [layer][2][position][n_embd]. */
static size_t cache_bytes(const talos_model *m) {
    return sizeof(float) * m->config.n_layer * 2 * m->config.block_size * m->config.n_embd;
}

/* x, normed, q, mixed, out: float [n_embd] each; hidden [mlp_dim]; weights [position]. */
static size_t scratch_bytes(const talos_model *m) {
    return sizeof(float) * (5 * m->config.n_embd + m->config.mlp_dim + m->config.block_size);
}

/* y = W x, W [rows][columns]. */
static void linear(const float *w, const float *x, float *y, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        float sum = 0;
        for (size_t c = 0; c < columns; c++) sum += w[r * columns + c] * x[c];
        y[r] = sum;
    }
}

/* y = x / sqrt(mean(x^2) + eps). */
static void rmsnorm(const float *x, float *y, size_t n) {
    float sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
    float scale = 1.0f / sqrtf(sum / (float)n + (float)TALOS_EPS);
    for (size_t i = 0; i < n; i++) y[i] = x[i] * scale;
}

/* One head: out = softmax(q.k / sqrt(head_dim)) . v over `count` positions, rows n_embd apart. */
static void attend(const talos_model *m, const float *q, const float *keys, const float *values, float *weights, float *out,
                   size_t count) {
    size_t dim = m->head_dim, stride = m->config.n_embd;
    float top = -INFINITY, sum = 0, root = sqrtf((float)dim);
    for (size_t p = 0; p < count; p++) {
        float score = 0;
        for (size_t i = 0; i < dim; i++) score += q[i] * keys[p * stride + i];
        weights[p] = score / root;
        top = fmaxf(top, weights[p]);
    }
    for (size_t p = 0; p < count; p++) sum += weights[p] = expf(weights[p] - top);
    for (size_t i = 0; i < dim; i++) {
        float total = 0;
        for (size_t p = 0; p < count; p++) total += weights[p] * values[p * stride + i];
        out[i] = total / sum;
    }
}

/* First index whose cumulative probability exceeds (rng mod 2^24) / 2^24; the first maximum if greedy. */
static uint32_t draw(const talos_stream *s, size_t vocab, uint32_t rng) {
    uint32_t best = 0, last = 0;
    for (uint32_t i = 1; i < vocab; i++)
        if (s->logits[i] > s->logits[best]) best = i;
    if (s->greedy) return best;
    float weights[TALOS_MAX_VOCAB], sum = 0, cumulative = 0;
    for (size_t i = 0; i < vocab; i++) sum += weights[i] = exp2f((s->logits[i] - s->logits[best]) * s->temper.inverse);
    float cut = (float)(rng & 0xFFFFFF) * 0x1p-24f * sum;
    for (uint32_t i = 0; i < vocab; i++) {
        cumulative += weights[i];
        if (cumulative > cut) return i;
        if (weights[i] > 0) last = i;
    }
    return last;
}

static void step_one(const talos_model *m, talos_stream *s) {
    size_t e = m->config.n_embd, mlp = m->config.mlp_dim, at = s->position, block = m->config.block_size;
    float *x = s->scratch, *normed = x + e, *q = normed + e, *mixed = q + e, *out = mixed + e, *hidden = out + e;
    float *weights = hidden + mlp;
    const float *w = m->weights;
    for (size_t i = 0; i < e; i++) out[i] = w[m->wte + s->token * e + i] + w[m->wpe + at * e + i];
    rmsnorm(out, x, e);
    for (uint32_t l = 0; l < m->config.n_layer; l++) {
        const talos_layer *layer = &m->layer[l];
        float *keys = (float *)s->cache + l * 2 * block * e, *values = keys + block * e;
        rmsnorm(x, normed, e);
        linear(w + layer->wq, normed, q, e, e);
        linear(w + layer->wk, normed, keys + at * e, e, e);
        linear(w + layer->wv, normed, values + at * e, e, e);
        for (size_t first = 0; first < e; first += m->head_dim)
            attend(m, q + first, keys + first, values + first, weights, mixed + first, at + 1);
        linear(w + layer->wo, mixed, out, e, e);
        for (size_t i = 0; i < e; i++) x[i] += out[i];
        rmsnorm(x, normed, e);
        linear(w + layer->fc1, normed, hidden, mlp, e);
        for (size_t i = 0; i < mlp; i++) hidden[i] = fmaxf(hidden[i], 0);
        linear(w + layer->fc2, hidden, out, e, mlp);
        for (size_t i = 0; i < e; i++) x[i] += out[i];
    }
    linear(w + m->lm_head, x, s->logits, m->config.vocab_size, e);
    s->token = draw(s, m->config.vocab_size, talos_next_rng(s));
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    for (int i = 0; i < count; i++) step_one(m, streams[i]);
}

const talos_kernel talos_fp32_scalar = {
    .name = "scalar", .arithmetic = TALOS_FP32,
    .available = talos_always, .suits = talos_any_model,
    .cache_bytes = cache_bytes, .scratch_bytes = scratch_bytes,
    .step = step,
};
