#include <duet/graph/elementwise_program.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

#include <duet/graph/arena_state.hpp>

namespace duet {

namespace {

constexpr std::size_t usual_block = 512;
constexpr std::size_t largest_block = 1024;
constexpr std::size_t nothing_laid_out = std::numeric_limits<std::size_t>::max();

}  // namespace

Repetition::Repetition(const Shape& source, const Shape& result) {
    assert(source.rank() <= result.rank());
    const std::size_t added = result.rank() - source.rank();
    std::vector<Axis> inner_first;
    std::size_t stride = 1;
    for (std::size_t axis = result.rank(); axis-- > 0;) {
        const std::size_t extent = axis < added ? 1 : source[axis - added];
        assert(extent == 1 || extent == result[axis]);
        if (result[axis] == 1) continue;
        const std::size_t step = extent == 1 ? 0 : stride;
        stride *= extent;
        const bool continues = !inner_first.empty() && (step == 0) == (inner_first.back().stride == 0);
        if (continues)
            inner_first.back().extent *= result[axis];
        else
            inner_first.push_back({result[axis], step});
    }
    if (inner_first.empty()) inner_first.push_back({1, 0});
    axes_.assign(inner_first.rbegin(), inner_first.rend());
    if (axes_.front().stride == 0) {
        period_ = 1;
        for (std::size_t axis = 1; axis < axes_.size(); ++axis) period_ *= axes_[axis].extent;
    }
}

template <class T>
void Repetition::expand(const T* source, std::size_t begin, std::size_t count, T* output) const {
    const Axis inner = axes_.back();
    while (count > 0) {
        const std::size_t within = begin % inner.extent;
        const std::size_t run = std::min(inner.extent - within, count);
        std::size_t outer = begin / inner.extent;
        std::size_t offset = 0;
        for (std::size_t axis = axes_.size() - 1; axis-- > 0;) {
            offset += outer % axes_[axis].extent * axes_[axis].stride;
            outer /= axes_[axis].extent;
        }
        if (inner.stride == 0)
            std::fill_n(output, run, source[offset]);
        else
            std::copy_n(source + offset + within, run, output);
        begin += run;
        output += run;
        count -= run;
    }
}

template <class T>
std::size_t ElementwiseProgram<T>::add_operand() {
    return operands_++;
}

template <class T>
std::size_t ElementwiseProgram<T>::add_operand(const Repetition& repetition) {
    repeated_.push_back({operands_, repetition, 0});
    return operands_++;
}

template <class T>
std::size_t ElementwiseProgram<T>::add_result() {
    return results_++;
}

template <class T>
void ElementwiseProgram<T>::add_step(std::shared_ptr<const Op> op, std::vector<Place> inputs, Place output) {
    assert(op->elementwise() && inputs.size() <= ElementwiseOp::most_inputs);
    const ElementwiseOp* const kernel = op->elementwise();
    steps_.push_back({std::move(op), kernel, std::move(inputs), output, {}});
}

template <class T>
void ElementwiseProgram<T>::set_shared(std::size_t operand, std::size_t result) {
    shared_.emplace_back(operand, result);
}

template <class T>
void ElementwiseProgram<T>::prepare(std::size_t elements) {
    using Kind = typename Place::Kind;
    block_ = std::min(usual_block, elements);
    for (const Repeated& each : repeated_) {
        const std::size_t period = each.repetition.period();
        if (period > 1 && period <= largest_block) {
            block_ = std::max<std::size_t>(usual_block / period, 1) * period;
            granularity_ = period;
        }
    }
    stride_ = aligned_to_buffer(block_ * sizeof(T)) / sizeof(T);
    // A result stored over an operand that a later step reads waits in a register until the block is done.
    for (const auto& each : shared_) {
        const std::size_t operand = each.first, result = each.second;
        const auto writer = std::find_if(steps_.begin(), steps_.end(), [&](const Step& step) {
            return step.output.kind == Kind::result && step.output.index == result;
        });
        if (writer == steps_.end()) continue;
        const bool read_later = std::any_of(writer + 1, steps_.end(), [&](const Step& step) {
            return std::any_of(step.inputs.begin(), step.inputs.end(), [&](const Place& input) {
                return input.kind == Kind::operand && input.index == operand;
            });
        });
        if (!read_later) continue;
        std::size_t fresh = 0;
        for (const Step& step : steps_)
            if (step.output.kind == Kind::register_) fresh = std::max(fresh, step.output.index + 1);
        for (Step& step : steps_) {
            for (Place& input : step.inputs)
                if (input.kind == Kind::result && input.index == result) input = {Kind::register_, fresh};
        }
        writer->output = {Kind::register_, fresh};
        deferred_.push_back({fresh, result});
    }
    use_scalars();
    // Repeated operands keep a register for good; the others are handed on once their last reader has run.
    registers_ = repeated_.size();
    for (std::size_t i = 0; i < repeated_.size(); ++i) repeated_[i].home = i;
    std::size_t virtual_registers = 0;
    for (const Step& step : steps_)
        if (step.output.kind == Kind::register_)
            virtual_registers = std::max(virtual_registers, step.output.index + 1);
    std::vector<std::size_t> last_read(virtual_registers, 0);
    for (std::size_t i = 0; i < steps_.size(); ++i)
        for (const Place& input : steps_[i].inputs)
            if (input.kind == Kind::register_) last_read[input.index] = i;
    for (const Deferred& each : deferred_) last_read[each.home] = steps_.size();
    std::vector<std::size_t> assigned(virtual_registers);
    std::vector<std::size_t> free;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
        Step& step = steps_[i];
        std::vector<std::size_t> dying;
        for (Place& input : step.inputs) {
            if (input.kind == Kind::operand) {
                const auto repeated =
                    std::find_if(repeated_.begin(), repeated_.end(),
                                 [&](const Repeated& each) { return each.operand == input.index; });
                if (repeated != repeated_.end()) input = {Kind::register_, repeated->home};
            } else if (input.kind == Kind::register_) {
                const std::size_t name = input.index;
                input.index = assigned[name];
                if (last_read[name] == i && std::find(dying.begin(), dying.end(), input.index) == dying.end())
                    dying.push_back(input.index);
            }
        }
        free.insert(free.end(), dying.begin(), dying.end());
        if (step.output.kind == Kind::register_) {
            if (free.empty()) free.push_back(registers_++);
            assigned[step.output.index] = free.back();
            step.output.index = free.back();
            free.pop_back();
        }
    }
    for (Deferred& each : deferred_) each.home = assigned[each.home];
}

template <class T>
void ElementwiseProgram<T>::use_scalars() {
    using Kind = typename Place::Kind;
    const auto is_scalar = [&](const Place& place) {
        return place.kind == Kind::operand &&
               std::any_of(repeated_.begin(), repeated_.end(), [&](const Repeated& each) {
                   return each.operand == place.index && each.repetition.scalar();
               });
    };
    for (Step& step : steps_) {
        if (!step.kernel->takes_scalar()) continue;
        for (std::size_t i = 0; i < step.inputs.size() && !step.scalar; ++i)
            if (is_scalar(step.inputs[i])) {
                step.inputs[i].kind = Kind::scalar;
                step.scalar = i;
            }
    }
    std::erase_if(repeated_, [&](const Repeated& each) {
        return std::none_of(steps_.begin(), steps_.end(), [&](const Step& step) {
            return std::any_of(step.inputs.begin(), step.inputs.end(), [&](const Place& input) {
                return input.kind == Kind::operand && input.index == each.operand;
            });
        });
    });
}

template <class T>
std::size_t ElementwiseProgram<T>::phases_bytes() const {
    return aligned_to_buffer(repeated_.size() * sizeof(std::size_t));
}

template <class T>
std::size_t ElementwiseProgram<T>::scratch_bytes() const {
    return phases_bytes() + registers_ * stride_ * sizeof(T);
}

template <class T>
void ElementwiseProgram<T>::run(const T* const* operands, T* const* results, const Region& region,
                                std::byte* scratch) const {
    std::fill_n(reinterpret_cast<std::size_t*>(scratch), repeated_.size(), nothing_laid_out);
    for (std::size_t row = 0; row < region.rows; ++row) {
        const std::size_t end = region.begin + row * region.stride + region.length;
        for (std::size_t begin = end - region.length; begin < end; begin += block_)
            run_block(operands, results, begin, std::min(block_, end - begin), scratch);
    }
}

template <class T>
void ElementwiseProgram<T>::run_block(const T* const* operands, T* const* results, std::size_t begin,
                                      std::size_t count, std::byte* scratch) const {
    using Kind = typename Place::Kind;
    // How far into its period each repeated operand's register begins.
    std::size_t* const phases = reinterpret_cast<std::size_t*>(scratch);
    T* const registers = reinterpret_cast<T*>(scratch + phases_bytes());
    for (std::size_t i = 0; i < repeated_.size(); ++i) {
        const Repeated& each = repeated_[i];
        const std::size_t period = each.repetition.period();
        const std::size_t phase = period == 0 ? nothing_laid_out : begin % period;
        if (period != 0 && phases[i] == phase) continue;
        // A periodic operand fills its whole register, so that a longer block of the same phase finds it
        // there.
        each.repetition.expand(operands[each.operand], period == 0 ? begin : phase,
                               period == 0 ? count : block_, registers + each.home * stride_);
        phases[i] = phase;
    }
    std::array<const T*, ElementwiseOp::most_inputs> inputs;
    for (const Step& step : steps_) {
        for (std::size_t i = 0; i < step.inputs.size(); ++i) {
            const Place& place = step.inputs[i];
            switch (place.kind) {
                case Kind::register_:
                    inputs[i] = registers + place.index * stride_;
                    break;
                case Kind::operand:
                    inputs[i] = operands[place.index] + begin;
                    break;
                case Kind::scalar:
                    inputs[i] = operands[place.index];
                    break;
                case Kind::result:
                    inputs[i] = results[place.index] + begin;
                    break;
            }
        }
        T* const output = step.output.kind == Kind::result ? results[step.output.index] + begin
                                                           : registers + step.output.index * stride_;
        if (step.scalar)
            step.kernel->block_with_scalar(inputs.data(), *step.scalar, output, count);
        else
            step.kernel->block(inputs.data(), output, count);
    }
    for (const Deferred& each : deferred_)
        std::copy_n(registers + each.home * stride_, count, results[each.result] + begin);
}

template void Repetition::expand<float>(const float*, std::size_t, std::size_t, float*) const;
template void Repetition::expand<double>(const double*, std::size_t, std::size_t, double*) const;
template class ElementwiseProgram<float>;
template class ElementwiseProgram<double>;

}  // namespace duet
