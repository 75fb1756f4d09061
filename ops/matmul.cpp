#include <duet/ops/matmul.hpp>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/op.hpp>
#include <duet/ops/kernels/blas.hpp>
#include <duet/ops/kernels/panel_product.hpp>
#include <duet/ops/kernels/product_split.hpp>
#include <duet/ops/panel_matmul.hpp>
#include <duet/ops/shape_ops.hpp>

namespace duet {

namespace {

class MatMul final : public OpOf<MatMul> {
 public:
    MatMul(bool transpose_a, bool transpose_b, bool accumulate)
        : transpose_a_(transpose_a), transpose_b_(transpose_b), accumulate_(accumulate) {}

    std::string name() const override { return "matmul"; }

    Attributes attributes() const override {
        return {{"transpose_a", transpose_a_}, {"transpose_b", transpose_b_}, {"accumulate", accumulate_}};
    }

    Shape shape(std::span<const Shape> inputs) const override {
        for (std::size_t i = 0; i < 2; ++i) check_matrix(inputs[i], i);
        const std::size_t m = rows(inputs[0]), n = columns(inputs[1]);
        const std::size_t first = transpose_a_ ? inputs[0][0] : inputs[0][1];
        const std::size_t second = transpose_b_ ? inputs[1][1] : inputs[1][0];
        if (first != second) throw ShapeError(inner_extents_differ(first, second, m, n));
        Shape output{m, n};
        if (accumulate_ && inputs[2] != output)
            throw ShapeError(
                fmt::format("the third argument must have the product's shape {}", to_string(output)));
        return output;
    }

    double flops(const Signature& signature) const override {
        const double products = static_cast<double>(signature.output.elements());
        return 2 * products * static_cast<double>(inner(signature)) + (accumulate_ ? products : 0);
    }

    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        if (input == 2) return seed;
        const Tensor& a = application.inputs[0];
        const Tensor& b = application.inputs[1];
        if (input == 0)
            return transpose_a_ ? matmul(b, seed, transpose_b_, true) : matmul(seed, b, false, !transpose_b_);
        return transpose_b_ ? matmul(seed, a, true, transpose_a_) : matmul(a, seed, !transpose_a_, false);
    }

    std::shared_ptr<const Op> absorb(std::size_t input, const Op& producer) const override {
        const Axes* axes = input < 2 ? transposed_axes(producer) : nullptr;
        if (!axes || *axes != Axes{1, 0}) return nullptr;
        return std::make_shared<MatMul>(transpose_a_ != (input == 0), transpose_b_ != (input == 1),
                                        accumulate_);
    }

    /// Tiles of rows would each pack all of a transposed b again, unless it is a single row.
    std::optional<Rearranged> rearranged(const Signature& signature) const override {
        const ProductSplit parts = split(signature);
        if (!transpose_b_ || !parts.by_rows || parts.tiles < 2 || signature.output[1] == 1) return {};
        return Rearranged{1, pack_panels_op(),
                          panel_matmul_op(transpose_a_, accumulate_, signature.output[1])};
    }

    std::shared_ptr<const Op> accumulating() const override {
        return accumulate_ ? nullptr : std::make_shared<MatMul>(transpose_a_, transpose_b_, true);
    }

    bool in_place(std::size_t input) const override { return accumulate_ && input == 2; }

    std::size_t tiles(const Signature& signature) const override { return split(signature).tiles; }

    std::size_t scratch(const Signature&) const override { return product_scratch; }

    bool accepts_epilogue() const override { return true; }

    Region region(const Signature& signature, std::size_t tile) const override {
        return region(split(signature), signature.output, tile);
    }

    std::optional<Region> region_read(const Signature& signature, std::size_t input,
                                      std::size_t tile) const override {
        const ProductSplit parts = split(signature);
        if (input == 2) return region(parts, signature.output, tile);
        if (input == 1 || transpose_a_ || !parts.by_rows) return {};
        const std::size_t begin = parts.begin(tile), rows = parts.begin(tile + 1) - begin;
        const std::size_t k = inner(signature);
        return Region{begin * k, rows, k, k};
    }

    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Signature signature{kernel.input_shapes, kernel.output_shape};
        const ProductSplit parts = split(signature);
        const Region part = region(parts, kernel.output_shape, kernel.tile);
        const std::size_t n = kernel.output_shape[1], k = inner(signature);
        const std::size_t lda = kernel.input_shapes[0][1], ldb = kernel.input_shapes[1][1];
        const std::size_t row = part.begin / n, column = part.begin % n;
        T* output = kernel.output + part.begin;
        if (accumulate_ && kernel.inputs[2] != kernel.output) {
            const T* addend = kernel.inputs[2] + part.begin;
            for (std::size_t i = 0; i < part.rows; ++i)
                std::copy_n(addend + i * part.stride, part.length, output + i * part.stride);
        }
        if (k == 1) {
            multiply_outer(kernel.inputs[0] + row, kernel.inputs[1] + column, part, output);
            return;
        }
        const T* const a = kernel.inputs[0] + (transpose_a_ ? row : row * lda);
        const T* const b = kernel.inputs[1] + (transpose_b_ ? column * ldb : column);
        if constexpr (std::is_same_v<T, double>)
            if (gemm(transpose_a_, transpose_b_, part.rows, part.length, k, a, lda, b, ldb,
                     accumulate_ ? 1.0 : 0.0, output, n))
                return;
        multiply(transpose_a_, transpose_b_, part.rows, part.length, k, a, lda, b, ldb, accumulate_, output,
                 n, kernel.scratch);
    }

 private:
    static void check_matrix(const Shape& shape, std::size_t argument) {
        if (shape.rank() != 2)
            throw ShapeError(
                fmt::format("argument {} must be a matrix (two axes), not of shape {}; reshape it first",
                            argument + 1, to_string(shape)));
        constexpr auto most = static_cast<std::size_t>(std::numeric_limits<int>::max());
        if (std::max(shape[0], shape[1]) > most)
            throw ShapeError(fmt::format("argument {} has an axis longer than {}", argument + 1, most));
    }

    /// One column times one row: to pack them would take longer than to multiply them.
    template <class T>
    void multiply_outer(const T* column, const T* row, const Region& part, T* output) const {
        for (std::size_t i = 0; i < part.rows; ++i, output += part.stride) {
            const T factor = column[i];
            if (accumulate_)
                for (std::size_t j = 0; j < part.length; ++j) output[j] += factor * row[j];
            else
                for (std::size_t j = 0; j < part.length; ++j) output[j] = factor * row[j];
        }
    }

    std::size_t rows(const Shape& a) const { return transpose_a_ ? a[1] : a[0]; }
    std::size_t columns(const Shape& b) const { return transpose_b_ ? b[0] : b[1]; }
    std::size_t inner(const Signature& signature) const { return signature.inputs[0][transpose_a_ ? 0 : 1]; }

    std::string inner_extents_differ(std::size_t first, std::size_t second, std::size_t m,
                                     std::size_t n) const {
        std::string hint = "reshape one of them";
        if (first == n)
            hint = fmt::format("pass transpose_b={}", !transpose_b_);
        else if (m == second)
            hint = fmt::format("pass transpose_a={}", !transpose_a_);
        else if (m == n)
            hint = fmt::format("pass transpose_a={}, transpose_b={}", !transpose_a_, !transpose_b_);
        return fmt::format(
            "the inner extents differ: the first argument{} has {} columns, the second{} has {} rows; {}",
            transpose_a_ ? ", transposed," : "", first, transpose_b_ ? ", transposed," : "", second, hint);
    }

    ProductSplit split(const Signature& signature) const {
        return split_product(signature.output[0], signature.output[1], inner(signature));
    }

    static Region region(const ProductSplit& split, const Shape& output, std::size_t tile) {
        const std::size_t begin = split.begin(tile), count = split.begin(tile + 1) - begin;
        if (split.by_rows) return {begin * output[1], count, output[1], output[1]};
        return {begin, output[0], output[1], count};
    }

    bool transpose_a_, transpose_b_, accumulate_;
};

}  // namespace

Tensor matmul(Operand a, Operand b, bool transpose_a, bool transpose_b) {
    return apply(std::make_shared<MatMul>(transpose_a, transpose_b, false), {a, b});
}

}  // namespace duet
