#include <duet/ops/matmul.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <duet/graph/error.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/kernels/product_split.hpp>
#include <duet/ops/panel_matmul.hpp>
#include <duet/ops/shape_ops.hpp>

#include "evaluate.hpp"

using namespace duet;
using testing::evaluate;
using testing::run_op;

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

Shape stored(std::size_t rows, std::size_t columns, bool transposed) {
    return transposed ? Shape{columns, rows} : Shape{rows, columns};
}

struct Product {
    bool transpose_a, transpose_b;
    std::size_t m, n, k;

    Shape a() const { return stored(m, k, transpose_a); }
    Shape b() const { return stored(k, n, transpose_b); }

    template <class T>
    std::vector<double> reference(const std::vector<T>& x, const std::vector<T>& y) const {
        std::vector<double> result(m * n);
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t l = 0; l < k; ++l) {
                const double factor = x[transpose_a ? l * m + i : i * k + l];
                for (std::size_t j = 0; j < n; ++j)
                    result[i * n + j] += factor * y[transpose_b ? j * k + l : l * n + j];
            }
        return result;
    }
};

std::vector<Product> products() {
    std::vector<Product> result;
    for (const bool transpose_a : {false, true})
        for (const bool transpose_b : {false, true}) {
            for (const auto& [m, n, k] : {std::array<std::size_t, 3>{1, 1, 1},
                                          {1, 7, 3},
                                          {7, 1, 3},
                                          {5, 3, 1},
                                          {67, 65, 97},
                                          {128, 784, 128},
                                          {128, 128, 784},
                                          {784, 128, 128},
                                          {128, 100, 128},
                                          {1, 2048, 300},
                                          {2048, 1, 300},
                                          {33, 512, 130}})
                result.push_back({transpose_a, transpose_b, m, n, k});
        }
    return result;
}

const Op& op_of(const Tensor& tensor) {
    return *tensor.graph().node(tensor.id()).op;
}

template <class T>
double norm_of_difference(const std::vector<T>& a, const std::vector<double>& b) {
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        norm += b[i] * b[i];
    }
    return std::sqrt(difference / norm);
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace

TEST_CASE_TEMPLATE(
    "products of all transpositions are those of a plain loop, whatever the order of the tiles", T, float,
    double) {
    for (const Product& product : products()) {
        INFO(product.transpose_a, product.transpose_b, " ", product.m, " ", product.n, " ", product.k);
        Graph graph;
        const Tensor a = graph.input("a", product.a()), b = graph.input("b", product.b());
        const Tensor c = matmul(a, b, product.transpose_a, product.transpose_b);
        REQUIRE(c.shape() == Shape{product.m, product.n});
        const auto x = values<T>(a.shape().elements(), 1), y = values<T>(b.shape().elements(), 2);
        const std::vector<Shape> shapes{a.shape(), b.shape()};
        const auto result = run_op<T>(op_of(c), shapes, c.shape(), {x.data(), y.data()});
        CHECK(norm_of_difference(result, product.reference(x, y)) < (sizeof(T) == 4 ? 1e-6 : 1e-14));
        CHECK(same_bits(result, run_op<T>(op_of(c), shapes, c.shape(), {x.data(), y.data()}, 0, true)));
        CHECK(op_of(c).flops({shapes, c.shape()}) == 2.0 * static_cast<double>(product.m) *
                                                         static_cast<double>(product.n) *
                                                         static_cast<double>(product.k));
    }
}

TEST_CASE("a tile writes its region and nothing else; the regions are the whole output") {
    for (const Product& product : products()) {
        INFO(product.transpose_a, product.transpose_b, " ", product.m, " ", product.n, " ", product.k);
        Graph graph;
        const Tensor c = matmul(graph.input("a", product.a()), graph.input("b", product.b()),
                                product.transpose_a, product.transpose_b);
        const std::vector<Shape> shapes{product.a(), product.b()};
        const Signature signature{shapes, c.shape()};
        const auto x = values<float>(shapes[0].elements(), 1), y = values<float>(shapes[1].elements(), 2);
        const std::vector<const float*> inputs{x.data(), y.data()};
        std::vector<float> scratch(op_of(c).scratch(signature));
        std::vector<int> covered(c.shape().elements());
        bool only_region = true;
        const std::size_t tiles = op_of(c).tiles(signature);
        CHECK(tiles >= 1);
        CHECK(tiles <= 32);
        for (std::size_t tile = 0; tile < tiles; ++tile) {
            std::vector<float> output(c.shape().elements(), NAN);
            op_of(c).run(
                Kernel<float>{shapes, c.shape(), inputs, output.data(), nullptr, scratch.data(), tile, 0});
            const Region region = op_of(c).region(signature, tile);
            std::vector<int> inside(output.size());
            for (std::size_t i = 0; i < region.rows; ++i)
                for (std::size_t j = 0; j < region.length; ++j)
                    ++inside[region.begin + i * region.stride + j];
            for (std::size_t i = 0; i < output.size(); ++i) {
                only_region = only_region && (inside[i] == 1) == !std::isnan(output[i]);
                covered[i] += inside[i];
            }
        }
        CHECK(only_region);
        CHECK(covered == std::vector<int>(covered.size(), 1));
    }
}

TEST_CASE("an accumulating product adds to its third input, in place or not") {
    for (const Product& product : products()) {
        Graph graph;
        const Tensor a = graph.input("a", product.a()), b = graph.input("b", product.b());
        const auto op = op_of(matmul(a, b, product.transpose_a, product.transpose_b)).accumulating();
        REQUIRE(op);
        CHECK(op->accumulating() == nullptr);
        CHECK(op->in_place(2));
        CHECK_FALSE(op->in_place(0));
        const Shape output{product.m, product.n};
        const std::vector<Shape> shapes{a.shape(), b.shape(), output};
        CHECK(op->shape(shapes) == output);
        const auto x = values<float>(a.shape().elements(), 1), y = values<float>(b.shape().elements(), 2);
        const auto z = values<float>(output.elements(), 3);
        const auto apart = run_op<float>(*op, shapes, output, {x.data(), y.data(), z.data()});
        auto reference = product.reference(x, y);
        for (std::size_t i = 0; i < reference.size(); ++i) reference[i] += z[i];
        CHECK(norm_of_difference(apart, reference) < 1e-6);
        std::vector<float> within = z;
        std::vector<float> scratch(op->scratch({shapes, output}));
        const std::vector<const float*> inputs{x.data(), y.data(), within.data()};
        for (std::size_t tile = 0; tile < op->tiles({shapes, output}); ++tile)
            op->run(Kernel<float>{shapes, output, inputs, within.data(), nullptr, scratch.data(), tile, 0});
        CHECK(same_bits(within, apart));
    }
}

TEST_CASE("transposes of the arguments fold into the product") {
    Graph graph;
    const Tensor x = graph.input("x", {6, 5});
    const Op& swap = op_of(transpose(x));
    const Op& keep = op_of(transpose(x, {0, 1}));
    for (const Product& product : products()) {
        const Op& op = op_of(matmul(graph.input(std::to_string(graph.size()) + "a", product.a()),
                                    graph.input(std::to_string(graph.size()) + "b", product.b()),
                                    product.transpose_a, product.transpose_b));
        const auto flags = [&](bool a, bool b) {
            Graph other;
            return to_string(
                op_of(matmul(other.input("a", stored(2, 3, a)), other.input("b", stored(3, 4, b)), a, b))
                    .attributes());
        };
        REQUIRE(op.absorb(0, swap));
        CHECK(to_string(op.absorb(0, swap)->attributes()) ==
              flags(!product.transpose_a, product.transpose_b));
        CHECK(to_string(op.absorb(1, swap)->attributes()) ==
              flags(product.transpose_a, !product.transpose_b));
        CHECK(op.absorb(0, keep) == nullptr);
        CHECK(op.absorb(0, op) == nullptr);
        CHECK(op.accumulating()->absorb(2, swap) == nullptr);
    }
}

TEST_CASE("gradients of all transpositions are the derivative along a direction") {
    for (const bool transpose_a : {false, true})
        for (const bool transpose_b : {false, true}) {
            INFO(transpose_a, transpose_b);
            const Product product{transpose_a, transpose_b, 4, 3, 5};
            Graph graph;
            const std::vector<Tensor> inputs{graph.input("a", product.a()), graph.input("b", product.b())};
            const Tensor c = matmul(inputs[0], inputs[1], transpose_a, transpose_b);
            const Tensor seed = graph.input("seed", c.shape());
            testing::Feeds<double> feeds{{inputs[0].id(), values<double>(20, 1)},
                                         {inputs[1].id(), values<double>(15, 2)},
                                         {seed.id(), values<double>(12, 3)}};
            const auto weighted = [&](const testing::Feeds<double>& at) {
                const auto result = evaluate<double>(c, at);
                double sum = 0;
                for (std::size_t i = 0; i < result.size(); ++i) sum += result[i] * at.at(seed.id())[i];
                return sum;
            };
            for (std::size_t input = 0; input < 2; ++input) {
                const Tensor gradient = op_of(c).gradient(input, {inputs, c}, seed);
                REQUIRE(gradient.shape() == inputs[input].shape());
                const auto slope = evaluate<double>(gradient, feeds);
                const auto direction = values<double>(slope.size(), 4);
                auto moved = feeds;
                double expected = 0;
                for (std::size_t i = 0; i < slope.size(); ++i) {
                    moved[inputs[input].id()][i] += direction[i];
                    expected += slope[i] * direction[i];
                }
                CHECK(weighted(moved) - weighted(feeds) == doctest::Approx(expected).epsilon(1e-12));
            }
        }
}

TEST_CASE("shape errors say what differs and what would fit") {
    Graph graph;
    const Tensor a = graph.input("a", {4, 3}), b = graph.input("b", {5, 3}), c = graph.input("c", {3});
    const auto message = [](auto&& call) -> std::string {
        try {
            call();
        } catch (const ShapeError& error) {
            return error.what();
        }
        return "";
    };
    const auto contains = [](const std::string& text, const std::string& part) {
        return text.find(part) != std::string::npos;
    };
    const std::string differ = message([&] { matmul(a, b); });
    CHECK(contains(differ, "has 3 columns"));
    CHECK(contains(differ, "has 5 rows"));
    CHECK(contains(differ, "pass transpose_b=true"));
    CHECK(contains(differ, "a (4, 3)"));
    CHECK(contains(message([&] { matmul(a, graph.input("f", {9, 8})); }), "reshape one of them"));
    CHECK(contains(message([&] { matmul(a, graph.input("d", {4, 2})); }), "pass transpose_a=true"));
    CHECK(contains(message([&] {
                       matmul(a, graph.input("e", {7, 4}));
                   }),
                   "transpose_a=true, transpose_b=true"));
    CHECK(contains(message([&] { matmul(a, c); }), "argument 2 must be a matrix"));
    CHECK_NOTHROW(matmul(a, b, false, true));
}

TEST_CASE("a column of scores is cut along the rows of the layer before, and joins its group") {
    CHECK(split_product(128, 1, 128).tiles == split_product(128, 128, 128).tiles);
    CHECK(split_product(128, 1, 128).by_rows);
    CHECK(split_product(64, 1, 128).tiles == 1);
    Graph graph;
    const Tensor x = graph.input("x", {128, 128}), weight = graph.input("weight", {128, 128});
    const Tensor features = relu(matmul(x, weight));
    const Tensor scores = matmul(features, graph.input("last", {1, 128}), false, true);
    const auto program = compile<float>(graph, {scores}, {}, Arena(2));
    CHECK(program.report().instructions == 2);
    CHECK(program.report().groups == 1);
}

TEST_CASE("a weight of two panels is laid out by two tiles") {
    const std::vector<Shape> weight{{128, 100}};
    const Shape panels = pack_panels_op()->shape(weight);
    CHECK(pack_panels_op()->tiles({weight, panels}) == 2);
}

TEST_CASE("the cut of a product covers it with tiles that are never empty") {
    for (const std::size_t m : {1, 3, 16, 31, 128, 1000, 4096})
        for (const std::size_t n : {1, 10, 17, 128, 784, 4096})
            for (const std::size_t k : {1, 5, 128, 784, 4096}) {
                const ProductSplit split = split_product(m, n, k);
                bool increasing = split.begin(0) == 0;
                for (std::size_t tile = 0; tile < split.tiles; ++tile)
                    increasing = increasing && split.begin(tile) < split.begin(tile + 1);
                REQUIRE(increasing);
                REQUIRE(split.begin(split.tiles) == (split.by_rows ? m : n));
            }
}
