#include <duet/autodiff/optimizer.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>

namespace duet {

namespace {

bool representable(double rate) {
    return std::isfinite(rate) && std::isfinite(static_cast<float>(rate));
}

}  // namespace

Optimizer::Optimizer(std::string name, double rate, Where where)
    : name_(std::move(name)),
      rate_(name_ + ".rate", Shape{}, 0.0f),
      rate_remainder_(name_ + ".rate_remainder", Shape{}, 0.0f) {
    if (name_.empty())
        throw Error(fmt::format("{}: an optimizer needs a name: its variables are called after it",
                                to_string(where)));
    if (!representable(rate) || !(static_cast<float>(rate) > 0.0f))
        throw Error(fmt::format("{}: optimizer {}: the learning rate is {}, but must be positive and finite",
                                to_string(where), name_, rate));
    write_rate(rate);
}

double Optimizer::rate() const {
    return static_cast<double>(*rate_.data()) + static_cast<double>(*rate_remainder_.data());
}

void Optimizer::set_rate(double rate, Where where) {
    if (!representable(rate) || rate < 0)
        throw Error(
            fmt::format("{}: optimizer {}: the learning rate is {}, but must be finite and not negative",
                        to_string(where), name_, rate));
    write_rate(rate);
}

void Optimizer::write_rate(double rate) {
    rate_.fill(static_cast<float>(rate));
    rate_remainder_.fill(static_cast<float>(rate - static_cast<double>(static_cast<float>(rate))));
}

std::vector<Variable> Optimizer::variables() const {
    std::vector<Variable> result{rate_, rate_remainder_};
    result.insert(result.end(), state_.begin(), state_.end());
    return result;
}

Updates Optimizer::apply(const VariableGradients& gradients, Where where) {
    check(gradients, where);
    Graph& graph = gradients.front().gradient.graph();
    const WhereScope scope(graph, where);
    Updates updates = build(graph, gradients);
    for (Update& update : updates) update.where = where;
    return updates;
}

void Optimizer::check(const VariableGradients& gradients, Where where) {
    const std::string prefix = fmt::format("{}: optimizer {}: ", to_string(where), name_);
    if (gradients.empty()) throw Error(prefix + "apply was given no gradients");
    std::vector<Variable> met = trained_;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
        const auto& [variable, gradient] = gradients[i];
        if (!gradient.valid())
            throw Error(
                fmt::format("{}the gradient of variable {} is an empty Tensor", prefix, variable.name()));
        if (&gradient.graph() != &gradients.front().gradient.graph())
            throw Error(
                fmt::format("{}the gradients of {} and {} belong to different graphs; apply them apart",
                            prefix, gradients.front().variable.name(), variable.name()));
        if (gradient.shape() != variable.shape())
            throw ShapeError(fmt::format("{}variable {} has shape {}, but its gradient is {}", prefix,
                                         variable.name(), to_string(variable.shape()),
                                         describe_node(gradient.graph(), gradient.id())));
        for (std::size_t j = 0; j < i; ++j)
            if (gradients[j].variable == variable)
                throw Error(fmt::format("{}variable {} comes twice; add its gradients and pass it once",
                                        prefix, variable.name()));
        const auto same_name = std::find_if(
            met.begin(), met.end(),
            [&, &name = variable.name()](const Variable& other) { return other.name() == name; });
        if (same_name == met.end())
            met.push_back(variable);
        else if (!(*same_name == variable))
            throw Error(fmt::format(
                "{}two different variables are called {}; slots are kept by name, so give each its "
                "own name or optimizer",
                prefix, variable.name()));
    }
    trained_ = std::move(met);
}

Tensor Optimizer::read_rate(Graph& graph) const {
    return add(graph.read(rate_), graph.read(rate_remainder_));
}

Variable Optimizer::scalar(const std::string& name) {
    return state(name_ + "." + name, Shape{});
}

void Optimizer::add_scheduled_option(const std::string& option, double value) {
    const Variable variable = scalar(option);
    variable.fill(static_cast<float>(value));
    scheduled_.push_back({option, variable});
}

Variable Optimizer::slot(const std::string& name, const Variable& variable) {
    return state(name_ + "." + name + "." + variable.name(), variable.shape());
}

Variable Optimizer::state(const std::string& name, const Shape& shape) {
    for (const Variable& known : state_)
        if (known.name() == name) return known;
    return state_.emplace_back(name, shape, 0.0f);
}

void Optimizer::check_option(const char* option, double value, double low, double high, Where where) const {
    if (!(value >= low && value < high))
        throw Error(fmt::format("{}: optimizer {}: {} is {}, but must be at least {} and below {}",
                                to_string(where), name_, option, value, low, high));
}

}  // namespace duet
