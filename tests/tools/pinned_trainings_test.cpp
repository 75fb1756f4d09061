#include <algorithm>
#include <bit>
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>
#include <xtensor/xarray.hpp>

#include <duet/data/npy.hpp>
#include <duet/data/safetensors.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

namespace {

const fs::path source = DUET_SOURCE_DIR;

/// FNV-1a.
class Hash {
 public:
    void add(std::string_view text) {
        for (const char each : text) add(static_cast<unsigned char>(each));
    }
    void add(const Array& values) {
        for (const float value : values)
            for (std::uint32_t bits = std::bit_cast<std::uint32_t>(value), i = 0; i < 4; ++i, bits >>= 8U)
                add(static_cast<unsigned char>(bits & 0xffU));
    }
    std::uint64_t value() const { return value_; }

 private:
    void add(unsigned char byte) { value_ = (value_ ^ byte) * 0x100000001b3U; }

    std::uint64_t value_ = 0xcbf29ce484222325U;
};

std::uint64_t weights_hash(const fs::path& path) {
    Hash hash;
    std::map<std::string, const Array*> by_name;
    const Safetensors file = read_safetensors(path);
    for (const NamedArray& tensor : file.tensors) by_name[tensor.name] = &tensor.value;
    for (const auto& [name, value] : by_name) {
        hash.add(name);
        hash.add(*value);
    }
    return hash.value();
}

/// Of the columns that every training has had from the first version on, found by their names.
std::uint64_t metrics_hash(const fs::path& path) {
    Hash hash;
    std::istringstream lines(text_of(path));
    std::vector<std::string> names;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream cells(line);
        std::vector<std::string> row;
        for (std::string cell; std::getline(cells, cell, ',');) row.push_back(cell);
        if (names.empty()) {
            names = row;
            continue;
        }
        for (const char* wanted :
             {"step", "generator_loss", "discriminator_loss", "real_probability", "fake_probability"}) {
            const auto column = std::find(names.begin(), names.end(), wanted);
            REQUIRE(column != names.end());
            hash.add(row[static_cast<std::size_t>(column - names.begin())] + ",");
        }
    }
    return hash.value();
}

struct Pinned {
    std::string name;
    std::vector<std::string> options;
    std::uint64_t weights, metrics;
};

std::vector<std::string> convolutional(const std::string& model, std::vector<std::string> more = {}) {
    std::vector<std::string> options{
        "--model", model, "--batch", "16", "--generator-widths", "16-64-32", "--discriminator-widths",
        "32-64"};
    options.insert(options.end(), more.begin(), more.end());
    return options;
}

}  // namespace

// What these numbers are does not matter: version 0.1 made them, and no change of the trainer's design moves
// one.
#if defined(__FMA__)
TEST_CASE("ten steps of each kind of training end in the bits and metrics of version 0.1") {
    const TemporaryFolder folder;
    const fs::path side_32 = folder.path() / "side-32", out = folder.path() / "run";
    write_images(side_32, 32, 32);
    const std::vector<Pinned> trainings = {
        {"mlp, documented, R1", {"--schedule", "documented"}, 6012009505594501838U, 8893584028843020045U},
        {"mlp, alternating",
         {"--schedule", "alternating", "--penalty", "none"},
         3278676337500907982U,
         4952857522692419909U},
        {"mlp, minimax",
         {"--loss", "minimax", "--schedule", "documented"},
         16906962146896734839U,
         18143412801518773077U},
        {"dcgan", convolutional("dcgan"), 4573117367635407830U, 5096410345038554759U},
        {"dcgan, R1", convolutional("dcgan", {"--penalty", "r1"}), 5324351115792936763U,
         18389838067399136752U},
        {"WGAN-GP", convolutional("dcgan", {"--loss", "wasserstein"}), 1357455532564877883U,
         13622534433012300419U},
        {"resnet",
         {"--model", "resnet", "--batch", "8", "--generator-widths", "8-16-16-16-16",
          "--discriminator-widths", "16-16-16-16", "--data", side_32},
         9323236921388677672U,
         3142123224562607788U},
        {"cgan", convolutional("cgan"), 18378833295025483469U, 17783184592640584556U},
    };
    for (const Pinned& training : trainings) {
        std::vector<std::string> arguments{"train", "--steps", "10", "--log-every", "1", "--seed",
                                           "1",     "--out",   out};
        if (std::find(training.options.begin(), training.options.end(), "--data") == training.options.end())
            arguments.insert(arguments.end(), {"--data", source / "data" / "mnist"});
        arguments.insert(arguments.end(), training.options.begin(), training.options.end());
        CAPTURE(training.name);
        const Outcome outcome = duet_command(arguments);
        CAPTURE(outcome.err);
        REQUIRE(outcome.code == 0);
        CHECK(weights_hash(out / "weights.safetensors") == training.weights);
        CHECK(metrics_hash(out / "metrics.csv") == training.metrics);
        fs::remove_all(out);
    }
}

TEST_CASE("weights that version 0.1 wrote load, draw the same images and start a training") {
    const TemporaryFolder folder;
    const std::vector<std::tuple<std::string, std::size_t, std::uint64_t>> files = {
        {"mlp", 8, 1174883586655723017U},
        {"dcgan", 16, 5426959247085607420U},
        {"resnet", 32, 14386166649338028092U},
        {"cgan", 16, 7334502022271591935U}};
    for (const auto& file : files) {
        const std::string& model = std::get<0>(file);
        const std::size_t side = std::get<1>(file);
        CAPTURE(model);
        const fs::path weights = source / "tests" / "fixtures" / "version-0.1" / (model + ".safetensors");
        const fs::path images = folder.path() / "images.npy", data = folder.path() / model;
        const Outcome sampled =
            duet_command({"sample", "--weights", weights, "--count", "20", "--seed", "3", "--out", images});
        CAPTURE(sampled.err);
        REQUIRE(sampled.code == 0);
        Hash hash;
        hash.add(read_npy(images));
        CHECK(hash.value() == std::get<2>(file));
        write_images(data / "images", 32, side);
        Bytes labels = idx_file({32});
        for (std::size_t i = labels.size() - 32; i < labels.size(); ++i) labels[i] %= 10;
        write_bytes(data / "images" / "train-labels-idx1-ubyte", labels);
        const Outcome trained =
            duet_command({"train", "--data", data / "images", "--init", weights, "--model", model, "--batch",
                          "8", "--steps", "2", "--out", data / "run"});
        CAPTURE(trained.err);
        CHECK(trained.code == 0);
    }
}
#endif
