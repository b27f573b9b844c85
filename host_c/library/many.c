/* Many names: each worker takes blocks of seeds. A kernel that has streams in lanes takes a block position by position, and
 * names that have ended leave it; others step a few streams side by side, refilled as names end. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* A block is long enough that the last, partly filled vector of each position costs little. */
enum { BLOCK_NAMES = 1024, LEAST_NAMES = 64, MAX_THREADS = 256 };

typedef struct {
    talos_model *model;
    const uint32_t *seeds;
    size_t names, block; /* block: names that a worker takes at a time, at most BLOCK_NAMES */
    uint8_t *tokens; /* [names][block_size] */
    talos_temper temper;
    atomic_size_t next;
    atomic_ullong steps;
} job;

typedef struct {
    job *job;
    talos_stream *streams; /* [TALOS_GROUP] */
} worker;

/* Start name `name` on a stream. */
static void begin(const job *job, talos_stream *stream, size_t name) { talos_stream_reset(stream, job->seeds[name]); }

static uint64_t run_block(const job *job, talos_stream *streams, size_t first, size_t end) {
    const talos_model *model = job->model;
    size_t block = model->config.block_size;
    talos_stream *active[TALOS_GROUP];
    uint8_t *row[TALOS_GROUP];
    int count = 0;
    uint64_t taken = 0;
    memset(job->tokens + first * block, (int)(model->config.vocab_size - 1), (end - first) * block);
    for (; count < TALOS_GROUP && first < end; count++, first++) {
        active[count] = &streams[count];
        row[count] = job->tokens + first * block;
        begin(job, active[count], first);
    }
    while (count) {
        model->kernel->step(model, active, count);
        taken += (uint64_t)count;
        for (int i = 0; i < count; i++) {
            row[i][active[i]->position] = (uint8_t)active[i]->token;
            if (!talos_stream_advance(active[i])) continue;
            if (first < end) {
                row[i] = job->tokens + first * block;
                begin(job, active[i], first++);
            } else {
                count--;
                talos_stream *ended = active[i];
                active[i] = active[count];
                row[i] = row[count];
                active[count] = ended;
                i--;
            }
        }
    }
    return taken;
}

/* Order streams by the token just drawn, those that go on first, and return how many do: streams of one token have the most in
 * common. BOS, which ends a name, is the last token. */
static size_t sort_by_token(size_t count, uint8_t bos, const uint8_t *drawn, uint32_t *rows, uint32_t *rng) {
    uint32_t row[BLOCK_NAMES], state[BLOCK_NAMES];
    size_t begin[UINT8_MAX + 2] = {0};
    memcpy(row, rows, count * sizeof *rows);
    memcpy(state, rng, count * sizeof *rng);
    for (size_t i = 0; i < count; i++) begin[drawn[i] + 1]++;
    for (size_t token = 0; token < bos; token++) begin[token + 1] += begin[token];
    const size_t going = begin[bos];
    for (size_t i = 0; i < count; i++) {
        size_t at = begin[drawn[i]]++;
        rows[at] = row[i];
        rng[at] = state[i];
    }
    return going;
}

static uint64_t run_together(const job *job, size_t first, size_t end) {
    const talos_model *model = job->model;
    size_t length = model->config.block_size, count = end - first;
    uint8_t bos = (uint8_t)(model->config.vocab_size - 1), tokens[BLOCK_NAMES][TALOS_ROW], drawn[BLOCK_NAMES];
    uint32_t rows[BLOCK_NAMES], rng[BLOCK_NAMES];
    uint64_t taken = 0;
    memset(tokens, bos, sizeof tokens);
    for (size_t i = 0; i < count; i++) {
        rows[i] = (uint32_t)i;
        rng[i] = job->seeds[first + i];
    }
    for (uint32_t position = 0; position < length - 1 && count; position++) {
        talos_group group = {&job->temper, position, count, rows, (const uint8_t(*)[TALOS_ROW])tokens, rng, drawn};
        model->kernel->together(model, &group);
        taken += count;
        for (size_t i = 0; i < count; i++) tokens[rows[i]][position] = drawn[i];
        count = sort_by_token(count, bos, drawn, rows, rng);
    }
    for (size_t i = 0; i < end - first; i++) memcpy(job->tokens + (first + i) * length, tokens[i], length);
    return taken;
}

static void *work(void *argument) {
    worker *w = argument;
    job *job = w->job;
    bool together = job->model->kernel->together && !job->temper.greedy;
    uint64_t taken = 0;
    for (;;) {
        size_t first = atomic_fetch_add(&job->next, job->block);
        if (first >= job->names) break;
        size_t end = job->names - first < job->block ? job->names : first + job->block;
        taken += together ? run_together(job, first, end) : run_block(job, w->streams, first, end);
    }
    atomic_fetch_add(&job->steps, taken);
    return NULL;
}

static size_t round64(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* Streams of all workers, with their caches, in one allocation. */
static talos_stream *make_streams(const job *job, size_t count, void **memory) {
    talos_model *model = job->model;
    size_t cache = round64(model->kernel->cache_bytes(model)), scratch = round64(model->kernel->scratch_bytes(model));
    talos_stream *streams = talos_allocate(count * (sizeof(talos_stream) + cache + scratch));
    *memory = streams;
    if (!streams) return NULL;
    uint8_t *at = (uint8_t *)(streams + count);
    for (size_t i = 0; i < count; i++, at += cache + scratch)
        talos_stream_init(&streams[i], model, 1, &job->temper, at, at + cache);
    return streams;
}

static unsigned core_count(void) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > MAX_THREADS ? MAX_THREADS : (unsigned)cores;
}

talos_status talos_generate_many(talos_model *model, const uint32_t *seeds, size_t names, double temperature,
                                 unsigned threads, uint8_t *tokens, size_t capacity, uint64_t *steps) {
    if (steps) *steps = 0;
    if (!model || threads > MAX_THREADS || (names && (!seeds || !tokens))) return TALOS_BAD_ARGUMENT;
    if (capacity / model->config.block_size < names) return TALOS_BUFFER_TOO_SMALL;
    for (size_t i = 0; i < names; i++)
        if (seeds[i] == 0) return TALOS_BAD_SEED;
    job job = {.model = model, .seeds = seeds, .names = names, .tokens = tokens};
    talos_status status = talos_temper_set(model, temperature, &job.temper);
    if (status != TALOS_OK || names == 0) return status;
    atomic_init(&job.next, 0);
    atomic_init(&job.steps, 0);
    if (threads == 0) threads = core_count();
    /* Several blocks a thread, so that all end at about the same time. */
    job.block = threads == 1 ? BLOCK_NAMES : names / (8 * threads);
    job.block = job.block < LEAST_NAMES ? LEAST_NAMES : job.block > BLOCK_NAMES ? BLOCK_NAMES : job.block;
    size_t blocks = (names + job.block - 1) / job.block;
    if (threads > blocks) threads = (unsigned)blocks;
    void *memory;
    talos_stream *streams = make_streams(&job, (size_t)threads * TALOS_GROUP, &memory);
    if (!streams) return TALOS_NO_MEMORY;
    worker workers[MAX_THREADS];
    pthread_t handles[MAX_THREADS];
    unsigned started = 0;
    for (unsigned i = 0; i < threads; i++) workers[i] = (worker){&job, streams + (size_t)i * TALOS_GROUP};
    /* The caller is the first worker; should a thread not start, the others do its share. */
    for (unsigned i = 1; i < threads; i++) {
        if (pthread_create(&handles[started], NULL, work, &workers[i]) != 0) break;
        started++;
    }
    work(&workers[0]);
    for (unsigned i = 0; i < started; i++) pthread_join(handles[i], NULL);
    if (steps) *steps = atomic_load(&job.steps);
    free(memory);
    return TALOS_OK;
}
