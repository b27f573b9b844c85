/* A step as a launch for every operation, as a framework would do it: nothing stays in registers, and the host waits for
 * every token. A kernel is one block; a thread makes one element. */
#ifndef TALOS_CUDA_OPERATIONS
#define TALOS_CUDA_OPERATIONS

#include "warp.cuh"

template <class A> static inline __device__ typename A::sum dot(const typename A::word *a, const typename A::word *b, int n) {
    typename A::sum total = 0;
    for (int i = 0; i < n; i++) total = A::multiply_add(a[i], b[i], total);
    return total;
}

template <class A> struct Operation {
    typedef typename A::word word;
    typedef typename A::sum sum;
    const Model<A> &m;
    Desk<A> &d;
    const Job &job;
    const int own, position;

    __device__ explicit Operation(const Job &job)
        : m(*(const Model<A> *)job.model), d(*(Desk<A> *)job.desk), job(job), own((int)threadIdx.x), position((int)job.position) {}

    /* Begin a stream, or a name: the job's position is 1 for the one and 0 for the other. */
    __device__ void begin() {
        if (position) d.rng = job.seed;
        d.token = m.vocab - 1;
    }
    __device__ void embed() { d.x[own] = A::add(m.wte[d.token][own], m.wpe[position][own]); }
    __device__ void norm_in_place() {
        word y = A::scaled(d.x[own], A::scale(m.norm, dot<A>(d.x, d.x, EMBD)));
        __syncthreads();
        d.x[own] = y;
    }
    __device__ void norm() { d.normed[own] = A::scaled(d.x[own], A::scale(m.norm, dot<A>(d.x, d.x, EMBD))); }
    __device__ void query() { d.q[own] = A::query(dot<A>(m.wq[own], d.normed, EMBD), m.query_scale); }
    __device__ void key() { d.k[position][own] = A::linear(dot<A>(m.wk[own], d.normed, EMBD)); }
    __device__ void value() { d.v[position][own] = A::linear(dot<A>(m.wv[own], d.normed, EMBD)); }
    __device__ void attend() {
        int first = own / HEAD_DIM * HEAD_DIM;
        word t[POSITIONS], top = A::least(), weights = 0;
        sum total = 0;
        for (int at = 0; at <= position; at++) {
            t[at] = A::score(dot<A>(d.q + first, d.k[at] + first, HEAD_DIM));
            top = top > A::exponent(t[at]) ? top : A::exponent(t[at]);
        }
        for (int at = 0; at <= position; at++) {
            word weight = A::weight(t[at], top);
            total = A::multiply_add(weight, d.v[at][own], total);
            weights += weight;
        }
        d.mixed[own] = A::mean(total, weights);
    }
    __device__ void project() { d.stream[own] = A::add(d.x[own], A::linear(dot<A>(m.wo[own], d.mixed, EMBD))); }
    __device__ void unit_addend() { d.f1[own] = A::addend(A::linear(dot<A>(m.fc1[own], d.x, EMBD))); }
    __device__ void unit() { d.hidden[own] = A::unit((word)(dot<A>(m.fc1_wo[own], d.mixed, EMBD) + d.f1[own])); }
    __device__ void logit_addend() { d.l[own] = A::addend(A::linear(dot<A>(m.head[own], d.x, EMBD))); }
    __device__ void logit() {
        sum total = 0;
        for (int i = 0; i < UNITS; i++) total = A::multiply_add(m.folded[i][own], d.hidden[i], total);
        word scale = A::scale(m.norm, dot<A>(d.stream, d.stream, EMBD));
        d.logits[own] = A::logit(total, scale, dot<A>(m.head_wo[own], d.mixed, EMBD) + d.l[own]);
    }
    __device__ void draw() {
        uint32_t rng = A::greedy(job.temper) ? d.rng : xorshift32(d.rng);
        int token = A::draw(m.vocab, d.logits[own], A::noise_of(rng, job.temper));
        __syncwarp();
        d.rng = rng;
        d.token = token;
    }
};

#endif
