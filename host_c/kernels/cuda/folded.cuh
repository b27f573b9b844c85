/* `folded` in Q4.12, from the pieces of the C library: equal to the golden model in every logit, token and random state. */
#ifndef TALOS_CUDA_FOLDED
#define TALOS_CUDA_FOLDED

#include "fixed.h"
#include "gumbel_noise.h"
#include "warp.cuh"

struct Folded {
    typedef int32_t word;
    typedef int4 four;
    typedef long long sum;     /* where 32 bits may not do */
    typedef int32_t noise;
    typedef talos_norm Norm;

    static inline __device__ const talos_format *format() { return &talos_formats[0]; }
    static inline __device__ word round(sum total) {
        return talos_word(format(), talos_round_shift(total, TALOS_WORD_FRACTION));
    }

    /* Sums of products; host_c/cuda/layout.py refuses matrices of which one may not fit 32 bits. */
    static inline __device__ word multiply_add(word a, word b, word total) { return a * b + total; }
    static inline __device__ sum multiply_add(word a, word b, sum total) { return (sum)a * b + total; }

    /* Attention. */
    static inline __device__ word score(sum total) {
        return (word)talos_round_shift(total, TALOS_SUM_FRACTION - TALOS_EXPONENT_FRACTION);
    }
    static inline __device__ word least() { return INT32_MIN >> TALOS_EXPONENT_FRACTION; }
    static inline __device__ word exponent(word t) { return t >> TALOS_EXPONENT_FRACTION; }
    static inline __device__ word weight(word t, word top) { return talos_exp2_weight(t, top); }
    static inline __device__ word mean(sum total, word weights) { return talos_divide(format(), total, weights); }

    /* RMSNorm; `squares` of a vector whose element i is in lanes i and i + 16. */
    static inline __device__ word scale(const Norm &norm, sum squares) { return talos_norm_scale(&norm, squares); }
    static inline __device__ word scaled(word x, word scale) {
        return talos_word(format(), talos_round_shift((sum)x * scale, TALOS_SCALE_FRACTION));
    }
    static inline __device__ sum squares(word x) {
        uint32_t square = lane() < EMBD ? (uint32_t)(x * x) : 0;
        return (sum)__reduce_add_sync(ALL, square >> 16) * 65536 + __reduce_add_sync(ALL, square & 0xFFFF);
    }

    /* Sums as words. */
    static inline __device__ word query(sum total, word scale) { return with_scale(format(), total, scale, 0); }
    static inline __device__ word linear(sum total) { return round(total); }
    static inline __device__ word addend(word w) { return w * TALOS_WORD_ONE; }
    static inline __device__ word add(word a, word b) { return talos_word(format(), (sum)a + b); }
    static inline __device__ word unit(word total) { return round(total > 0 ? total : 0); }
    static inline __device__ word logit(sum total, word scale, sum direct) {
        return with_scale(&talos_logit_formats[0], total, scale, direct);
    }

    /* What is added to a lane's key, and the first of the largest keys. */
    static inline __device__ bool greedy(uint32_t temper) { return temper == 0; }
    static inline __device__ noise noise_of(uint32_t rng, uint32_t temper) {
        return (noise)talos_round_shift((sum)(int32_t)temper * talos_gumbel(talos_lane_bits(rng, lane())), TALOS_NOISE_SHIFT);
    }
    static inline __device__ int draw(int vocab, word logit, noise own) {
        word key = (int)lane() < vocab ? logit * (1 << TALOS_KEY_SHIFT) + own : INT32_MIN;
        return __ffs((int)__ballot_sync(ALL, key == __reduce_max_sync(ALL, key))) - 1;
    }

  private:
    /* As `scaled` in precise_scalar.h. */
    static inline __device__ word with_scale(const talos_format *f, sum total, word scale, sum addend) {
        int finer = f->wide_fraction + TALOS_SCALE_FRACTION - TALOS_SUM_FRACTION;
        sum wide = talos_clamp(talos_round_shift(total, TALOS_SUM_FRACTION - f->wide_fraction), f->wide_low, f->wide_high);
        return talos_word(f, talos_round_shift(wide * scale + addend * (1 << finer), finer + TALOS_WORD_FRACTION));
    }
};

#endif
