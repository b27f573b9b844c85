/* `precise` with AVX-512, one-layer models of the shipped shape: the layout of fp32_avx512.c with pairs of columns in one
 * multiply-add. Sums are exact in 32 bits, which precise_pack.c proves for the model before this kernel may run it. */
#include "precise_pack.h"

#if defined(TALOS_X86)
#include "avx512.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512cd,avx512vnni,bmi,bmi2,lzcnt,popcnt,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512cd,avx512vnni,bmi,bmi2,lzcnt,popcnt,fma")
#endif

static bool available(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
}

INLINE __m512i clamp_word(__m512i x) {
    return _mm512_max_epi32(_mm512_min_epi32(x, _mm512_set1_epi32(TALOS_Q4_12_HIGH)), _mm512_set1_epi32(TALOS_Q4_12_LOW));
}

/* 2^16 * 2^f of an exponent's fraction f. */
INLINE __m512i mantissa(const talos_precise_pack *p, __m512i t) {
    __m512i index = _mm512_srli_epi32(t, TALOS_EXP2_STEP_BITS); /* the permutation reads five bits */
    __m512i base = _mm512_permutex2var_epi32(_mm512_load_si512(p->exp2_base), index, _mm512_load_si512(p->exp2_base + 16));
    __m512i slope = _mm512_permutex2var_epi32(_mm512_load_si512(p->exp2_slope), index, _mm512_load_si512(p->exp2_slope + 16));
    __m512i d = _mm512_and_si512(t, _mm512_set1_epi32(TALOS_LOW_BITS(TALOS_EXP2_STEP_BITS)));
    __m512i step = _mm512_madd_epi16(slope, _mm512_or_si512(d, _mm512_set1_epi32(1 << 16)));
    return _mm512_add_epi32(base, _mm512_srai_epi32(step, TALOS_EXP2_STEP_BITS));
}

/* Weight of t where the largest integer part is top. */
INLINE __m512i weight(const talos_precise_pack *p, __m512i t, __m512i top) {
    return _mm512_srlv_epi32(mantissa(p, t), _mm512_sub_epi32(top, _mm512_srai_epi32(t, TALOS_EXPONENT_FRACTION)));
}

/* 2^16 / (u / 2^16) for u in [2^15, 2^16). */
INLINE __m512i reciprocal(const talos_precise_pack *p, __m512i u) {
    __m512i index = _mm512_srli_epi32(u, TALOS_RECIPROCAL_STEP_BITS);
    index = _mm512_and_si512(index, _mm512_set1_epi32(TALOS_RECIPROCAL_LINES - 1));
    __mmask16 upper = _mm512_test_epi32_mask(index, _mm512_set1_epi32(TALOS_RECIPROCAL_LINES / 2));
    const int16_t *bases = p->reciprocal_base, *slopes = p->reciprocal_slope;
    __m512i base = _mm512_mask_mov_epi32(
        _mm512_permutex2var_epi16(_mm512_load_si512(bases), index, _mm512_load_si512(bases + 32)), upper,
        _mm512_permutex2var_epi16(_mm512_load_si512(bases + 64), index, _mm512_load_si512(bases + 96)));
    __m512i slope = _mm512_mask_mov_epi32(
        _mm512_permutex2var_epi16(_mm512_load_si512(slopes), index, _mm512_load_si512(slopes + 32)), upper,
        _mm512_permutex2var_epi16(_mm512_load_si512(slopes + 64), index, _mm512_load_si512(slopes + 96)));
    /* The upper half of each lane holds entry 0, which the zero there in d and the mask take out. */
    __m512i step = _mm512_madd_epi16(slope, _mm512_and_si512(u, _mm512_set1_epi32(TALOS_LOW_BITS(TALOS_RECIPROCAL_STEP_BITS))));
    step = _mm512_add_epi32(step, _mm512_set1_epi32(TALOS_RECIPROCAL_STEP_HALF));
    step = _mm512_srai_epi32(step, TALOS_RECIPROCAL_STEP_BITS);
    base = _mm512_and_si512(base, _mm512_set1_epi32(TALOS_LOW_BITS(16)));
    base = _mm512_add_epi32(base, _mm512_set1_epi32(1 << TALOS_RECIPROCAL_FRACTION));
    return _mm512_min_epi32(_mm512_add_epi32(base, step), _mm512_set1_epi32(TALOS_RECIPROCAL_HIGH));
}

#define QUARTER(x, quad) _mm512_shuffle_i32x4(x, x, (quad) * 0x55)
#define ELEMENT(quarter, lane) _mm512_shuffle_epi32(quarter, (_MM_PERM_ENUM)((lane) * 0x55))

/* Scores of four positions in the four lanes of each head, from products of two positions a register. */
INLINE __m512i scores(__m512i first, __m512i second) {
    const __m512i even = _mm512_setr_epi32(0, 8, 16, 24, 2, 10, 18, 26, 4, 12, 20, 28, 6, 14, 22, 30);
    const __m512i odd = _mm512_setr_epi32(1, 9, 17, 25, 3, 11, 19, 27, 5, 13, 21, 29, 7, 15, 23, 31);
    __m512i sum = _mm512_add_epi32(_mm512_permutex2var_epi32(first, even, second), _mm512_permutex2var_epi32(first, odd, second));
    return _mm512_srai_epi32(_mm512_add_epi32(sum, _mm512_set1_epi32(TALOS_SCORE_HALF)), TALOS_SCORE_SHIFT);
}

/* Lanes of a block of four positions, of which n have been seen. */
static const uint16_t seen_mask[FAST_POSITIONS] = {0x0000, 0x1111, 0x3333, 0x7777, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF,
                                                   0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF};

INLINE __m512i head_max(__m512i t) {
    t = _mm512_max_epi32(t, _mm512_shuffle_epi32(t, (_MM_PERM_ENUM)0xB1));
    return _mm512_max_epi32(t, _mm512_shuffle_epi32(t, (_MM_PERM_ENUM)0x4E));
}

INLINE __m512i head_sum(__m512i t) {
    t = _mm512_add_epi32(t, _mm512_shuffle_epi32(t, (_MM_PERM_ENUM)0xB1));
    return _mm512_add_epi32(t, _mm512_shuffle_epi32(t, (_MM_PERM_ENUM)0x4E));
}

/* x after attention, 16 words. */
INLINE __m512i attend(const talos_precise_pack *p, const talos_stream *s) {
    talos_precise_state *state = s->cache;
    const talos_precise_row *row = &p->rows[s->token * FAST_POSITIONS + s->position];
    __m256i q = _mm256_load_si256((const __m256i *)row->q), k = _mm256_load_si256((const __m256i *)row->k);
    __m512i v = _mm512_load_si512(row->v), qq = _mm512_broadcast_i64x4(q);
    const __m512i low = _mm512_set1_epi32(-(1 << 30));
    __m512i own = _mm512_castsi256_si512(_mm256_madd_epi16(q, k));
    const __m512i even = _mm512_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6);
    own = _mm512_add_epi32(_mm512_permutexvar_epi32(even, own),
                           _mm512_permutexvar_epi32(_mm512_or_si512(even, _mm512_set1_epi32(1)), own));
    own = _mm512_srai_epi32(_mm512_add_epi32(own, _mm512_set1_epi32(TALOS_SCORE_HALF)), TALOS_SCORE_SHIFT);
    __m512i t[4], top = own;
    uint32_t blocks = 0;
    do {
        const int16_t *keys = state->k[4 * blocks];
        __m512i score = scores(_mm512_madd_epi16(qq, _mm512_load_si512(keys)), _mm512_madd_epi16(qq, _mm512_load_si512(keys + 32)));
        t[blocks] = _mm512_mask_mov_epi32(low, _cvtu32_mask16(seen_mask[s->position - 4 * blocks]), score);
        top = _mm512_max_epi32(top, t[blocks++]);
    } while (4 * blocks < s->position);
    top = _mm512_srai_epi32(head_max(top), TALOS_EXPONENT_FRACTION);
    own = weight(p, own, top);
    __m512i sum = _mm512_setzero_si512();
    __m512i even_sum = _mm512_mul_epi32(own, v), odd_sum = _mm512_mul_epi32(own, _mm512_srli_epi64(v, 32));
    for (uint32_t i = 0; i < blocks; i++) {
        __m512i weights = weight(p, t[i], top);
        sum = _mm512_add_epi32(sum, weights);
#define POSITION(lane) \
    { \
        __m512i one = ELEMENT(weights, lane), value = _mm512_load_si512(state->v[4 * i + (lane)]); \
        even_sum = _mm512_add_epi64(even_sum, _mm512_mul_epi32(one, value)); \
        odd_sum = _mm512_add_epi64(odd_sum, _mm512_mul_epi32(one, _mm512_srli_epi64(value, 32))); \
    }
        POSITION(0) POSITION(1) POSITION(2) POSITION(3)
#undef POSITION
    }
    _mm256_store_si256((__m256i *)state->k[s->position], k);
    _mm512_store_si512(state->v[s->position], v);
    sum = _mm512_add_epi32(head_sum(sum), own);
    __m512i e = _mm512_sub_epi32(_mm512_set1_epi32(32 - TALOS_RECIPROCAL_INPUT_BITS), _mm512_lzcnt_epi32(sum));
    __m512i inverse = reciprocal(p, _mm512_srlv_epi32(sum, e));
    __m512i down = _mm512_and_si512(_mm512_add_epi32(e, _mm512_set1_epi32(TALOS_MEAN_SHIFT)), _mm512_set1_epi64(255));
    __m512i half = _mm512_set1_epi64(1 << (TALOS_QUOTIENT_SHIFT - 1));
    even_sum = _mm512_mul_epi32(_mm512_srav_epi64(even_sum, down), inverse);
    odd_sum = _mm512_mul_epi32(_mm512_srav_epi64(odd_sum, down), inverse);
    even_sum = _mm512_srli_epi64(_mm512_add_epi64(even_sum, half), TALOS_QUOTIENT_SHIFT);
    odd_sum = _mm512_slli_epi64(_mm512_srli_epi64(_mm512_add_epi64(odd_sum, half), TALOS_QUOTIENT_SHIFT), 16);
    /* Words 2j and 2j + 1 in the lower half of lane pair j. */
    __m512i pairs = _mm512_mask_blend_epi16(0x22222222, even_sum, odd_sum);
    __m512i part[4] = {_mm512_set1_epi32(TALOS_WORD_HALF), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
#define QUAD(quad) \
    { \
        __m512i quarter = QUARTER(pairs, quad); \
        part[quad] = _mm512_dpwssd_epi32(part[quad], ELEMENT(quarter, 0), _mm512_load_si512(p->wo[2 * (quad)])); \
        part[quad] = _mm512_dpwssd_epi32(part[quad], ELEMENT(quarter, 2), _mm512_load_si512(p->wo[2 * (quad) + 1])); \
    }
    QUAD(0) QUAD(1) QUAD(2) QUAD(3)
#undef QUAD
    __m512i out = _mm512_add_epi32(_mm512_add_epi32(part[0], part[1]), _mm512_add_epi32(part[2], part[3]));
    out = _mm512_add_epi32(_mm512_load_si512(row->x), _mm512_srai_epi32(out, TALOS_WORD_SHIFT));
    return clamp_word(out);
}

typedef struct {
    __m512i even, odd;
} logits;

/* What the MLP knows before its sparse half: head x, the scale, and which hidden units are positive. */
typedef struct {
    __m512i even, odd, scale;
    uint64_t mask;
} dense;

INLINE dense dense_products(const talos_model *m, const talos_precise_pack *p, talos_precise_state *state, __m512i x) {
    __m512i pairs = _mm512_mask_blend_epi16(0x22222222, x, _mm512_srli_epi64(x, 16));
    __m512i squares = _mm512_maskz_mov_epi32(0x5555, _mm512_madd_epi16(pairs, pairs));
    dense out;
    out.scale = _mm512_set1_epi32(talos_rms_scale_of(m, _mm512_reduce_add_epi32(squares)));
    __m512i h[8], head[4];
    for (int i = 0; i < 8; i++) h[i] = i < 4 ? _mm512_set1_epi32(TALOS_WORD_HALF) : _mm512_setzero_si512();
    for (int i = 0; i < 4; i++) head[i] = i < 2 ? _mm512_set1_epi32(TALOS_WORD_HALF) : _mm512_setzero_si512();
#define PAIR(w, acc, count, pair) \
    { \
        __m512i e = ELEMENT(QUARTER(pairs, (pair) / 2), 2 * ((pair) % 2)); \
        for (int i = 0; i < (count); i++) { \
            __m512i *sum = &acc[(count) * ((pair) % 2) + i]; \
            *sum = _mm512_dpwssd_epi32(*sum, e, _mm512_load_si512(p->w[pair][16 * i])); \
        } \
    }
#define PRODUCT(w, acc, count) \
    PAIR(w, acc, count, 0) PAIR(w, acc, count, 1) PAIR(w, acc, count, 2) PAIR(w, acc, count, 3) \
    PAIR(w, acc, count, 4) PAIR(w, acc, count, 5) PAIR(w, acc, count, 6) PAIR(w, acc, count, 7)
    PRODUCT(fc1, h, 4)
    __mmask16 positive[4];
    for (int i = 0; i < 4; i++) {
        __m512i unit = _mm512_srai_epi32(_mm512_add_epi32(h[i], h[i + 4]), TALOS_WORD_SHIFT);
        unit = _mm512_min_epi32(unit, _mm512_set1_epi32(TALOS_Q4_12_HIGH));
        _mm512_store_si512(state->hidden + 16 * i, unit);
        positive[i] = _mm512_cmpgt_epi32_mask(unit, _mm512_setzero_si512());
    }
    out.mask = join_masks(positive);
    PRODUCT(head, head, 2)
#undef PRODUCT
#undef PAIR
    out.even = _mm512_add_epi32(head[0], head[2]);
    out.odd = _mm512_add_epi32(head[1], head[3]);
    return out;
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
    __m512i even[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()}, odd[2] = {even[0], even[0]};
    uint64_t mask = in->mask;
    /* A scan of no bits gives 64, the row of zeros; so twelve units, enough for 24 steps of 25, go without a branch. */
#define UNIT(i) \
    { \
        uint64_t unit = _tzcnt_u64(mask); \
        mask &= mask - 1; \
        __m512i e = _mm512_set1_epi32(state->hidden[unit]); \
        even[i] = _mm512_dpwssd_epi32(even[i], e, _mm512_load_si512(p->folded[unit])); \
        odd[i] = _mm512_dpwssd_epi32(odd[i], e, _mm512_load_si512(p->folded[unit] + 16)); \
    }
    UNIT(0) UNIT(1) UNIT(0) UNIT(1) UNIT(0) UNIT(1) UNIT(0) UNIT(1) UNIT(0) UNIT(1) UNIT(0) UNIT(1)
    while (__builtin_expect(mask != 0, 0)) { UNIT(0) UNIT(1) }
#undef UNIT
    logits out = {scaled(_mm512_add_epi32(even[0], even[1]), in->scale, in->even),
                  scaled(_mm512_add_epi32(odd[0], odd[1]), in->scale, in->odd)};
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
    __m512i even = weight(p, t_even, top), odd = weight(p, t_odd, top);
    __m512i pairs = running_sum(_mm512_add_epi32(even, odd));
    __m512i total = _mm512_permutexvar_epi32(_mm512_set1_epi32(15), pairs);
    __m512i cut = _mm512_srli_epi64(_mm512_mul_epu32(total, _mm512_set1_epi32((int32_t)(rng & 0xFFFFFF))), 24);
    cut = _mm512_shuffle_epi32(cut, (_MM_PERM_ENUM)0xA0);
    __mmask16 below_even = _mm512_cmple_epi32_mask(_mm512_sub_epi32(pairs, odd), cut);
    __mmask16 below_odd = _mm512_cmple_epi32_mask(pairs, cut);
    s->token = (uint32_t)_mm_popcnt_u32(_cvtmask32_u32(_mm512_kunpackw(below_even, below_odd)));
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

#if defined(__clang__)
#pragma clang attribute pop
#endif

const talos_kernel talos_precise_avx512 = {
    .name = "avx512", .arithmetic = TALOS_PRECISE, .word_width = TALOS_Q4_12_WIDTH,
    .available = available, .suits = talos_precise_suits,
    .prepare = talos_precise_prepare,
    .cache_bytes = talos_precise_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step,
};
#endif
