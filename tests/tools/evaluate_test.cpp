#include <doctest/doctest.h>

#include <cstdlib>
#include <limits>

#include <nlohmann/json.hpp>
#include <xtensor/xarray.hpp>

#include <duet/data/npy.hpp>
#include <duet/data/npz.hpp>
#include <duet/data/png.hpp>

#include "../models/pair.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

namespace {

constexpr std::size_t side = 8, size = side * side;

/// Bright bars at one of eight places, of two classes, with noise; each is drawn once.
Bytes bars(std::size_t count, std::uint64_t seed, Bytes& labels) {
    Bytes images(count * size);
    std::uint64_t state = seed;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t bar = (state >> 33U) % side;
        labels.push_back(static_cast<std::uint8_t>(i % 2));
        for (std::size_t pixel = 0; pixel < size; ++pixel) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            const bool bright = (i % 2 == 0 ? pixel % side : pixel / side) == bar;
            images[i * size + pixel] = static_cast<std::uint8_t>((state >> 58U) + (bright ? 180 : 0));
        }
    }
    return images;
}

Bytes idx(std::uint32_t count, const Bytes& values, bool images) {
    Bytes file = images ? idx_file({count, side, side}) : idx_file({count});
    std::copy(values.begin(), values.end(), file.end() - static_cast<std::ptrdiff_t>(values.size()));
    return file;
}

/// A folder of 300 images to train on and 120 held back, a cache of its own, and samples to judge.
struct Judging {
    Judging() {
        setenv("XDG_CACHE_HOME", (folder.path() / "cache").c_str(), 1);
        fs::create_directories(data);
        write("train", train, 300, 1);
        write("t10k", held_back, 120, 2);
    }

    void write(const std::string& name, Bytes& images, std::uint32_t count, std::uint64_t seed) {
        Bytes labels;
        images = bars(count, seed, labels);
        write_bytes(data / (name + "-images-idx3-ubyte"), idx(count, images, true));
        write_bytes(data / (name + "-labels-idx1-ubyte"), idx(count, labels, false));
    }

    static Array array_of(const Bytes& images, float scale = 1 / 255.0F) {
        Array array = Array::from_shape({images.size() / size, side, side});
        for (std::size_t i = 0; i < images.size(); ++i)
            array.data()[i] = static_cast<float>(images[i]) * scale;
        return array;
    }

    fs::path saved(const std::string& name, const Array& array) const {
        write_npy(folder.path() / name, array);
        return folder.path() / name;
    }

    Outcome evaluate(const std::vector<std::string>& subjects,
                     const std::vector<std::string>& more = {}) const {
        std::vector<std::string> words{"evaluate", "--data", data, "--no-anchors", "--json", json};
        words.insert(words.end(), subjects.begin(), subjects.end());
        words.insert(words.end(), more.begin(), more.end());
        return duet_command(words);
    }

    nlohmann::json scores(const std::vector<std::string>& subjects,
                          const std::vector<std::string>& more = {}) const {
        const Outcome outcome = evaluate(subjects, more);
        CAPTURE(outcome.err);
        REQUIRE(outcome.code == 0);
        return json_of(text_of(json));
    }

    TemporaryFolder folder;
    fs::path data = folder.path() / "data", json = folder.path() / "scores.json";
    Bytes train, held_back;
};

}  // namespace

TEST_CASE("fresh samples pass every test and copies fail, whatever form they come in") {
    const Judging judging;
    Bytes labels;
    const Bytes fresh = bars(200, 3, labels);
    const fs::path array = judging.saved("fresh.npy", Judging::array_of(fresh));
    const nlohmann::json real = judging.scores({array});
    CHECK(real["fid"]["low"] <= 0.0);
    CHECK(real["kid"]["low"] <= 0.0);
    CHECK(real["fid"]["n"] == 200);
    CHECK(real["exact_copies"]["value"] == 0);
    CHECK(real["nearer_to_train"]["low"] < 0.5);
    CHECK(real["copying"]["value"] > -3);
    CHECK(real.contains("random_fid"));
    CHECK(real.contains("pixel_mind"));
    CHECK(real["network"].get<std::string>().size() == 64);

    fs::create_directories(judging.folder.path() / "pictures");
    for (std::size_t i = 0; i < 200; ++i) {
        Image picture{side, side, 1,
                      Bytes(fresh.begin() + static_cast<std::ptrdiff_t>(i * size),
                            fresh.begin() + static_cast<std::ptrdiff_t>((i + 1) * size))};
        write_png(judging.folder.path() / "pictures" / (std::to_string(1000 + i) + ".png"), picture);
    }
    for (const fs::path& same :
         {judging.folder.path() / "pictures", judging.saved("bytes.npy", Judging::array_of(fresh, 1.0F))}) {
        nlohmann::json again = judging.scores({same}), first = real;
        again.erase("samples");
        first.erase("samples");
        CHECK(again == first);
    }
    CHECK(contains(judging.evaluate({judging.folder.path() / "bytes.npy"}).err, "from 0 to 255"));

    const Bytes copies(judging.train.begin(), judging.train.begin() + 200 * size);
    const nlohmann::json copied = judging.scores({judging.saved("copies.npy", Judging::array_of(copies))});
    CHECK(copied["exact_copies"]["value"] == 200);
    CHECK(copied["copying"]["high"] < -3);
    CHECK(copied["nearer_to_train"]["value"] > 0.6);
}

TEST_CASE("a run is drawn from, named, and compared with another") {
    const Judging judging;
    const Pair pair{{10, 16, size}, {size, 16, 1}, side, side};
    std::vector<std::string> weights;
    for (const std::uint64_t seed : {1U, 2U}) {
        weights.push_back(judging.folder.path() / ("w" + std::to_string(seed) + ".safetensors"));
        save_pair(make_gan(pair, seed), pair, weights.back());
    }
    const Outcome outcome =
        judging.evaluate(weights, {"--count", "150", "--csv", judging.folder.path() / "scores.csv"});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(contains(outcome.out, "w1.safetensors"));
    CHECK(contains(outcome.out, "fid: "));
    CHECK(contains(outcome.out, "] @ "));
    const auto both = json_of(text_of(judging.json));
    REQUIRE(both.size() == 2);
    CHECK(both[0]["fid"]["n"] == 150);
    CHECK(text_of(judging.folder.path() / "scores.csv").starts_with("samples,score,value,low,high,n\n"));
    const auto alone = judging.scores({weights[0]}, {"--count", "150", "--threads", "3"});
    CHECK(alone == both[0]);
}

TEST_CASE("anchors stand beside what is judged: real images best, a copier caught") {
    const Judging judging;
    Bytes labels;
    const fs::path array = judging.saved("fresh.npy", Judging::array_of(bars(200, 3, labels)));
    const Outcome outcome =
        duet_command({"evaluate", array, "--data", judging.data, "--json", judging.json, "--threads", "1"});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    const auto anchors = json_of(text_of(judging.json))["anchors"];
    CHECK(anchors["real"]["fid"]["value"] < anchors["gaussian"]["fid"]["value"]);
    CHECK(anchors["copier"]["exact_copies"]["value"] == 200);
    CHECK(anchors["real"]["pixel_mind"]["value"] < anchors["gaussian"]["pixel_mind"]["value"]);
}

TEST_CASE("arrays of features are compared as they are") {
    const Judging judging;
    Array real = Array::from_shape({60, 2}), fake = real, wide = Array::from_shape({60, 3});
    for (std::size_t i = 0; i < real.size(); ++i) {
        real.data()[i] = static_cast<float>(std::sin(static_cast<double>(i * i)));
        fake.data()[i] = real.data()[i] + 1;
    }
    wide.fill(1);
    const fs::path a = judging.saved("real.npy", real), b = judging.saved("fake.npy", fake);
    const Outcome outcome = duet_command({"evaluate", "--features", a, b, "--json", judging.json});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(json_of(text_of(judging.json))["fid"]["value"].get<double>() == doctest::Approx(2.0).epsilon(1e-5));
    const Outcome other = duet_command({"evaluate", "--features", a, judging.saved("wide.npy", wide)});
    CHECK(other.code == 2);
    CHECK(contains(other.err, "real samples have 2 values, fake ones 3"));
}

TEST_CASE("what cannot be judged is an error, what is worth little a warning") {
    const Judging judging;
    Bytes labels;
    Array fresh = Judging::array_of(bars(60, 3, labels));
    const auto refused = [&](const std::vector<std::string>& words, const char* reason) {
        const Outcome outcome = judging.evaluate(words);
        CAPTURE(outcome.err);
        CHECK(outcome.code == 2);
        CHECK(is_error_line(outcome.err));
        CHECK(contains(outcome.err, reason));
    };
    Array broken = fresh;
    broken(3, 0, 0) = std::numeric_limits<float>::quiet_NaN();
    refused({judging.saved("nan.npy", broken)}, "image 3 holds nan");
    refused({judging.saved("small.npy", Array::from_shape({60, 7, 8}))}, "no images of 8x8");
    const Array few = Judging::array_of(bars(30, 3, labels));
    refused({judging.saved("few.npy", few)}, "few.npy: 30 images; at least 40");
    refused({}, "are needed");
    const fs::path good = judging.saved("good.npy", fresh);
    refused({good, "--network", "12345678"}, "no network in");
    refused({good, "--features", good, good}, "--features");
    refused({judging.folder.path() / "nothing"}, "nothing");

    const Outcome outcome = judging.evaluate({good});
    CHECK(outcome.code == 0);
    CHECK(contains(outcome.err, "60 images are fewer than the 128 features"));
    Array constant = fresh;
    constant.fill(0.5F);
    const Outcome same = judging.evaluate({judging.saved("same.npy", constant)});
    CAPTURE(same.err);
    CHECK(same.code == 0);
    CHECK(contains(same.err, "all images are the same one"));
}

TEST_CASE("a training measures on its way, which changes nothing, and its best checkpoint follows") {
    const Judging judging;
    const auto train = [&](const std::string& name, const std::vector<std::string>& more) {
        std::vector<std::string> words{"train",
                                       "--data",
                                       judging.data,
                                       "--steps",
                                       "30",
                                       "--batch",
                                       "8",
                                       "--set",
                                       "output.log_every=10",
                                       "--set",
                                       "output.checkpoint_every=10",
                                       "--quiet",
                                       "--out",
                                       judging.folder.path() / name};
        words.insert(words.end(), more.begin(), more.end());
        return duet_command(words);
    };
    const std::vector<std::string> measured{"--set", "evaluate.every=20",
                                            "--set", "evaluate.count=60",
                                            "--set", "evaluate.metrics=[\"kid\", \"coverage\"]"};
    REQUIRE(train("plain", {}).code == 0);
    std::vector<std::string> best = measured;
    best.insert(best.end(), {"--set", "output.best=kid"});
    const Outcome outcome = train("measured", best);
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    const fs::path plain = judging.folder.path() / "plain", run = judging.folder.path() / "measured";
    CHECK(text_of(plain / "weights.safetensors") == text_of(run / "weights.safetensors"));
    const std::string metrics = text_of(run / "metrics.csv");
    CHECK(contains(metrics, ",kid,coverage\n10,"));
    CHECK(contains(metrics, ",nan,nan\n20,"));
    CHECK(!contains(metrics.substr(metrics.find("\n20,")), "nan"));
    const auto chosen = judging.scores({run / "checkpoints" / "best.safetensors"}, {"--count", "60"});
    CHECK(chosen.contains("kid"));
    CHECK(contains(judging.evaluate({run / "checkpoints" / "best.safetensors"}, {"--count", "60"}).out,
                   "against 60 held-back images"));

    std::vector<std::string> highest = measured;
    highest.insert(highest.end(), {"--set", "output.best=coverage"});
    const Outcome refused = train("refused", highest);
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, "the lowest value is looked for"));
    CHECK(
        contains(train("unknown", {"--set", "evaluate.every=5", "--set", "evaluate.metrics=[\"fidd\"]"}).err,
                 "metric \"fidd\" is unknown; did you mean \"fid\"?"));
}

TEST_CASE("a network that another program trained judges too") {
    const Judging judging;
    const fs::path recipe = judging.folder.path() / "net.toml", weights = judging.folder.path() / "other.npz",
                   network = judging.folder.path() / "net.safetensors";
    write_file_atomically(
        recipe, std::string_view("[images]\nclasses = 0\nform = \"flat\"\n[network]\nkind = \"layers\"\n"
                                 "inputs = 64\nlayers = [{ kind = \"dense\", inputs = 64, outputs = 3 }]\n"));
    Array weight = Array::from_shape({3, size}), bias = Array::from_shape({3});
    for (std::size_t i = 0; i < weight.size(); ++i) weight.data()[i] = static_cast<float>(i % 7) - 3.0F;
    bias.fill(0.5F);
    write_npz(weights, {{{"features.0.weight", weight}, {"features.0.bias", bias}}, {}});
    const std::vector<std::string> words{"features", recipe, "--data", judging.data, "--weights", weights};
    std::vector<std::string> written = words;
    written.insert(written.end(), {"--out", network});
    const Outcome outcome = duet_command(written);
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(contains(outcome.out, "network     3 features"));
    Bytes labels;
    const fs::path array = judging.saved("fresh.npy", Judging::array_of(bars(60, 3, labels)));
    const auto scores = judging.scores({array}, {"--network", network});
    CHECK(contains(outcome.out, scores["network"].get<std::string>()));
    CHECK(!scores.contains("inception-score"));
    CHECK(contains(duet_command(words).err, "give --out"));
    write_npz(weights, {{{"features.0.weight", weight}}, {}});
    CHECK(contains(duet_command(written).err, "has no array \"features.0.bias\" of shape (3)"));
}
