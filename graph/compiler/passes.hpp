#pragma once

#include <span>
#include <vector>

#include <duet/graph/compiler/plan.hpp>

namespace duet {

/// The plan of what fetches, updates and checks need of a graph, and of nothing else. With `check_losses`,
/// the losses whose gradients the updates need are checks too.
Plan extract(const Graph& graph, const std::vector<Tensor>& fetches, const std::vector<Updates>& updates,
             const std::vector<Tensor>& checks, bool check_losses);

/// Drops what nothing needs. Exact.
Plan prune(const Plan& plan);

/// Merges nodes that compute the same from the same. Exact.
Plan merge_common(const Plan& plan);

/// Computes, in double precision, what depends on constants alone; a repeated constant stays repeated.
/// Rounding: a float program sees one rounding of the double result.
Plan fold_constants(const Plan& plan);

/// Lets ops take over a producer, such as a transpose that becomes a flag of a matrix product. Rounding.
Plan absorb_producers(const Plan& plan);

/// Gives ops the rearranged inputs that they are faster with, such as a weight laid out in panels once
/// for all its products. Rounding.
Plan rearrange_inputs(const Plan& plan);

/// Turns the sum of a value and of a product, or a padded part, that nothing else needs into one that
/// accumulates. Rounding; decided among the nodes that updates need, so that fetching more changes no trained
/// bit.
Plan accumulate_sums(const Plan& plan);

/// Every update a value of its own and that no leaf holds: the value can then be computed into the variable.
/// Exact.
Plan separate_updates(const Plan& plan);

}  // namespace duet
