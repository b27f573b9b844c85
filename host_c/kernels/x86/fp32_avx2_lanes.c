/* float32 with AVX2, sixteen streams at once, eight in the lanes of a vector and as many in those of a second, which share each
 * weight that is spread. Nothing is summed across lanes, and no stream waits for its own sums. Every sum adds in the order of
 * fp32_avx2.c, and so comes out the same to the bit. The hidden units that are positive differ from stream to stream: their
 * products are made stream by stream, and transposed. */
#include "fp32_pack.h"

#if defined(TALOS_X86)
#include "fp32_avx2.h"

enum { LANES = 8, GROUPS = 2, STREAMS = GROUPS * LANES, ROWS = 4 };
typedef __m256 floats;
typedef __m256i wholes;

BEGIN_AVX2

INLINE floats spread(float x) { return _mm256_set1_ps(x); }
INLINE floats add(floats a, floats b) { return _mm256_add_ps(a, b); }
INLINE floats subtract(floats a, floats b) { return _mm256_sub_ps(a, b); }
INLINE floats multiply(floats a, floats b) { return _mm256_mul_ps(a, b); }
INLINE floats multiply_add(floats a, floats b, floats c) { return _mm256_fmadd_ps(a, b, c); }
INLINE floats maximum(floats a, floats b) { return _mm256_max_ps(a, b); }
INLINE floats power_of_two(floats t) { return exp2_ps(t); }
INLINE void quotients(floats total[4], floats sum) {
    floats inverse = _mm256_div_ps(spread(1.0f), sum);
    for (int i = 0; i < 4; i++) total[i] = multiply(total[i], inverse);
}

INLINE wholes no_wholes(void) { return _mm256_setzero_si256(); }
INLINE wholes add_wholes(wholes a, wholes b) { return _mm256_add_epi32(a, b); }
/* One more where x is at most the cut. */
INLINE wholes count_at_most(wholes n, floats x, floats cut) {
    return _mm256_sub_epi32(n, _mm256_castps_si256(_mm256_cmp_ps(x, cut, _CMP_LE_OQ)));
}
INLINE floats between(float low, floats x, float high) {
    return _mm256_and_ps(_mm256_cmp_ps(x, spread(low), _CMP_GT_OQ), _mm256_cmp_ps(x, spread(high), _CMP_LT_OQ));
}
INLINE bool all_between(float low, floats x, float high) { return _mm256_movemask_ps(between(low, x, high)) == 0xFF; }
INLINE wholes where_between(float low, floats x, float high, wholes inside, wholes outside) {
    return _mm256_blendv_epi8(outside, inside, _mm256_castps_si256(between(low, x, high)));
}
/* The lower 24 bits as a fraction. */
INLINE floats random_of(wholes rng) {
    return multiply(_mm256_cvtepi32_ps(_mm256_and_si256(rng, _mm256_set1_epi32(0xFFFFFF))), spread(0x1p-24f));
}

/* Four elements of each stream's row from `at` on. */
INLINE void quad(const float *const row[LANES], size_t at, floats out[4]) {
    floats r[4];
    for (int i = 0; i < 4; i++)
        r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_load_ps(row[i] + at)), _mm_load_ps(row[i + 4] + at), 1);
    floats low01 = _mm256_unpacklo_ps(r[0], r[1]), high01 = _mm256_unpackhi_ps(r[0], r[1]);
    floats low23 = _mm256_unpacklo_ps(r[2], r[3]), high23 = _mm256_unpackhi_ps(r[2], r[3]);
    out[0] = _mm256_shuffle_ps(low01, low23, 0x44);
    out[1] = _mm256_shuffle_ps(low01, low23, 0xEE);
    out[2] = _mm256_shuffle_ps(high01, high23, 0x44);
    out[3] = _mm256_shuffle_ps(high01, high23, 0xEE);
}

#include "attention_lanes_fp32.h"
#include "draw_lanes_fp32.h"

typedef struct {
    floats mixed[GROUPS][FAST_EMBD], x[GROUPS][FAST_EMBD];
    _Alignas(64) float hidden[FAST_MLP + 1][STREAMS]; /* [64] is 0 */
    _Alignas(64) float sparse[STREAMS][FAST_LANES];
    _Alignas(32) uint8_t positive[GROUPS][FAST_MLP + 32]; /* lanes in which a unit is; [64] is never read */
    token_floats logits[GROUPS], sums[GROUPS];
} scratch;

INLINE floats sum4(floats a, floats b, floats c, floats d) { return add(add(a, b), add(c, d)); }

/* Output of attention of `count` streams from `first` on, and x before it. */
static void attend(const talos_fp32_pack *p, const talos_group *g, size_t first, size_t count, uint32_t bos,
                   floats mixed[FAST_EMBD], floats x[FAST_EMBD]) {
    const float *own[LANES];
    attend_lanes(p, g, first, count, bos, mixed, own);
    for (int i = 0; i < FAST_EMBD; i += 4) quad(own, (size_t)i, x + i);
}

/* x after attention: x + Wo mixed. */
static void project(const talos_fp32_pack *p, scratch *s) {
    for (int r = 0; r < FAST_EMBD; r++) {
        floats part[4][GROUPS];
#define COLUMN(c, sum) \
    { \
        floats w = spread(p->wo[c][r]); \
        for (int g = 0; g < GROUPS; g++) part[(c) % 4][g] = sum; \
    }
#define FIRST(c) COLUMN(c, multiply(s->mixed[g][c], w))
#define NEXT(c) COLUMN(c, multiply_add(s->mixed[g][c], w, part[(c) % 4][g]))
        COLUMN(0, multiply_add(s->mixed[g][0], w, s->x[g][r]))
        FIRST(1) FIRST(2) FIRST(3)
        NEXT(4) NEXT(5) NEXT(6) NEXT(7) NEXT(8) NEXT(9) NEXT(10) NEXT(11) NEXT(12) NEXT(13) NEXT(14) NEXT(15)
#undef NEXT
#undef FIRST
#undef COLUMN
        for (int g = 0; g < GROUPS; g++) s->x[g][r] = sum4(part[0][g], part[1][g], part[2][g], part[3][g]);
    }
}

/* Four rows of a matrix times x; each has `stride` floats from column to column. */
INLINE void four_rows(const float *const row[ROWS], size_t stride, const scratch *s, floats y[ROWS][GROUPS]) {
    for (int r = 0; r < ROWS; r++)
        for (int g = 0; g < GROUPS; g++) y[r][g] = multiply(s->x[g][0], spread(row[r][0]));
    for (size_t c = 1; c < FAST_EMBD; c++)
        for (int r = 0; r < ROWS; r++)
            for (int g = 0; g < GROUPS; g++) y[r][g] = multiply_add(s->x[g][c], spread(row[r][stride * c]), y[r][g]);
}

/* Units of fc1 x, and where they are positive; no other unit is. */
static void hidden_units(const talos_fp32_pack *p, uint64_t units, scratch *s) {
    memset(s->positive, 0, sizeof s->positive);
    while (units) {
        const float *row[ROWS];
        uint64_t unit[ROWS];
        floats h[ROWS][GROUPS];
        /* A scan of no bits gives 64, the row of zeros. */
        for (int r = 0; r < ROWS; r++, units &= units - 1) row[r] = p->fc1_rows[unit[r] = _tzcnt_u64(units)];
        four_rows(row, 1, s, h);
        for (int r = 0; r < ROWS; r++)
            for (int g = 0; g < GROUPS; g++) {
                _mm256_store_ps(s->hidden[unit[r]] + LANES * g, h[r][g]);
                int positive = _mm256_movemask_ps(_mm256_cmp_ps(h[r][g], _mm256_setzero_ps(), _CMP_GT_OQ));
                s->positive[g][unit[r]] = (uint8_t)positive;
            }
    }
    memset(s->hidden[FAST_MLP], 0, sizeof s->hidden[FAST_MLP]);
}

/* head x, two pairs of tokens at a time. */
static void head(const talos_fp32_pack *p, scratch *s, int pairs) {
    for (int i = 0; i < pairs; i += 2) {
        floats y[ROWS][GROUPS];
        const float *even = p->head[0] + i, *odd = even + PAIRS;
        four_rows((const float *const[ROWS]){even, even + 1, odd, odd + 1}, FAST_LANES, s, y);
        for (int g = 0; g < GROUPS; g++)
            for (int r = 0; r < 2; r++) {
                s->logits[g].even[i + r] = y[r][g];
                s->logits[g].odd[i + r] = y[r + 2][g];
            }
    }
}

/* The positive units of each stream times their rows of folded. */
static void sparse_products(const talos_fp32_pack *p, scratch *s) {
    for (int g = 0; g < GROUPS; g++) {
        const __m256i *positive = (const __m256i *)(const void *)s->positive[g];
        for (int lane = 0; lane < LANES; lane++) {
            /* A lane's bit becomes the top one of its byte. */
            __m128i up = _mm_cvtsi32_si128(LANES - 1 - lane);
            uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_sll_epi16(_mm256_load_si256(positive), up));
            uint32_t high = (uint32_t)_mm256_movemask_epi8(_mm256_sll_epi16(_mm256_load_si256(positive + 1), up));
            int stream = LANES * g + lane;
            logits sum = sparse_sums(p, &s->hidden[0][stream], STREAMS, (uint64_t)high << 32 | low);
            for (int i = 0; i < 4; i++) _mm256_store_ps(s->sparse[stream] + 8 * i, sum.lane[i]);
        }
    }
}

/* 1 / sqrt(mean(x^2) + eps). */
INLINE floats rms_scale(const floats x[FAST_EMBD]) {
    floats t[8];
    for (int i = 0; i < 8; i++) t[i] = multiply_add(x[i], x[i], multiply(x[i + 8], x[i + 8]));
    return rms_scale_of(add(sum4(t[0], t[1], t[2], t[3]), sum4(t[4], t[5], t[6], t[7])));
}

/* Logits: head x + s folded relu(fc1 x). */
static void mlp(const talos_fp32_pack *p, uint64_t units, scratch *s, int pairs) {
    hidden_units(p, units, s);
    head(p, s, pairs);
    sparse_products(p, s);
    for (int g = 0; g < GROUPS; g++) {
        const float *row[LANES];
        floats sum[4], scale = rms_scale(s->x[g]);
        for (int lane = 0; lane < LANES; lane++) row[lane] = s->sparse[LANES * g + lane];
        for (int i = 0; i < pairs; i += 4)
            for (int odd = 0; odd < 2; odd++) {
                floats *out = (odd ? s->logits[g].odd : s->logits[g].even) + i;
                quad(row, (size_t)(i + PAIRS * odd), sum);
                for (int r = 0; r < 4; r++) out[r] = multiply_add(sum[r], scale, out[r]);
            }
    }
}

/* Logits of the `count` streams from `first` on. */
static void logits_of(const talos_fp32_pack *p, const talos_group *g, size_t first, size_t count, uint32_t bos, int pairs,
                      scratch *s) {
    attend(p, g, first, count < LANES ? count : LANES, bos, s->mixed[0], s->x[0]);
    /* Without a stream of its own the second group has the first one's. */
    if (count > LANES) attend(p, g, first + LANES, count - LANES, bos, s->mixed[1], s->x[1]);
    else attend(p, g, first, 1, bos, s->mixed[1], s->x[1]);
    project(p, s);
    mlp(p, talos_fp32_candidates(p, g, first, count, bos), s, pairs);
}

void talos_fp32_avx2_together(const talos_model *m, const talos_group *g) {
    const talos_fp32_pack *p = m->pack;
    const uint32_t vocab = m->config.vocab_size, bos = vocab - 1;
    const vocabulary v = {.pairs = (int)(vocab + 1) / 2, .last_odd = vocab % 2 == 0};
    const floats inverse = spread(g->temper->inverse);
    scratch s;
    for (int i = 0; i < GROUPS; i++) {
        clear_rest(v, s.logits + i);
        if (g->position == 0) first_sums(v, p->first[bos], inverse, s.logits + i, s.sums + i);
    }
    for (size_t at = 0; at < g->count; at += STREAMS) {
        const size_t count = g->count - at < STREAMS ? g->count - at : STREAMS;
        _Alignas(32) uint32_t rng[STREAMS] = {0}, drawn[STREAMS];
        for (size_t i = 0; i < count; i++) rng[i] = g->rng[at + i] = talos_xorshift32(g->rng[at + i]);
        if (g->position) {
            logits_of(p, g, at, count, bos, v.pairs, &s);
            for (int i = 0; i < GROUPS; i++) sum_weights(v, s.logits + i, spread(0.0f), inverse, s.sums + i);
        }
        for (int i = 0; i < GROUPS; i++) {
            wholes states = _mm256_load_si256((const __m256i *)(const void *)(rng + LANES * i));
            wholes tokens = draw_lanes(v, s.logits + i, s.sums + i, inverse, states);
            _mm256_store_si256((__m256i *)(void *)(drawn + LANES * i), tokens);
        }
        for (size_t i = 0; i < count; i++) g->drawn[at + i] = (uint8_t)drawn[i];
    }
}

END_AVX2
#endif
