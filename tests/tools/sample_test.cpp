#include <algorithm>
#include <cmath>
#include <sstream>

#include <doctest/doctest.h>
#include <xtensor/xarray.hpp>

#include <duet/data/npy.hpp>
#include <duet/data/png.hpp>
#include <duet/data/png_text.hpp>
#include <duet/data/safetensors.hpp>
#include <duet/data/sha256.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/models/weights.hpp>

#include "../models/pair.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

namespace {

const fs::path fixtures = fs::path(DUET_SOURCE_DIR) / "tests" / "fixtures";

}  // namespace

TEST_CASE("duet sample draws an array whose first images do not depend on the count or the threads") {
    const TemporaryFolder folder;
    const fs::path weights = folder.path() / "weights.safetensors";
    save_pair(make_gan({{10, 16, 64}, {64, 16, 1}, 8, 8}, 3), {{10, 16, 64}, {64, 16, 1}, 8, 8}, weights);
    const auto drawn = [&](const char* count, const char* seed, const char* threads) {
        const fs::path out = folder.path() / "images.npy";
        const Outcome outcome = duet_command({"sample", "--weights", weights, "--count", count, "--seed",
                                              seed, "--threads", threads, "--out", out});
        CAPTURE(outcome.err);
        REQUIRE(outcome.code == 0);
        return read_npy(out);
    };
    const Array few = drawn("10", "5", "1"), many = drawn("100", "5", "2"), other = drawn("10", "6", "1");
    REQUIRE(many.dimension() == 3);
    CHECK(many.shape()[0] == 100);
    CHECK(many.shape()[1] == 8);
    CHECK(many.shape()[2] == 8);
    CHECK(std::equal(few.data(), few.data() + few.size(), many.data()));
    CHECK_FALSE(std::equal(few.data(), few.data() + few.size(), other.data()));
    CHECK(std::all_of(many.data(), many.data() + many.size(),
                      [](float value) { return value >= 0 && value <= 1; }));
    // Images differ from each other, on either side of a batch's end too.
    CHECK_FALSE(std::equal(many.data(), many.data() + 64, many.data() + 64 * 64));
}

TEST_CASE("duet sample draws a grid") {
    const TemporaryFolder folder;
    const fs::path weights = folder.path() / "weights.safetensors", out = folder.path() / "grid.png";
    save_pair(make_gan({{10, 16, 64}, {64, 16, 1}, 8, 8}, 3), {{10, 16, 64}, {64, 16, 1}, 8, 8}, weights);
    REQUIRE(
        duet_command({"sample", "--weights", weights, "--count", "10", "--scale", "1", "--out", out}).code ==
        0);
    Image grid = read_png(out);
    CHECK(grid.width == 4 * 10 + 2);
    CHECK(grid.height == 3 * 10 + 2);
    const Image small = grid;
    REQUIRE(duet_command({"sample", "--weights", weights, "--count", "10", "--columns", "5", "--scale", "3",
                          "--out", out})
                .code == 0);
    grid = read_png(out);
    CHECK(grid.width == 3 * (5 * 10 + 2));
    CHECK(grid.height == 3 * (2 * 10 + 2));

    // About 600 pixels wide, of the same images.
    REQUIRE(
        duet_command({"sample", "--weights", weights, "--count", "10", "--seed", "0", "--out", out}).code ==
        0);
    CHECK(read_png(out).pixels == magnified(small, 14).pixels);
    const std::vector<PngText> texts = read_png_texts(out);
    CHECK(png_text(texts, "Software").starts_with("duet 0."));
    CHECK(png_text(texts, "Seed") == "0");
    const Bytes bytes = read_file(weights);
    CHECK(png_text(texts, "Weights SHA-256") == sha256(view(bytes)));
    for (const char* scale : {"0", "65", "-1", "1.5", "x"})
        CHECK(duet_command({"sample", "--weights", weights, "--scale", scale, "--out", out}).code == 2);
}

TEST_CASE("duet sample takes PyTorch's weights once told the model") {
    const TemporaryFolder folder;
    const fs::path weights = fixtures / "torch_generator.safetensors", out = folder.path() / "images.npy";
    CHECK(duet_command({"sample", "--weights", weights, "--out", out}).code == 2);
    REQUIRE(
        duet_command({"sample", "--weights", weights, "--model", "mlp", "--count", "7", "--out", out}).code ==
        0);
    const Array images = read_npy(out);
    CHECK(images.shape()[0] == 7);
    CHECK(images.shape()[1] == 4);
    CHECK(images.shape()[2] == 4);
}

TEST_CASE("PyTorch draws the same images from weights that duet train wrote, and gives them back") {
    const std::string python = "/usr/bin/python3";
    if (std::system((python + " -c 'import torch' >/dev/null 2>&1").c_str()) != 0) {
        MESSAGE("left out: python3-torch is not installed");
        return;
    }
    const TemporaryFolder folder;
    write_images(folder.path() / "data", 40, 8);
    const fs::path latents_file = fixtures / "torch_generator_expected.safetensors";
    const std::vector<std::vector<std::string>> models = {
        {"mlp", "--generator-widths", "6-8-8-64", "--rate", "0.01"},
        {"dcgan", "--generator-widths", "6-8-4", "--discriminator-widths", "4-8"}};
    for (const std::vector<std::string>& chosen : models) {
        CAPTURE(chosen.front());
        const fs::path run = folder.path() / chosen.front(), weights = run / "weights.safetensors",
                       printed = folder.path() / "printed", state = folder.path() / "state.safetensors";
        std::vector<std::string> arguments = {
            "train", "--data", folder.path() / "data", "--out", run, "--steps", "20", "--batch",
            "8",     "--model"};
        arguments.insert(arguments.end(), chosen.begin(), chosen.end());
        const Outcome outcome = duet_command(arguments);
        CAPTURE(outcome.err);
        REQUIRE(outcome.code == 0);
        const std::string command = python + " '" + (fixtures / "load_weights.py").string() + "' '" +
                                    weights.string() + "' '" + latents_file.string() + "' '" +
                                    state.string() + "' >'" + printed.string() + "'";
        REQUIRE(std::system(command.c_str()) == 0);

        const Safetensors file = read_safetensors(weights), returned = read_safetensors(state);
        const models::Model model = load_pair(file, weights);
        const Safetensors expected = read_safetensors(latents_file);
        const Array& latents = *expected.find("latents");
        Graph graph;
        const Tensor input = graph.input("latents", shape_of(latents));
        auto program = compile<float>(graph, {model.generator()(input, models::Mode::inference)});
        const Array& images = program.run({{input, latents}}).front();
        std::istringstream stream(text_of(printed));
        std::size_t compared = 0;
        double value = 0;
        for (; stream >> value && compared < images.size(); ++compared)
            CHECK(std::abs(value - static_cast<double>(images.data()[compared])) < 1e-6);
        CHECK(compared == images.size());

        // PyTorch's own state also counts batches, as integers.
        CHECK((returned.find("generator.2.num_batches_tracked") != nullptr) == (chosen.front() == "dcgan"));
        const models::Model again = load_pair(returned, state);
        const auto left = model.variables(), right = again.variables();
        for (std::size_t i = 0; i < left.size(); ++i)
            CHECK(std::equal(left[i].value().begin(), left[i].value().end(), right[i].value().begin()));
    }
}
