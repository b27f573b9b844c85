/* `folded` with AVX-512, models of the shipped shape: precise_avx512.c with Wo beside the other products of attention's
 * output. Sums are exact in 32 bits, which folded_pack.c proves for the model before this kernel may run it. */
#include "folded_pack.h"

#if defined(TALOS_X86)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512cd,avx512vnni,bmi,bmi2,lzcnt,popcnt,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512cd,avx512vnni,bmi,bmi2,lzcnt,popcnt,fma")
#endif

#include "lanes_avx512.h"

/* 32 tokens in their order. */
typedef struct {
    __m512i low, high;
} tokens;

/* Noise of 16 lanes at a temperature, as it is added to a key; the formulas are in gumbel.h. */
INLINE __m512i noise_of(const int32_t *lines, __m512i z, __m512i temperature) {
#define ROUND(n) \
    z = _mm512_xor_si512(z, _mm512_srli_epi32(z, TALOS_HASH_SHIFT_##n)); \
    z = _mm512_mullo_epi32(z, _mm512_set1_epi32(TALOS_HASH_FACTOR_##n));
    ROUND(0) ROUND(1) ROUND(2)
#undef ROUND
    z = _mm512_xor_si512(z, _mm512_srli_epi32(z, TALOS_HASH_SHIFT_3));
    /* w is the tail that u is in, folded onto the lower one, and v = 2 w + 1; v's first one is shifted out, whose octave is
     * one less than the zeros before w's. */
    const __m512i one = _mm512_set1_epi32(1), most = _mm512_set1_epi32(INT32_MAX);
    __m512i half = _mm512_srai_epi32(z, 31);
    __m512i w = _mm512_ternarylogic_epi32(z, half, most, 0x28);                     /* (z ^ half) & most */
    __m512i v = _mm512_ternarylogic_epi32(_mm512_add_epi32(z, z), half, one, 0xBE); /* (2 z ^ half) | 1 */
    __m512i zeros = _mm512_lzcnt_epi32(w);
    __m512i place = _mm512_xor_si512(_mm512_sllv_epi32(v, zeros), half);
    __m512i index = _mm512_srli_epi32(place, 32 - TALOS_GUMBEL_SEGMENT_BITS);
    index = _mm512_add_epi32(index, _mm512_slli_epi32(zeros, TALOS_GUMBEL_SEGMENT_BITS));
    index = _mm512_xor_si512(index, half);
    __m512i line = _mm512_i32gather_epi32(index, lines, 4);
    __m512i d = _mm512_srli_epi32(place, 32 - TALOS_GUMBEL_PLACE_BITS);
    d = _mm512_and_si512(d, _mm512_set1_epi32(TALOS_LOW_BITS(TALOS_GUMBEL_STEP_BITS)));
    /* Rise and d are below 2^15, with zeros above. What a line begins with stands above the bits of the rise. */
    const __m512i rises = _mm512_set1_epi32(TALOS_LOW_BITS(TALOS_GUMBEL_RISE_BITS));
    const __m512i rounding = _mm512_set1_epi32(TALOS_GUMBEL_HALF);
    __m512i start = _mm512_ternarylogic_epi32(line, rises, rounding, 0xBA); /* (line & ~rises) | rounding */
    __m512i g = _mm512_srai_epi32(_mm512_dpwssd_epi32(start, _mm512_and_si512(line, rises), d), TALOS_GUMBEL_SHIFT);
    __m512i scaled = _mm512_add_epi32(_mm512_mullo_epi32(g, temperature), _mm512_set1_epi32(TALOS_NOISE_HALF));
    return _mm512_srai_epi32(scaled, TALOS_NOISE_SHIFT);
}

/* Noise of all tokens with the stream's next state; a greedy stream has temperature 0 here, and so no noise. */
INLINE tokens noises(const talos_folded_pack *p, talos_stream *s) {
    const int32_t *lines = p->gumbel + TALOS_GUMBEL_SPAN;
    __m512i rng = _mm512_set1_epi32((int32_t)talos_next_rng(s)), temperature = _mm512_set1_epi32((int32_t)s->temper.q8);
    tokens out = {noise_of(lines, _mm512_add_epi32(rng, _mm512_load_si512(p->lane_weyl)), temperature),
                  noise_of(lines, _mm512_add_epi32(rng, _mm512_load_si512(p->lane_weyl + 16)), temperature)};
    return out;
}

/* As `scaled` in precise_scalar.h; `addend` comes with half a word. */
INLINE __m512i logits_of(__m512i total, __m512i scale, __m512i addend) {
    __m512i wide = _mm512_srai_epi32(_mm512_add_epi32(total, _mm512_set1_epi32(TALOS_LOGIT_WIDE_HALF)), TALOS_LOGIT_WIDE_SHIFT);
    wide = _mm512_min_epi32(wide, _mm512_set1_epi32(TALOS_LOGIT_WIDE_HIGH));
    wide = _mm512_max_epi32(wide, _mm512_set1_epi32(TALOS_LOGIT_WIDE_LOW));
    __m512i even = _mm512_srli_epi64(_mm512_mul_epi32(wide, scale), TALOS_LOGIT_SCALED_SHIFT);
    __m512i odd = _mm512_slli_epi64(_mm512_mul_epi32(_mm512_srli_epi64(wide, 32), scale), 32 - TALOS_LOGIT_SCALED_SHIFT);
    __m512i product = _mm512_mask_mov_epi32(even, 0xAAAA, odd);
    product = _mm512_srai_epi32(_mm512_add_epi32(product, addend), TALOS_WORD_SHIFT);
    product = _mm512_min_epi32(product, _mm512_set1_epi32(TALOS_LOGIT_HIGH));
    return _mm512_max_epi32(product, _mm512_set1_epi32(TALOS_LOGIT_LOW));
}

/* Words of `count` hidden units, in each quarter four of the first half of FEW_UNITS and then four of the second. */
INLINE __m512i hidden_pairs(const talos_folded_units *units, int count, __m512i pairs) {
    __m512i even[2] = {_mm512_load_si512(units->f1), _mm512_load_si512(units->f1 + 16)};
    __m512i odd[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
#define HALF(sum, i, element, pair) \
    sum[i] = _mm512_dpwssd_epi32(sum[i], element, _mm512_load_si512(units->fc1_wo + 2 * count * (pair) + 32 * (i)));
#define QUAD(quad) \
    { \
        __m512i quarter = QUARTER(pairs, quad); \
        for (int i = 0; i < count / 16; i++) { \
            HALF(even, i, ELEMENT(quarter, 0), 2 * (quad)) \
            HALF(odd, i, ELEMENT(quarter, 2), 2 * (quad) + 1) \
        } \
    }
    QUAD(0) QUAD(1) QUAD(2) QUAD(3)
#undef QUAD
#undef HALF
    for (int i = 0; i < 2; i++) even[i] = _mm512_srai_epi32(_mm512_add_epi32(even[i], odd[i]), TALOS_WORD_SHIFT);
    return _mm512_max_epi16(_mm512_packs_epi32(even[0], even[1]), _mm512_setzero_si512());
}

/* first, second = lm_head * fc2 times those units, two at a time. */
INLINE void few_units(const talos_folded_units *units, int count, __m512i pairs, __m512i *first, __m512i *second) {
    __m512i words = hidden_pairs(units, count, pairs);
    __m512i low[4], high[4];
    for (int i = 0; i < 4; i++) low[i] = high[i] = _mm512_setzero_si512();
#define PAIR_OF_UNITS(quarter, i, n) \
    low[i] = _mm512_dpwssd_epi32(low[i], ELEMENT(quarter, i), _mm512_load_si512(units->folded[n])); \
    high[i] = _mm512_dpwssd_epi32(high[i], ELEMENT(quarter, i), _mm512_load_si512(units->folded[n] + 16));
#define QUAD(quad) \
    { \
        __m512i quarter = QUARTER(words, quad); \
        PAIR_OF_UNITS(quarter, 0, 2 * (quad)) \
        PAIR_OF_UNITS(quarter, 1, 2 * (quad) + 1) \
        if (count > 16) { \
            PAIR_OF_UNITS(quarter, 2, 2 * (quad) + 8) \
            PAIR_OF_UNITS(quarter, 3, 2 * (quad) + 9) \
        } \
    }
    QUAD(0) QUAD(1) QUAD(2) QUAD(3)
#undef QUAD
#undef PAIR_OF_UNITS
    *first = _mm512_add_epi32(_mm512_add_epi32(low[0], low[1]), _mm512_add_epi32(low[2], low[3]));
    *second = _mm512_add_epi32(_mm512_add_epi32(high[0], high[1]), _mm512_add_epi32(high[2], high[3]));
}

/* The same with all units, of which the positive ones are multiplied. */
INLINE void all_units(const talos_folded_pack *p, const int32_t f1[FAST_MLP], talos_precise_state *state, __m512i pairs,
                      __m512i *first, __m512i *second) {
    __m512i h[8];
    for (int i = 0; i < 8; i++) h[i] = i < 4 ? _mm512_load_si512(f1 + 16 * i) : _mm512_setzero_si512();
    PRODUCT(fc1_wo, h, 4)
    sparse_sums(p->folded, state->hidden, keep_hidden(state, h), first, second);
}

/* Logits after the stream's token, from the output of attention: pairs of words in the lower half of each pair of lanes. */
INLINE tokens logits_after(const talos_model *m, const talos_folded_pack *p, const talos_stream *s, __m512i pairs) {
    const talos_folded_row *row = &p->rows[s->token * FAST_POSITIONS + s->position];
    const talos_folded_units *units = &p->units[s->token * FAST_POSITIONS + s->position];
    talos_precise_state *state = s->cache;
    tokens out;
    __m512i scale = scale_of(m, project(p->wo, row->precise.x, pairs)), head[4];
    int32_t count = state->from_bos ? units->count : 0;
    if (count == FEW_UNITS) few_units(units, FEW_UNITS, pairs, &out.low, &out.high);
    else if (count) few_units(units, FEW_UNITS / 2, pairs, &out.low, &out.high);
    else all_units(p, row->f1, state, pairs, &out.low, &out.high);
    for (int i = 0; i < 4; i++) head[i] = i < 2 ? _mm512_load_si512(row->l + 16 * i) : _mm512_setzero_si512();
    PRODUCT(head_wo, head, 2)
    out.low = logits_of(out.low, scale, _mm512_add_epi32(head[0], head[2]));
    out.high = logits_of(out.high, scale, _mm512_add_epi32(head[1], head[3]));
    return out;
}

INLINE __m512i attend(const talos_folded_pack *p, const talos_stream *s) {
    return attended(&p->tables, &p->rows[s->token * FAST_POSITIONS + s->position].precise, s->cache, s->position);
}

/* Logits at position 0, where they depend on the token alone; its key and value join the state. */
INLINE tokens first_logits(const talos_model *m, const talos_folded_pack *p, const talos_stream *s) {
    const talos_precise_row *row = &p->rows[s->token * FAST_POSITIONS].precise;
    talos_precise_state *state = s->cache;
    state->from_bos = s->token == m->config.vocab_size - 1;
    _mm256_store_si256((__m256i *)state->k[0], _mm256_load_si256((const __m256i *)row->k));
    _mm512_store_si512(state->v[0], _mm512_load_si512(row->v));
    tokens out = {_mm512_load_si512(p->first[s->token]), _mm512_load_si512(p->first[s->token] + 16)};
    return out;
}

/* The first of the largest keys. */
INLINE void draw(const talos_folded_pack *p, talos_stream *s, tokens logits, tokens noise) {
    _mm512_store_si512(s->words, logits.low);
    _mm512_store_si512(s->words + 16, logits.high);
    __m512i low = _mm512_add_epi32(_mm512_slli_epi32(logits.low, TALOS_KEY_SHIFT), noise.low);
    __m512i high = _mm512_add_epi32(_mm512_slli_epi32(logits.high, TALOS_KEY_SHIFT), noise.high);
    low = _mm512_min_epi32(low, _mm512_load_si512(p->most));
    high = _mm512_min_epi32(high, _mm512_load_si512(p->most + 16));
    __m512i top = head_max(_mm512_max_epi32(low, high));
    top = _mm512_max_epi32(top, _mm512_shuffle_i32x4(top, top, 0xB1));
    top = _mm512_max_epi32(top, _mm512_shuffle_i32x4(top, top, 0x4E));
    __mmask32 largest = _mm512_kunpackw(_mm512_cmpeq_epi32_mask(high, top), _mm512_cmpeq_epi32_mask(low, top));
    s->token = _tzcnt_u32(_cvtmask32_u32(largest));
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    const talos_folded_pack *p = m->pack;
    for (int i = 0; i < count; i++) {
        talos_stream *s = streams[i];
        tokens noise = noises(p, s);
        draw(p, s, s->position ? logits_after(m, p, s, attend(p, s)) : first_logits(m, p, s), noise);
    }
}

INLINE void step_lane(const talos_model *m, talos_stream *s, const int16_t mixed[FAST_EMBD]) {
    const talos_folded_pack *p = m->pack;
    tokens noise = noises(p, s);
    draw(p, s, s->position ? logits_after(m, p, s, pairs_at(mixed)) : first_logits(m, p, s), noise);
}

#include "group_lanes.h"

static void together(const talos_model *m, const talos_group *g) {
    const talos_folded_pack *p = m->pack;
    step_group(m, &p->tables, talos_folded_lanes(m, p), g, g->position > 0);
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

const talos_kernel talos_folded_avx512 = {
    .name = "avx512", .arithmetic = TALOS_FOLDED, .word_width = TALOS_Q4_12_WIDTH,
    .available = available, .suits = talos_folded_suits,
    .prepare = talos_folded_prepare_units,
    .cache_bytes = talos_precise_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step, .together = together,
};
#endif
