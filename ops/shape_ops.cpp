#include <duet/ops/shape_ops.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/ops/kernels/addend.hpp>
#include <duet/ops/kernels/strided_copy.hpp>

namespace duet {

namespace {

constexpr std::size_t elements_per_tile = 1 << 15;

Pieces tiles_of(const Shape& output) {
    return {output.elements(), elements_per_tile};
}

class Reshape final : public OpOf<Reshape> {
 public:
    explicit Reshape(Shape target) : target_(std::move(target)) {}
    std::string name() const override { return "reshape"; }
    Attributes attributes() const override { return {{"shape", target_}}; }
    Shape shape(std::span<const Shape> inputs) const override { return reshaped_shape(inputs[0], target_); }
    double flops(const Signature&) const override { return 0; }
    bool aliases() const override { return true; }
    std::shared_ptr<const Op> absorb(std::size_t, const Op& producer) const override {
        if (!dynamic_cast<const Reshape*>(&producer)) return nullptr;
        return std::make_shared<Reshape>(target_);
    }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return reshape(seed, application.inputs[0].shape());
    }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        if (kernel.inputs[0] != kernel.output)
            std::copy_n(kernel.inputs[0], kernel.output_shape.elements(), kernel.output);
    }

 private:
    Shape target_;
};

class Transpose final : public OpOf<Transpose> {
 public:
    explicit Transpose(Axes axes) : axes_(std::move(axes)) {}
    std::string name() const override { return "transpose"; }
    Attributes attributes() const override { return {{"axes", axes_}}; }
    Shape shape(std::span<const Shape> inputs) const override { return transposed_shape(inputs[0], axes_); }
    double flops(const Signature&) const override { return 0; }
    const Axes& axes() const { return axes_; }
    std::shared_ptr<const Op> absorb(std::size_t, const Op& producer) const override {
        const Axes* first = transposed_axes(producer);
        if (!first) return nullptr;
        Axes both;
        for (const std::ptrdiff_t axis : axes_) both.push_back((*first)[axis]);
        return std::make_shared<Transpose>(std::move(both));
    }
    Tensor gradient(std::size_t, const Application&, const Tensor& seed) const override {
        Axes inverse(axes_.size());
        for (std::size_t axis = 0; axis < axes_.size(); ++axis)
            inverse[axes_[axis]] = static_cast<std::ptrdiff_t>(axis);
        return transpose(seed, inverse);
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
    StridedCopy copy_from(const Shape& input, const Shape& output) const {
        const Strides dense = dense_strides(input);
        Strides strides{};
        for (std::size_t axis = 0; axis < axes_.size(); ++axis) strides[axis] = dense[axes_[axis]];
        return StridedCopy(output, strides);
    }

    Axes axes_;
};

class Concat final : public OpOf<Concat> {
 public:
    explicit Concat(std::size_t axis) : axis_(axis) {}
    std::string name() const override { return "concat"; }
    Attributes attributes() const override { return {{"axis", axis_}}; }
    Shape shape(std::span<const Shape> inputs) const override { return concat_shape(inputs, axis_); }
    double flops(const Signature&) const override { return 0; }
    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        std::vector<std::size_t> begin(seed.shape().rank(), 0), end = seed.shape().extents();
        for (std::size_t i = 0; i < input; ++i) begin[axis_] += application.inputs[i].shape()[axis_];
        end[axis_] = begin[axis_] + application.inputs[input].shape()[axis_];
        return slice(seed, begin, end);
    }
    std::size_t tiles(const Signature& signature) const override {
        return tiles_of(signature.output).count();
    }
    /// The output is rows made of one run from each input; a tile may begin and end within a run.
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Shape& output = kernel.output_shape;
        const std::size_t inner = std::accumulate(output.begin() + static_cast<std::ptrdiff_t>(axis_) + 1,
                                                  output.end(), std::size_t{1}, std::multiplies<>());
        const std::size_t row_length = output[axis_] * inner;
        auto [at, end] = tiles_of(output)[kernel.tile];
        while (at < end) {
            const std::size_t row = at / row_length;
            std::size_t offset = at % row_length, source = 0, run = kernel.input_shapes[0][axis_] * inner;
            while (offset >= run) {
                offset -= run;
                run = kernel.input_shapes[++source][axis_] * inner;
            }
            const std::size_t count = std::min(run - offset, end - at);
            std::copy_n(kernel.inputs[source] + row * run + offset, count, kernel.output + at);
            at += count;
        }
    }

 private:
    std::size_t axis_;
};

class Slice final : public OpOf<Slice> {
 public:
    Slice(std::vector<std::size_t> begin, std::vector<std::size_t> end)
        : begin_(std::move(begin)), end_(std::move(end)) {}
    std::string name() const override { return "slice"; }
    Attributes attributes() const override { return {{"begin", begin_}, {"end", end_}}; }
    Shape shape(std::span<const Shape> inputs) const override { return slice_shape(inputs[0], begin_, end_); }
    double flops(const Signature&) const override { return 0; }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        std::vector<std::size_t> after = application.inputs[0].shape().extents();
        for (std::size_t axis = 0; axis < after.size(); ++axis) after[axis] -= end_[axis];
        return pad(seed, begin_, after);
    }
    std::size_t tiles(const Signature& signature) const override {
        return StridedCopy(signature.output, dense_strides(signature.inputs[0])).tiles();
    }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Strides strides = dense_strides(kernel.input_shapes[0]);
        std::size_t offset = 0;
        for (std::size_t axis = 0; axis < begin_.size(); ++axis) offset += begin_[axis] * strides[axis];
        StridedCopy(kernel.output_shape, strides).run(kernel.tile, kernel.inputs[0] + offset, kernel.output);
    }

 private:
    std::vector<std::size_t> begin_, end_;
};

class Pad final : public OpOf<Pad> {
 public:
    Pad(std::vector<std::size_t> before, std::vector<std::size_t> after, bool accumulate)
        : before_(std::move(before)), after_(std::move(after)), accumulate_(accumulate) {}
    std::string name() const override { return "pad"; }
    Attributes attributes() const override {
        return {{"before", before_}, {"after", after_}, {"accumulate", accumulate_}};
    }
    Shape shape(std::span<const Shape> inputs) const override {
        Shape padded = pad_shape(inputs[0], before_, after_);
        if (accumulate_) expect_pairs("what is padded and what it is added to", padded, inputs[1]);
        return padded;
    }
    double flops(const Signature& signature) const override {
        return accumulate_ ? static_cast<double>(signature.inputs[0].elements()) : 0;
    }
    std::shared_ptr<const Op> accumulating() const override {
        return accumulate_ ? nullptr : std::make_shared<Pad>(before_, after_, true);
    }
    bool in_place(std::size_t input) const override { return accumulate_ && input == 1; }
    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        if (input == 1) return seed;
        std::vector<std::size_t> end = application.inputs[0].shape().extents();
        for (std::size_t axis = 0; axis < end.size(); ++axis) end[axis] += before_[axis];
        return slice(seed, before_, end);
    }
    std::size_t tiles(const Signature& signature) const override {
        return tiles_of(signature.output).count();
    }
    /// Zeros, or what is added to unless it stands there, then the rows of the input that fall into the
    /// tile's part of the output.
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Shape &input = kernel.input_shapes[0], &output = kernel.output_shape;
        const auto [begin, end] = tiles_of(output)[kernel.tile];
        begin_with(accumulate_ ? kernel.inputs[1] : nullptr, kernel.output, begin, end - begin);
        const Rows rows(input, output, before_, after_);
        if (rows.position(rows.count - 1) + rows.length <= begin) return;
        std::size_t row = 0, behind = rows.count;
        while (row < behind) {
            const std::size_t middle = row + (behind - row) / 2;
            if (rows.position(middle) + rows.length > begin) {
                behind = middle;
            } else {
                row = middle + 1;
            }
        }
        for (; row < rows.count; ++row) {
            const std::size_t at = rows.position(row);
            if (at >= end) break;
            const std::size_t first = std::max(at, begin), count = std::min(at + rows.length, end) - first;
            const T* const from = kernel.inputs[0] + row * rows.length + (first - at);
            T* const to = kernel.output + first;
            if (accumulate_) {
                DUET_INDEPENDENT_ITERATIONS
                for (std::size_t i = 0; i < count; ++i) to[i] += from[i];
            } else {
                std::copy_n(from, count, to);
            }
        }
    }

 private:
    /// The runs of the input that lie unbroken in the output, and where.
    struct Rows {
        const Shape& input;
        const std::vector<std::size_t>& before;
        Strides strides;
        std::size_t rank, length = 1, count, offset = 0;

        Rows(const Shape& from, const Shape& to, const std::vector<std::size_t>& zeros_before,
             const std::vector<std::size_t>& zeros_after)
            : input(from), before(zeros_before), strides(dense_strides(to)), rank(from.rank()) {
            while (rank > 0) {
                length *= input[--rank];
                if (before[rank] > 0 || zeros_after[rank] > 0) break;
            }
            count = input.elements() / length;
            if (input.rank() > 0) offset = before[rank] * strides[rank];
        }
        std::size_t position(std::size_t row) const {
            std::size_t at = offset;
            for (std::size_t axis = rank; axis-- > 0; row /= input[axis])
                at += (before[axis] + row % input[axis]) * strides[axis];
            return at;
        }
    };

    std::vector<std::size_t> before_, after_;
    bool accumulate_;
};

}  // namespace

Tensor reshape(Operand x, const Shape& shape) {
    const Tensor input = x.tensor();
    if (input.shape() == shape) return input;
    return apply(std::make_shared<Reshape>(shape), {x});
}

Tensor transpose(Operand x, Axes axes) {
    const Tensor input = x.tensor();
    if (axes.empty())
        for (std::size_t axis = input.shape().rank(); axis-- > 0;) axes.push_back(axis);
    else
        axes = in_words_of("transpose", {&input, 1}, x.where(),
                           [&] { return normalized_axes(input.shape(), axes); });
    return apply(transpose_op(std::move(axes)), {x});
}

Tensor concat(const std::vector<Tensor>& tensors, std::ptrdiff_t along, Where where) {
    if (tensors.empty())
        throw Error(fmt::format("{}: concat: the list is empty; give at least one tensor", to_string(where)));
    std::vector<Operand> operands;
    operands.reserve(tensors.size());
    for (const Tensor& tensor : tensors) operands.emplace_back(tensor, where);
    Graph& graph = graph_of(operands);
    const std::size_t axis = in_words_of("concat", tensors, where,
                                         [&] { return normalized_axis(tensors.front().shape(), along); });
    return graph.apply(std::make_shared<Concat>(axis), tensors, where);
}

Tensor slice(Operand x, const std::vector<std::size_t>& begin, const std::vector<std::size_t>& end) {
    return apply(std::make_shared<Slice>(begin, end), {x});
}

Tensor pad(Operand x, const std::vector<std::size_t>& before, const std::vector<std::size_t>& after) {
    return apply(std::make_shared<Pad>(before, after, false), {x});
}

std::shared_ptr<const Op> transpose_op(Axes axes) {
    return std::make_shared<Transpose>(std::move(axes));
}

const Axes* transposed_axes(const Op& op) {
    const auto* transpose = dynamic_cast<const Transpose*>(&op);
    return transpose ? &transpose->axes() : nullptr;
}

}  // namespace duet
