#include <duet/ops/stop_gradient.hpp>

#include <algorithm>
#include <memory>

#include <duet/graph/graph.hpp>

namespace duet {

namespace {

class StopGradient final : public OpOf<StopGradient> {
 public:
    std::string name() const override { return "stop_gradient"; }
    Shape shape(std::span<const Shape> inputs) const override { return inputs[0]; }
    double flops(const Signature&) const override { return 0; }
    bool aliases() const override { return true; }
    bool differentiable(std::size_t) const override { return false; }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        if (kernel.inputs[0] != kernel.output)
            std::copy_n(kernel.inputs[0], kernel.output_shape.elements(), kernel.output);
    }
};

}  // namespace

Tensor stop_gradient(Operand x) {
    return apply(std::make_shared<StopGradient>(), {x});
}

}  // namespace duet
