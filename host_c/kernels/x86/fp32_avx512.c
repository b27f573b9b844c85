/* float32 with AVX-512, one-layer models of the shipped shape. A register holds the 16 elements of x, 16 hidden units, or
 * half of the logits; products broadcast an element of x and add a column of the matrix, so that nothing is summed across
 * lanes. Of the hidden units those are computed that can be positive, where no more of them than fit two registers can. */
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

/* Output of attention: softmax(q.k) v. */
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
    return _mm512_mul_ps(mixed, _mm512_div_ps(_mm512_set1_ps(1.0f), sum));
}

/* One column after the other of a matrix: COLUMN(quad, lane), `quarter` being quarter `quad` of x in all quarters. */
#define QUAD(x, quad) \
    { \
        __m512 quarter = QUARTER(x, quad); \
        COLUMN(quad, 0) COLUMN(quad, 1) COLUMN(quad, 2) COLUMN(quad, 3) \
    }
#define COLUMNS(x) QUAD(x, 0) QUAD(x, 1) QUAD(x, 2) QUAD(x, 3)

/* x after attention: x + Wo mixed. */
INLINE __m512 project(const talos_fp32_pack *p, const talos_stream *s, __m512 mixed) {
    const float *before = p->rows[s->token * FAST_POSITIONS + s->position][0];
    __m512 part[4] = {_mm512_load_ps(before), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
#define COLUMN(quad, lane) \
    part[quad] = _mm512_fmadd_ps(ELEMENT(quarter, lane), _mm512_load_ps(p->wo[4 * (quad) + (lane)]), part[quad]);
    COLUMNS(mixed)
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

/* Hidden values before their ReLU, a multiple of 16 of them, and which are positive. */
INLINE uint64_t hidden_values(const float *weights, int count, const float *before, __m512 mixed, float *hidden) {
    __m512 even[4], odd[4];
    __mmask16 positive[4] = {0};
    for (int i = 0; i < count / 16; i++) {
        even[i] = _mm512_load_ps(before + 16 * i);
        odd[i] = _mm512_setzero_ps();
    }
#define COLUMN(quad, lane) \
    for (int i = 0; i < count / 16; i++) { \
        __m512 *sum = (lane) % 2 ? &odd[i] : &even[i], column = _mm512_load_ps(weights + (4 * (quad) + (lane)) * count + 16 * i); \
        *sum = _mm512_fmadd_ps(ELEMENT(quarter, lane), column, *sum); \
    }
    COLUMNS(mixed)
#undef COLUMN
    for (int i = 0; i < count / 16; i++) {
        __m512 sum = _mm512_add_ps(even[i], odd[i]);
        _mm512_store_ps(hidden + 16 * i, sum);
        positive[i] = _mm512_cmp_ps_mask(sum, _mm512_setzero_ps(), _CMP_GT_OQ);
    }
    return join_masks(positive);
}

/* The same of all units. */
INLINE uint64_t all_hidden_values(const talos_fp32_pack *p, const talos_stream *s, const talos_fp32_units *units, __m512 mixed,
                                  float *hidden) {
    _Alignas(64) float all[FAST_MLP];
    const float *before = units->before;
    if (units->few) {
        for (int unit = 0; unit < FAST_MLP; unit++) all[unit] = p->before[s->position][unit][s->token];
        before = all;
    }
    return hidden_values(p->fc1_wo[0], FAST_MLP, before, mixed, hidden);
}

/* Logits: head x + s folded relu(hidden). All products are with the output of attention, so that s alone waits for x. */
INLINE logits mlp(const talos_fp32_pack *p, const talos_stream *s, __m512 mixed) {
    talos_fp32_state *state = s->cache;
    const talos_fp32_units *units = &p->units[s->token * FAST_POSITIONS + s->position];
    const bool few = units->few && state->from_bos;
    logits sum;
    uint64_t mask;
    if (__builtin_expect(few, 1)) mask = hidden_values(units->weights[0], FEW_UNITS, units->before, mixed, state->hidden);
    else mask = all_hidden_values(p, s, units, mixed, state->hidden);
    __m512 scale = rms_scale(project(p, s, mixed));
    __m512 even[2] = {_mm512_load_ps(units->logits), _mm512_setzero_ps()};
    __m512 odd[2] = {_mm512_load_ps(units->logits + 16), _mm512_setzero_ps()};
#define COLUMN(quad, lane) \
    { \
        __m512 element = ELEMENT(quarter, lane); \
        const float *column = p->head_wo[4 * (quad) + (lane)]; \
        even[(lane) % 2] = _mm512_fmadd_ps(element, _mm512_load_ps(column), even[(lane) % 2]); \
        odd[(lane) % 2] = _mm512_fmadd_ps(element, _mm512_load_ps(column + 16), odd[(lane) % 2]); \
    }
    COLUMNS(mixed)
#undef COLUMN
    if (__builtin_expect(few, 1)) sum = sparse_sums(p, state->hidden, 1, mask, units->unit);
    else sum = sparse_sums(p, state->hidden, 1, mask, NULL);
    return (logits){_mm512_fmadd_ps(sum.even, scale, _mm512_add_ps(even[0], even[1])),
                    _mm512_fmadd_ps(sum.odd, scale, _mm512_add_ps(odd[0], odd[1]))};
}

#undef COLUMNS
#undef QUAD

/* Running sum over 16 lanes, and its last value in all of them, which does not wait for the others. */
INLINE __m512 running_sum(__m512 x, __m512 *last) {
    x = _mm512_add_ps(x, _mm512_castsi512_ps(_mm512_bslli_epi128(_mm512_castps_si512(x), 4)));
    x = _mm512_add_ps(x, _mm512_castsi512_ps(_mm512_bslli_epi128(_mm512_castps_si512(x), 8)));
    __m512 quads = _mm512_permute_ps(x, 0xFF), others = _mm512_shuffle_f32x4(quads, quads, 0xB1);
    __m512 halves = _mm512_add_ps(quads, others);
    *last = _mm512_add_ps(halves, _mm512_shuffle_f32x4(halves, halves, 0x4E));
    x = _mm512_mask_add_ps(x, 0xF0F0, x, others);
    return _mm512_mask_add_ps(x, 0xFF00, x, _mm512_shuffle_f32x4(halves, halves, 0x00));
}

/* Number of tokens whose running sum does not exceed the cut, which is the token drawn. */
INLINE uint32_t first_above(__m512 even, __m512 odd, uint32_t rng, float *total) {
    __m512 sum, pairs = running_sum(_mm512_add_ps(even, odd), &sum);
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

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    const talos_fp32_pack *p = m->pack;
    for (int i = 0; i < count; i++) {
        talos_stream *s = streams[i];
        if (s->position == 0 && p->has_first) {
            const float *first = talos_fp32_first(p, s);
            draw(p, s, (logits){_mm512_load_ps(first), _mm512_load_ps(first + 16)});
        } else {
            draw(p, s, mlp(p, s, attend(p, s)));
        }
    }
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
