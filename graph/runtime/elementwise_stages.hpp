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

/// Elements of a block, unless operands repeat.
constexpr std::size_t usual_block = 512;

/// Where a step of a chain of elementwise ops, or a stage, reads or writes.
struct ElementwisePlace {
    enum class Kind {
        register_,
        operand,
        result,
        scalar,    ///< an operand that is one value throughout a block; of stages only
        laid_out,  ///< a register that holds a repeated operand; likewise
        constant,  ///< a number of machine code; likewise
    } kind;
    std::size_t index;

    friend bool operator==(const ElementwisePlace&, const ElementwisePlace&) = default;
    friend bool operator<(const ElementwisePlace& a, const ElementwisePlace& b) {
        return std::pair(a.kind, a.index) < std::pair(b.kind, b.index);
    }
};

/// One op of a chain.
struct ElementwiseStep {
    std::shared_ptr<const Op> op;
    std::vector<ElementwisePlace> inputs;
    ElementwisePlace output;
    /// Lines of machine code; none if it has a block kernel alone.
    std::size_t lines = 0;
    std::size_t stage = 0;
};

/// An operand and the result that is stored where it is read.
using SharedPlace = std::pair<std::size_t, std::size_t>;

/// The steps of a chain as they run, one stage after another.
template <class T>
struct ElementwiseStages {
    /// One block kernel, or machine code where there is no op.
    struct Stage {
        std::shared_ptr<const Op> op;
        std::size_t function = 0;
        std::vector<ElementwisePlace> inputs, outputs;
        /// The input that is one value for all elements, if the kernel takes one.
        std::optional<std::size_t> scalar;
    };
    /// A result that waits in a register until the block is done.
    struct Deferred {
        std::size_t home;
        std::size_t result;
    };

    std::vector<Stage> list;
    std::vector<Deferred> deferred;
    std::vector<T> constants;
    /// Operands with a register of their own, and operands whose runs blocks must not cross.
    std::vector<std::size_t> laid_out, cut_by;
    std::size_t registers = 0;
};

/// Forms stages and assigns registers. `operands` say how each repeats, if it does; `code`, which may be
/// null, takes up the machine code.
template <class T>
ElementwiseStages<T> form_stages(std::vector<ElementwiseStep> steps,
                                 const std::vector<std::optional<Repetition>>& operands,
                                 const std::vector<SharedPlace>& shared, std::size_t elements,
                                 MachineCode* code);

}  // namespace duet
