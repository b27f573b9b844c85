#include "candidates.h"

#include <math.h>

void talos_mark_candidates(const talos_config *config, int unit, const talos_unit_sums *sums,
                           uint64_t candidates[FAST_POSITIONS][FAST_LANES]) {
    const uint32_t vocab = config->vocab_size, bos = vocab - 1;
    double seen[FAST_HEADS];
    for (int head = 0; head < FAST_HEADS; head++) seen[head] = -INFINITY;
    for (uint32_t position = 0; position < config->block_size; position++) {
        for (uint32_t token = 0; token < vocab; token++) {
            double sum = sums->before[position][token];
            for (int head = 0; head < FAST_HEADS; head++) sum += fmax(seen[head], sums->share[position][token][head]);
            /* Not "sum > 0": NaN may be positive. */
            candidates[position][token] |= (uint64_t)!(sum <= 0) << unit;
        }
        /* Names begin with BOS; what follows it may be any token. */
        for (uint32_t token = position ? 0 : bos; token < vocab; token++)
            for (int head = 0; head < FAST_HEADS; head++) seen[head] = fmax(seen[head], sums->share[position][token][head]);
    }
}
