#include "compared_programs.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <exception>
#include <limits>
#include <sstream>

#include <fmt/format.h>

#include <duet/graph/runtime/program.hpp>

#include "rounding_noise.hpp"

namespace duet::testing {

namespace {

constexpr std::size_t runs = 2;
/// How many times as far from another program as rounding moves it a tensor may be.
constexpr double noise_factor = 8;
/// How often rounding is tried before a tensor is held to it.
constexpr std::uint64_t most_samples = 16;

/// How a program is compiled and run.
struct Way {
    const char* name;
    std::size_t threads;
    bool fuse, machine_code = true, rewrite = true;
    /// Fetches more than it must, looks whether fetches are finite, and notes times.
    bool watched = false;
};

constexpr Way unfused{"unfused", 1, false};
constexpr Way same_bits[] = {{"fused", 1, true},
                             {"fused, 2 threads", 2, true},
                             {"fused, 3 threads", 3, true},
                             {"fused, no machine code", 1, true, false},
                             {"unfused, 2 threads", 2, false}};
constexpr Way watched{"fetching more, checked, profiled, 2 threads", 2, true, true, true, true};
constexpr Way literal{"without rewrites", 1, false, true, false};
constexpr Way float64{"float64", 1, true};

const Arena& arena_of(std::size_t threads) {
    static const std::array<Arena, 3> arenas{Arena(1), Arena(2), Arena(3)};
    return arenas[threads - 1];
}

/// One tensor that a run left.
template <class T>
struct Result {
    std::string name;
    /// The node it is the value of.
    NodeId node;
    std::vector<T> values;
};

/// What all runs left, in order.
template <class T>
using Results = std::vector<Result<T>>;

double norm(const auto& values) {
    double squares = 0;
    for (const auto value : values) squares += static_cast<double>(value) * static_cast<double>(value);
    return std::sqrt(squares);
}

/// |a - b| / |b|; infinite where an element is not finite.
double distance(const auto& a, const auto& b) {
    std::vector<double> difference;
    for (std::size_t i = 0; i < b.size(); ++i)
        difference.push_back(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    const double moved = norm(difference);
    if (moved == 0) return 0;
    const double part = moved / norm(b);
    return std::isfinite(part) ? part : std::numeric_limits<double>::infinity();
}

std::vector<double> distances(const auto& results, const auto& expected) {
    std::vector<double> distances;
    for (std::size_t i = 0; i < expected.size(); ++i)
        distances.push_back(distance(results[i].values, expected[i].values));
    return distances;
}

/// How far results are from those of another program, beside what rounding makes of the same tensors.
struct Departure {
    const Way& way;
    double tolerance;
    std::vector<double> distances, noise;

    /// Takes the larger noise of both runs.
    void add_noise(const std::vector<double>& sample) {
        const std::size_t tensors = sample.size() / runs;
        for (std::size_t i = 0; i < sample.size(); ++i)
            noise[i] = std::max({noise[i], sample[i], sample[(i + tensors) % sample.size()]});
    }
    bool steady(std::size_t i) const { return noise[i] <= tolerance; }
    bool wrong(std::size_t i) const {
        return steady(i) && distances[i] > std::max(tolerance, noise_factor * noise[i]);
    }
    bool any_wrong() const {
        for (std::size_t i = 0; i < distances.size(); ++i)
            if (wrong(i)) return true;
        return false;
    }
};

class Comparison {
 public:
    Comparison(const GraphCase& graph_case, std::uint64_t seed, ComparisonCounts& counts)
        : case_(graph_case), seed_(seed), counts_(counts) {
        Dice dice(~seed);
        for (auto& run : feeds_)
            for (const FedInput& input : case_.inputs)
                run.push_back(drawn<float>(dice, input.tensor.shape(), input.range));
    }

    std::string compare() {
        ++counts_.graphs;
        counts_.nodes += case_.graph->size();
        try {
            const Results<float> expected = run<float>(case_, unfused);
            const std::size_t unfused_bytes = arena_bytes_;
            for (const Way& way : same_bits) {
                compare_bits(way, expected);
                compare_memory(way, unfused_bytes);
            }
            if (!case_.updates.empty()) compare_bits(watched, expected);
            compare_numbers(expected);
        } catch (const std::exception& error) {
            message_ += fmt::format("  {}: an exception: {}\n", running_, error.what());
        }
        return message_;
    }

 private:
    static std::vector<Tensor> fetches_of(const GraphCase& graph_case, const Way& way) {
        std::vector<Tensor> fetches = graph_case.fetches;
        const std::vector<Tensor>& more = graph_case.more_fetches;
        if (way.watched) fetches.insert(fetches.end(), more.begin(), more.end());
        return fetches;
    }

    template <class T>
    static Program<T> compiled(const GraphCase& graph_case, const Way& way) {
        CompileOptions options;
        if (way.watched) options.finite = graph_case.fetches;
        options.fuse = way.fuse;
        options.machine_code = way.machine_code;
        options.rewrite = way.rewrite;
        options.poison = true;
        Program<T> program = compile<T>(*graph_case.graph, fetches_of(graph_case, way), graph_case.updates,
                                        arena_of(way.threads), options);
        program.set_profiled(way.watched);
        return program;
    }

    template <class T>
    Results<T> run(const GraphCase& graph_case, const Way& way) {
        running_ = way.name;
        for (const auto& [variable, initial] : graph_case.parameters) variable.assign(initial);
        Program<T> program = compiled<T>(graph_case, way);
        arena_bytes_ = program.report().arena_bytes;
        ++counts_.programs;
        const std::vector<bool> needed = needed_nodes(graph_case, fetches_of(graph_case, way));
        Results<T> results;
        for (std::size_t run = 0; run < runs; ++run) {
            const std::vector<ArrayOf<T>> values(feeds_[run].begin(), feeds_[run].end());
            std::vector<FeedOf<T>> feeds;
            for (std::size_t i = 0; i < values.size(); ++i) {
                const Tensor& input = graph_case.inputs[i].tensor;
                if (input.valid() && needed[input.id()]) feeds.push_back({input, values[i]});
            }
            program.run(feeds, seed_ + run);
            collect(program, graph_case, run, results);
        }
        return results;
    }

    template <class T>
    static void collect(const Program<T>& program, const GraphCase& graph_case, std::size_t run,
                        Results<T>& results) {
        const auto add = [&](std::string name, const Tensor& tensor, const ArrayOf<T>& value) {
            name += fmt::format(" {} after run {}", to_string(tensor.shape()), run + 1);
            results.push_back({std::move(name), tensor.id(), {value.data(), value.data() + value.size()}});
        };
        for (const Updates& group : graph_case.updates)
            for (const Update& update : group)
                add(update.variable.name(), update.value, program.value(update.variable));
        for (std::size_t i = 0; i < graph_case.fetches.size(); ++i)
            add(fetch_ + std::to_string(i), graph_case.fetches[i], program[i]);
    }

    /// What is fetched from a watched program may be rounded otherwise.
    void compare_bits(const Way& way, const Results<float>& expected) {
        const Results<float> results = run<float>(case_, way);
        for (std::size_t i = 0; i < expected.size(); ++i) {
            if (way.watched && expected[i].name.starts_with(fetch_)) continue;
            ++counts_.by_bits;
            const auto &values = results[i].values, &right = expected[i].values;
            if (std::memcmp(values.data(), right.data(), right.size() * sizeof(float)) == 0) continue;
            std::string elements;
            std::size_t count = 0;
            for (std::size_t k = 0; k < right.size(); ++k) {
                if (std::memcmp(&values[k], &right[k], sizeof(float)) == 0) continue;
                if (++count <= 3) elements += fmt::format(" [{}] {} not {}", k, values[k], right[k]);
            }
            report(way, results[i],
                   fmt::format("{} of {} elements differ from the unfused program's:{}", count, right.size(),
                               elements));
        }
    }

    /// Fusion takes at most a quarter more than a unit a node, or little in all.
    void compare_memory(const Way& way, std::size_t unfused_bytes) {
        constexpr std::size_t little = std::size_t{64} << 10;
        if (arena_bytes_ > unfused_bytes + std::max(unfused_bytes / 4, little))
            message_ += fmt::format("  {}: an arena of {} bytes, of the unfused program {}\n", way.name,
                                    arena_bytes_, unfused_bytes);
    }

    void compare_numbers(const Results<float>& expected) {
        const Results<float> plain = run<float>(case_, literal);
        const Results<double> exact = run<double>(case_, float64);
        const std::vector<double> no_noise(expected.size(), 0);
        Departure departures[] = {{float64, 1e-4, distances(expected, exact), no_noise},
                                  {literal, 1e-6, distances(expected, plain), no_noise}};
        // A sample of what rounding does, too.
        departures[1].add_noise(distances(plain, exact));
        for (std::uint64_t sample = 0; sample < most_samples; ++sample) {
            const std::vector<double> noise =
                distances(run<double>(with_rounding_noise(case_, sample), float64), exact);
            for (Departure& each : departures) each.add_noise(noise);
            if (!departures[0].any_wrong() && !departures[1].any_wrong()) break;
        }
        for (const Departure& each : departures)
            for (std::size_t i = 0; i < expected.size(); ++i) {
                ++(each.steady(i) ? counts_.by_number : counts_.unsteady);
                if (each.wrong(i))
                    report(
                        each.way, expected[i],
                        fmt::format(
                            "the rewritten program is {:.2g} of the norm away, where rounding makes {:.2g}",
                            each.distances[i], each.noise[i]));
            }
    }

    /// With what `describe` says of the node.
    void report(const Way& way, const Result<float>& result, const std::string& what) {
        message_ += fmt::format("  {}: {}: {}\n", way.name, result.name, what);
        std::istringstream lines(compiled<float>(case_, way).describe());
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words(line);
            NodeId id = 0;
            if (words >> id && id == result.node && line.find("instructions") == std::string::npos)
                message_ += "    " + line + "\n";
        }
    }

    static constexpr const char* fetch_ = "fetch ";

    const GraphCase& case_;
    std::uint64_t seed_;
    ComparisonCounts& counts_;
    std::array<std::vector<Array>, runs> feeds_;
    /// Of the last program.
    const char* running_ = nullptr;
    std::size_t arena_bytes_ = 0;
    std::string message_;
};

}  // namespace

std::string differences(const GraphCase& graph_case, std::uint64_t seed, ComparisonCounts& counts) {
    return Comparison(graph_case, seed, counts).compare();
}

}  // namespace duet::testing
