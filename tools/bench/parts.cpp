#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <Random123/philox.h>
#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/autodiff/adam.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/models/networks/network.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/random.hpp>

#include "bench.hpp"

namespace duet::bench {

namespace {

Timing short_samples(const Options& options) {
    Timing timing = options.timing;
    timing.milliseconds /= 8;
    return timing;
}

void print_row(const char* name, double megabytes, const Measured& duet, const Measured& by_hand,
               const Measured& copy) {
    fmt::print("{:<34}{:>9.2f}{:>11.2f}{:>11.2f}{:>9.2f}{:>9.1f}{:>9.1f}\n", name, megabytes,
               1e3 * median(duet), 1e3 * median(by_hand), ratio(duet, by_hand), megabytes / median(duet),
               megabytes / median(copy));
}

/// Copies as STREAM does, between arrays that together have as many bytes as what it is compared with moves.
class Copy {
 public:
    explicit Copy(std::size_t floats) : from_(floats, 1.0F), to_(floats) {}
    void run() {
        std::memcpy(to_.data(), from_.data(), from_.size() * sizeof(float));
        keep(to_.data());
    }

 private:
    std::vector<float> from_, to_;
};

Array ramp(const Shape& shape, float low, float high) {
    Array values = filled(shape, low);
    const auto count = static_cast<float>(values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        values.data()[i] += (high - low) * static_cast<float>(i) / count;
    return values;
}

/// square(1.5 relu(x + bias) - x) + 0.25: six ops that read one array and write one, which is a variable's
/// next value or, if `fetched`, a fetch.
void print_chain(const Options& options, const Shape& shape, bool fetched) {
    const Variable variable("x", ramp(shape, -1, 1));
    Graph graph;
    const Tensor x = graph.read(variable), bias = graph.input("bias", {shape[1]});
    const Tensor y = square(1.5 * relu(x + bias) - x) + 0.25;
    auto program = fetched ? compile<float>(graph, {y}) : compile<float>(graph, {}, {{{variable, y}}});
    const Array b = ramp({shape[1]}, -0.1F, 0.1F);
    // The loop reads the same memory: where it lies to the cache line makes a quarter of its time.
    std::vector<float> separate(fetched ? shape.elements() : 0);
    float* const in = variable.data();
    float* const out = fetched ? separate.data() : in;
    Copy copy(shape.elements());
    std::vector<Measured> all = {
        {"",
         [&] {
             program.run({{bias, b}});
         }},
        {"",
         [&] {
             const float* added = b.data();
             for (std::size_t row = 0; row < shape[0]; ++row) {
                 const float* from = in + row * shape[1];
                 float* to = out + row * shape[1];
                 for (std::size_t i = 0; i < shape[1]; ++i) {
                     const float v = from[i], sum = v + added[i];
                     const float difference = 1.5F * (sum > 0 ? sum : 0) - v;
                     to[i] = difference * difference + 0.25F;
                 }
             }
             keep(out);
         }},
        {"", [&] { copy.run(); }},
    };
    measure(all, short_samples(options));
    print_row(fmt::format("6 ops on {}, {}", to_string(shape), fetched ? "fetched" : "in place").c_str(),
              8e-6 * static_cast<double>(shape.elements()), all[0], all[1], all[2]);
}

void print_adam(const Options& options) {
    std::vector<Variable> variables =
        models::mlp("generator", {100, 128, 128, 784}, relu, sigmoid, 0).variables();
    const models::Network discriminator = models::mlp("discriminator", {784, 128, 128, 1}, relu, linear, 0);
    variables.insert(variables.end(), discriminator.variables().begin(), discriminator.variables().end());
    Graph graph;
    Adam adam("adam", {2e-4, 0.5});
    VariableGradients gradients;
    std::vector<Array> values;
    std::size_t count = 0;
    for (const Variable& variable : variables) {
        gradients.push_back({variable, graph.input("gradient." + variable.name(), variable.shape())});
        values.push_back(ramp(variable.shape(), -1e-3F, 1e-3F));
        count += variable.shape().elements();
    }
    auto program = compile<float>(graph, {}, {adam.apply(gradients)});
    std::vector<Feed> feeds;
    for (std::size_t i = 0; i < values.size(); ++i) feeds.push_back({gradients[i].gradient, values[i]});

    // Apart by more than a page and some lines, so that the four streams do not fall on the same cache sets.
    const std::size_t apart = count + 1024 + 80;
    std::vector<float> memory(4 * apart, 1e-3F);
    double step = 0;
    Copy copy(count * 7 / 2);
    std::vector<Measured> all = {
        {"", [&] { program.run(feeds); }},
        {"",
         [&] {
             step += 1;
             const double root = std::sqrt(1 - std::pow(0.999, step));
             const auto rate = static_cast<float>(2e-4 * root / (1 - std::pow(0.5, step)));
             const auto offset = static_cast<float>(1e-8 * root);
             float *p = memory.data(), *m = p + apart, *v = m + apart;
             const float* g = v + apart;
             for (std::size_t i = 0; i < count; ++i) {
                 m[i] = 0.5F * m[i] + 0.5F * g[i];
                 v[i] = 0.999F * v[i] + 0.001F * g[i] * g[i];
                 p[i] -= rate * m[i] / (std::sqrt(v[i]) + offset);
             }
             keep(p);
         }},
        {"", [&] { copy.run(); }},
    };
    measure(all, short_samples(options));
    print_row(fmt::format("Adam, {} parameters", count).c_str(), 28e-6 * static_cast<double>(count), all[0],
              all[1], all[2]);
}

void print_random(const Options& options, std::size_t count) {
    Graph graph;
    auto program = compile<float>(graph, {random_normal(graph, "noise", {count})});
    std::uint64_t draw = 0;
    std::vector<std::uint32_t> words(count);
    Copy copy(count / 2);
    std::vector<Measured> all = {
        {"", [&] { program.run({}, draw++); }},
        {"",
         [&] {
             r123::Philox4x32 philox;
             r123::Philox4x32::key_type key{{1, 2}};
             r123::Philox4x32::ctr_type counter{{0, 0, static_cast<std::uint32_t>(draw++), 0}};
             for (std::size_t i = 0; i + 4 <= count; i += 4) {
                 counter[0] = static_cast<std::uint32_t>(i / 4);
                 const auto block = philox(counter, key);
                 std::copy_n(block.begin(), 4, words.data() + i);
             }
             keep(words.data());
         }},
        {"", [&] { copy.run(); }},
    };
    measure(all, short_samples(options));
    print_row(fmt::format("{} normals / raw words", count).c_str(), 4e-6 * static_cast<double>(count), all[0],
              all[1], all[2]);
}

}  // namespace

void print_parts(const Options& options) {
    fmt::print(
        "\nparts, 1 thread                        MB    Duet us    loop us    ratio     GB/s  copy GB/s\n");
    for (const bool fetched : {false, true}) {
        print_chain(options, {128, 784}, fetched);
        print_chain(options, {1024, 1024}, fetched);
    }
    print_adam(options);
    print_random(options, 12'800);
    print_random(options, 1'000'000);
    Copy large(std::size_t{1} << 25U);
    std::vector<Measured> all = {{"", [&] { large.run(); }}};
    measure(all, {std::min<std::size_t>(options.timing.rounds, 5), options.timing.milliseconds});
    fmt::print("copying 268 MB in memory: {:.1f} GB/s, read and written\n", 268.4 / median(all[0]));
}

}  // namespace duet::bench
