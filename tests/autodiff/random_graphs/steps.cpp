#include "steps.hpp"

#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>

#include "../op_cases.hpp"
#include "elementwise_steps.hpp"
#include "image_steps.hpp"
#include "movement_steps.hpp"
#include "product_steps.hpp"
#include "reduction_steps.hpp"

namespace duet::testing {

namespace {

/// A row of the table of op cases: a new op is part of the random graphs by its row there.
RandomValue tabled(ValuePool& pool) {
    constexpr double most_size = 8;
    const OpCase& row = op_cases()[pool.dice().below(op_cases().size())];
    // Two draws of one name are one too many.
    if (row.op_class.starts_with("Random")) return {};
    std::vector<Tensor> inputs;
    for (const Shape& shape : row.input_shapes) {
        if (shape.elements() > pool.most_elements()) return {};
        // Elements that are not all alike: some rows divide by a variance.
        const Tensor value = pool.of_shape(shape).tensor + pool.leaf(shape).tensor;
        inputs.push_back(sigmoid(value) * (row.high - row.low) + row.low);
    }
    return {row.build(pool.graph(), inputs), most_size};
}

struct Step {
    std::size_t weight;
    RandomValue (*make)(ValuePool&);
};

constexpr Step steps[] = {
    {14, smooth},    {8, kinked},    {7, compared},     {16, binary}, {6, many_terms}, {10, reduced},
    {4, statistics}, {8, product},   {6, thin_product}, {12, error},  {6, normalized}, {3, affine},
    {4, classified}, {4, indexed},   {8, moved},        {3, noisy},   {2, stopped},    {6, convolved},
    {4, pooled},     {2, resampled}, {4, tabled}};

}  // namespace

RandomValue random_step(ValuePool& pool) {
    std::size_t total = 0;
    for (const Step& step : steps) total += step.weight;
    std::size_t drawn = pool.dice().below(total);
    for (const Step& step : steps) {
        if (drawn < step.weight) return step.make(pool);
        drawn -= step.weight;
    }
    return {};
}

}  // namespace duet::testing
