// A Verilated core in a plain loop: one name after another, nothing recorded and nothing compared.
//
//     plain REQUESTS
//
// REQUESTS is a file as the recorder reads it: a line of a payload in binary digits, results to be awaited, and a number
// that is not looked at. Prints cycles, results and microseconds of processor time.

#include "Vtop.h"
#include "verilated.h"

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

// Verilator writes two underscores in a name so.
#define PORT(stream, name) stream##___05F##name

namespace {

struct Request {
    std::string payload;
    long awaited;
};

template <typename T> void set(T& port, const std::string& digits) {
    port = 0;
    for (char digit : digits) port = static_cast<T>(port << 1 | (digit - '0'));
}

template <size_t N> void set(VlWide<N>& port, const std::string& digits) {
    for (size_t word = 0; word < N; ++word) port[word] = 0;
    for (size_t bit = 0; bit < digits.size(); ++bit)
        port[bit / 32] |= static_cast<EData>(digits[digits.size() - 1 - bit] - '0') << bit % 32;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    std::vector<Request> requests;
    std::ifstream in{argv[1]};
    std::string limit;
    for (Request request; in >> request.payload >> request.awaited >> limit;) requests.push_back(request);

    VerilatedContext context;
    context.commandArgs(argc, argv);
    Vtop top{&context};
    const auto half = [&] {
        context.time(top.nextTimeSlot());
        top.eval();
    };
    // To the falling edge, where inputs change; the outputs are those that the next rising edge sees.
    const auto cycle = [&] {
        half();
        half();
    };
    top.PORT(request, valid) = top.clear = top.play = 0;
    top.PORT(result, ready) = top.rst = 1;
    top.eval();
    for (int cycles = 0; cycles < 4; ++cycles) cycle();
    top.rst = 0;
    cycle();

    const std::clock_t begin = std::clock();
    long cycles = 0, results = 0;
    for (const Request& request : requests) {
        set(top.PORT(request, payload), request.payload);
        top.PORT(request, valid) = 1;
        for (; !top.PORT(request, ready); ++cycles) cycle();
        cycle(), ++cycles;
        top.PORT(request, valid) = 0;
        for (long taken = 0; taken < request.awaited; ++cycles) {
            taken += top.PORT(result, valid);
            results += top.PORT(result, valid);
            cycle();
        }
    }
    const std::clock_t end = std::clock();
    std::cout << cycles << ' ' << results << ' ' << (end - begin) * 1000000 / CLOCKS_PER_SEC << std::endl;
    return 0;
}
