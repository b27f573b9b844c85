/* Weights of `precise` in float64, by column, for the kernels of any shape and any word. */
#include "precise_f64_pack.h"

/* A word has 18 bits and no sum more than 1024 products: integers below 2^53, which float64 holds exactly. */
_Static_assert(2 * (TALOS_MAX_WIDTH - 1) + 10 < 53, "float64 must hold every sum of products of words");

static size_t padded(size_t n) { return (n + TALOS_F64_LANES - 1) / TALOS_F64_LANES * TALOS_F64_LANES; }

/* Lay out everything; return how many numbers there are. */
static size_t lay_out(const talos_model *m, talos_f64_pack *p) {
    const talos_config *c = &m->config;
    size_t at = 0;
    p->width = padded(c->n_embd);
    p->hidden = padded(c->mlp_dim);
    p->vocab = padded(c->vocab_size);
    p->positions = padded(c->block_size);
    p->head_width = padded(m->head_dim);
    p->attention = c->n_head * p->head_width;
    p->head = at, at += c->n_embd * p->vocab;
    for (uint32_t l = 0; l < c->n_layer; l++) {
        talos_f64_layer *layer = &p->layer[l];
        layer->qkv = at, at += c->n_embd * 3 * p->attention;
        layer->wo = at, at += c->n_embd * p->width;
        layer->fc1 = at, at += c->n_embd * p->hidden;
        layer->fc2 = at, at += c->mlp_dim * (l + 1 == c->n_layer ? p->vocab : p->width);
    }
    return at;
}

/* Store words [rows][columns] by column, `stride` numbers from one to the next. */
static void transpose(const int32_t *words, size_t rows, size_t columns, double *to, size_t stride) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) to[c * stride + r] = words[r * columns + c];
}

talos_status talos_f64_prepare(talos_model *m, void **pack) {
    talos_f64_pack plan;
    size_t e = m->config.n_embd, mlp = m->config.mlp_dim, vocab = m->config.vocab_size, dim = m->head_dim;
    talos_f64_pack *p = talos_allocate(sizeof *p + lay_out(m, &plan) * sizeof p->numbers[0]);
    if (!p) return TALOS_NO_MEMORY;
    lay_out(m, p);
    transpose(m->words + m->lm_head, vocab, e, p->numbers + p->head, p->vocab);
    for (uint32_t l = 0; l < m->config.n_layer; l++) {
        const talos_layer *from = &m->layer[l];
        const talos_f64_layer *to = &p->layer[l];
        const size_t matrices[3] = {from->wq, from->wk, from->wv};
        for (size_t part = 0; part < 3; part++)
            for (size_t head = 0; head < m->config.n_head; head++) {
                double *at = p->numbers + to->qkv + part * p->attention + head * p->head_width;
                transpose(m->words + matrices[part] + head * dim * e, dim, e, at, 3 * p->attention);
            }
        transpose(m->words + from->wo, e, e, p->numbers + to->wo, p->width);
        transpose(m->words + from->fc1, mlp, e, p->numbers + to->fc1, p->hidden);
        if (l + 1 == m->config.n_layer) transpose(m->folded, vocab, mlp, p->numbers + to->fc2, p->vocab);
        else transpose(m->words + from->fc2, e, mlp, p->numbers + to->fc2, p->width);
    }
    *pack = p;
    return TALOS_OK;
}

size_t talos_f64_cache_bytes(const talos_model *m) {
    return sizeof(double) * m->config.n_layer * talos_f64_layer_doubles(m->pack);
}

/* Working memory of precise_f64.h. */
size_t talos_f64_scratch_bytes(const talos_model *m) {
    const talos_f64_pack *p = m->pack;
    size_t widest = p->vocab > p->width ? p->vocab : p->width;
    return sizeof(double) * (3 * p->width + 3 * p->attention + p->positions + p->head_width + p->hidden + 2 * widest);
}
