// What of libc++ is not in its headers, as far as a circuit wants it. Compiling all of libc++ would take half a minute.
#include <cstdlib>
#include <new>
#include <string>
#include <typeinfo>

namespace {

// Nothing catches an exception here: without memory there is no circuit.
void* allocated(void* found) {
    if (!found) std::abort();
    return found;
}

}  // namespace

void* operator new(std::size_t size) { return allocated(std::malloc(size ? size : 1)); }
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, std::align_val_t to) {
    const std::size_t bytes = static_cast<std::size_t>(to);
    return allocated(std::aligned_alloc(bytes, (size + bytes - 1) / bytes * bytes));
}
void operator delete(void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete(void* at, std::align_val_t) noexcept { std::free(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete[](void* at, std::size_t) noexcept { std::free(at); }

template class std::basic_string<char>;

// The kinds of class that a compiler describes at run time, by names that it knows. Nobody asks for a class here.
std::type_info::~type_info() {}
namespace __cxxabiv1 {
struct __class_type_info : std::type_info {
    ~__class_type_info() override;
};
struct __si_class_type_info : __class_type_info {
    ~__si_class_type_info() override;
};
__class_type_info::~__class_type_info() {}
__si_class_type_info::~__si_class_type_info() {}
}  // namespace __cxxabiv1

extern "C" {
[[noreturn]] void __cxa_pure_virtual() { std::abort(); }
// Nothing here ends, so nothing is destroyed.
int __cxa_thread_atexit(void (*)(void*), void*, void*) { return 0; }
}
