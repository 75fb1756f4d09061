#include <duet/ops/kernels/blas_threads.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include <doctest/doctest.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/graph.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/ops/kernels/openblas.hpp>
#include <duet/ops/matmul.hpp>

using namespace duet;

namespace {

int openblas_threads() {
    return openblas_function<int()>("openblas_get_num_threads")();
}

void set_openblas_threads(int threads) {
    openblas_function<void(int)>("openblas_set_num_threads")(threads);
}

/// What a host program has set OpenBLAS to, as long as this lives.
class HostSetting {
 public:
    explicit HostSetting(int threads) { set_openblas_threads(threads); }
    ~HostSetting() { set_openblas_threads(before_); }

 private:
    int before_ = openblas_threads();
};

}  // namespace

TEST_CASE("OpenBLAS runs on one thread while a guard lives, then as before") {
    const HostSetting host(2);
    {
        std::optional<SingleThreadedBlas> first(std::in_place);
        CHECK(openblas_threads() == 1);
        const SingleThreadedBlas second;
        first.reset();
        CHECK(openblas_threads() == 1);
    }
    CHECK(openblas_threads() == 2);
}

TEST_CASE("what a program sets OpenBLAS to meanwhile stays") {
    const HostSetting host(2);
    {
        const SingleThreadedBlas guard;
        set_openblas_threads(3);
    }
    CHECK(openblas_threads() == 3);
}

TEST_CASE("programs leave the setting of OpenBLAS alone, whatever they are of") {
    const HostSetting host(2);
    Graph graph;
    const Tensor a = graph.input("a", {70, 80}), b = graph.input("b", {80, 90}), c = matmul(a, b);
    Program<float> in_float32 = compile<float>(graph, {c});
    Program<double> in_float64 = compile<double>(graph, {c});
    CHECK(openblas_threads() == 2);
    const ArrayOf<double> x = filled(a.shape(), 0.5), y = filled(b.shape(), 0.25);
    CHECK(in_float64.run({{a, x}, {b, y}})[0](69, 89) == 10);
    CHECK(openblas_threads() == 2);
}

// A sanitizer takes more memory than any limit.
#ifndef DUET_SANITIZED

TEST_CASE("one product in float64, in little memory" * doctest::skip()) {
    CHECK(openblas_address("cblas_dgemm") == nullptr);
    Graph graph;
    const Tensor a = graph.input("a", {70, 80}), b = graph.input("b", {80, 90});
    Program<double> program = compile<double>(graph, {matmul(a, b)});
    const ArrayOf<double> x = filled(a.shape(), 0.5), y = filled(b.shape(), 0.25);
    CHECK(program.run({{a, x}, {b, y}})[0](69, 89) == 10);
}

TEST_CASE("products in float64 do without OpenBLAS where it cannot be loaded") {
    const pid_t child = fork();
    if (child == 0) {
        // OpenBLAS alone takes more.
        const rlimit limit{36U << 20U, 36U << 20U};
        setrlimit(RLIMIT_AS, &limit);
        execl("/proc/self/exe", "ops_tests", "--no-skip", "--test-case=one product in float64*",
              "--out=/dev/null", nullptr);
        _exit(127);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
}

#endif
