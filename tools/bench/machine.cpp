#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include <fmt/format.h>

#include <duet/graph/runtime/processor.hpp>
#include <duet/ops/kernels/blas.hpp>

#include "bench.hpp"

namespace duet::bench {

namespace {

std::string load_average() {
    std::ifstream file("/proc/loadavg");
    std::string one;
    return file >> one ? one : "unknown";
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? fmt::format("set to {}", value) : "not set";
}

const char* instruction_set() {
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
    return "AVX-512";
#elif defined(__AVX2__) && defined(__FMA__)
    return "AVX2 and FMA";
#elif defined(__AVX__)
    return "AVX";
#elif defined(__SSE2__)
    return "SSE2";
#else
    return "the compiler's default";
#endif
}

}  // namespace

void print_machine() {
    fmt::print("processor         {}, {} threads, load average {}\n", processor_name(),
               std::thread::hardware_concurrency(), load_average());
    fmt::print("compiled for      {}, by {} {}\n", instruction_set(),
#if defined(__clang__)
               "clang",
#else
               "gcc",
#endif
               __VERSION__);
    fmt::print("OpenBLAS kernel   {}, OPENBLAS_CORETYPE {}\n", blas_kernel(), variable("OPENBLAS_CORETYPE"));
}

}  // namespace duet::bench
