/* A stream in a warp, from its first token to its last: the step of folded_scalar.c, with the matrices in registers. */
#ifndef TALOS_CUDA_STREAM
#define TALOS_CUDA_STREAM

#include "warp.cuh"

/* What a lane multiplies with: two hidden units, a token, and half a row of Wo. */
template <class A> struct Share {
    typename A::word unit[2][EMBD], head[EMBD], wo[EMBD / 2];
};

/* What the lanes of a warp tell each other, and the stream's keys and values. */
template <class A> struct alignas(16) Room {
    typename A::word k[POSITIONS][EMBD], v[POSITIONS][EMBD], weights[HEADS][WEIGHTS], mixed[EMBD];
};

template <class A> static inline __device__ Share<A> share_of(const Model<A> &m) {
    Share<A> s;
    unsigned own = lane(), dim = own % EMBD, half = own / EMBD;
#pragma unroll
    for (int c = 0; c < EMBD; c++) {
        s.unit[0][c] = m.fc1_wo[own][c];
        s.unit[1][c] = m.fc1_wo[own + LANES][c];
        s.head[c] = m.head_wo[own][c];
    }
#pragma unroll
    for (int c = 0; c < EMBD / 2; c++) s.wo[c] = m.wo[dim][half * (EMBD / 2) + c];
    return s;
}

template <class A> static inline __device__ typename A::four four_of(const typename A::word *at) {
    return *(const typename A::four *)at;
}

/* Score of a position for a head. */
template <class A> static inline __device__ typename A::word score(typename A::four q, const typename A::word *key) {
    typename A::four k = four_of<A>(key);
    typename A::sum total = 0;
    total = A::multiply_add(q.x, k.x, total);
    total = A::multiply_add(q.y, k.y, total);
    total = A::multiply_add(q.z, k.z, total);
    total = A::multiply_add(q.w, k.w, total);
    return A::score(total);
}

/* Output of attention into the room. A lane has a head and two positions, then an element and every other position. */
template <class A> static inline __device__ void attend(const Row<A> &row, Room<A> &room, int position) {
    typedef typename A::word word;
    unsigned own = lane(), head = own / (LANES / HEADS), slot = own % (LANES / HEADS);
    typename A::four q = four_of<A>(row.q + head * HEAD_DIM);
    word t[2];
    word top = A::least();
#pragma unroll
    for (int turn = 0; turn < 2; turn++) {
        if (turn && position < LANES / HEADS) break;
        int at = (int)slot + turn * (LANES / HEADS);
        t[turn] = score<A>(q, room.k[at] + head * HEAD_DIM);
        word exponent = at <= position ? A::exponent(t[turn]) : A::least();
        top = top > exponent ? top : exponent;
    }
#pragma unroll
    for (int step = 1; step < LANES / HEADS; step *= 2) {
        word other = __shfl_xor_sync(ALL, top, step);
        top = top > other ? top : other;
    }
#pragma unroll
    for (int turn = 0; turn < 2; turn++) {
        if (turn && position < LANES / HEADS) break;
        int at = (int)slot + turn * (LANES / HEADS);
        room.weights[head][at] = at <= position ? A::weight(t[turn], top) : 0;
    }
    __syncwarp();
    unsigned dim = own % EMBD, half = own / EMBD;
    typename A::sum total = 0;
    word weights = 0;
    for (int at = (int)half; at <= position; at += 2) {
        word weight = room.weights[dim / HEAD_DIM][at];
        total = A::multiply_add(weight, room.v[at][dim], total);
        weights += weight;
    }
    total += __shfl_xor_sync(ALL, total, EMBD);
    weights += __shfl_xor_sync(ALL, weights, EMBD);
    word mixed = A::mean(total, weights);
    if (half == 0) room.mixed[dim] = mixed;
    __syncwarp();
}

/* lm_head * fc2 times the positive hidden units alone. Four are under way at a time; where none is left, a row of zeros is. */
template <class A> static inline __device__ typename A::sum sparse(const Model<A> &m, const typename A::word unit[2]) {
    typename A::sum total = 0;
    uint32_t left[2] = {__ballot_sync(ALL, unit[0] > 0), __ballot_sync(ALL, unit[1] > 0)};
    while (left[0] | left[1]) {
#pragma unroll
        for (int half = 0; half < 2; half++)
#pragma unroll
            for (int i = 0; i < 2; i++) {
                int at = __ffs((int)left[half]) - 1, row = left[half] ? at + half * LANES : UNITS;
                total = A::multiply_add(__shfl_sync(ALL, unit[half], at & (LANES - 1)), m.folded[row][lane()], total);
                left[half] &= left[half] - 1;
            }
    }
    return total;
}

/* Logit of the lane's token after a token at a position, whose key and value join the room. */
template <class A>
static inline __device__ typename A::word step(const Model<A> &m, const Share<A> &s, Room<A> &room, int token, int position) {
    typedef typename A::word word;
    unsigned own = lane(), dim = own % EMBD, half = own / EMBD;
    const Row<A> &row = m.rows[token][position];
    if (half == 0) room.k[position][dim] = row.k[dim];
    else room.v[position][dim] = row.v[dim];
    if (position == 0) return m.first[token][own];
    __syncwarp();
    word lower = row.f1[own], upper = row.f1[own + LANES], direct = row.l[own], part = 0;
    attend(row, room, position);
#pragma unroll
    for (int c = 0; c < EMBD; c += 4) {
        typename A::four a = four_of<A>(room.mixed + c);
        const word mixed[4] = {a.x, a.y, a.z, a.w};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            lower = A::multiply_add(s.unit[0][c + i], mixed[i], lower);
            upper = A::multiply_add(s.unit[1][c + i], mixed[i], upper);
            direct = A::multiply_add(s.head[c + i], mixed[i], direct);
        }
    }
#pragma unroll
    for (int c = 0; c < EMBD / 2; c++) part = A::multiply_add(s.wo[c], room.mixed[half * (EMBD / 2) + c], part);
    part += __shfl_xor_sync(ALL, part, EMBD);
    word scale = A::scale(m.norm, A::squares(A::add(row.x[dim], A::linear(part))));
    word unit[2] = {A::unit(lower), A::unit(upper)};
    return A::logit(sparse(m, unit), scale, direct);
}

/* One name from a random state, which is returned as it is after it. */
template <class A>
static inline __device__ uint32_t name(const Job &job, const Share<A> &s, Room<A> &room, uint32_t rng, uint64_t index,
                                       unsigned long long &steps) {
    const Model<A> &m = *(const Model<A> *)job.model;
    const int bos = m.vocab - 1;
    int token = bos, mine = bos;
    for (int position = 0; position < m.letters; position++) {
        if (!A::greedy(job.temper)) rng = xorshift32(rng);
        typename A::noise noise = A::noise_of(rng, job.temper);
        typename A::word logit = step(m, s, room, token, position);
        if (job.logits) ((typename A::word *)job.logits)[(index * POSITIONS + position) * TOKENS + lane()] = logit;
        token = A::draw(m.vocab, logit, noise);
        steps++;
        if (token == bos) break;
        if ((int)lane() == position) mine = token;
    }
    if (lane() < POSITIONS) job.tokens[index * POSITIONS + lane()] = (uint8_t)mine;
    return rng;
}

/* A single stream: one warp, names one after the other from one random state. */
template <class A> static inline __device__ void one_stream(const Job &job) {
    __shared__ Room<A> room;
    Share<A> share = share_of(*(const Model<A> *)job.model);
    unsigned long long steps = 0;
    uint32_t rng = job.seed;
    for (uint64_t index = 0; index < job.names; index++) rng = name<A>(job, share, room, rng, index, steps);
    if (lane() == 0) {
        job.counters[STEPS] = steps;
        job.counters[STATE] = rng;
    }
}

/* Many streams: a warp each, which takes the next seed when its name has ended. */
template <class A, int WARPS> static inline __device__ void many_streams(const Job &job) {
    __shared__ Room<A> rooms[WARPS];
    Room<A> &room = rooms[threadIdx.x / LANES];
    Share<A> share = share_of(*(const Model<A> *)job.model);
    unsigned long long steps = 0;
    for (;;) {
        unsigned long long index = 0;
        if (lane() == 0) index = atomicAdd(&job.counters[NEXT], 1ull);
        index = __shfl_sync(ALL, index, 0);
        if (index >= job.names) break;
        name<A>(job, share, room, job.seeds[index], index, steps);
    }
    if (lane() == 0) atomicAdd(&job.counters[STEPS], steps);
}

#endif
