#include "random_graph.hpp"

#include <algorithm>

#include <xtensor/xarray.hpp>

#include <duet/autodiff/adam.hpp>
#include <duet/autodiff/gradient_tape.hpp>
#include <duet/autodiff/rms_prop.hpp>
#include <duet/autodiff/sgd.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/reduce.hpp>

#include "steps.hpp"

namespace duet::testing {

namespace {

/// How large a graph may become.
struct Extent {
    std::size_t most_elements;
    /// Of one value, of all together.
    std::size_t all_elements;
    std::size_t fewest_steps, most_steps;
};

Extent draw_extent(Dice& dice) {
    const double kind = dice.fraction();
    if (kind < 0.4) return {512, 1 << 16, 3, 30};
    if (kind < 0.65) return {8192, 1 << 17, 2, 16};
    return {64 * 784, 1 << 19, 2, 12};
}

class Construction {
 public:
    Construction(std::uint64_t seed, std::size_t most_steps)
        : dice_(seed),
          case_{std::make_unique<Graph>(seed), {}, {}, {}, {}, {}},
          extent_(draw_extent(dice_)),
          pool_(*case_.graph, dice_, extent_.most_elements),
          tape_(*case_.graph) {
        steps_ = std::min(dice_.from(extent_.fewest_steps, extent_.most_steps), most_steps);
    }

    GraphCase construct() {
        make_values();
        for (std::size_t losses = dice_.below(3); losses > 0; --losses) judge();
        if (dice_.chance(0.2)) fetch_gradient();
        const std::vector<Variable> untrained = pool_.variables();
        for (const Variable& variable : untrained)
            if (!updated(variable) && dice_.chance(0.35)) update(variable);
        fetch();
        case_.inputs = pool_.inputs();
        for (const Variable& variable : pool_.variables()) keep(variable);
        return std::move(case_);
    }

 private:
    void make_values() {
        std::size_t elements = 0;
        while (pool_.values().size() < steps_ && elements < extent_.all_elements) {
            const RandomValue value = random_step(pool_);
            if (!value) continue;
            pool_.add(value);
            elements += value.shape().elements();
        }
    }

    Tensor loss() {
        std::vector<RandomValue> values = pool_.unread();
        values.push_back(pool_.any());
        Tensor loss;
        for (const RandomValue& value : values) {
            if (loss.valid() && dice_.chance(0.3)) continue;
            const Tensor term = mean(dice_.chance(0.5) ? square(value.tensor) : duet::tanh(value.tensor));
            if (dice_.chance(0.2)) case_.fetches.push_back(term);
            loss = loss.valid() ? loss + term * dice_.between(-1, 1) : term;
        }
        return loss;
    }

    /// Of a value's product with another, with regard to an input.
    void fetch_gradient() {
        const Tensor value = pool_.any().tensor, seed = pool_.of_shape(value.shape()).tensor;
        for (const FedInput& input : pool_.inputs())
            if (has_gradient_path(value, input.tensor) && dice_.chance(0.5)) {
                case_.fetches.push_back(tape_.gradient(value, input.tensor, seed));
                return;
            }
    }

    /// Half the mean square of the loss's gradient with regard to some value, or the square of its norm's
    /// distance from 1; nothing where no value leads to the loss.
    Tensor penalty(const Tensor& loss) {
        std::vector<Tensor> targets;
        for (const FedInput& input : pool_.inputs())
            if (has_gradient_path(loss, input.tensor)) targets.push_back(input.tensor);
        for (const RandomValue& value : pool_.values())
            if (has_gradient_path(loss, value.tensor)) targets.push_back(value.tensor);
        if (targets.empty()) return {};
        const Tensor target = dice_.pick(targets);
        const Tensor gradient = tape_.gradient(loss, target) * static_cast<double>(target.shape().elements());
        if (dice_.chance(0.3)) case_.fetches.push_back(gradient);
        if (dice_.chance(0.5)) return mean(square(gradient)) * 0.5;
        return square(duet::sqrt(mean(square(gradient)) + 1e-12) - 1.0);
    }

    /// Fetches a loss, and most often trains by it.
    void judge() {
        const Tensor objective = loss();
        case_.fetches.push_back(objective);
        if (dice_.chance(0.7)) train(objective);
    }

    void train(Tensor objective) {
        constexpr NodeId most_nodes = 150;
        if (case_.graph->size() < most_nodes && dice_.chance(0.4)) {
            const Tensor more = penalty(objective);
            if (more.valid()) objective = objective + more * 0.1;
        }
        std::vector<Variable> trained;
        for (const Variable& variable : pool_.variables())
            if (!updated(variable) && has_gradient_path(objective, case_.graph->read(variable)))
                trained.push_back(variable);
        if (trained.empty()) return;
        const VariableGradients gradients = tape_.gradient(objective, trained);
        for (const VariableGradient& each : gradients)
            if (dice_.chance(0.3)) case_.fetches.push_back(each.gradient);
        case_.updates.push_back(step(gradients));
    }

    Updates step(const VariableGradients& gradients) {
        const std::string name = pool_.name("optimizer");
        switch (dice_.below(4)) {
            case 0:
                return apply(Sgd(name, {.rate = 0.1, .momentum = 0.9, .nesterov = dice_.chance(0.5)}),
                             gradients);
            case 1:
                return apply(Adam(name, {.rate = 0.05, .epsilon = 1e-3}), gradients);
            case 2:
                return apply(RmsProp(name, {.rate = 0.05, .epsilon = 1e-3, .momentum = 0.5}), gradients);
            default:
                break;
        }
        Tensor square_norm = sum(square(gradients.front().gradient));
        for (std::size_t i = 1; i < gradients.size(); ++i)
            square_norm = square_norm + sum(square(gradients[i].gradient));
        const Tensor rate = 0.5 / (1.0 + duet::sqrt(square_norm + 1e-12));
        Updates updates;
        for (const VariableGradient& each : gradients)
            updates.push_back({each.variable, case_.graph->read(each.variable) - each.gradient * rate});
        return updates;
    }

    template <class Rule>
    Updates apply(Rule rule, const VariableGradients& gradients) {
        Updates updates = rule.apply(gradients);
        for (const Variable& variable : rule.variables()) keep(variable);
        return updates;
    }

    void keep(const Variable& variable) { case_.parameters.push_back({variable, variable.value()}); }

    bool updated(const Variable& variable) const {
        for (const Updates& group : case_.updates)
            for (const Update& update : group)
                if (update.variable == variable) return true;
        return false;
    }

    /// An average, some value of its shape, or the exchange with another variable.
    void update(const Variable& variable) {
        Graph& graph = *case_.graph;
        const std::size_t kind = dice_.below(3);
        if (kind == 2)
            for (const Variable& other : pool_.variables())
                if (other != variable && other.shape() == variable.shape() && !updated(other)) {
                    case_.updates.push_back({{variable, graph.read(other)}, {other, graph.read(variable)}});
                    return;
                }
        const Tensor value = pool_.of_shape(variable.shape()).tensor;
        // Products of equal elements round all alike.
        const bool copied = kind == 0 && !graph.node(value.id()).op->expands();
        case_.updates.push_back(
            {{variable, copied ? value : graph.read(variable) * 0.9 + duet::tanh(value) * 0.1}});
    }

    void fetch() {
        for (const RandomValue& value : pool_.unread())
            if (dice_.chance(0.5)) case_.fetches.push_back(value.tensor);
        for (std::size_t more = dice_.from(1, 3); more > 0; --more)
            case_.fetches.push_back(pool_.any().tensor);
        if (dice_.chance(0.1)) case_.fetches.push_back(dice_.pick(case_.fetches));
        // What is made of an input alone waits for nothing.
        for (const FedInput& input : pool_.inputs())
            if (dice_.chance(0.15)) case_.fetches.push_back(1.0 - input.tensor);
        const NodeId nodes = case_.graph->size();
        const bool all = nodes < 200 && dice_.chance(0.1);
        for (std::size_t more = all ? nodes : dice_.from(1, 12); more > 0; --more)
            case_.more_fetches.push_back(
                Tensor(*case_.graph, static_cast<NodeId>(all ? more - 1 : dice_.below(nodes))));
    }

    Dice dice_;
    GraphCase case_;
    Extent extent_;
    ValuePool pool_;
    GradientTape tape_;
    std::size_t steps_;
};

}  // namespace

GraphCase random_graph(std::uint64_t seed, std::size_t most_steps) {
    return Construction(seed, most_steps).construct();
}

}  // namespace duet::testing
