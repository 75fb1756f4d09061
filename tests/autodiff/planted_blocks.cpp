#include <memory>
#include <optional>

#include <duet/graph/op.hpp>

#include "planted_ops.hpp"

namespace duet {

namespace {

/// a - b, of which each planted op breaks something.
class Difference : public ElementwiseOf<Difference> {
 public:
    std::string name() const override { return "difference"; }
    bool differentiable(std::size_t) const override { return false; }
    template <class T>
    T value(T a, T b) const {
        return a - b;
    }
};

class DifferenceAdds final : public Difference {
    bool adds() const override { return true; }
};

class WrongMachineCode final : public Difference {
    std::optional<Vector> emit(std::span<const Vector> inputs) const override {
        return inputs[1] - inputs[0];
    }
};

/// Takes the scalar for the first input, whichever it is.
class WrongScalar final : public Difference {
    void block_with_scalar(const float* const* inputs, std::size_t scalar, float* output,
                           std::size_t count) const override {
        for (std::size_t i = 0; i < count; ++i) output[i] = *inputs[scalar] - inputs[1 - scalar][i];
    }
};

/// Takes another way in the first elements of a block.
class PlaceInBlock final : public Difference {
    void block(const float* const* inputs, float* output, std::size_t count) const override {
        fill(inputs, output, count);
    }
    void block(const double* const* inputs, double* output, std::size_t count) const override {
        fill(inputs, output, count);
    }
    template <class T>
    static void fill(const T* const* inputs, T* output, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            output[i] = inputs[0][i] - (i < count / 4 * 4 ? inputs[1][i] : inputs[1][i] * T(1.5));
    }
};

template <class Planted>
OpCase of_pairs() {
    return case_of(std::make_shared<Planted>(), {{40}, {40}});
}

}  // namespace

std::vector<PlantedCase> planted_blocks() {
    return {{"adds", of_pairs<DifferenceAdds>()},
            {"emit", of_pairs<WrongMachineCode>()},
            {"takes_scalar", of_pairs<WrongScalar>()},
            {"elementwise", of_pairs<PlaceInBlock>()}};
}

}  // namespace duet
