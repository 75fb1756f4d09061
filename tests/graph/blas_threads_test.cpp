#include <duet/graph/blas_threads.hpp>

#include <optional>

#include <cblas.h>
#include <doctest/doctest.h>

TEST_CASE("OpenBLAS runs on one thread while a guard lives, then as before") {
    const int before = openblas_get_num_threads();
    {
        std::optional<duet::SingleThreadedBlas> first(std::in_place);
        CHECK(openblas_get_num_threads() == 1);
        const duet::SingleThreadedBlas second;
        first.reset();
        CHECK(openblas_get_num_threads() == 1);
    }
    CHECK(openblas_get_num_threads() == before);
}
