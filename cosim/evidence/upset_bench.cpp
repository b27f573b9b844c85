// Upsets in a Verilated system: a host starts names over the bus, and one bit of state flips meanwhile.
//
//     simulation TASKS [+PLUSARG ...]
//
// TASKS is a file of numbers and names, divided by blanks: addresses and masks, sessions (what a host writes), the state
// (where each register or memory is), and the upsets. A line of output for each upset has two parts, for the session
// that it hits and for the next one: how the session ended, its cycles, and the words that the host has read.

#include "Vtop.h"
#include "verilated.h"
#include "verilated_sym_props.h"
#include "verilated_syms.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

// Verilator writes two underscores in a name so.
#define BUS(name) bus___05F##name

namespace {

constexpr int reset_cycles = 2, rest_cycles = 8;
constexpr int never = -1;

struct Write {
    uint32_t address, data;
};

struct Place {
    uint8_t* data;
    size_t word_bytes, width;
};

struct Plan {
    uint32_t status, done, ready;
    long answer_cycles, request_cycles;
    std::vector<uint32_t> reads;
};

// How a session ended; the numbers stand in cosim/evidence/upsets.py, too.
enum Ending { done = 0, not_started = 1, not_done = 2, bus_hangs = 3 };

struct Session {
    Ending ending;
    long cycles;
    std::vector<uint32_t> words;
};

[[noreturn]] void fail(const std::string& text) {
    std::cerr << text << std::endl;
    std::exit(2);
}

size_t bytes_of(VerilatedVarType type, size_t width) {
    switch (type) {
    case VLVT_UINT8: return 1;
    case VLVT_UINT16: return 2;
    case VLVT_UINT32: return 4;
    case VLVT_UINT64: return 8;
    case VLVT_WDATA: return (width + 31) / 32 * 4;
    default: fail("a register must be made of bits");
    }
}

Place find(const VerilatedContext& context, const std::string& scope, const std::string& name, size_t width) {
    const VerilatedScope* found = context.scopeFind((std::string{"TOP."} + scope).c_str());
    if (found == nullptr) fail("there must be a scope " + scope);
    VerilatedVar* variable = found->varFind(name.c_str());
    if (variable == nullptr) fail("there must be a register " + name + " in " + scope);
    return {static_cast<uint8_t*>(variable->datap()), bytes_of(variable->vltype(), width), width};
}

class Host {
public:
    Host(VerilatedContext& context, const Plan& plan) : plan_{plan}, top_{std::make_unique<Vtop>(&context)} {}

    void reset() {
        top_->enable = 1;
        top_->BUS(read) = top_->BUS(write) = 0;
        top_->BUS(byteenable) = 15;
        top_->rst = 1;
        for (int cycle = 0; cycle < reset_cycles; ++cycle) tick();
        top_->rst = 0;
        // Whatever an upset has left of a read.
        for (int cycle = 0; cycle < rest_cycles; ++cycle) tick();
    }

    // Runs a session; the bit flips after so many of its cycles.
    Session run(const std::vector<Write>& writes, long flip_at, const Place& place, size_t word, size_t bit) {
        cycle_ = 0, flip_at_ = flip_at, hangs_ = false;
        flip_ = place.data == nullptr ? nullptr : place.data + word * place.word_bytes + bit / 8;
        mask_ = static_cast<uint8_t>(1u << bit % 8);
        Session session{done, 0, {}};
        for (const Write& write : writes) access(true, write.address, write.data);
        uint32_t status = 0;
        do {
            status = access(false, plan_.status, 0);
        } while (!hangs_ && (status & (plan_.done | plan_.ready)) == 0 && cycle_ < plan_.request_cycles);
        for (uint32_t address : plan_.reads) session.words.push_back(access(false, address, 0));
        session.cycles = cycle_;
        if (hangs_) session.ending = bus_hangs;
        else if (status & plan_.done) session.ending = done;
        else session.ending = status & plan_.ready ? not_started : not_done;
        return session;
    }

private:
    const Plan& plan_;
    std::unique_ptr<Vtop> top_;
    long cycle_ = 0, flip_at_ = never;
    uint8_t *flip_ = nullptr, mask_ = 0;
    bool hangs_ = false;

    // One clock cycle; the outputs are those of its end.
    void tick() {
        top_->clk = 1;
        top_->eval();
        if (cycle_++ == flip_at_ && flip_ != nullptr) *flip_ ^= mask_;
        top_->clk = 0;
        top_->eval();
    }

    // Outputs of the cycle at hand, for the inputs that are driven.
    void settle() { top_->eval(); }

    uint32_t access(bool write, uint32_t address, uint32_t data) {
        if (hangs_) return 0;
        top_->BUS(address) = address;
        top_->BUS(write) = write;
        top_->BUS(read) = !write;
        top_->BUS(writedata) = data;
        settle();
        long waited = 0;
        for (; top_->BUS(waitrequest) && waited < plan_.answer_cycles; ++waited) {
            hangs_ |= top_->BUS(readdatavalid);
            tick();
        }
        hangs_ |= top_->BUS(waitrequest) || top_->BUS(readdatavalid);
        tick();
        top_->BUS(write) = top_->BUS(read) = 0;
        settle();
        if (write) return 0;
        for (waited = 0; !top_->BUS(readdatavalid) && waited < plan_.answer_cycles; ++waited) tick();
        hangs_ |= !top_->BUS(readdatavalid);
        const uint32_t answer = top_->BUS(readdata);
        tick();
        hangs_ |= top_->BUS(readdatavalid);
        return answer;
    }
};

template <typename T> T next(std::istream& in) {
    T value;
    if (!(in >> value)) fail("the tasks must not end here");
    return value;
}

void print(const Session& session) {
    std::cout << session.ending << ' ' << session.cycles;
    for (uint32_t word : session.words) std::cout << ' ' << word;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) fail("usage: simulation TASKS [+PLUSARG ...]");
    std::ifstream in{argv[1]};
    VerilatedContext context;
    context.commandArgs(argc, argv);
    context.randReset(0);
    Plan plan;
    plan.status = next<uint32_t>(in), plan.done = next<uint32_t>(in), plan.ready = next<uint32_t>(in);
    plan.answer_cycles = next<long>(in), plan.request_cycles = next<long>(in);
    plan.reads.resize(next<size_t>(in));
    for (uint32_t& address : plan.reads) address = next<uint32_t>(in);
    Host host{context, plan};

    std::vector<std::vector<Write>> sessions(next<size_t>(in));
    for (auto& writes : sessions) {
        writes.resize(next<size_t>(in));
        for (Write& write : writes) write.address = next<uint32_t>(in), write.data = next<uint32_t>(in);
    }
    std::vector<Place> places(next<size_t>(in));
    for (Place& place : places) {
        std::string scope, name;
        in >> std::quoted(scope) >> std::quoted(name);
        place = find(context, scope, name, next<size_t>(in));
    }
    const auto upsets = next<size_t>(in);
    for (size_t upset = 0; upset < upsets; ++upset) {
        const auto cycle = next<long>(in);
        const auto place = next<long>(in);
        const auto word = next<size_t>(in), bit = next<size_t>(in), first = next<size_t>(in), second = next<size_t>(in);
        const Place hit = place < 0 ? Place{nullptr, 0, 0} : places.at(place);
        if (place >= 0 && bit >= hit.width) fail("a bit must be one of its register");
        host.reset();
        print(host.run(sessions.at(first), cycle, hit, word, bit));
        std::cout << " | ";
        print(host.run(sessions.at(second), never, Place{nullptr, 0, 0}, 0, 0));
        std::cout << '\n';
    }
    return 0;
}
