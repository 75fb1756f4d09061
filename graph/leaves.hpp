#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <duet/graph/op.hpp>
#include <duet/graph/variable.hpp>

namespace duet {

/// A node without inputs: its buffer is given from outside, so it has no kernel.
class LeafOp : public Op {
 public:
    explicit LeafOp(Shape shape) : shape_(std::move(shape)) {}
    Shape shape(std::span<const Shape>) const final { return shape_; }
    double flops(const Signature&) const final { return 0; }
    void run(const Kernel<float>&) const final;
    void run(const Kernel<double>&) const final;

 private:
    Shape shape_;
};

class InputOp final : public LeafOp {
 public:
    using LeafOp::LeafOp;
    std::string name() const override { return "input"; }
    /// Inputs of one shape are different values.
    bool pure() const override { return false; }
};

class VariableOp final : public LeafOp {
 public:
    explicit VariableOp(Variable variable) : LeafOp(variable.shape()), variable_(std::move(variable)) {}
    std::string name() const override { return "variable"; }
    /// A graph holds one read node a variable: there is nothing to merge.
    bool pure() const override { return false; }
    const Variable& variable() const { return variable_; }

 private:
    Variable variable_;
};

class ConstantOp final : public LeafOp {
 public:
    /// `values` in row-major order.
    ConstantOp(Shape shape, std::vector<double> values)
        : LeafOp(std::move(shape)), values_(std::move(values)) {}
    std::string name() const override { return "constant"; }
    Attributes attributes() const override { return {{"value", values_}}; }
    /// Arrays are not compared: only single numbers are merged.
    bool pure() const override { return values_.size() == 1; }
    const std::vector<double>& values() const { return values_; }

 private:
    std::vector<double> values_;
};

}  // namespace duet
