/* `precise` with NEON, one-layer models of the shipped shape. 16-bit elements are multiplied into 32-bit sums, which
 * precise_pack.c proves to be wide enough for the model before this kernel may run it. */
#include "precise_pack.h"

#if defined(TALOS_NEON)
#include <stdlib.h>
#include <string.h>

#include "lanes_neon.h"

/* The weights of talos_precise_pack by column instead of by pairs of columns. */
typedef struct {
    _Alignas(64) int16_t wo[FAST_EMBD][FAST_EMBD];
    int16_t fc1[FAST_EMBD][FAST_MLP];
    int16_t head[FAST_EMBD][FAST_LANES];
    int16_t folded[FAST_MLP][FAST_LANES];
    int32_t live[FAST_LANES];
    talos_precise_row rows[];
} neon_pack;

static talos_status prepare(talos_model *m, void **pack) {
    void *memory;
    talos_status status = talos_precise_prepare(m, &memory);
    if (status != TALOS_OK) return status;
    const talos_precise_pack *from = memory;
    size_t rows = (size_t)m->config.vocab_size * FAST_POSITIONS * (sizeof from->rows[0] + sizeof(talos_lane_row));
    neon_pack *to = talos_allocate(sizeof *to + rows);
    if (to) {
        for (int c = 0; c < FAST_EMBD; c++) {
            for (int r = 0; r < FAST_EMBD; r++) to->wo[c][r] = from->wo[c / 2][r][c % 2];
            for (int r = 0; r < FAST_MLP; r++) to->fc1[c][r] = from->fc1[c / 2][r][c % 2];
            for (int r = 0; r < FAST_LANES; r++) to->head[c][r] = from->head[c / 2][r][c % 2];
        }
        for (int unit = 0; unit < FAST_MLP; unit++)
            for (int r = 0; r < FAST_LANES; r++) to->folded[unit][r] = from->folded[unit][r][0];
        memcpy(to->live, from->live, sizeof to->live);
        memcpy(to->rows, from->rows, rows);
    }
    free(memory);
    *pack = to;
    return to ? TALOS_OK : TALOS_NO_MEMORY;
}

/* Logits, even tokens and then odd ones: head x + s folded relu(fc1 x), over the positive units alone. */
INLINE void mlp(const talos_model *m, const neon_pack *p, talos_precise_state *state, const int16x4_t x[4], int32x4_t logits[8]) {
    int16_t *hidden = (int16_t *)state->hidden;
    uint8x8_t positive[8];
    for (int at = 0; at < FAST_MLP; at += 32) {
        int32x4_t h[8];
        for (int i = 0; i < 8; i++) h[i] = vdupq_n_s32(0);
        PRODUCT(4, h, p->fc1, x)
        for (int i = 0; i < 4; i++) {
            int16x4_t low = vqmovn_s32(vrshrq_n_s32(h[2 * i], TALOS_WORD_SHIFT));
            int16x8_t unit = vcombine_s16(low, vqmovn_s32(vrshrq_n_s32(h[2 * i + 1], TALOS_WORD_SHIFT)));
            vst1q_s16(hidden + at + 8 * i, unit);
            positive[at / 8 + i] = vmovn_u16(vcgtq_s16(unit, vdupq_n_s16(0)));
        }
    }
    int32x4_t sum[8];
    const int32x2_t scale = scale_of(m, x);
    sparse_sums(p->folded, hidden, bits_of(positive), NULL, sum);
    for (int i = 0; i < 8; i++) logits[i] = vdupq_n_s32(0);
    const int at = 0;
    PRODUCT(4, logits, p->head, x)
    for (int i = 0; i < 8; i++) {
        int32x4_t wide = vmaxq_s32(vrshrq_n_s32(sum[i], TALOS_WIDE_SHIFT), vdupq_n_s32(TALOS_Q4_12_WIDE_LOW));
        wide = vminq_s32(wide, vdupq_n_s32(TALOS_Q4_12_WIDE_HIGH));
        int32x2_t low = vshrn_n_s64(vmull_s32(vget_low_s32(wide), scale), TALOS_SCALED_SHIFT);
        int32x2_t high = vshrn_n_s64(vmull_s32(vget_high_s32(wide), scale), TALOS_SCALED_SHIFT);
        int32x4_t total = vaddq_s32(vcombine_s32(low, high), logits[i]);
        logits[i] = vmovl_s16(vqmovn_s32(vrshrq_n_s32(total, TALOS_WORD_SHIFT)));
    }
}

/* round(logit * inverse / 2^shift). */
INLINE int32x4_t exponent(const talos_stream *s, int32x4_t logit) {
    const int32x2_t inverse = vdup_n_s32(s->temper.inverse_word);
    const int64x2_t down = vdupq_n_s64(-s->temper.shift);
    return vcombine_s32(vmovn_s64(vrshlq_s64(vmull_s32(vget_low_s32(logit), inverse), down)),
                        vmovn_s64(vrshlq_s64(vmull_s32(vget_high_s32(logit), inverse), down)));
}

INLINE void draw(const neon_pack *p, talos_stream *s, const int32x4_t l[8]) {
    uint32_t rng = talos_next_rng(s);
    for (int i = 0; i < 4; i++) {
        int32x4x2_t both = {{l[i], l[i + 4]}};
        vst2q_s32(s->words + 8 * i, both);
    }
    if (__builtin_expect(s->greedy, 0)) {
        s->token = talos_precise_draw(s, s->model->config.vocab_size, rng);
        return;
    }
    const int32x4_t zero = vdupq_n_s32(0), lowest = vdupq_n_s32(-(1 << 30));
    int32x4_t t[8], odd[4], pairs[4], top = lowest, before = zero;
    for (int i = 0; i < 8; i++) {
        t[i] = vbslq_s32(vreinterpretq_u32_s32(vld1q_s32(p->live + 4 * i)), exponent(s, l[i]), lowest);
        top = vmaxq_s32(top, t[i]);
    }
    top = vdupq_n_s32(max_s32(top) >> TALOS_EXPONENT_FRACTION);
    for (int i = 0; i < 4; i++) {
        odd[i] = weights_of(t[i + 4], top);
        int32x4_t x = vaddq_s32(weights_of(t[i], top), odd[i]);
        x = vaddq_s32(x, vextq_s32(zero, x, 3));
        x = vaddq_s32(x, vextq_s32(zero, x, 2));
        pairs[i] = vaddq_s32(x, before);
        before = vdupq_n_s32(vgetq_lane_s32(pairs[i], 3));
    }
    const int32x4_t cut = vdupq_n_s32((int32_t)((uint64_t)(rng & 0xFFFFFF) * (uint32_t)vgetq_lane_s32(before, 0) >> 24));
    uint32x4_t below = vdupq_n_u32(0);
    for (int i = 0; i < 4; i++) {
        below = vsubq_u32(below, vcleq_s32(vsubq_s32(pairs[i], odd[i]), cut));
        below = vsubq_u32(below, vcleq_s32(pairs[i], cut));
    }
    s->token = (uint32_t)sum_s32(vreinterpretq_s32_u32(below));
}

/* A step from the output of attention. */
INLINE void finish(const talos_model *m, const neon_pack *p, talos_stream *s, const int16x4_t heads[4]) {
    int16x4_t x[4];
    int32x4_t logits[8];
    project(p->wo, p->rows[s->token * FAST_POSITIONS + s->position].x, heads, x);
    mlp(m, p, s->cache, x, logits);
    draw(p, s, logits);
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    const neon_pack *p = m->pack;
    for (int i = 0; i < count; i++) {
        talos_stream *s = streams[i];
        int16x4_t heads[4];
        attended(&p->rows[s->token * FAST_POSITIONS + s->position], s->cache, s->position, heads);
        finish(m, p, s, heads);
    }
}

INLINE void step_lane(const talos_model *m, talos_stream *s, const int16_t mixed[FAST_EMBD]) {
    const int16x4_t heads[4] = {vld1_s16(mixed), vld1_s16(mixed + 4), vld1_s16(mixed + 8), vld1_s16(mixed + 12)};
    finish(m, m->pack, s, heads);
}

#include "group_lanes.h"

static void together(const talos_model *m, const talos_group *g) {
    const neon_pack *p = m->pack;
    step_group(m, NULL, talos_precise_lanes(m, p->rows), g, true);
}

const talos_kernel talos_precise_neon = {
    .name = "neon", .arithmetic = TALOS_PRECISE, .word_width = TALOS_Q4_12_WIDTH,
    .available = talos_always, .suits = talos_precise_suits,
    .prepare = prepare,
    .cache_bytes = talos_precise_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step, .together = together,
};
#endif
