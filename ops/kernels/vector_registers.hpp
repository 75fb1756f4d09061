#pragma once

#include <cstddef>
#include <cstring>

// Arrays of registers live in registers only once every loop over them is unrolled.
#if defined(__clang__)
#define DUET_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define DUET_UNROLL _Pragma("GCC unroll 16")
#else
#define DUET_UNROLL
#endif

namespace duet {

/// Of the processor that is compiled for.
#if defined(__AVX512F__)
constexpr std::size_t vector_register_bytes = 64;
#elif defined(__AVX__)
constexpr std::size_t vector_register_bytes = 32;
#else
constexpr std::size_t vector_register_bytes = 16;
#endif

template <class T>
using Register __attribute__((vector_size(vector_register_bytes))) = T;

/// Elements of a register.
template <class T>
constexpr std::size_t lanes = vector_register_bytes / sizeof(T);

template <class T>
Register<T> load(const T* from) {
    Register<T> values;
    std::memcpy(&values, from, sizeof values);
    return values;
}

template <class T>
void store(const Register<T>& values, T* to) {
    std::memcpy(to, &values, sizeof values);
}

}  // namespace duet
