/* A warp, in which a stream lives. */
#ifndef TALOS_CUDA_WARP
#define TALOS_CUDA_WARP

#include "layout.cuh"

#define ALL 0xFFFFFFFFu

static inline __device__ unsigned lane() { return threadIdx.x % LANES; }

static inline __device__ uint32_t xorshift32(uint32_t state) {
    state ^= state << 13;
    state ^= state >> 17;
    return state ^ state << 5;
}

#endif
