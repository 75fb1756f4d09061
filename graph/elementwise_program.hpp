#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <duet/graph/op.hpp>

namespace duet {

/// How an operand of smaller shape repeats along a flat index: the collapsed axes of the result, outermost
/// first.
class Repetition {
 public:
    /// Throws nothing: the shapes must already broadcast.
    Repetition(const Shape& source, const Shape& result);

    /// True if every element reads the same source element.
    bool scalar() const { return axes_.size() == 1 && axes_.front().stride == 0; }
    /// The number of elements after which the pattern repeats, or zero if it does not.
    std::size_t period() const { return period_; }
    /// Writes elements begin .. begin+count-1 of the repeated source.
    template <class T>
    void expand(const T* source, std::size_t begin, std::size_t count, T* output) const;

 private:
    struct Axis {
        std::size_t extent;
        std::size_t stride;
    };
    std::vector<Axis> axes_;
    std::size_t period_ = 0;
};

/// A chain of elementwise ops as a list of steps over registers of one block each. Blocks stay in the
/// first-level cache, so a chain of any length reads and writes memory once.
template <class T>
class ElementwiseProgram {
 public:
    /// Where a step reads or writes.
    struct Place {
        enum class Kind {
            register_,
            operand,  ///< read element by element
            scalar,   ///< the single value of an operand
            result,
        } kind;
        std::size_t index;
    };
    struct Step {
        std::shared_ptr<const Op> op;
        const ElementwiseOp* kernel;
        std::vector<Place> inputs;
        Place output;
        /// The input that is one value for all elements, if the kernel takes one.
        std::optional<std::size_t> scalar;
    };

    /// An operand read element by element; returns its number.
    std::size_t add_operand();
    /// An operand that repeats over the elements; returns its number.
    std::size_t add_operand(const Repetition& repetition);
    std::size_t add_result();
    void add_step(std::shared_ptr<const Op> op, std::vector<Place> inputs, Place output);
    /// Says that a result is stored where an operand is read; a later step may still read the operand.
    void set_shared(std::size_t operand, std::size_t result);
    /// Assigns registers. Call once, after the last step.
    void prepare(std::size_t elements);

    /// Bytes of scratch memory that a run needs.
    std::size_t scratch_bytes() const;
    /// Elements that a tile should be a multiple of, so that repeated operands are laid out once a tile.
    std::size_t granularity() const { return granularity_; }
    /// Computes the elements of a region. `operands` and `results` are buffers by number.
    void run(const T* const* operands, T* const* results, const Region& region, std::byte* scratch) const;

 private:
    struct Repeated {
        std::size_t operand;
        Repetition repetition;
        std::size_t home;
    };
    struct Deferred {
        std::size_t home;
        std::size_t result;
    };

    /// Lets steps whose kernel takes a scalar read it where it is, and drops registers that then nothing
    /// reads.
    void use_scalars();
    std::size_t phases_bytes() const;
    void run_block(const T* const* operands, T* const* results, std::size_t begin, std::size_t count,
                   std::byte* scratch) const;

    std::size_t operands_ = 0;
    std::size_t results_ = 0;
    std::vector<Repeated> repeated_;
    std::vector<Step> steps_;
    std::vector<std::pair<std::size_t, std::size_t>> shared_;
    std::vector<Deferred> deferred_;
    std::size_t registers_ = 0;
    std::size_t block_ = 0;
    /// Elements from one register to the next.
    std::size_t stride_ = 0;
    std::size_t granularity_ = 1;
};

extern template class ElementwiseProgram<float>;
extern template class ElementwiseProgram<double>;

}  // namespace duet
