/* What the kernels read and write. host_c/cuda/layout.py has the same structures. */
#ifndef TALOS_CUDA_LAYOUT
#define TALOS_CUDA_LAYOUT

#include <stdint.h>

enum { EMBD = 16, HEADS = 4, UNITS = 64, POSITIONS = 16, TOKENS = 32, HEAD_DIM = EMBD / HEADS, LANES = 32 };
/* Weights of a head in shared memory: eight more than it has, so that four heads meet in no bank. */
enum { WEIGHTS = POSITIONS + 8 };

/* After (token, position), as in folded_pack.h; addends are sums. */
template <class A> struct alignas(16) Row {
    typename A::word x[EMBD], q[EMBD], k[EMBD], v[EMBD], f1[UNITS], l[TOKENS];
};

/* Matrices by row. Row UNITS of `folded`, and everything that is of no token, is 0. */
template <class A> struct alignas(16) Model {
    int32_t vocab, letters; /* letters: most of a name */
    typename A::word query_scale, unused;
    typename A::Norm norm;
    typename A::word wte[TOKENS][EMBD], wpe[POSITIONS][EMBD];
    typename A::word wq[EMBD][EMBD], wk[EMBD][EMBD], wv[EMBD][EMBD], wo[EMBD][EMBD];
    typename A::word fc1[UNITS][EMBD], fc1_wo[UNITS][EMBD];
    typename A::word head[TOKENS][EMBD], head_wo[TOKENS][EMBD];
    typename A::word folded[UNITS + 1][TOKENS]; /* lm_head * fc2 by hidden unit */
    typename A::word first[TOKENS][TOKENS];     /* [token]: logits after it at position 0 */
    Row<A> rows[TOKENS][POSITIONS];
};

/* A step of the kernels that do one operation each. */
template <class A> struct alignas(16) Desk {
    typename A::word x[EMBD], normed[EMBD], q[EMBD], mixed[EMBD], stream[EMBD];
    typename A::word f1[UNITS], hidden[UNITS], l[TOKENS], logits[TOKENS];
    typename A::word k[POSITIONS][EMBD], v[POSITIONS][EMBD];
    uint32_t rng;
    int32_t token;
};

enum { STEPS = 0, NEXT = 1, STATE = 2 }; /* counters */

/* The one argument of every kernel. */
struct Job {
    const void *model;            /* Model<A> */
    void *desk;                   /* Desk<A> */
    const uint32_t *seeds;        /* [names] */
    uint8_t *tokens;              /* [names][POSITIONS]: letters, then BOS to the end */
    void *logits;                 /* A::word [names][POSITIONS][TOKENS] of every step, or null */
    unsigned long long *counters; /* steps taken; the next name; the random state of the single stream */
    uint64_t names;
    uint32_t seed, temper, position, unused;
};

#endif
