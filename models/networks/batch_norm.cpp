#include <duet/models/networks/batch_norm.hpp>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/indexing.hpp>
#include <duet/ops/parameter_rules.hpp>
#include <duet/ops/shape_ops.hpp>

namespace duet::models {

namespace {

/// Around `mean`, where the deviation is above zero.
Variable initial(const std::string& name, const BatchNormLayer& how, double mean, double deviation,
                 std::uint64_t seed, Where where) {
    std::vector<std::size_t> extents{how.channels};
    if (how.classes > 0) extents.insert(extents.begin(), how.classes);
    const Shape shape = checked_shape(name, std::move(extents), where);
    if (deviation == 0.0) return constant_variable(name, shape, static_cast<float>(mean));
    return initialized(name, shape, {Initializer::Kind::normal, deviation, mean}, seed, where);
}

BatchNormLayer checked(const std::string& name, const BatchNormLayer& how, Where where) {
    expect_not_negative(name, "epsilon", how.epsilon, where);
    expect_share(name, "momentum", how.momentum, where);
    expect_not_negative(name, "scale_deviation", how.scale_deviation, where);
    return how;
}

}  // namespace

BatchNorm::BatchNorm(const std::string& name, const BatchNormLayer& how, std::uint64_t seed, Where where)
    : how_(checked(name, how, where)),
      scale_(initial(name + ".weight", how, 1.0, how.scale_deviation, seed, where)),
      shift_(initial(name + ".bias", how, 0.0, how.classes > 0 ? how.scale_deviation : 0.0, seed, where)),
      running_mean_(constant_variable(name + ".running_mean", Shape{how.channels}, 0.0F)),
      running_variance_(constant_variable(name + ".running_var", Shape{how.channels}, 1.0F)) {}

Tensor BatchNorm::operator()(const Tensor& x, const Call& call) const {
    Graph& graph = x.graph();
    const bool by_label = how_.classes > 0;
    const Operand scale = by_label ? Operand(1.0) : Operand(graph.read(scale_));
    const Operand shift = by_label ? Operand(0.0) : Operand(graph.read(shift_));
    Tensor normalized;
    if (call.mode == Mode::inference) {
        normalized = batch_norm_inference(x, scale, shift, graph.read(running_mean_),
                                          graph.read(running_variance_), how_.epsilon);
    } else {
        const Normalized found = batch_norm(x, scale, shift, how_.epsilon);
        declare_statistics(graph, found.statistics, call);
        normalized = found.value;
    }
    return by_label ? scaled_by_label(normalized, call) : normalized;
}

void BatchNorm::declare_statistics(Graph& graph, const BatchStatistics& found, const Call& call) const {
    const std::vector<Variable> parameters(call.parameters.begin(), call.parameters.end());
    const auto declare = [&](const Variable& statistic, const Tensor& observed) {
        graph.declare_update(statistic,
                             (1.0 - how_.momentum) * graph.present(statistic) + how_.momentum * observed,
                             parameters);
    };
    declare(running_mean_, found.mean);
    declare(running_variance_, unbiased_variance(found));
}

Tensor BatchNorm::scaled_by_label(const Tensor& x, const Call& call) const {
    if (!call.labels.valid())
        throw Error(fmt::format("{}: {} is conditional: the network must be called with labels",
                                to_string(WhereScope(x.graph(), {}).where()), scale_.name()));
    Graph& graph = x.graph();
    std::vector<std::size_t> extents(x.shape().rank(), 1);
    extents[0] = x.shape()[0];
    extents[1] = how_.channels;
    const auto of_label = [&](const Variable& table) {
        return reshape(gather(graph.read(table), call.labels), Shape(extents));
    };
    return x * of_label(scale_) + of_label(shift_);
}

}  // namespace duet::models
