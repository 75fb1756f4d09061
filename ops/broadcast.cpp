#include <duet/ops/broadcast.hpp>

#include <utility>
#include <vector>

#include <fmt/format.h>

#include <duet/ops/kernels/strided_copy.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>

namespace duet {

namespace {

class BroadcastTo final : public OpOf<BroadcastTo> {
 public:
    explicit BroadcastTo(Shape target) : target_(std::move(target)) {}
    std::string name() const override { return "broadcast_to"; }
    Attributes attributes() const override { return {{"shape", target_}}; }
    Shape shape(std::span<const Shape> inputs) const override {
        return broadcast_to_shape(inputs[0], target_);
    }
    double flops(const Signature&) const override { return 0; }
    bool expands() const override { return true; }
    std::shared_ptr<const Op> absorb(std::size_t, const Op& producer) const override {
        if (!dynamic_cast<const BroadcastTo*>(&producer)) return nullptr;
        return std::make_shared<BroadcastTo>(target_);
    }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return sum_to(seed, application.inputs[0].shape());
    }
    std::size_t tiles(const Signature& signature) const override {
        return copy_from(signature.inputs[0], signature.output).tiles();
    }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        copy_from(kernel.input_shapes[0], kernel.output_shape)
            .run(kernel.tile, kernel.inputs[0], kernel.output);
    }

 private:
    static StridedCopy copy_from(const Shape& input, const Shape& output) {
        const Strides dense = dense_strides(input);
        const std::size_t added = output.rank() - input.rank();
        Strides strides{};
        for (std::size_t axis = 0; axis < input.rank(); ++axis)
            strides[added + axis] = input[axis] == 1 ? 0 : dense[axis];
        return StridedCopy(output, strides);
    }

    Shape target_;
};

}  // namespace

Tensor broadcast_to(Operand x, const Shape& shape) {
    const Tensor input = x.tensor();
    if (input.shape() == shape) return input;
    return apply(std::make_shared<BroadcastTo>(shape), {x});
}

Tensor sum_to(Operand x, const Shape& shape) {
    const Tensor input = x.tensor();
    if (input.shape() == shape) return input;
    if (!can_broadcast(shape, input.shape()))
        reject("sum_to",
               fmt::format("shape {} cannot be summed to {}, which does not broadcast to it",
                           to_string(input.shape()), to_string(shape)),
               {&input, 1}, x.where());
    const WhereScope scope(input.graph(), x.where());
    const std::size_t added = input.shape().rank() - shape.rank();
    Axes axes;
    for (std::size_t axis = 0; axis < input.shape().rank(); ++axis)
        if (axis < added || shape[axis - added] != input.shape()[axis]) axes.push_back(axis);
    return reshape(sum(input, axes), shape);
}

Tensor apply_broadcast(std::shared_ptr<const Op> op, std::initializer_list<Operand> operands) {
    Graph& graph = graph_of({operands.begin(), operands.size()});
    const Where where = operands.begin()->where();
    std::vector<Tensor> inputs;
    std::vector<Shape> shapes;
    for (const Operand& operand : operands) {
        inputs.push_back(operand.tensor(graph));
        shapes.push_back(inputs.back().shape());
    }
    const Shape common = in_words_of(op->name(), inputs, where, [&] { return broadcast_shape(shapes); });
    for (Tensor& input : inputs)
        if (input.shape() != common)
            input = graph.apply(std::make_shared<BroadcastTo>(common), {&input, 1}, where);
    return graph.apply(std::move(op), inputs, where);
}

}  // namespace duet
