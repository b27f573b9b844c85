/* A kernel's single streams against those of the scalar kernel: random histories, in which any token may be the first.
 *
 *   histories MODEL ARITHMETIC KERNEL ROUNDS
 *
 * Words have to be equal, and float32 to be within 1e-4. A difference ends it with 1. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Whether the logits of the latest step agree. */
static bool agree(const talos_stream *ours, const talos_stream *theirs, uint32_t i) {
    if (ours->model->arithmetic != TALOS_FP32) return ours->words[i] == theirs->words[i];
    return fabsf(ours->logits[i] - theirs->logits[i]) <= 1e-4f * fmaxf(1.0f, fabsf(theirs->logits[i]));
}

static double logit(const talos_stream *s, uint32_t i) {
    return s->model->arithmetic == TALOS_FP32 ? (double)s->logits[i] : s->words[i];
}

static int compare(talos_stream *ours, talos_stream *theirs, int rounds) {
    const talos_config *config = &ours->model->config;
    uint32_t state = 54321;
    long compared = 0;
    for (int round = 0; round < rounds; round++) {
        talos_stream_reset(ours, 1);
        talos_stream_reset(theirs, 1);
        for (uint32_t position = 0; position < config->block_size; position++) {
            /* Every other history begins with BOS. */
            uint32_t any = (state = talos_xorshift32(state)) % config->vocab_size;
            uint32_t token = position || round % 2 ? any : config->vocab_size - 1;
            talos_step_result result;
            if (talos_stream_force(ours, token, &result) || talos_stream_force(theirs, token, &result)) return 2;
            for (uint32_t i = 0; i < config->vocab_size; i++, compared++) {
                if (agree(ours, theirs, i)) continue;
                printf("round %d position %u logit %u must be %g, not %g\n", round, position, i, logit(theirs, i), logit(ours, i));
                return 1;
            }
        }
    }
    printf("%ld logits agree\n", compared);
    return 0;
}

int main(int count, char **arguments) {
    talos_model *model, *reference;
    talos_stream *ours, *theirs;
    if (count != 5) return 2;
    talos_arithmetic arithmetic = (talos_arithmetic)atoi(arguments[2]);
    if (talos_model_open(arguments[1], arithmetic, arguments[3], &model)) return 2;
    if (talos_model_open(arguments[1], arithmetic, "scalar", &reference)) return 2;
    if (talos_stream_create(model, 1, 0.5, &ours) || talos_stream_create(reference, 1, 0.5, &theirs)) return 2;
    int result = compare(ours, theirs, atoi(arguments[4]));
    talos_stream_free(ours);
    talos_stream_free(theirs);
    talos_model_free(model);
    talos_model_free(reference);
    return result;
}
