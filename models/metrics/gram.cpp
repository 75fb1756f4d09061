#include <duet/models/metrics/gram.hpp>

#include <duet/ops/kernels/panel_product.hpp>

namespace duet::models {

std::unique_ptr<double[]> new_product_scratch() {
    return std::make_unique_for_overwrite<double[]>(product_scratch);
}

void add_up_gram(const BlockedRows& rows, const Range& range, double* gram, std::size_t threads) {
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
