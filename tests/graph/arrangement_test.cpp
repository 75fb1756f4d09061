#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>

#include <duet/duet.hpp>

using namespace duet;

namespace {

constexpr std::size_t terms = 64;

struct Sizes {
    std::size_t fused, unfused, fused_bound, unfused_bound;
};

Sizes sizes_of(const Graph& graph, const Tensor& result) {
    const auto report_of = [&](bool fuse) {
        CompileOptions options;
        options.fuse = fuse;
        return compile<float>(graph, {result}, {}, Arena(), options).report();
    };
    const ProgramReport fused = report_of(true), unfused = report_of(false);
    return {fused.arena_bytes, unfused.arena_bytes, fused.bound_bytes, unfused.bound_bytes};
}

void check_little_more(const Graph& graph, const Tensor& result) {
    const Sizes sizes = sizes_of(graph, result);
    CHECK(sizes.fused <= std::max(sizes.unfused * 5 / 4, sizes.unfused + 64 * 1024));
    CHECK(sizes.fused_bound <= sizes.unfused_bound);
    CHECK(sizes.fused_bound <= sizes.fused);
}

}  // namespace

TEST_CASE("the terms of a long sum do not wait for the last: fusion takes no more memory than none") {
    const Shape matrix{256, 256};
    const std::vector<std::pair<std::string, std::function<Tensor(const Tensor&, std::size_t)>>> kinds = {
        {"softmax", [](const Tensor& x, std::size_t i) { return softmax(x * static_cast<double>(i + 1)); }},
        {"gather",
         [](const Tensor& x, std::size_t i) {
             return gather(x, x.graph().input("index" + std::to_string(i), {256}));
         }},
        {"two layers",
         [&](const Tensor& x, std::size_t i) {
             const Variable in("in" + std::to_string(i), Shape{256, 64}, 0.1F),
                 out("out" + std::to_string(i), Shape{64, 256}, 0.1F);
             return sigmoid(matmul(tanh(matmul(x, x.graph().read(in))), x.graph().read(out)));
         }},
    };
    for (const auto& kind : kinds) {
        CAPTURE(kind.first);
        Graph graph;
        const Tensor x = graph.input("x", matrix);
        Tensor sum;
        for (std::size_t i = 0; i < terms; ++i) {
            const Tensor next = kind.second(x, i);
            sum = sum.valid() ? sum + next : next;
        }
        check_little_more(graph, tanh(sum));
    }
}

TEST_CASE("a product is not put off for its epilogue where its operands are the larger") {
    Graph graph;
    const Tensor rows = graph.input("rows", {4, 64});
    const Variable wide("wide", Shape{64, 4096}, 0.01F), tall("tall", Shape{4096, 16}, 0.01F);
    Tensor sum;
    for (std::size_t i = 0; i < terms; ++i) {
        const Tensor hidden = tanh(matmul(rows * static_cast<double>(i + 1), graph.read(wide)));
        const Tensor narrow = matmul(hidden, graph.read(tall));
        sum = sum.valid() ? sum * 0.5 + narrow : narrow;
    }
    check_little_more(graph, sum);
}

TEST_CASE("separate units compute the same bits, and a chain that takes little stays one") {
    Graph graph;
    const Tensor x = graph.input("x", {128, 128});
    Tensor sum = softmax(x);
    for (std::size_t i = 2; i < terms; ++i) sum = sum + softmax(x * (1.0 / static_cast<double>(i)));
    const Array fed = filled(x.shape(), 0.25F);
    CompileOptions unfused;
    unfused.fuse = false;
    auto one = compile<float>(graph, {tanh(sum)}),
         other = compile<float>(graph, {tanh(sum)}, {}, Arena(), unfused);
    CHECK(one.run({{x, fed}})[0] == other.run({{x, fed}})[0]);
    const std::string chain = compile<float>(graph, {relu(x + 1.0) * 0.5 - x}).describe();
    CHECK(chain.find("fused") != std::string::npos);
}
