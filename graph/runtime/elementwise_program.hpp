#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <duet/graph/runtime/elementwise_stages.hpp>

namespace duet {

/// A chain of elementwise ops, run block after block. Ops that say how become machine code, as many at a time
/// as stand together, whose values stay in vector registers; each other op runs its block kernel. Values
/// between them wait in registers of one block each, so a chain of any length reads and writes memory once.
template <class T>
class ElementwiseProgram {
 public:
    using Place = ElementwisePlace;

    /// An operand read element by element; returns its number.
    std::size_t add_operand();
    /// An operand that repeats over the elements; returns its number.
    std::size_t add_operand(const Repetition& repetition);
    std::size_t add_result();
    /// Steps come in topological order; each writes a register or result of its own.
    void add_step(std::shared_ptr<const Op> op, std::vector<Place> inputs, Place output);
    /// Says that a result is stored where an operand is read; a later step may still read the operand.
    void set_shared(std::size_t operand, std::size_t result);
    /// Forms stages and assigns registers. Call once, after the last step; `code`, which may be null, must be
    /// finished before the first run.
    void prepare(std::size_t elements, std::shared_ptr<MachineCode> code);

    /// Bytes of scratch memory that a run needs.
    std::size_t scratch_bytes() const;
    /// Elements that a tile should be a multiple of, so that repeated operands are laid out once a tile.
    std::size_t granularity() const { return granularity_; }
    /// Computes the elements of a region. `operands` and `results` are buffers by number.
    void run(const T* const* operands, T* const* results, const Region& region, std::byte* scratch) const;

 private:
    using Kind = Place::Kind;
    using Stage = typename ElementwiseStages<T>::Stage;

    struct Buffers {
        const T* const* operands;
        T* const* results;
        /// How far into its period each laid out operand's register begins.
        std::size_t* phases;
        const void** addresses;
        /// How many bytes each address moves on from one row to the next.
        std::size_t* steps;
        T* registers;
    };

    void choose_block();
    void find_row();

    Buffers buffers(const T* const* operands, T* const* results, std::byte* scratch) const;
    std::size_t phases_bytes() const;
    std::size_t addresses_bytes() const;
    void lay_out(const Buffers& buffers, std::size_t begin, std::size_t count) const;
    void run_blocks(const Buffers& buffers, std::size_t begin, std::size_t count) const;
    void run_block(const Buffers& buffers, std::size_t begin, std::size_t count) const;
    /// The same, of machine code alone, for `count` elements of each of `rows` rows that begin `stride`
    /// apart.
    void run_rows(const Buffers& buffers, std::size_t begin, std::size_t rows, std::size_t stride,
                  std::size_t count) const;
    const T* source(const Place& place, const Buffers& buffers, std::size_t begin) const;
    T* target(const Place& place, const Buffers& buffers, std::size_t begin) const;

    /// How each operand repeats, if it does.
    std::vector<std::optional<Repetition>> operands_;
    std::size_t results_ = 0;
    std::vector<ElementwiseStep> steps_;
    std::vector<SharedPlace> shared_;
    std::shared_ptr<MachineCode> code_;
    ElementwiseStages<T> stages_;
    std::size_t elements_ = 0;
    std::size_t most_addresses_ = 0;
    std::size_t block_ = 0;
    /// Elements from one register to the next.
    std::size_t stride_ = 0;
    std::size_t granularity_ = 1;
    /// The run of all operands that repeat, if machine code can go from run to run by steps; else zero.
    std::size_t row_ = 0;
};

extern template class ElementwiseProgram<float>;
extern template class ElementwiseProgram<double>;

}  // namespace duet
