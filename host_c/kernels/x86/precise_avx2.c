/* `precise` with AVX2, one-layer models of the shipped shape: precise_avx512.c in halves. Sums are exact in 32 bits, which
 * precise_pack.c proves for the model before this kernel may run it. */
#include "precise_pack.h"

#if defined(TALOS_X86)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt")
/* Else gcc moves loads and products to where their sums are taken, and runs out of registers. */
#pragma GCC optimize("no-tree-ter")
#endif

#include "lanes_avx2.h"

typedef struct {
    __m256i lane[4]; /* even tokens, then odd ones */
} logits;

/* As in precise_scalar.c; `addend` comes with half a word. */
INLINE __m256i scaled(__m256i total, __m256i scale, __m256i addend) {
    __m256i wide = _mm256_srai_epi32(_mm256_add_epi32(total, _mm256_set1_epi32(TALOS_WIDE_HALF)), TALOS_WIDE_SHIFT);
    wide = _mm256_min_epi32(wide, _mm256_set1_epi32(TALOS_Q4_12_WIDE_HIGH));
    wide = _mm256_max_epi32(wide, _mm256_set1_epi32(TALOS_Q4_12_WIDE_LOW));
    __m256i even = _mm256_srli_epi64(_mm256_mul_epi32(wide, scale), TALOS_SCALED_SHIFT);
    __m256i odd = _mm256_slli_epi64(_mm256_mul_epi32(_mm256_srli_epi64(wide, 32), scale), 32 - TALOS_SCALED_SHIFT);
    __m256i product = _mm256_blend_epi32(even, odd, 0xAA);
    return clamp_word(_mm256_srai_epi32(_mm256_add_epi32(product, addend), TALOS_WORD_SHIFT));
}

/* Logits: head x + s folded relu(fc1 x), over the positive units alone. */
INLINE logits mlp(const talos_model *m, const talos_precise_pack *p, talos_precise_state *state, row16 x) {
    _Alignas(32) int32_t pairs[FAST_EMBD];
    __m256i scale = scale_of(m, x, pairs), h[8], addend[4], sum[4];
    for (int i = 0; i < 8; i++) h[i] = _mm256_set1_epi32(TALOS_WORD_HALF);
    for (int i = 0; i < 4; i++) addend[i] = _mm256_set1_epi32(TALOS_WORD_HALF);
    for (int pair = 0; pair < 8; pair++) {
        __m256i e = _mm256_set1_epi32(pairs[2 * pair]);
        for (int i = 0; i < 8; i++) h[i] = _mm256_add_epi32(h[i], _mm256_madd_epi16(e, load(p->fc1[pair][8 * i])));
    }
    uint64_t mask = keep_hidden(state, h);
    for (int pair = 0; pair < 8; pair++) {
        __m256i e = _mm256_set1_epi32(pairs[2 * pair]);
        for (int i = 0; i < 4; i++)
            addend[i] = _mm256_add_epi32(addend[i], _mm256_madd_epi16(e, load(p->head[pair][8 * i])));
    }
    sparse_sums(p->folded, state->hidden, mask, sum);
    logits out;
    for (int i = 0; i < 4; i++) out.lane[i] = scaled(sum[i], scale, addend[i]);
    return out;
}

/* round(logit * inverse / 2^shift), with the inverse in two parts so that the product fits 32 bits. */
INLINE __m256i exponent(const talos_stream *s, __m256i logit, __m256i live) {
    int32_t inverse = s->temper.inverse_word, shift = s->temper.shift;
    __m256i high = _mm256_mullo_epi32(logit, _mm256_set1_epi32(inverse >> 2));
    __m256i low = _mm256_srai_epi32(_mm256_mullo_epi32(logit, _mm256_set1_epi32(inverse & 3)), 2);
    __m256i sum = _mm256_add_epi32(high, _mm256_add_epi32(low, _mm256_set1_epi32(1 << (shift - 3))));
    __m256i t = _mm256_sra_epi32(sum, _mm_cvtsi32_si128(shift - 2));
    return _mm256_blendv_epi8(_mm256_set1_epi32(-(1 << 30)), t, live);
}

INLINE __m256i last_lane(__m256i x) { return _mm256_shuffle_epi32(_mm256_permute2x128_si256(x, x, 0x11), 0xFF); }

/* Running sum over eight lanes, from `before` on. */
INLINE __m256i running_sum(__m256i x, __m256i before) {
    x = _mm256_add_epi32(x, _mm256_slli_si256(x, 4));
    x = _mm256_add_epi32(x, _mm256_slli_si256(x, 8));
    __m256i low = _mm256_shuffle_epi32(_mm256_permute2x128_si256(x, x, 0x08), 0xFF);
    return _mm256_add_epi32(_mm256_add_epi32(x, low), before);
}

INLINE void draw(const talos_precise_pack *p, talos_stream *s, logits l) {
    uint32_t rng = talos_next_rng(s);
    for (int i = 0; i < 2; i++) {
        __m256i low = _mm256_unpacklo_epi32(l.lane[i], l.lane[i + 2]), high = _mm256_unpackhi_epi32(l.lane[i], l.lane[i + 2]);
        _mm256_store_si256((__m256i *)(s->words + 16 * i), _mm256_permute2x128_si256(low, high, 0x20));
        _mm256_store_si256((__m256i *)(s->words + 16 * i + 8), _mm256_permute2x128_si256(low, high, 0x31));
    }
    if (__builtin_expect(s->greedy, 0)) {
        s->token = talos_precise_draw(s, s->model->config.vocab_size, rng);
        return;
    }
    __m256i t[4], w[4], top;
    for (int i = 0; i < 4; i++) {
        t[i] = exponent(s, l.lane[i], load(p->live + 8 * i));
        top = i ? _mm256_max_epi32(top, t[i]) : t[i];
    }
    top = _mm256_max_epi32(top, _mm256_shuffle_epi32(top, 0xB1));
    top = _mm256_max_epi32(top, _mm256_shuffle_epi32(top, 0x4E));
    top = _mm256_srai_epi32(_mm256_max_epi32(top, _mm256_permute2x128_si256(top, top, 1)), TALOS_EXPONENT_FRACTION);
    for (int i = 0; i < 4; i++) w[i] = weight(&p->tables, t[i], top);
    __m256i low = running_sum(_mm256_add_epi32(w[0], w[2]), _mm256_setzero_si256());
    __m256i high = running_sum(_mm256_add_epi32(w[1], w[3]), last_lane(low));
    int64_t total = _mm256_extract_epi32(high, 7);
    __m256i cut = _mm256_set1_epi32((int32_t)((int64_t)(rng & 0xFFFFFF) * total >> 24));
    __m256i sums[4] = {_mm256_sub_epi32(low, w[2]), _mm256_sub_epi32(high, w[3]), low, high};
    uint32_t above = 0;
    for (int i = 0; i < 4; i++)
        above |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(sums[i], cut))) << 8 * i;
    s->token = 32 - (uint32_t)_mm_popcnt_u32(above);
}

INLINE row16 attend(const talos_precise_pack *p, const talos_stream *s) {
    const talos_precise_row *row = &p->rows[s->token * FAST_POSITIONS + s->position];
    _Alignas(16) int32_t mixed[FAST_EMBD / 2];
    attended(&p->tables, row, s->cache, s->position, mixed);
    return project(p->wo, row->x, mixed);
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    const talos_precise_pack *p = m->pack;
    for (int i = 0; i < count; i++) draw(p, streams[i], mlp(m, p, streams[i]->cache, attend(p, streams[i])));
}

INLINE void step_lane(const talos_model *m, talos_stream *s, const int16_t mixed[FAST_EMBD]) {
    const talos_precise_pack *p = m->pack;
    const int32_t *x = p->rows[s->token * FAST_POSITIONS + s->position].x;
    draw(p, s, mlp(m, p, s->cache, project(p->wo, x, (const int32_t *)(const void *)mixed)));
}

#include "group_lanes.h"

static void together(const talos_model *m, const talos_group *g) {
    const talos_precise_pack *p = m->pack;
    step_group(m, &p->tables, talos_precise_lanes(m, p->rows), g, true);
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

const talos_kernel talos_precise_avx2 = {
    .name = "avx2", .arithmetic = TALOS_PRECISE, .word_width = TALOS_Q4_12_WIDTH,
    .available = available, .suits = talos_precise_suits,
    .prepare = talos_precise_prepare,
    .cache_bytes = talos_precise_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step, .together = together,
};
#endif
