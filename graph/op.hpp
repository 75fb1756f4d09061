#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <duet/graph/attribute.hpp>
#include <duet/graph/loops.hpp>
#include <duet/graph/region.hpp>
#include <duet/graph/shape.hpp>
#include <duet/graph/tensor.hpp>
#include <duet/graph/vector_code.hpp>

namespace duet {

/// The shapes an op is applied to and the shape it yields.
struct Signature {
    std::span<const Shape> inputs;
    const Shape& output;
};

/// What a gradient rule sees of the node it differentiates.
struct Application {
    std::span<const Tensor> inputs;
    Tensor output;
};

/// One piece of one op's work, in the element type of the program. Buffers are dense and row-major.
template <class T>
struct Kernel {
    std::span<const Shape> input_shapes;
    const Shape& output_shape;
    std::span<const T* const> inputs;
    T* output;
    /// `Op::workspace` elements shared by the op's tiles.
    T* workspace;
    /// `Op::scratch` elements of the running thread's own, which hold whatever ran before left there.
    T* scratch;
    /// Which of the op's tiles to compute.
    std::size_t tile;
    /// The draw number of the run: random ops draw from it.
    std::uint64_t draw;
    /// For ops that accept a prologue: where the tile's part of the first input begins, and the elements from
    /// one of its rows to the next. It may be the only part of that input that exists.
    const T* region = nullptr;
    std::size_t region_stride = 0;
};

class ElementwiseOp;
class Op;

/// A cheaper way to compute the same: `op`, whose input number `input` has gone through `rearrangement`
/// first.
struct Rearranged {
    std::size_t input;
    std::shared_ptr<const Op> rearrangement;
    std::shared_ptr<const Op> op;
};

/// A primitive: shape rule, kernel, gradient rule and cost in one class, with whatever attributes it has as
/// members. Derive from OpOf (or ElementwiseOf) to write each kernel once for both element types. The
/// compiler asks an op about itself only through these virtuals, so an op defined outside the library is as
/// good as one within.
class Op {
 public:
    virtual ~Op() = default;

    /// The op's name as the user knows it, such as "matmul".
    virtual std::string name() const = 0;
    /// Everything beside the class that decides the result, such as `{{"axis", 1}}`: nodes of one class whose
    /// attributes and inputs are equal are merged.
    virtual Attributes attributes() const { return {}; }
    /// The shape rule: a function of shapes alone. Throws ShapeError with the rule that is broken; the graph
    /// adds the op, the arguments and the lines.
    virtual Shape shape(std::span<const Shape> inputs) const = 0;
    /// Floating-point operations of one evaluation.
    virtual double flops(const Signature& signature) const = 0;

    /// The gradient with regard to `input` given `seed`, the gradient with regard to the output: nodes built
    /// with the same public builders, of the input's shape. The default throws GradientError naming the op.
    virtual Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const;
    /// False where the output does not vary smoothly with `input` anywhere (a comparison, an index): no path
    /// of a gradient leads through it.
    virtual bool differentiable(std::size_t /*input*/) const { return true; }

    /// True if equal inputs give equal results in one run; false for a draw of random numbers.
    virtual bool pure() const { return true; }
    /// True if a run may end in an exception because of the values it is given. Such nodes run before any
    /// update is written.
    virtual bool may_fail() const { return false; }
    /// This op as an elementwise one, or null.
    virtual const ElementwiseOp* elementwise() const { return nullptr; }
    /// True if the op repeats its one input along axes as NumPy broadcasts, adding axes in front.
    virtual bool expands() const { return false; }
    /// True if the output is the input's buffer under another shape.
    virtual bool aliases() const { return false; }
    /// This op with the one-input op that makes its `input` folded in, so that it takes the producer's input
    /// instead; null if it cannot.
    virtual std::shared_ptr<const Op> absorb(std::size_t /*input*/, const Op& /*producer*/) const {
        return nullptr;
    }
    /// How to compute the same at less cost from a rearranged input, which other nodes may then share; none
    /// if that gains nothing.
    virtual std::optional<Rearranged> rearranged(const Signature& /*signature*/) const { return {}; }
    /// This op with one more input, last, of the output's shape, to which its result is added; null if it has
    /// none. Such an op may write over that input.
    virtual std::shared_ptr<const Op> accumulating() const { return nullptr; }
    /// True if the op is the sum of two tensors of one shape: a producer that can accumulate may take it
    /// over.
    virtual bool adds() const { return false; }
    /// True if the output may share the buffer of `input` when nothing else needs that buffer afterwards.
    virtual bool in_place(std::size_t /*input*/) const { return false; }

    /// Into how many independent pieces the work is cut: a function of the shapes, never of the number of
    /// threads, so that results do not depend on it.
    virtual std::size_t tiles(const Signature& /*signature*/) const { return 1; }
    /// True if each tile completes the part of the output that `region` names, so that elementwise work on
    /// that part can follow while it is in cache; such an op has nothing to `finish`.
    virtual bool accepts_epilogue() const { return false; }
    /// The part of the output that a tile completes; asked only of ops that accept an epilogue.
    virtual Region region(const Signature& signature, std::size_t tile) const;
    /// The part of an input that a tile reads; none if it may read all of it. Neighbouring ops on the same
    /// rows then run tile after tile.
    virtual std::optional<Region> region_read(const Signature& /*signature*/, std::size_t /*input*/,
                                              std::size_t /*tile*/) const {
        return {};
    }
    /// True if the tiles' `region_read` of the first input cover it once, and `Kernel::region` is all that
    /// they read it through, so that elementwise work that makes the input can run just before, region by
    /// region. Such an op has no scratch memory.
    virtual bool accepts_prologue() const { return false; }
    /// Elements of memory that the tiles share.
    virtual std::size_t workspace(const Signature& /*signature*/) const { return 0; }
    /// Elements of memory that a tile uses while it runs, on a cache-line boundary. What is large belongs
    /// there: a run must not need more stack than a thread with 128 KiB has.
    virtual std::size_t scratch(const Signature& /*signature*/) const { return 0; }

    virtual void run(const Kernel<float>& kernel) const = 0;
    virtual void run(const Kernel<double>& kernel) const = 0;
    /// Runs once after all tiles, to combine what they left in the workspace.
    virtual void finish(const Kernel<float>& /*kernel*/) const {}
    virtual void finish(const Kernel<double>& /*kernel*/) const {}
};

/// An op whose output element i depends on element i of each input alone; all shapes are equal (builders
/// broadcast first). The compiler fuses chains of them and feeds them one cache-sized block after another.
class ElementwiseOp : public Op {
 public:
    static constexpr std::size_t most_inputs = 16;

    Shape shape(std::span<const Shape> inputs) const override;
    double flops(const Signature& signature) const override;
    const ElementwiseOp* elementwise() const final { return this; }
    bool in_place(std::size_t) const final { return true; }
    std::size_t tiles(const Signature& signature) const final;
    void run(const Kernel<float>& kernel) const final;
    void run(const Kernel<double>& kernel) const final;

    /// Computes `count` elements. `output` may be one of the inputs. A result must not depend on where in the
    /// block its element stands.
    virtual void block(const float* const* inputs, float* output, std::size_t count) const = 0;
    virtual void block(const double* const* inputs, double* output, std::size_t count) const = 0;
    /// True if the op has a cheaper block for one input that is the same for all elements, which then stands
    /// alone.
    virtual bool takes_scalar() const { return false; }
    /// The same as `block` where `inputs[scalar]` is a single value; asked only of ops that take one.
    virtual void block_with_scalar(const float* const* inputs, std::size_t scalar, float* output,
                                   std::size_t count) const;
    virtual void block_with_scalar(const double* const* inputs, std::size_t scalar, double* output,
                                   std::size_t count) const;
    /// The same as `block`, written down for machine code: the bits must be those of `block`. The default has
    /// none, and blocks do it all.
    virtual std::optional<Vector> emit(std::span<const Vector> /*inputs*/) const { return {}; }
    /// Floating-point operations an element; a transcendental function counts as ten.
    virtual double flops_per_element() const { return 1; }
};

/// Runs one tile of an op whose inputs are whole in memory: sets `tile` and, where the op accepts a prologue,
/// `region`.
template <class T>
void run_tile(const Op& op, Kernel<T> kernel, std::size_t tile);
extern template void run_tile<float>(const Op&, Kernel<float>, std::size_t);
extern template void run_tile<double>(const Op&, Kernel<double>, std::size_t);

/// Gives an op both kernels from one member template `template <class T> void compute(const Kernel<T>&)
/// const`.
template <class Derived, class Base = Op>
class OpOf : public Base {
 public:
    using Base::Base;
    void run(const Kernel<float>& kernel) const override { derived().compute(kernel); }
    void run(const Kernel<double>& kernel) const override { derived().compute(kernel); }

 private:
    const Derived& derived() const { return static_cast<const Derived&>(*this); }
};

#if defined(__clang__)
#pragma clang diagnostic push
// Where a value is a call of the C library, as for double, the loop stays scalar.
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

/// Gives an elementwise op its blocks from one member template `template <class T> T value(T...) const`, of
/// one, two or three arguments.
template <class Derived>
class ElementwiseOf : public ElementwiseOp {
 public:
    void block(const float* const* inputs, float* output, std::size_t count) const override {
        fill(inputs, output, count);
    }
    void block(const double* const* inputs, double* output, std::size_t count) const override {
        fill(inputs, output, count);
    }
    bool takes_scalar() const override { return is_binary; }
    void block_with_scalar(const float* const* inputs, std::size_t scalar, float* output,
                           std::size_t count) const override {
        fill_with_scalar(inputs, scalar, output, count);
    }
    void block_with_scalar(const double* const* inputs, std::size_t scalar, double* output,
                           std::size_t count) const override {
        fill_with_scalar(inputs, scalar, output, count);
    }

 private:
    static constexpr bool is_binary = requires(const Derived& op, float x) { op.value(x, x); };

    template <class T>
    void fill_with_scalar(const T* const* inputs, std::size_t scalar, T* output, std::size_t count) const {
        if constexpr (is_binary) {
            const Derived op = static_cast<const Derived&>(*this);
            const T value = *inputs[scalar];
            const T* const other = inputs[1 - scalar];
            if (scalar == 0) {
                DUET_INDEPENDENT_ITERATIONS
                for (std::size_t i = 0; i < count; ++i) output[i] = op.value(value, other[i]);
            } else {
                DUET_INDEPENDENT_ITERATIONS
                for (std::size_t i = 0; i < count; ++i) output[i] = op.value(other[i], value);
            }
        }
    }

    template <class T>
    void fill(const T* const* inputs, T* output, std::size_t count) const {
        const Derived op = static_cast<const Derived&>(*this);
        // The output is one of the inputs or apart from all: no iteration reads what another writes.
        if constexpr (requires(T x) { op.value(x, x, x); }) {
            const T *a = inputs[0], *b = inputs[1], *c = inputs[2];
            DUET_INDEPENDENT_ITERATIONS
            for (std::size_t i = 0; i < count; ++i) output[i] = op.value(a[i], b[i], c[i]);
        } else if constexpr (requires(T x) { op.value(x, x); }) {
            const T *a = inputs[0], *b = inputs[1];
            DUET_INDEPENDENT_ITERATIONS
            for (std::size_t i = 0; i < count; ++i) output[i] = op.value(a[i], b[i]);
        } else {
            const T* a = inputs[0];
            DUET_INDEPENDENT_ITERATIONS
            for (std::size_t i = 0; i < count; ++i) output[i] = op.value(a[i]);
        }
    }
};

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

}  // namespace duet
