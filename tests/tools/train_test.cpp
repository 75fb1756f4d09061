#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <xtensor/xarray.hpp>

#include <duet/data/png.hpp>
#include <duet/data/png_text.hpp>
#include <duet/data/safetensors.hpp>
#include <duet/data/toml.hpp>
#include <duet/models/weights.hpp>

#include "../data/animation.hpp"
#include "../models/pair.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

namespace {

const fs::path fixtures = fs::path(DUET_SOURCE_DIR) / "tests" / "fixtures";

bool same_arrays(const Safetensors& a, const Safetensors& b) {
    if (a.tensors.size() != b.tensors.size()) return false;
    for (const NamedArray& tensor : a.tensors) {
        const Array* other = b.find(tensor.name);
        if (other == nullptr || other->shape() != tensor.value.shape() ||
            !std::equal(other->data(), other->data() + other->size(), tensor.value.data()))
            return false;
    }
    return true;
}

struct Training {
    explicit Training(std::size_t side = 8) { write_images(data, 40, side); }

    Outcome train(const fs::path& out, const std::vector<std::string>& more) const {
        std::vector<std::string> arguments = {"train",     "--data",  data, "--out",   out,
                                              "--restart", "--scale", "1",  "--batch", "8"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return duet_command(arguments);
    }

    TemporaryFolder folder;
    fs::path data = folder.path() / "data";
    fs::path run = folder.path() / "run";
};

}  // namespace

TEST_CASE("duet train --profile traces the last steps and changes no trained bit") {
    const Training training;
    const fs::path trace = training.folder.path() / "trace.json", plain = training.folder.path() / "plain";
    REQUIRE(training.train(training.run, {"--steps", "25", "--threads", "2", "--profile", trace}).code == 0);
    REQUIRE(training.train(plain, {"--steps", "25"}).code == 0);
    CHECK(text_of(training.run / "weights.safetensors") == text_of(plain / "weights.safetensors"));
    const auto events = json_of(text_of(trace))["traceEvents"];
    REQUIRE(events.size() > 100);
    bool product = false;
    for (const auto& event : events) {
        CHECK(event["ph"] == "X");
        CHECK(event["args"]["step"] > 5);
        CHECK(event["dur"] >= 0.0);
        CHECK(event["tid"] < 2);
        product = product || contains(event["name"].get<std::string>(), "matmul");
    }
    CHECK(product);
}

TEST_CASE("duet train shows its sample pictures one after the other") {
    const Training training;
    const auto check = [&](const std::string& steps, std::size_t frames) {
        REQUIRE(training.train(training.run, {"--steps", steps, "--sample-every", "1"}).code == 0);
        const Animation animation = decode_gif(read_file(training.run / "progress.gif"));
        CHECK(animation.width == 8 * (8 + 2) + 2);
        CHECK(animation.height > 8 * (8 + 2) + 2);  // step and run stand below
        REQUIRE(animation.frames.size() == frames);
        const auto is_frame = [&](std::size_t frame, const std::string& name) {
            const Image picture = read_png(training.run / "samples" / name);
            for (std::size_t i = 0; i < picture.pixels.size(); ++i)
                if (animation.frames[frame].pixels[3 * i] != picture.pixels[i]) return false;
            return true;
        };
        CHECK(is_frame(0, "step-000000.png"));
        CHECK(is_frame(1, "step-000001.png"));
        CHECK(is_frame(frames - 1, fmt::format("step-{:06}.png", std::stoi(steps))));
        CHECK(animation.frames[frames - 2].delay == 25);
        CHECK(animation.frames[frames - 1].delay == 200);
    };
    check("2", 3);
    check("70", 60);
}

TEST_CASE("duet train takes a folder of PNG files") {
    const Training training;
    const fs::path pictures = training.folder.path() / "pictures";
    for (std::size_t i = 0; i < 40; ++i) {
        const fs::path folder = pictures / (i % 2 == 0 ? "even" : "odd");
        fs::create_directories(folder);
        write_png(folder / fmt::format("{}.png", i), {6, 6, 1, Bytes(36, static_cast<std::uint8_t>(i * 6))});
    }
    const Outcome outcome = duet_command(
        {"train", "--data", pictures, "--out", training.run, "--scale", "1", "--batch", "8", "--steps", "3"});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(read_png(training.run / "samples" / "step-000003.png").width == 8 * (6 + 2) + 2);
}

TEST_CASE("duet train leaves weights, metrics, recipe and samples") {
    const Training training;
    const Outcome outcome =
        training.train(training.run, {"--steps", "30", "--sample-every", "10", "--log-every", "7"});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(contains(outcome.out, "finished after 30 of 30 steps"));
    CHECK(contains(outcome.err, "step 30/30"));
    CHECK_FALSE(contains(outcome.err, "\r"));

    CHECK(entries_below(training.run) == 14);
    for (const char* name : {"step-000000.png", "step-000010.png", "step-000020.png", "step-000030.png"}) {
        const Image picture = read_png(training.run / "samples" / name);
        CHECK(picture.width == 8 * (8 + 2) + 2);
        CHECK(picture.height == 8 * (8 + 2) + 2);
    }
    const std::string metrics = text_of(training.run / "metrics.csv");
    CHECK(
        metrics.starts_with("step,epoch,seconds,images_per_second,discriminator_loss,discriminator_"
                            "adversarial,r1,real_probability,fake_"
                            "probability,generator_loss\n7,"));
    CHECK(std::count(metrics.begin(), metrics.end(), '\n') == 1 + 4 + 1);
    CHECK(contains(metrics, "\n30,"));

    const Spec recipe = read_toml(training.run / "recipe.toml");
    CHECK(recipe.whole("schema") == 1);
    CHECK(recipe.whole("steps") == 30);
    CHECK(recipe.spec("loss").kind == "non-saturating");
    CHECK(recipe.spec("schedule").kind == "alternating");
    CHECK(recipe.specs("penalties").front().kind == "r1");
    CHECK(recipe.number("penalties.0.weight") == 1.0);
    CHECK(recipe.number("optimizers.generator.rate") == 2e-4);
    CHECK(recipe.wholes("networks.generator.widths") == std::vector<std::size_t>{100, 128, 128, 64});

    const Safetensors weights = read_safetensors(training.run / "weights.safetensors");
    CHECK(models::layer_in(weights, "weights")->text("model") == "mlp");
    CHECK(weights.find("generator.4.weight") != nullptr);
    CHECK(weights.find("discriminator.4.bias") != nullptr);

    SUBCASE("duet compare puts two runs into a picture") {
        const fs::path article = training.folder.path() / "article",
                       picture = training.folder.path() / "both.png";
        REQUIRE(
            training.train(article, {"--steps", "30", "--sample-every", "15", "--preset", "article"}).code ==
            0);
        const Outcome compared = duet_command(
            {"compare", "--out", picture, "--digits", "3", "--scale", "2", article, training.run});
        CAPTURE(compared.err);
        REQUIRE(compared.code == 0);
        CHECK(contains(compared.out, "non-saturating, no penalty"));
        CHECK(contains(compared.out, "columns: after 0, 30 steps"));
        const Image image = read_png(picture);
        constexpr std::size_t tile = 2 * (3 * 10 + 2), header = 18, label = 14;
        CHECK(image.width == 2 * (tile + 10) + 10);
        CHECK(image.height == header + 2 * (label + tile + 2 * 10));
        CHECK(png_text(read_png_texts(picture), "Software").starts_with("duet 0."));

        // The same of sample pictures that are magnified.
        for (const fs::path& run : {article, training.run})
            for (const auto& entry : fs::directory_iterator(run / "samples"))
                write_png(entry.path(), magnified(read_png(entry.path()), 3));
        const fs::path again = training.folder.path() / "again.png";
        const auto compare = [&](const std::vector<std::string>& more) {
            std::vector<std::string> arguments = {"compare", "--out", again, "--digits", "3"};
            arguments.insert(arguments.end(), more.begin(), more.end());
            arguments.insert(arguments.end(), {article, training.run});
            return duet_command(arguments);
        };
        REQUIRE(compare({"--scale", "2"}).code == 0);
        CHECK(read_png(again).pixels == image.pixels);
        REQUIRE(compare({}).code == 0);
        CHECK(read_png(again).width == 2 * (8 * (3 * 10 + 2) + 10) + 10);
        write_png(training.run / "samples" / "step-000030.png", Image{83, 82, 1, Bytes(83 * 82)});
        const Outcome refused = compare({});
        CHECK(refused.code == 2);
        CHECK(
            contains(refused.err, "step-000030.png: 83 x 82 pixels are not a picture of 8 images of 8 x 8"));
    }
}

TEST_CASE("options beside a preset win, and epochs count the data") {
    const Training training;
    const auto recipe = [&] { return read_toml(training.run / "recipe.toml"); };
    REQUIRE(training.train(training.run, {"--preset", "article", "--epochs", "3"}).code == 0);
    CHECK(recipe().specs("penalties").empty());
    CHECK(recipe().whole("steps") == 15);
    REQUIRE(training.train(training.run, {"--preset", "article", "--penalty", "r1", "--steps", "1"}).code ==
            0);
    CHECK(recipe().specs("penalties").front().kind == "r1");
}

TEST_CASE("a seed gives the same bits for any number of threads, another seed others") {
    const Training training;
    const auto trained = [&](const char* name, const std::vector<std::string>& more) {
        std::vector<std::string> arguments = {"--steps", "25", "--log-every", "5"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        REQUIRE(training.train(training.folder.path() / name, arguments).code == 0);
        return text_of(training.folder.path() / name / "weights.safetensors") +
               metrics_of(training.folder.path() / name) +
               text_of(training.folder.path() / name / "samples" / "step-000025.png");
    };
    const std::vector<std::vector<std::string>> settings = {
        {},
        {"--schedule", "alternating", "--discriminator-steps", "2", "--loss", "minimax", "--penalty",
         "none"}};
    for (std::vector<std::string> setting : settings) {
        setting.insert(setting.end(), {"--threads", "1"});
        const std::string one = trained("one", setting);
        setting.back() = "2";
        CHECK(trained("two", setting) == one);
        setting.insert(setting.end(), {"--seed", "1"});
        CHECK(trained("other", setting) != one);
    }
}

TEST_CASE("duet train starts from PyTorch's weights and keeps them at a rate of nearly nothing") {
    const Training training(4);
    const fs::path init = fixtures / "torch_generator.safetensors";
    const Outcome without_model = training.train(training.run, {"--steps", "1", "--init", init});
    CHECK(without_model.code == 2);
    CHECK(contains(without_model.err, "--model"));
    const Outcome outcome =
        training.train(training.run, {"--steps", "1", "--init", init, "--model", "mlp", "--rate", "1e-30"});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    const Safetensors written = read_safetensors(training.run / "weights.safetensors");
    CHECK(same_arrays(written, read_safetensors(init)));
    CHECK(models::layer_in(written, "written")->wholes("networks.generator.widths") ==
          std::vector<std::size_t>{6, 8, 8, 16});

    // What was written says itself what it is.
    const fs::path again = training.folder.path() / "again";
    REQUIRE(
        training
            .train(again, {"--steps", "1", "--init", training.run / "weights.safetensors", "--rate", "1e-30"})
            .code == 0);
    CHECK(same_arrays(written, read_safetensors(again / "weights.safetensors")));
}

TEST_CASE("a loss that is not finite ends the training with the snapshot's weights") {
    const Training training;
    const Outcome outcome = training.train(training.run, {"--steps", "50", "--rate", "1e30", "--seed", "7"});
    CAPTURE(outcome.err);
    CHECK(outcome.code == 1);
    const std::size_t at = outcome.err.find("duet: error: ");
    REQUIRE(at != std::string::npos);
    CHECK(is_error_line(outcome.err.substr(at)));
    CHECK(contains(outcome.err, "duet: error: step "));
    CHECK(contains(outcome.err, "holds the weights of step 0"));
    const models::Model initial = make_gan({{100, 128, 128, 64}, {64, 128, 128, 1}, 8, 8}, 7);
    save_pair(initial, {{100, 128, 128, 64}, {64, 128, 128, 1}, 8, 8},
              training.folder.path() / "initial.safetensors");
    CHECK(same_arrays(read_safetensors(training.run / "weights.safetensors"),
                      read_safetensors(training.folder.path() / "initial.safetensors")));
    CHECK(fs::exists(training.run / "metrics.csv"));
}
