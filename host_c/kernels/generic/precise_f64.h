/* `precise` in float64, for any shape and any word: every sum of products is an integer below 2^53, so it is exact, in any
 * order. A processor's file includes this after precise_f64_pack.h, once it has defined
 *
 *     vec                     LANES numbers in a register
 *     vec_load, vec_store     from and to memory
 *     vec_of(x)               x in all lanes
 *     vec_mla(sum, a, b)      sum + a * b
 *
 * Products are summed by columns, an element of x times a column of the matrix, so that nothing is added across lanes.
 * Everything else is in loops over padded arrays, which compilers vectorise. */

/* 2^-n. */
static inline double down(int n) {
    uint64_t bits = (uint64_t)(1023 - n) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* Nearest integer of x / 2^n, halves up, for |x| < 2^52. */
static inline double rounded(double x, double down_n) { return floor(x * down_n + 0.5); }

static inline double clamped(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

/* y[count * LANES] = sum of x[i] * the column that begins at w + stride * column[i]; column null for all in order. */
static inline __attribute__((always_inline)) void columns_of(const double *w, size_t stride, const uint32_t *column,
                                                              const double *x, size_t columns, double *y, size_t count) {
    vec sum[8];
    for (size_t j = 0; j < count; j++) sum[j] = vec_of(0.0);
    for (size_t i = 0; i < columns; i++) {
        const double *at = w + stride * (column ? column[i] : i);
        vec element = vec_of(x[i]);
        for (size_t j = 0; j < count; j++) sum[j] = vec_mla(sum[j], element, vec_load(at + LANES * j));
    }
    for (size_t j = 0; j < count; j++) vec_store(y + LANES * j, sum[j]);
}

/* y[rows] = W x, for W [column][rows] and rows a multiple of LANES; `column` and `columns` as above. */
static inline void product(const double *w, const uint32_t *column, const double *x, size_t columns, double *y, size_t rows) {
    size_t r = 0;
    for (; rows - r >= 8 * LANES; r += 8 * LANES) columns_of(w + r, rows, column, x, columns, y + r, 8);
    switch ((rows - r) / LANES) {
        case 7: columns_of(w + r, rows, column, x, columns, y + r, 7); break;
        case 6: columns_of(w + r, rows, column, x, columns, y + r, 6); break;
        case 5: columns_of(w + r, rows, column, x, columns, y + r, 5); break;
        case 4: columns_of(w + r, rows, column, x, columns, y + r, 4); break;
        case 3: columns_of(w + r, rows, column, x, columns, y + r, 3); break;
        case 2: columns_of(w + r, rows, column, x, columns, y + r, 2); break;
        case 1: columns_of(w + r, rows, column, x, columns, y + r, 1); break;
    }
}

/* Sums as words, in place. */
static inline void to_words(const talos_format *f, double *y, size_t n) {
    const double low = f->low, high = f->high, unit = down(TALOS_SUM_FRACTION - TALOS_WORD_FRACTION);
    for (size_t i = 0; i < n; i++) y[i] = clamped(rounded(y[i], unit), low, high);
}

/* As in precise_scalar.c: total[n] becomes words; `direct` is null for zeros. */
static inline void scaled(const talos_format *f, double *total, double scale, const double *direct, size_t n) {
    int finer = f->wide_fraction + TALOS_SCALE_FRACTION - TALOS_SUM_FRACTION;
    const double widen = down(TALOS_SUM_FRACTION - f->wide_fraction), unit = down(finer + TALOS_WORD_FRACTION);
    const double low = f->low, high = f->high, wide_low = f->wide_low, wide_high = f->wide_high, shift = 1 << finer;
    for (size_t i = 0; i < n; i++) {
        double product = clamped(rounded(total[i], widen), wide_low, wide_high) * scale;
        if (direct) product += direct[i] * shift;
        total[i] = clamped(rounded(product, unit), low, high);
    }
}

static inline int32_t scale_of(const talos_model *m, const double *x, size_t n) {
    _Alignas(32) double lanes[LANES], sum = 0;
    vec squares = vec_of(0.0);
    for (size_t i = 0; i < n; i += LANES) squares = vec_mla(squares, vec_load(x + i), vec_load(x + i));
    vec_store(lanes, squares);
    for (int i = 0; i < LANES; i++) sum += lanes[i];
    return talos_norm_scale(&m->norm, (int64_t)sum);
}

static inline void normalise(const talos_model *m, const double *x, double *y, size_t n) {
    const double scale = scale_of(m, x, n), unit = down(TALOS_SCALE_FRACTION), low = m->format.low, high = m->format.high;
    for (size_t i = 0; i < n; i++) y[i] = clamped(rounded(x[i] * scale, unit), low, high);
}

static inline void add(const talos_format *f, double *x, const double *y, size_t n) {
    const double low = f->low, high = f->high;
    for (size_t i = 0; i < n; i++) x[i] = clamped(x[i] + y[i], low, high);
}

/* One head over `count` positions: out[head_width]. Keys are [head_width][positions], values `stride` apart. */
static inline void attend(const talos_model *m, const talos_f64_pack *p, const double *q, const double *keys,
                          const double *values, size_t count, double *weights, double *out) {
    int32_t t[256], top = INT32_MIN;
    size_t blocks = (count + LANES - 1) / LANES * LANES;
    for (size_t at = 0; at < blocks; at += LANES) columns_of(keys + at, p->positions, 0, q, m->head_dim, weights + at, 1);
    for (size_t i = 0; i < count; i++) {
        t[i] = (int32_t)rounded(weights[i], down(TALOS_SUM_FRACTION - TALOS_EXPONENT_FRACTION));
        if (t[i] >> TALOS_EXPONENT_FRACTION > top) top = t[i] >> TALOS_EXPONENT_FRACTION;
    }
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t weight = talos_exp2_weight(t[i], top);
        sum += weight;
        weights[i] = weight;
    }
    for (size_t at = 0; at < p->head_width; at += LANES) columns_of(values + at, p->attention, 0, weights, count, out + at, 1);
    int e = talos_bit_length((uint64_t)sum) - TALOS_RECIPROCAL_INPUT_BITS;
    const double floored = down(e + TALOS_RECIPROCAL_INPUT_BITS - m->format.guard), low = m->format.low, high = m->format.high;
    const double inverse = talos_reciprocal((uint32_t)(sum >> e)), unit = down(TALOS_RECIPROCAL_FRACTION + m->format.guard);
    for (size_t i = 0; i < p->head_width; i++)
        out[i] = clamped(rounded(floor(out[i] * floored) * inverse, unit), low, high);
}

static void step_one(const talos_model *m, talos_stream *s) {
    const talos_f64_pack *p = m->pack;
    const talos_format *f = &m->format;
    const size_t e = m->config.n_embd, mlp = m->config.mlp_dim, at = s->position, dim = m->head_dim;
    double *x = s->scratch, *normed = x + p->width, *mixed = normed + p->width, *q = mixed + p->width;
    double *k = q + p->attention, *v = k + p->attention, *weights = v + p->attention, *out = weights + p->positions;
    double *hidden = out + p->head_width, *total = hidden + p->hidden, *direct = total + (p->vocab > p->width ? p->vocab : p->width);
    uint32_t positive[1024];
    const int32_t *wte = m->words + m->wte + s->token * e, *wpe = m->words + m->wpe + at * e;
    for (size_t i = 0; i < e; i++) x[i] = clamped((double)wte[i] + wpe[i], f->low, f->high);
    normalise(m, x, x, p->width);
    for (uint32_t l = 0; l < m->config.n_layer; l++) {
        const talos_f64_layer *layer = &p->layer[l];
        double *keys = (double *)s->cache + l * talos_f64_layer_doubles(p), *values = keys + p->attention * p->positions;
        bool last = l + 1 == m->config.n_layer;
        normalise(m, x, normed, p->width);
        product(p->numbers + layer->qkv, 0, normed, e, q, 3 * p->attention);
        scaled(f, q, m->query_scale, 0, p->attention);
        to_words(f, k, 2 * p->attention);
        for (size_t i = 0; i < p->attention; i++) keys[i * p->positions + at] = k[i];
        memcpy(values + at * p->attention, v, p->attention * sizeof *v);
        for (size_t head = 0; head < m->config.n_head; head++) {
            size_t first = head * p->head_width;
            attend(m, p, q + first, keys + first * p->positions, values + first, at + 1, weights, out);
            memcpy(mixed + head * dim, out, dim * sizeof *out);
        }
        product(p->numbers + layer->wo, 0, mixed, e, total, p->width);
        to_words(f, total, p->width);
        add(f, x, total, p->width);
        /* RMSNorm's scale commutes with fc1, ReLU and fc2, and is applied after them, over the positive units alone. */
        double scale = scale_of(m, x, p->width);
        product(p->numbers + layer->fc1, 0, x, e, hidden, p->hidden);
        to_words(f, hidden, p->hidden);
        size_t units = 0;
        for (uint32_t i = 0; i < mlp; i++) {
            positive[units] = i;
            hidden[units] = hidden[i];
            units += hidden[i] > 0;
        }
        product(p->numbers + layer->fc2, positive, hidden, units, total, last ? p->vocab : p->width);
        if (last) product(p->numbers + p->head, 0, x, e, direct, p->vocab);
        scaled(f, total, scale, last ? direct : 0, last ? p->vocab : p->width);
        if (!last) add(f, x, total, p->width);
    }
    for (uint32_t i = 0; i < m->config.vocab_size; i++) s->words[i] = (int32_t)total[i];
    s->token = talos_precise_draw(s, m->config.vocab_size, talos_next_rng(s));
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    for (int i = 0; i < count; i++) step_one(m, streams[i]);
}
