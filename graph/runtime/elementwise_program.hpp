#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <duet/graph/op.hpp>
#include <duet/graph/runtime/machine_code.hpp>
#include <duet/graph/runtime/repetition.hpp>

namespace duet {

/// A chain of elementwise ops, run block after block. Ops that say how become machine code, as many at a time
/// as stand together, whose values stay in vector registers; each other op runs its block kernel. Values
/// between them wait in registers of one block each, so a chain of any length reads and writes memory once.
template <class T>
class ElementwiseProgram {
 public:
    /// Where a step reads or writes.
    struct Place {
        enum class Kind {
            register_,
            operand,
            result,
            scalar,    ///< an operand that is one value throughout a block; `prepare` finds out
            laid_out,  ///< a register that holds a repeated operand; likewise
            constant,  ///< a number of machine code; likewise
        } kind;
        std::size_t index;

        friend bool operator==(const Place&, const Place&) = default;
        friend bool operator<(const Place& a, const Place& b) {
            return std::pair(a.kind, a.index) < std::pair(b.kind, b.index);
        }
    };

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
    using Kind = typename Place::Kind;

    struct Step {
        std::shared_ptr<const Op> op;
        std::vector<Place> inputs;
        Place output;
        /// Lines of machine code; none if it has a block kernel alone.
        std::size_t lines = 0;
        std::size_t stage = 0;
    };
    /// One block kernel, or machine code where there is no op.
    struct Stage {
        std::shared_ptr<const Op> op;
        std::size_t function = 0;
        std::vector<Place> inputs, outputs;
        /// The input that is one value for all elements, if the kernel takes one.
        std::optional<std::size_t> scalar;
    };
    struct Deferred {
        std::size_t home;
        std::size_t result;
    };
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

    void group_into_stages();
    void defer_results();
    std::vector<bool> registers_between_stages() const;
    Stage block_stage(const Step& step);
    Stage code_stage(const Step* begin, const Step* end, const std::vector<bool>& kept);
    /// Where machine code, or a kernel if it takes a scalar there, reads an input.
    Place resolve(const Place& input, bool takes_scalar);
    void assign_registers();
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
    std::vector<Step> steps_;
    std::vector<Stage> stages_;
    std::vector<std::pair<std::size_t, std::size_t>> shared_;
    std::vector<Deferred> deferred_;
    std::shared_ptr<MachineCode> code_;
    std::vector<T> constants_;
    /// Operands with a register of their own, and operands whose runs blocks must not cross.
    std::vector<std::size_t> laid_out_, cut_by_;
    std::size_t elements_ = 0;
    std::size_t virtual_registers_ = 0;
    std::size_t registers_ = 0;
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
