#include <duet/autodiff/gradient_check.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/autodiff/gradient_tape.hpp>
#include <duet/graph/error.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/reduce.hpp>

namespace duet {

namespace {

using Values = ArrayOf<double>;

/// Uniform numbers in [low, high), the same on every platform.
class Uniform {
 public:
    explicit Uniform(std::uint64_t seed) : engine_(seed) {}

    Values operator()(const Shape& shape, double low, double high) {
        Values values = filled(shape, 0.0);
        for (std::size_t i = 0; i < shape.elements(); ++i)
            values.data()[i] = low + (high - low) * std::ldexp(static_cast<double>(engine_() >> 11), -53);
        return values;
    }

 private:
    std::mt19937_64 engine_;
};

Values moved(const Values& values, const Values& direction, double step) {
    Values result = values;
    for (std::size_t i = 0; i < result.size(); ++i) result.data()[i] += step * direction.data()[i];
    return result;
}

std::string describe_values(const std::vector<Values>& inputs) {
    constexpr std::size_t shown = 24;
    std::string text;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const double* begin = inputs[i].data();
        text += fmt::format("\n  input {} {}: {:.9g}{}", i, to_string(shape_of(inputs[i])),
                            fmt::join(begin, begin + std::min(inputs[i].size(), shown), ", "),
                            inputs[i].size() > shown ? ", ..." : "");
    }
    return text;
}

class Check {
 public:
    Check(const CheckedFunction& function, const std::vector<Values>& values,
          const GradientCheckOptions& options)
        : values_(values), options_(options), uniform_(options.seed), tape_(graph_) {
        for (std::size_t i = 0; i < values.size(); ++i)
            inputs_.push_back(graph_.input(fmt::format("input {}", i), shape_of(values[i])));
        result_ = function(graph_, inputs_);
        const Tensor weighted = result_ * weights() + result_ * result_ * weights();
        scalar_ = weighted.shape().rank() == 0 ? weighted : sum(weighted);
        find_needed_inputs();
    }

    GradientCheckReport run() {
        for (std::size_t i = 0; i < inputs_.size(); ++i)
            if (has_gradient_path(scalar_, inputs_[i])) checked_.push_back(i);
        if (checked_.empty()) return report_;
        try {
            build();
        } catch (const GradientError& error) {
            fail(error.what());
            return report_;
        }
        compare();
        return report_;
    }

 private:
    /// Random numbers of the result's shape, of either sign and none of them small.
    Tensor weights() {
        Values weights = uniform_(result_.shape(), -1, 1);
        for (std::size_t i = 0; i < weights.size(); ++i)
            weights.data()[i] += std::copysign(0.5, weights.data()[i]);
        return graph_.constant(weights);
    }

    /// A program is fed the inputs that its fetches need, and no others.
    void find_needed_inputs() {
        needed_.assign(result_.id() + 1, false);
        needed_[result_.id()] = true;
        for (NodeId id = result_.id() + 1; id-- > 0;)
            if (needed_[id])
                for (const NodeId input : graph_.node(id).inputs) needed_[input] = true;
    }

    /// The derivative of `y` along `direction` of an input, or a zero where no path leads from it.
    Tensor derivative(const Tensor& y, std::size_t input, const Values& direction) {
        if (!has_gradient_path(y, inputs_[input])) return graph_.constant(0.0);
        const Tensor product = tape_.gradient(y, inputs_[input]) * graph_.constant(direction);
        return product.shape().rank() == 0 ? product : sum(product);
    }

    void build() {
        fetches_.push_back(scalar_);
        for (const std::size_t input : checked_) {
            directions_.push_back(uniform_(inputs_[input].shape(), -1, 1));
            fetches_.push_back(derivative(scalar_, input, directions_.back()));
        }
        if (options_.order < 2) return;
        for (const std::size_t input : checked_)
            second_directions_.push_back(uniform_(inputs_[input].shape(), -1, 1));
        for (std::size_t i = 0; i < checked_.size(); ++i)
            for (std::size_t j = 0; j < checked_.size(); ++j)
                fetches_.push_back(derivative(fetches_[1 + i], checked_[j], second_directions_[j]));
    }

    void compare() {
        Program<double> program = compile<double>(graph_, fetches_);
        const std::vector<double> center = evaluate(program, 0, {}, 0);
        const std::size_t count = checked_.size();
        for (std::size_t j = 0; j < count; ++j) {
            const auto ahead = evaluate(program, checked_[j], directions_[j], options_.epsilon);
            const auto behind = evaluate(program, checked_[j], directions_[j], -options_.epsilon);
            compare(fmt::format("first-order gradient of {} with regard to input {}", describe_result(),
                                checked_[j]),
                    center[1 + j], ahead[0], behind[0]);
        }
        if (options_.order < 2 || !report_.passed) return;
        for (std::size_t j = 0; j < count; ++j) {
            const auto ahead = evaluate(program, checked_[j], second_directions_[j], options_.epsilon);
            const auto behind = evaluate(program, checked_[j], second_directions_[j], -options_.epsilon);
            for (std::size_t i = 0; i < count; ++i)
                compare(fmt::format("second-order gradient of {} with regard to inputs {} and {}",
                                    describe_result(), checked_[i], checked_[j]),
                        center[1 + count + i * count + j], ahead[1 + i], behind[1 + i]);
        }
    }

    std::vector<double> evaluate(Program<double>& program, std::size_t input, const Values& direction,
                                 double step) {
        std::vector<Values> values = values_;
        if (step != 0) values[input] = moved(values[input], direction, step);
        std::vector<FeedOf<double>> feeds;
        for (std::size_t i = 0; i < values.size(); ++i)
            if (needed_[inputs_[i].id()]) feeds.push_back({inputs_[i], values[i]});
        std::vector<double> results;
        for (const Values& fetched : program.run(feeds, 0)) results.push_back(*fetched.data());
        return results;
    }

    void compare(const std::string& what, double analytic, double ahead, double behind) {
        const double numeric = (ahead - behind) / (2 * options_.epsilon);
        const double rounding = 64 * std::numeric_limits<double>::epsilon() *
                                std::max({1.0, std::abs(ahead), std::abs(behind)}) / options_.epsilon;
        const double allowed =
            options_.tolerance * std::max(std::abs(analytic), std::abs(numeric)) + rounding;
        ++report_.comparisons;
        if (!(std::abs(analytic - numeric) <= allowed) && report_.passed)
            fail(fmt::format("{}: analytic {:.12g}, numeric {:.12g}, differing by more than {:.3g}", what,
                             analytic, numeric, allowed));
    }

    void fail(const std::string& what) {
        report_.passed = false;
        report_.message = what + describe_values(values_);
    }

    std::string describe_result() const { return describe_node(graph_, result_.id()); }

    const std::vector<Values>& values_;
    const GradientCheckOptions& options_;
    Uniform uniform_;
    Graph graph_;
    GradientTape tape_;
    std::vector<Tensor> inputs_;
    Tensor result_, scalar_;
    std::vector<bool> needed_;
    std::vector<std::size_t> checked_;
    std::vector<Values> directions_, second_directions_;
    std::vector<Tensor> fetches_;
    GradientCheckReport report_;
};

}  // namespace

GradientCheckReport check_gradients(const CheckedFunction& function,
                                    const std::vector<ArrayOf<double>>& inputs,
                                    const GradientCheckOptions& options) {
    return Check(function, inputs, options).run();
}

GradientCheckReport check_gradients(const CheckedFunction& function, const std::vector<Shape>& shapes,
                                    double low, double high, const GradientCheckOptions& options) {
    Uniform uniform(options.seed ^ 0x9e3779b97f4a7c15u);
    std::vector<ArrayOf<double>> inputs;
    inputs.reserve(shapes.size());
    for (const Shape& shape : shapes) inputs.push_back(uniform(shape, low, high));
    return check_gradients(function, inputs, options);
}

}  // namespace duet
