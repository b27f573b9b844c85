/* Which hidden units of a float32 model can be positive, and matrices with Wo multiplied in: parts of fp32_pack.c's preparation. */
#ifndef TALOS_FP32_UNITS_H
#define TALOS_FP32_UNITS_H

#include "fp32_pack.h"

/* Fill candidates, from fc1_rows and rows. */
void talos_fp32_find_candidates(const talos_model *m, talos_fp32_pack *p);
/* Fill fc1_wo, head_wo and what follows them, from candidates, fc1_rows, head and rows. */
void talos_fp32_fold_wo(const talos_model *m, talos_fp32_pack *p);

#endif
