#include "gemm_list.hpp"

#include <algorithm>
#include <utility>

#include <cblas.h>

namespace duet::bench {

namespace {

using Widths = std::vector<std::size_t>;

/// Appends the products of one network's passes. Layer i maps widths[i] to widths[i + 1], weights stored
/// (outputs, inputs).
class Passes {
 public:
    Passes(std::vector<Gemm>& gemms, std::size_t batch) : gemms_(gemms), batch_(batch) {}

    void forward(const Widths& widths) {
        for (std::size_t i = 0; i + 1 < widths.size(); ++i)
            gemms_.push_back({false, true, batch_, widths[i + 1], widths[i]});
    }
    void weight_gradients(const Widths& widths) {
        for (std::size_t i = widths.size() - 1; i-- > 0;)
            gemms_.push_back({true, false, widths[i + 1], widths[i], batch_});
    }
    /// With regard to the inputs of all layers from `first` on.
    void input_gradients(const Widths& widths, std::size_t first) {
        for (std::size_t i = widths.size() - 1; i-- > first;)
            gemms_.push_back({false, false, batch_, widths[i], widths[i + 1]});
    }
    /// Backward through `input_gradients(widths, 0)`: to each layer's gradient, but for the one that is
    /// constant.
    void input_gradients_again(const Widths& widths) {
        weight_gradients(widths);
        for (std::size_t i = 0; i + 2 < widths.size(); ++i)
            gemms_.push_back({false, true, batch_, widths[i + 1], widths[i]});
    }

 private:
    std::vector<Gemm>& gemms_;
    std::size_t batch_;
};

}  // namespace

std::vector<Gemm> step_gemms(const models::GanShape& shape, std::size_t batch, models::Schedule schedule,
                             bool r1) {
    const Widths &generator = shape.generator_widths, &discriminator = shape.discriminator_widths;
    std::vector<Gemm> gemms;
    Passes passes(gemms, batch);
    const auto train_generator = [&] {
        passes.input_gradients(discriminator, 0);
        passes.weight_gradients(generator);
        passes.input_gradients(generator, 1);
    };

    passes.forward(generator);
    for (int score = 0; score < 2; ++score) {
        passes.forward(discriminator);
        passes.weight_gradients(discriminator);
        passes.input_gradients(discriminator, 1);
    }
    if (r1) {
        passes.input_gradients(discriminator, 0);
        passes.input_gradients_again(discriminator);
    }
    if (schedule == models::Schedule::documented) train_generator();

    passes.forward(generator);
    passes.forward(discriminator);
    train_generator();
    return gemms;
}

double flops(const std::vector<Gemm>& gemms) {
    double sum = 0;
    for (const Gemm& gemm : gemms) sum += gemm.flops();
    return sum;
}

Floor::Floor(std::vector<Gemm> gemms) : gemms_(std::move(gemms)) {
    std::size_t a = 0, b = 0, c = 0;
    for (const Gemm& gemm : gemms_) {
        a = std::max(a, gemm.m * gemm.k);
        b = std::max(b, gemm.k * gemm.n);
        c = std::max(c, gemm.m * gemm.n);
    }
    a_.assign(a, 0.5F);
    b_.assign(b, 0.25F);
    c_.assign(c, 0.0F);
}

void Floor::run() {
    for (const Gemm& gemm : gemms_) {
        const auto m = static_cast<blasint>(gemm.m), n = static_cast<blasint>(gemm.n),
                   k = static_cast<blasint>(gemm.k);
        cblas_sgemm(CblasRowMajor, gemm.transpose_a ? CblasTrans : CblasNoTrans,
                    gemm.transpose_b ? CblasTrans : CblasNoTrans, m, n, k, 1.0F, a_.data(),
                    gemm.transpose_a ? m : k, b_.data(), gemm.transpose_b ? k : n, 0.0F, c_.data(), n);
    }
}

}  // namespace duet::bench
