#include <doctest/doctest.h>
#include <xtensor/xarray.hpp>

#include <duet/models/onnx.hpp>
#include <duet/models/training/recipe.hpp>

#include "../graph/support.hpp"
#include "pair.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

bool holds(const Bytes& bytes, std::string_view text) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).find(text) !=
           std::string_view::npos;
}

}  // namespace

TEST_CASE("networks of a model as ONNX, of any batch and of one") {
    const Pair pair{{6, 8, 49}, {49, 8, 1}, 7, 7};
    const models::Model model = make_gan(pair, 1);
    const Spec layer = models::model_layer(recipe_of(pair));
    const Bytes any = models::encode_onnx(model, layer, "generator");
    CHECK(holds(any, "batch"));
    CHECK(holds(any, "latent"));
    CHECK(holds(any, "generator.2.weight"));
    CHECK_FALSE(holds(any, "discriminator.2.weight"));
    CHECK(holds(any, "networks"));  // the recipe
    CHECK_FALSE(holds(any, "labels"));
    CHECK(any == models::encode_onnx(model, layer, "generator"));
    const Bytes one = models::encode_onnx(model, layer, "generator", 4);
    CHECK(one != any);
    CHECK(holds(models::encode_onnx(model, layer, "discriminator"), "scores"));
    CHECK(!message_of([&] { models::encode_onnx(model, layer, "classifier"); }).empty());
}
