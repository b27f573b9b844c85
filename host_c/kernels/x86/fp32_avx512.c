/* float32 with AVX-512, one-layer models of the shipped shape. A register holds the 16 elements of x, 16 hidden units, or
 * half of the logits; products broadcast an element of x and add a column of the matrix, so that nothing is summed across
 * lanes. Streams of a group go through each stage side by side, which hides the latency of one behind the others. */
#if defined(TALOS_X86)
#include "fp32_avx512.h"

BEGIN_AVX512

static bool available(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
}

/* Sum over each head's four lanes, in all four. */
INLINE __m512 head_sum(__m512 t) {
    t = _mm512_add_ps(t, _mm512_permute_ps(t, 0xB1));
    return _mm512_add_ps(t, _mm512_permute_ps(t, 0x4E));
}

/* Element 4 * quad + lane of every quarter-broadcast register. */
#define QUARTER(x, quad) _mm512_shuffle_f32x4(x, x, (quad) * 0x55)
#define ELEMENT(quarter, lane) _mm512_permute_ps(quarter, (lane) * 0x55)

/* Sums of each head's four lanes of a, b, c and d, in the head's lanes 0, 1, 2 and 3. */
INLINE __m512 head_sums(__m512 a, __m512 b, __m512 c, __m512 d) {
    __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    return _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xEE));
}

/* Lanes of a block of four positions, of which n have been seen. */
static const uint16_t seen_mask[FAST_POSITIONS] = {0x0000, 0x1111, 0x3333, 0x7777, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF,
                                                   0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF};

/* x after attention: x + Wo softmax(q.k) v. */
INLINE __m512 attend(const talos_fp32_pack *p, const talos_stream *s) {
    talos_fp32_state *state = s->cache;
    const float(*row)[FAST_EMBD] = p->rows[s->token * FAST_POSITIONS + s->position];
    __m512 q = _mm512_load_ps(row[1]), k = _mm512_load_ps(row[2]), v = _mm512_load_ps(row[3]);
    _mm512_store_ps(state->k[s->position], k);
    _mm512_store_ps(state->v[s->position], v);
    __m512 own = exp2_ps(head_sum(_mm512_mul_ps(q, k)));
    __m512 sum = _mm512_setzero_ps(), mixed = _mm512_mul_ps(own, v);
    /* Four earlier positions at a time, one in each lane of a head; the first block always, for want of a branch to guess. */
    uint32_t i = 0;
    do {
        __m512 weights = exp2_ps(head_sums(_mm512_mul_ps(q, _mm512_load_ps(state->k[i])),
                                           _mm512_mul_ps(q, _mm512_load_ps(state->k[i + 1])),
                                           _mm512_mul_ps(q, _mm512_load_ps(state->k[i + 2])),
                                           _mm512_mul_ps(q, _mm512_load_ps(state->k[i + 3]))));
        weights = _mm512_maskz_mov_ps(_cvtu32_mask16(seen_mask[s->position - i]), weights);
        sum = _mm512_add_ps(sum, weights);
        __m512 low = _mm512_mul_ps(ELEMENT(weights, 0), _mm512_load_ps(state->v[i]));
        __m512 high = _mm512_mul_ps(ELEMENT(weights, 1), _mm512_load_ps(state->v[i + 1]));
        low = _mm512_fmadd_ps(ELEMENT(weights, 2), _mm512_load_ps(state->v[i + 2]), low);
        high = _mm512_fmadd_ps(ELEMENT(weights, 3), _mm512_load_ps(state->v[i + 3]), high);
        mixed = _mm512_add_ps(mixed, _mm512_add_ps(low, high));
        i += 4;
    } while (i < s->position);
    sum = _mm512_add_ps(head_sum(sum), own);
    mixed = _mm512_mul_ps(mixed, _mm512_div_ps(_mm512_set1_ps(1.0f), sum));
    __m512 part[4] = {_mm512_load_ps(row[0]), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
#define COLUMN(quad, lane) \
    part[quad] = _mm512_fmadd_ps(ELEMENT(quarter, lane), _mm512_load_ps(p->wo[4 * (quad) + (lane)]), part[quad]);
#define QUAD(quad) \
    { \
        __m512 quarter = QUARTER(mixed, quad); \
        COLUMN(quad, 0) COLUMN(quad, 1) COLUMN(quad, 2) COLUMN(quad, 3) \
    }
    QUAD(0) QUAD(1) QUAD(2) QUAD(3)
#undef QUAD
#undef COLUMN
    return _mm512_add_ps(_mm512_add_ps(part[0], part[1]), _mm512_add_ps(part[2], part[3]));
}

/* 1 / sqrt(mean(x^2) + eps) in all lanes. */
INLINE __m512 rms_scale(__m512 x) {
    __m512 sum = head_sum(_mm512_mul_ps(x, x));
    sum = _mm512_add_ps(sum, _mm512_shuffle_f32x4(sum, sum, 0xB1));
    sum = _mm512_add_ps(sum, _mm512_shuffle_f32x4(sum, sum, 0x4E));
    return rms_scale_of(sum);
}

/* What the MLP knows before its sparse half: head x, and which hidden units are positive. */
typedef struct {
    __m512 even, odd, scale;
    uint64_t mask;
} dense;

/* head x and relu(fc1 x) of `n` streams, which share the loads of the weights. */
INLINE void dense_products(const talos_fp32_pack *p, talos_fp32_state *const *states, const __m512 *x, dense *out, int n) {
    __m512 h[2][8], head[2][4];
    for (int j = 0; j < n; j++) {
        for (int i = 0; i < 8; i++) h[j][i] = _mm512_setzero_ps();
        for (int i = 0; i < 4; i++) head[j][i] = _mm512_setzero_ps();
    }
#define COLUMN(w, acc, count, quad, lane) \
    for (int i = 0; i < (count); i++) { \
        __m512 weights = _mm512_load_ps((w)[4 * (quad) + (lane)] + 16 * i); \
        for (int j = 0; j < n; j++) { \
            __m512 *sum = &acc[j][(count) * ((lane) & 1) + i]; \
            *sum = _mm512_fmadd_ps(ELEMENT(quarter[j], lane), weights, *sum); \
        } \
    }
#define QUAD(w, acc, count, quad) \
    { \
        __m512 quarter[2]; \
        for (int j = 0; j < n; j++) quarter[j] = QUARTER(x[j], quad); \
        COLUMN(w, acc, count, quad, 0) COLUMN(w, acc, count, quad, 1) \
        COLUMN(w, acc, count, quad, 2) COLUMN(w, acc, count, quad, 3) \
    }
    QUAD(p->fc1, h, 4, 0) QUAD(p->fc1, h, 4, 1) QUAD(p->fc1, h, 4, 2) QUAD(p->fc1, h, 4, 3)
    for (int j = 0; j < n; j++) {
        __mmask16 positive[4];
        for (int i = 0; i < 4; i++) {
            __m512 unit = _mm512_add_ps(h[j][i], h[j][i + 4]);
            _mm512_store_ps(states[j]->hidden + 16 * i, unit);
            positive[i] = _mm512_cmp_ps_mask(unit, _mm512_setzero_ps(), _CMP_GT_OQ);
        }
        out[j].mask = join_masks(positive);
    }
    QUAD(p->head, head, 2, 0) QUAD(p->head, head, 2, 1) QUAD(p->head, head, 2, 2) QUAD(p->head, head, 2, 3)
#undef QUAD
#undef COLUMN
    for (int j = 0; j < n; j++) {
        out[j].even = _mm512_add_ps(head[j][0], head[j][2]);
        out[j].odd = _mm512_add_ps(head[j][1], head[j][3]);
        out[j].scale = rms_scale(x[j]);
    }
}

/* Logits: head x + s folded relu(fc1 x), over the positive units alone. */
INLINE logits sparse_products(const talos_fp32_pack *p, const talos_fp32_state *state, const dense *in) {
    logits sum = sparse_sums(p, state->hidden, 1, in->mask);
    return (logits){_mm512_fmadd_ps(sum.even, in->scale, in->even), _mm512_fmadd_ps(sum.odd, in->scale, in->odd)};
}

/* Running sum over 16 lanes. */
INLINE __m512 running_sum(__m512 x) {
    x = _mm512_add_ps(x, _mm512_castsi512_ps(_mm512_bslli_epi128(_mm512_castps_si512(x), 4)));
    x = _mm512_add_ps(x, _mm512_castsi512_ps(_mm512_bslli_epi128(_mm512_castps_si512(x), 8)));
    const __m512i quad_end = _mm512_setr_epi32(3, 3, 3, 3, 3, 3, 3, 3, 11, 11, 11, 11, 11, 11, 11, 11);
    x = _mm512_mask_add_ps(x, 0xF0F0, x, _mm512_permutexvar_ps(quad_end, x));
    return _mm512_mask_add_ps(x, 0xFF00, x, _mm512_permutexvar_ps(_mm512_set1_epi32(7), x));
}

/* Number of tokens whose running sum does not exceed the cut, which is the token drawn. */
INLINE uint32_t first_above(__m512 even, __m512 odd, uint32_t rng, float *total) {
    __m512 pairs = running_sum(_mm512_add_ps(even, odd));
    __m512 sum = _mm512_permutexvar_ps(_mm512_set1_epi32(15), pairs);
    __m512 cut = _mm512_mul_ps(sum, _mm512_set1_ps((float)(rng & 0xFFFFFF) * 0x1p-24f));
    __mmask16 below_even = _mm512_cmp_ps_mask(_mm512_sub_ps(pairs, odd), cut, _CMP_LE_OQ);
    __mmask16 below_odd = _mm512_cmp_ps_mask(pairs, cut, _CMP_LE_OQ);
    *total = _mm512_cvtss_f32(sum);
    return (uint32_t)_mm_popcnt_u32(_cvtmask32_u32(_mm512_kunpackw(below_even, below_odd)));
}

INLINE void draw(const talos_fp32_pack *p, talos_stream *s, logits l) {
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    uint32_t rng = talos_next_rng(s);
    __mmask16 live_even = _mm512_movepi32_mask(_mm512_load_si512(p->live));
    __mmask16 live_odd = _mm512_movepi32_mask(_mm512_load_si512(p->live + 16));
    _mm512_store_ps(s->logits, _mm512_permutex2var_ps(l.even, low, l.odd));
    _mm512_store_ps(s->logits + 16, _mm512_permutex2var_ps(l.even, high, l.odd));
    __m512 inverse = _mm512_set1_ps(s->temper.inverse);
    float total;
    __m512 even = _mm512_maskz_mov_ps(live_even, exp2_ps(_mm512_mul_ps(l.even, inverse)));
    __m512 odd = _mm512_maskz_mov_ps(live_odd, exp2_ps(_mm512_mul_ps(l.odd, inverse)));
    uint32_t token = first_above(even, odd, rng, &total);
    /* Without the maximum taken off first, a low temperature can leave float's range. */
    if (__builtin_expect(s->greedy || !(total > 1e-20f && total < 1e30f), 0)) {
        if (s->greedy) {
            s->token = talos_fp32_greedy(s);
            return;
        }
        __m512 lowest = _mm512_set1_ps(-__builtin_inff());
        float top = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_mask_mov_ps(lowest, live_even, l.even),
                                                       _mm512_mask_mov_ps(lowest, live_odd, l.odd)));
        __m512 tops = _mm512_set1_ps(top);
        even = _mm512_maskz_mov_ps(live_even, exp2_ps(_mm512_mul_ps(_mm512_sub_ps(l.even, tops), inverse)));
        odd = _mm512_maskz_mov_ps(live_odd, exp2_ps(_mm512_mul_ps(_mm512_sub_ps(l.odd, tops), inverse)));
        token = first_above(even, odd, rng, &total);
    }
    s->token = token;
}

static void step_one(const talos_model *m, talos_stream *s) {
    const talos_fp32_pack *p = m->pack;
    talos_fp32_state *state = s->cache;
    if (s->position == 0 && p->has_first) {
        const float *first = talos_fp32_first(p, s);
        draw(p, s, (logits){_mm512_load_ps(first), _mm512_load_ps(first + 16)});
        return;
    }
    __m512 x = attend(p, s);
    dense d;
    dense_products(p, &state, &x, &d, 1);
    draw(p, s, sparse_products(p, state, &d));
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    if (count == 1) {
        step_one(m, streams[0]);
        return;
    }
    const talos_fp32_pack *p = m->pack;
    talos_fp32_state *states[TALOS_GROUP];
    __m512 x[TALOS_GROUP];
    dense d[TALOS_GROUP];
    logits l[TALOS_GROUP];
    for (int i = 0; i < count; i++) x[i] = attend(p, streams[i]);
    for (int i = 0; i < count; i++) states[i] = streams[i]->cache;
    int i = 0;
    for (; i + 2 <= count; i += 2) dense_products(p, states + i, x + i, d + i, 2);
    if (i < count) dense_products(p, states + i, x + i, d + i, 1);
    for (i = 0; i < count; i++) l[i] = sparse_products(p, states[i], &d[i]);
    for (i = 0; i < count; i++) draw(p, streams[i], l[i]);
}

END_AVX512

const talos_kernel talos_fp32_avx512 = {
    .name = "avx512", .arithmetic = TALOS_FP32,
    .available = available, .suits = talos_fp32_suits,
    .prepare = talos_fp32_prepare_lanes,
    .cache_bytes = talos_fp32_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step, .together = talos_fp32_avx512_together,
};
#endif
