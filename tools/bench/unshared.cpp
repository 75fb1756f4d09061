#include "unshared.hpp"

#include <duet/ops/kernels/panel_product.hpp>

#include "measure.hpp"

namespace duet::bench {

namespace {

constexpr std::size_t m = 24, n = 64, k = 64, products = 500;

}  // namespace

UnsharedProducts::UnsharedProducts(std::size_t threads)
    : pool_(std::make_unique<ThreadPool>(threads)), operands_(threads) {
    for (std::vector<float>& each : operands_) each.assign(m * k + k * n + m * n + product_scratch, 0.5F);
}

void UnsharedProducts::run() {
    pool_->run([this](std::size_t thread) {
        float* const a = operands_[thread].data();
        float* const b = a + m * k;
        float* const c = b + k * n;
        float* const scratch = c + m * n;
        for (std::size_t i = 0; i < products; ++i)
            multiply(false, false, m, n, k, a, k, b, n, false, c, n, scratch);
        keep(c);
    });
}

double UnsharedProducts::flops() const {
    return 2.0 * m * n * k * static_cast<double>(products * operands_.size());
}

}  // namespace duet::bench
