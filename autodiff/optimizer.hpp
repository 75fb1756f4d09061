#pragma once

#include <string>
#include <vector>

#include <duet/autodiff/gradient_tape.hpp>
#include <duet/graph/update.hpp>
#include <duet/graph/variable.hpp>
#include <duet/graph/where.hpp>

namespace duet {

/// An option of an optimizer that programs read from a variable, for a schedule to move it between runs.
struct ScheduledOption {
    std::string name;  ///< of the option, such as "beta2"
    /// A scalar called `<optimizer>.<name>`.
    Variable value;
};

/// What the optimizers share. An optimizer turns gradients into updates: ordinary op nodes that compute the
/// next value of each variable, of the optimizer's slots and of its step count, for `compile` to run.
///
/// All state is in variables: the slots `<optimizer>.<slot>.<variable>`, made of zeros at the first `apply`
/// that meets the variable and shared by every later one, in this graph or another; `<optimizer>.step` where
/// the rule counts steps; and the learning rate, which is the sum of `<optimizer>.rate` and
/// `<optimizer>.rate_remainder`, what rounding to float leaves of it, so that float64 programs train at the
/// exact rate. Programs hold on to these variables and do not need the optimizer.
class Optimizer {
 public:
    virtual ~Optimizer() = default;
    Optimizer(const Optimizer&) = delete;
    Optimizer& operator=(const Optimizer&) = delete;

    const std::string& name() const { return name_; }
    double rate() const;
    /// Changes the learning rate from the next run on; nothing is recompiled. Zero, where a schedule may end,
    /// holds the trained variables. Throws Error for a rate that is negative or not finite.
    void set_rate(double rate, Where where = {});
    /// Everything a checkpoint must hold to go on: the rate, the step count and the slots made so far.
    std::vector<Variable> variables() const;
    /// The options that the optimizer was made to read from variables; none unless it was asked to.
    const std::vector<ScheduledOption>& scheduled_options() const { return scheduled_; }
    /// The variables whose gradients `apply` was given so far.
    const std::vector<Variable>& trained() const { return trained_; }

    /// Appends the nodes of one step and returns the update of each variable and of the optimizer's own. All
    /// read the values at the start of the run. Throws Error if there are no gradients, if a variable comes
    /// twice or shares its name with another one this optimizer has met, or if the gradients are of different
    /// graphs, and ShapeError if a gradient's shape is not its variable's.
    Updates apply(const VariableGradients& gradients, Where where = {});

 protected:
    /// Throws Error if `name` is empty, or `rate` is not positive and finite.
    Optimizer(std::string name, double rate, Where where);

    virtual Updates build(Graph& graph, const VariableGradients& gradients) = 0;

    Tensor read_rate(Graph& graph) const;
    /// The named scalar of the optimizer, made zero by the first call.
    Variable scalar(const std::string& name);
    /// Adds an option that is read from a variable, and starts as `value`.
    void add_scheduled_option(const std::string& option, double value);
    /// The slot of `variable`, of its shape, made of zeros by the first call.
    Variable slot(const std::string& name, const Variable& variable);
    /// Throws Error naming the optimizer and the option unless low <= value < high.
    void check_option(const char* option, double value, double low, double high, Where where) const;

 private:
    void check(const VariableGradients& gradients, Where where);
    void write_rate(double rate);
    Variable state(const std::string& name, const Shape& shape);

    std::string name_;
    Variable rate_;
    Variable rate_remainder_;
    std::vector<Variable> state_;
    std::vector<ScheduledOption> scheduled_;
    std::vector<Variable> trained_;
};

}  // namespace duet
