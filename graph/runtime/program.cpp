#include <duet/graph/runtime/program.hpp>

#include <algorithm>
#include <cstring>
#include <functional>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/runtime/program_state.hpp>

namespace duet {

namespace {

template <class T>
bool overlap(const ArrayOf<T>& a, const ArrayOf<T>& b) {
    const std::less<const T*> before;
    return before(a.data(), b.data() + b.size()) && before(b.data(), a.data() + a.size());
}

/// True if one band holds all tiles of an instruction, which is then finished as soon as they have run: a
/// later instruction of the band may read its result. What is spread over several bands is finished once the
/// group is done, and nothing in the group reads it (see Footprint).
template <class T>
bool within_a_band(const Instruction<T>& instruction, const BandGroup& group) {
    return group.bands == 1 || instruction.tiles() == 1;
}

}  // namespace

template <class T>
template <class Given>
std::span<const ArrayOf<T>> Program<T>::State::run(std::span<const Given> given,
                                                   std::optional<std::uint64_t> draw) {
    if (!draw && !random.empty())
        throw Error(
            fmt::format("run: {} draws random numbers, but no draw number was given; pass one to run, "
                        "another in each run",
                        random));
    const ArenaUse running(arena.state().use, ArenaUse::running);
    bind(given);
    if (!spans.empty()) start = Clock::now();
    execute(draw.value_or(0));
    for (const VariableSlot& each : variables)
        if (each.updated) each.variable.template written<T>();
    return fetches;
}

template <class T>
template <class Given>
void Program<T>::State::bind(std::span<const Given> given) {
    for (const VariableSlot& each : variables) slots[each.slot] = each.variable.template data<T>();
    for (FeedSlot& feed : feeds) feed.given = false;
    for (const Given& each : given) bind(each);
    for (const FeedSlot& feed : feeds)
        if (!feed.given) throw FeedError(fmt::format("run: {} is not fed", feed.description));
    std::byte* const memory = arena.state().memory.data();
    for (const ArenaSlot& each : arena_slots) slots[each.slot] = reinterpret_cast<T*>(memory + each.offset);
    for (const auto& instruction : instructions) instruction->bind(slots.data());
}

template <class T>
void Program<T>::State::bind(const ArgumentOf<T>& given) {
    const auto feed = std::find_if(feeds.begin(), feeds.end(), [&](const FeedSlot& known) {
        return given.input.place() == place.get() && given.input.id() == known.id;
    });
    if (feed == feeds.end()) throw FeedError("run: a feed is given for " + describe_unknown(given.input));
    if (feed->given) throw FeedError(fmt::format("run: {} is fed twice", feed->description));
    const ArrayOf<T>& value = given.value;
    if (!std::equal(feed->shape.begin(), feed->shape.end(), value.shape().begin(), value.shape().end()))
        throw FeedError(fmt::format("run: {} is fed an array of shape {}", feed->description,
                                    to_string(shape_of(value))));
    check_unwritten(*feed, value);
    feed->given = true;
    // Instructions write to slots of their own results alone, never to a feed.
    slots[feed->slot] = const_cast<T*>(value.data());
}

template <class T>
void Program<T>::State::check_unwritten(const FeedSlot& feed, const ArrayOf<T>& value) const {
    const auto reject = [&](const std::string& written) {
        throw FeedError(fmt::format("run: {} is fed memory of {}, which this run writes; feed a copy",
                                    feed.description, written));
    };
    for (std::size_t i = 0; i < fetches.size(); ++i)
        if (overlap(value, fetches[i])) reject(fmt::format("this program's fetch {}", i));
    for (const VariableSlot& each : variables)
        if (each.updated && overlap(value, each.variable.template value<T>()))
            reject("variable " + each.variable.name());
}

template <class T>
std::string Program<T>::State::describe_unknown(const Tensor& fed) const {
    if (!fed.valid()) return "an empty Tensor";
    if (fed.place() == place.get())
        return *place ? fmt::format("{}, which this program does not read as an input",
                                    describe_node(**place, fed.id()))
                      : "a tensor that this program does not read as an input";
    return fmt::format("{}, a tensor of another graph than the one this program was compiled from",
                       *fed.place() ? describe_node(fed.graph(), fed.id()) : "a tensor");
}

template <class T>
void Program<T>::State::run_tiles(std::size_t index, const BandGroup& group, std::size_t thread,
                                  std::size_t begin, std::size_t end, std::uint64_t draw) {
    Instruction<T>& instruction = *instructions[index];
    std::byte* const scratch = arena.state().scratch[thread].data();
    const std::size_t first = first_tile(instruction.tiles(), begin, group.bands),
                      last = first_tile(instruction.tiles(), end, group.bands);
    try {
        for (std::size_t tile = first; tile < last; ++tile) instruction.run(tile, draw, scratch);
        if (first < last && within_a_band(instruction, group)) instruction.finish(draw);
    } catch (const FeedError& rejected) {
        throw FeedError(costs[index].origin + rejected.what());
    }
}

template <class T>
void Program<T>::State::run_bands(const BandGroup& group, std::size_t thread, std::size_t begin,
                                  std::size_t end, std::uint64_t draw) {
    if (spans.empty()) {
        for (std::size_t band = begin; band < end; ++band)
            for (std::size_t i = group.begin; i < group.end; ++i)
                run_tiles(i, group, thread, band, band + 1, draw);
        return;
    }
    for (std::size_t i = group.begin; i < group.end; ++i) {
        const std::size_t tiles = instructions[i]->tiles();
        if (first_tile(tiles, begin, group.bands) == first_tile(tiles, end, group.bands)) continue;
        const Clock::time_point began = Clock::now();
        run_tiles(i, group, thread, begin, end, draw);
        spans[thread * instructions.size() + i] = {began, Clock::now()};
    }
}

template <class T>
void Program<T>::State::finish(const BandGroup& group, std::uint64_t draw) {
    for (std::size_t i = group.begin; i < group.end; ++i)
        if (!within_a_band(*instructions[i], group)) instructions[i]->finish(draw);
}

template <class T>
void Program<T>::State::fill_with_nan() {
    constexpr int all_bits = 0xff;
    const auto fill = [](void* memory, std::size_t bytes) {
        if (bytes > 0) std::memset(memory, all_bits, bytes);
    };
    fill(arena.state().memory.data(), arena.state().memory.size());
    for (const AlignedBytes& each : arena.state().scratch) fill(each.data(), each.size());
    for (ArrayOf<T>& fetch : fetches) fill(fetch.data(), fetch.size() * sizeof(T));
}

template <class T>
void Program<T>::State::execute(std::uint64_t draw) {
    ThreadPool& pool = arena.state().pool;
    if (poison) fill_with_nan();
    if (pool.threads() == 1) {
        for (const BandGroup& group : groups) {
            run_bands(group, 0, 0, group.bands, draw);
            finish(group, draw);
        }
        return;
    }
    for (Progress& each : progress) each.done.store(0, std::memory_order_relaxed);
    failed = false;
    pool.run([&](std::size_t thread) { work(thread, draw); });
    if (failed) std::rethrow_exception(std::exchange(failure, nullptr));
}

template <class T>
void Program<T>::State::work(std::size_t thread, std::uint64_t draw) {
    const std::size_t threads = arena.state().pool.threads();
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const BandGroup& group = groups[i];
        const auto bands = static_cast<std::uint32_t>(group.bands);
        const auto first_of = [&](std::size_t each) { return (each * bands + threads - 1) / threads; };
        const std::size_t begin = first_of(thread), end = first_of(thread + 1);
        std::atomic<std::uint32_t>& done = progress[i].done;
        const auto fail = [&] {
            if (!failed.exchange(true)) failure = std::current_exception();
        };
        if (begin < end) {
            try {
                run_bands(group, thread, begin, end, draw);
            } catch (...) {
                fail();
            }
            const auto own = static_cast<std::uint32_t>(end - begin);
            if (done.fetch_add(own, std::memory_order_acq_rel) + own == bands) {
                try {
                    if (!failed) finish(group, draw);
                } catch (...) {
                    fail();
                }
                done.store(failed ? bands + 2 : bands + 1, std::memory_order_release);
                done.notify_all();
            }
        }
        // Whether this group was the last is read from its own progress: `failed` may already speak of the
        // next.
        std::uint32_t seen = done.load(std::memory_order_acquire);
        while (seen <= bands) seen = arena.state().pool.wait_while_equal(thread, done, seen);
        if (seen == bands + 2) return;
    }
}

template <class T>
Program<T>::Program(std::unique_ptr<State> state) : state_(std::move(state)) {}
template <class T>
Program<T>::Program(Program&&) noexcept = default;
template <class T>
Program<T>& Program<T>::operator=(Program&&) noexcept = default;
template <class T>
Program<T>::~Program() = default;

template <class T>
std::span<const ArrayOf<T>> Program<T>::run(std::span<const FeedOf<T>> feeds,
                                            std::optional<std::uint64_t> draw) & {
    return state_->run(feeds, draw);
}

template <class T>
std::span<const ArrayOf<T>> Program<T>::run(std::initializer_list<ArgumentOf<T>> feeds,
                                            std::optional<std::uint64_t> draw) & {
    return state_->run(std::span<const ArgumentOf<T>>(feeds.begin(), feeds.size()), draw);
}

template <class T>
const ArrayOf<T>& Program<T>::operator[](std::size_t fetch) const& {
    if (fetch >= state_->fetches.size())
        throw Error(fmt::format("fetch {} was asked for, the program has {}", fetch, state_->fetches.size()));
    return state_->fetches[fetch];
}

template <class T>
const ArrayOf<T>& Program<T>::value(const Variable& variable) const {
    for (const auto& known : state_->variables)
        if (known.variable == variable) return variable.template value<T>();
    throw Error(fmt::format("variable {} is not used by this program", variable.name()));
}

template <class T>
void Program<T>::set_profiled(bool profiled) {
    state_->spans.clear();
    if (profiled) state_->spans.resize(state_->instructions.size() * state_->arena.threads());
}

template <class T>
std::vector<InstructionTime> Program<T>::times() const {
    std::vector<InstructionTime> times;
    for (std::size_t i = 0; i < state_->spans.size(); ++i) {
        const auto& span = state_->spans[i];
        if (span.start < state_->start) continue;
        const auto& cost = state_->costs[i % state_->instructions.size()];
        using Microseconds = std::chrono::duration<double, std::micro>;
        times.push_back({cost.name, i % state_->instructions.size(), i / state_->instructions.size(),
                         Microseconds(span.start - state_->start).count(),
                         Microseconds(span.end - span.start).count(), cost.flops, cost.bytes});
    }
    return times;
}

template <class T>
const ProgramReport& Program<T>::report() const {
    return state_->report;
}

template <class T>
std::string Program<T>::describe() const {
    return duet::describe(state_->report, state_->nodes);
}

template <class T>
std::string Program<T>::to_dot() const {
    return duet::to_dot(state_->nodes);
}

template class Program<float>;
template class Program<double>;

}  // namespace duet
