#include <algorithm>

#include <doctest/doctest.h>
#include <xtensor/xarray.hpp>

#include <duet/data/npy.hpp>
#include <duet/data/png.hpp>
#include <duet/data/safetensors.hpp>
#include <duet/data/toml.hpp>
#include <duet/models/weights.hpp>

#include "../models/pair.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

namespace {

constexpr std::size_t side = 8;

/// A folder of 30 pictures in a folder for each of three classes, or of IDX images without labels.
struct Pictures {
    explicit Pictures(std::size_t channels) {
        for (std::size_t i = 0; i < 30; ++i) {
            Image picture{side, side, channels, {}};
            for (std::size_t k = 0; k < side * side * channels; ++k)
                picture.pixels.push_back(static_cast<std::uint8_t>((i * 11 + k * 7) % 256));
            const fs::path of_class = data / std::string(1, static_cast<char>('a' + i % 3));
            fs::create_directories(of_class);
            write_png(of_class / (std::to_string(i) + ".png"), picture);
        }
        write_images(plain, 30, side);
    }

    Outcome train(const fs::path& images, const std::vector<std::string>& more) const {
        std::vector<std::string> arguments = {"train",     "--data",  images, "--out",   run,
                                              "--restart", "--scale", "1",    "--steps", "3"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return duet_command(arguments);
    }
    void check_refused(const fs::path& images, const std::vector<std::string>& more,
                       const std::string& part) const {
        const Outcome outcome = train(images, more);
        CAPTURE(outcome.err);
        CAPTURE(part);
        CHECK(outcome.code == 2);
        CHECK(is_error_line(outcome.err));
        CHECK(contains(outcome.err, part));
        CHECK_FALSE(fs::exists(run));
    }
    Spec recipe() const { return read_toml(run / "recipe.toml"); }

    TemporaryFolder folder;
    fs::path data = folder.path() / "data", plain = folder.path() / "plain", run = folder.path() / "run";
};

const std::vector<std::string> small_nets = {"--generator-widths", "6-8-4", "--discriminator-widths", "4-8"};

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

}  // namespace

TEST_CASE("duet train --model dcgan trains as its paper does") {
    const Pictures pictures(3);
    const Outcome outcome = pictures.train(pictures.data, with({"--model", "dcgan"}, small_nets));
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    const Spec recipe = pictures.recipe();
    CHECK(recipe.text("model") == "dcgan");
    CHECK(recipe.spec("schedule").kind == "alternating");
    CHECK(recipe.specs("penalties").empty());
    CHECK(recipe.whole("batch") == 128);
    CHECK(recipe.number("optimizers.generator.rate") == 2e-4);
    CHECK(recipe.number("optimizers.discriminator.beta1") == 0.5);
    CHECK(recipe.whole("images.channels") == 3);
    CHECK(recipe.whole("images.classes") == 0);
    CHECK(recipe.wholes("networks.generator.widths") == std::vector<std::size_t>{6, 8, 4});
    CHECK(recipe.text("networks.discriminator.normalization") == "batch");
    const Image picture = read_png(pictures.run / "samples" / "step-000003.png");
    CHECK(picture.channels == 3);
    CHECK(picture.width == 8 * (side + 2) + 2);
    const Safetensors weights = read_safetensors(pictures.run / "weights.safetensors");
    REQUIRE(weights.find("discriminator.3.running_mean") != nullptr);
    CHECK((*weights.find("discriminator.3.running_mean"))(0) != 0.0F);

    // What was written can be trained on and drawn from.
    const fs::path images = pictures.folder.path() / "images.npy";
    REQUIRE(pictures.train(pictures.data, {"--init", pictures.run / "weights.safetensors"}).code == 0);
    REQUIRE(duet_command({"sample", "--weights", pictures.run / "weights.safetensors", "--count", "5",
                          "--out", images})
                .code == 0);
    CHECK(shape_of(read_npy(images)) == Shape{5, 3, side, side});
}

TEST_CASE("--loss wasserstein brings the gradient penalty and its paper's options") {
    const Pictures pictures(1);
    REQUIRE(pictures
                .train(pictures.plain,
                       with({"--model", "dcgan", "--loss", "wasserstein", "--batch", "5"}, small_nets))
                .code == 0);
    Spec recipe = pictures.recipe();
    CHECK(recipe.specs("penalties").front().kind == "gp");
    CHECK(recipe.number("penalties.0.weight") == 10.0);
    CHECK(recipe.whole("schedule.discriminator_steps") == 5);
    CHECK(recipe.number("optimizers.discriminator.rate") == 1e-4);
    CHECK(recipe.number("optimizers.discriminator.beta1") == 0.0);
    CHECK(recipe.number("optimizers.generator.beta2") == 0.9);
    CHECK(recipe.whole("batch") == 5);
    CHECK(recipe.text("networks.discriminator.normalization") == "none");
    const Safetensors weights = read_safetensors(pictures.run / "weights.safetensors");
    CHECK(weights.find("discriminator.2.bias") != nullptr);
    REQUIRE(pictures.train(pictures.plain, with({"--model", "dcgan", "--penalty", "r1"}, small_nets)).code ==
            0);
    recipe = pictures.recipe();
    CHECK(recipe.specs("penalties").front().kind == "r1");
    CHECK(recipe.number("penalties.0.weight") == 1.0);
}

TEST_CASE("duet train --model cgan draws a row a class, and duet sample chooses and interpolates") {
    const Pictures pictures(1);
    const Outcome outcome = pictures.train(pictures.data, with({"--model", "cgan"}, small_nets));
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(pictures.recipe().whole("images.classes") == 3);
    const Image grid = read_png(pictures.run / "samples" / "step-000003.png");
    CHECK(grid.width == 8 * (side + 2) + 2);
    CHECK(grid.height == 3 * (side + 2) + 2);

    const fs::path out = pictures.folder.path() / "images.npy", png = pictures.folder.path() / "grid.png";
    const auto sampled = [&](const std::vector<std::string>& more) {
        const Outcome drawn = duet_command(
            with({"sample", "--weights", pictures.run / "weights.safetensors", "--out", out}, more));
        CAPTURE(drawn.err);
        REQUIRE(drawn.code == 0);
        return read_npy(out);
    };
    const auto same_image = [](const Array& a, std::size_t i, const Array& b, std::size_t j) {
        constexpr std::size_t size = side * side;
        return std::equal(a.data() + i * size, a.data() + (i + 1) * size, b.data() + j * size);
    };
    const Array rows = sampled({}), two = sampled({"--class", "2", "--count", "24"}),
                zero = sampled({"--class", "0", "--count", "24"});
    CHECK(shape_of(rows) == Shape{24, side, side});
    CHECK(same_image(rows, 3, zero, 3));
    CHECK(same_image(rows, 20, two, 20));
    CHECK_FALSE(same_image(rows, 3, two, 3));

    // A strip runs from image 2 r's latent to image 2 r + 1's, its class in turn.
    const Array strips = sampled({"--interpolate", "5", "--count", "2"});
    CHECK(shape_of(strips) == Shape{10, side, side});
    CHECK(same_image(strips, 0, zero, 0));
    CHECK(same_image(strips, 4, zero, 1));
    CHECK_FALSE(same_image(strips, 2, zero, 0));
    CHECK(same_image(sampled({"--interpolate", "5", "--class", "2"}), 5, two, 2));
    REQUIRE(duet_command({"sample", "--weights", pictures.run / "weights.safetensors", "--out", png,
                          "--interpolate", "7", "--count", "2", "--scale", "1"})
                .code == 0);
    const Image picture = read_png(png);
    CHECK(picture.width == 7 * (side + 2) + 2);
    CHECK(picture.height == 2 * (side + 2) + 2);

    const Outcome outside = duet_command(
        {"sample", "--weights", pictures.run / "weights.safetensors", "--out", png, "--class", "3"});
    CHECK(outside.code == 2);
    CHECK(contains(outside.err, "3 is not a class of the model"));
}

TEST_CASE("models that the images do not fit are refused before training") {
    const Pictures pictures(1);
    pictures.check_refused(pictures.plain, {"--model", "cgan"}, "no labels, which the model needs");
    pictures.check_refused(pictures.data, {"--model", "cgan", "--classes", "2"}, "label 2");
    pictures.check_refused(pictures.data, {"--model", "mlp", "--classes", "3"}, "take no labels");
    pictures.check_refused(pictures.data, {"--model", "dcgan", "--generator-widths", "6-8-4-4-4"},
                           "8x8 do not fit 4 layers of stride 2");
    pictures.check_refused(pictures.data, {"--model", "dcgan", "--preset", "article"},
                           "preset article: model");
    write_images(pictures.plain, 30, 9);
    pictures.check_refused(pictures.plain, {"--model", "dcgan"}, "images of 9x9 do not fit");
    pictures.check_refused(pictures.plain, {"--model", "resnet"}, "images of 9x9 do not fit");
    const fs::path weights = pictures.folder.path() / "weights.safetensors";
    save_pair(make_gan({{6, 8, 4}, {4, 8}, 8, 8, 1, "dcgan"}, 0), {{6, 8, 4}, {4, 8}, 8, 8, 1, "dcgan"},
              weights);
    pictures.check_refused(pictures.data, {"--init", weights, "--penalty", "gp"},
                           "without batch normalisation");
    const Outcome unconditional = duet_command(
        {"sample", "--weights", weights, "--out", pictures.folder.path() / "x.png", "--class", "0"});
    CHECK(unconditional.code == 2);
    CHECK(contains(unconditional.err, "is not conditional"));
}

TEST_CASE("duet inspect shows every model's step") {
    for (const char* model : {"dcgan", "cgan", "resnet"}) {
        const Outcome text =
            duet_command(with({"inspect", "--model", model, "--batch", "4", "--side", "8", "--channels", "3",
                               "--generator-widths", std::string(model) == "resnet" ? "6-8-4" : "6-8-4-4",
                               "--discriminator-widths", "4-8"},
                              {}));
        CAPTURE(text.err);
        REQUIRE(text.code == 0);
        CHECK(contains(text.out, "# discriminator\n"));
        CHECK(contains(text.out, "conv2d"));
        CHECK(contains(text.out, "generator.2"));
    }
}
