/* The parts of a step that `precise` and `folded` share, one value at a time: the golden model in C. */
#ifndef TALOS_PRECISE_SCALAR_H
#define TALOS_PRECISE_SCALAR_H

#include <string.h>

#include "precise.h"

#define INLINE static inline __attribute__((always_inline))

/* Exact w . x, Q.24. */
INLINE int64_t dot(const int32_t *w, const int32_t *x, size_t n) {
    int64_t total = 0;
    for (size_t i = 0; i < n; i++) total += (int64_t)w[i] * x[i];
    return total;
}

INLINE void linear(const talos_format *f, const int32_t *w, const int32_t *x, int32_t *y, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++)
        y[r] = talos_word(f, talos_round_shift(dot(w + r * columns, x, columns), TALOS_WORD_FRACTION));
}

INLINE void normalise(const talos_model *m, const talos_format *f, const int32_t *x, int32_t *y) {
    int64_t scale = talos_rms_scale(m, x);
    for (size_t i = 0; i < m->config.n_embd; i++)
        y[i] = talos_word(f, talos_round_shift(x[i] * scale, TALOS_SCALE_FRACTION));
}

/* sat(round(wide(total) * scale + addend)) as a word: total and addend are sums, and wide() brings one to the format of a
 * multiplier's port. */
INLINE int32_t scaled(const talos_format *f, int64_t total, int64_t scale, int64_t addend) {
    int finer = f->wide_fraction + TALOS_SCALE_FRACTION - TALOS_SUM_FRACTION; /* fraction bits beyond a sum's */
    int64_t wide = talos_clamp(talos_round_shift(total, TALOS_SUM_FRACTION - f->wide_fraction), f->wide_low, f->wide_high);
    return talos_word(f, talos_round_shift(wide * scale + addend * (1 << finer), finer + TALOS_WORD_FRACTION));
}

INLINE void embed(const talos_model *m, const talos_format *f, uint32_t token, uint32_t position, int32_t *x) {
    size_t e = m->config.n_embd;
    for (size_t i = 0; i < e; i++) {
        int64_t sum = (int64_t)m->words[m->wte + token * e + i] + m->words[m->wpe + position * e + i];
        x[i] = talos_word(f, sum);
    }
    normalise(m, f, x, x);
}

INLINE void qkv(const talos_model *m, const talos_format *f, const talos_layer *layer, const int32_t *x, int32_t *normed,
                int32_t *q, int32_t *k, int32_t *v) {
    size_t e = m->config.n_embd;
    normalise(m, f, x, normed);
    for (size_t r = 0; r < e; r++)
        q[r] = scaled(f, dot(m->words + layer->wq + r * e, normed, e), m->query_scale, 0);
    linear(f, m->words + layer->wk, normed, k, e, e);
    linear(f, m->words + layer->wv, normed, v, e, e);
}

/* One head: softmax in powers of two of t = q.k, times v, over `count` positions, rows n_embd apart. */
INLINE void attend(const talos_model *m, const talos_format *f, const int32_t *q, const int32_t *keys,
                   const int32_t *values, int32_t *scores, int32_t *out, size_t count) {
    size_t dim = m->head_dim, stride = m->config.n_embd;
    int32_t top = INT32_MIN;
    int64_t sum = 0;
    for (size_t p = 0; p < count; p++) {
        int64_t total = 0;
        for (size_t i = 0; i < dim; i++) total += (int64_t)q[i] * keys[p * stride + i];
        scores[p] = (int32_t)talos_round_shift(total, TALOS_SUM_FRACTION - TALOS_EXPONENT_FRACTION);
        if (scores[p] >> TALOS_EXPONENT_FRACTION > top) top = scores[p] >> TALOS_EXPONENT_FRACTION;
    }
    for (size_t p = 0; p < count; p++) sum += scores[p] = talos_exp2_weight(scores[p], top);
    for (size_t i = 0; i < dim; i++) {
        int64_t total = 0;
        for (size_t p = 0; p < count; p++) total += (int64_t)scores[p] * values[p * stride + i];
        out[i] = talos_divide(f, total, sum);
    }
}

#endif
