#include <duet/ops/kernels/panel_product.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <doctest/doctest.h>

using namespace duet;

namespace {

template <class T>
std::vector<T> values(std::size_t count, std::uint32_t seed) {
    std::vector<T> result(count);
    for (T& value : result) {
        seed = seed * 1664525U + 1013904223U;
        value = static_cast<T>(static_cast<std::int32_t>(seed)) * T(0x1p-31);
    }
    return result;
}

#if defined(__FMA__)
template <class T>
T multiply_add(T a, T b, T c) {
    return std::fma(a, b, c);
}
#else
template <class T>
T multiply_add(T a, T b, T c) {
    return a * b + c;
}
#endif

/// What each element of a product is promised to be, term by term.
template <class T>
struct Chains {
    bool transpose_a, transpose_b, accumulate;
    std::size_t m, n, k, lda, ldb, ldc;

    void operator()(const std::vector<T>& a, const std::vector<T>& b, std::vector<T>& c) const {
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t j = 0; j < n; ++j) {
                T sum = accumulate ? c[i * ldc + j] : T(0);
                for (std::size_t t = 0; t < k; ++t)
                    sum = multiply_add(a[transpose_a ? t * lda + i : i * lda + t],
                                       b[transpose_b ? j * ldb + t : t * ldb + j], sum);
                c[i * ldc + j] = sum;
            }
    }
};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace

TEST_CASE_TEMPLATE("each element of a product is one chain of fused multiply-adds", T, float, double) {
    std::uint32_t random = 5;
    const auto below = [&](std::uint32_t end) {
        random = random * 1664525U + 1013904223U;
        return static_cast<std::size_t>((std::uint64_t{random} * end) >> 32U);
    };
    std::vector<T> scratch(product_scratch);
    for (int round = 0; round < 300; ++round) {
        Chains<T> chains{below(2) == 0,
                         below(2) == 0,
                         below(2) == 0,
                         1 + below(140),
                         1 + below(80),
                         1 + below(300),
                         0,
                         0,
                         0};
        if (round % 20 == 0) chains.k = 1024;
        if (round % 30 == 0) chains.k = 0;
        chains.lda = (chains.transpose_a ? chains.m : chains.k) + below(3);
        chains.ldb = (chains.transpose_b ? chains.k : chains.n) + below(3);
        chains.ldc = chains.n + below(20);
        CAPTURE(chains.m);
        CAPTURE(chains.n);
        CAPTURE(chains.k);
        const auto a = values<T>((chains.transpose_a ? chains.k : chains.m) * chains.lda + 1, 1);
        const auto b = values<T>((chains.transpose_b ? chains.n : chains.k) * chains.ldb + 1, 2);
        auto expected = values<T>(chains.m * chains.ldc, 3);
        auto result = expected;
        chains(a, b, expected);
        multiply(chains.transpose_a, chains.transpose_b, chains.m, chains.n, chains.k, a.data(), chains.lda,
                 b.data(), chains.ldb, chains.accumulate, result.data(), chains.ldc, scratch.data());
        CHECK(same_bits(result, expected));
    }
}

TEST_CASE_TEMPLATE("panels laid out once multiply as the matrix does, at any cut of the rows", T, float,
                   double) {
    constexpr std::size_t m = 37, n = 2 * panel_columns<float> + 5, k = 300, width = panel_columns<float>;
    const auto a = values<T>(m * k, 1), b = values<T>(n * k, 2);
    std::vector<T> panels(3 * k * width, T(0));
    for (std::size_t j = 0; j < n; ++j)
        for (std::size_t t = 0; t < k; ++t) panels[(j / width * k + t) * width + j % width] = b[j * k + t];
    std::vector<T> expected(m * n), result(m * n), scratch(product_scratch);
    multiply(false, true, m, n, k, a.data(), k, b.data(), k, false, expected.data(), n, scratch.data());
    for (const std::size_t cut : {1, 6, 20, 37}) {
        const std::size_t rest = m - cut;
        multiply_packed(false, cut, n, k, a.data(), k, panels.data(), width, false, result.data(), n,
                        scratch.data());
        if (rest > 0)
            multiply_packed(false, rest, n, k, a.data() + cut * k, k, panels.data(), width, false,
                            result.data() + cut * n, n, scratch.data());
        CHECK(same_bits(result, expected));
    }
}

TEST_CASE_TEMPLATE("rows are gathered from where the two lists say", T, float, double) {
    const auto image = values<T>(40 * 40, 1);
    // The patches of 5 x 3 that a 40 x 40 image has at every other row and column: what a convolution
    // multiplies.
    std::vector<std::size_t> rows, terms;
    for (std::size_t y = 0; y + 5 <= 40; y += 2)
        for (std::size_t x = 0; x + 3 <= 40; x += 2) rows.push_back(y * 40 + x);
    for (std::size_t y = 0; y < 5; ++y)
        for (std::size_t x = 0; x < 3; ++x) terms.push_back(y * 40 + x);
    for (std::size_t columns = 1; columns <= panel_columns<T>; ++columns) {
        const auto weights = values<T>(columns * terms.size(), 2);
        std::vector<T> packed(packed_elements<T>(terms.size()));
        const Panel<T> panel =
            pack_panel(weights.data(), terms.size(), true, terms.size(), columns, packed.data());
        std::vector<T> result(rows.size() * columns, T(7)), expected = result;
        for (std::size_t i = 0; i < rows.size(); ++i)
            for (std::size_t j = 0; j < columns; ++j) {
                T sum = expected[i * columns + j];
                for (std::size_t t = 0; t < terms.size(); ++t)
                    sum = multiply_add(image[rows[i] + terms[t]], weights[j * terms.size() + t], sum);
                expected[i * columns + j] = sum;
            }
        multiply_panel<T>({image.data(), rows.data(), rows.size(), terms.data(), terms.size()}, panel, true,
                          result.data(), columns);
        CHECK(same_bits(result, expected));
    }
}
