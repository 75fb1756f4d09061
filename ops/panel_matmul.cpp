#include <duet/ops/panel_matmul.hpp>

#include <algorithm>
#include <optional>

#include <duet/graph/error.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/ops/kernels/panel_product.hpp>
#include <duet/ops/kernels/product_split.hpp>
#include <duet/ops/kernels/strided_rows.hpp>

namespace duet {

namespace {

/// The same for both element types, so that shapes do not depend on them.
constexpr std::size_t width = panel_columns<float>;

std::size_t panels(std::size_t columns) {
    return ceil_divide(columns, width);
}

/// (n, k) to (panels, k, width), zeros behind the last column.
class PackPanels final : public OpOf<PackPanels> {
 public:
    std::string name() const override { return "pack_panels"; }
    Shape shape(std::span<const Shape> inputs) const override {
        if (inputs[0].rank() != 2) throw ShapeError("the argument must be a matrix");
        return {panels(inputs[0][0]), inputs[0][1], width};
    }
    double flops(const Signature&) const override { return 0; }
    std::size_t tiles(const Signature& signature) const override {
        constexpr std::size_t worth_a_tile = 4096, most = 8;
        const std::size_t wanted = signature.output.elements() / worth_a_tile;
        return std::clamp<std::size_t>(wanted, 1, std::min(most, signature.output[0]));
    }

    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Shape &output = kernel.output_shape, &input = kernel.input_shapes[0];
        const std::size_t count = tiles({kernel.input_shapes, output}), terms = input[1];
        const std::size_t end = output[0] * (kernel.tile + 1) / count;
        for (std::size_t panel = output[0] * kernel.tile / count; panel < end; ++panel) {
            T* const to = kernel.output + panel * terms * width;
            const std::size_t columns = std::min(width, input[0] - panel * width);
            transpose_rows(kernel.inputs[0] + panel * width * terms, terms, columns, terms, to, width);
            if (columns < width)
                for (std::size_t k = 0; k < terms; ++k)
                    std::fill_n(to + k * width + columns, width - columns, T(0));
        }
    }
};

class PanelMatMul final : public OpOf<PanelMatMul> {
 public:
    PanelMatMul(bool transpose_a, bool accumulate, std::size_t columns)
        : transpose_a_(transpose_a), accumulate_(accumulate), columns_(columns) {}

    std::string name() const override { return "matmul"; }
    Attributes attributes() const override {
        return {{"transpose_a", transpose_a_}, {"panels_of", columns_}, {"accumulate", accumulate_}};
    }
    Shape shape(std::span<const Shape> inputs) const override {
        const Shape &a = inputs[0], &b = inputs[1];
        if (a.rank() != 2) throw ShapeError("the first argument must be a matrix");
        if (b != Shape{panels(columns_), a[transpose_a_ ? 0 : 1], width})
            throw ShapeError("the second argument must be as many panels of as many terms");
        return {a[transpose_a_ ? 1 : 0], columns_};
    }
    double flops(const Signature& signature) const override {
        const double products = static_cast<double>(signature.output.elements());
        return 2 * products * static_cast<double>(terms(signature)) + (accumulate_ ? products : 0);
    }

    std::shared_ptr<const Op> accumulating() const override {
        return accumulate_ ? nullptr : panel_matmul_op(transpose_a_, true, columns_);
    }
    bool in_place(std::size_t input) const override { return accumulate_ && input == 2; }
    std::size_t tiles(const Signature& signature) const override { return split(signature).tiles; }
    std::size_t scratch(const Signature&) const override { return product_scratch; }
    bool accepts_epilogue() const override { return true; }
    Region region(const Signature& signature, std::size_t tile) const override {
        return rows(split(signature), tile, columns_);
    }
    std::optional<Region> region_read(const Signature& signature, std::size_t input,
                                      std::size_t tile) const override {
        if (input == 2) return region(signature, tile);
        if (input == 1 || transpose_a_) return {};
        return rows(split(signature), tile, terms(signature));
    }

    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Signature signature{kernel.input_shapes, kernel.output_shape};
        const Region part = region(signature, kernel.tile);
        const std::size_t row = part.begin / columns_, lda = kernel.input_shapes[0][1];
        T* const output = kernel.output + part.begin;
        if (accumulate_ && kernel.inputs[2] != kernel.output)
            std::copy_n(kernel.inputs[2] + part.begin, part.rows * columns_, output);
        multiply_packed(transpose_a_, part.rows, columns_, terms(signature),
                        kernel.inputs[0] + (transpose_a_ ? row : row * lda), lda, kernel.inputs[1], width,
                        accumulate_, output, columns_, kernel.scratch);
    }

 private:
    std::size_t terms(const Signature& signature) const { return signature.inputs[1][1]; }
    ProductSplit split(const Signature& signature) const {
        return split_product(signature.output[0], columns_, terms(signature));
    }
    /// The tile's rows of a matrix of so many columns.
    static Region rows(const ProductSplit& split, std::size_t tile, std::size_t columns) {
        const std::size_t begin = split.begin(tile);
        return {begin * columns, split.begin(tile + 1) - begin, columns, columns};
    }

    bool transpose_a_, accumulate_;
    std::size_t columns_;
};

}  // namespace

std::shared_ptr<const Op> pack_panels_op() {
    return std::make_shared<PackPanels>();
}

std::shared_ptr<const Op> panel_matmul_op(bool transpose_a, bool accumulate, std::size_t columns) {
    return std::make_shared<PanelMatMul>(transpose_a, accumulate, columns);
}

}  // namespace duet
