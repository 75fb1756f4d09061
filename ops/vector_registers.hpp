#pragma once

#include <cstddef>

namespace duet {

/// Of the processor that is compiled for.
#if defined(__AVX512F__)
constexpr std::size_t vector_register_bytes = 64;
#elif defined(__AVX__)
constexpr std::size_t vector_register_bytes = 32;
#else
constexpr std::size_t vector_register_bytes = 16;
#endif

}  // namespace duet
