/* Tables of the `precise` SIMD kernels, and the proof that 32 bits are enough for a model's sums. */
#include "bounds.h"

#include "fixed.h"

void talos_precise_row_of(const talos_model *m, uint32_t token, uint32_t position, talos_precise_row *row) {
    int32_t normed[FAST_EMBD], q[FAST_EMBD], k[FAST_EMBD];
    talos_precise_embed(m, token, position, row->x);
    talos_precise_qkv(m, &m->layer[0], row->x, normed, q, k, row->v);
    for (int i = 0; i < FAST_EMBD; i++) {
        row->q[i] = (int16_t)q[i];
        row->k[i] = (int16_t)k[i];
    }
}

void talos_precise_lane_row_of(const talos_precise_row *row, talos_lane_row *lanes) {
    for (int i = 0; i < FAST_EMBD; i++) {
        lanes->k[i] = row->k[i];
        lanes->v[i] = (int16_t)row->v[i];
        lanes->q[i] = row->q[i];
    }
}

static int32_t packed(const int32_t line[2], int32_t offset) {
    return (int32_t)((uint32_t)(line[0] - offset) << 16 | (uint16_t)line[1]);
}

void talos_precise_make_tables(talos_precise_tables *t) {
    for (int i = 0; i < TALOS_EXP2_LINES; i++) t->exp2_line[i] = packed(talos_exp2_lines[i], TALOS_EXP2_LINE_OFFSET);
    for (int i = 0; i < TALOS_RECIPROCAL_LINES; i++)
        t->reciprocal_line[i] = packed(talos_reciprocal_lines[i], TALOS_RECIPROCAL_LINE_OFFSET);
}

bool talos_precise_suits(const talos_model *m) {
    talos_bounds b;
    if (!talos_fast_shape(m) || !talos_bounds_of(m, &b)) return false;
    const int32_t *fc1 = m->words + m->layer[0].fc1, *head = m->words + m->lm_head;
    double head_sum = talos_row_sum(head, (int)m->config.vocab_size, FAST_EMBD) * -(double)TALOS_Q4_12_LOW;
    /* The scale shortens x to at most sqrt(n_embd), so the scaled sum is bounded apart from the sum. */
    double scaled = b.folded * b.fc1 * 4.0 * TALOS_WORD_ONE + 65536.0;
    return talos_row_sum(fc1, FAST_MLP, FAST_EMBD) * -(double)TALOS_Q4_12_LOW < TALOS_SUM_LIMIT && head_sum < TALOS_SUM_LIMIT &&
           b.folded * b.hidden < TALOS_SUM_LIMIT && scaled + head_sum < TALOS_SUM_LIMIT;
}

talos_status talos_precise_prepare(talos_model *m, void **pack) {
    uint32_t vocab = m->config.vocab_size;
    size_t rows = (size_t)vocab * FAST_POSITIONS;
    talos_precise_pack *p = talos_allocate(sizeof *p + rows * (sizeof p->rows[0] + sizeof(talos_lane_row)));
    if (!p) return TALOS_NO_MEMORY;
    const int32_t *wo = m->words + m->layer[0].wo, *fc1 = m->words + m->layer[0].fc1, *head = m->words + m->lm_head;
    for (int c = 0; c < FAST_EMBD; c++) {
        for (int r = 0; r < FAST_EMBD; r++) p->wo[c / 2][r][c % 2] = (int16_t)wo[r * FAST_EMBD + c];
        for (int r = 0; r < FAST_MLP; r++) p->fc1[c / 2][r][c % 2] = (int16_t)fc1[r * FAST_EMBD + c];
    }
    for (unsigned lane = 0; lane < FAST_LANES; lane++) {
        unsigned token = talos_lane_token(lane);
        if (token >= vocab) continue;
        p->live[lane] = -1;
        for (int c = 0; c < FAST_EMBD; c++) p->head[c / 2][lane][c % 2] = (int16_t)head[token * FAST_EMBD + c];
        for (int unit = 0; unit < FAST_MLP; unit++) p->folded[unit][lane][0] = (int16_t)m->folded[token * FAST_MLP + unit];
    }
    talos_precise_make_tables(&p->tables);
    for (uint32_t token = 0; token < vocab; token++)
        for (uint32_t position = 0; position < m->config.block_size; position++)
            talos_precise_row_of(m, token, position, &p->rows[token * FAST_POSITIONS + position]);
    talos_lane_row *lanes = (talos_lane_row *)(void *)(p->rows + rows);
    for (size_t i = 0; i < rows; i++) talos_precise_lane_row_of(&p->rows[i], &lanes[i]);
    *pack = p;
    return TALOS_OK;
}

size_t talos_precise_state_bytes(const talos_model *m) {
    (void)m;
    return sizeof(talos_precise_state);
}
