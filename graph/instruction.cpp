#include <duet/graph/instruction.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

namespace duet {

namespace {

constexpr std::size_t usual_tile = 1 << 12;

/// A sum with an element that is not finite is not finite; a finite one proves all elements finite.
template <class T>
bool all_finite(const T* values, std::size_t count) {
    constexpr std::size_t lanes = 16;
    T sums[lanes] = {};
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += values[i + lane] * T(0);
    for (; i < count; ++i) sums[0] += values[i] * T(0);
    return std::all_of(std::begin(sums), std::end(sums), [](T sum) { return sum == T(0); });
}

template <class T>
std::string range_of(const T* values, std::size_t count) {
    T low = values[0], high = values[0];
    std::size_t not_finite = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (!std::isfinite(values[i])) ++not_finite;
        if (!(values[i] >= low)) low = values[i];
        if (!(values[i] <= high)) high = values[i];
    }
    return not_finite == 0 ? fmt::format("in [{}, {}]", low, high)
                           : fmt::format("in [{}, {}], {} of {} not finite", low, high, not_finite, count);
}

}  // namespace

template <class T>
KernelInstruction<T>::KernelInstruction(std::shared_ptr<const Op> op, std::vector<Shape> input_shapes,
                                        Shape shape, KernelSlots slots)
    : op_(std::move(op)),
      input_shapes_(std::move(input_shapes)),
      shape_(std::move(shape)),
      slots_(std::move(slots)),
      inputs_(slots_.inputs.size()) {
    this->tiles_ = op_->tiles({input_shapes_, shape_});
}

template <class T>
void KernelInstruction<T>::bind(T* const* slots) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) inputs_[i] = slots[slots_.inputs[i]];
    output_ = slots[slots_.output];
    workspace_ = slots[slots_.workspace];
}

template <class T>
Kernel<T> KernelInstruction<T>::kernel(std::size_t tile, std::uint64_t draw) const {
    return {input_shapes_, shape_, inputs_, output_, workspace_, tile, draw};
}

template <class T>
void KernelInstruction<T>::run(std::size_t tile, std::uint64_t draw, std::byte*) {
    op_->run(kernel(tile, draw));
}

template <class T>
void KernelInstruction<T>::finish(std::uint64_t draw) {
    op_->finish(kernel(0, draw));
}

template <class T>
Region KernelInstruction<T>::region(std::size_t tile) const {
    return op_->region({input_shapes_, shape_}, tile);
}

template <class T>
ElementwiseInstruction<T>::ElementwiseInstruction(ElementwiseProgram<T> program,
                                                  std::unique_ptr<KernelInstruction<T>> head,
                                                  std::vector<std::size_t> operand_slots,
                                                  std::vector<std::size_t> result_slots, std::size_t elements)
    : program_(std::move(program)),
      head_(std::move(head)),
      operand_slots_(std::move(operand_slots)),
      result_slots_(std::move(result_slots)),
      operands_(operand_slots_.size()),
      results_(result_slots_.size()),
      elements_(elements) {
    const std::size_t granularity = program_.granularity();
    elements_per_tile_ = std::max<std::size_t>(usual_tile / granularity, 1) * granularity;
    this->tiles_ = head_ ? head_->tiles() : (elements_ + elements_per_tile_ - 1) / elements_per_tile_;
}

template <class T>
void ElementwiseInstruction<T>::bind(T* const* slots) {
    if (head_) head_->bind(slots);
    for (std::size_t i = 0; i < operands_.size(); ++i) operands_[i] = slots[operand_slots_[i]];
    for (std::size_t i = 0; i < results_.size(); ++i) results_[i] = slots[result_slots_[i]];
}

template <class T>
void ElementwiseInstruction<T>::run(std::size_t tile, std::uint64_t draw, std::byte* scratch) {
    Region region{tile * elements_per_tile_, 1, elements_, 0};
    if (head_) {
        head_->run(tile, draw, scratch);
        region = head_->region(tile);
    } else {
        region.length = std::min(elements_per_tile_, elements_ - region.begin);
    }
    program_.run(operands_.data(), results_.data(), region, scratch);
}

template <class T>
void CopyInstruction<T>::bind(T* const* slots) {
    source_ = slots[from_];
    target_ = slots[to_];
}

template <class T>
void CopyInstruction<T>::run(std::size_t, std::uint64_t, std::byte*) {
    std::copy_n(source_, elements_, target_);
}

template <class T>
void CheckInstruction<T>::run(std::size_t, std::uint64_t, std::byte*) {
    for (const WatchedValue& value : values_) {
        if (all_finite(slots_[value.slot], value.elements)) continue;
        std::string message = fmt::format("{} is not finite: {}", value.description,
                                          range_of(slots_[value.slot], value.elements));
        for (const WatchedValue& operand : operands_)
            message += fmt::format("\n  computed from {}: {}", operand.description,
                                   range_of(slots_[operand.slot], operand.elements));
        throw NonFiniteError(message);
    }
}

template class KernelInstruction<float>;
template class KernelInstruction<double>;
template class ElementwiseInstruction<float>;
template class ElementwiseInstruction<double>;
template class CopyInstruction<float>;
template class CopyInstruction<double>;
template class CheckInstruction<float>;
template class CheckInstruction<double>;

}  // namespace duet
