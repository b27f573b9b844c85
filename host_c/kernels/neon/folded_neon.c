/* `folded` with NEON, models of the shipped shape. 16-bit elements are multiplied into 32-bit sums, which folded_pack.c
 * proves to be wide enough for the model before this kernel may run it. */
#include "folded_pack.h"

#if defined(TALOS_NEON)
#include <stdlib.h>
#include <string.h>

#include "lanes_neon.h"

/* talos_folded_units by column; where `few` is false more can be positive. */
typedef struct {
    bool few;
    uint8_t unit[FEW_UNITS];
    _Alignas(16) int32_t f1[FEW_UNITS];
    int16_t fc1_wo[FAST_EMBD][FEW_UNITS];
} neon_units;

/* talos_folded_pack by column instead of by pairs of columns, in front of its rest. */
typedef struct {
    _Alignas(64) int16_t wo[FAST_EMBD][FAST_EMBD];
    int16_t fc1_wo[FAST_EMBD][FAST_MLP];
    int16_t head_wo[FAST_EMBD][FAST_LANES];
    int16_t folded[FAST_MLP][FAST_LANES];
    neon_units *units; /* [token][position], behind the rows */
    talos_folded_pack pack;
} neon_pack;

static void by_column(const talos_folded_units *from, neon_units *to) {
    to->few = from->count > 0;
    memcpy(to->unit, from->unit, sizeof to->unit);
    memcpy(to->f1, from->f1, sizeof to->f1);
    for (int c = 0; c < FAST_EMBD; c++)
        for (int n = 0; n < from->count; n++) to->fc1_wo[c][n] = from->fc1_wo[2 * (from->count * (c / 2) + n) + c % 2];
}

static talos_status prepare(talos_model *m, void **pack) {
    void *memory;
    talos_status status = talos_folded_prepare_units(m, &memory);
    if (status != TALOS_OK) return status;
    const talos_folded_pack *from = memory;
    size_t count = (size_t)m->config.vocab_size * FAST_POSITIONS;
    size_t rows = count * (sizeof from->rows[0] + sizeof(talos_lane_row));
    neon_pack *to = talos_allocate(sizeof *to + rows + count * sizeof to->units[0]);
    if (to) {
        for (int c = 0; c < FAST_EMBD; c++) {
            for (int r = 0; r < FAST_EMBD; r++) to->wo[c][r] = from->wo[c / 2][r][c % 2];
            for (int r = 0; r < FAST_MLP; r++) to->fc1_wo[c][r] = from->fc1_wo[c / 2][r][c % 2];
            for (int r = 0; r < FAST_LANES; r++) to->head_wo[c][r] = from->head_wo[c / 2][r][c % 2];
        }
        for (int unit = 0; unit < FAST_MLP; unit++)
            for (int r = 0; r < FAST_LANES; r++) to->folded[unit][r] = from->folded[unit][r][0];
        memcpy(&to->pack, from, sizeof *from + rows);
        to->pack.units = NULL;
        to->units = (void *)((uint8_t *)(to + 1) + rows);
        for (size_t row = 0; row < count; row++) by_column(&from->units[row], &to->units[row]);
    }
    free(memory);
    *pack = to;
    return to ? TALOS_OK : TALOS_NO_MEMORY;
}

INLINE uint32x4_t hash_of(uint32x4_t z) {
#define ROUND(n) z = vmulq_u32(veorq_u32(z, vshrq_n_u32(z, TALOS_HASH_SHIFT_##n)), vdupq_n_u32(TALOS_HASH_FACTOR_##n));
    ROUND(0) ROUND(1) ROUND(2)
#undef ROUND
    return veorq_u32(z, vshrq_n_u32(z, TALOS_HASH_SHIFT_3));
}

/* Noise of all tokens with the stream's next state, as it is added to a key; the formulas are in gumbel.h. A greedy stream
 * has temperature 0 here, and so no noise. `vectors` is how many of four tokens there are. */
INLINE void noises(const talos_folded_pack *p, talos_stream *s, int32x4_t noise[8], int vectors) {
    const int32_t *lines = p->gumbel + TALOS_GUMBEL_SPAN;
    const uint32x4_t rng = vdupq_n_u32(talos_next_rng(s));
    const int32x4_t temperature = vdupq_n_s32((int32_t)s->temper.q8), rises = vdupq_n_s32(TALOS_LOW_BITS(TALOS_GUMBEL_RISE_BITS));
    int32_t index[FAST_LANES], line[FAST_LANES];
    int32x4_t d[8];
    for (int i = 0; i < vectors; i++) {
        uint32x4_t z = hash_of(vaddq_u32(rng, vreinterpretq_u32_s32(vld1q_s32(p->lane_weyl + 4 * i))));
        /* The tail that u is in, folded onto the lower one, and v = 2 w + 1, whose first one is shifted out. */
        uint32x4_t half = vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_u32(z), 31)), tail = veorq_u32(z, half);
        uint32x4_t v = vorrq_u32(vaddq_u32(tail, tail), vdupq_n_u32(1));
        uint32x4_t zeros = vclzq_u32(vandq_u32(tail, vdupq_n_u32(INT32_MAX)));
        uint32x4_t place = veorq_u32(vshlq_u32(v, vreinterpretq_s32_u32(zeros)), half);
        uint32x4_t segment = vshrq_n_u32(place, 32 - TALOS_GUMBEL_SEGMENT_BITS);
        segment = vaddq_u32(segment, vshlq_n_u32(zeros, TALOS_GUMBEL_SEGMENT_BITS));
        vst1q_s32(index + 4 * i, vreinterpretq_s32_u32(veorq_u32(segment, half)));
        uint32x4_t step = vshrq_n_u32(place, 32 - TALOS_GUMBEL_PLACE_BITS);
        d[i] = vreinterpretq_s32_u32(vandq_u32(step, vdupq_n_u32(TALOS_LOW_BITS(TALOS_GUMBEL_STEP_BITS))));
    }
    for (int i = 0; i < 4 * vectors; i++) line[i] = lines[index[i]];
    for (int i = 0; i < vectors; i++) {
        /* What a line begins with stands above the bits of the rise. */
        int32x4_t begin = vld1q_s32(line + 4 * i), rise = vandq_s32(begin, rises);
        int32x4_t g = vmlaq_s32(vorrq_s32(vbicq_s32(begin, rises), vdupq_n_s32(TALOS_GUMBEL_HALF)), rise, d[i]);
        noise[i] = vrshrq_n_s32(vmulq_s32(vshrq_n_s32(g, TALOS_GUMBEL_SHIFT), temperature), TALOS_NOISE_SHIFT);
    }
}

/* 32 hidden units from their sums, as words; which of them are positive. */
INLINE void keep_words(const int32x4_t h[8], int16_t *hidden, uint8x8_t positive[4]) {
    for (int i = 0; i < 4; i++) {
        int16x4_t low = vqmovn_s32(vshrq_n_s32(h[2 * i], TALOS_WORD_SHIFT));
        int16x8_t unit = vcombine_s16(low, vqmovn_s32(vshrq_n_s32(h[2 * i + 1], TALOS_WORD_SHIFT)));
        vst1q_s16(hidden + 8 * i, unit);
        positive[i] = vmovn_u16(vcgtq_s16(unit, vdupq_n_s16(0)));
    }
}

/* sum = lm_head * fc2 times hidden units: of those that can be positive, if they are few, or of all. */
INLINE void few_units(const neon_pack *p, const neon_units *units, int16_t *hidden, const int16x4_t mixed[4], int32x4_t sum[8]) {
    int32x4_t h[8];
    uint8x8_t positive[8];
    for (int i = 0; i < 8; i++) h[i] = vld1q_s32(units->f1 + 4 * i);
    for (int i = 4; i < 8; i++) positive[i] = vdup_n_u8(0);
    const int at = 0;
    PRODUCT(4, h, units->fc1_wo, mixed)
    keep_words(h, hidden, positive);
    sparse_sums(p->folded, hidden, bits_of(positive), units->unit, sum);
}

INLINE void all_units(const neon_pack *p, const int32_t f1[FAST_MLP], int16_t *hidden, const int16x4_t mixed[4], int32x4_t sum[8]) {
    uint8x8_t positive[8];
    for (int at = 0; at < FAST_MLP; at += 32) {
        int32x4_t h[8];
        for (int i = 0; i < 8; i++) h[i] = vld1q_s32(f1 + at + 4 * i);
        PRODUCT(4, h, p->fc1_wo, mixed)
        keep_words(h, hidden + at, positive + at / 8);
    }
    sparse_sums(p->folded, hidden, bits_of(positive), NULL, sum);
}

/* Logits after the stream's token from the output of attention; 32 tokens in their order. */
INLINE void logits_after(const talos_model *m, const neon_pack *p, const talos_stream *s, const int16x4_t mixed[4],
                         int32x4_t logits[8]) {
    const talos_folded_row *row = &p->pack.rows[s->token * FAST_POSITIONS + s->position];
    talos_precise_state *state = s->cache;
    const neon_units *units = &p->units[s->token * FAST_POSITIONS + s->position];
    int16x4_t x[4];
    int32x4_t sum[8];
    if (units->few && state->from_bos) few_units(p, units, (int16_t *)state->hidden, mixed, sum);
    else all_units(p, row->f1, (int16_t *)state->hidden, mixed, sum);
    project(p->wo, row->precise.x, mixed, x);
    const int32x2_t scale = scale_of(m, x);
    for (int i = 0; i < 8; i++) logits[i] = vld1q_s32(row->l + 4 * i);
    const int at = 0;
    PRODUCT(4, logits, p->head_wo, mixed)
    for (int i = 0; i < 8; i++) {
        int32x4_t wide = vmaxq_s32(vrshrq_n_s32(sum[i], TALOS_LOGIT_WIDE_SHIFT), vdupq_n_s32(TALOS_LOGIT_WIDE_LOW));
        wide = vminq_s32(wide, vdupq_n_s32(TALOS_LOGIT_WIDE_HIGH));
        int32x2_t low = vshrn_n_s64(vmull_s32(vget_low_s32(wide), scale), TALOS_LOGIT_SCALED_SHIFT);
        int32x2_t high = vshrn_n_s64(vmull_s32(vget_high_s32(wide), scale), TALOS_LOGIT_SCALED_SHIFT);
        int32x4_t logit = vshrq_n_s32(vaddq_s32(vcombine_s32(low, high), logits[i]), TALOS_WORD_SHIFT);
        logits[i] = vmaxq_s32(vminq_s32(logit, vdupq_n_s32(TALOS_LOGIT_HIGH)), vdupq_n_s32(TALOS_LOGIT_LOW));
    }
}

/* Logits at position 0, where they depend on the token alone; its key and value join the state. */
INLINE void first_logits(const talos_model *m, const talos_folded_pack *p, const talos_stream *s, int32x4_t logits[8]) {
    const talos_precise_row *row = &p->rows[s->token * FAST_POSITIONS].precise;
    talos_precise_state *state = s->cache;
    state->from_bos = s->token == m->config.vocab_size - 1;
    memcpy(state->k[0], row->k, sizeof row->k);
    memcpy(state->v[0], row->v, sizeof row->v);
    for (int i = 0; i < 8; i++) logits[i] = vld1q_s32(p->first[s->token] + 4 * i);
}

/* The first of the largest keys. */
INLINE void draw(const talos_folded_pack *p, talos_stream *s, const int32x4_t logits[8], const int32x4_t noise[8],
                 int vectors) {
    static const int32_t places[4] = {31, 30, 29, 28};
    int32x4_t key[8], top = vdupq_n_s32(INT32_MIN), place = vld1q_s32(places), found = vdupq_n_s32(-1);
    for (int i = 0; i < vectors; i++) {
        vst1q_s32(s->words + 4 * i, logits[i]);
        key[i] = vminq_s32(vaddq_s32(vshlq_n_s32(logits[i], TALOS_KEY_SHIFT), noise[i]), vld1q_s32(p->most + 4 * i));
        top = vmaxq_s32(top, key[i]);
    }
    top = vdupq_n_s32(max_s32(top));
    for (int i = 0; i < vectors; i++) {
        found = vmaxq_s32(found, vandq_s32(vreinterpretq_s32_u32(vceqq_s32(key[i], top)), place));
        place = vsubq_s32(place, vdupq_n_s32(4));
    }
    s->token = 31 - (uint32_t)max_s32(found);
}

INLINE void step_one(const talos_model *m, const neon_pack *p, talos_stream *s, int vectors) {
    int32x4_t logits[8], noise[8];
    noises(&p->pack, s, noise, vectors);
    if (s->position) {
        int16x4_t mixed[4];
        attended(&p->pack.rows[s->token * FAST_POSITIONS + s->position].precise, s->cache, s->position, mixed);
        logits_after(m, p, s, mixed, logits);
    } else {
        first_logits(m, &p->pack, s, logits);
    }
    draw(&p->pack, s, logits, noise, vectors);
}

/* The same from the output of attention, which position 0 has no use for. */
INLINE void step_after(const talos_model *m, const neon_pack *p, talos_stream *s, const int16_t mixed[FAST_EMBD], int vectors) {
    int32x4_t logits[8], noise[8];
    noises(&p->pack, s, noise, vectors);
    if (s->position) {
        const int16x4_t heads[4] = {vld1_s16(mixed), vld1_s16(mixed + 4), vld1_s16(mixed + 8), vld1_s16(mixed + 12)};
        logits_after(m, p, s, heads, logits);
    } else {
        first_logits(m, &p->pack, s, logits);
    }
    draw(&p->pack, s, logits, noise, vectors);
}

/* A number of vectors that is known when this is compiled unrolls the loops; up to 28 tokens need only seven. */
static bool seven_do(const talos_model *m) { return m->config.vocab_size <= 28; }

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    const neon_pack *p = m->pack;
    const bool seven = seven_do(m);
    for (int i = 0; i < count; i++) {
        if (seven) step_one(m, p, streams[i], 7);
        else step_one(m, p, streams[i], 8);
    }
}

INLINE void step_lane(const talos_model *m, talos_stream *s, const int16_t mixed[FAST_EMBD]) {
    if (seven_do(m)) step_after(m, m->pack, s, mixed, 7);
    else step_after(m, m->pack, s, mixed, 8);
}

#include "group_lanes.h"

static void together(const talos_model *m, const talos_group *g) {
    const neon_pack *p = m->pack;
    step_group(m, NULL, talos_folded_lanes(m, &p->pack), g, g->position > 0);
}

const talos_kernel talos_folded_neon = {
    .name = "neon", .arithmetic = TALOS_FOLDED, .word_width = TALOS_Q4_12_WIDTH,
    .available = talos_always, .suits = talos_folded_suits,
    .prepare = prepare,
    .cache_bytes = talos_precise_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step, .together = together,
};
#endif
