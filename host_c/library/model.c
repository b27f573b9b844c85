/* The model file: read, checked, quantised. Python writes it in host_c/binding/model_file.py, where the layout is described. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixed.h"
#include "internal.h"

enum { MAX_FILE_BYTES = 1 << 29 };

void *talos_allocate(size_t bytes) {
    size_t rounded = (bytes + 63) & ~(size_t)63;
    if (rounded == 0) rounded = 64;
    void *memory = aligned_alloc(64, rounded);
    if (memory) memset(memory, 0, rounded);
    return memory;
}

bool talos_always(void) { return true; }

bool talos_any_model(const talos_model *model) {
    (void)model;
    return true;
}

static uint32_t read_u32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* CRC-32 of zlib. */
static uint32_t crc32_of(const uint8_t *bytes, size_t size) {
    uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) c = c & 1 ? 0xEDB88320u ^ c >> 1 : c >> 1;
        table[i] = c;
    }
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < size; i++) crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
    return ~crc;
}

static bool in_range(uint32_t value, uint32_t low, uint32_t high) { return low <= value && value <= high; }

static bool dimensions_fit(const talos_config *c) {
    return in_range(c->vocab_size, 2, 256) && in_range(c->block_size, 2, 256) && in_range(c->n_embd, 2, 256) &&
           in_range(c->n_head, 1, 64) && in_range(c->mlp_dim, 1, 1024) && in_range(c->n_layer, 1, 16) &&
           c->n_embd % c->n_head == 0;
}

/* Place every tensor, in the order of ModelConfig.shapes(). */
static void place_tensors(talos_model *m) {
    const talos_config *c = &m->config;
    size_t e = c->n_embd, at = 0;
    m->wte = at, at += c->vocab_size * e;
    m->wpe = at, at += c->block_size * e;
    m->lm_head = at, at += c->vocab_size * e;
    for (uint32_t i = 0; i < c->n_layer; i++) {
        talos_layer *layer = &m->layer[i];
        layer->wq = at, at += e * e;
        layer->wk = at, at += e * e;
        layer->wv = at, at += e * e;
        layer->wo = at, at += e * e;
        layer->fc1 = at, at += c->mlp_dim * e;
        layer->fc2 = at, at += c->mlp_dim * e;
    }
    m->parameters = at;
}

/* A word, halves to even, as talos_ref.model.checkpoint.quantise. */
static int32_t quantise(const talos_format *f, float weight) {
    double scaled = nearbyint((double)weight * TALOS_WORD_ONE);
    return (int32_t)(scaled < f->low ? f->low : scaled > f->high ? f->high : scaled);
}

static bool power_of(uint32_t value, int bits) { return value && !(value & (value - 1)) && __builtin_ctz(value) % bits == 0; }

/* Lines of sqrt(n) / 2^floor(log2 sqrt n) / sqrt(u) over [1/4, 1), as talos_ref.golden.table.InterpolatedTable. */
static void make_rsqrt(talos_model *m) {
    int root_exponent = (talos_bit_length(m->config.n_embd) - 1) / 2;
    m->norm.eps = (int64_t)nearbyint(m->config.n_embd * TALOS_EPS * (1 << TALOS_SUM_FRACTION));
    double numerator = sqrt((double)m->config.n_embd) / (1 << root_exponent);
    m->norm.unit = TALOS_SCALE_FRACTION + TALOS_WORD_FRACTION - TALOS_RSQRT_FRACTION + root_exponent;
    const double segments = 1 << TALOS_RSQRT_INDEX_BITS, one = 1 << TALOS_RSQRT_FRACTION;
    for (int line = 0; line < TALOS_RSQRT_LINES; line++) {
        int i = TALOS_RSQRT_FIRST + line;
        double left = numerator / sqrt(i / segments), right = numerator / sqrt((i + 1) / segments);
        double middle = numerator / sqrt((i + 0.5) / segments);
        double base = left + (middle - (left + right) / 2) / 2;
        m->norm.lines[line][0] = (int32_t)nearbyint(base * one);
        m->norm.lines[line][1] = (int32_t)nearbyint((right - left) * one);
    }
}

static bool set_format(talos_model *m, uint32_t width) {
    for (int i = 0; i < TALOS_FORMATS; i++)
        if ((uint32_t)talos_formats[i].width == width) {
            m->format = talos_formats[i];
            m->logit = talos_logit_formats[i];
            return true;
        }
    return false;
}

static talos_status fold_head(talos_model *m) {
    size_t e = m->config.n_embd, mlp = m->config.mlp_dim;
    const int32_t *fc2 = m->words + m->layer[m->config.n_layer - 1].fc2;
    m->folded = talos_allocate(m->config.vocab_size * mlp * sizeof *m->folded);
    if (!m->folded) return TALOS_NO_MEMORY;
    for (size_t row = 0; row < m->config.vocab_size; row++)
        for (size_t unit = 0; unit < mlp; unit++) {
            int64_t total = 0;
            for (size_t i = 0; i < e; i++) total += (int64_t)m->words[m->lm_head + row * e + i] * fc2[i * mlp + unit];
            int32_t word = talos_word(&m->format, talos_round_shift(total, TALOS_WORD_FRACTION));
            if (word == m->format.low || word == m->format.high) return TALOS_BAD_WEIGHTS;
            m->folded[row * mlp + unit] = word;
        }
    return TALOS_OK;
}

/* a * b as words, for a [rows][inner] and b [inner][columns]. */
static int32_t *multiply(const talos_model *m, const int32_t *a, const int32_t *b, size_t rows, size_t inner, size_t columns) {
    int32_t *product = talos_allocate(rows * columns * sizeof *product);
    for (size_t row = 0; product && row < rows; row++)
        for (size_t column = 0; column < columns; column++) {
            int64_t total = 0;
            for (size_t i = 0; i < inner; i++) total += (int64_t)a[row * inner + i] * b[i * columns + column];
            product[row * columns + column] = talos_word(&m->format, talos_round_shift(total, TALOS_WORD_FRACTION));
        }
    return product;
}

/* Wo multiplied into what follows it. */
static talos_status fold_output(talos_model *m) {
    const int32_t *wo = m->words + m->layer[0].wo;
    size_t e = m->config.n_embd;
    m->fc1_wo = multiply(m, m->words + m->layer[0].fc1, wo, m->config.mlp_dim, e, e);
    m->lm_head_wo = multiply(m, m->words + m->lm_head, wo, m->config.vocab_size, e, e);
    return m->fc1_wo && m->lm_head_wo ? TALOS_OK : TALOS_NO_MEMORY;
}

static talos_status make_words(talos_model *m) {
    if (m->arithmetic == TALOS_V2 && !(power_of(m->config.n_embd, 1) && power_of(m->head_dim, 2))) return TALOS_UNSUPPORTED;
    if (m->arithmetic == TALOS_FOLDED && m->config.n_layer != 1) return TALOS_UNSUPPORTED;
    m->words = talos_allocate(m->parameters * sizeof *m->words);
    if (!m->words) return TALOS_NO_MEMORY;
    for (size_t i = 0; i < m->parameters; i++) m->words[i] = quantise(&m->format, m->weights[i]);
    if (m->arithmetic == TALOS_V2) return TALOS_OK;
    m->query_scale = (int32_t)nearbyint(TALOS_LOG2E / sqrt((double)m->head_dim) * (1 << TALOS_SCALE_FRACTION));
    make_rsqrt(m);
    talos_status status = fold_head(m);
    return status == TALOS_OK && m->arithmetic == TALOS_FOLDED ? fold_output(m) : status;
}

static talos_status choose_kernel(talos_model *m, const char *name) {
    bool known = false;
    for (const talos_kernel *const *at = talos_kernels(m->arithmetic); *at; at++) {
        if (name && strcmp(name, (*at)->name) != 0) continue;
        known = true;
        if ((*at)->word_width && (*at)->word_width < m->format.width) continue;
        if (!(*at)->available() || !(*at)->suits(m)) continue;
        m->kernel = *at;
        return (*at)->prepare ? (*at)->prepare(m, &m->pack) : TALOS_OK;
    }
    return known ? TALOS_UNSUPPORTED : TALOS_BAD_ARGUMENT;
}

static talos_status fill(talos_model *m, const uint8_t *bytes, size_t size, const char *kernel) {
    if (size < TALOS_MODEL_HEADER_BYTES) {
        return size >= 8 && memcmp(bytes, TALOS_MODEL_MAGIC, 8) == 0 ? TALOS_BAD_LENGTH : TALOS_BAD_MAGIC;
    }
    if (memcmp(bytes, TALOS_MODEL_MAGIC, 8) != 0) return TALOS_BAD_MAGIC;
    uint32_t version = read_u32(bytes + 8);
    if (!in_range(version, 1, TALOS_MODEL_VERSION)) return TALOS_BAD_VERSION;
    /* The first version had words of Q4.12 alone. */
    if (!set_format(m, version == 1 ? TALOS_Q4_12_WIDTH : read_u32(bytes + 44))) return TALOS_BAD_WORD;
    talos_config *c = &m->config;
    uint32_t *fields[] = {&c->vocab_size, &c->block_size, &c->n_embd, &c->n_head, &c->mlp_dim, &c->n_layer};
    for (size_t i = 0; i < 6; i++) *fields[i] = read_u32(bytes + 12 + 4 * i);
    if (!dimensions_fit(c)) return TALOS_BAD_DIMENSIONS;
    m->head_dim = c->n_embd / c->n_head;
    place_tensors(m);
    size_t alphabet = 4 * (size_t)(c->vocab_size - 1);
    if (read_u32(bytes + 36) != m->parameters) return TALOS_BAD_DIMENSIONS;
    if (size != TALOS_MODEL_HEADER_BYTES + alphabet + 4 * m->parameters) return TALOS_BAD_LENGTH;
    const uint8_t *body = bytes + TALOS_MODEL_HEADER_BYTES;
    if (read_u32(bytes + 40) != crc32_of(body, size - TALOS_MODEL_HEADER_BYTES)) return TALOS_BAD_CHECKSUM;
    m->letters = talos_allocate(alphabet);
    m->weights = talos_allocate(4 * m->parameters);
    if (!m->letters || !m->weights) return TALOS_NO_MEMORY;
    for (size_t i = 0; i < alphabet / 4; i++) m->letters[i] = read_u32(body + 4 * i);
    for (size_t i = 0; i < m->parameters; i++) {
        uint32_t word = read_u32(body + alphabet + 4 * i);
        memcpy(&m->weights[i], &word, 4);
        if (!isfinite(m->weights[i])) return TALOS_BAD_WEIGHTS;
    }
    if (m->arithmetic != TALOS_FP32) {
        talos_status status = make_words(m);
        if (status != TALOS_OK) return status;
    }
    return choose_kernel(m, kernel);
}

talos_status talos_model_load(const void *bytes, size_t size, talos_arithmetic arithmetic, const char *kernel,
                              talos_model **model) {
    if (!model) return TALOS_BAD_ARGUMENT;
    *model = NULL;
    if (!bytes || !talos_kernels(arithmetic)) return TALOS_BAD_ARGUMENT;
    talos_model *m = talos_allocate(sizeof *m);
    if (!m) return TALOS_NO_MEMORY;
    m->arithmetic = arithmetic;
    atomic_init(&m->references, 1);
    talos_status status = fill(m, bytes, size, kernel);
    if (status != TALOS_OK) {
        talos_model_free(m);
        return status;
    }
    *model = m;
    return TALOS_OK;
}

static talos_status read_file(FILE *file, uint8_t **bytes, size_t *size) {
    if (fseek(file, 0, SEEK_END) != 0) return TALOS_IO_ERROR;
    long length = ftell(file);
    if (length < 0 || fseek(file, 0, SEEK_SET) != 0) return TALOS_IO_ERROR;
    if (length > MAX_FILE_BYTES) return TALOS_BAD_LENGTH;
    *size = (size_t)length;
    *bytes = malloc(*size ? *size : 1);
    if (!*bytes) return TALOS_NO_MEMORY;
    return fread(*bytes, 1, *size, file) == *size ? TALOS_OK : TALOS_IO_ERROR;
}

talos_status talos_model_open(const char *path, talos_arithmetic arithmetic, const char *kernel, talos_model **model) {
    if (!model) return TALOS_BAD_ARGUMENT;
    *model = NULL;
    if (!path) return TALOS_BAD_ARGUMENT;
    FILE *file = fopen(path, "rb");
    if (!file) return TALOS_IO_ERROR;
    uint8_t *bytes = NULL;
    size_t size = 0;
    talos_status status = read_file(file, &bytes, &size);
    fclose(file);
    if (status == TALOS_OK) status = talos_model_load(bytes, size, arithmetic, kernel, model);
    free(bytes);
    return status;
}

void talos_model_free(talos_model *model) {
    if (!model || atomic_fetch_sub(&model->references, 1) > 1) return;
    free(model->letters);
    free(model->weights);
    free(model->words);
    free(model->folded);
    free(model->fc1_wo);
    free(model->lm_head_wo);
    free(model->pack);
    free(model);
}

talos_status talos_model_config(const talos_model *model, talos_config *config) {
    if (!model || !config) return TALOS_BAD_ARGUMENT;
    *config = model->config;
    return TALOS_OK;
}

talos_status talos_model_letter(const talos_model *model, uint32_t token, uint32_t *code_point) {
    if (!model || !code_point || token >= model->config.vocab_size - 1) return TALOS_BAD_ARGUMENT;
    *code_point = model->letters[token];
    return TALOS_OK;
}

const char *talos_model_kernel(const talos_model *model) { return model ? model->kernel->name : NULL; }
