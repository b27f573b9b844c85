/* `folded` with WebAssembly SIMD, models of the shipped shape. Sums are exact in 32 bits, which folded_pack.c proves for the
 * model before this kernel may run it. */
#include "folded_pack.h"

#if defined(TALOS_WASM)
#include <string.h>

#include "simd128.h"

_Static_assert(TALOS_GUMBEL_PLACE_BITS <= 15, "a large number keeps 16 bits below its first one");

/* Most vectors of four tokens. */
enum { TOKENS = FAST_LANES / 4 };

/* Weights of four exponents where the largest integer part is top. */
INLINE v128_t weights_of(v128_t t, v128_t top) {
    const v128_t step_bits = wasm_i32x4_splat(TALOS_LOW_BITS(TALOS_EXP2_STEP_BITS));
    v128_t index = wasm_v128_and(wasm_i32x4_shr(t, TALOS_EXP2_STEP_BITS), wasm_i32x4_splat(TALOS_EXP2_LINES - 1));
    pairs4 line = look_up(talos_exp2_lines, index);
    v128_t step = wasm_i32x4_mul(line.second, wasm_v128_and(t, step_bits));
    step = wasm_i32x4_shr(wasm_i32x4_add(step, wasm_i32x4_splat(TALOS_EXP2_STEP_HALF)), TALOS_EXP2_STEP_BITS);
    v128_t fall = wasm_i32x4_sub(top, wasm_i32x4_shr(t, TALOS_EXPONENT_FRACTION));
    /* Below 2^24 a number is exact in float, and so is its product with a power of two; what is below the point is cut. */
    v128_t scale = power_of_two(wasm_i32x4_neg(wasm_i32x4_min(fall, wasm_i32x4_splat(100))));
    v128_t mantissa = wasm_f32x4_convert_i32x4(wasm_i32x4_add(line.first, step));
    return wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_mul(mantissa, scale));
}

/* Scores of one position, a lane a head. */
INLINE v128_t scores(v128_t q01, v128_t q23, const int16_t *k) {
    v128_t a = wasm_i32x4_dot_i16x8(q01, load(k)), b = wasm_i32x4_dot_i16x8(q23, load(k + 8));
    v128_t sum = wasm_i32x4_add(wasm_i32x4_shuffle(a, b, 0, 2, 4, 6), wasm_i32x4_shuffle(a, b, 1, 3, 5, 7));
    return wasm_i32x4_shr(wasm_i32x4_add(sum, wasm_i32x4_splat(TALOS_SCORE_HALF)), TALOS_SCORE_SHIFT);
}

/* A weight in two parts, so that sums of products with words keep 32 bits: high << PART + low. */
enum { PART = 9 };

/* The four elements of a head: weighted sums, in two parts, over the sum of weights. Only the lower half of what is shifted
 * is looked at, so that a logical shift does. */
INLINE v128_t mean_of(v128_t low_part, v128_t high_part, int32_t sum) {
    int e = talos_bit_length((uint32_t)sum) - TALOS_RECIPROCAL_INPUT_BITS, down = e + TALOS_MEAN_SHIFT;
    const v128_t inverse = wasm_i32x4_splat(talos_reciprocal((uint32_t)sum >> e));
    const v128_t half = wasm_i64x2_splat(1 << (TALOS_QUOTIENT_SHIFT - 1));
    v128_t low = wasm_i64x2_shl(wasm_i64x2_extend_low_i32x4(high_part), PART);
    v128_t high = wasm_i64x2_shl(wasm_i64x2_extend_high_i32x4(high_part), PART);
    low = wasm_i64x2_add(low, wasm_i64x2_extend_low_i32x4(low_part));
    high = wasm_i64x2_add(high, wasm_i64x2_extend_high_i32x4(low_part));
    v128_t mean = low_halves(wasm_u64x2_shr(low, down), wasm_u64x2_shr(high, down));
    low = wasm_i64x2_add(wasm_i64x2_extmul_low_i32x4(mean, inverse), half);
    high = wasm_i64x2_add(wasm_i64x2_extmul_high_i32x4(mean, inverse), half);
    return low_halves(wasm_u64x2_shr(low, TALOS_QUOTIENT_SHIFT), wasm_u64x2_shr(high, TALOS_QUOTIENT_SHIFT));
}

/* Output of attention at a position, whose key and value join the state: eight pairs of words. */
INLINE void attended(const talos_precise_row *row, talos_precise_state *state, uint32_t position, int32_t pairs[8]) {
    const v128_t q01 = load(row->q), q23 = load(row->q + 8);
    memcpy(state->k[position], row->k, sizeof row->k);
    memcpy(state->v[position], row->v, sizeof row->v);
    v128_t t[FAST_POSITIONS], top = t[position] = scores(q01, q23, row->k), sum = wasm_i32x4_splat(0);
    v128_t low[4], high[4];
    for (uint32_t i = 0; i < position; i++) top = wasm_i32x4_max(top, t[i] = scores(q01, q23, state->k[i]));
    top = wasm_i32x4_shr(top, TALOS_EXPONENT_FRACTION);
    for (int i = 0; i < 4; i++) low[i] = high[i] = wasm_i32x4_splat(0);
    for (uint32_t i = 0; i <= position; i++) {
        v128_t weights = weights_of(t[i], top);
        v128_t upper = wasm_u32x4_shr(weights, PART), lower = wasm_v128_and(weights, wasm_i32x4_splat(TALOS_LOW_BITS(PART)));
        sum = wasm_i32x4_add(sum, weights);
        /* A part has zeros for its upper 16 bits, so that a value's sign adds nothing. */
#define HEAD(head) \
    { \
        v128_t v = load(state->v[i] + 4 * (head)); \
        low[head] = wasm_i32x4_add(low[head], wasm_i32x4_dot_i16x8(v, LANE(lower, head))); \
        high[head] = wasm_i32x4_add(high[head], wasm_i32x4_dot_i16x8(v, LANE(upper, head))); \
    }
        HEAD(0) HEAD(1) HEAD(2) HEAD(3)
#undef HEAD
    }
    v128_t head0 = mean_of(low[0], high[0], wasm_i32x4_extract_lane(sum, 0));
    v128_t head1 = mean_of(low[1], high[1], wasm_i32x4_extract_lane(sum, 1));
    v128_t head2 = mean_of(low[2], high[2], wasm_i32x4_extract_lane(sum, 2));
    v128_t head3 = mean_of(low[3], high[3], wasm_i32x4_extract_lane(sum, 3));
    wasm_v128_store(pairs, wasm_i16x8_narrow_i32x4(head0, head1));
    wasm_v128_store(pairs + 4, wasm_i16x8_narrow_i32x4(head2, head3));
}

/* sum[i] += four rows of a matrix by pairs of columns, from row `at` on, times the pairs of x. */
#define PRODUCT(count, sum, w, pairs, at) \
    for (int pair = 0; pair < 8; pair++) { \
        const v128_t two = spread(pairs + pair); \
        for (int i = 0; i < (count); i++) \
            sum[i] = wasm_i32x4_add(sum[i], wasm_i32x4_dot_i16x8(two, load((w)[pair][(at) + 4 * i]))); \
    }

INLINE v128_t held(v128_t x, int32_t low, int32_t high) {
    return wasm_i32x4_max(wasm_i32x4_min(x, wasm_i32x4_splat(high)), wasm_i32x4_splat(low));
}

/* The scale of x after attention. */
INLINE v128_t scale_of(const talos_model *m, const talos_folded_pack *p, const int32_t *before, const int32_t pairs[8]) {
    v128_t x[4];
    for (int i = 0; i < 4; i++) x[i] = wasm_i32x4_splat(TALOS_WORD_HALF);
    PRODUCT(4, x, p->wo, pairs, 0)
    for (int i = 0; i < 4; i++) {
        x[i] = wasm_i32x4_add(load(before + 4 * i), wasm_i32x4_shr(x[i], TALOS_WORD_SHIFT));
        x[i] = held(x[i], TALOS_Q4_12_LOW, TALOS_Q4_12_HIGH);
    }
    v128_t low = wasm_i16x8_narrow_i32x4(x[0], x[1]), high = wasm_i16x8_narrow_i32x4(x[2], x[3]);
    v128_t squares = wasm_i32x4_add(wasm_i32x4_dot_i16x8(low, low), wasm_i32x4_dot_i16x8(high, high));
    squares = wasm_i32x4_add(squares, wasm_i32x4_shuffle(squares, squares, 2, 3, 0, 1));
    int32_t sum = wasm_i32x4_extract_lane(squares, 0) + wasm_i32x4_extract_lane(squares, 1);
    return wasm_i32x4_splat(talos_norm_scale(&m->norm, sum));
}

/* Hidden units as words in the state; which of them are positive. */
INLINE uint64_t hidden_units(const talos_folded_pack *p, const talos_folded_row *row, const int32_t pairs[8],
                             talos_precise_state *state) {
    uint64_t mask = 0;
    for (int at = 0; at < FAST_MLP; at += 32) {
        v128_t h[8];
        for (int i = 0; i < 8; i++) h[i] = load(row->f1 + at + 4 * i);
        PRODUCT(8, h, p->fc1_wo, pairs, at)
        for (int i = 0; i < 8; i++) {
            v128_t unit = wasm_i32x4_min(wasm_i32x4_shr(h[i], TALOS_WORD_SHIFT), wasm_i32x4_splat(TALOS_Q4_12_HIGH));
            wasm_v128_store(state->hidden + at + 4 * i, unit);
            uint64_t positive = wasm_i32x4_bitmask(wasm_i32x4_gt(unit, wasm_i32x4_splat(0)));
            mask |= positive << (at + 4 * i);
        }
    }
    return mask;
}

/* Logits after the stream's token, whose key and value join the state; `vectors` of four tokens in their order. */
INLINE void logits_at(const talos_model *m, const talos_folded_pack *p, const talos_stream *s, v128_t logits[TOKENS],
                      int vectors) {
    const talos_folded_row *row = &p->rows[s->token * FAST_POSITIONS + s->position];
    talos_precise_state *state = s->cache;
    _Alignas(16) int32_t pairs[8];
    v128_t sum[TOKENS];
    attended(&row->precise, state, s->position, pairs);
    uint64_t mask = hidden_units(p, row, pairs, state);
    const v128_t scale = scale_of(m, p, row->precise.x, pairs);
    for (int i = 0; i < vectors; i++) logits[i] = load(row->l + 4 * i);
    PRODUCT(vectors, logits, p->head_wo, pairs, 0)
    for (int i = 0; i < vectors; i++) sum[i] = wasm_i32x4_splat(0);
    for (; mask; mask &= mask - 1) {
        int unit = __builtin_ctzll(mask);
        const v128_t h = spread(state->hidden + unit);
        for (int i = 0; i < vectors; i++)
            sum[i] = wasm_i32x4_add(sum[i], wasm_i32x4_dot_i16x8(h, load(p->folded[unit][4 * i])));
    }
    for (int i = 0; i < vectors; i++) {
        v128_t wide = wasm_i32x4_add(sum[i], wasm_i32x4_splat(TALOS_LOGIT_WIDE_HALF));
        wide = held(wasm_i32x4_shr(wide, TALOS_LOGIT_WIDE_SHIFT), TALOS_LOGIT_WIDE_LOW, TALOS_LOGIT_WIDE_HIGH);
        v128_t low = wasm_u64x2_shr(wasm_i64x2_extmul_low_i32x4(wide, scale), TALOS_LOGIT_SCALED_SHIFT);
        v128_t high = wasm_u64x2_shr(wasm_i64x2_extmul_high_i32x4(wide, scale), TALOS_LOGIT_SCALED_SHIFT);
        v128_t total = wasm_i32x4_shr(wasm_i32x4_add(low_halves(low, high), logits[i]), TALOS_WORD_SHIFT);
        logits[i] = held(total, TALOS_LOGIT_LOW, TALOS_LOGIT_HIGH);
    }
}

/* Logits at position 0, where they depend on the token alone; its key and value join the state. */
INLINE void first_logits(const talos_folded_pack *p, const talos_stream *s, v128_t logits[TOKENS]) {
    const talos_precise_row *row = &p->rows[s->token * FAST_POSITIONS].precise;
    talos_precise_state *state = s->cache;
    memcpy(state->k[0], row->k, sizeof row->k);
    memcpy(state->v[0], row->v, sizeof row->v);
    for (int i = 0; i < TOKENS; i++) logits[i] = load(p->first[s->token] + 4 * i);
}

/* Noise of four tokens at a temperature, as it is added to a key; the formulas are in gumbel_noise.h. */
INLINE v128_t noise_of(const int32_t *lines, v128_t z, v128_t temperature) {
#define ROUND(n) \
    z = wasm_v128_xor(z, wasm_u32x4_shr(z, TALOS_HASH_SHIFT_##n)); \
    z = wasm_i32x4_mul(z, wasm_i32x4_splat((int32_t)TALOS_HASH_FACTOR_##n));
    ROUND(0) ROUND(1) ROUND(2)
#undef ROUND
    z = wasm_v128_xor(z, wasm_u32x4_shr(z, TALOS_HASH_SHIFT_3));
    /* The tail w that u is in, folded onto the lower one, and v = 2 w + 1. As a float, v has the bits below its first one for
     * its fraction, and their number for its exponent. A large v is w there, with as many bits as float holds: the lowest
     * ones are never looked at. */
    v128_t half = wasm_i32x4_shr(z, 31), tail = wasm_v128_xor(z, half);
    v128_t v = wasm_v128_or(wasm_i32x4_add(tail, tail), wasm_i32x4_splat(1));
    v128_t large = wasm_i32x4_gt(tail, wasm_i32x4_splat((1 << 23) - 1));
    v128_t bits = wasm_v128_bitselect(wasm_v128_and(tail, wasm_i32x4_splat(~0xFF)), v, large);
    bits = wasm_f32x4_convert_i32x4(bits);
    v128_t zeros = wasm_i32x4_sub(wasm_i32x4_add(wasm_i32x4_splat(127 + 32), large), wasm_u32x4_shr(bits, 23));
    v128_t place = wasm_v128_xor(wasm_i32x4_shl(bits, 9), half);
    v128_t index = wasm_u32x4_shr(place, 32 - TALOS_GUMBEL_SEGMENT_BITS);
    index = wasm_v128_xor(wasm_i32x4_add(index, wasm_i32x4_shl(zeros, TALOS_GUMBEL_SEGMENT_BITS)), half);
    v128_t line = wasm_v128_load32_zero(lines + wasm_i32x4_extract_lane(index, 0));
    line = wasm_v128_load32_lane(lines + wasm_i32x4_extract_lane(index, 1), line, 1);
    line = wasm_v128_load32_lane(lines + wasm_i32x4_extract_lane(index, 2), line, 2);
    line = wasm_v128_load32_lane(lines + wasm_i32x4_extract_lane(index, 3), line, 3);
    v128_t d = wasm_u32x4_shr(place, 32 - TALOS_GUMBEL_PLACE_BITS);
    d = wasm_v128_and(d, wasm_i32x4_splat(TALOS_LOW_BITS(TALOS_GUMBEL_STEP_BITS)));
    /* Rise and d are below 2^15, with zeros above. What a line begins with stands above the bits of the rise. */
    const v128_t rises = wasm_i32x4_splat(TALOS_LOW_BITS(TALOS_GUMBEL_RISE_BITS));
    v128_t begin = wasm_v128_or(wasm_v128_andnot(line, rises), wasm_i32x4_splat(TALOS_GUMBEL_HALF));
    v128_t rise = wasm_i32x4_dot_i16x8(wasm_v128_and(line, rises), d);
    v128_t g = wasm_i32x4_shr(wasm_i32x4_add(begin, rise), TALOS_GUMBEL_SHIFT);
    v128_t scaled = wasm_i32x4_add(wasm_i32x4_mul(g, temperature), wasm_i32x4_splat(TALOS_NOISE_HALF));
    return wasm_i32x4_shr(scaled, TALOS_NOISE_SHIFT);
}

/* The first of the largest keys. A greedy stream has temperature 0, and so no noise. */
INLINE void draw(const talos_folded_pack *p, talos_stream *s, const v128_t logits[TOKENS], int vectors) {
    const int32_t *lines = p->gumbel + TALOS_GUMBEL_SPAN;
    const v128_t rng = wasm_i32x4_splat((int32_t)talos_next_rng(s)), temperature = wasm_i32x4_splat((int32_t)s->temper.q8);
    v128_t key[TOKENS], top;
    for (int i = 0; i < vectors; i++) {
        v128_t noise = noise_of(lines, wasm_i32x4_add(rng, load(p->lane_weyl + 4 * i)), temperature);
        wasm_v128_store(s->words + 4 * i, logits[i]);
        key[i] = wasm_i32x4_add(wasm_i32x4_shl(logits[i], TALOS_KEY_SHIFT), noise);
        key[i] = wasm_i32x4_min(key[i], load(p->most + 4 * i));
        top = i ? wasm_i32x4_max(top, key[i]) : key[i];
    }
    top = wasm_i32x4_max(top, wasm_i32x4_shuffle(top, top, 2, 3, 0, 1));
    top = wasm_i32x4_max(top, wasm_i32x4_shuffle(top, top, 1, 0, 3, 2));
    uint32_t largest = 0;
    for (int i = 0; i < vectors; i++) largest |= wasm_i32x4_bitmask(wasm_i32x4_eq(key[i], top)) << 4 * i;
    s->token = (uint32_t)__builtin_ctz(largest);
}

INLINE void step_one(const talos_model *m, const talos_folded_pack *p, talos_stream *s, int vectors) {
    v128_t logits[TOKENS];
    if (s->position) logits_at(m, p, s, logits, vectors);
    else first_logits(p, s, logits);
    draw(p, s, logits, vectors);
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    const talos_folded_pack *p = m->pack;
    /* A number of vectors that is known when this is compiled unrolls the loops; up to 28 tokens need only seven. */
    bool seven = m->config.vocab_size <= 28;
    for (int i = 0; i < count; i++) {
        if (seven) step_one(m, p, streams[i], 7);
        else step_one(m, p, streams[i], 8);
    }
}

const talos_kernel talos_folded_simd128 = {
    .name = "simd128", .arithmetic = TALOS_FOLDED, .word_width = TALOS_Q4_12_WIDTH,
    .available = talos_always, .suits = talos_folded_suits,
    .prepare = talos_folded_prepare,
    .cache_bytes = talos_precise_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step,
};
#endif
