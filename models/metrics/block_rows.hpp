#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include <duet/graph/pieces.hpp>
#include <duet/models/metrics/estimate.hpp>

namespace duet::models {

/// Samples copied in the order of their blocks (`jackknife_block_of`), so that a block is a range of rows and
/// what it adds to a sum can be taken off again.
struct BlockRows {
    explicit BlockRows(const Samples& samples);

    Range block(std::size_t b) const { return {first[b], first[b + 1]}; }
    Range all() const { return {0, count}; }
    double* row(std::size_t i) { return elements.data() + i * width; }
    const double* row(std::size_t i) const { return elements.data() + i * width; }

    std::size_t count, width;
    std::array<std::size_t, jackknife_blocks + 1> first;
    std::vector<double> elements;
};

/// Scratch memory of a product, for one thread, not initialized.
std::unique_ptr<double[]> new_product_scratch();

/// The upper triangle of X^T X, a (width, width) matrix, X being the rows of that range; what stands below
/// the diagonal afterwards is not defined. Each element is one chain of fused multiply-adds in the order of
/// the rows, so its bits do not depend on `threads`.
void add_up_gram(const BlockRows& rows, const Range& range, double* gram, std::size_t threads = 1);

}  // namespace duet::models
