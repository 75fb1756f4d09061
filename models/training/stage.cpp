#include <duet/models/training/stage.hpp>

#include <algorithm>
#include <deque>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/graph/error.hpp>
#include <duet/models/training/view.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/reduce.hpp>

namespace duet::models {

namespace {

bool contains(const std::vector<std::size_t>& intervals, std::size_t every) {
    return std::find(intervals.begin(), intervals.end(), every) != intervals.end();
}

/// A term's value as a scalar.
Tensor reduced(const Term& term, View& view) {
    const Tensor value = term.value(view);
    if (!value.valid() || &value.graph() != &view.graph())
        throw Error(fmt::format("term \"{}\" is a tensor of no or another graph", term.name));
    const Training& training = view.training();
    const std::size_t elements = value.shape().elements();
    if (elements != 1 && elements != training.batch && elements != training.batch / training.packing)
        throw ShapeError(
            fmt::format("term \"{}\" is {}; expected a scalar or one value for each of {} samples", term.name,
                        describe_node(value.graph(), value.id()), training.batch));
    return value.shape() == Shape{} ? value : mean(value);
}

std::string weight_name(const Phase& phase, const Term& term) {
    return phase.name + "." + term.name + ".weight";
}

Tensor weighed(const Phase& phase, const Term& term, const Tensor& value,
               const std::vector<Scheduled>& weights) {
    if (!term.schedule) return term.weight == 1 ? value : term.weight * value;
    const auto scheduled = std::find_if(weights.begin(), weights.end(), [&](const Scheduled& each) {
        return each.variable.name() == weight_name(phase, term);
    });
    return value.graph().read(scheduled->variable) * value;
}

std::vector<Variable> trained_by(const Training& training, const Phase& phase) {
    std::vector<Variable> trained;
    for (const std::string& name : phase.trains) {
        const std::vector<Variable>& parameters = training.network(name).variables();
        trained.insert(trained.end(), parameters.begin(), parameters.end());
    }
    return trained;
}

/// The objective has gradients by its other terms: one that leads nowhere would be added in silence.
void check_trains(const Phase& phase, const Term& term, const Tensor& value,
                  const std::vector<Variable>& trained) {
    const bool trains = std::any_of(trained.begin(), trained.end(), [&](const Variable& variable) {
        return has_gradient_path(value, value.graph().read(variable));
    });
    if (!trains)
        throw Error(fmt::format(
            "phase \"{}\": no path leads from a parameter of {} to the term \"{}\", {}: it would train "
            "nothing; "
            "make it of what these networks compute, without stop_gradient, or watch it",
            phase.name, fmt::join(phase.trains, ", "), term.name, describe_node(value.graph(), value.id())));
}

class Declaration {
 public:
    Declaration(Graph& graph, const Training& training, const std::vector<Scheduled>& weights,
                const std::vector<std::size_t>& left_out)
        : view_(graph, training), weights_(weights), left_out_(left_out) {}

    View& view() { return view_; }

    /// Declares the phase's terms; returns its objective.
    Tensor declare_terms(const Phase& phase, const GradientTape& tape) {
        view_.look_through(tape);
        const std::vector<Variable> trained = trained_by(view_.training(), phase);
        Tensor objective;
        std::vector<std::pair<std::string, Tensor>> parts;
        for (const Term& term : phase.terms) {
            if (contains(left_out_, term.every)) continue;
            const Tensor value = reduced(term, view_);
            check_trains(phase, term, value, trained);
            const Tensor part = weighed(phase, term, value.named(term.name), weights_);
            objective = objective.valid() ? objective + part : part;
            parts.emplace_back(term.name, part);
        }
        if (!objective.valid())
            throw Error(fmt::format("phase \"{}\": no term counts in every step", phase.name));
        const std::string name = phase.name + "_loss";
        objective.named(name);
        add_metric(name, objective);
        if (phase.terms.size() > 1)
            for (const auto& [part, value] : parts) add_metric(part, value);
        for (const Term& watched : phase.watched) add_metric(watched.name, reduced(watched, view_));
        return objective;
    }

    DeclaredStage result;

 private:
    void add_metric(const std::string& name, const Tensor& value) {
        if (std::find(result.metrics.begin(), result.metrics.end(), name) != result.metrics.end())
            throw Error(fmt::format("two metrics of a stage are called \"{}\"", name));
        result.metrics.push_back(name);
        result.fetches.push_back(value);
    }

    View view_;
    const std::vector<Scheduled>& weights_;
    const std::vector<std::size_t>& left_out_;
};

}  // namespace

std::vector<Scheduled> scheduled_weights(const Training& training) {
    std::vector<Scheduled> weights;
    for (const Phase& phase : training.phases)
        for (const Term& term : phase.terms)
            if (term.schedule)
                weights.push_back({Variable(weight_name(phase, term), Shape{}, 0.0F), term.schedule});
    return weights;
}

std::vector<std::size_t> intervals_of(const Training& training, const Stage& stage) {
    std::vector<std::size_t> intervals;
    for (const std::string& name : stage.phases)
        for (const Term& term : training.phase(name).terms)
            if (term.every > 1 && !contains(intervals, term.every)) intervals.push_back(term.every);
    std::sort(intervals.begin(), intervals.end());
    return intervals;
}

DeclaredStage declare_stage(Graph& graph, const Training& training, const Stage& stage,
                            const std::vector<Scheduled>& weights, const std::vector<std::size_t>& left_out) {
    std::vector<const Phase*> phases;
    for (const std::string& name : stage.phases) phases.push_back(&training.phase(name));
    Graph rehearsal_graph(training.seed);
    Declaration rehearsal(rehearsal_graph, training, weights, left_out);
    const GradientTape rehearsal_tape(rehearsal_graph);
    for (const Phase* phase : phases) rehearsal.declare_terms(*phase, rehearsal_tape);

    Declaration declaration(graph, training, weights, left_out);
    std::deque<GradientTape> tapes;
    for (std::size_t i = 0; i < phases.size(); ++i) tapes.emplace_back(graph);
    declaration.view().declare_as(rehearsal.view());
    std::vector<Tensor> objectives;
    for (std::size_t i = 0; i < phases.size(); ++i)
        objectives.push_back(declaration.declare_terms(*phases[i], tapes[i]));
    DeclaredStage& result = declaration.result;
    for (std::size_t i = 0; i < phases.size(); ++i) {
        const Phase& phase = *phases[i];
        const std::vector<Variable> trained = trained_by(training, phase);
        Updates updates =
            phase.optimizer->apply(phase.gradient_rule ? phase.gradient_rule(tapes[i], objectives[i], trained)
                                                       : tapes[i].gradient(objectives[i], trained));
        for (const UpdateRule& rule : phase.updates) updates = rule(graph, updates);
        result.updates.push_back(std::move(updates));
    }
    result.real = declaration.view().declared_real();
    result.labels = declaration.view().declared_labels();
    return std::move(result);
}

}  // namespace duet::models
