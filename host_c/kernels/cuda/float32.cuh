/* float32, folded in the same way. Operations round as IEEE 754 says and are contracted only where fmaf is written, so that
 * every processor gets the same bits. */
#ifndef TALOS_CUDA_FLOAT32
#define TALOS_CUDA_FLOAT32

#include "warp.cuh"

struct Float32 {
    typedef float word;
    typedef float4 four;
    typedef float sum;
    struct Norm {
        float eps, unused[3];
    };
    struct noise {
        float inverse, random; /* log2(e) / T, and in [0, 1) */
    };

    static inline __device__ word multiply_add(word a, word b, word total) { return fmaf(a, b, total); }

    /* 2^t, relative error below 1e-7: the minimax polynomial of fp32_avx512.h; 0 below 2^-126. */
    static inline __device__ float exp2(float t) {
        float whole = floorf(t), f = t - whole, f2 = f * f;
        float low = fmaf(0.6931530239f, f, 0.9999999267f), middle = fmaf(0.0558261729f, f, 0.2401538184f);
        float high = fmaf(0.001877784128f, f, 0.008989127362f);
        float mantissa = fmaf(fmaf(high, f2, middle), f2, low);
        if (whole < -126) return 0;
        return mantissa * __int_as_float(((int)(whole > 127 ? 127 : whole) + 127) << 23);
    }

    static inline __device__ word score(sum total) { return total; }
    static inline __device__ word least() { return -1e30f; }
    static inline __device__ word exponent(word t) { return t; }
    static inline __device__ word weight(word t, word top) { return exp2(t - top); }
    static inline __device__ word mean(sum total, word weights) { return total / weights; }

    static inline __device__ word scale(const Norm &norm, sum squares) {
        return 1 / sqrtf(fmaf(squares, 1.0f / EMBD, norm.eps));
    }
    static inline __device__ word scaled(word x, word scale) { return x * scale; }
    static inline __device__ sum squares(word x) {
        float total = x * x;
        for (int step = EMBD / 2; step; step /= 2) total += __shfl_xor_sync(ALL, total, step);
        return total;
    }

    static inline __device__ word query(sum total, word scale) { return total * scale; }
    static inline __device__ word linear(sum total) { return total; }
    static inline __device__ word addend(word w) { return w; }
    static inline __device__ word add(word a, word b) { return a + b; }
    static inline __device__ word unit(word total) { return total > 0 ? total : 0; }
    static inline __device__ word logit(sum total, word scale, sum direct) { return fmaf(total, scale, direct); }

    static inline __device__ bool greedy(uint32_t temper) { return temper == 0; }
    static inline __device__ noise noise_of(uint32_t rng, uint32_t temper) {
        return noise{__uint_as_float(temper), (float)(rng & 0xFFFFFF) * 0x1p-24f};
    }
    /* The first token whose running sum of weights exceeds the cut. */
    static inline __device__ int draw(int vocab, word logit, noise own) {
        bool live = (int)lane() < vocab;
        if (own.inverse == 0) {
            float top = maximum(live ? logit : least());
            return __ffs((int)__ballot_sync(ALL, live && logit == top)) - 1;
        }
        float running = running_sum(live ? exp2(logit * own.inverse) : 0), total = __shfl_sync(ALL, running, vocab - 1);
        /* Without the maximum taken off first, a low temperature can leave float's range. */
        if (!(total > 1e-20f && total < 1e30f)) {
            float top = maximum(live ? logit : least());
            running = running_sum(live ? exp2((logit - top) * own.inverse) : 0);
            total = __shfl_sync(ALL, running, vocab - 1);
        }
        int token = __ffs((int)__ballot_sync(ALL, live && running > total * own.random)) - 1;
        return token < 0 ? vocab - 1 : token;
    }

  private:
    static inline __device__ float maximum(float value) {
        for (int step = LANES / 2; step; step /= 2) {
            float other = __shfl_xor_sync(ALL, value, step);
            value = value > other ? value : other;
        }
        return value;
    }
    static inline __device__ float running_sum(float value) {
        for (unsigned step = 1; step < LANES; step *= 2) {
            float before = __shfl_up_sync(ALL, value, step);
            if (lane() >= step) value += before;
        }
        return value;
    }
};

#endif
