/* Fuzz target: any bytes as a model file, in every arithmetic and kernel. The first byte chooses; where its top bit is set,
 * the checksum is put right first, so that what lies behind it is reached too. */
#include "model.c" /* with its checksum, which is static */

static void use(talos_model *model, unsigned choice) {
    talos_config config;
    talos_step_result result;
    talos_stream *stream;
    float logits[256];
    uint64_t steps;
    if (talos_model_config(model, &config) != TALOS_OK) abort();
    double temperature = choice & 4 ? 0.5 : 16.0;
    if (talos_stream_create(model, 7 + choice, temperature, &stream) != TALOS_OK) abort();
    for (uint32_t i = 0; i < 3; i++) {
        if (talos_stream_force(stream, (choice + i) % config.vocab_size, &result) != TALOS_OK) abort();
        if (result.token_out >= config.vocab_size || result.argmax >= config.vocab_size) abort();
    }
    if (talos_stream_logits(stream, logits, 256) != TALOS_OK) abort();
    uint8_t *tokens = malloc((size_t)3 * config.block_size);
    const uint32_t seeds[3] = {1, choice + 1, 0xFFFFFFFFu};
    /* Wide models take long; a name of each is enough. */
    size_t names = config.n_embd * config.n_layer > 64 ? 1 : 3;
    if (tokens && talos_generate_many(model, seeds, names, temperature, 1, tokens, names * config.block_size, &steps) != TALOS_OK)
        abort();
    free(tokens);
    talos_model_free(model);
    if (talos_stream_next(stream, &result) != TALOS_OK) abort();
    talos_stream_free(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    unsigned choice = data[0];
    uint8_t *bytes = malloc(size); /* exactly as long, so that reading past the end is seen */
    if (!bytes) return 0;
    memcpy(bytes, data + 1, size - 1);
    if (choice & 128 && size - 1 > TALOS_MODEL_HEADER_BYTES) {
        uint32_t crc = crc32_of(bytes + TALOS_MODEL_HEADER_BYTES, size - 1 - TALOS_MODEL_HEADER_BYTES);
        for (int i = 0; i < 4; i++) bytes[40 + i] = (uint8_t)(crc >> 8 * i);
    }
    const talos_arithmetic arithmetics[4] = {TALOS_FP32, TALOS_PRECISE, TALOS_FOLDED, TALOS_V2}, arithmetic = arithmetics[choice % 4];
    for (size_t i = 0; talos_kernel_name(arithmetic, i); i++) {
        talos_model *model;
        if (!talos_kernel_available(arithmetic, i)) continue;
        if (talos_model_load(bytes, size - 1, arithmetic, talos_kernel_name(arithmetic, i), &model) == TALOS_OK) use(model, choice);
        else if (model) abort();
    }
    free(bytes);
    return 0;
}
