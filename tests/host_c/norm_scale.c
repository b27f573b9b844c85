/* RMSNorm's scales of a model, a line each, for the sums of squares in a file of lines. */
#include <inttypes.h>
#include <stdio.h>

#include "internal.h"

int main(int argc, char **argv) {
    talos_model *model;
    int64_t sum;
    if (argc != 3 || talos_model_open(argv[1], TALOS_PRECISE, "scalar", &model)) return 2;
    FILE *sums = fopen(argv[2], "r");
    if (!sums) return 2;
    while (fscanf(sums, "%" SCNd64, &sum) == 1) printf("%" PRId32 "\n", talos_norm_scale(&model->norm, sum));
    fclose(sums);
    talos_model_free(model);
    return 0;
}
