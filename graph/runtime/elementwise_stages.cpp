#include <duet/graph/runtime/elementwise_stages.hpp>

#include <algorithm>
#include <map>

namespace duet {

namespace {

using Place = ElementwisePlace;
using Kind = Place::Kind;
using Step = ElementwiseStep;

/// Repeated operands with shorter runs are laid out in registers.
constexpr std::size_t shortest_run = 64;
/// Lines of machine code in a stage; more would no longer be fast to fetch.
constexpr std::size_t most_lines = 192;

/// Lines of machine code that an op of so many inputs needs, or zero if it writes none.
std::size_t lines_of(const ElementwiseOp& op, std::size_t inputs) {
    VectorCode code;
    std::vector<Vector> vectors;
    for (std::size_t i = 0; i < inputs; ++i) vectors.push_back(code.load());
    return op.emit(vectors) ? code.lines().size() : 0;
}

template <class T>
class Staging {
 public:
    using Stage = typename ElementwiseStages<T>::Stage;

    Staging(std::vector<Step> steps, const std::vector<std::optional<Repetition>>& operands,
            const std::vector<SharedPlace>& shared, std::size_t elements, MachineCode* code)
        : steps_(std::move(steps)), operands_(operands), shared_(shared), elements_(elements), code_(code) {
        for (const Step& step : steps_) {
            std::size_t& count = step.output.kind == Kind::result ? results_ : virtual_registers_;
            count = std::max(count, step.output.index + 1);
        }
    }

    ElementwiseStages<T> form() {
        group_into_stages();
        defer_results();
        const std::vector<bool> kept = registers_between_stages();
        const Step* const end = steps_.data() + steps_.size();
        for (const Step* step = steps_.data(); step != end;) {
            const Step* const next =
                std::find_if(step, end, [&](const Step& other) { return other.stage != step->stage; });
            made_.list.push_back(step->lines > 0 ? code_stage(step, next, kept) : block_stage(*step));
            step = next;
        }
        assign_registers();
        return std::move(made_);
    }

 private:
    void group_into_stages();
    void defer_results();
    std::vector<bool> registers_between_stages() const;
    Stage block_stage(const Step& step);
    Stage code_stage(const Step* begin, const Step* end, const std::vector<bool>& kept);
    /// Where machine code, or a kernel if it takes a scalar there, reads an input.
    Place resolve(const Place& input, bool takes_scalar);
    void assign_registers();

    std::vector<Step> steps_;
    const std::vector<std::optional<Repetition>>& operands_;
    const std::vector<SharedPlace>& shared_;
    const std::size_t elements_;
    MachineCode* const code_;
    std::size_t results_ = 0, virtual_registers_ = 0;
    ElementwiseStages<T> made_;
};

template <class T>
void Staging<T>::group_into_stages() {
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
void Staging<T>::defer_results() {
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
        made_.deferred.push_back({fresh.index, result.index});
    }
}

template <class T>
std::vector<bool> Staging<T>::registers_between_stages() const {
    std::vector<bool> kept(virtual_registers_);
    std::vector<std::size_t> made(virtual_registers_);
    for (const Step& step : steps_) {
        for (const Place& input : step.inputs)
            if (input.kind == Kind::register_ && made[input.index] != step.stage) kept[input.index] = true;
        if (step.output.kind == Kind::register_) made[step.output.index] = step.stage;
    }
    for (const auto& each : made_.deferred) kept[each.home] = true;
    return kept;
}

template <class T>
Place Staging<T>::resolve(const Place& input, bool takes_scalar) {
    if (input.kind != Kind::operand || !operands_[input.index]) return input;
    const Repetition& repetition = *operands_[input.index];
    const bool long_runs = repetition.run() >= std::min(shortest_run, elements_);
    // Laid out once a tile, several short periods make one block.
    const bool short_period = repetition.period() > 1 && repetition.period() <= usual_block;
    if (long_runs && !short_period && (takes_scalar || !repetition.uniform())) {
        if (repetition.run() < elements_) made_.cut_by.push_back(input.index);
        return {repetition.uniform() ? Kind::scalar : Kind::operand, input.index};
    }
    const auto known = std::find(made_.laid_out.begin(), made_.laid_out.end(), input.index);
    const Place place{Kind::laid_out, static_cast<std::size_t>(known - made_.laid_out.begin())};
    if (known == made_.laid_out.end()) made_.laid_out.push_back(input.index);
    return place;
}

template <class T>
auto Staging<T>::block_stage(const Step& step) -> Stage {
    Stage stage{step.op, 0, {}, {step.output}, {}};
    for (const Place& input : step.inputs) {
        const bool takes_scalar = step.op->elementwise()->takes_scalar() && !stage.scalar;
        stage.inputs.push_back(resolve(input, takes_scalar));
        if (stage.inputs.back().kind == Kind::scalar) stage.scalar = stage.inputs.size() - 1;
    }
    return stage;
}

template <class T>
auto Staging<T>::code_stage(const Step* begin, const Step* end, const std::vector<bool>& kept) -> Stage {
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
        stage.inputs[constant.address] = {Kind::constant, made_.constants.size()};
        made_.constants.push_back(static_cast<T>(constant.number));
    }
    stage.function = code_->template add<T>(code);
    return stage;
}

template <class T>
void Staging<T>::assign_registers() {
    // Repeated operands keep a register for good; the others are handed on once their last reader has run.
    made_.registers = made_.laid_out.size();
    std::vector<std::size_t> last_read(virtual_registers_), assigned(virtual_registers_), free;
    for (std::size_t i = 0; i < made_.list.size(); ++i)
        for (const Place& input : made_.list[i].inputs)
            if (input.kind == Kind::register_) last_read[input.index] = i;
    for (const auto& each : made_.deferred) last_read[each.home] = made_.list.size();
    for (std::size_t i = 0; i < made_.list.size(); ++i) {
        std::vector<std::size_t> dying;
        for (Place& input : made_.list[i].inputs) {
            if (input.kind != Kind::register_) continue;
            const std::size_t name = input.index;
            input.index = assigned[name];
            if (last_read[name] == i && std::find(dying.begin(), dying.end(), input.index) == dying.end())
                dying.push_back(input.index);
        }
        free.insert(free.end(), dying.begin(), dying.end());
        for (Place& output : made_.list[i].outputs) {
            if (output.kind != Kind::register_) continue;
            if (free.empty()) free.push_back(made_.registers++);
            assigned[output.index] = free.back();
            output.index = free.back();
            free.pop_back();
        }
    }
    for (auto& each : made_.deferred) each.home = assigned[each.home];
}

}  // namespace

template <class T>
ElementwiseStages<T> form_stages(std::vector<Step> steps,
                                 const std::vector<std::optional<Repetition>>& operands,
                                 const std::vector<SharedPlace>& shared, std::size_t elements,
                                 MachineCode* code) {
    return Staging<T>(std::move(steps), operands, shared, elements, code).form();
}

template ElementwiseStages<float> form_stages(std::vector<Step>,
                                              const std::vector<std::optional<Repetition>>&,
                                              const std::vector<SharedPlace>&, std::size_t, MachineCode*);
template ElementwiseStages<double> form_stages(std::vector<Step>,
                                               const std::vector<std::optional<Repetition>>&,
                                               const std::vector<SharedPlace>&, std::size_t, MachineCode*);

}  // namespace duet
