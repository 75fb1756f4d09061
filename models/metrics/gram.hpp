#pragma once

#include <memory>

#include <duet/models/metrics/blocked_rows.hpp>

namespace duet::models {

/// Scratch memory of a product, for one thread, not initialized.
std::unique_ptr<double[]> new_product_scratch();

/// The upper triangle of X^T X, a (width, width) matrix, X being the rows of that range; what stands below
/// the diagonal afterwards is not defined. Each element is one chain of fused multiply-adds in the order of
/// the rows, so its bits do not depend on `threads`.
void add_up_gram(const BlockedRows& rows, const Range& range, double* gram, std::size_t threads = 1);

}  // namespace duet::models
