/* The kernels of a GPU, for NVRTC: streams that live in a warp, and a launch for every operation; in Q4.12 and in float32. A
 * compiler for another processor takes emulation.h first. */
#include "folded.cuh"
#include "float32.cuh"
#include "operations.cuh"
#include "stream.cuh"

static_assert(sizeof(Model<Folded>) == TALOS_FOLDED_BYTES && sizeof(Model<Float32>) == TALOS_FLOAT_BYTES, "layout.py differs");
static_assert(sizeof(Desk<Folded>) == TALOS_DESK_BYTES && sizeof(Job) == TALOS_JOB_BYTES, "layout.py differs");

#define KERNEL(name, threads, body) \
    extern "C" __global__ void __launch_bounds__(threads) name(const Job job) { body; }

#define OPERATION(name, A, operation) KERNEL(name##_##operation, UNITS, Operation<A>(job).operation())

#define KERNELS(name, A) \
    KERNEL(name##_one_stream, LANES, one_stream<A>(job)) \
    KERNEL(name##_many_streams, LANES *TALOS_WARPS, (many_streams<A, TALOS_WARPS>(job))) \
    OPERATION(name, A, begin) OPERATION(name, A, embed) OPERATION(name, A, norm_in_place) OPERATION(name, A, norm) \
    OPERATION(name, A, query) OPERATION(name, A, key) OPERATION(name, A, value) OPERATION(name, A, attend) \
    OPERATION(name, A, project) OPERATION(name, A, unit_addend) OPERATION(name, A, unit) \
    OPERATION(name, A, logit_addend) OPERATION(name, A, logit) OPERATION(name, A, draw)

KERNELS(folded, Folded)
KERNELS(float, Float32)
