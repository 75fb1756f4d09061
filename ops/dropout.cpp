#include <duet/ops/dropout.hpp>

#include <utility>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/random.hpp>

namespace duet {

Tensor dropout(Operand x, std::string name, double probability) {
    const Tensor input = x.tensor();
    const WhereScope scope(input.graph(), x.where());
    if (!(probability >= 0 && probability <= 1))
        throw Error(fmt::format("{}: dropout \"{}\": a probability is in [0, 1], not {}",
                                to_string(x.where()), name, probability));
    const double kept = 1 - probability;
    const Tensor stays = bernoulli(input.graph(), std::move(name), input.shape(), kept, x.where());
    return input * (stays * (kept > 0 ? 1 / kept : 0.0));
}

}  // namespace duet
