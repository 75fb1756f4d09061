#include <duet/ops/dropout.hpp>

#include <utility>

#include <fmt/format.h>

#include <duet/graph/graph.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/parameter_rules.hpp>
#include <duet/ops/random.hpp>

namespace duet {

Tensor dropout(Operand x, std::string name, double probability) {
    const Tensor input = x.tensor();
    const WhereScope scope(input.graph(), x.where());
    expect_share(fmt::format("dropout \"{}\"", name), "probability", probability, scope.where());
    const double kept = 1 - probability;
    const Tensor stays = bernoulli(input.graph(), std::move(name), input.shape(), kept, x.where());
    return input * (stays * (kept > 0 ? 1 / kept : 0.0));
}

}  // namespace duet
