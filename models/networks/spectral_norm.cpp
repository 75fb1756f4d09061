#include <duet/models/networks/spectral_norm.hpp>

#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include <xtensor/xarray.hpp>

#include <duet/graph/runtime/program.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/matmul.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>
#include <duet/ops/stop_gradient.hpp>

namespace duet::models {

namespace {

std::size_t columns_of(const Shape& weight, std::size_t axis) {
    return weight.elements() / weight[axis];
}

Tensor matrix(const Tensor& weight, std::size_t axis) {
    const Shape& shape = weight.shape();
    if (axis == 0 && shape.rank() == 2) return weight;
    Axes axes(shape.rank());
    std::iota(axes.begin(), axes.end(), 0);
    std::swap(axes[0], axes[axis]);
    return reshape(axis == 0 ? weight : transpose(weight, axes), {shape[axis], columns_of(shape, axis)});
}

Tensor row(const Tensor& vector) {
    return reshape(vector, {1, vector.shape().elements()});
}

Tensor of_length_one(const Tensor& x) {
    constexpr double least_norm = 1e-12;
    return x / maximum(sqrt(sum(square(x))), least_norm);
}

/// u and v, each a row, after one power iteration.
std::pair<Tensor, Tensor> iterated(const Tensor& matrix, const Tensor& v) {
    const Tensor u = of_length_one(row(sum(matrix * v, {1})));
    return {u, of_length_one(matmul(u, matrix))};
}

/// u or v before the first step.
Array initial(const Variable& weight, std::size_t axis, const std::string& u_name, std::uint64_t seed,
              bool wants_v) {
    constexpr int iterations = 15;
    Graph graph(seed);
    const Tensor value = graph.input(weight.name(), weight.shape());
    const Tensor of_weight = matrix(value, axis);
    Tensor u = random_normal(graph, u_name, {1, weight.shape()[axis]});
    Tensor v = of_length_one(matmul(u, of_weight));
    for (int i = 0; i < iterations; ++i) std::tie(u, v) = iterated(of_weight, v);
    auto program = compile<double>(graph, {wants_v ? v : u});
    const ArrayOf<double> found = program.run({{value, ArrayOf<double>(weight.value())}}, 0).front();
    Array vector = filled(Shape{found.size()}, 0.0F);
    std::transform(found.begin(), found.end(), vector.begin(),
                   [](double x) { return static_cast<float>(x); });
    return vector;
}

}  // namespace

Tensor over_spectral_norm(const Tensor& weight, const Tensor& u, const Tensor& v, std::size_t axis) {
    const Tensor sigma = sum(matmul(row(u), matrix(weight, axis)) * row(v));
    return weight / sigma;
}

bool is_power_vector(const std::string& variable) {
    return variable.ends_with("weight_u") || variable.ends_with("weight_v") ||
           variable.ends_with("embedding_u") || variable.ends_with("embedding_v");
}

Weight::Weight(Variable weight, bool spectral, std::uint64_t seed, std::size_t axis)
    : weight_(std::move(weight)), axis_(axis) {
    if (!spectral) return;
    const std::string u_name = weight_.name() + "_u";
    const Shape& shape = weight_.shape();
    const auto vector = [&](const char* suffix, std::size_t size, bool is_v) {
        vectors_.emplace_back(weight_.name() + suffix, Shape{size}, [of = weight_, axis, u_name, seed, is_v] {
            return initial(of, axis, u_name, seed, is_v);
        });
    };
    vector("_u", shape[axis], false);
    vector("_v", columns_of(shape, axis), true);
}

Tensor Weight::operator()(Graph& graph, const Call& call) const {
    const Tensor weight = graph.read(weight_);
    if (vectors_.empty()) return weight;
    Tensor u = graph.read(vectors_[0]), v = graph.read(vectors_[1]);
    if (call.mode == Mode::training) {
        // Each call of a graph declares the same nodes, which programs merge: one iteration in all.
        std::tie(u, v) = iterated(stop_gradient(matrix(weight, axis_)), row(v));
        const std::vector<Variable> parameters(call.parameters.begin(), call.parameters.end());
        graph.declare_update(vectors_[0], u = reshape(u, vectors_[0].shape()), parameters);
        graph.declare_update(vectors_[1], v = reshape(v, vectors_[1].shape()), parameters);
    }
    return over_spectral_norm(weight, u, v, axis_);
}

}  // namespace duet::models
