#include <duet/graph/runtime/elementwise_program.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <map>

#include <duet/graph/runtime/arena_state.hpp>

namespace duet {

namespace {

constexpr std::size_t usual_block = 512;
constexpr std::size_t largest_block = 1024;
/// Repeated operands with shorter runs are laid out in registers.
constexpr std::size_t shortest_run = 64;
/// Lines of machine code in a stage; more would no longer be fast to fetch.
constexpr std::size_t most_lines = 192;
constexpr std::size_t nothing_laid_out = std::numeric_limits<std::size_t>::max();

/// Lines of machine code that an op of so many inputs needs, or zero if it writes none.
std::size_t lines_of(const ElementwiseOp& op, std::size_t inputs) {
    VectorCode code;
    std::vector<Vector> vectors;
    for (std::size_t i = 0; i < inputs; ++i) vectors.push_back(code.load());
    return op.emit(vectors) ? code.lines().size() : 0;
}

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
    if (output.kind == Kind::register_) virtual_registers_ = std::max(virtual_registers_, output.index + 1);
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
    group_into_stages();
    defer_results();
    const std::vector<bool> kept = registers_between_stages();
    const Step* const end = steps_.data() + steps_.size();
    for (const Step* step = steps_.data(); step != end;) {
        const Step* const next =
            std::find_if(step, end, [&](const Step& other) { return other.stage != step->stage; });
        stages_.push_back(step->lines > 0 ? code_stage(step, next, kept) : block_stage(*step));
        const std::size_t addresses = stages_.back().inputs.size() + stages_.back().outputs.size();
        most_addresses_ = std::max(most_addresses_, addresses);
        step = next;
    }
    steps_.clear();
    assign_registers();
    choose_block();
    find_row();
}

template <class T>
void ElementwiseProgram<T>::group_into_stages() {
    // Even phases are of machine code, odd ones of blocks; each step comes in the first that its inputs
    // allow.
    std::vector<std::size_t> phase_of_register(virtual_registers_), phase_of_result(results_), phases;
    const auto phase_of = [&](const Place& place) -> std::size_t {
        if (place.kind == Kind::operand) return 0;
        return (place.kind == Kind::result ? phase_of_result : phase_of_register)[place.index];
    };
    for (Step& step : steps_) {
        if (code_) step.lines = lines_of(*step.op->elementwise(), step.inputs.size());
        std::size_t phase = 0;
        for (const Place& input : step.inputs) phase = std::max(phase, phase_of(input));
        step.stage = (phase % 2 == 0) == (step.lines > 0) ? phase : phase + 1;
        (step.output.kind == Kind::result ? phase_of_result : phase_of_register)[step.output.index] =
            step.stage;
    }
    if (code_)
        std::stable_sort(steps_.begin(), steps_.end(),
                         [](const Step& a, const Step& b) { return a.stage < b.stage; });
    std::size_t stage = 0, lines = 0;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
        Step& step = steps_[i];
        lines += step.lines;
        const bool joins = i > 0 && step.lines > 0 && steps_[i - 1].lines > 0 && lines <= most_lines;
        if (i > 0 && !joins) {
            ++stage;
            lines = step.lines;
        }
        step.stage = stage;
    }
}

template <class T>
void ElementwiseProgram<T>::defer_results() {
    // A result stored over an operand that a later stage reads waits in a register until the block is done.
    for (const auto& each : shared_) {
        const Place operand{Kind::operand, each.first}, result{Kind::result, each.second};
        const auto writer = std::find_if(steps_.begin(), steps_.end(),
                                         [&](const Step& step) { return step.output == result; });
        if (writer == steps_.end()) continue;
        const bool read_later = std::any_of(writer + 1, steps_.end(), [&](const Step& step) {
            return step.stage != writer->stage &&
                   std::find(step.inputs.begin(), step.inputs.end(), operand) != step.inputs.end();
        });
        if (!read_later) continue;
        const Place fresh{Kind::register_, virtual_registers_++};
        for (Step& step : steps_) std::replace(step.inputs.begin(), step.inputs.end(), result, fresh);
        writer->output = fresh;
        deferred_.push_back({fresh.index, result.index});
    }
}

template <class T>
std::vector<bool> ElementwiseProgram<T>::registers_between_stages() const {
    std::vector<bool> kept(virtual_registers_);
    std::vector<std::size_t> made(virtual_registers_);
    for (const Step& step : steps_) {
        for (const Place& input : step.inputs)
            if (input.kind == Kind::register_ && made[input.index] != step.stage) kept[input.index] = true;
        if (step.output.kind == Kind::register_) made[step.output.index] = step.stage;
    }
    for (const Deferred& each : deferred_) kept[each.home] = true;
    return kept;
}

template <class T>
auto ElementwiseProgram<T>::resolve(const Place& input, bool takes_scalar) -> Place {
    if (input.kind != Kind::operand || !operands_[input.index]) return input;
    const Repetition& repetition = *operands_[input.index];
    const bool long_runs = repetition.run() >= std::min(shortest_run, elements_);
    // Laid out once a tile, several short periods make one block.
    const bool short_period = repetition.period() > 1 && repetition.period() <= usual_block;
    if (long_runs && !short_period && (takes_scalar || !repetition.uniform())) {
        if (repetition.run() < elements_) cut_by_.push_back(input.index);
        return {repetition.uniform() ? Kind::scalar : Kind::operand, input.index};
    }
    const auto known = std::find(laid_out_.begin(), laid_out_.end(), input.index);
    const Place place{Kind::laid_out, static_cast<std::size_t>(known - laid_out_.begin())};
    if (known == laid_out_.end()) laid_out_.push_back(input.index);
    return place;
}

template <class T>
auto ElementwiseProgram<T>::block_stage(const Step& step) -> Stage {
    Stage stage{step.op, 0, {}, {step.output}, {}};
    for (const Place& input : step.inputs) {
        const bool takes_scalar = step.op->elementwise()->takes_scalar() && !stage.scalar;
        stage.inputs.push_back(resolve(input, takes_scalar));
        if (stage.inputs.back().kind == Kind::scalar) stage.scalar = stage.inputs.size() - 1;
    }
    return stage;
}

template <class T>
auto ElementwiseProgram<T>::code_stage(const Step* begin, const Step* end, const std::vector<bool>& kept)
    -> Stage {
    VectorCode code;
    Stage stage;
    std::map<Place, Vector> vectors;
    const auto vector_of = [&](const Place& place) {
        const auto known = vectors.find(place);
        if (known != vectors.end()) return known->second;
        const Place from = resolve(place, true);
        const Vector vector = from.kind == Kind::scalar ? code.broadcast() : code.load();
        stage.inputs.resize(code.addresses_read());
        stage.inputs.back() = from;
        return vectors.emplace(place, vector).first->second;
    };
    for (const Step* step = begin; step != end; ++step) {
        std::vector<Vector> inputs;
        for (const Place& input : step->inputs) inputs.push_back(vector_of(input));
        vectors.emplace(step->output, *step->op->elementwise()->emit(inputs));
    }
    for (const Step* step = begin; step != end; ++step)
        if (step->output.kind == Kind::result || kept[step->output.index]) {
            code.store(vectors.at(step->output));
            stage.outputs.push_back(step->output);
        }
    stage.inputs.resize(code.addresses_read());
    for (const VectorCode::Constant& constant : code.constants()) {
        stage.inputs[constant.address] = {Kind::constant, constants_.size()};
        constants_.push_back(static_cast<T>(constant.number));
    }
    stage.function = code_->template add<T>(code);
    return stage;
}

template <class T>
void ElementwiseProgram<T>::assign_registers() {
    // Repeated operands keep a register for good; the others are handed on once their last reader has run.
    registers_ = laid_out_.size();
    std::vector<std::size_t> last_read(virtual_registers_), assigned(virtual_registers_), free;
    for (std::size_t i = 0; i < stages_.size(); ++i)
        for (const Place& input : stages_[i].inputs)
            if (input.kind == Kind::register_) last_read[input.index] = i;
    for (const Deferred& each : deferred_) last_read[each.home] = stages_.size();
    for (std::size_t i = 0; i < stages_.size(); ++i) {
        std::vector<std::size_t> dying;
        for (Place& input : stages_[i].inputs) {
            if (input.kind != Kind::register_) continue;
            const std::size_t name = input.index;
            input.index = assigned[name];
            if (last_read[name] == i && std::find(dying.begin(), dying.end(), input.index) == dying.end())
                dying.push_back(input.index);
        }
        free.insert(free.end(), dying.begin(), dying.end());
        for (Place& output : stages_[i].outputs) {
            if (output.kind != Kind::register_) continue;
            if (free.empty()) free.push_back(registers_++);
            assigned[output.index] = free.back();
            output.index = free.back();
            free.pop_back();
        }
    }
    for (Deferred& each : deferred_) each.home = assigned[each.home];
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
    if (registers_ == 0 && stages_.size() == 1) block_ = elements_;
    stride_ = aligned_to_buffer(block_ * sizeof(T)) / sizeof(T);
}

template <class T>
void ElementwiseProgram<T>::find_row() {
    if (stages_.size() != 1 || stages_.front().op || !laid_out_.empty() || !deferred_.empty() ||
        cut_by_.empty())
        return;
    const std::size_t run = operands_[cut_by_.front()]->run();
    const bool steady = std::all_of(operands_.begin(), operands_.end(), [&](const auto& repetition) {
        return !repetition || (repetition->steady(run) && repetition->run() % run == 0);
    });
    if (steady) row_ = run;
}

template <class T>
std::size_t ElementwiseProgram<T>::phases_bytes() const {
    return aligned_to_buffer(laid_out_.size() * sizeof(std::size_t));
}

template <class T>
std::size_t ElementwiseProgram<T>::addresses_bytes() const {
    return aligned_to_buffer(most_addresses_ * (sizeof(void*) + sizeof(std::size_t)));
}

template <class T>
std::size_t ElementwiseProgram<T>::scratch_bytes() const {
    return phases_bytes() + addresses_bytes() + registers_ * stride_ * sizeof(T);
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
    std::fill_n(all.phases, laid_out_.size(), nothing_laid_out);
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
        for (const std::size_t operand : cut_by_)
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
    const Stage& stage = stages_.front();
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
    for (std::size_t i = 0; i < laid_out_.size(); ++i) {
        const Repetition& repetition = *operands_[laid_out_[i]];
        const std::size_t period = repetition.period();
        const std::size_t phase = period == 0 ? nothing_laid_out : begin % period;
        if (period != 0 && buffers.phases[i] == phase) continue;
        // A periodic operand fills its whole register, so that a longer block of the same phase finds it
        // there.
        repetition.expand(buffers.operands[laid_out_[i]], period == 0 ? begin : phase,
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
            return &constants_[place.index];
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
    for (const Stage& stage : stages_) {
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
    for (const Deferred& each : deferred_)
        std::copy_n(buffers.registers + each.home * stride_, count, buffers.results[each.result] + begin);
}

template class ElementwiseProgram<float>;
template class ElementwiseProgram<double>;

}  // namespace duet
