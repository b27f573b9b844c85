/* Streams in lanes against single streams, float32 with AVX-512:
 *
 *   lanes MODEL ROUNDS               logits of random histories, to the bit
 *   lanes MODEL NAMES TEMPERATURE    names of as many seeds
 *
 * A difference ends it with 1. The lanes' functions are static, so it takes their file in. */
#include "fp32_avx512_lanes.c"
#include <stdio.h>
#include <stdlib.h>

/* Random histories of sixteen streams at every position: x of the lanes' own function against the kernel's step. */
BEGIN_AVX512
static int compare_logits(talos_model *model, int rounds) {
    uint32_t vocab = model->config.vocab_size, state = 12345;
    static uint8_t drawn[LANES][TALOS_ROW];
    uint32_t rows[LANES];
    talos_stream *streams[LANES];
    scratch s;
    __m512i tokens[FAST_POSITIONS + 4] = {_mm512_set1_epi32((int)vocab - 1)};
    __m512 x[FAST_EMBD];
    long compared = 0;
    _mm512_store_ps(s.hidden[FAST_MLP], _mm512_setzero_ps());
    for (int lane = 0; lane < LANES; lane++) {
        rows[lane] = (uint32_t)lane;
        if (talos_stream_create(model, 1, 0.5, &streams[lane])) return 2;
    }
    for (int round = 0; round < rounds; round++) {
        for (int lane = 0; lane < LANES; lane++) {
            talos_stream_reset(streams[lane], 1);
            for (int i = 0; i < TALOS_ROW; i++) drawn[lane][i] = (uint8_t)((state = talos_xorshift32(state)) % vocab);
        }
        for (uint32_t position = 0; position < model->config.block_size; position++) {
            talos_group group = {.position = position, .tokens = (const uint8_t(*)[TALOS_ROW])drawn, .rows = rows};
            lane_logits l = {.pairs = (int)(vocab + 1) / 2, .last_odd = vocab % 2 == 0};
            gather(&group, _mm512_loadu_si512(rows), 0xFFFF, tokens);
            attend(model->pack, position, tokens, x);
            mlp(model->pack, &s, x, &l);
            for (int lane = 0; lane < LANES; lane++) {
                talos_step_result result;
                uint32_t token = position ? drawn[lane][position - 1] : vocab - 1;
                if (talos_stream_force(streams[lane], token, &result)) return 2;
                for (uint32_t i = 0; i < vocab; i++, compared++) {
                    const float *mine = (const float *)&(i % 2 ? l.odd : l.even)[i / 2];
                    float expected = streams[lane]->logits[i];
                    if (memcmp(&mine[lane], &expected, 4) == 0) continue;
                    printf("round %d lane %d position %u logit %u must be %a, not %a\n", round, lane, position, i,
                           (double)expected, (double)mine[lane]);
                    return 1;
                }
            }
        }
    }
    for (int lane = 0; lane < LANES; lane++) talos_stream_free(streams[lane]);
    printf("%ld logits the same\n", compared);
    return 0;
}
END_AVX512

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
    if (count < 3 || count > 4 || talos_model_open(arguments[1], TALOS_FP32, "avx512", &model)) return 2;
    int number = atoi(arguments[2]);
    int result = count == 3 ? compare_logits(model, number) : compare_names(model, number, atof(arguments[3]));
    talos_model_free(model);
    return result;
}
