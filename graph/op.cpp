#include <duet/graph/op.hpp>

#include <array>
#include <cassert>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/pieces.hpp>

namespace duet {

namespace {

constexpr std::size_t elements_per_tile = 1 << 14;

Pieces tiles_of(const Shape& output) {
    return {output.elements(), elements_per_tile};
}

template <class T>
void run_elements(const ElementwiseOp& op, const Kernel<T>& kernel) {
    const Range range = tiles_of(kernel.output_shape)[kernel.tile];
    std::array<const T*, ElementwiseOp::most_inputs> inputs{};
    assert(kernel.inputs.size() <= inputs.size());
    for (std::size_t i = 0; i < kernel.inputs.size(); ++i) inputs[i] = kernel.inputs[i] + range.begin;
    op.block(inputs.data(), kernel.output + range.begin, range.size());
}

}  // namespace

Tensor Op::gradient(std::size_t, const Application&, const Tensor&) const {
    throw GradientError(fmt::format("{} has no gradient rule", name()));
}

Region Op::region(const Signature& signature, std::size_t) const {
    return {0, 1, signature.output.elements(), signature.output.elements()};
}

template <class T>
void run_tile(const Op& op, Kernel<T> kernel, std::size_t tile) {
    kernel.tile = tile;
    if (op.accepts_prologue()) {
        const Region region = *op.region_read({kernel.input_shapes, kernel.output_shape}, 0, tile);
        kernel.region = kernel.inputs[0] + region.begin;
        kernel.region_stride = region.stride;
    }
    op.run(kernel);
}
template void run_tile<float>(const Op&, Kernel<float>, std::size_t);
template void run_tile<double>(const Op&, Kernel<double>, std::size_t);

Shape ElementwiseOp::shape(std::span<const Shape> inputs) const {
    if (inputs.empty() || inputs.size() > most_inputs)
        throw ShapeError(fmt::format("an elementwise op takes 1 to {} arguments", most_inputs));
    for (const Shape& input : inputs)
        if (input != inputs.front()) throw ShapeError("all arguments must have one shape");
    return inputs.front();
}

double ElementwiseOp::flops(const Signature& signature) const {
    return flops_per_element() * static_cast<double>(signature.output.elements());
}

std::size_t ElementwiseOp::tiles(const Signature& signature) const {
    return tiles_of(signature.output).count();
}

void ElementwiseOp::block_with_scalar(const float* const*, std::size_t, float*, std::size_t) const {
    assert(false && "an op that takes a scalar has a block for it");
}
void ElementwiseOp::block_with_scalar(const double* const*, std::size_t, double*, std::size_t) const {
    assert(false && "an op that takes a scalar has a block for it");
}

void ElementwiseOp::run(const Kernel<float>& kernel) const {
    run_elements(*this, kernel);
}
void ElementwiseOp::run(const Kernel<double>& kernel) const {
    run_elements(*this, kernel);
}

}  // namespace duet
