/* talos: a microGPT on a CPU, in float32 and in the integer arithmetics of the golden model.
 *
 * A model is loaded once and is read-only from then on; any number of streams, each used by one thread at a time, share it.
 * Nothing is allocated while stepping and there are no globals. Every function that can fail returns a talos_status. */
#ifndef TALOS_H
#define TALOS_H

#include <stddef.h>
#include <stdint.h>

#include "talos_arithmetic.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TALOS_MODEL_MAGIC "TALOSMDL"
#define TALOS_MODEL_VERSION 2u
#define TALOS_MODEL_HEADER_BYTES 64u

typedef enum {
    TALOS_OK = 0,
    TALOS_BAD_ARGUMENT,    /* null pointer, token, position or count out of range */
    TALOS_BAD_MAGIC,       /* not a model file */
    TALOS_BAD_VERSION,     /* a model file of another release */
    TALOS_BAD_WORD,        /* a word of another width than 16, 17 or 18 bits */
    TALOS_BAD_DIMENSIONS,  /* dimensions beyond the limits, or heads that do not divide the embedding */
    TALOS_BAD_LENGTH,      /* truncated, or with bytes left over */
    TALOS_BAD_CHECKSUM,    /* damaged */
    TALOS_BAD_WEIGHTS,     /* a weight is not finite, or lm_head * fc2 does not fit a word */
    TALOS_BAD_TEMPERATURE, /* negative, not a number, or outside the arithmetic's range */
    TALOS_BAD_SEED,        /* 0, which xorshift32 never leaves */
    TALOS_UNSUPPORTED,     /* arithmetic or kernel that cannot run this model, or not on this CPU */
    TALOS_BUFFER_TOO_SMALL,
    TALOS_NO_MEMORY,
    TALOS_IO_ERROR,
    TALOS_STATUS_COUNT
} talos_status;

/* Dimensions; limits as in ModelConfig. Token vocab_size - 1 begins and ends a name. */
typedef struct {
    uint32_t vocab_size; /* 2 .. 256 */
    uint32_t block_size; /* 2 .. 256 */
    uint32_t n_embd;     /* 2 .. 256 */
    uint32_t n_head;     /* 1 .. 64, divides n_embd */
    uint32_t mlp_dim;    /* 1 .. 1024 */
    uint32_t n_layer;    /* 1 .. 16 */
} talos_config;

/* One step. */
typedef struct {
    uint32_t position;
    uint32_t token_in;
    uint32_t token_out;
    uint32_t argmax;
    uint32_t rng; /* state after the step */
} talos_step_result;

/* Steps of names, and the sum of the CRC-32 of (seed, position, token) of each, modulo 2^32. */
typedef struct {
    uint32_t digest;
    uint64_t steps;
    uint64_t letters;
} talos_digest_result;

typedef struct talos_model talos_model;
typedef struct talos_stream talos_stream;

/* Sentence for a status; never null. */
const char *talos_status_message(talos_status status);

/* The arithmetics: TALOS_FP32 in float32; TALOS_PRECISE and TALOS_V2 in integers, where weights and activations are words
 * of 16, 17 or 18 bits, 12 of them below the binary point. The model file says how wide; TALOS_V2 takes 16 bits alone.
 *
 * Load a model from `size` bytes, which are copied. `kernel` names an entry of talos_kernel_name(), or is null for the
 * fastest that this CPU and this model allow. */
talos_status talos_model_load(const void *bytes, size_t size, talos_arithmetic arithmetic, const char *kernel,
                              talos_model **model);
/* The same from a file. */
talos_status talos_model_open(const char *path, talos_arithmetic arithmetic, const char *kernel, talos_model **model);
/* Give up one reference. Streams hold their own, so a model lives as long as its last stream. Null is allowed. */
void talos_model_free(talos_model *model);
talos_status talos_model_config(const talos_model *model, talos_config *config);
/* Unicode code point of a token that is a letter: 0 .. vocab_size - 2. */
talos_status talos_model_letter(const talos_model *model, uint32_t token, uint32_t *code_point);
/* Name of the kernel that runs the model; null for a null model. */
const char *talos_model_kernel(const talos_model *model);

/* Name of the kernel number `index` of an arithmetic, fastest first, or null past the last. */
const char *talos_kernel_name(talos_arithmetic arithmetic, size_t index);
/* 1 if this CPU can run it, else 0. */
int talos_kernel_available(talos_arithmetic arithmetic, size_t index);

/* Create a stream at the start of a name. `seed` is 1 .. 2^32 - 1. `temperature` is 0 (greedy: the first maximum, and
 * the random state stays) or 2^-20 .. 2^20 in fp32, 0 or 1/16 .. 16 in precise and folded, 0 .. 255.996 in talos-v2 (four
 * buckets, none greedy); the integer arithmetics round it to 1/256. */
talos_status talos_stream_create(talos_model *model, uint32_t seed, double temperature, talos_stream **stream);
/* Null is allowed. */
void talos_stream_free(talos_stream *stream);
/* Begin a new name with a seed. */
talos_status talos_stream_reset(talos_stream *stream, uint32_t seed);
/* Random state. */
talos_status talos_stream_rng(const talos_stream *stream, uint32_t *rng);
/* Step on the stream's own last token (BOS at the start of a name). After BOS is drawn, or max_letters letters, the next
 * step begins a new name with the random state carried on. */
talos_status talos_stream_next(talos_stream *stream, talos_step_result *result);
/* Step with a given input token, at any position up to the last; position 0 begins a new name after block_size steps. */
talos_status talos_stream_force(talos_stream *stream, uint32_t token, talos_step_result *result);
/* Copy vocab_size logits of the last step: real numbers; or words, in the integer arithmetics (else TALOS_UNSUPPORTED). */
talos_status talos_stream_logits(const talos_stream *stream, float *logits, size_t capacity);
talos_status talos_stream_words(const talos_stream *stream, int32_t *logits, size_t capacity);

/* Generate `names` whole names from the stream's state, beginning a new one: tokens[] receives the letters of each, followed
 * by BOS. Needs a capacity of names * block_size. `written` and `steps` (either may be null) receive the tokens written
 * and the steps taken; a name cut at max_letters takes no step for its BOS. */
talos_status talos_generate(talos_stream *stream, size_t names, uint8_t *tokens, size_t capacity, size_t *written,
                            uint64_t *steps);

/* Take the steps of one name from the stream's state, beginning it: until BOS is drawn, max_letters are, or `capacity` steps
 * are taken. results[capacity] receives the steps; words[capacity][vocab_size] the logits of each, in the integer
 * arithmetics (null for none). `taken` receives their number. The next step begins a new name. */
talos_status talos_trace(talos_stream *stream, talos_step_result *results, int32_t *words, size_t capacity, size_t *taken);

/* Generate one name for each seed in seeds[0 .. names), in groups of streams and on `threads` threads (0: one a core).
 * Row i of tokens[names][block_size] receives the letters of name i and then BOS to the end of the row, whatever the
 * number of threads. `steps` may be null. */
talos_status talos_generate_many(talos_model *model, const uint32_t *seeds, size_t names, double temperature,
                                 unsigned threads, uint8_t *tokens, size_t capacity, uint64_t *steps);

/* Add the steps of names to `result`: of the seeds and of their tokens[names][block_size], as talos_generate_many leaves
 * them, cut at `limit` letters, 1 to max_letters. Order does not count. */
talos_status talos_digest(const talos_model *model, const uint32_t *seeds, size_t names, const uint8_t *tokens,
                          size_t capacity, uint32_t limit, talos_digest_result *result);

#ifdef __cplusplus
}
#endif
#endif
