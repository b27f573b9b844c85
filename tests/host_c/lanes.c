/* Streams in lanes against single streams, float32 with KERNEL, whose lanes are in LANES_FILE:
 *
 *   lanes MODEL ROUNDS               logits of random histories, to the bit
 *   lanes MODEL NAMES TEMPERATURE    names of as many seeds
 *
 * A difference ends it with 1. The lanes' functions are static, so it takes their file in. */
#include LANES_FILE
#include <stdio.h>
#include <stdlib.h>

/* Random histories of as many streams as there are lanes, at every position: logits of the lanes' own function against the
 * kernel's step. Each time another number of lanes has a stream, so that those without one show if they disturb the others. */
static int compare_logits(talos_model *model, int rounds) {
    uint32_t vocab = model->config.vocab_size, state = 12345;
    static uint8_t drawn[STREAMS][TALOS_ROW];
    uint32_t rows[STREAMS];
    talos_stream *streams[STREAMS];
    scratch s;
    long compared = 0;
    for (int i = 0; i < STREAMS; i++) {
        rows[i] = (uint32_t)i;
        if (talos_stream_create(model, 1, 0.5, &streams[i])) return 2;
    }
    for (int round = 0; round < rounds; round++) {
        int count = STREAMS - round % STREAMS;
        for (int i = 0; i < STREAMS; i++) {
            talos_stream_reset(streams[i], 1);
            for (int at = 0; at < TALOS_ROW; at++) drawn[i][at] = (uint8_t)((state = talos_xorshift32(state)) % vocab);
        }
        for (uint32_t position = 0; position < model->config.block_size; position++) {
            talos_group group = {.position = position, .tokens = (const uint8_t(*)[TALOS_ROW])drawn, .rows = rows};
            logits_of(model->pack, &group, 0, (size_t)count, vocab - 1, (int)(vocab + 1) / 2, &s);
            for (int i = 0; i < count; i++) {
                const token_floats *group_logits = &s.logits[i / LANES];
                talos_step_result result;
                if (talos_stream_force(streams[i], position ? drawn[i][position - 1] : vocab - 1, &result)) return 2;
                for (uint32_t token = 0; token < vocab; token++, compared++) {
                    const void *lanes = &(token % 2 ? group_logits->odd : group_logits->even)[token / 2];
                    float mine = ((const float *)lanes)[i % LANES], expected = streams[i]->logits[token];
                    if (memcmp(&mine, &expected, sizeof mine) == 0) continue;
                    printf("round %d stream %d position %u logit %u must be %a, not %a\n", round, i, position, token,
                           (double)expected, (double)mine);
                    return 1;
                }
            }
        }
    }
    for (int i = 0; i < STREAMS; i++) talos_stream_free(streams[i]);
    printf("%ld logits the same\n", compared);
    return 0;
}

/* Names of many seeds at once against a stream that begins each again. */
static int compare_names(talos_model *model, int names, double temperature) {
    enum { MOST = 2000 };
    static uint32_t seeds[MOST];
    static uint8_t many[MOST * TALOS_ROW];
    uint32_t block = model->config.block_size, state = 6;
    talos_stream *stream;
    if (names < 0 || names > MOST) return 2;
    for (int i = 0; i < names; i++) seeds[i] = state = talos_xorshift32(state);
    if (talos_generate_many(model, seeds, (size_t)names, temperature, 1, many, sizeof many, NULL)) return 2;
    if (talos_stream_create(model, 1, temperature, &stream)) return 2;
    for (int i = 0; i < names; i++) {
        uint8_t single[TALOS_ROW];
        memset(single, (int)model->config.vocab_size - 1, sizeof single);
        talos_stream_reset(stream, seeds[i]);
        if (talos_generate(stream, 1, single, block, NULL, NULL)) return 2;
        if (memcmp(many + (size_t)i * block, single, block) == 0) continue;
        printf("the name of seed %u is another in lanes\n", seeds[i]);
        return 1;
    }
    talos_stream_free(stream);
    printf("%d names the same\n", names);
    return 0;
}

int main(int count, char **arguments) {
    talos_model *model;
    if (count < 3 || count > 4 || talos_model_open(arguments[1], TALOS_FP32, KERNEL, &model)) return 2;
    int number = atoi(arguments[2]), result;
    if (count == 3) result = compare_logits(model, number);
    else result = compare_names(model, number, atof(arguments[3]));
    talos_model_free(model);
    return result;
}
