/* The draw in float32 for streams in lanes, after the order of a single stream's running sums. A file includes this after it has
 * defined vectors of LANES floats, of integers as long (`wholes`), and what is done with them. */
#ifndef TALOS_DRAW_LANES_FP32_H
#define TALOS_DRAW_LANES_FP32_H

#include "fp32_pack.h"

enum { PAIRS = FAST_LANES / 2 };

/* A value of each token; an odd token follows its even one. */
typedef struct {
    floats even[PAIRS], odd[PAIRS];
} token_floats;

/* The tokens of a model. */
typedef struct {
    int pairs; /* the last perhaps with an even token alone */
    bool last_odd;
} vocabulary;

/* Logits of no token, which are computed with the others: numbers, and not what was in their place. */
INLINE void clear_rest(vocabulary v, token_floats *logits) {
    for (int i = v.pairs; i < PAIRS; i++) logits->even[i] = logits->odd[i] = spread(0.0f);
}

/* Running sums of weights 2^((logit - top) inverse): before the odd token of each pair, and behind it. */
INLINE void sum_weights(vocabulary v, const token_floats *logits, floats top, floats inverse, token_floats *sums) {
    floats pair[PAIRS], odd[PAIRS], *behind = sums->odd;
    for (int i = 0; i < v.pairs; i++) {
        floats even = power_of_two(multiply(subtract(logits->even[i], top), inverse));
        odd[i] = power_of_two(multiply(subtract(logits->odd[i], top), inverse));
        if (i + 1 == v.pairs && !v.last_odd) odd[i] = spread(0.0f);
        pair[i] = add(even, odd[i]);
    }
    for (int i = v.pairs; i < PAIRS; i++) pair[i] = odd[i] = spread(0.0f);
    for (int i = 0; i < PAIRS; i += 4) {
        behind[i] = pair[i];
        behind[i + 1] = add(pair[i + 1], pair[i]);
        behind[i + 2] = add(add(pair[i + 2], pair[i + 1]), pair[i]);
        behind[i + 3] = add(add(pair[i + 3], pair[i + 2]), behind[i + 1]);
    }
    for (int i = 4; i < 8; i++) behind[i] = add(behind[i], behind[3]);
    for (int i = 12; i < 16; i++) behind[i] = add(behind[i], behind[11]);
    for (int i = 8; i < 16; i++) behind[i] = add(behind[i], behind[7]);
    for (int i = 0; i < PAIRS; i++) sums->even[i] = subtract(behind[i], odd[i]);
}

/* The same at position 0, where all streams have the logits `first`. */
INLINE void first_sums(vocabulary v, const float first[FAST_LANES], floats inverse, token_floats *logits, token_floats *sums) {
    for (int i = 0; i < PAIRS; i++) {
        logits->even[i] = spread(first[i]);
        logits->odd[i] = spread(first[PAIRS + i]);
    }
    sum_weights(v, logits, spread(0.0f), inverse, sums);
}

/* Number of tokens whose running sum does not exceed the cut, which is the token drawn; `random` is in [0, 1). */
INLINE wholes first_above(vocabulary v, const token_floats *sums, floats random) {
    wholes even = no_wholes(), odd = no_wholes();
    floats cut = multiply(sums->odd[PAIRS - 1], random);
    for (int i = 0; i < v.pairs; i++) {
        even = count_at_most(even, sums->even[i], cut);
        odd = count_at_most(odd, sums->odd[i], cut);
    }
    return add_wholes(even, odd);
}

/* The token of each lane; `sums` are those without a top. */
INLINE wholes draw_lanes(vocabulary v, const token_floats *logits, const token_floats *sums, floats inverse, wholes rng) {
    floats random = random_of(rng), total = sums->odd[PAIRS - 1];
    wholes token = first_above(v, sums, random);
    /* Without the maximum taken off first, a low temperature can leave float's range. */
    if (__builtin_expect(all_between(1e-20f, total, 1e30f), 1)) return token;
    token_floats again;
    floats top = logits->even[0];
    for (int i = 0; i < v.pairs; i++) {
        top = maximum(top, logits->even[i]);
        if (i + 1 < v.pairs || v.last_odd) top = maximum(top, logits->odd[i]);
    }
    sum_weights(v, logits, top, inverse, &again);
    return where_between(1e-20f, total, 1e30f, token, first_above(v, &again, random));
}

#endif
