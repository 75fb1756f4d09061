#include <doctest/doctest.h>
#include <xtensor/xarray.hpp>

#include <duet/data/npy.hpp>
#include <duet/data/npz.hpp>
#include <duet/models/weights.hpp>

#include "../models/pair.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

namespace {

const Pair pair{{10, 16, 64}, {64, 16, 1}, 8, 8};

/// A run's folder with weights.
struct Run {
    Run() {
        fs::create_directory(path);
        save_pair(make_gan(pair, 3), pair, weights);
    }

    TemporaryFolder folder;
    fs::path path = folder.path() / "run", weights = path / "weights.safetensors";
};

Array drawn(const fs::path& weights, const fs::path& out) {
    const Outcome outcome = duet_command({"sample", "--weights", weights, "--count", "5", "--out", out});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    return read_npy(out);
}

}  // namespace

TEST_CASE("duet export writes npz and safetensors that load as the weights themselves") {
    const Run run;
    const fs::path archive = run.folder.path() / "w.npz", back = run.folder.path() / "w.safetensors";
    REQUIRE(duet_command({"export", run.path, "--out", archive}).code == 0);
    REQUIRE(duet_command({"export", archive, "--out", back}).code == 0);
    CHECK(text_of(back) == text_of(run.weights));
    const Array images = drawn(run.weights, run.folder.path() / "a.npy");
    CHECK(drawn(archive, run.folder.path() / "b.npy") == images);

    write_images(run.folder.path() / "images", 10, 8);
    const Outcome trained =
        duet_command({"train", "--data", run.folder.path() / "images", "--init", archive, "--steps", "1",
                      "--batch", "4", "--out", run.folder.path() / "more"});
    CAPTURE(trained.err);
    CHECK(trained.code == 0);
}

TEST_CASE("duet export writes ONNX models") {
    const Run run;
    const fs::path any = run.folder.path() / "any.onnx", four = run.folder.path() / "four.onnx";
    REQUIRE(duet_command({"export", run.weights, "--out", any}).code == 0);
    REQUIRE(duet_command({"export", run.path, "--out", four, "--batch", "4"}).code == 0);
    CHECK(contains(text_of(any), "latent"));
    CHECK(text_of(any) != text_of(four));
    REQUIRE(duet_command({"export", run.path, "--out", any, "--network", "discriminator"}).code == 0);
    CHECK(contains(text_of(any), "scores"));
    // Weights without metadata, as PyTorch writes them.
    const fs::path torch = fs::path(DUET_SOURCE_DIR) / "tests/fixtures/torch_generator.safetensors";
    CHECK(duet_command({"export", torch, "--out", any}).code == 2);
    CHECK(duet_command({"export", torch, "--model", "mlp", "--out", any}).code == 0);
}

TEST_CASE("duet export refuses what makes no sense in one line") {
    const Run run;
    const fs::path out = run.folder.path() / "w.npz";
    const auto refused = [&](std::vector<std::string> arguments, const char* part) {
        arguments.insert(arguments.begin(), "export");
        const Outcome outcome = duet_command(arguments);
        CAPTURE(outcome.err);
        CHECK(outcome.code == 2);
        CHECK(is_error_line(outcome.err));
        CHECK(contains(outcome.err, part));
    };
    refused({run.path}, "--out");
    refused({run.path, "--out", run.folder.path() / "w.pt"}, "must end in .onnx, .npz or .safetensors");
    refused({run.path, "--out", run.folder.path() / "missing" / "w.npz"}, "no folder");
    refused({run.folder.path(), "--out", out}, "holds no weights.safetensors");
    refused({run.folder.path() / "none.safetensors", "--out", out}, "No such file");
    refused({run.path, "--out", out, "--batch", "2"}, "--batch: is for .onnx");
    refused({run.path, "--out", run.folder.path() / "w.onnx", "--network", "critic"}, "--network");
    refused({run.path, "--out", run.folder.path() / "w.onnx", "--batch", "0"}, "--batch");
    write_bytes(out, {'P', 'K', 3, 4});
    refused({out, "--out", run.folder.path() / "w.safetensors"}, "not a zip archive");
}

TEST_CASE("duet sample writes the latents that it drew from") {
    const Run run;
    const fs::path latents = run.folder.path() / "z.npy", out = run.folder.path() / "x.npy";
    const auto sample = [&](std::vector<std::string> more) {
        std::vector<std::string> arguments{"sample", "--weights", run.weights, "--out",
                                           out,      "--latents", latents};
        arguments.insert(arguments.end(), more.begin(), more.end());
        REQUIRE(duet_command(arguments).code == 0);
        return read_npy(latents);
    };
    const Array drawn = sample({"--count", "5", "--seed", "2"});
    REQUIRE(drawn.dimension() == 2);
    CHECK(drawn.shape()[0] == 5);
    CHECK(drawn.shape()[1] == 10);
    const Array images = read_npy(out);
    const Array same = models::Sampler(make_gan(pair, 3), 2).draw_at(drawn);
    CHECK(std::equal(same.data(), same.data() + same.size(), images.data()));
    CHECK(sample({"--interpolate", "3", "--count", "2"}).shape()[0] == 6);
}

TEST_CASE("the average of a generator's weights is saved, drawn with and exported beside them") {
    const TemporaryFolder folder;
    write_images(folder.path() / "data", 40, 8);
    const fs::path run = folder.path() / "run", weights = run / "weights.safetensors";
    const Outcome trained =
        duet_command({"train", "--data", folder.path() / "data", "--set", "average.decay=0.9", "--steps",
                      "20", "--batch", "8", "--out", run, "--generator-widths", "6-8-64"});
    CAPTURE(trained.err);
    REQUIRE(trained.code == 0);
    const auto sample = [&](const fs::path& of, std::vector<std::string> more) {
        std::vector<std::string> words{
            "sample", "--weights", of, "--count", "5", "--out", folder.path() / "x.npy"};
        words.insert(words.end(), more.begin(), more.end());
        const Outcome outcome = duet_command(words);
        CAPTURE(outcome.err);
        REQUIRE(outcome.code == 0);
        return read_npy(folder.path() / "x.npy");
    };
    const Array averaged = sample(weights, {}), raw = sample(weights, {"--raw"});
    CHECK_FALSE(averaged == raw);

    const Safetensors file = read_safetensors(weights);
    CHECK(file.find("average.generator.0.weight") != nullptr);
    const fs::path exported = folder.path() / "average.safetensors";
    REQUIRE(duet_command({"export", run, "--ema", "--out", exported}).code == 0);
    const Safetensors average = read_safetensors(exported);
    CHECK(average.find("average.generator.0.weight") == nullptr);
    CHECK(*average.find("generator.0.weight") == *file.find("average.generator.0.weight"));
    CHECK(*average.find("discriminator.0.weight") == *file.find("discriminator.0.weight"));
    CHECK(sample(exported, {}) == averaged);

    const fs::path network = folder.path() / "g.onnx", mean = folder.path() / "mean.onnx";
    REQUIRE(duet_command({"export", run, "--out", network}).code == 0);
    REQUIRE(duet_command({"export", run, "--ema", "--out", mean}).code == 0);
    CHECK(text_of(network) != text_of(mean));

    const auto refused = [&](const std::vector<std::string>& words, const std::string& part) {
        const Outcome outcome = duet_command(words);
        CAPTURE(outcome.err);
        CHECK(outcome.code == 2);
        CHECK(contains(outcome.err, part));
    };
    refused({"export", run, "--ema", "--network", "discriminator", "--out", mean},
            "--ema: is of the generator");
    const Run without;
    refused({"export", without.path, "--ema", "--out", mean},
            "--ema: " + without.weights.string() + " holds no average");
    refused({"sample", "--weights", without.weights, "--raw", "--out", folder.path() / "x.npy"},
            "--raw: " + without.weights.string() + " holds no average");
}
