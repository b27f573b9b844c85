/* Command line of the library, for processors that have no Python here: prints names or steps, for comparison.
 *
 *   letters MODEL ARITHMETIC KERNEL SEED TEMPERATURE NAMES          names from one stream, one a line, in UTF-8
 *   letters MODEL ARITHMETIC KERNEL SEED TEMPERATURE NAMES steps    a line a step: token, rng, logits
 *   letters MODEL ARITHMETIC KERNEL SEED TEMPERATURE NAMES many     a name of each of SEED, SEED + 1, …, all at once
 *
 * ARITHMETIC is float (float32), precise, folded or talos-v2; KERNEL is a name, or "-" for the fastest. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "talos.h"

/* The number of an arithmetic; one that the library refuses for a name that is none. */
static talos_arithmetic number_of(const char *name) {
    if (strcmp(name, "float") == 0) return TALOS_FP32;
    if (strcmp(name, "precise") == 0) return TALOS_PRECISE;
    if (strcmp(name, "folded") == 0) return TALOS_FOLDED;
    if (strcmp(name, "talos-v2") == 0) return TALOS_V2;
    return (talos_arithmetic)-1;
}

static int fail(talos_status status) {
    fprintf(stderr, "letters: %s\n", talos_status_message(status));
    return 1;
}

/* Print a code point in UTF-8. */
static void print_letter(uint32_t letter) {
    if (letter < 0x80) {
        putchar((int)letter);
        return;
    }
    int bits = letter < 0x800 ? 6 : letter < 0x10000 ? 12 : 18; /* below those of the first byte */
    putchar((int)((0xF0u << (3 - bits / 6) & 0xF0) | letter >> bits));
    while (bits) putchar((int)(0x80 | (letter >> (bits -= 6) & 0x3F)));
}

/* Print names, each ended by BOS, and the steps they took. */
static void print_tokens(const talos_model *model, const uint8_t *tokens, size_t count, uint64_t steps, uint32_t bos) {
    uint32_t letters[256] = {0};
    for (uint32_t token = 0; token < bos; token++) talos_model_letter(model, token, &letters[token]);
    letters[bos] = '\n';
    for (size_t i = 0; i < count; i++) print_letter(letters[tokens[i]]);
    printf("%" PRIu64 " steps\n", steps);
}

static int print_names(const talos_model *model, talos_stream *stream, size_t names, const talos_config *config) {
    uint8_t *tokens = malloc(names * config->block_size + 1);
    size_t written = 0;
    uint64_t steps = 0;
    talos_status status = TALOS_NO_MEMORY;
    if (tokens) status = talos_generate(stream, names, tokens, names * config->block_size, &written, &steps);
    if (status == TALOS_OK) print_tokens(model, tokens, written, steps, config->vocab_size - 1);
    free(tokens);
    return status == TALOS_OK ? 0 : fail(status);
}

static int print_many(talos_model *model, uint32_t seed, double temperature, size_t names, const talos_config *config) {
    size_t block = config->block_size, written = 0;
    uint8_t *tokens = malloc(names * block + 1);
    uint32_t *seeds = malloc((names + 1) * sizeof *seeds), bos = config->vocab_size - 1;
    uint64_t steps = 0;
    talos_status status = TALOS_NO_MEMORY;
    if (tokens && seeds) {
        for (size_t i = 0; i < names; i++) seeds[i] = seed + (uint32_t)i;
        status = talos_generate_many(model, seeds, names, temperature, 1, tokens, names * block, &steps);
    }
    if (status == TALOS_OK) {
        /* Letters and one BOS of each row. */
        for (size_t i = 0; i < names; i++)
            for (size_t at = i * block;; at++) {
                tokens[written++] = tokens[at];
                if (tokens[at] == bos) break;
            }
        print_tokens(model, tokens, written, steps, bos);
    }
    free(seeds);
    free(tokens);
    return status == TALOS_OK ? 0 : fail(status);
}

static int print_steps(talos_stream *stream, size_t names, const talos_config *config) {
    while (names) {
        talos_step_result result;
        float logits[256];
        talos_status status = talos_stream_next(stream, &result);
        if (status == TALOS_OK) status = talos_stream_logits(stream, logits, 256);
        if (status != TALOS_OK) return fail(status);
        printf("%" PRIu32 " %" PRIu32, result.token_out, result.rng);
        for (uint32_t i = 0; i < config->vocab_size; i++) printf(" %.17g", (double)logits[i]);
        putchar('\n');
        names -= result.token_out == config->vocab_size - 1 || result.position + 2 == config->block_size;
    }
    return 0;
}

int main(int count, char **arguments) {
    if (count < 7) {
        fprintf(stderr, "usage: letters MODEL ARITHMETIC KERNEL SEED TEMPERATURE NAMES [steps | many]\n");
        return 2;
    }
    talos_model *model;
    talos_stream *stream;
    talos_config config;
    const char *kernel = strcmp(arguments[3], "-") == 0 ? NULL : arguments[3];
    talos_status status = talos_model_open(arguments[1], number_of(arguments[2]), kernel, &model);
    if (status != TALOS_OK) return fail(status);
    talos_model_config(model, &config);
    uint32_t seed = (uint32_t)strtoul(arguments[4], NULL, 10);
    double temperature = strtod(arguments[5], NULL);
    status = talos_stream_create(model, seed, temperature, &stream);
    if (status != TALOS_OK) {
        talos_model_free(model);
        return fail(status);
    }
    size_t names = strtoul(arguments[6], NULL, 10);
    int result;
    if (count == 7) result = print_names(model, stream, names, &config);
    else if (strcmp(arguments[7], "many") == 0) result = print_many(model, seed, temperature, names, &config);
    else result = print_steps(stream, names, &config);
    talos_stream_free(stream);
    talos_model_free(model);
    return result;
}
