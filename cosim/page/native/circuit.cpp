// A verilated core behind a few functions: a request goes in, and clocks bring its steps out.
//
// What belongs to a core is in the generated circuit_signals.h: where the signals are that are looked at, which of them
// are rows of the chart, and which values are kept whenever a strobe is set.
#include <cstdint>
#include <cstring>

#include "Vtop.h"
#include "Vtop___024root.h"

#include "circuit_signals.h"

#ifdef __wasm__
#define EXPORT(name) extern "C" __attribute__((export_name(#name)))
#else
#define EXPORT(name) extern "C"
#endif

namespace {

enum : uint32_t {
    TAKEN = 1,     // a step's result was taken in the cycle
    ACCEPTED = 2,  // a request was accepted in it
    CHART_CYCLES = 4096,
    LOG_WORDS = 1 << 15,
    RESULT_BYTES = 16,
    LOGIT_BYTES = 1024,
    STAGE_SHIFT = 24,
};

VerilatedContext* context;
Vtop* top;
Signal signals[SIGNALS];
uint32_t chart[CHART_CYCLES];  // a word a cycle: a bit a row, and the stage above
uint32_t charted;
uint32_t entries[LOG_WORDS];   // kept values: capture's number, cycle, count of words, words
uint32_t logged;
bool step_ended, last_taken;
uint8_t result[RESULT_BYTES];
uint8_t logits[LOGIT_BYTES];

// What a cycle shows, just before its rising edge.
void look() {
    if (charted < CHART_CYCLES) chart[charted] = rows_of(top->rootp) | static_cast<uint32_t>(top->stage) << STAGE_SHIFT;
    for (uint32_t strobes = strobes_of(top->rootp); strobes; strobes &= strobes - 1) {
        const uint32_t number = static_cast<uint32_t>(__builtin_ctz(strobes));
        const Signal& value = signals[VALUE[number]];
        const uint32_t words = (value.bits + 31) / 32;
        if (logged + 3 + words > LOG_WORDS) continue;
        entries[logged] = number;
        entries[logged + 1] = charted;
        entries[logged + 2] = words;
        entries[logged + 2 + words] = 0;
        std::memcpy(&entries[logged + 3], value.at, (value.bits + 7) / 8);
        logged += 3 + words;
    }
    charted++;
}

// The cycle that takes a result is the last of its step, and cycle 0 of the next one.
void begin_step() {
    const uint32_t last = charted ? charted - 1 : 0;
    chart[0] = chart[last < CHART_CYCLES ? last : CHART_CYCLES - 1];
    charted = charted ? 1 : 0;
    logged = 0;
    step_ended = false;
}

void edge() {
    top->clk = 1;
    top->eval();
    top->clk = 0;
}

}  // namespace

// A new circuit, out of reset; whatever the last one held is gone.
EXPORT(circuit_reset) void circuit_reset() {
    delete top;
    delete context;
    context = new VerilatedContext;
    top = new Vtop{context};
    find_signals(top->rootp, signals);
    top->clk = 0;
    top->rst = 1;
    top->clear = 0;
    top->request___05Fvalid = 0;
    top->result___05Fready = 1;
    for (int cycle = 0; cycle < 2; cycle++) {
        top->eval();
        edge();
    }
    top->rst = 0;
    top->eval();
    charted = logged = 0;
    step_ended = false;
}

EXPORT(circuit_signal) const void* circuit_signal(uint32_t number) { return signals[number].at; }
// The weight ROM, a word after another, and the bytes that a word takes there.
EXPORT(circuit_memory) void* circuit_memory() { return &weight_memory(top->rootp); }
EXPORT(circuit_word_bytes) uint32_t circuit_word_bytes() { return sizeof weight_memory(top->rootp)[0]; }
EXPORT(circuit_chart) const uint32_t* circuit_chart() { return chart; }
EXPORT(circuit_charted) uint32_t circuit_charted() { return charted < CHART_CYCLES ? charted : CHART_CYCLES; }
EXPORT(circuit_log) const uint32_t* circuit_log() { return entries; }
EXPORT(circuit_logged) uint32_t circuit_logged() { return logged; }
EXPORT(circuit_result) const uint8_t* circuit_result() { return result; }
EXPORT(circuit_logits) const uint8_t* circuit_logits() { return logits; }

// Offer the request whose payload has been written to its signal, until it is accepted.
EXPORT(circuit_offer) void circuit_offer() { top->request___05Fvalid = 1; }

// One cycle; what happened in it, as TAKEN and ACCEPTED.
EXPORT(circuit_clock) uint32_t circuit_clock() {
    if (step_ended) begin_step();
    top->eval();
    look();
    const bool taken = top->result___05Fvalid && top->result___05Fready;
    const bool accepted = top->request___05Fvalid && top->request___05Fready;
    if (taken) {
        std::memcpy(result, &top->result___05Fpayload, sizeof top->result___05Fpayload);
        std::memcpy(logits, &top->logits, sizeof top->logits);
    }
    edge();
    if (accepted) top->request___05Fvalid = 0;
    step_ended = taken || accepted;
    return (taken ? TAKEN : 0) | (accepted ? ACCEPTED : 0);
}

// Clocks until a result is taken or `most` cycles have passed; how many there were.
EXPORT(circuit_run) uint32_t circuit_run(uint32_t most) {
    uint32_t cycles = 0;
    last_taken = false;
    while (cycles < most && !last_taken) {
        cycles++;
        last_taken = circuit_clock() & TAKEN;
    }
    return cycles;
}
// Whether the last of them took a result.
EXPORT(circuit_taken) uint32_t circuit_taken() { return last_taken; }

// So many cycles with the request offered again and again, and nothing looked at: the simulation's own speed.
EXPORT(circuit_spin) uint32_t circuit_spin(uint32_t cycles) {
    uint32_t steps = 0;
    top->request___05Fvalid = 1;
    for (uint32_t cycle = 0; cycle < cycles; cycle++) {
        top->eval();
        steps += top->result___05Fvalid;
        edge();
    }
    top->request___05Fvalid = 0;
    return steps;
}
