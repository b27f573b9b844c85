/* `folded` with AVX2, models of the shipped shape: folded_avx512.c in halves. Sums are exact in 32 bits, which folded_pack.c
 * proves for the model before this kernel may run it. */
#include "folded_pack.h"

#if defined(TALOS_X86)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt")
/* Else gcc moves loads and products to where their sums are taken, and runs out of registers. */
#pragma GCC optimize("no-tree-ter")
#endif

#include "lanes_avx2.h"

/* 32 tokens in their order. */
typedef struct {
    __m256i lane[4];
} tokens;

/* Zeros before the first one of 32 bits, for numbers that are not negative. */
INLINE __m256i leading_zeros(__m256i w) {
    /* Without the bit below its first, float never rounds a number up to the next power of two. */
    __m256i bits = _mm256_castps_si256(_mm256_cvtepi32_ps(_mm256_andnot_si256(_mm256_srli_epi32(w, 1), w)));
    __m256i zeros = _mm256_sub_epi32(_mm256_set1_epi32(127 + 31), _mm256_srli_epi32(bits, 23));
    return _mm256_min_epi32(zeros, _mm256_set1_epi32(32));
}

/* Noise of eight lanes at a temperature, as it is added to a key; the formulas are in gumbel.h. */
INLINE __m256i noise_of(const int32_t *lines, __m256i z, __m256i temperature) {
#define ROUND(n) \
    z = _mm256_xor_si256(z, _mm256_srli_epi32(z, TALOS_HASH_SHIFT_##n)); \
    z = _mm256_mullo_epi32(z, _mm256_set1_epi32(TALOS_HASH_FACTOR_##n));
    ROUND(0) ROUND(1) ROUND(2)
#undef ROUND
    z = _mm256_xor_si256(z, _mm256_srli_epi32(z, TALOS_HASH_SHIFT_3));
    /* w is the tail that u is in, folded onto the lower one, and v = 2 w + 1; v's first one is shifted out, whose octave is
     * one less than the zeros before w's. */
    __m256i half = _mm256_srai_epi32(z, 31), folded = _mm256_xor_si256(z, half);
    __m256i v = _mm256_or_si256(_mm256_add_epi32(folded, folded), _mm256_set1_epi32(1));
    __m256i zeros = leading_zeros(_mm256_and_si256(folded, _mm256_set1_epi32(INT32_MAX)));
    __m256i place = _mm256_xor_si256(_mm256_sllv_epi32(v, zeros), half);
    __m256i index = _mm256_srli_epi32(place, 32 - TALOS_GUMBEL_SEGMENT_BITS);
    index = _mm256_add_epi32(index, _mm256_slli_epi32(zeros, TALOS_GUMBEL_SEGMENT_BITS));
    __m256i line = _mm256_i32gather_epi32(lines, _mm256_xor_si256(index, half), 4);
    __m256i d = _mm256_srli_epi32(place, 32 - TALOS_GUMBEL_PLACE_BITS);
    d = _mm256_and_si256(d, _mm256_set1_epi32(TALOS_LOW_BITS(TALOS_GUMBEL_STEP_BITS)));
    /* Rise and d are below 2^15, with zeros above. What a line begins with stands above the bits of the rise. */
    const __m256i rises = _mm256_set1_epi32(TALOS_LOW_BITS(TALOS_GUMBEL_RISE_BITS));
    __m256i start = _mm256_or_si256(_mm256_andnot_si256(rises, line), _mm256_set1_epi32(TALOS_GUMBEL_HALF));
    __m256i step = _mm256_madd_epi16(_mm256_and_si256(line, rises), d);
    __m256i g = _mm256_srai_epi32(_mm256_add_epi32(start, step), TALOS_GUMBEL_SHIFT);
    __m256i scaled = _mm256_add_epi32(_mm256_mullo_epi32(g, temperature), _mm256_set1_epi32(TALOS_NOISE_HALF));
    return _mm256_srai_epi32(scaled, TALOS_NOISE_SHIFT);
}

/* Noise of all tokens with the stream's next state; a greedy stream has temperature 0 here, and so no noise. */
INLINE tokens noises(const talos_folded_pack *p, talos_stream *s) {
    const int32_t *lines = p->gumbel + TALOS_GUMBEL_SPAN;
    __m256i rng = _mm256_set1_epi32((int32_t)talos_next_rng(s)), temperature = _mm256_set1_epi32((int32_t)s->temper.q8);
    tokens out;
    for (int i = 0; i < 4; i++)
        out.lane[i] = noise_of(lines, _mm256_add_epi32(rng, load(p->lane_weyl + 8 * i)), temperature);
    return out;
}

/* As `scaled` in precise_scalar.h; `addend` comes with half a word. */
INLINE __m256i logits_of(__m256i total, __m256i scale, __m256i addend) {
    __m256i wide = _mm256_srai_epi32(_mm256_add_epi32(total, _mm256_set1_epi32(TALOS_LOGIT_WIDE_HALF)), TALOS_LOGIT_WIDE_SHIFT);
    wide = _mm256_min_epi32(wide, _mm256_set1_epi32(TALOS_LOGIT_WIDE_HIGH));
    wide = _mm256_max_epi32(wide, _mm256_set1_epi32(TALOS_LOGIT_WIDE_LOW));
    __m256i even = _mm256_srli_epi64(_mm256_mul_epi32(wide, scale), TALOS_LOGIT_SCALED_SHIFT);
    __m256i odd = _mm256_slli_epi64(_mm256_mul_epi32(_mm256_srli_epi64(wide, 32), scale), 32 - TALOS_LOGIT_SCALED_SHIFT);
    __m256i product = _mm256_blend_epi32(even, odd, 0xAA);
    product = _mm256_srai_epi32(_mm256_add_epi32(product, addend), TALOS_WORD_SHIFT);
    product = _mm256_min_epi32(product, _mm256_set1_epi32(TALOS_LOGIT_HIGH));
    return _mm256_max_epi32(product, _mm256_set1_epi32(TALOS_LOGIT_LOW));
}

/* sum[count] += rows of pairs of words, times `pair`. */
INLINE void add_products(__m256i *sum, int count, int32_t pair, const int16_t *rows) {
    __m256i e = _mm256_set1_epi32(pair);
    for (int i = 0; i < count; i++) sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(e, load(rows + 16 * i)));
}

/* Where pair n of hidden units is, of which halves of two registers are packed in turn. */
INLINE int place_of(int n) { return n / 8 * 8 + n % 4 / 2 * 4 + n % 8 / 4 * 2 + n % 2; }

/* sum = lm_head * fc2 times the hidden units of `units`, two at a time. */
INLINE void few_units(const talos_folded_units *units, int count, talos_precise_state *state, const int32_t mixed[FAST_EMBD / 2],
                      __m256i sum[4]) {
    const int registers = count / 8;
    __m256i h[FEW_UNITS / 8];
    for (int i = 0; i < registers; i++) h[i] = load(units->f1 + 8 * i);
    for (int pair = 0; pair < FAST_EMBD / 2; pair++)
        add_products(h, registers, mixed[pair], units->fc1_wo + 2 * count * pair);
    for (int i = 0; i < registers; i += 2) {
        __m256i low = _mm256_srai_epi32(h[i], TALOS_WORD_SHIFT), high = _mm256_srai_epi32(h[i + 1], TALOS_WORD_SHIFT);
        __m256i words = _mm256_max_epi16(_mm256_packs_epi32(low, high), _mm256_setzero_si256());
        _mm256_store_si256((__m256i *)(state->hidden + 4 * i), words);
    }
    for (int i = 0; i < 4; i++) sum[i] = _mm256_setzero_si256();
#pragma GCC unroll 16
    for (int pair = 0; pair < count / 2; pair++) add_products(sum, 4, state->hidden[place_of(pair)], units->folded[pair][0]);
}

/* The same with all units, of which the positive ones are multiplied. */
INLINE void all_units(const talos_folded_pack *p, const int32_t f1[FAST_MLP], talos_precise_state *state,
                      const int32_t mixed[FAST_EMBD / 2], __m256i sum[4]) {
    __m256i h[8];
    for (int i = 0; i < 8; i++) h[i] = load(f1 + 8 * i);
    for (int pair = 0; pair < FAST_EMBD / 2; pair++) add_products(h, 8, mixed[pair], p->fc1_wo[pair][0]);
    sparse_sums(p->folded, state->hidden, keep_hidden(state, h), sum);
}

/* Logits after the stream's token, from the output of attention. */
INLINE tokens logits_after(const talos_model *m, const talos_folded_pack *p, const talos_stream *s,
                           const int32_t mixed[FAST_EMBD / 2]) {
    const talos_folded_row *row = &p->rows[s->token * FAST_POSITIONS + s->position];
    const talos_folded_units *units = &p->units[s->token * FAST_POSITIONS + s->position];
    talos_precise_state *state = s->cache;
    _Alignas(32) int32_t pairs[FAST_EMBD];
    __m256i head[4], sum[4];
    __m256i scale = scale_of(m, project(p->wo, row->precise.x, mixed), pairs);
    int32_t count = state->from_bos ? units->count : 0;
    if (count == FEW_UNITS) few_units(units, FEW_UNITS, state, mixed, sum);
    else if (count) few_units(units, FEW_UNITS / 2, state, mixed, sum);
    else all_units(p, row->f1, state, mixed, sum);
    for (int i = 0; i < 4; i++) head[i] = load(row->l + 8 * i);
    for (int pair = 0; pair < FAST_EMBD / 2; pair++) add_products(head, 4, mixed[pair], p->head_wo[pair][0]);
    tokens out;
    for (int i = 0; i < 4; i++) out.lane[i] = logits_of(sum[i], scale, head[i]);
    return out;
}

/* Logits at position 0, where they depend on the token alone; its key and value join the state. */
INLINE tokens first_logits(const talos_model *m, const talos_folded_pack *p, const talos_stream *s) {
    const talos_precise_row *row = &p->rows[s->token * FAST_POSITIONS].precise;
    talos_precise_state *state = s->cache;
    state->from_bos = s->token == m->config.vocab_size - 1;
    _mm256_store_si256((__m256i *)state->k[0], load(row->k));
    for (int half = 0; half < 2; half++) _mm256_store_si256((__m256i *)(state->v[0] + 8 * half), load(row->v + 8 * half));
    tokens out;
    for (int i = 0; i < 4; i++) out.lane[i] = load(p->first[s->token] + 8 * i);
    return out;
}

/* The first of the largest keys. */
INLINE void draw(const talos_folded_pack *p, talos_stream *s, tokens logits, tokens noise) {
    __m256i key[4], top;
    for (int i = 0; i < 4; i++) {
        _mm256_store_si256((__m256i *)(s->words + 8 * i), logits.lane[i]);
        key[i] = _mm256_add_epi32(_mm256_slli_epi32(logits.lane[i], TALOS_KEY_SHIFT), noise.lane[i]);
        key[i] = _mm256_min_epi32(key[i], load(p->most + 8 * i));
        top = i ? _mm256_max_epi32(top, key[i]) : key[i];
    }
    top = _mm256_max_epi32(top, _mm256_permute2x128_si256(top, top, 1));
    top = _mm256_max_epi32(top, _mm256_shuffle_epi32(top, 0x4E));
    top = _mm256_max_epi32(top, _mm256_shuffle_epi32(top, 0xB1));
    uint32_t largest = 0;
    for (int i = 0; i < 4; i++)
        largest |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(key[i], top))) << 8 * i;
    s->token = _tzcnt_u32(largest);
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    const talos_folded_pack *p = m->pack;
    for (int i = 0; i < count; i++) {
        talos_stream *s = streams[i];
        tokens noise = noises(p, s);
        if (s->position == 0) {
            draw(p, s, first_logits(m, p, s), noise);
            continue;
        }
        _Alignas(16) int32_t mixed[FAST_EMBD / 2];
        attended(&p->tables, &p->rows[s->token * FAST_POSITIONS + s->position].precise, s->cache, s->position, mixed);
        draw(p, s, logits_after(m, p, s, mixed), noise);
    }
}

INLINE void step_lane(const talos_model *m, talos_stream *s, const int16_t mixed[FAST_EMBD]) {
    const talos_folded_pack *p = m->pack;
    tokens noise = noises(p, s);
    draw(p, s, s->position ? logits_after(m, p, s, (const int32_t *)(const void *)mixed) : first_logits(m, p, s), noise);
}

#include "group_lanes.h"

static void together(const talos_model *m, const talos_group *g) {
    const talos_folded_pack *p = m->pack;
    step_group(m, &p->tables, talos_folded_lanes(m, p), g, g->position > 0);
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

const talos_kernel talos_folded_avx2 = {
    .name = "avx2", .arithmetic = TALOS_FOLDED, .word_width = TALOS_Q4_12_WIDTH,
    .available = available, .suits = talos_folded_suits,
    .prepare = talos_folded_prepare_units,
    .cache_bytes = talos_precise_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step, .together = together,
};
#endif
