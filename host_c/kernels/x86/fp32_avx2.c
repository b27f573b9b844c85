/* float32 with AVX2 and FMA, one-layer models of the shipped shape: fp32_avx512.c in halves. */
#if defined(TALOS_X86)
#include "fp32_avx2.h"

BEGIN_AVX2

static bool available(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

/* 16 floats: the elements of x, or even or odd tokens. */
typedef struct {
    __m256 half[2];
} row16;

/* Sum over each head's four lanes, in all four. */
INLINE __m256 head_sum(__m256 t) {
    t = _mm256_add_ps(t, _mm256_permute_ps(t, 0xB1));
    return _mm256_add_ps(t, _mm256_permute_ps(t, 0x4E));
}

/* Sums of each head's four lanes of a, b, c and d, in the head's lanes 0, 1, 2 and 3; in the order of head_sum. */
INLINE __m256 head_sums(__m256 a, __m256 b, __m256 c, __m256 d) {
    __m256 ab = _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xDD));
    __m256 cd = _mm256_add_ps(_mm256_shuffle_ps(c, d, 0x88), _mm256_shuffle_ps(c, d, 0xDD));
    return _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x88), _mm256_shuffle_ps(ab, cd, 0xDD));
}

/* Lanes of a block of four positions, of which n have been seen. */
static const _Alignas(32) int32_t seen[5][8] = {{0, 0, 0, 0, 0, 0, 0, 0},         {-1, 0, 0, 0, -1, 0, 0, 0},
                                                {-1, -1, 0, 0, -1, -1, 0, 0},     {-1, -1, -1, 0, -1, -1, -1, 0},
                                                {-1, -1, -1, -1, -1, -1, -1, -1}};

/* Output of attention: softmax(q.k) v. */
INLINE void attend(const talos_fp32_pack *p, const talos_stream *s, float mixed[FAST_EMBD]) {
    talos_fp32_state *state = s->cache;
    const float(*row)[FAST_EMBD] = p->rows[s->token * FAST_POSITIONS + s->position];
    __m256 q[2], sum[2], total[2];
    for (int half = 0; half < 2; half++) {
        int at = 8 * half;
        __m256 k = _mm256_load_ps(row[2] + at), v = _mm256_load_ps(row[3] + at);
        _mm256_store_ps(state->k[s->position] + at, k);
        _mm256_store_ps(state->v[s->position] + at, v);
        q[half] = _mm256_load_ps(row[1] + at);
        sum[half] = exp2_ps(head_sum(_mm256_mul_ps(q[half], k)));
        total[half] = _mm256_mul_ps(sum[half], v);
    }
    /* Four earlier positions at a time, one in each lane of a head. */
    for (uint32_t i = 0; i < s->position; i += 4) {
        uint32_t count = s->position - i < 4 ? s->position - i : 4;
        for (int half = 0; half < 2; half++) {
            const float *keys = state->k[i] + 8 * half, *values = state->v[i] + 8 * half;
            __m256 weights = exp2_ps(head_sums(_mm256_mul_ps(q[half], _mm256_load_ps(keys)),
                                               _mm256_mul_ps(q[half], _mm256_load_ps(keys + FAST_EMBD)),
                                               _mm256_mul_ps(q[half], _mm256_load_ps(keys + 2 * FAST_EMBD)),
                                               _mm256_mul_ps(q[half], _mm256_load_ps(keys + 3 * FAST_EMBD))));
            weights = _mm256_and_ps(weights, _mm256_load_ps((const float *)seen[count]));
#define POSITION(lane) \
    { \
        __m256 weight = _mm256_permute_ps(weights, (lane) * 0x55); \
        sum[half] = _mm256_add_ps(sum[half], weight); \
        total[half] = _mm256_fmadd_ps(weight, _mm256_load_ps(values + FAST_EMBD * (lane)), total[half]); \
    }
            POSITION(0) POSITION(1) POSITION(2) POSITION(3)
#undef POSITION
        }
    }
    for (int half = 0; half < 2; half++)
        _mm256_store_ps(mixed + 8 * half, _mm256_mul_ps(total[half], _mm256_div_ps(_mm256_set1_ps(1.0f), sum[half])));
}

/* x after attention: x + Wo mixed. */
INLINE row16 project(const talos_fp32_pack *p, const talos_stream *s, const float mixed[FAST_EMBD]) {
    const float *before = p->rows[s->token * FAST_POSITIONS + s->position][0];
    row16 x;
    for (int half = 0; half < 2; half++) {
        __m256 part[4] = {_mm256_load_ps(before + 8 * half), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
        for (int c = 0; c < FAST_EMBD; c++)
            part[c % 4] = _mm256_fmadd_ps(_mm256_set1_ps(mixed[c]), _mm256_load_ps(p->wo[c] + 8 * half), part[c % 4]);
        x.half[half] = _mm256_add_ps(_mm256_add_ps(part[0], part[1]), _mm256_add_ps(part[2], part[3]));
    }
    return x;
}

/* 1 / sqrt(mean(x^2) + eps) in all lanes. */
INLINE __m256 rms_scale(row16 x) {
    __m256 sum = _mm256_fmadd_ps(x.half[0], x.half[0], _mm256_mul_ps(x.half[1], x.half[1]));
    sum = head_sum(sum);
    sum = _mm256_add_ps(sum, _mm256_permute2f128_ps(sum, sum, 1));
    return rms_scale_of(sum);
}

/* Logits: head x + s folded relu(fc1 x), over the positive units alone. */
INLINE logits mlp(const talos_fp32_pack *p, talos_fp32_state *state, row16 x) {
    _Alignas(32) float elements[FAST_EMBD];
    __m256 h[8];
    logits out;
    for (int i = 0; i < 2; i++) _mm256_store_ps(elements + 8 * i, x.half[i]);
    for (int i = 0; i < 8; i++) h[i] = _mm256_setzero_ps();
    for (int i = 0; i < 4; i++) out.lane[i] = _mm256_setzero_ps();
    for (int c = 0; c < FAST_EMBD; c++) {
        __m256 e = _mm256_set1_ps(elements[c]);
        for (int i = 0; i < 8; i++) h[i] = _mm256_fmadd_ps(e, _mm256_load_ps(p->fc1[c] + 8 * i), h[i]);
    }
    uint64_t mask = 0;
    for (int i = 0; i < 8; i++) {
        _mm256_store_ps(state->hidden + 8 * i, h[i]);
        int positive = _mm256_movemask_ps(_mm256_cmp_ps(h[i], _mm256_setzero_ps(), _CMP_GT_OQ));
        mask |= (uint64_t)(uint32_t)positive << 8 * i;
    }
    for (int c = 0; c < FAST_EMBD; c++) {
        __m256 e = _mm256_set1_ps(elements[c]);
        for (int i = 0; i < 4; i++) out.lane[i] = _mm256_fmadd_ps(e, _mm256_load_ps(p->head[c] + 8 * i), out.lane[i]);
    }
    __m256 scale = rms_scale(x);
    logits sum = sparse_sums(p, state->hidden, 1, mask);
    for (int i = 0; i < 4; i++) out.lane[i] = _mm256_fmadd_ps(sum.lane[i], scale, out.lane[i]);
    return out;
}

/* Running sums over the four lanes of each half. */
INLINE __m256 sums_in_halves(__m256 x) {
    x = _mm256_add_ps(x, _mm256_castsi256_ps(_mm256_slli_si256(_mm256_castps_si256(x), 4)));
    return _mm256_add_ps(x, _mm256_castsi256_ps(_mm256_slli_si256(_mm256_castps_si256(x), 8)));
}
/* The last lane of the lower half, in the upper one alone. */
INLINE __m256 lower_end(__m256 ends) { return _mm256_permute2f128_ps(ends, ends, 0x08); }
INLINE __m256 sum_of_halves(__m256 ends) { return _mm256_add_ps(ends, _mm256_permute2f128_ps(ends, ends, 0x01)); }

/* Number of tokens whose running sum does not exceed the cut, which is the token drawn. */
INLINE uint32_t first_above(const talos_fp32_pack *p, const talos_stream *s, const logits *l, float top, uint32_t rng,
                            float *total) {
    __m256 w[4], inverse = _mm256_set1_ps(s->temper.inverse);
    for (int i = 0; i < 4; i++) {
        w[i] = exp2_ps(_mm256_mul_ps(_mm256_sub_ps(l->lane[i], _mm256_set1_ps(top)), inverse));
        w[i] = _mm256_and_ps(w[i], _mm256_load_ps((const float *)p->live + 8 * i));
    }
    /* Running sums over sixteen pairs; their last value, `sum`, does not wait for the others. */
    __m256 low = sums_in_halves(_mm256_add_ps(w[0], w[2])), high = sums_in_halves(_mm256_add_ps(w[1], w[3]));
    __m256 low_ends = _mm256_permute_ps(low, 0xFF), high_ends = _mm256_permute_ps(high, 0xFF);
    __m256 lower = sum_of_halves(low_ends), sum = _mm256_add_ps(sum_of_halves(high_ends), lower);
    low = _mm256_add_ps(low, lower_end(low_ends));
    high = _mm256_add_ps(_mm256_add_ps(high, lower_end(high_ends)), lower);
    __m256 cut = _mm256_mul_ps(sum, _mm256_set1_ps((float)(rng & 0xFFFFFF) * 0x1p-24f));
    __m256 sums[4] = {_mm256_sub_ps(low, w[2]), _mm256_sub_ps(high, w[3]), low, high};
    uint32_t below = 0;
    for (int i = 0; i < 4; i++) below |= (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(sums[i], cut, _CMP_LE_OQ)) << 8 * i;
    *total = _mm256_cvtss_f32(sum);
    return (uint32_t)_mm_popcnt_u32(below);
}

#include "fp32_choose.h"

INLINE void draw(const talos_fp32_pack *p, talos_stream *s, logits l) {
    uint32_t rng = talos_next_rng(s);
    for (int i = 0; i < 2; i++) {
        __m256 low = _mm256_unpacklo_ps(l.lane[i], l.lane[i + 2]), high = _mm256_unpackhi_ps(l.lane[i], l.lane[i + 2]);
        _mm256_store_ps(s->logits + 16 * i, _mm256_permute2f128_ps(low, high, 0x20));
        _mm256_store_ps(s->logits + 16 * i + 8, _mm256_permute2f128_ps(low, high, 0x31));
    }
    choose(p, s, &l, rng);
}

static void step(const talos_model *m, talos_stream *const *streams, int count) {
    const talos_fp32_pack *p = m->pack;
    for (int i = 0; i < count; i++) {
        talos_stream *s = streams[i];
        logits l;
        if (s->position == 0 && p->has_first) {
            const float *first = talos_fp32_first(p, s);
            for (int j = 0; j < 4; j++) l.lane[j] = _mm256_load_ps(first + 8 * j);
        } else {
            _Alignas(32) float mixed[FAST_EMBD];
            attend(p, s, mixed);
            l = mlp(p, s->cache, project(p, s, mixed));
        }
        draw(p, s, l);
    }
}

END_AVX2

const talos_kernel talos_fp32_avx2 = {
    .name = "avx2", .arithmetic = TALOS_FP32,
    .available = available, .suits = talos_fp32_suits,
    .prepare = talos_fp32_prepare_candidates,
    .cache_bytes = talos_fp32_state_bytes, .scratch_bytes = talos_no_scratch,
    .step = step, .together = talos_fp32_avx2_together,
};
#endif
