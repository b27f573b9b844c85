/* Which hidden units can be positive after a token at a position, whatever came before. */
#ifndef TALOS_CANDIDATES_H
#define TALOS_CANDIDATES_H

#include "fast.h"

/* What can be known of a unit beforehand, [position][token]. */
typedef struct {
    /* What fc1 makes of x, plus all that the sum may be off by, less the largest number that is not positive. */
    double before[FAST_POSITIONS][FAST_LANES];
    /* What fc1 Wo makes of a head's value. */
    double share[FAST_POSITIONS][FAST_LANES][FAST_HEADS];
} talos_unit_sums;

/* Set the bit of `unit` in [position][token] wherever it can be positive in a name that begins with BOS.
 *
 * What attention mixes of a head's values is a mean of them, so that its share in fc1 (x + Wo mixed) is at most the largest share
 * of a value that can have been seen. Where the sum of fc1 x and the largest shares is not positive, neither is the unit. */
void talos_mark_candidates(const talos_config *config, int unit, const talos_unit_sums *sums,
                           uint64_t candidates[FAST_POSITIONS][FAST_LANES]);

#endif
