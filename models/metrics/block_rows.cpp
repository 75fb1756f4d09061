#include <duet/models/metrics/block_rows.hpp>

#include <algorithm>
#include <cstdint>

#include <xtensor/xarray.hpp>

#include <duet/ops/kernels/panel_product.hpp>

namespace duet::models {

BlockRows::BlockRows(const Samples& samples)
    : count(samples.shape()[0]), width(samples.shape()[1]), first{}, elements(samples.size()) {
    const std::vector<std::uint8_t> block = jackknife_block_of(count);
    for (const std::uint8_t b : block) ++first[b + 1];
    for (std::size_t b = 0; b < jackknife_blocks; ++b) first[b + 1] += first[b];
    auto next = first;
    for (std::size_t i = 0; i < count; ++i)
        std::copy_n(samples.data() + i * width, width, row(next[block[i]]++));
}

std::unique_ptr<double[]> new_product_scratch() {
    return std::make_unique_for_overwrite<double[]>(product_scratch);
}

void add_up_gram(const BlockRows& rows, const Range& range, double* gram, std::size_t threads) {
    const std::size_t width = rows.width;
    const Pieces bands{width, 16 * panel_rows};
    for_each_index(bands.count(), threads, [&](std::size_t band) {
        const auto [begin, end] = bands[band];
        const double* const from = rows.row(range.begin) + begin;
        multiply<double>(true, false, end - begin, width - begin, range.size(), from, width, from, width,
                         false, gram + begin * width + begin, width, new_product_scratch().get());
    });
}

}  // namespace duet::models
