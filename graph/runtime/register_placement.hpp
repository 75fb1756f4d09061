#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include <duet/graph/vector_code.hpp>

namespace duet {

/// A line with registers for names, or a transfer between a register and a slot of the stack.
struct Placed {
    enum class Kind { line, spill, reload, store } kind;
    std::uint32_t index;  ///< the line, the slot, or which of the stored vectors
    int output;
    std::array<int, 4> inputs;
};

/// Assigns vector registers to the lines of a code; where there are too few, the vector needed last waits on
/// the stack. Lines that nothing needs are left out.
class RegisterPlacement {
 public:
    /// Up to `most_hoisted` of the `registers` are kept for values that are the same for all elements.
    RegisterPlacement(const VectorCode& code, int registers, int most_hoisted);

    /// What comes once before everything else.
    const std::vector<Placed>& hoisted() const { return hoisted_; }
    /// What is done for each vector; everything is read before anything is stored.
    const std::vector<Placed>& body() const { return body_; }
    /// How many vectors the stack must hold.
    std::uint32_t slots() const { return slots_; }

 private:
    static constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();

    struct Whereabouts {
        int location = -1;  ///< its register
        std::uint32_t slot = never;
        std::vector<std::uint32_t> uses;
        std::size_t passed = 0;
        std::uint32_t next() const { return passed < uses.size() ? uses[passed] : never; }
    };

    bool used(std::uint32_t line) const { return !places_[line].uses.empty(); }
    void find_uses(const std::vector<std::uint32_t>& stored);
    void place(std::uint32_t line);
    int bring(std::uint32_t line, const std::vector<int>& pinned);
    void hold(std::uint32_t line, int chosen);
    void pass_use(std::uint32_t line);
    int free_register(const std::vector<int>& pinned);

    const std::vector<VectorCode::Line>& lines_;
    std::vector<Whereabouts> places_;
    /// The line in each register.
    std::vector<std::uint32_t> holder_;
    std::vector<Placed> hoisted_, body_;
    int first_free_ = 0;
    std::uint32_t slots_ = 0;
};

}  // namespace duet
