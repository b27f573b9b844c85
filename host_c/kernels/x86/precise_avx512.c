/* `precise` with AVX-512, one-layer models of the shipped shape: the layout of fp32_avx512.c with pairs of columns in one
 * multiply-add. Sums are exact in 32 bits, which precise_pack.c proves for the model before this kernel may run it. */
#include "precise_pack.h"

#if defined(TALOS_X86)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512cd,avx512vnni,bmi,bmi2,lzcnt,popcnt,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512cd,avx512vnni,bmi,bmi2,lzcnt,popcnt,fma")
#endif

#include "lanes_avx512.h"

typedef struct {
    __m512i even, odd;
} logits;

/* What the MLP knows before its sparse half: head x, the scale, and which hidden units are positive. */
typedef struct {
    __m512i even, odd, scale;
    uint64_t mask;
} dense;

INLINE dense dense_products(const talos_model *m, const talos_precise_pack *p, talos_precise_state *state, __m512i words) {
    __m512i pairs = pairs_of(words);
    dense out;
    out.scale = scale_of(m, words);
    __m512i h[8], head[4];
    for (int i = 0; i < 8; i++) h[i] = i < 4 ? _mm512_set1_epi32(TALOS_WORD_HALF) : _mm512_setzero_si512();
    for (int i = 0; i < 4; i++) head[i] = i < 2 ? _mm512_set1_epi32(TALOS_WORD_HALF) : _mm512_setzero_si512();
    PRODUCT(fc1, h, 4)
    out.mask = keep_hidden(state, h);
    PRODUCT(head, head, 2)
    out.even = _mm512_add_epi32(head[0], head[2]);
    out.odd = _mm512_add_epi32(head[1], head[3]);
    return out;
}

INLINE __m512i clamp_word(__m512i x) {
    return _mm512_max_epi32(_mm512_min_epi32(x, _mm512_set1_epi32(TALOS_Q4_12_HIGH)), _mm512_set1_epi32(TALOS_Q4_12_LOW));
}

/* As in precise_scalar.c; `addend` comes with half a word. */
INLINE __m512i scaled(__m512i total, __m512i scale, __m512i addend) {
    __m512i wide = _mm512_srai_epi32(_mm512_add_epi32(total, _mm512_set1_epi32(TALOS_WIDE_HALF)), TALOS_WIDE_SHIFT);
    wide = _mm512_min_epi32(wide, _mm512_set1_epi32(TALOS_Q4_12_WIDE_HIGH));
    wide = _mm512_max_epi32(wide, _mm512_set1_epi32(TALOS_Q4_12_WIDE_LOW));
    __m512i even = _mm512_srli_epi64(_mm512_mul_epi32(wide, scale), TALOS_SCALED_SHIFT);
    __m512i odd = _mm512_slli_epi64(_mm512_mul_epi32(_mm512_srli_epi64(wide, 32), scale), 32 - TALOS_SCALED_SHIFT);
    __m512i product = _mm512_mask_mov_epi32(even, 0xAAAA, odd);
    product = _mm512_srai_epi32(_mm512_add_epi32(product, addend), TALOS_WORD_SHIFT);
    return clamp_word(product);
}

/* Logits: head x + s folded relu(fc1 x), over the positive units alone. */
INLINE logits sparse_products(const talos_precise_pack *p, const talos_precise_state *state, const dense *in) {
    logits out;
    sparse_sums(p->folded, state->hidden, in->mask, &out.even, &out.odd);
    out.even = scaled(out.even, in->scale, in->even);
    out.odd = scaled(out.odd, in->scale, in->odd);
    return out;
}

/* Running sum over 16 lanes. */
INLINE __m512i running_sum(__m512i x) {
    x = _mm512_add_epi32(x, _mm512_bslli_epi128(x, 4));
    x = _mm512_add_epi32(x, _mm512_bslli_epi128(x, 8));
    const __m512i quad_end = _mm512_setr_epi32(3, 3, 3, 3, 3, 3, 3, 3, 11, 11, 11, 11, 11, 11, 11, 11);
    x = _mm512_mask_add_epi32(x, 0xF0F0, x, _mm512_permutexvar_epi32(quad_end, x));
    return _mm512_mask_add_epi32(x, 0xFF00, x, _mm512_permutexvar_epi32(_mm512_set1_epi32(7), x));
}

/* round(logit * inverse / 2^shift), with the inverse in two parts so that the product fits 32 bits. */
INLINE __m512i exponent(const talos_stream *s, __m512i logit, __m512i live) {
    int32_t inverse = s->temper.inverse_word, shift = s->temper.shift;
    __m512i high = _mm512_mullo_epi32(logit, _mm512_set1_epi32(inverse >> 2));
    __m512i low = _mm512_srai_epi32(_mm512_mullo_epi32(logit, _mm512_set1_epi32(inverse & 3)), 2);
    __m512i sum = _mm512_add_epi32(high, _mm512_add_epi32(low, _mm512_set1_epi32(1 << (shift - 3))));
    __m512i t = _mm512_sra_epi32(sum, _mm_cvtsi32_si128(shift - 2));
    return _mm512_mask_mov_epi32(_mm512_set1_epi32(-(1 << 30)), _mm512_movepi32_mask(live), t);
}

INLINE void draw(const talos_precise_pack *p, talos_stream *s, logits l) {
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    uint32_t rng = talos_next_rng(s);
    _mm512_store_si512(s->words, _mm512_permutex2var_epi32(l.even, low, l.odd));
    _mm512_store_si512(s->words + 16, _mm512_permutex2var_epi32(l.even, high, l.odd));
    if (__builtin_expect(s->greedy, 0)) {
        s->token = talos_precise_draw(s, s->model->config.vocab_size, rng);
        return;
    }
    __m512i t_even = exponent(s, l.even, _mm512_load_si512(p->live));
    __m512i t_odd = exponent(s, l.odd, _mm512_load_si512(p->live + 16));
    __m512i top = head_max(_mm512_max_epi32(t_even, t_odd));
    top = _mm512_max_epi32(top, _mm512_shuffle_i32x4(top, top, 0xB1));
    top = _mm512_srai_epi32(_mm512_max_epi32(top, _mm512_shuffle_i32x4(top, top, 0x4E)), TALOS_EXPONENT_FRACTION);
    __m512i even = weight(&p->tables, t_even, top), odd = weight(&p->tables, t_odd, top);
    __m512i pairs = running_sum(_mm512_add_epi32(even, odd));
    __m512i total = _mm512_permutexvar_epi32(_mm512_set1_epi32(15), pairs);
    __m512i cut = _mm512_srli_epi64(_mm512_mul_epu32(total, _mm512_set1_epi32((int32_t)(rng & 0xFFFFFF))), 24);
    cut = _mm512_shuffle_epi32(cut, (_MM_PERM_ENUM)0xA0);
    __mmask16 below_even = _mm512_cmple_epi32_mask(_mm512_sub_epi32(pairs, odd), cut);
    __mmask16 below_odd = _mm512_cmple_epi32_mask(pairs, cut);
    s->token = (uint32_t)_mm_popcnt_u32(_cvtmask32_u32(_mm512_kunpackw(below_even, below_odd)));
}

INLINE __m512i attend(const talos_precise_pack *p, const talos_stream *s) {
    const talos_precise_row *row = &p->rows[s->token * FAST_POSITIONS + s->position];
    return project(p->wo, row->x, attended(&p->tables, row, s->cache, s->position));
}

static void step_one(const talos_model *m, talos_stream *s) {
    const talos_precise_pack *p = m->pack;
    dense d = dense_products(m, p, s->cache, attend(p, s));
    draw(p, s, sparse_products(p, s->cache, &d));
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    if (count == 1) {
        step_one(m, streams[0]);
        return;
    }
    const talos_precise_pack *p = m->pack;
    __m512i x[TALOS_GROUP];
    dense d[TALOS_GROUP];
    logits l[TALOS_GROUP];
    for (int i = 0; i < count; i++) x[i] = attend(p, streams[i]);
    for (int i = 0; i < count; i++) d[i] = dense_products(m, p, streams[i]->cache, x[i]);
    for (int i = 0; i < count; i++) l[i] = sparse_products(p, streams[i]->cache, &d[i]);
    for (int i = 0; i < count; i++) draw(p, streams[i], l[i]);
}

INLINE void step_lane(const talos_model *m, talos_stream *s, const int16_t mixed[FAST_EMBD]) {
    const talos_precise_pack *p = m->pack;
    const int32_t *x = p->rows[s->token * FAST_POSITIONS + s->position].x;
    dense d = dense_products(m, p, s->cache, project(p->wo, x, pairs_at(mixed)));
    draw(p, s, sparse_products(p, s->cache, &d));
}

#include "group_lanes.h"

static void together(const talos_model *m, const talos_group *g) {
    const talos_precise_pack *p = m->pack;
    step_group(m, &p->tables, talos_precise_lanes(m, p->rows), g, true);
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

const talos_kernel talos_precise_avx512 = {
    .name = "avx512", .arithmetic = TALOS_PRECISE, .word_width = TALOS_Q4_12_WIDTH,
    .available = available, .suits = talos_precise_suits,
    .prepare = talos_precise_prepare,
    .cache_bytes = talos_precise_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step, .together = together,
};
#endif
