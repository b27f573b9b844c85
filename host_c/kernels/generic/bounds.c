/* How large the sums of a model of the shipped shape can become. */
#include "bounds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double word_one = TALOS_WORD_ONE;

typedef struct {
    double q[FAST_EMBD], k[FAST_EMBD], v[FAST_EMBD]; /* largest magnitudes over all rows, words */
    double x_norm;                                   /* largest Euclidean norm of x, words */
} row_bounds;

static row_bounds bound_rows(const talos_model *m) {
    row_bounds b;
    memset(&b, 0, sizeof b);
    for (uint32_t token = 0; token < m->config.vocab_size; token++)
        for (uint32_t position = 0; position < m->config.block_size; position++) {
            talos_precise_row row;
            double norm = 0;
            talos_precise_row_of(m, token, position, &row);
            for (int i = 0; i < FAST_EMBD; i++) {
                b.q[i] = fmax(b.q[i], fabs((double)row.q[i]));
                b.k[i] = fmax(b.k[i], fabs((double)row.k[i]));
                b.v[i] = fmax(b.v[i], fabs((double)row.v[i]));
                norm += (double)row.x[i] * row.x[i];
            }
            b.x_norm = fmax(b.x_norm, sqrt(norm));
        }
    return b;
}

/* Upper bound of the largest singular value of a matrix [rows][16]: trace((A'A)^8)^(1/16). */
static double spectral_bound(const int32_t *a, int rows) {
    double g[FAST_EMBD][FAST_EMBD] = {{0}}, next[FAST_EMBD][FAST_EMBD], trace = 0;
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < FAST_EMBD; i++)
            for (int j = 0; j < FAST_EMBD; j++)
                g[i][j] += a[r * FAST_EMBD + i] / word_one * (a[r * FAST_EMBD + j] / word_one);
    for (int square = 0; square < 3; square++) {
        for (int i = 0; i < FAST_EMBD; i++)
            for (int j = 0; j < FAST_EMBD; j++) {
                next[i][j] = 0;
                for (int l = 0; l < FAST_EMBD; l++) next[i][j] += g[i][l] * g[l][j];
            }
        memcpy(g, next, sizeof g);
    }
    for (int i = 0; i < FAST_EMBD; i++) trace += g[i][i];
    return pow(trace, 1.0 / 16.0);
}

static double norm_of(const int32_t *row, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)row[i] * row[i];
    return sqrt(sum);
}

double talos_row_sum(const int32_t *a, int rows, int columns) {
    int64_t top = 0;
    for (int r = 0; r < rows; r++) {
        int64_t sum = 0;
        for (int c = 0; c < columns; c++) sum += abs(a[r * columns + c]);
        if (sum > top) top = sum;
    }
    return (double)top;
}

bool talos_bounds_of(const talos_model *m, talos_bounds *bounds) {
    const double slack = 1.001;
    const int32_t *wo = m->words + m->layer[0].wo, *fc1 = m->words + m->layer[0].fc1;
    row_bounds b = bound_rows(m);
    double v_norm = 0;
    memset(bounds, 0, sizeof *bounds);
    for (int first = 0; first < FAST_EMBD; first += 4) {
        double score = 0;
        for (int i = first; i < first + 4; i++) score += b.q[i] * b.k[i];
        if (score > TALOS_SUM_LIMIT) return false;
    }
    for (int i = 0; i < FAST_EMBD; i++) {
        double v = b.v[i] + TALOS_MEAN_ERROR(b.v[i]);
        bounds->v = fmax(bounds->v, v);
        v_norm += v * v;
    }
    /* Attention stays a word without saturation, and so does its product with Wo. */
    if (bounds->v > TALOS_Q4_12_HIGH / 2) return false;
    if (talos_row_sum(wo, FAST_EMBD, FAST_EMBD) * bounds->v / word_one > TALOS_Q4_12_HIGH - 1) return false;
    /* |x| after attention, and hidden units. ReLU and saturation only shorten a vector. */
    bounds->x = (b.x_norm + spectral_bound(wo, FAST_EMBD) * sqrt(v_norm)) * slack + 8;
    bounds->fc1 = spectral_bound(fc1, FAST_MLP) * slack;
    bounds->hidden = bounds->fc1 * bounds->x + 8;
    for (uint32_t token = 0; token < m->config.vocab_size; token++)
        bounds->folded = fmax(bounds->folded, norm_of(m->folded + token * FAST_MLP, FAST_MLP));
    return bounds->x * bounds->x < TALOS_SUM_LIMIT;
}
