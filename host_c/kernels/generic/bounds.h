/* How large the sums of a model of the shipped shape can become: what proves that 32 bits are enough. */
#ifndef TALOS_BOUNDS_H
#define TALOS_BOUNDS_H

#include "precise_pack.h"

/* Of a sum in 32 bits, with room for rounding. */
#define TALOS_SUM_LIMIT (2147483647.0 - 2 * TALOS_WORD_ONE)

/* More than a weighted mean is off by, of words no larger than v: a unit, and 2^-14 of v by the reciprocal (test_divide.py). */
#define TALOS_MEAN_ERROR(v) (0.001 * (v) + 8)

/* Upper bounds, in words. */
typedef struct {
    double v;      /* an element of what attention brings */
    double x;      /* Euclidean norm of x after attention */
    double fc1;    /* largest singular value of fc1, a real number */
    double hidden; /* Euclidean norm of the hidden units fc1 x */
    double folded; /* Euclidean norm of a row of lm_head * fc2 */
} talos_bounds;

/* False if scores, attention, Wo's product or the squares of x may not fit. */
bool talos_bounds_of(const talos_model *m, talos_bounds *bounds);
/* Largest sum of magnitudes of a row. */
double talos_row_sum(const int32_t *a, int rows, int columns);

#endif
