#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include <duet/duet.hpp>

using namespace duet;

namespace {

struct Written {
    std::uint64_t seed = 1;
    const char* input = "x";
    const char* noise = "noise";
    Shape shape = {2, 3};
    double slope = 0.1;
    std::vector<float> constants = {1, 2, 3};
    bool swapped = false, fetches_more = false, updates = false;
    std::size_t threads = 1;
};

template <class T>
std::uint64_t fingerprint_of(const Written& how) {
    Graph graph(how.seed);
    const Tensor x = graph.input(how.input, how.shape), noise = random_normal(graph, how.noise, how.shape);
    Array numbers = Array::from_shape({how.constants.size()});
    std::copy(how.constants.begin(), how.constants.end(), numbers.begin());
    const Tensor factors = graph.constant(numbers), scaled = leaky_relu(x, how.slope) * factors;
    const Tensor y = how.swapped ? noise - scaled : scaled - noise;
    std::vector<Tensor> fetches{y};
    if (how.fetches_more) fetches.push_back(scaled);
    const Variable weight("weight", Shape{}, 0.0F);
    Updates updates;
    if (how.updates) updates.push_back({weight, sum(y), {}});
    return compile<T>(graph, fetches, {updates}, Arena(how.threads)).report().fingerprint;
}

}  // namespace

TEST_CASE("the fingerprint is of what is computed, on any machine and any number of threads") {
    const std::uint64_t one = fingerprint_of<float>({});
    CHECK(one == fingerprint_of<float>({}));
    CHECK(one == fingerprint_of<float>({.threads = 3}));
    CHECK(one == 0x37225339c5739631U);
    std::set<std::uint64_t> all{one, fingerprint_of<double>({})};
    const std::vector<Written> others = {
        {.seed = 2},
        {.input = "y"},
        {.noise = "other"},
        {.shape = {1, 3}},
        {.slope = std::nextafter(0.1, 1)},
        {.constants = {1, 2, 4}},
        {.swapped = true},
        {.fetches_more = true},
        {.updates = true},
    };
    for (const Written& each : others) all.insert(fingerprint_of<float>(each));
    CHECK(all.size() == 2 + others.size());
}
