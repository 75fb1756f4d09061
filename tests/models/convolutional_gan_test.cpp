#include <doctest/doctest.h>

#include <cmath>

#include "../allocations.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

using models::GanShape;
using models::ModelKind;

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

GanShape small(ModelKind kind, bool batch_norm = true) {
    GanShape shape{{5, 8, 4}, {4, 8}, 8, 8, 3, kind};
    if (kind == ModelKind::resnet) shape.generator_widths = {5, 6, 4};
    if (kind == ModelKind::cgan) shape.classes = 3;
    shape.discriminator_batch_norm = batch_norm;
    return shape;
}

struct Setting {
    GanShape shape;
    models::TrainingOptions options;
};

std::vector<Setting> settings() {
    std::vector<Setting> all;
    for (const ModelKind kind : {ModelKind::dcgan, ModelKind::cgan, ModelKind::resnet}) {
        all.push_back({small(kind), models::default_options(kind)});
        all.push_back({small(kind), models::default_options(kind)});
        all.back().options.penalty = models::Penalty::r1;
        all.back().options.schedule = models::Schedule::documented;
        all.push_back({small(kind, false), models::with_gradient_penalty(models::default_options(kind))});
        all.back().options.loss = "wasserstein";
        all.back().options.discriminator_steps = 2;
    }
    GanShape conditional = small(ModelKind::resnet);
    conditional.classes = 3;
    all.push_back({conditional, models::default_options(ModelKind::resnet)});
    for (Setting& setting : all) setting.options.batch = 6;
    return all;
}

std::vector<Array> trained(Setting setting, std::size_t threads) {
    setting.options.threads = threads;
    models::Trainer trainer =
        models::gan_trainer(models::make_gan(setting.shape, 3), setting.options, pictures(3, true));
    for (int i = 0; i < 3; ++i) CHECK(std::isfinite(trainer.step()["discriminator_loss"]));
    std::vector<Array> values;
    for (const Variable& variable : trainer.state().variables()) values.push_back(variable.value());
    return values;
}

bool all_same_bits(const std::vector<Array>& a, const std::vector<Array>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_bits<float>);
}

std::string message_of(const Setting& setting, const std::shared_ptr<const Dataset>& data) {
    try {
        models::gan_trainer(models::make_gan(setting.shape, 0), setting.options, data);
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
    for (const Setting& setting : settings()) {
        CAPTURE(models::name_of(setting.shape.kind));
        CAPTURE(models::name_of(setting.options.penalty));
        const std::vector<Array> one = trained(setting, 1);
        for (const std::size_t threads : {1, 2, 3, 8}) CHECK(all_same_bits(one, trained(setting, threads)));
    }
}

TEST_CASE("a convolutional training iteration allocates nothing") {
    for (Setting setting : settings()) {
        CAPTURE(models::name_of(setting.shape.kind));
        setting.options.threads = 2;
        models::Trainer trainer =
            models::gan_trainer(models::make_gan(setting.shape, 0), setting.options, pictures(3, true));
        trainer.step();
        const std::uint64_t before = allocations();
        double sum = 0;
        for (int i = 0; i < 3; ++i) sum += trainer.step()["discriminator_loss"];
        CHECK(allocations() == before);
        CHECK(std::isfinite(sum));
    }
}

TEST_CASE("a DCGAN's loss that is not finite restores the running statistics too") {
    Setting setting{small(ModelKind::dcgan), models::default_options(ModelKind::dcgan)};
    setting.options.batch = 6;
    setting.options.adam.rate = 1e30;
    models::Trainer trainer =
        models::gan_trainer(models::make_gan(setting.shape, 0), setting.options, pictures(3, false));
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
    const models::GanModel model = models::make_gan(models::default_shape(ModelKind::dcgan, 28, 28, 1), 0);
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
        ModelKind kind;
        std::size_t side, channels;
        std::vector<std::size_t> generator, discriminator;
    };
    const Wanted all[] = {{ModelKind::dcgan, 28, 1, {100, 128, 64}, {64, 128}},
                          {ModelKind::dcgan, 32, 3, {100, 256, 128, 64}, {64, 128, 256}},
                          {ModelKind::dcgan, 64, 3, {100, 512, 256, 128, 64}, {64, 128, 256, 512}},
                          {ModelKind::resnet, 32, 3, {128, 256, 256, 256, 256}, {128, 128, 128, 128}}};
    for (const Wanted& wanted : all) {
        const GanShape shape = models::default_shape(wanted.kind, wanted.side, wanted.side, wanted.channels);
        CHECK(shape.generator_widths == wanted.generator);
        CHECK(shape.discriminator_widths == wanted.discriminator);
        Graph graph;
        const models::GanModel model = models::make_gan(shape, 0);
        const Tensor images = model.generator(graph.input("latent", {2, shape.latent()}));
        CHECK(images.shape() == shape.images(2));
        CHECK(model.discriminator(images).shape() == Shape{2, 1});
        double weights = 0;
        for (const models::Network* network : {&model.generator, &model.discriminator})
            for (const Variable& variable : network->variables())
                if (variable.shape().rank() > 1) weights += static_cast<double>(variable.value().size());
        CHECK(models::weight_count(shape) <= weights);
        CHECK(models::weight_count(shape) > 0.4 * weights);
    }
}

TEST_CASE("shapes that strides and channels do not fit are refused") {
    for (const std::size_t side : {1, 4, 15, 26, 27, 30, 33})
        CHECK_THROWS_AS(models::default_shape(ModelKind::dcgan, side, side, 1), Error);
    for (const std::size_t side : {4, 28, 30, 33})
        CHECK_THROWS_AS(models::default_shape(ModelKind::resnet, side, side, 3), Error);
    CHECK_THROWS_AS(models::default_shape(ModelKind::dcgan, 32, 8, 3), Error);
    const auto refused = [](auto&& change) {
        GanShape shape = small(ModelKind::cgan);
        change(shape);
        CHECK_THROWS_AS(models::make_gan(shape, 0), Error);
    };
    refused([](GanShape& shape) { shape.channels = 2; });
    refused([](GanShape& shape) { shape.classes = 0; });
    refused([](GanShape& shape) { shape.kind = ModelKind::dcgan; });
    refused([](GanShape& shape) { shape.height = 6; });
    refused([](GanShape& shape) { shape.width = 0; });
    refused([](GanShape& shape) { shape.generator_widths = {5}; });
    refused([](GanShape& shape) { shape.discriminator_widths = {}; });
    refused([](GanShape& shape) { shape.discriminator_widths = {4, 8, 16, 32}; });
    refused([](GanShape& shape) { shape.discriminator_widths[0] = 0; });
    refused([](GanShape& shape) {
        shape.kind = ModelKind::resnet;
        shape.height = 16;
    });
}

TEST_CASE("data and options that do not fit a convolutional model are refused") {
    Setting setting{small(ModelKind::cgan), models::default_options(ModelKind::cgan)};
    CHECK(contains(message_of(setting, pictures(1, true)), "8x8 with 1 channel(s)"));
    CHECK(contains(message_of(setting, pictures(3, false)), "no labels"));
    setting.shape.classes = 2;
    CHECK(contains(message_of(setting, pictures(3, true)), "image 2 has the label 2"));
    setting.shape.classes = 3;
    setting.options.penalty = models::Penalty::gradient;
    CHECK(contains(message_of(setting, pictures(3, true)), "without batch normalisation"));
    setting.options.penalty = models::Penalty::none;
    setting.options.batch = 1;
    setting.shape = {{5, 8}, {4, 8, 8}, 8, 8, 3, ModelKind::dcgan};
    CHECK(contains(message_of(setting, pictures(3, true)), "one value"));
}

TEST_CASE("conditional networks need labels") {
    const models::GanModel model = models::make_gan(small(ModelKind::cgan), 0);
    Graph graph;
    const Tensor latent = graph.input("latent", {2, 5}), images = graph.input("images", {2, 3, 8, 8});
    CHECK_THROWS_AS(model.generator(latent), Error);
    CHECK_THROWS_AS(model.discriminator(images), Error);
}

TEST_CASE("a conditional sampler draws the class asked for, whatever stands beside it") {
    const models::GanModel model = models::make_gan(small(ModelKind::cgan), 7);
    // Scales of all ones do not tell classes apart.
    for (const Variable& variable : model.generator.variables())
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
    CHECK_THROWS_AS(models::Sampler(models::mlp_gan({}, 0), 0).draw(1, std::vector<std::size_t>{0}), Error);
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
