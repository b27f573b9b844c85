/* float32 with AVX-512, sixteen streams at once, one in each lane. All stand at the same position, so that what depends on a
 * token and a position is a permutation of a table by token, and nothing is summed across lanes. Every sum adds in the order of
 * fp32_avx512.c, and so comes out the same to the bit. The hidden units that are positive differ from stream to stream:
 * their products are made stream by stream, and transposed. */
#include "fp32_pack.h"

#if defined(TALOS_X86)
#include "fp32_avx512.h"

enum { LANES = 16, GROUPS = 1, STREAMS = GROUPS * LANES, ROWS = 4 };
typedef __m512 floats;
typedef __m512i wholes;

BEGIN_AVX512

INLINE floats spread(float x) { return _mm512_set1_ps(x); }
INLINE floats add(floats a, floats b) { return _mm512_add_ps(a, b); }
INLINE floats subtract(floats a, floats b) { return _mm512_sub_ps(a, b); }
INLINE floats multiply(floats a, floats b) { return _mm512_mul_ps(a, b); }
INLINE floats maximum(floats a, floats b) { return _mm512_max_ps(a, b); }
INLINE floats power_of_two(floats t) { return exp2_ps(t); }

INLINE wholes no_wholes(void) { return _mm512_setzero_si512(); }
INLINE wholes add_wholes(wholes a, wholes b) { return _mm512_add_epi32(a, b); }
/* One more where x is at most the cut. */
INLINE wholes count_at_most(wholes n, floats x, floats cut) {
    return _mm512_mask_add_epi32(n, _mm512_cmp_ps_mask(x, cut, _CMP_LE_OQ), n, _mm512_set1_epi32(1));
}
INLINE __mmask16 between(float low, floats x, float high) {
    __mmask16 above = _mm512_cmp_ps_mask(x, spread(low), _CMP_GT_OQ);
    return _mm512_mask_cmp_ps_mask(above, x, spread(high), _CMP_LT_OQ);
}
INLINE bool all_between(float low, floats x, float high) { return _cvtmask16_u32(between(low, x, high)) == 0xFFFF; }
INLINE wholes where_between(float low, floats x, float high, wholes inside, wholes outside) {
    return _mm512_mask_mov_epi32(outside, between(low, x, high), inside);
}
/* The lower 24 bits as a fraction. */
INLINE floats random_of(wholes rng) {
    return multiply(_mm512_cvtepi32_ps(_mm512_and_si512(rng, _mm512_set1_epi32(0xFFFFFF))), spread(0x1p-24f));
}

#include "draw_lanes_fp32.h"

/* Each lane's entry of a table by token. */
INLINE __m512 pick(const float by_token[FAST_LANES], __m512i token) {
    return _mm512_permutex2var_ps(_mm512_load_ps(by_token), token, _mm512_load_ps(by_token + 16));
}

INLINE __m512 sum4(__m512 a, __m512 b, __m512 c, __m512 d) { return _mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d)); }

/* One head: softmax(q.k) v over positions 0 .. position; `first` is its first element. */
INLINE void attend_head(const talos_fp32_pack *p, uint32_t position, const __m512i *tokens, int first, __m512 mixed[4]) {
    const float(*own)[FAST_EMBD][FAST_LANES] = p->by_token[position];
    __m512 q[4], t[4], sum[4];
    for (int i = 0; i < 4; i++) {
        q[i] = pick(own[1][first + i], tokens[position]);
        t[i] = _mm512_mul_ps(q[i], pick(own[2][first + i], tokens[position]));
        sum[i] = _mm512_setzero_ps();
    }
    __m512 own_weight = exp2_ps(sum4(t[0], t[1], t[2], t[3]));
    for (int i = 0; i < 4; i++) mixed[i] = _mm512_mul_ps(own_weight, pick(own[3][first + i], tokens[position]));
    /* Four earlier positions at a time: the order in which the single stream adds them. */
    for (uint32_t block = 0; block < position; block += 4) {
        __m512 part[2][4];
        for (int i = 0; i < 4; i++) part[0][i] = part[1][i] = _mm512_setzero_ps();
        for (uint32_t n = 0; n < 4; n++) {
            if (block + n >= position) continue;
            const float(*row)[FAST_EMBD][FAST_LANES] = p->by_token[block + n];
            __m512i token = tokens[block + n];
            for (int i = 0; i < 4; i++) t[i] = _mm512_mul_ps(q[i], pick(row[2][first + i], token));
            __m512 weight = exp2_ps(sum4(t[0], t[2], t[1], t[3]));
            sum[n] = _mm512_add_ps(sum[n], weight);
            for (int i = 0; i < 4; i++) part[n % 2][i] = _mm512_fmadd_ps(weight, pick(row[3][first + i], token), part[n % 2][i]);
        }
        for (int i = 0; i < 4; i++) mixed[i] = _mm512_add_ps(mixed[i], _mm512_add_ps(part[0][i], part[1][i]));
    }
    __m512 total = _mm512_add_ps(sum4(sum[0], sum[1], sum[2], sum[3]), own_weight);
    __m512 inverse = _mm512_div_ps(_mm512_set1_ps(1.0f), total);
    for (int i = 0; i < 4; i++) mixed[i] = _mm512_mul_ps(mixed[i], inverse);
}

/* x after attention: x + Wo mixed. Four rows at a time, so that `mixed` stays in registers beside their sums, and weights come
 * from memory as operands. */
INLINE void project(const float before[FAST_EMBD][FAST_LANES], const talos_fp32_pack *p, __m512i token,
                    const __m512 mixed[FAST_EMBD], __m512 x[FAST_EMBD]) {
    for (int r = 0; r < FAST_EMBD; r += ROWS) {
        __m512 part[ROWS][4];
        for (int i = 0; i < ROWS; i++) {
#define WEIGHT(c) _mm512_set1_ps(p->wo[c][r + i])
#define FIRST(c) part[i][(c) / 4] = _mm512_mul_ps(mixed[c], WEIGHT(c));
#define NEXT(c) part[i][(c) / 4] = _mm512_fmadd_ps(mixed[c], WEIGHT(c), part[i][(c) / 4]);
            part[i][0] = _mm512_fmadd_ps(mixed[0], WEIGHT(0), pick(before[r + i], token));
            FIRST(4) FIRST(8) FIRST(12)
            NEXT(1) NEXT(5) NEXT(9) NEXT(13) NEXT(2) NEXT(6) NEXT(10) NEXT(14) NEXT(3) NEXT(7) NEXT(11) NEXT(15)
#undef NEXT
#undef FIRST
#undef WEIGHT
        }
        for (int i = 0; i < ROWS; i++) x[r + i] = sum4(part[i][0], part[i][1], part[i][2], part[i][3]);
    }
}

/* y + w x for four rows of a matrix; each has `stride` floats from column to column. */
INLINE void four_rows(const float *const row[ROWS], size_t stride, const __m512 x[FAST_EMBD], __m512 y[ROWS]) {
    __m512 odd[ROWS];
    for (int r = 0; r < ROWS; r++) {
        y[r] = _mm512_fmadd_ps(x[0], _mm512_set1_ps(row[r][0]), y[r]);
        odd[r] = _mm512_mul_ps(x[1], _mm512_set1_ps(row[r][stride]));
    }
    for (size_t c = 2; c < FAST_EMBD; c += 2)
        for (int r = 0; r < ROWS; r++) {
            y[r] = _mm512_fmadd_ps(x[c], _mm512_set1_ps(row[r][c * stride]), y[r]);
            odd[r] = _mm512_fmadd_ps(x[c + 1], _mm512_set1_ps(row[r][(c + 1) * stride]), odd[r]);
        }
    for (int r = 0; r < ROWS; r++) y[r] = _mm512_add_ps(y[r], odd[r]);
}

/* 1 / sqrt(mean(x^2) + eps). */
INLINE __m512 rms_scale(const __m512 x[FAST_EMBD]) {
    __m512 s[FAST_EMBD], quad[4];
    for (int i = 0; i < FAST_EMBD; i++) s[i] = _mm512_mul_ps(x[i], x[i]);
    for (int i = 0; i < 4; i++) quad[i] = sum4(s[4 * i], s[4 * i + 1], s[4 * i + 2], s[4 * i + 3]);
    return rms_scale_of(sum4(quad[0], quad[1], quad[2], quad[3]));
}

/* Columns c .. c + 3 of sixteen rows. */
INLINE void transpose4(const float (*rows)[FAST_LANES], int c, __m512 out[4]) {
    __m512 r[4];
    /* Loads put row 4 * quarter + k into its quarter of register k, so that only single rows are left to shuffle. */
    for (int k = 0; k < 4; k++) {
        r[k] = _mm512_broadcast_f32x4(_mm_load_ps(&rows[k][c]));
        r[k] = _mm512_mask_broadcast_f32x4(r[k], 0x00F0, _mm_load_ps(&rows[k + 4][c]));
        r[k] = _mm512_mask_broadcast_f32x4(r[k], 0x0F00, _mm_load_ps(&rows[k + 8][c]));
        r[k] = _mm512_mask_broadcast_f32x4(r[k], 0xF000, _mm_load_ps(&rows[k + 12][c]));
    }
    __m512 low01 = _mm512_unpacklo_ps(r[0], r[1]), high01 = _mm512_unpackhi_ps(r[0], r[1]);
    __m512 low23 = _mm512_unpacklo_ps(r[2], r[3]), high23 = _mm512_unpackhi_ps(r[2], r[3]);
    out[0] = _mm512_shuffle_ps(low01, low23, 0x44);
    out[1] = _mm512_shuffle_ps(low01, low23, 0xEE);
    out[2] = _mm512_shuffle_ps(high01, high23, 0x44);
    out[3] = _mm512_shuffle_ps(high01, high23, 0xEE);
}

typedef struct {
    _Alignas(64) float hidden[FAST_MLP + 1][LANES]; /* [64] is 0 */
    _Alignas(64) float sparse[LANES][FAST_LANES];
    _Alignas(64) uint16_t positive[FAST_MLP + 32]; /* lanes in which a unit is; [64] is never read */
    token_floats logits[GROUPS], sums[GROUPS];
} scratch;

/* Hidden units before their ReLU, and where they are positive; no unit but `units` is. They come from the output of attention. */
static void hidden_units(const talos_fp32_pack *p, uint32_t position, __m512i token, uint64_t units, const __m512 mixed[FAST_EMBD],
                         scratch *s) {
    _mm512_store_si512(s->positive, _mm512_setzero_si512());
    _mm512_store_si512(s->positive + 32, _mm512_setzero_si512());
    while (units) {
        const float *row[ROWS];
        uint64_t unit[ROWS];
        __m512 h[ROWS];
        /* A scan of no bits gives 64, the row of zeros. */
        for (int r = 0; r < ROWS; r++, units &= units - 1) {
            row[r] = p->fc1_wo_rows[unit[r] = _tzcnt_u64(units)];
            h[r] = pick(p->before[position][unit[r]], token);
        }
        four_rows(row, 1, mixed, h);
        for (int r = 0; r < ROWS; r++) {
            _mm512_store_ps(s->hidden[unit[r]], h[r]);
            s->positive[unit[r]] = (uint16_t)_cvtmask16_u32(_mm512_cmp_ps_mask(h[r], _mm512_setzero_ps(), _CMP_GT_OQ));
        }
    }
    _mm512_store_ps(s->hidden[FAST_MLP], _mm512_setzero_ps());
}

/* Logits: head x + s folded relu(hidden), where x after attention is wanted for s alone. */
static void mlp(const talos_fp32_pack *p, uint32_t position, __m512i token, const __m512 mixed[FAST_EMBD],
                const __m512 x[FAST_EMBD], int pairs, scratch *s) {
    token_floats *l = s->logits;
    __m512 sum[ROWS], scale = rms_scale(x);
    for (int i = 0; i < pairs; i += 2) {
        const float *even = p->head_wo[0] + i, *odd = even + PAIRS, (*before)[FAST_LANES] = p->logits_before[position] + i;
        __m512 y[ROWS] = {pick(before[0], token), pick(before[1], token),
                          pick(before[PAIRS], token), pick(before[PAIRS + 1], token)};
        four_rows((const float *const[ROWS]){even, even + 1, odd, odd + 1}, FAST_LANES, mixed, y);
        for (int r = 0; r < 2; r++) {
            l->even[i + r] = y[r];
            l->odd[i + r] = y[r + 2];
        }
    }
    __m512i low = _mm512_load_si512(s->positive), high = _mm512_load_si512(s->positive + 32);
    for (int lane = 0; lane < LANES; lane++) {
        __m512i bit = _mm512_set1_epi16((short)(1 << lane));
        uint64_t mask = _cvtmask64_u64(_mm512_kunpackd(_mm512_test_epi16_mask(high, bit), _mm512_test_epi16_mask(low, bit)));
        logits own = sparse_sums(p, &s->hidden[0][lane], LANES, mask, NULL);
        _mm512_store_ps(s->sparse[lane], own.even);
        _mm512_store_ps(s->sparse[lane] + 16, own.odd);
    }
    for (int i = 0; i < pairs; i += 4) {
        transpose4((const float(*)[FAST_LANES])s->sparse, i, sum);
        for (int r = 0; r < 4; r++) l->even[i + r] = _mm512_fmadd_ps(sum[r], scale, l->even[i + r]);
        transpose4((const float(*)[FAST_LANES])s->sparse, i + 16, sum);
        for (int r = 0; r < 4; r++) l->odd[i + r] = _mm512_fmadd_ps(sum[r], scale, l->odd[i + r]);
    }
}

INLINE __m512i next_rng(__m512i state) {
    state = _mm512_xor_si512(state, _mm512_slli_epi32(state, 13));
    state = _mm512_xor_si512(state, _mm512_srli_epi32(state, 17));
    return _mm512_xor_si512(state, _mm512_slli_epi32(state, 5));
}

/* Tokens at positions 1 .. position of the lanes' rows; the bits above a token's five are not 0. */
INLINE void gather(const talos_group *g, __m512i row, __mmask16 live, __m512i tokens[FAST_POSITIONS + 4]) {
    const int *words = (const int *)(const void *)g->tokens;
    row = _mm512_slli_epi32(row, 2);
    for (uint32_t at = 0; at < g->position; at += 4) {
        __m512i four = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), live, row, words + at / 4, 4);
        for (unsigned i = 0; i < 4; i++) tokens[at + i + 1] = _mm512_srli_epi32(four, 8 * i);
    }
}

INLINE __mmask16 live_lanes(size_t count) { return _cvtu32_mask16(count < LANES ? (1u << count) - 1 : 0xFFFF); }

/* Logits of the `count` streams from `first` on. */
static void logits_of(const talos_fp32_pack *p, const talos_group *g, size_t first, size_t count, uint32_t bos, int pairs,
                      scratch *s) {
    __mmask16 live = live_lanes(count);
    __m512i tokens[FAST_POSITIONS + 4];
    __m512 mixed[FAST_EMBD], x[FAST_EMBD];
    tokens[0] = _mm512_set1_epi32((int)bos);
    gather(g, _mm512_maskz_loadu_epi32(live, g->rows + first), live, tokens);
    const __m512i token = tokens[g->position];
    for (int i = 0; i < FAST_EMBD; i += 4) attend_head(p, g->position, tokens, i, mixed + i);
    hidden_units(p, g->position, token, talos_fp32_candidates(p, g, first, count, bos), mixed, s);
    project(p->by_token[g->position][0], p, token, mixed, x);
    mlp(p, g->position, token, mixed, x, pairs, s);
}

void talos_fp32_avx512_together(const talos_model *m, const talos_group *g) {
    const talos_fp32_pack *p = m->pack;
    const uint32_t vocab = m->config.vocab_size, bos = vocab - 1;
    const vocabulary v = {.pairs = (int)(vocab + 1) / 2, .last_odd = vocab % 2 == 0};
    const __m512 inverse = _mm512_set1_ps(g->temper->inverse);
    scratch s;
    clear_rest(v, s.logits);
    if (g->position == 0) first_sums(v, p->first[bos], inverse, s.logits, s.sums);
    for (size_t at = 0; at < g->count; at += STREAMS) {
        const size_t count = g->count - at < STREAMS ? g->count - at : STREAMS;
        __mmask16 live = live_lanes(count);
        __m512i rng = next_rng(_mm512_maskz_loadu_epi32(live, g->rng + at));
        _mm512_mask_storeu_epi32(g->rng + at, live, rng);
        if (g->position) {
            logits_of(p, g, at, count, bos, v.pairs, &s);
            sum_weights(v, s.logits, spread(0.0f), inverse, s.sums);
        }
        _mm512_mask_cvtepi32_storeu_epi8(g->drawn + at, live, draw_lanes(v, s.logits, s.sums, inverse, rng));
    }
}

END_AVX512
#endif
