/* The language of the kernels on a processor without a GPU: its keywords, and what the lanes of a warp say to each other. A
 * thread is a fiber that runs until it waits; the order in which they run is the caller's, so that a kernel which lacks
 * a barrier goes wrong in one order or the other. Warps are whole, and their masks full. */
#ifndef TALOS_CUDA_EMULATION
#define TALOS_CUDA_EMULATION

#include <math.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(threads)
#define _Static_assert static_assert

struct int4 {
    int32_t x, y, z, w;
};
struct float4 {
    float x, y, z, w;
};

namespace emulation {
struct Place {
    unsigned x;
};
extern Place thread, block;

/* Wait until all threads of the block, or of the warp, have come here. */
void wait_for_block();
void wait_for_warp();
/* Give the warp eight bytes, and return what every lane gave: [32]. */
const uint64_t *exchange(uint64_t mine);

template <class T> T taken(T mine, unsigned lane) {
    uint64_t word = 0;
    T found;
    memcpy(&word, &mine, sizeof mine);
    memcpy(&found, &exchange(word)[lane % 32], sizeof found);
    return found;
}
}

#define threadIdx emulation::thread
#define blockIdx emulation::block

static inline void __syncthreads() { emulation::wait_for_block(); }
static inline void __syncwarp() { emulation::wait_for_warp(); }
template <class T> T __shfl_sync(unsigned, T value, int lane) { return emulation::taken(value, (unsigned)lane); }
template <class T> T __shfl_xor_sync(unsigned, T value, int mask) {
    return emulation::taken(value, threadIdx.x ^ (unsigned)mask);
}
template <class T> T __shfl_up_sync(unsigned, T value, unsigned step) {
    unsigned own = threadIdx.x % 32;
    return emulation::taken(value, own < step ? own : own - step);
}
static inline unsigned __ballot_sync(unsigned, bool value) {
    const uint64_t *words = emulation::exchange(value);
    unsigned found = 0;
    for (int i = 0; i < 32; i++) found |= (unsigned)words[i] << i;
    return found;
}
static inline unsigned __reduce_add_sync(unsigned, unsigned value) {
    const uint64_t *words = emulation::exchange(value);
    unsigned total = 0;
    for (int i = 0; i < 32; i++) total += (unsigned)words[i];
    return total;
}
static inline int __reduce_max_sync(unsigned, int value) {
    const uint64_t *words = emulation::exchange((uint32_t)value);
    int top = INT32_MIN;
    for (int i = 0; i < 32; i++) top = top > (int32_t)words[i] ? top : (int32_t)words[i];
    return top;
}
static inline unsigned long long atomicAdd(unsigned long long *at, unsigned long long value) {
    unsigned long long before = *at;
    *at += value;
    return before;
}
static inline int __ffs(int value) { return __builtin_ffs(value); }
template <class To, class From> To same_bits(From value) {
    To found;
    memcpy(&found, &value, sizeof found);
    return found;
}
static inline float __int_as_float(int value) { return same_bits<float>(value); }
static inline float __uint_as_float(unsigned value) { return same_bits<float>(value); }

#endif
