#include <duet/graph/runtime/elementwise_program.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

#include <duet/graph/runtime/arena_state.hpp>

namespace duet {

namespace {

constexpr std::size_t largest_block = 1024;
constexpr std::size_t nothing_laid_out = std::numeric_limits<std::size_t>::max();

}  // namespace

template <class T>
std::size_t ElementwiseProgram<T>::add_operand() {
    operands_.emplace_back();
    return operands_.size() - 1;
}

template <class T>
std::size_t ElementwiseProgram<T>::add_operand(const Repetition& repetition) {
    operands_.emplace_back(repetition);
    return operands_.size() - 1;
}

template <class T>
std::size_t ElementwiseProgram<T>::add_result() {
    return results_++;
}

template <class T>
void ElementwiseProgram<T>::add_step(std::shared_ptr<const Op> op, std::vector<Place> inputs, Place output) {
    assert(op->elementwise() && inputs.size() <= ElementwiseOp::most_inputs);
    steps_.push_back({std::move(op), std::move(inputs), output});
}

template <class T>
void ElementwiseProgram<T>::set_shared(std::size_t operand, std::size_t result) {
    shared_.emplace_back(operand, result);
}

template <class T>
void ElementwiseProgram<T>::prepare(std::size_t elements, std::shared_ptr<MachineCode> code) {
    elements_ = elements;
    code_ = std::move(code);
    stages_ = form_stages<T>(std::move(steps_), operands_, shared_, elements, code_.get());
    for (const Stage& stage : stages_.list)
        most_addresses_ = std::max(most_addresses_, stage.inputs.size() + stage.outputs.size());
    choose_block();
    find_row();
}

template <class T>
void ElementwiseProgram<T>::choose_block() {
    block_ = std::min(usual_block, elements_);
    for (const auto& repetition : operands_) {
        const std::size_t period = repetition ? repetition->period() : 0;
        if (period > 1 && period <= largest_block) {
            block_ = std::max<std::size_t>(usual_block / period, 1) * period;
            granularity_ = period;
        }
    }
    if (stages_.registers == 0 && stages_.list.size() == 1) block_ = elements_;
    stride_ = aligned_to_buffer(block_ * sizeof(T)) / sizeof(T);
}

template <class T>
void ElementwiseProgram<T>::find_row() {
    if (stages_.list.size() != 1 || stages_.list.front().op || !stages_.laid_out.empty() ||
        !stages_.deferred.empty() || stages_.cut_by.empty())
        return;
    const std::size_t run = operands_[stages_.cut_by.front()]->run();
    const bool steady = std::all_of(operands_.begin(), operands_.end(), [&](const auto& repetition) {
        return !repetition || (repetition->steady(run) && repetition->run() % run == 0);
    });
    if (steady) row_ = run;
}

template <class T>
std::size_t ElementwiseProgram<T>::phases_bytes() const {
    return aligned_to_buffer(stages_.laid_out.size() * sizeof(std::size_t));
}

template <class T>
std::size_t ElementwiseProgram<T>::addresses_bytes() const {
    return aligned_to_buffer(most_addresses_ * (sizeof(void*) + sizeof(std::size_t)));
}

template <class T>
std::size_t ElementwiseProgram<T>::scratch_bytes() const {
    return phases_bytes() + addresses_bytes() + stages_.registers * stride_ * sizeof(T);
}

template <class T>
auto ElementwiseProgram<T>::buffers(const T* const* operands, T* const* results, std::byte* scratch) const
    -> Buffers {
    std::byte* const addresses = scratch + phases_bytes();
    return {operands,
            results,
            reinterpret_cast<std::size_t*>(scratch),
            reinterpret_cast<const void**>(addresses),
            reinterpret_cast<std::size_t*>(addresses + most_addresses_ * sizeof(void*)),
            reinterpret_cast<T*>(addresses + addresses_bytes())};
}

template <class T>
void ElementwiseProgram<T>::run(const T* const* operands, T* const* results, const Region& region,
                                std::byte* scratch) const {
    const Buffers all = buffers(operands, results, scratch);
    std::fill_n(all.phases, stages_.laid_out.size(), nothing_laid_out);
    if (row_ != 0 && region.rows == 1) {
        const std::size_t head = std::min((row_ - region.begin % row_) % row_, region.length);
        const std::size_t rows = (region.length - head) / row_, begin = region.begin + head;
        run_blocks(all, region.begin, head);
        run_rows(all, begin, rows, row_, row_);
        run_blocks(all, begin + rows * row_, region.length - head - rows * row_);
    } else if (row_ != 0 && region.stride % row_ == 0 && region.begin % row_ + region.length <= row_) {
        run_rows(all, region.begin, region.rows, region.stride, region.length);
    } else {
        for (std::size_t row = 0; row < region.rows; ++row)
            run_blocks(all, region.begin + row * region.stride, region.length);
    }
}

template <class T>
void ElementwiseProgram<T>::run_blocks(const Buffers& buffers, std::size_t begin, std::size_t count) const {
    while (count > 0) {
        std::size_t length = std::min(block_, count);
        for (const std::size_t operand : stages_.cut_by)
            length = std::min(length, operands_[operand]->left_in_run(begin));
        run_block(buffers, begin, length);
        begin += length;
        count -= length;
    }
}

template <class T>
void ElementwiseProgram<T>::run_rows(const Buffers& buffers, std::size_t begin, std::size_t rows,
                                     std::size_t stride, std::size_t count) const {
    if (rows == 0) return;
    const Stage& stage = stages_.list.front();
    const std::size_t addresses = stage.inputs.size() + stage.outputs.size();
    for (std::size_t i = 0; i < addresses; ++i) {
        const bool input = i < stage.inputs.size();
        const Place& place = input ? stage.inputs[i] : stage.outputs[i - stage.inputs.size()];
        buffers.addresses[i] = input ? source(place, buffers, begin) : target(place, buffers, begin);
        const bool repeats =
            (place.kind == Kind::operand || place.kind == Kind::scalar) && operands_[place.index];
        const std::size_t step = repeats                        ? operands_[place.index]->step(stride)
                                 : place.kind == Kind::constant ? 0
                                                                : stride;
        buffers.steps[i] = step * sizeof(T);
    }
    code_->function(stage.function)(buffers.addresses, count, rows, buffers.steps);
}

template <class T>
void ElementwiseProgram<T>::lay_out(const Buffers& buffers, std::size_t begin, std::size_t count) const {
    for (std::size_t i = 0; i < stages_.laid_out.size(); ++i) {
        const Repetition& repetition = *operands_[stages_.laid_out[i]];
        const std::size_t period = repetition.period();
        const std::size_t phase = period == 0 ? nothing_laid_out : begin % period;
        if (period != 0 && buffers.phases[i] == phase) continue;
        // A periodic operand fills its whole register, so that a longer block of the same phase finds it
        // there.
        repetition.expand(buffers.operands[stages_.laid_out[i]], period == 0 ? begin : phase,
                          period == 0 ? count : block_, buffers.registers + i * stride_);
        buffers.phases[i] = phase;
    }
}

template <class T>
const T* ElementwiseProgram<T>::source(const Place& place, const Buffers& buffers, std::size_t begin) const {
    switch (place.kind) {
        case Kind::operand:
        case Kind::scalar: {
            const auto& repetition = operands_[place.index];
            return buffers.operands[place.index] + (repetition ? repetition->source(begin) : begin);
        }
        case Kind::laid_out:
            return buffers.registers + place.index * stride_;
        case Kind::constant:
            return &stages_.constants[place.index];
        case Kind::register_:
        case Kind::result:
            break;
    }
    return target(place, buffers, begin);
}

template <class T>
T* ElementwiseProgram<T>::target(const Place& place, const Buffers& buffers, std::size_t begin) const {
    return place.kind == Kind::result ? buffers.results[place.index] + begin
                                      : buffers.registers + place.index * stride_;
}

template <class T>
void ElementwiseProgram<T>::run_block(const Buffers& buffers, std::size_t begin, std::size_t count) const {
    lay_out(buffers, begin, count);
    for (const Stage& stage : stages_.list) {
        if (!stage.op) {
            const void** address = buffers.addresses;
            for (const Place& input : stage.inputs) *address++ = source(input, buffers, begin);
            for (const Place& output : stage.outputs) *address++ = target(output, buffers, begin);
            code_->function(stage.function)(buffers.addresses, count, 1, buffers.steps);
            continue;
        }
        std::array<const T*, ElementwiseOp::most_inputs> inputs;
        std::transform(stage.inputs.begin(), stage.inputs.end(), inputs.begin(),
                       [&](const Place& input) { return source(input, buffers, begin); });
        T* const output = target(stage.outputs.front(), buffers, begin);
        if (stage.scalar)
            stage.op->elementwise()->block_with_scalar(inputs.data(), *stage.scalar, output, count);
        else
            stage.op->elementwise()->block(inputs.data(), output, count);
    }
    for (const auto& each : stages_.deferred)
        std::copy_n(buffers.registers + each.home * stride_, count, buffers.results[each.result] + begin);
}

template class ElementwiseProgram<float>;
template class ElementwiseProgram<double>;

}  // namespace duet
