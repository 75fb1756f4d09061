#include <doctest/doctest.h>

#include <cmath>

#include "../allocations.hpp"
#include "pair.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

/// Small images of an arbitrary pattern, of three classes.
std::shared_ptr<const Dataset> pictures(std::size_t channels, bool labelled) {
    auto data = std::make_shared<Dataset>();
    data->count = 40;
    data->height = data->width = 8;
    data->channels = channels;
    for (std::size_t i = 0; i < data->count * data->image_size(); ++i)
        data->images.push_back(static_cast<std::uint8_t>(i * 37 % 251));
    for (std::size_t i = 0; labelled && i < data->count; ++i)
        data->labels.push_back(static_cast<std::uint8_t>(i % 3));
    return data;
}

Pair small(const std::string& model, bool batch_norm = true) {
    Pair pair{{5, 8, 4}, {4, 8}, 8, 8, 3, model, model == "cgan" ? 3U : 0U, batch_norm};
    if (model == "resnet") pair.generator_widths = {5, 6, 4};
    return pair;
}

struct Case {
    Pair pair;
    Settings settings;
};

std::vector<Case> settings() {
    std::vector<Case> all;
    for (const char* model : {"dcgan", "cgan", "resnet"}) {
        all.push_back({small(model), {}});
        all.push_back({small(model), {"penalties=[{kind=\"r1\"}]", "schedule.kind=documented"}});
        all.push_back({small(model, false), {"loss.kind=wasserstein", "schedule.discriminator_steps=2"}});
    }
    all.push_back({small("resnet"), {}});
    all.back().pair.classes = 3;
    for (Case& setting : all) setting.settings.push_back("batch=6");
    return all;
}

std::vector<Array> trained(const Case& setting, std::size_t threads) {
    models::Trainer trainer =
        gan_trainer(setting.pair, 3, setting.settings, pictures(3, true), {.threads = threads});
    for (int i = 0; i < 3; ++i) CHECK(std::isfinite(trainer.step()["discriminator_loss"]));
    std::vector<Array> values;
    for (const Variable& variable : trainer.state().variables()) values.push_back(variable.value());
    return values;
}

Spec fitting_recipe(const std::string& model, std::size_t height, std::size_t width, std::size_t channels) {
    Dataset data;
    data.count = 1;
    data.height = height;
    data.width = width;
    data.channels = channels;
    data.images.resize(data.image_size());
    const models::Catalogue catalogue = models::standard_catalogue();
    return models::fitted(catalogue, models::layered(catalogue, {models::settings({"model=" + model})}),
                          data);
}

models::Model fitting_model(const std::string& model, std::size_t height, std::size_t width,
                            std::size_t channels) {
    return models::model_of(models::standard_catalogue(), fitting_recipe(model, height, width, channels));
}

std::string message_of(const Case& setting, const std::shared_ptr<const Dataset>& data) {
    try {
        gan_trainer(setting.pair, 0, setting.settings, data);
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("convolutional GANs: same seed, same bits, for 1, 2, 3 and 8 threads") {
    for (const Case& setting : settings()) {
        CAPTURE(setting.pair.model);
        CAPTURE(setting.settings.front());
        const std::vector<Array> one = trained(setting, 1);
        for (const std::size_t threads : {1, 2, 3, 8}) CHECK(all_same_bits(one, trained(setting, threads)));
    }
}

TEST_CASE("a convolutional training iteration allocates nothing") {
    for (const Case& setting : settings()) {
        CAPTURE(setting.pair.model);
        models::Trainer trainer =
            gan_trainer(setting.pair, 0, setting.settings, pictures(3, true), {.threads = 2});
        trainer.step();
        const std::uint64_t before = allocations();
        double sum = 0;
        for (int i = 0; i < 3; ++i) sum += trainer.step()["discriminator_loss"];
        CHECK(allocations() == before);
        CHECK(std::isfinite(sum));
    }
}

TEST_CASE("a DCGAN's loss that is not finite restores the running statistics too") {
    models::Trainer trainer =
        gan_trainer(small("dcgan"), 0,
                    {"batch=6", "optimizers.generator.rate=1e30", "optimizers.discriminator.rate=1e30"},
                    pictures(3, false));
    std::string message;
    for (int i = 0; i < 99 && message.empty(); ++i) try {
            trainer.step();
        } catch (const NonFiniteError& error) {
            message = error.what();
        }
    CAPTURE(message);
    CHECK(message.find("step ") == 0);
    for (const Variable& statistic : trainer.training().network("generator").statistics())
        CHECK(statistic.value()(0) == (statistic.name().ends_with("var") ? 1.0F : 0.0F));
}

TEST_CASE("28x28 networks are named and shaped as the papers' in PyTorch") {
    const models::Model model = fitting_model("dcgan", 28, 28, 1);
    const std::vector<std::pair<std::string, Shape>> expected = {{"generator.0.weight", {6272, 100}},
                                                                 {"generator.2.weight", {128}},
                                                                 {"generator.2.bias", {128}},
                                                                 {"generator.4.weight", {128, 64, 4, 4}},
                                                                 {"generator.5.weight", {64}},
                                                                 {"generator.5.bias", {64}},
                                                                 {"generator.7.weight", {64, 1, 4, 4}},
                                                                 {"generator.7.bias", {1}},
                                                                 {"discriminator.0.weight", {64, 1, 4, 4}},
                                                                 {"discriminator.0.bias", {64}},
                                                                 {"discriminator.2.weight", {128, 64, 4, 4}},
                                                                 {"discriminator.3.weight", {128}},
                                                                 {"discriminator.3.bias", {128}},
                                                                 {"discriminator.6.weight", {1, 6272}},
                                                                 {"discriminator.6.bias", {1}},
                                                                 {"generator.2.running_mean", {128}},
                                                                 {"generator.2.running_var", {128}},
                                                                 {"generator.5.running_mean", {64}},
                                                                 {"generator.5.running_var", {64}},
                                                                 {"discriminator.3.running_mean", {128}},
                                                                 {"discriminator.3.running_var", {128}}};
    const std::vector<Variable> variables = model.variables();
    REQUIRE(variables.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(variables[i].name() == expected[i].first);
        CHECK(variables[i].shape() == expected[i].second);
    }
}

TEST_CASE("networks draw images of their size at 28, 32 and 64, grey and coloured") {
    struct Wanted {
        const char* model;
        std::size_t side, channels;
        std::vector<std::size_t> generator, discriminator;
    };
    const Wanted all[] = {{"dcgan", 28, 1, {100, 128, 64}, {64, 128}},
                          {"dcgan", 32, 3, {100, 256, 128, 64}, {64, 128, 256}},
                          {"dcgan", 64, 3, {100, 512, 256, 128, 64}, {64, 128, 256, 512}},
                          {"resnet", 32, 3, {128, 256, 256, 256, 256}, {128, 128, 128, 128}}};
    for (const Wanted& wanted : all) {
        const Spec recipe = fitting_recipe(wanted.model, wanted.side, wanted.side, wanted.channels);
        CHECK(recipe.wholes("networks.generator.widths") == wanted.generator);
        CHECK(recipe.wholes("networks.discriminator.widths") == wanted.discriminator);
        const models::Model model = models::model_of(models::standard_catalogue(), recipe);
        Graph graph;
        const Tensor images = model.generator()(graph.input("latent", {2, model.latent}));
        CHECK(images.shape() == model.images.batch_of(2));
        CHECK(model.discriminator()(images).shape() == Shape{2, 1});
    }
}

TEST_CASE("shapes that strides and channels do not fit are refused") {
    for (const std::size_t side : {1, 4, 15, 26, 27, 30, 33})
        CHECK_THROWS_AS(fitting_recipe("dcgan", side, side, 1), Error);
    for (const std::size_t side : {4, 28, 30, 33})
        CHECK_THROWS_AS(fitting_recipe("resnet", side, side, 3), Error);
    CHECK_THROWS_AS(fitting_recipe("dcgan", 32, 8, 3), Error);
    const auto refused = [](auto&& change) {
        Pair pair = small("cgan");
        change(pair);
        CHECK_THROWS_AS(make_gan(pair, 0), Error);
    };
    refused([](Pair& pair) { pair.channels = 2; });
    refused([](Pair& pair) { pair.height = 6; });
    refused([](Pair& pair) { pair.width = 0; });
    refused([](Pair& pair) { pair.generator_widths = {5}; });
    refused([](Pair& pair) { pair.discriminator_widths = {}; });
    refused([](Pair& pair) { pair.discriminator_widths = {4, 8, 16, 32}; });
    refused([](Pair& pair) { pair.discriminator_widths[0] = 0; });
    refused([](Pair& pair) { pair.model = "mlp"; });
    refused([](Pair& pair) {
        pair.model = "resnet";
        pair.height = 16;
    });
}

TEST_CASE("data and settings that do not fit a convolutional model are refused") {
    Case setting{small("cgan"), {"batch=6"}};
    CHECK(contains(message_of(setting, pictures(1, true)), "8x8 with 1 channel(s)"));
    CHECK(contains(message_of(setting, pictures(3, false)), "no labels"));
    setting.pair.classes = 2;
    CHECK(contains(message_of(setting, pictures(3, true)), "image 2 has the label 2"));
    setting.pair.classes = 3;
    setting.settings = {"penalties=[{kind=\"gp\"}]", "networks.discriminator.normalization=batch"};
    CHECK(contains(message_of(setting, pictures(3, true)), "without batch normalisation"));
    setting.settings = {"batch=1"};
    setting.pair = {{5, 8}, {4, 8, 8}, 8, 8, 3, "dcgan"};
    CHECK(contains(message_of(setting, pictures(3, true)), "one value"));
}

TEST_CASE("conditional networks need labels") {
    const models::Model model = make_gan(small("cgan"), 0);
    Graph graph;
    const Tensor latent = graph.input("latent", {2, 5}), images = graph.input("images", {2, 3, 8, 8});
    CHECK_THROWS_AS(model.generator()(latent), Error);
    CHECK_THROWS_AS(model.discriminator()(images), Error);
}

TEST_CASE("a conditional sampler draws the class asked for, whatever stands beside it") {
    const models::Model model = make_gan(small("cgan"), 7);
    // Scales of all ones do not tell classes apart.
    for (const Variable& variable : model.generator().variables())
        if (variable.name() == "generator.2.bias")
            for (std::size_t i = 0; i < variable.value().size(); ++i)
                variable.data()[i] = static_cast<float>(i) * 0.1F;
    models::Sampler sampler(model, 1);
    const std::vector<std::size_t> zeros(70, 0), ones(70, 1);
    const Array zero = sampler.draw(70, zeros), one = sampler.draw(70, ones), turns = sampler.draw(70);
    CHECK(shape_of(zero) == Shape{70, 3, 8, 8});
    constexpr std::size_t values = 3 * 64;
    const auto same = [&](const Array& a, const Array& b, std::size_t image) {
        return std::equal(a.data() + image * values, a.data() + (image + 1) * values,
                          b.data() + image * values);
    };
    CHECK(same(zero, turns, 0));
    CHECK(same(zero, turns, 66));
    CHECK(same(one, turns, 1));
    CHECK_FALSE(same(zero, one, 0));
    CHECK(std::all_of(turns.data(), turns.data() + turns.size(),
                      [](float value) { return value >= 0 && value <= 1; }));
    CHECK_THROWS_AS(sampler.draw(70, std::vector<std::size_t>(69, 0)), Error);
    CHECK_THROWS_AS(sampler.draw(2, std::vector<std::size_t>{0, 3}), Error);
    CHECK_THROWS_AS(models::Sampler(make_gan({}, 0), 0).draw(1, std::vector<std::size_t>{0}), Error);
    models::Model other = make_gan({}, 0);
    other.images.width = 1000;
    CHECK_THROWS_AS(models::Sampler(other, 0), ShapeError);
}

TEST_CASE("spherical interpolation keeps to the arc between its ends") {
    const std::vector<float> from = {2, 0}, to = {0, 2}, far = {4, 0};
    const Array arc = models::spherical_interpolation(from, to, 3);
    CHECK(arc(0, 0) == doctest::Approx(2));
    CHECK(arc(0, 1) == doctest::Approx(0));
    CHECK(arc(1, 0) == doctest::Approx(std::sqrt(2.0)));
    CHECK(arc(1, 1) == doctest::Approx(std::sqrt(2.0)));
    CHECK(arc(2, 1) == doctest::Approx(2));
    const Array line = models::spherical_interpolation(from, far, 3);
    CHECK(line(1, 0) == doctest::Approx(3));
    CHECK_THROWS_AS(models::spherical_interpolation(from, to, 1), Error);
    CHECK_THROWS_AS(models::spherical_interpolation(from, std::vector<float>{1}, 3), ShapeError);
}
