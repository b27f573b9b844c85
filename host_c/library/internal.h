/* What the library's files share: the loaded model, the state of a stream, and the kernel table. */
#ifndef TALOS_INTERNAL_H
#define TALOS_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "fixed.h"
#include "talos.h"

enum { TALOS_GROUP = 8 }; /* streams that a kernel steps side by side */
enum { TALOS_ROW = 16 };  /* tokens of a name where streams go in lanes */
enum { TALOS_MAX_VOCAB = 256 };

/* Tensors of one layer, row-major [rows][columns], as indices into the parameter array. */
typedef struct {
    size_t wq, wk, wv, wo, fc1, fc2;
} talos_layer;

typedef struct talos_kernel talos_kernel;

struct talos_model {
    talos_config config;
    uint32_t head_dim;
    talos_arithmetic arithmetic;
    const talos_kernel *kernel;
    size_t parameters;
    float *weights;                 /* [parameters] */
    int32_t *words;                 /* [parameters], integer arithmetics: of `format` */
    int32_t *folded;                /* [vocab][mlp], precise and folded: lm_head * fc2 of the last layer */
    int32_t *fc1_wo;                /* [mlp][n_embd], folded: fc1 * Wo */
    int32_t *lm_head_wo;            /* [vocab][n_embd], folded: lm_head * Wo */
    talos_format logit;             /* of logits, folded */
    int32_t query_scale;            /* precise, folded: log2(e) / sqrt(head_dim), UQ4.13 */
    talos_norm norm;                /* precise, folded */
    size_t wte, wpe, lm_head;
    talos_layer layer[16];
    void *pack;                     /* the kernel's own layout of the weights, or null */
    atomic_uint references;
    talos_format format;            /* of words */
    uint32_t *letters;              /* [vocab - 1], code points */
};

/* Temperature as each sampler wants it. */
typedef struct {
    double value;
    bool greedy;
    float inverse;         /* fp32: log2(e) / T */
    uint32_t q8;           /* integer: UQ8.8 */
    int32_t inverse_word;  /* precise: log2(e) / T with `shift` fraction bits */
    int32_t shift;
} talos_temper;

struct talos_stream {
    _Alignas(64) float logits[TALOS_MAX_VOCAB]; /* fp32 */
    _Alignas(64) int32_t words[TALOS_MAX_VOCAB]; /* integer arithmetics */
    talos_model *model;
    void *cache;   /* keys and values, laid out by the kernel */
    void *scratch; /* the kernel's working memory */
    talos_temper temper;
    uint32_t rng;
    uint32_t token;    /* input of the next step, then the token drawn */
    uint32_t position; /* of the next step */
    bool greedy;
    bool stepped;
};

/* Streams that stand at one position. A row holds the tokens that a stream has drawn. */
typedef struct {
    const talos_temper *temper; /* not greedy */
    uint32_t position;
    size_t count;
    const uint32_t *rows;                 /* [count], indices into tokens */
    const uint8_t (*tokens)[TALOS_ROW];   /* [row][position] */
    uint32_t *rng;                        /* [count], random states, which the step advances */
    uint8_t *drawn;                       /* [count], receives the token drawn */
} talos_group;

/* One implementation of the model. All of an arithmetic's integer kernels agree to the bit. */
struct talos_kernel {
    const char *name;
    talos_arithmetic arithmetic;
    int32_t word_width;                       /* widest word that it takes, bits; 0 if it uses none */
    bool (*available)(void);                  /* on this CPU */
    bool (*suits)(const talos_model *model);  /* for these dimensions and weights */
    talos_status (*prepare)(talos_model *model, void **pack);
    size_t (*cache_bytes)(const talos_model *model);
    size_t (*scratch_bytes)(const talos_model *model);
    /* Step each of `count` streams: read token and position; write logits, rng and the token drawn. */
    void (*step)(const talos_model *model, talos_stream *const *streams, int count);
    /* Step a group, a stream in a lane; null if the kernel has no such form, or the names may not fit TALOS_ROW. */
    void (*together)(const talos_model *model, const talos_group *group);
};

/* Kernels of an arithmetic, fastest first, ended by null; null for a number that is none. */
const talos_kernel *const *talos_kernels(talos_arithmetic arithmetic);

extern const talos_kernel talos_fp32_scalar, talos_precise_scalar, talos_folded_scalar, talos_v2_scalar;
#if defined(TALOS_X86)
extern const talos_kernel talos_fp32_avx2, talos_fp32_avx512, talos_precise_avx2, talos_precise_avx512, talos_precise_avx2_f64;
extern const talos_kernel talos_folded_avx2, talos_folded_avx512;
#endif
#if defined(TALOS_WASM)
extern const talos_kernel talos_fp32_simd128, talos_folded_simd128;
#endif
#if defined(TALOS_NEON)
extern const talos_kernel talos_fp32_neon, talos_precise_neon, talos_folded_neon;
#if defined(__aarch64__)
extern const talos_kernel talos_precise_neon_f64;
#endif
#endif

/* model.c */
void *talos_allocate(size_t bytes); /* zeroed, aligned to 64 */
bool talos_always(void);
bool talos_any_model(const talos_model *model);
/* stream.c */
talos_status talos_temper_set(const talos_model *model, double temperature, talos_temper *temper);
talos_status talos_stream_init(talos_stream *stream, talos_model *model, uint32_t seed, const talos_temper *temper,
                               void *cache, void *scratch);
bool talos_stream_advance(talos_stream *stream);

static inline uint32_t talos_xorshift32(uint32_t state) {
    state ^= state << 13;
    state ^= state >> 17;
    return state ^ state << 5;
}

/* Random state for a draw; a greedy stream leaves it alone. */
static inline uint32_t talos_next_rng(talos_stream *stream) {
    if (!stream->greedy) stream->rng = talos_xorshift32(stream->rng);
    return stream->rng;
}

#endif
