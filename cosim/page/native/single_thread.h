// What Verilator's runtime wants of a system, for WebAssembly, which has one thread and no files. Included first.
//
// libc++ leaves std::mutex, std::thread and std::ifstream out where there is neither. Its streams of text would bring
// all languages of the world with them: 210 KB, and half a minute to compile them. The runtime puts its error messages
// together with them, and for that the ones below will do.
#ifndef TALOS_SINGLE_THREAD_H
#define TALOS_SINGLE_THREAD_H

// Verilator 5.48 knows no pause instruction of this processor, and refuses without this.
#define VL_IGNORE_UNKNOWN_ARCH
// What libc++ does when it finds an error that nothing can mend.
#define _LIBCPP_VERBOSE_ABORT(...) __builtin_abort()

#include <cstddef>
#include <cstdio>
#include <ctime>
#include <iosfwd>
#include <mutex>
#include <string>

// WASI has no clock of a process.
#define CLOCK_PROCESS_CPUTIME_ID CLOCK_MONOTONIC

namespace std {

class mutex {
public:
    void lock() {}
    void unlock() {}
    bool try_lock() { return true; }
};
class recursive_mutex : public mutex {};

template <class Mutex> class lock_guard {
public:
    explicit lock_guard(Mutex&) {}
    lock_guard(Mutex&, adopt_lock_t) {}
};
template <class Mutex> class unique_lock {
public:
    explicit unique_lock(Mutex&) {}
    unique_lock(Mutex&, defer_lock_t) {}
    void lock() {}
    void unlock() {}
};

class condition_variable {
public:
    void notify_one() {}
    void notify_all() {}
    template <class Lock> void wait(Lock&) {}
    template <class Lock, class Condition> void wait(Lock&, Condition) {}
};
using condition_variable_any = condition_variable;

class thread {
public:
    struct id {
        bool operator==(const id&) const { return true; }
        bool operator!=(const id&) const { return false; }
    };
    thread() = default;
    template <class... Arguments> explicit thread(Arguments&&...) {}
    void join() {}
    id get_id() const { return {}; }
    static unsigned hardware_concurrency() { return 1; }
};

namespace this_thread {
inline thread::id get_id() { return {}; }
inline void yield() {}
}  // namespace this_thread

template <> class basic_stringstream<char, char_traits<char>, allocator<char>> {
public:
    basic_stringstream() = default;
    explicit basic_stringstream(const string&) {}
    string str() const { return text; }
    basic_stringstream& operator<<(const string& more) { text += more; return *this; }
    template <class Number> basic_stringstream& operator<<(Number number) {
        char digits[24];
        snprintf(digits, sizeof digits, "%lld", static_cast<long long>(number));
        return *this << string(digits);
    }
    basic_stringstream& operator<<(const char* more) { return *this << string(more); }
    // Nothing is read.
    template <class Value> basic_stringstream& operator>>(Value&) { return *this; }

private:
    string text;
};
template <> class basic_ostringstream<char, char_traits<char>, allocator<char>> : public stringstream {};

// The runtime reads a file of Linux about its own memory, and does without if there is none.
template <> class basic_ifstream<char, char_traits<char>> {
public:
    explicit basic_ifstream(const char*) {}
    explicit operator bool() const { return false; }
    bool operator!() const { return true; }
};
inline bool getline(ifstream&, string&) { return false; }

}  // namespace std
#endif
