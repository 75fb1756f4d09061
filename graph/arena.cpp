#include <duet/graph/arena.hpp>

#include <duet/graph/arena_state.hpp>

namespace duet {

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
