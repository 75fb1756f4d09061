#include <duet/ops/arranged_operand.hpp>

#include <algorithm>
#include <utility>

#include <duet/ops/kernels/arranged_panels.hpp>
#include <duet/ops/kernels/convolution_plan.hpp>
#include <duet/ops/kernels/winograd_operand.hpp>

namespace duet {

namespace {

class ArrangeOperand final : public OpOf<ArrangeOperand> {
 public:
    ArrangeOperand(const ConvolutionGeometry& geometry, ConvolutionPass pass, Attributes convolution)
        : geometry_(geometry),
          pass_(pass),
          convolution_(std::move(convolution)),
          transforms_(plan_convolution(geometry, pass).method == ConvolutionMethod::winograd) {}

    std::string name() const override { return "arrange_operand"; }
    Attributes attributes() const override { return convolution_; }
    Shape shape(std::span<const Shape> inputs) const override {
        return transforms_ ? winograd_operand(geometry_, pass_) : inputs[0];
    }
    double flops(const Signature&) const override { return 0; }
    std::size_t tiles(const Signature& signature) const override {
        constexpr std::size_t worth_a_tile = 16384, most_tiles = 4;
        return std::clamp<std::size_t>(signature.output.elements() / worth_a_tile, 1, most_tiles);
    }
    std::size_t scratch(const Signature&) const override {
        return transforms_ ? winograd_operand_scratch(geometry_, pass_) : 0;
    }

    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const std::size_t parts = tiles({kernel.input_shapes, kernel.output_shape});
        if (transforms_)
            transform_operand(geometry_, pass_, kernel.inputs[0], kernel.tile, parts, kernel.scratch,
                              kernel.output);
        else
            arrange_panels(geometry_, pass_, kernel.inputs[0], kernel.tile, parts, kernel.output);
    }

 private:
    ConvolutionGeometry geometry_;
    ConvolutionPass pass_;
    Attributes convolution_;
    bool transforms_;
};

}  // namespace

bool shares_operand(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan, ConvolutionPass pass) {
    return plan.method == ConvolutionMethod::winograd ? shares_winograd_operand(geometry, plan, pass)
                                                      : shares_panels(geometry, plan, pass);
}

std::shared_ptr<const Op> arrange_operand(const ConvolutionGeometry& geometry, ConvolutionPass pass,
                                          Attributes purpose) {
    return std::make_shared<ArrangeOperand>(geometry, pass, std::move(purpose));
}

}  // namespace duet
