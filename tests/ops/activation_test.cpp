// The headers of C's functions first: their names stand beside Duet's.
#include <math.h>

#include <cmath>

#include <duet/ops/activation.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>

#include <duet/ops/arithmetic.hpp>
#include <duet/ops/classification.hpp>
#include <duet/ops/pooling.hpp>
#include <duet/ops/stop_gradient.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

#define DUET_BY_NAME(builder)                             \
    {                                                     \
#builder, {                                       \
            builder, [](Operand x) { return builder(x); } \
        }                                                 \
    }

struct Named {
    Activation activation;
    Tensor (*builder)(Operand);
};

/// Every function of one tensor, by its bare name.
const std::map<std::string, Named> by_name{
    DUET_BY_NAME(negate),
    DUET_BY_NAME(exp),
    DUET_BY_NAME(expm1),
    DUET_BY_NAME(log),
    DUET_BY_NAME(log1p),
    DUET_BY_NAME(sqrt),
    DUET_BY_NAME(square),
    DUET_BY_NAME(abs),
    DUET_BY_NAME(relu),
    DUET_BY_NAME(leaky_relu),
    DUET_BY_NAME(elu),
    DUET_BY_NAME(sigmoid),
    DUET_BY_NAME(tanh),
    DUET_BY_NAME(softplus),
    DUET_BY_NAME(linear),
    DUET_BY_NAME(softmax),
    DUET_BY_NAME(log_softmax),
    DUET_BY_NAME(stop_gradient),
    DUET_BY_NAME(global_avg_pool2d),
};

}  // namespace

TEST_CASE("every builder of one tensor is an activation by its name, beside C's functions too") {
    const std::regex declaration(R"(\nTensor (\w+)\(Operand \w+\);)");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(DUET_SOURCE_DIR "/ops")) {
        if (entry.path().extension() != ".hpp") continue;
        std::ifstream file(entry.path());
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        for (std::sregex_iterator match(text.begin(), text.end(), declaration), end; match != end; ++match)
            CHECK_MESSAGE(by_name.contains((*match)[1]), (*match)[1] << " is missing from this test's table");
    }
    for (const auto& row : by_name) {
        const std::string& name = row.first;
        const Named& each = row.second;
        Graph graph;
        const Tensor x = graph.input("x", {1, 2, 3, 4});
        const Tensor by_activation = each.activation(x), by_builder = each.builder(x);
        const Op &found = *graph.node(by_activation.id()).op, &expected = *graph.node(by_builder.id()).op;
        CHECK_MESSAGE(found.name() == expected.name(), name);
        CHECK_MESSAGE(merge_key(found.attributes()) == merge_key(expected.attributes()), name);
    }
}

TEST_CASE("activations are lambdas and other functions too") {
    const std::vector<Activation> activations{
        [](Tensor x) { return leaky_relu(x, 0.2); },
        [](const Tensor& x) { return elu(x, 0.2); },
        [](Operand x) { return clip(x, 0, 0.2); },
        Activation(tanh),
    };
    Graph graph;
    const Tensor x = graph.input("x", {2});
    std::string names;
    for (const Activation& activation : activations) names += graph.node(activation(x).id()).op->name() + " ";
    CHECK(names == "leaky_relu elu clip tanh ");
}
