/* Blocks of fibers, one block after the other; and the kernels, built for this processor. */
#include <stdlib.h>
#include <ucontext.h>

#include "emulation.h"
#include "talos.cu"

namespace emulation {
Place thread, block;

namespace {
enum { WARP = 32, STACK_BYTES = 1 << 16 };

/* Threads that wait for each other. */
struct Group {
    unsigned size, arrived;
    unsigned long long turn;
};
struct Warp {
    Group group;
    uint64_t words[2][WARP];
};
struct Fiber {
    ucontext_t context;
    bool done, odd; /* odd: which words the lane's next exchange uses */
};

Fiber *fibers;
Warp *warps;
Group everyone;
unsigned count;
bool backwards;
ucontext_t caller;
void (*kernel)(const Job);
const Job *job;

void go_on() {
    unsigned own = thread.x, next = own;
    do next = (next + (backwards ? count - 1 : 1)) % count;
    while (fibers[next].done && next != own);
    if (next == own) return;
    thread.x = next;
    swapcontext(&fibers[own].context, &fibers[next].context);
    thread.x = own;
}

void wait(Group &group) {
    unsigned long long turn = group.turn;
    if (++group.arrived == group.size) {
        group.arrived = 0;
        group.turn++;
    }
    while (group.turn == turn) go_on();
}

void run() {
    kernel(*job);
    unsigned own = thread.x;
    fibers[own].done = true;
    go_on();
    setcontext(&caller);
}
}

void wait_for_block() { wait(everyone); }
void wait_for_warp() { wait(warps[thread.x / WARP].group); }

const uint64_t *exchange(uint64_t mine) {
    Fiber &fiber = fibers[thread.x];
    uint64_t *words = warps[thread.x / WARP].words[fiber.odd];
    words[thread.x % WARP] = mine;
    /* Nobody writes these words again before all have been at the exchange between. */
    fiber.odd = !fiber.odd;
    wait_for_warp();
    return words;
}
}

/* Run a kernel: `blocks` of them of `threads` each, first to last or last to first; 0, or 1 without the memory. */
extern "C" int emulate(void (*kernel)(const Job), unsigned blocks, unsigned threads, int backwards, const Job *job) {
    using namespace emulation;
    unsigned whole = (threads + WARP - 1) / WARP;
    fibers = (Fiber *)calloc(threads, sizeof *fibers);
    warps = (Warp *)calloc(whole, sizeof *warps);
    char *stacks = (char *)malloc((size_t)threads * STACK_BYTES);
    int status = !fibers || !warps || !stacks;
    emulation::kernel = kernel;
    emulation::job = job;
    emulation::backwards = backwards;
    count = threads;
    for (block.x = 0; !status && block.x < blocks; block.x++) {
        everyone = Group{threads, 0, 0};
        for (unsigned i = 0; i < whole; i++) warps[i].group = Group{i + 1 < whole || threads % WARP == 0 ? WARP : threads % WARP, 0, 0};
        for (unsigned i = 0; i < threads; i++) {
            Fiber &fiber = fibers[i];
            getcontext(&fiber.context);
            fiber.done = false;
            fiber.context.uc_stack.ss_sp = stacks + (size_t)i * STACK_BYTES;
            fiber.context.uc_stack.ss_size = STACK_BYTES;
            fiber.context.uc_link = nullptr;
            makecontext(&fiber.context, run, 0);
        }
        thread.x = backwards ? threads - 1 : 0;
        swapcontext(&caller, &fibers[thread.x].context);
    }
    free(stacks);
    free(warps);
    free(fibers);
    return status;
}
