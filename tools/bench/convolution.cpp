#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/ops/convolution.hpp>

#include "bench.hpp"
#include "gemm_list.hpp"

namespace duet::bench {

namespace {

struct Layer {
    std::string name;
    std::size_t channels, features, image;
};

/// The convolutions of the DCGAN at 28 x 28, kernel 4, stride 2, padding 1. The generator's are the
/// transposes of the discriminator's: its forward pass is "image", its data gradient "features".
const std::vector<Layer>& layers() {
    static const std::vector<Layer> all{{"1-64", 1, 64, 28}, {"64-128", 64, 128, 14}};
    return all;
}

constexpr std::size_t batch = 64, kernel = 4;
constexpr std::array passes{"features", "image", "weight"};

Gemm floor_of(const Layer& layer, std::size_t pass) {
    const std::size_t pixels = batch * layer.image * layer.image / 4,
                      terms = layer.channels * kernel * kernel;
    if (pass == 0) return {false, false, layer.features, pixels, terms};
    if (pass == 1) return {true, false, terms, pixels, layer.features};
    return {false, true, layer.features, terms, pixels};
}

/// One pass as a program, of which the convolution's own time, that of arranging its weight or features
/// included, is read from the profile: fetching its result costs a copy.
class Pass {
 public:
    Pass(const Layer& layer, std::size_t pass, std::size_t threads) : program_(make(layer, pass, threads)) {
        program_.set_profiled(true);
    }
    double milliseconds() {
        program_.run(feeds_);
        double begin = 1e300, end = 0;
        for (const InstructionTime& time : program_.times()) {
            if (time.name == "fetch") continue;
            begin = std::min(begin, time.start);
            end = std::max(end, time.start + time.duration);
        }
        return 1e-3 * (end - begin);
    }

 private:
    Program<float> make(const Layer& layer, std::size_t pass, std::size_t threads) {
        const Convolution2d how{{2, 2}, {1, 1}, {1, 1}, 1};
        const std::size_t size = layer.image / 2;
        const Tensor image = graph_.input("image", {batch, layer.channels, layer.image, layer.image});
        const Tensor weight = graph_.input("weight", {layer.features, layer.channels, kernel, kernel});
        const Tensor features = graph_.input("features", {batch, layer.features, size, size});
        const std::array<std::pair<Tensor, Tensor>, 3> inputs{
            std::pair{image, weight}, {features, weight}, {image, features}};
        const auto& [first, second] = inputs[pass];
        const Tensor result = pass == 0   ? conv2d(image, weight, how)
                              : pass == 1 ? conv_transpose2d(features, weight, how)
                                          : conv2d_weight_gradient(image, features, {kernel, kernel}, how);
        for (const Tensor& input : {first, second}) values_.push_back(filled(input.shape(), 0.5F));
        feeds_.push_back({first, values_[0]});
        feeds_.push_back({second, values_[1]});
        return compile<float>(graph_, {result}, {}, Arena(threads));
    }

    Graph graph_;
    std::vector<Array> values_;
    std::vector<Feed> feeds_;
    Program<float> program_;
};

using Samples = std::vector<double>;

struct Figures {
    Samples floor, one_thread, two_threads;
};

Figures measure_pass(const Layer& layer, std::size_t pass, const Timing& timing) {
    Pass one(layer, pass, 1), two(layer, pass, 2);
    Floor floor({floor_of(layer, pass)});
    const auto repeat = static_cast<std::size_t>(std::clamp(timing.milliseconds / 10, 1.0, 100.0));
    Figures figures;
    for (std::size_t round = 0; round < timing.rounds; ++round) {
        Samples floors, ones, twos;
        for (std::size_t i = 0; i <= repeat; ++i) {
            const double begin = now();
            floor.run();
            floors.push_back(now() - begin);
            ones.push_back(one.milliseconds());
            twos.push_back(two.milliseconds());
        }
        figures.floor.push_back(median(floors));
        figures.one_thread.push_back(median(ones));
        figures.two_threads.push_back(median(twos));
    }
    return figures;
}

double median_ratio(const Samples& a, const Samples& b) {
    Samples ratios;
    for (std::size_t i = 0; i < a.size(); ++i) ratios.push_back(a[i] / b[i]);
    return median(std::move(ratios));
}

/// PyTorch's milliseconds on one and two threads by layer and pass.
std::map<std::string, std::array<double, 2>> peer_figures(const std::string& script) {
    FILE* pipe = popen(("/usr/bin/python3 " + script).c_str(), "r");
    if (!pipe) throw Error("cannot run /usr/bin/python3");
    std::map<std::string, std::array<double, 2>> figures;
    char line[256], layer[32], pass[32];
    double one = 0, two = 0;
    while (std::fgets(line, sizeof line, pipe))
        if (std::sscanf(line, "%31s %31s %lf %lf", layer, pass, &one, &two) == 4)
            figures[fmt::format("{} {}", layer, pass)] = {one, two};
    if (pclose(pipe) != 0 || figures.empty())
        throw Error(
            fmt::format("{} failed; it needs python3-torch, and the repository's root as folder", script));
    return figures;
}

}  // namespace

void print_convolution(const Options& options, bool peer) {
    fmt::print("\nconvolutions of the DCGAN at 28 x 28, batch {}, kernel 4, stride 2\n", batch);
    fmt::print("{:<8}{:<10}{:>8}{:>18}{:>18}{:>9}{:>18}{:>11}{}\n", "layer", "pass", "MFLOP",
               "floor ms GFLOP/s", "1 thread", "/ floor", "2 threads", "2 threads",
               peer ? "       PyTorch 1          PyTorch 2" : "");
    const auto peers = peer ? peer_figures("tools/bench/torch_convolution.py")
                            : std::map<std::string, std::array<double, 2>>();
    for (const Layer& layer : layers())
        for (std::size_t pass = 0; pass < passes.size(); ++pass) {
            const Figures figures = measure_pass(layer, pass, options.timing);
            const double flops = floor_of(layer, pass).flops();
            const auto timed = [&](double ms) {
                return fmt::format("{:>9.3f}{:>9.1f}", ms, 1e-6 * flops / ms);
            };
            fmt::print("{:<8}{:<10}{:>8.0f}{}{}{:>9.2f}{}{:>9.2f} x", layer.name, passes[pass], 1e-6 * flops,
                       timed(median(figures.floor)), timed(median(figures.one_thread)),
                       median_ratio(figures.one_thread, figures.floor), timed(median(figures.two_threads)),
                       median_ratio(figures.one_thread, figures.two_threads));
            const auto found = peers.find(fmt::format("{} {}", layer.name, passes[pass]));
            if (found != peers.end()) fmt::print("{}{}", timed(found->second[0]), timed(found->second[1]));
            fmt::print("\n");
        }
}

}  // namespace duet::bench
