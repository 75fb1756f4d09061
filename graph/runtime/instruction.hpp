#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <duet/graph/op.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/graph/runtime/bands.hpp>
#include <duet/graph/runtime/elementwise_program.hpp>

namespace duet {

/// Where a slot's buffer lies: buffers of one memory may share bytes as their lifetimes allow.
struct Location {
    std::size_t memory;
    std::size_t byte;
};
/// The location of each slot.
using Locations = std::vector<Location>;

/// One entry of a program's list. Its buffers are slots of the program; `bind` looks them up before each run,
/// since feeds move and an arena may have grown.
template <class T>
class Instruction {
 public:
    virtual ~Instruction() = default;
    virtual void bind(T* const* slots) = 0;
    virtual void run(std::size_t tile, std::uint64_t draw, std::byte* scratch) = 0;
    /// Runs once after all tiles.
    virtual void finish(std::uint64_t /*draw*/) {}

    std::size_t tiles() const { return tiles_; }
    /// What the tiles touch.
    virtual Footprint footprint(const Locations& locations) const = 0;
    /// Changes the number of tiles of an instruction whose footprint is divisible.
    virtual void cut(std::size_t tiles) { tiles_ = tiles; }

 protected:
    std::size_t tiles_ = 1;
};

/// Where an instruction's buffers are, as slots of the program.
struct KernelSlots {
    std::vector<std::size_t> inputs;
    std::size_t output;
    std::size_t workspace;
};

/// Runs one op's own kernel.
template <class T>
class KernelInstruction final : public Instruction<T> {
 public:
    KernelInstruction(std::shared_ptr<const Op> op, std::vector<Shape> input_shapes, Shape shape,
                      KernelSlots slots);
    void bind(T* const* slots) override;
    void run(std::size_t tile, std::uint64_t draw, std::byte* scratch) override;
    void finish(std::uint64_t draw) override;
    Footprint footprint(const Locations& locations) const override;
    /// Runs a tile of an op that accepts a prologue on its region of the first input, wherever that is.
    void run_on(const T* region, std::size_t region_stride, std::size_t tile, std::uint64_t draw) const;
    /// Bytes of scratch memory that a run needs.
    std::size_t scratch_bytes() const;
    /// The part of the output that a tile completes.
    Region region(std::size_t tile) const;

 private:
    Kernel<T> kernel(std::size_t tile, std::uint64_t draw, std::byte* scratch) const;

    std::shared_ptr<const Op> op_;
    std::vector<Shape> input_shapes_;
    Shape shape_;
    KernelSlots slots_;
    std::vector<const T*> inputs_;
    T* output_ = nullptr;
    T* workspace_ = nullptr;
};

/// Reductions of the last value of a chain. All read the same regions, which cover that value once.
template <class T>
struct Tails {
    std::vector<std::unique_ptr<KernelInstruction<T>>> kernels;
    std::vector<Region> regions;
    /// The number of the chain's result that they read.
    std::size_t result = 0;
    /// True if nothing else reads it: it then exists only region by region.
    bool transient = false;
};

/// Runs a chain of elementwise ops, on the tiles of a head if it has one, followed by reductions of what it
/// makes.
template <class T>
class ElementwiseInstruction final : public Instruction<T> {
 public:
    struct Operand {
        std::size_t slot;
        /// Its elements if it repeats over those of the results, which may each read all of it; otherwise
        /// zero.
        std::size_t repeated;
    };

    ElementwiseInstruction(ElementwiseProgram<T> program, std::unique_ptr<KernelInstruction<T>> head,
                           Tails<T> tails, std::vector<Operand> operands,
                           std::vector<std::size_t> result_slots, std::size_t elements);
    void bind(T* const* slots) override;
    void run(std::size_t tile, std::uint64_t draw, std::byte* scratch) override;
    void finish(std::uint64_t draw) override;
    Footprint footprint(const Locations& locations) const override;
    void cut(std::size_t tiles) override;
    /// Bytes of scratch memory that a run needs.
    std::size_t scratch_bytes() const;

 private:
    void cut_by_tails();
    Region tile_region(std::size_t tile) const;
    void run_region(std::size_t region, std::uint64_t draw, std::byte* scratch) const;

    ElementwiseProgram<T> program_;
    std::unique_ptr<KernelInstruction<T>> head_;
    Tails<T> tails_;
    /// With tails: the regions of each tile, as places in `regions_by_tile_` from one number to the next.
    std::vector<std::size_t> regions_by_tile_, first_of_tile_;
    std::vector<Operand> operand_list_;
    std::vector<std::size_t> result_slots_;
    std::vector<const T*> operands_;
    std::vector<T*> results_;
    std::size_t elements_;
    /// None once the instruction is cut into equal tiles.
    std::optional<Pieces> pieces_;
    std::size_t largest_region_ = 0;
};

/// Copies a finished value to a fetch or into a variable.
template <class T>
class CopyInstruction final : public Instruction<T> {
 public:
    CopyInstruction(std::size_t from, std::size_t to, std::size_t elements);
    Footprint footprint(const Locations& locations) const override;
    void bind(T* const* slots) override;
    void run(std::size_t tile, std::uint64_t draw, std::byte* scratch) override;

 private:
    std::size_t from_, to_, elements_;
    const T* source_ = nullptr;
    T* target_ = nullptr;
};

/// A value that an instruction looks at, and how to name it.
struct WatchedValue {
    std::size_t slot;
    std::size_t elements;
    /// "d_loss (), declared at train.cpp:12".
    std::string description;
    bool is_variable = false;
};

/// Throws NonFiniteError naming the first value with an element that is not finite.
template <class T>
class CheckInstruction final : public Instruction<T> {
 public:
    /// When a value fails, `operands` are all named with their ranges; of `leaves`, what is not finite, or
    /// else the largest variable.
    CheckInstruction(std::vector<WatchedValue> values, std::vector<WatchedValue> operands,
                     std::vector<WatchedValue> leaves)
        : values_(std::move(values)), operands_(std::move(operands)), leaves_(std::move(leaves)) {}
    Footprint footprint(const Locations& locations) const override;
    void bind(T* const* slots) override { slots_ = slots; }
    void run(std::size_t tile, std::uint64_t draw, std::byte* scratch) override;

 private:
    std::string likely_cause() const;

    std::vector<WatchedValue> values_, operands_, leaves_;
    T* const* slots_ = nullptr;
};

extern template class KernelInstruction<float>;
extern template class KernelInstruction<double>;
extern template class ElementwiseInstruction<float>;
extern template class ElementwiseInstruction<double>;
extern template class CopyInstruction<float>;
extern template class CopyInstruction<double>;
extern template class CheckInstruction<float>;
extern template class CheckInstruction<double>;

}  // namespace duet
