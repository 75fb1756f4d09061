#include <duet/ops/places.hpp>

#include <memory>
#include <utility>

#include <duet/graph/graph.hpp>
#include <duet/graph/op.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/ops/kernels/addend.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet {

namespace {

constexpr std::size_t elements_per_tile = 1 << 14;

std::size_t plane(const Shape& images) {
    return images[2] * images[3];
}

Pieces planes(const Shape& images) {
    return row_pieces(images[0] * images[1], plane(images), elements_per_tile);
}

/// The element of each plane at each of the places of its own.
class TakeAt final : public OpOf<TakeAt> {
 public:
    std::string name() const override { return "take_at"; }
    Shape shape(std::span<const Shape> inputs) const override { return inputs[1]; }
    double flops(const Signature&) const override { return 0; }
    bool differentiable(std::size_t input) const override { return input == 0; }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return add_at(seed, application.inputs[1], application.inputs[0].shape());
    }
    std::size_t tiles(const Signature& signature) const override {
        return planes(signature.inputs[0]).count();
    }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const std::size_t image = plane(kernel.input_shapes[0]), taken = plane(kernel.output_shape);
        const Range range = planes(kernel.input_shapes[0])[kernel.tile];
        for (std::size_t each = range.begin; each < range.end; ++each) {
            const T* from = kernel.inputs[0] + each * image;
            for (std::size_t i = each * taken; i < (each + 1) * taken; ++i)
                kernel.output[i] = from[static_cast<std::size_t>(kernel.inputs[1][i])];
        }
    }
};

/// Zeros, or images, to which values are added, each at its place in its plane.
class AddAt final : public OpOf<AddAt> {
 public:
    AddAt(Shape images, bool accumulate) : images_(std::move(images)), accumulate_(accumulate) {}
    std::string name() const override { return "add_at"; }
    Attributes attributes() const override { return {{"shape", images_}, {"accumulate", accumulate_}}; }
    Shape shape(std::span<const Shape> inputs) const override {
        if (accumulate_) expect_pairs("the images and what they are added to", images_, inputs[2]);
        return images_;
    }
    double flops(const Signature& signature) const override {
        return static_cast<double>(signature.inputs[0].elements());
    }
    std::shared_ptr<const Op> accumulating() const override {
        return accumulate_ ? nullptr : std::make_shared<AddAt>(images_, true);
    }
    bool in_place(std::size_t input) const override { return accumulate_ && input == 2; }
    bool differentiable(std::size_t input) const override { return input != 1; }
    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        return input == 2 ? seed : take_at(seed, application.inputs[1]);
    }
    std::size_t tiles(const Signature& signature) const override { return planes(signature.output).count(); }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const std::size_t image = plane(kernel.output_shape), added = plane(kernel.input_shapes[0]);
        const Range range = planes(kernel.output_shape)[kernel.tile];
        for (std::size_t each = range.begin; each < range.end; ++each) {
            begin_with(accumulate_ ? kernel.inputs[2] : nullptr, kernel.output, each * image, image);
            T* to = kernel.output + each * image;
            for (std::size_t i = each * added; i < (each + 1) * added; ++i)
                to[static_cast<std::size_t>(kernel.inputs[1][i])] += kernel.inputs[0][i];
        }
    }

 private:
    Shape images_;
    bool accumulate_;
};

}  // namespace

Tensor take_at(const Tensor& images, const Tensor& places) {
    return apply(std::make_shared<TakeAt>(), {images, places});
}

Tensor add_at(const Tensor& values, const Tensor& places, const Shape& images) {
    return apply(std::make_shared<AddAt>(images, false), {values, places});
}

}  // namespace duet
