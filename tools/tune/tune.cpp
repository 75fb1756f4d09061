// Finds the targets of ops/kernels/convolution_table.inc, for passes that are lowered, and prints them: a
// minute of an idle machine.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <duet/ops/kernels/convolution_kernel.hpp>
#include <duet/ops/kernels/convolution_plan.hpp>

namespace duet {

namespace {

constexpr std::array passes{ConvolutionPass::features, ConvolutionPass::image, ConvolutionPass::weight};

ConvolutionGeometry square(std::size_t batch, std::size_t channels, std::size_t features, std::size_t image,
                           std::size_t kernel, std::size_t stride, std::size_t padding) {
    const std::size_t size = (image + 2 * padding - kernel) / stride + 1;
    return {batch,
            1,
            channels,
            features,
            {image, image},
            {kernel, kernel},
            {size, size},
            {stride, stride},
            {padding, padding},
            {1, 1}};
}

/// First and last layers of GANs at 28, 32 and 64 pixels, narrow ones, and some of few channels a group's
/// worth, in batches that take up to a few milliseconds.
std::vector<ConvolutionGeometry> layers() {
    return {square(64, 1, 64, 28, 4, 2, 1), square(16, 3, 64, 64, 4, 2, 1), square(8, 3, 128, 32, 3, 1, 1),
            square(32, 1, 16, 28, 5, 2, 2), square(8, 3, 8, 64, 3, 1, 1),   square(32, 8, 12, 14, 4, 2, 1)};
}

double seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

class Layer {
 public:
    explicit Layer(const ConvolutionGeometry& geometry)
        : geometry_(geometry),
          image_(geometry.batch * geometry.image_channels * geometry.image_pixels(), 0.5F),
          features_(geometry.batch * geometry.feature_channels * geometry.feature_pixels(), 0.25F),
          weight_(geometry.weight_elements(), 0.125F) {}

    const ConvolutionGeometry& geometry() const { return geometry_; }

    /// The quickest of some runs.
    double time(ConvolutionPass pass, const ConvolutionTargets& targets) {
        constexpr int runs = 7;
        const ConvolutionPlan plan = plan_convolution(geometry_, pass, targets);
        workspace_.resize(std::max(workspace_.size(), plan.workspace(geometry_, pass)));
        scratch_.resize(std::max(scratch_.size(), plan.scratch()));
        double best = INFINITY;
        for (int i = 0; i < runs; ++i) {
            const double begin = seconds();
            run(pass, plan);
            best = std::min(best, seconds() - begin);
        }
        return best;
    }

 private:
    void run(ConvolutionPass pass, const ConvolutionPlan& plan) {
        for (std::size_t i = 0; i < plan.tiles(); ++i) {
            ConvolutionTile<float> tile(geometry_, plan, pass, i, scratch_.data());
            switch (pass) {
                case ConvolutionPass::features:
                    tile.features(image_.data(), weight_.data(), features_.data());
                    break;
                case ConvolutionPass::image:
                    tile.image(features_.data(), weight_.data(), image_.data());
                    break;
                case ConvolutionPass::weight:
                    tile.weight(image_.data(), features_.data(), workspace_.data(), weight_.data());
                    break;
            }
        }
        if (pass == ConvolutionPass::weight)
            sum_weight_parts(geometry_, plan, workspace_.data(), weight_.data());
    }

    ConvolutionGeometry geometry_;
    std::vector<float> image_, features_, weight_, workspace_, scratch_;
};

/// The times of the layers that the pass lowers, multiplied: each layer counts alike.
double cost(std::vector<Layer>& layers, ConvolutionPass pass, const ConvolutionTargets& targets) {
    double sum = 0;
    for (Layer& layer : layers)
        if (!gathers(layer.geometry(), pass)) sum += std::log(layer.time(pass, targets));
    return sum / static_cast<double>(layers.size());
}

/// Improves one target after another, twice.
ConvolutionTargets best_targets(std::vector<Layer>& layers, ConvolutionPass pass) {
    struct Choice {
        std::size_t ConvolutionTargets::*target;
        std::vector<std::size_t> values;
    };
    const std::vector<Choice> choices{
        {&ConvolutionTargets::products, {500'000, 1'000'000, 4'000'000, 16'000'000}},
        {&ConvolutionTargets::columns, {32, 64, 98, 128, 196, 392}},
        {&ConvolutionTargets::features, {64, 128, 256, 512}},
        {&ConvolutionTargets::most_columns, {128, 256, 512, 1024}},
    };
    constexpr double worth = 0.005;
    ConvolutionTargets best{98, 256, 128, 1'000'000};
    double least = cost(layers, pass, best);
    for (int sweep = 0; sweep < 2; ++sweep)
        for (const Choice& choice : choices)
            for (const std::size_t value : choice.values) {
                ConvolutionTargets other = best;
                other.*choice.target = value;
                const double took = cost(layers, pass, other);
                if (took >= least - worth) continue;
                least = took;
                best = other;
            }
    return best;
}

void run() {
    std::vector<Layer> all;
    for (const ConvolutionGeometry& geometry : layers()) all.emplace_back(geometry);
    std::vector<std::string> columns;
    for (const ConvolutionPass pass : passes) {
        const ConvolutionTargets best = best_targets(all, pass);
        columns.push_back(
            fmt::format("{{{}, {}, {}, {}}}", best.columns, best.most_columns, best.features, best.products));
    }
    fmt::print("{},\n", fmt::join(columns, ", "));
}

}  // namespace

}  // namespace duet

int main() {
    try {
        duet::run();
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "duet: error: {}\n", error.what());
        return 1;
    }
}
