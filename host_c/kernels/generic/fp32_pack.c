/* Tables of the float32 SIMD kernels, made once in double precision. */
#include "fp32_units.h"

#include <math.h>

#include "tables.h"

/* Scores beyond this many powers of two would leave float's range without a maximum taken off first. */
static const double max_score = 60.0;

bool talos_fast_shape(const talos_model *m) {
    const talos_config *c = &m->config;
    return c->n_layer == 1 && c->n_embd == FAST_EMBD && c->n_head == FAST_HEADS && c->mlp_dim == FAST_MLP &&
           c->block_size <= FAST_POSITIONS && c->vocab_size <= FAST_LANES;
}

size_t talos_fp32_state_bytes(const talos_model *m) {
    (void)m;
    return sizeof(talos_fp32_state);
}

size_t talos_no_scratch(const talos_model *m) {
    (void)m;
    return 0;
}

static void rmsnorm(const double *x, double *y) {
    double sum = 0;
    for (int i = 0; i < FAST_EMBD; i++) sum += x[i] * x[i];
    double scale = 1 / sqrt(sum / FAST_EMBD + TALOS_EPS);
    for (int i = 0; i < FAST_EMBD; i++) y[i] = x[i] * scale;
}

static double dot(const float *w, const double *x) {
    double sum = 0;
    for (int i = 0; i < FAST_EMBD; i++) sum += w[i] * x[i];
    return sum;
}

/* x, q, k, v after (token, position). */
static void make_row(const talos_model *m, uint32_t token, uint32_t position, float row[4][FAST_EMBD]) {
    const float *w = m->weights, *wte = w + m->wte + token * FAST_EMBD, *wpe = w + m->wpe + position * FAST_EMBD;
    double x[FAST_EMBD], normed[FAST_EMBD], query_scale = TALOS_LOG2E / sqrt((double)m->head_dim);
    for (int i = 0; i < FAST_EMBD; i++) x[i] = (double)wte[i] + wpe[i];
    rmsnorm(x, x);
    rmsnorm(x, normed);
    for (int i = 0; i < FAST_EMBD; i++) {
        row[0][i] = (float)x[i];
        row[1][i] = (float)(query_scale * dot(w + m->layer[0].wq + i * FAST_EMBD, normed));
        row[2][i] = (float)dot(w + m->layer[0].wk + i * FAST_EMBD, normed);
        row[3][i] = (float)dot(w + m->layer[0].wv + i * FAST_EMBD, normed);
    }
}

/* Largest |q| * |k| of a head over all rows, which no score exceeds. */
static double score_bound(const talos_model *m) {
    double bound = 0, q_top[FAST_HEADS] = {0}, k_top[FAST_HEADS] = {0};
    for (uint32_t token = 0; token < m->config.vocab_size; token++)
        for (uint32_t position = 0; position < m->config.block_size; position++) {
            float row[4][FAST_EMBD];
            make_row(m, token, position, row);
            for (int head = 0; head < FAST_HEADS; head++) {
                double q = 0, k = 0;
                for (int i = 4 * head; i < 4 * head + 4; i++) {
                    q += (double)row[1][i] * row[1][i];
                    k += (double)row[2][i] * row[2][i];
                }
                q_top[head] = fmax(q_top[head], q);
                k_top[head] = fmax(k_top[head], k);
            }
        }
    for (int head = 0; head < FAST_HEADS; head++) bound = fmax(bound, sqrt(q_top[head] * k_top[head]));
    return bound;
}

bool talos_fp32_suits(const talos_model *m) {
    if (!talos_fast_shape(m)) return false;
    /* Not "> max_score": NaN must not pass. */
    return score_bound(m) <= max_score;
}

/* Logits at position 0, from the kernel itself, so that they are the same to the bit. */
static void make_first(talos_model *m, talos_fp32_pack *p) {
    talos_fp32_state state = {.hidden = {0}};
    talos_temper greedy = {.greedy = true};
    talos_stream s, *one = &s;
    for (uint32_t token = 0; token < m->config.vocab_size; token++) {
        talos_stream_init(&s, m, 1, &greedy, &state, NULL);
        s.token = token;
        m->kernel->step(m, &one, 1);
        for (unsigned lane = 0; lane < FAST_LANES; lane++)
            if (talos_lane_token(lane) < m->config.vocab_size) p->first[token][lane] = s.logits[talos_lane_token(lane)];
    }
    p->has_first = true;
}

static talos_status prepare(talos_model *m, bool candidates, bool lanes, void **pack) {
    uint32_t vocab = m->config.vocab_size;
    talos_fp32_pack *p;
    size_t bytes = sizeof *p + (size_t)vocab * FAST_POSITIONS * sizeof p->rows[0];
    size_t by_token = FAST_POSITIONS * (sizeof p->by_token[0] + sizeof p->before[0] + sizeof p->logits_before[0]);
    p = talos_allocate(bytes + lanes * (by_token + (size_t)vocab * FAST_POSITIONS * sizeof p->units[0]));
    if (!p) return TALOS_NO_MEMORY;
    const float *wo = m->weights + m->layer[0].wo, *fc1 = m->weights + m->layer[0].fc1, *fc2 = m->weights + m->layer[0].fc2;
    const float *head = m->weights + m->lm_head;
    for (int c = 0; c < FAST_EMBD; c++) {
        for (int r = 0; r < FAST_EMBD; r++) p->wo[c][r] = wo[r * FAST_EMBD + c];
        for (int r = 0; r < FAST_MLP; r++) p->fc1[c][r] = p->fc1_rows[r][c] = fc1[r * FAST_EMBD + c];
    }
    for (unsigned lane = 0; lane < FAST_LANES; lane++) {
        unsigned token = talos_lane_token(lane);
        if (token >= vocab) continue;
        p->live[lane] = -1;
        for (int c = 0; c < FAST_EMBD; c++) p->head[c][lane] = head[token * FAST_EMBD + c];
        for (int unit = 0; unit < FAST_MLP; unit++) {
            double sum = 0;
            for (int i = 0; i < FAST_EMBD; i++) sum += (double)head[token * FAST_EMBD + i] * fc2[i * FAST_MLP + unit];
            p->folded[unit][lane] = (float)sum;
        }
    }
    for (uint32_t token = 0; token < vocab; token++)
        for (uint32_t position = 0; position < m->config.block_size; position++)
            make_row(m, token, position, p->rows[token * FAST_POSITIONS + position]);
    if (candidates) talos_fp32_find_candidates(m, p);
    if (lanes) {
        p->by_token = (void *)((uint8_t *)p + bytes);
        p->before = (void *)(p->by_token + FAST_POSITIONS);
        p->logits_before = (void *)(p->before + FAST_POSITIONS);
        p->units = (void *)(p->logits_before + FAST_POSITIONS);
        talos_fp32_fold_wo(m, p);
        for (uint32_t token = 0; token < vocab; token++)
            for (uint32_t position = 0; position < m->config.block_size; position++)
                for (int part = 0; part < 4; part++)
                    for (int i = 0; i < FAST_EMBD; i++)
                        p->by_token[position][part][i][token] = p->rows[token * FAST_POSITIONS + position][part][i];
    }
    *pack = p;
    make_first(m, p);
    return TALOS_OK;
}

talos_status talos_fp32_prepare(talos_model *m, void **pack) { return prepare(m, false, false, pack); }
talos_status talos_fp32_prepare_candidates(talos_model *m, void **pack) { return prepare(m, true, false, pack); }
talos_status talos_fp32_prepare_lanes(talos_model *m, void **pack) { return prepare(m, true, true, pack); }

uint32_t talos_fp32_greedy(const talos_stream *s) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < s->model->config.vocab_size; i++)
        if (s->logits[i] > s->logits[best]) best = i;
    return best;
}
