#include <duet/graph/runtime/arena.hpp>

#include <duet/graph/error.hpp>
#include <duet/graph/runtime/arena_state.hpp>

namespace duet {

ArenaUse::ArenaUse(std::atomic<std::uint32_t>& use, Kind kind) : use_(use) {
    for (std::uint32_t seen = none; !use_.compare_exchange_strong(seen, kind); seen = none) {
        if (seen == running)
            throw Error(
                kind == running
                    ? "run: another program is running on the same arena; compile one of them with its own "
                      "arena"
                    : "compile: a program is running on the same arena, which cannot grow meanwhile; compile "
                      "with another arena, or between runs");
        use_.wait(seen);
    }
}

ArenaUse::~ArenaUse() {
    const bool grew = use_.exchange(none) == growing;
    if (grew) use_.notify_all();
}

void Arena::State::reserve(std::size_t bytes, std::size_t scratch_bytes) {
    const ArenaUse growing(use, ArenaUse::growing);
    if (memory.size() < bytes) memory = AlignedBytes(bytes);
    for (AlignedBytes& each : scratch)
        if (each.size() < scratch_bytes) each = AlignedBytes(scratch_bytes);
}

Arena::Arena(std::size_t threads) : state_(std::make_shared<State>(threads)) {}

std::size_t Arena::threads() const {
    return state_->pool.threads();
}
ThreadPool& Arena::pool() const {
    return state_->pool;
}
std::size_t Arena::bytes() const {
    return state_->memory.size();
}

}  // namespace duet
