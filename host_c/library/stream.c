/* Streams: a random state, a cache and a place in a name, stepped by the model's kernel. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fixed.h"
#include "internal.h"

const char *talos_status_message(talos_status status) {
    static const char *const messages[TALOS_STATUS_COUNT] = {
        [TALOS_OK] = "no error",
        [TALOS_BAD_ARGUMENT] = "argument must not be null or out of range",
        [TALOS_BAD_MAGIC] = "file must begin with TALOSMDL; write it with host_c.binding.model_file",
        [TALOS_BAD_VERSION] = "file must be of version 1 or 2; write it again with this release",
        [TALOS_BAD_WORD] = "word must be of 16, 17 or 18 bits",
        [TALOS_BAD_DIMENSIONS] = "dimensions must be within the limits of talos_config, and heads divide n_embd",
        [TALOS_BAD_LENGTH] = "file must be as long as its dimensions say; it is truncated or has bytes left over",
        [TALOS_BAD_CHECKSUM] = "checksum must match; the file is damaged",
        [TALOS_BAD_WEIGHTS] = "weights must be finite, and lm_head * fc2 must fit a word; give the model a wider one",
        [TALOS_BAD_TEMPERATURE] = ("temperature must be in the range of the arithmetic: fp32 0 or 2^-20 to 2^20, "
                                   "precise and folded 0 or 0.0625 to 16, talos-v2 0 to 255.996"),
        [TALOS_BAD_SEED] = "seed must be 1 to 4294967295 (xorshift32 never leaves state 0)",
        [TALOS_UNSUPPORTED] = "arithmetic and kernel must suit the model and this CPU",
        [TALOS_BUFFER_TOO_SMALL] = "buffer must hold block_size tokens a name, or vocab_size logits",
        [TALOS_NO_MEMORY] = "memory must suffice",
        [TALOS_IO_ERROR] = "file must be readable",
    };
    return (int)status >= 0 && status < TALOS_STATUS_COUNT ? messages[status] : "unknown status";
}

talos_status talos_temper_set(const talos_model *model, double temperature, talos_temper *temper) {
    if (!isfinite(temperature) || temperature < 0) return TALOS_BAD_TEMPERATURE;
    memset(temper, 0, sizeof *temper);
    temper->value = temperature;
    temper->greedy = temperature == 0 && model->arithmetic != TALOS_V2;
    if (temper->greedy) return TALOS_OK;
    if (model->arithmetic == TALOS_FP32) {
        if (temperature < 0x1p-20 || temperature > 0x1p20) return TALOS_BAD_TEMPERATURE;
        temper->inverse = (float)(TALOS_LOG2E / temperature);
        return TALOS_OK;
    }
    const uint32_t one = 1u << TALOS_TEMPERATURE_FRACTION;
    double nearest = nearbyint(temperature * one);
    if (nearest > TALOS_TEMPERATURE_HIGH) return TALOS_BAD_TEMPERATURE;
    uint32_t q8 = (uint32_t)nearest;
    temper->q8 = q8;
    if (model->arithmetic == TALOS_V2) return TALOS_OK;
    if (q8 < TALOS_MIN_TEMPERATURE || q8 > TALOS_MAX_TEMPERATURE) return TALOS_BAD_TEMPERATURE;
    temper->shift = q8 >= one ? TALOS_SHIFT_FROM_ONE : TALOS_SHIFT_BELOW_ONE;
    int64_t numerator = q8 >= one ? TALOS_INVERSE_FROM_ONE : TALOS_INVERSE_BELOW_ONE;
    temper->inverse_word = (int32_t)((numerator + q8 / 2) / q8);
    return TALOS_OK;
}

talos_status talos_stream_init(talos_stream *stream, talos_model *model, uint32_t seed, const talos_temper *temper,
                               void *cache, void *scratch) {
    stream->model = model;
    stream->cache = cache;
    stream->scratch = scratch;
    stream->temper = *temper;
    stream->greedy = temper->greedy;
    return talos_stream_reset(stream, seed);
}

talos_status talos_stream_create(talos_model *model, uint32_t seed, double temperature, talos_stream **stream) {
    if (!stream) return TALOS_BAD_ARGUMENT;
    *stream = NULL;
    if (!model) return TALOS_BAD_ARGUMENT;
    if (seed == 0) return TALOS_BAD_SEED;
    talos_temper temper;
    talos_status status = talos_temper_set(model, temperature, &temper);
    if (status != TALOS_OK) return status;
    talos_stream *s = talos_allocate(sizeof *s);
    void *cache = talos_allocate(model->kernel->cache_bytes(model));
    void *scratch = talos_allocate(model->kernel->scratch_bytes(model));
    if (!s || !cache || !scratch) {
        free(s);
        free(cache);
        free(scratch);
        return TALOS_NO_MEMORY;
    }
    atomic_fetch_add(&model->references, 1);
    *stream = s;
    return talos_stream_init(s, model, seed, &temper, cache, scratch);
}

void talos_stream_free(talos_stream *stream) {
    if (!stream) return;
    talos_model_free(stream->model);
    free(stream->cache);
    free(stream->scratch);
    free(stream);
}

talos_status talos_stream_reset(talos_stream *stream, uint32_t seed) {
    if (!stream) return TALOS_BAD_ARGUMENT;
    if (seed == 0) return TALOS_BAD_SEED;
    stream->rng = seed;
    stream->position = 0;
    stream->token = stream->model->config.vocab_size - 1;
    stream->stepped = false;
    return TALOS_OK;
}

talos_status talos_stream_rng(const talos_stream *stream, uint32_t *rng) {
    if (!stream || !rng) return TALOS_BAD_ARGUMENT;
    *rng = stream->rng;
    return TALOS_OK;
}

/* After a step: true if the name has ended, and the stream is at the start of the next. */
bool talos_stream_advance(talos_stream *stream) {
    uint32_t bos = stream->model->config.vocab_size - 1;
    stream->position++;
    if (stream->token != bos && stream->position < stream->model->config.block_size - 1) return false;
    stream->position = 0;
    stream->token = bos;
    return true;
}

static uint32_t argmax(const talos_stream *stream) {
    uint32_t best = 0;
    bool fp32 = stream->model->arithmetic == TALOS_FP32;
    for (uint32_t i = 1; i < stream->model->config.vocab_size; i++) {
        bool above = fp32 ? stream->logits[i] > stream->logits[best] : stream->words[i] > stream->words[best];
        if (above) best = i;
    }
    return best;
}

static void step_once(talos_stream *stream, talos_step_result *result) {
    result->position = stream->position;
    result->token_in = stream->token;
    stream->model->kernel->step(stream->model, &stream, 1);
    stream->stepped = true;
    result->token_out = stream->token;
    result->argmax = argmax(stream);
    result->rng = stream->rng;
}

talos_status talos_stream_next(talos_stream *stream, talos_step_result *result) {
    if (!stream || !result) return TALOS_BAD_ARGUMENT;
    step_once(stream, result);
    talos_stream_advance(stream);
    return TALOS_OK;
}

talos_status talos_stream_force(talos_stream *stream, uint32_t token, talos_step_result *result) {
    if (!stream || !result || token >= stream->model->config.vocab_size) return TALOS_BAD_ARGUMENT;
    stream->token = token;
    step_once(stream, result);
    if (++stream->position == stream->model->config.block_size) stream->position = 0;
    return TALOS_OK;
}

talos_status talos_stream_logits(const talos_stream *stream, float *logits, size_t capacity) {
    if (!stream || !logits || !stream->stepped) return TALOS_BAD_ARGUMENT;
    size_t count = stream->model->config.vocab_size;
    if (capacity < count) return TALOS_BUFFER_TOO_SMALL;
    bool fp32 = stream->model->arithmetic == TALOS_FP32;
    for (size_t i = 0; i < count; i++) logits[i] = fp32 ? stream->logits[i] : (float)stream->words[i] / TALOS_WORD_ONE;
    return TALOS_OK;
}

talos_status talos_stream_words(const talos_stream *stream, int32_t *logits, size_t capacity) {
    if (!stream || !logits || !stream->stepped) return TALOS_BAD_ARGUMENT;
    if (stream->model->arithmetic == TALOS_FP32) return TALOS_UNSUPPORTED;
    size_t count = stream->model->config.vocab_size;
    if (capacity < count) return TALOS_BUFFER_TOO_SMALL;
    memcpy(logits, stream->words, count * sizeof *logits);
    return TALOS_OK;
}

talos_status talos_trace(talos_stream *stream, talos_step_result *results, int32_t *words, size_t capacity, size_t *taken) {
    if (!stream || !results || !taken || capacity == 0) return TALOS_BAD_ARGUMENT;
    const talos_model *model = stream->model;
    if (words && model->arithmetic == TALOS_FP32) return TALOS_UNSUPPORTED;
    size_t vocab = model->config.vocab_size, count = 0;
    stream->position = 0;
    stream->token = (uint32_t)vocab - 1;
    bool ended = false;
    while (!ended && count < capacity) {
        step_once(stream, &results[count]);
        if (words) memcpy(words + count * vocab, stream->words, vocab * sizeof *words);
        ended = talos_stream_advance(stream);
        count++;
    }
    stream->position = 0;
    stream->token = (uint32_t)vocab - 1;
    *taken = count;
    return TALOS_OK;
}

talos_status talos_generate(talos_stream *stream, size_t names, uint8_t *tokens, size_t capacity, size_t *written,
                            uint64_t *steps) {
    if (!stream || (!tokens && names)) return TALOS_BAD_ARGUMENT;
    const talos_model *model = stream->model;
    uint32_t bos = model->config.vocab_size - 1;
    if (capacity / model->config.block_size < names) return TALOS_BUFFER_TOO_SMALL;
    stream->position = 0;
    stream->token = bos;
    size_t at = 0;
    uint64_t taken = 0;
    for (size_t name = 0; name < names; name++) {
        bool ended = false;
        while (!ended) {
            model->kernel->step(model, &stream, 1);
            taken++;
            if (stream->token != bos) tokens[at++] = (uint8_t)stream->token;
            ended = talos_stream_advance(stream);
        }
        tokens[at++] = (uint8_t)bos;
    }
    if (names) stream->stepped = true;
    if (written) *written = at;
    if (steps) *steps = taken;
    return TALOS_OK;
}
