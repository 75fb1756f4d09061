#include <duet/ops/indexing.hpp>

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet {

namespace {

constexpr std::size_t elements_per_tile = 1 << 15;

/// indices[position] as one of 0, ..., limit - 1.
template <class T>
std::size_t checked_index(const Op& op, const T* indices, std::size_t position, std::size_t limit) {
    const T index = indices[position];
    if (!(index >= T(0) && index < static_cast<T>(limit) && std::floor(index) == index))
        throw FeedError(
            fmt::format("{}: the index at position {} is {}; it must be a whole number from 0 to {}",
                        op.name(), position, index, limit - 1));
    return static_cast<std::size_t>(index);
}

class Gather final : public OpOf<Gather> {
 public:
    std::string name() const override { return "gather"; }
    Shape shape(std::span<const Shape> inputs) const override { return gather_shape(inputs[0], inputs[1]); }
    double flops(const Signature&) const override { return 0; }
    bool differentiable(std::size_t input) const override { return input == 0; }
    bool may_fail() const override { return true; }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return scatter_add(seed, application.inputs[1], application.inputs[0].shape()[0]);
    }
    std::size_t tiles(const Signature& signature) const override {
        return rows(signature.inputs[0], signature.inputs[1]).count();
    }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Shape& table = kernel.input_shapes[0];
        const std::size_t length = row_length(table);
        const Range range = rows(table, kernel.input_shapes[1])[kernel.tile];
        for (std::size_t i = range.begin; i < range.end; ++i) {
            const std::size_t row = checked_index(*this, kernel.inputs[1], i, table[0]);
            std::copy_n(kernel.inputs[0] + row * length, length, kernel.output + i * length);
        }
    }

 private:
    static std::size_t row_length(const Shape& table) { return table.elements() / table[0]; }
    static Pieces rows(const Shape& table, const Shape& indices) {
        return row_pieces(indices.elements(), row_length(table), elements_per_tile);
    }
};

class ScatterAdd final : public OpOf<ScatterAdd> {
 public:
    explicit ScatterAdd(std::size_t rows) : rows_(rows) {}
    std::string name() const override { return "scatter_add"; }
    Attributes attributes() const override { return {{"rows", rows_}}; }
    Shape shape(std::span<const Shape> inputs) const override {
        return scatter_shape(inputs[0], inputs[1], rows_);
    }
    double flops(const Signature& signature) const override {
        return static_cast<double>(signature.inputs[0].elements());
    }
    bool differentiable(std::size_t input) const override { return input == 0; }
    bool may_fail() const override { return true; }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return gather(seed, application.inputs[1]);
    }
    /// A tile takes some columns of every row, so that no two of them write to one element.
    std::size_t tiles(const Signature& signature) const override { return columns(signature.output).count(); }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const std::size_t length = kernel.output_shape.elements() / rows_;
        const Range range = columns(kernel.output_shape)[kernel.tile];
        for (std::size_t row = 0; row < rows_; ++row)
            std::fill_n(kernel.output + row * length + range.begin, range.size(), T(0));
        for (std::size_t i = 0; i < kernel.input_shapes[1].elements(); ++i) {
            const std::size_t row = checked_index(*this, kernel.inputs[1], i, rows_);
            const T* from = kernel.inputs[0] + i * length + range.begin;
            T* to = kernel.output + row * length + range.begin;
            for (std::size_t j = 0; j < range.size(); ++j) to[j] += from[j];
        }
    }

 private:
    Pieces columns(const Shape& output) const { return {output.elements() / rows_, columns_per_tile}; }

    static constexpr std::size_t columns_per_tile = 1024;
    std::size_t rows_;
};

class OneHot final : public OpOf<OneHot> {
 public:
    explicit OneHot(std::size_t depth) : depth_(depth) {}
    std::string name() const override { return "one_hot"; }
    Attributes attributes() const override { return {{"depth", depth_}}; }
    Shape shape(std::span<const Shape> inputs) const override { return one_hot_shape(inputs[0], depth_); }
    double flops(const Signature&) const override { return 0; }
    bool differentiable(std::size_t) const override { return false; }
    bool may_fail() const override { return true; }
    std::size_t tiles(const Signature& signature) const override { return rows(signature.inputs[0]).count(); }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Range range = rows(kernel.input_shapes[0])[kernel.tile];
        std::fill(kernel.output + range.begin * depth_, kernel.output + range.end * depth_, T(0));
        for (std::size_t i = range.begin; i < range.end; ++i)
            kernel.output[i * depth_ + checked_index(*this, kernel.inputs[0], i, depth_)] = T(1);
    }

 private:
    Pieces rows(const Shape& indices) const {
        return row_pieces(indices.elements(), depth_, elements_per_tile);
    }

    std::size_t depth_;
};

}  // namespace

Tensor gather(Operand table, Operand indices) {
    return apply(std::make_shared<Gather>(), {table, indices});
}

Tensor scatter_add(Operand values, Operand indices, std::size_t rows) {
    return apply(std::make_shared<ScatterAdd>(rows), {values, indices});
}

Tensor one_hot(Operand indices, std::size_t depth) {
    return apply(std::make_shared<OneHot>(depth), {indices});
}

}  // namespace duet
