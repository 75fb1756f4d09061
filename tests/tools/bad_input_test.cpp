#include <limits>

#include <doctest/doctest.h>
#include <xtensor/xarray.hpp>

#include <duet/data/png.hpp>
#include <duet/data/safetensors.hpp>
#include <duet/models/weights.hpp>

#include "../models/pair.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

namespace {

/// Runs `duet` and expects the exit code and the one line of bad usage or input, with `part` in it.
void check_refused(const std::vector<std::string>& arguments, const std::string& part) {
    const Outcome outcome = duet_command(arguments);
    CAPTURE(outcome.err);
    CAPTURE(part);
    CHECK(outcome.code == 2);
    CHECK(is_error_line(outcome.err));
    CHECK(contains(outcome.err, part));
    CHECK(outcome.out.empty());
}

struct TrainingInput {
    TrainingInput() { write_images(data, 40, 4); }

    std::vector<std::string> train(const std::vector<std::string>& more) const {
        std::vector<std::string> arguments = {"train", "--data", data, "--out", out};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return arguments;
    }
    void check_train_refused(const std::vector<std::string>& more, const std::string& part) const {
        check_refused(train(more), part);
        CHECK_FALSE(fs::exists(out));
    }

    TemporaryFolder folder;
    fs::path data = folder.path() / "data";
    fs::path out = folder.path() / "run";
    fs::path images = data / "train-images-idx3-ubyte";
};

}  // namespace

TEST_CASE("duet refuses bad usage with one line and leaves nothing") {
    const TrainingInput input;
    check_refused({}, "commands are train, sample");
    check_refused({"tarin"}, "\"tarin\" is unknown; did you mean train?");
    check_refused({"nonsense"}, "\"nonsense\" is unknown; commands are train, sample");
    check_refused({"train", "--out", input.out}, "--data");
    check_refused({"train", "--data", input.data, "--out", ""}, "--out: the value is empty");
    input.check_train_refused({"--init", ""}, "--init");
    input.check_train_refused({"--time-limit", ""}, "--time-limit: the value is empty");
    input.check_train_refused({"--nonsense", "1"}, "--nonsense");
    input.check_train_refused(
        {"--model", "vae"},
        "--model: model: preset \"vae\" is unknown; known are article, mlp, dcgan, resnet, cgan");
    input.check_train_refused({"--loss", "cosine"},
                              "\"cosine\" is unknown; known are non-saturating, minimax, wasserstein");
    input.check_train_refused({"--schedule", "both"}, "known are documented, alternating");
    input.check_train_refused({"--penalty", "dragan"}, "known are r1, r2, gp");
    input.check_train_refused({"--preset", "best"}, "known are article, mlp");
    for (const char* option : {"--batch", "--epochs", "--steps", "--threads", "--discriminator-steps"}) {
        for (const char* value : {"0", "-3", "1.5", "ten", "", "99999999999999999999999"})
            input.check_train_refused({option, value}, option);
    }
    for (const char* value : {"0", "-1e-3", "nan", "inf", "fast", "1e999"})
        input.check_train_refused({"--rate", value}, "--rate");
    for (const char* option : {"--beta1", "--beta2"}) {
        for (const char* value : {"1", "-0.1", "nan"}) input.check_train_refused({option, value}, option);
    }
    for (const char* value : {"-1", "nan", "inf"})
        input.check_train_refused({"--penalty-weight", value}, "--penalty-weight");
    input.check_train_refused({"--seed", "-1"}, "--seed");
    input.check_train_refused({"--steps", "5", "--epochs", "5"}, "--epochs");
    input.check_train_refused({"--generator-widths", "100--16"}, "--generator-widths");
    input.check_train_refused({"--generator-widths", "100-8-17"}, "17");
    input.check_train_refused({"--discriminator-widths", "16-8-2"}, "must be 1");
    input.check_train_refused({"--loss", ""}, "--loss: the value is empty");
    input.check_train_refused({"--set", "images.kind=maps"},
                              "--set: images.kind: images \"maps\" is unknown");
    input.check_train_refused({"--set", "optimizers=3", "--loss", "wasserstein"},
                              "--set: optimizers: 3 is not a table");
    input.check_train_refused({"--set", "schema=" + std::string(5000, 'a')},
                              "schema is a text of 5002 letters");
    input.check_train_refused({"--set", "penalties.0.a\x7f\n=2", "--penalty", "none"}, "\"penalties.0.a??\"");
    input.check_train_refused({"--loss", "\x1b[31m"}, "?[31m");
    const std::vector<std::pair<const char*, const char*>> settings = {
        {"penalties=[{kind=\"r1\",weight=-1.0}]", "penalties.0.weight"},
        {"penalties=[{kind=\"r1\",every=0}]", "penalties.0.every"},
        {"penalties=[{kind=\"r1\",schedule={kind=\"linear-decay\",steps=-1}}]", "penalties.0.schedule.steps"},
        {"transforms=[{kind=\"cutout\",probability=1.5}]", "transforms.0.probability"},
        {"transforms=[{kind=\"translation\",share=2.0}]", "transforms.0.share"},
        {"transforms=[{kind=\"instance-noise\",deviation=-0.1}]", "transforms.0.deviation"},
        {"transforms=[{kind=\"rotation\"}]", "known are translation, cutout"},
        {"packing=0", "packing"},
        {"packing=3", "packs of 3 do not divide a batch"},
        {"average.decay=1.0", "average.decay"},
        {"schedule={kind=\"adaptive\",threshold=2.0}", "schedule.threshold"},
        {"optimizers.generator={kind=\"adam-w\",weight_decay=-1.0}", "optimizers.generator.weight_decay"},
        {"optimizers.generator={kind=\"adam\",constraints=[{kind=\"weight-clipping\",bound=0.0}]}",
         "optimizers.generator.constraints.0.bound"},
        {"loss={kind=\"minimax\",real_label=0.0}", "loss.real_label"},
        {"networks.discriminator.normalization=\"layer\"", "networks.discriminator.normalization"}};
    for (const auto& [setting, part] : settings) input.check_train_refused({"--set", setting}, part);
    check_refused({"inspect", "--format", "svg"}, "known are text, dot");
    check_refused({"sample", "--weights", "w", "--out", "x.png", "--count", "0"}, "--count");
    check_refused({"sample", "--weights", "w", "--out", "x.jpg"}, ".png");
}

TEST_CASE("duet says which of its options another one replaces") {
    const TrainingInput input;
    const auto notes = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"train", "--print-recipe", "--data", input.data});
        const Outcome outcome = duet_command(more);
        CHECK(outcome.code == 0);
        return outcome.err;
    };
    CHECK(notes({"--batch", "3", "--batch", "5"}) ==
          "duet: note: --batch is given 2 times; the last one counts\n");
    CHECK(notes({"--batch", "3", "--set", "batch=5"}) ==
          "duet: note: what --batch gives for batch does not stand: a later option changes it\n");
    CHECK(
        contains(notes({"--loss", "minimax", "--set", "loss.kind=wasserstein"}), "loss.kind does not stand"));
    CHECK(notes({"--penalty", "gp", "--penalty-weight", "3", "--set", "batch=4"}).empty());
    CHECK(notes({"--beta1", "0.25", "--set", "optimizers.generator={rate = 1.0}"}).empty());
}

TEST_CASE("duet train refuses data that are not images and leaves nothing") {
    const TrainingInput input;
    SUBCASE("a folder that is missing") {
        fs::remove_all(input.data);
        input.check_train_refused({}, input.data.string());
    }
    SUBCASE("a folder without images") {
        fs::remove(input.images);
        input.check_train_refused({}, "train-images-idx3-ubyte");
    }
    SUBCASE("a file in the folder's place") {
        fs::remove_all(input.data);
        write_bytes(input.data, {1, 2, 3});
        input.check_train_refused({}, input.data.string());
    }
    SUBCASE("a truncated file") {
        Bytes bytes = read_file(input.images);
        bytes.resize(bytes.size() - 7);
        write_bytes(input.images, bytes);
        input.check_train_refused({}, input.images.string());
    }
    SUBCASE("a header that claims more than there is") {
        Bytes bytes = read_file(input.images);
        std::fill_n(bytes.begin() + 4, 4, std::uint8_t{0xff});
        write_bytes(input.images, bytes);
        input.check_train_refused({}, input.images.string());
    }
    SUBCASE("a file that is not IDX") {
        const std::string text = "<html>not found</html>";
        write_bytes(input.images, Bytes(text.begin(), text.end()));
        input.check_train_refused({}, input.images.string());
    }
    SUBCASE("an empty file") {
        write_bytes(input.images, {});
        input.check_train_refused({}, input.images.string());
    }
    SUBCASE("no images in the file") {
        write_bytes(input.images, idx_file({0, 4, 4}));
        input.check_train_refused({}, "images");
    }
    SUBCASE("damaged gzip") {
        Bytes bytes = read_file(input.images);
        bytes.insert(bytes.begin(), {0x1f, 0x8b, 8, 0});
        write_bytes(fs::path(input.images.string() + ".gz"), bytes);
        fs::remove(input.images);
        input.check_train_refused({}, input.images.string());
    }
}

TEST_CASE("duet train refuses folders of pictures that do not go together and leaves nothing") {
    const TrainingInput input;
    fs::remove_all(input.data);
    fs::create_directory(input.data);
    const auto picture = [](std::size_t width, std::size_t channels) {
        return Image{width, 4, channels, Bytes(width * 4 * channels, 100)};
    };
    write_png(input.data / "1.png", picture(4, 1));
    const fs::path second = input.data / "2.png";
    SUBCASE("an empty folder") {
        fs::remove(input.data / "1.png");
        input.check_train_refused({}, "no images in the data folder " + input.data.string());
    }
    SUBCASE("pictures of two sizes") {
        write_png(second, picture(5, 1));
        input.check_train_refused({},
                                  second.string() + ": the picture is 5 x 4 with 1 channel, expected 4 x 4");
    }
    SUBCASE("grey and colour") {
        write_png(second, picture(4, 3));
        input.check_train_refused({}, second.string() + ": the picture is 4 x 4 with 3 channels");
    }
    SUBCASE("a corrupt picture") {
        Bytes bytes = encode_png(picture(4, 1));
        bytes[bytes.size() - 20] ^= 0x80;
        write_bytes(second, bytes);
        input.check_train_refused({}, second.string() + ": damaged PNG file");
    }
    SUBCASE("something else") {
        write_bytes(input.data / "notes.txt", {1, 2, 3});
        input.check_train_refused({}, "notes.txt");
    }
    SUBCASE("three channels where the weights draw one") {
        write_png(input.data / "1.png", picture(4, 3));
        const fs::path weights = input.folder.path() / "weights.safetensors";
        save_pair(make_gan({{3, 16}, {16, 1}, 4, 4}, 1), {{3, 16}, {16, 1}, 4, 4}, weights);
        input.check_train_refused({"--init", weights}, "3 channel");
    }
    SUBCASE("records of CIFAR-10 that are cut short") {
        for (int i = 1; i <= 5; ++i)
            write_bytes(input.data / ("data_batch_" + std::to_string(i) + ".bin"),
                        Bytes(i == 4 ? 3000 : 3073));
        input.check_train_refused({}, "data_batch_4.bin: it has 3000 bytes");
    }
}

TEST_CASE("duet refuses output that cannot be written and leaves nothing") {
    const TrainingInput input;
    const fs::path file = input.folder.path() / "file", weights = input.folder.path() / "weights.safetensors";
    write_bytes(file, {1});
    save_pair(make_gan({{3, 16}, {16, 1}, 4, 4}, 1), {{3, 16}, {16, 1}, 4, 4}, weights);
    const std::size_t before = input.folder.entries();
    check_refused({"train", "--data", input.data, "--steps", "2", "--out", file / "run"}, file.string());
    check_refused({"train", "--data", input.data, "--steps", "2", "--out", file}, file.string());
    check_refused({"sample", "--weights", weights, "--out", file / "x.png"}, file.string());
    check_refused({"sample", "--weights", weights, "--out", input.folder.path() / "none" / "x.npy"}, "none");
    check_refused({"inspect", "--out", file / "x"}, file.string());
    check_refused({"compare", "--out", file / "x.png", input.data}, file.string());
    CHECK(input.folder.entries() == before);
}

TEST_CASE("duet refuses weights that do not fit and leaves nothing") {
    const TrainingInput input;
    const fs::path weights = input.folder.path() / "weights.safetensors",
                   picture = input.folder.path() / "x.png";
    const auto sample_refused = [&](const std::string& part) {
        check_refused({"sample", "--weights", weights, "--out", picture}, part);
        CHECK_FALSE(fs::exists(picture));
    };
    const auto both_refuse = [&](const std::string& part) {
        sample_refused(part);
        input.check_train_refused({"--init", weights}, part);
    };
    const Pair small_pair{{3, 5, 16}, {16, 5, 1}, 4, 4};
    const models::Model model = make_gan(small_pair, 1);
    SUBCASE("a missing file") {
        both_refuse(weights.string());
    }
    SUBCASE("a file of something else") {
        write_bytes(weights, Bytes(100, 0xff));
        both_refuse(weights.string());
    }
    SUBCASE("a truncated file") {
        save_pair(model, small_pair, weights);
        Bytes bytes = read_file(weights);
        bytes.resize(bytes.size() - 5);
        write_bytes(weights, bytes);
        both_refuse(weights.string());
    }
    SUBCASE("images of another size than the data's") {
        save_pair(make_gan({{3, 5, 25}, {25, 5, 1}, 5, 5}, 1), {{3, 5, 25}, {25, 5, 1}, 5, 5}, weights);
        input.check_train_refused({"--init", weights}, "images.height is 5, but the images are 4x4");
    }
    SUBCASE("arrays of other shapes than the metadata says") {
        save_pair(model, small_pair, weights);
        Safetensors file = read_safetensors(weights);
        std::string& recipe = file.metadata["recipe"];
        recipe.replace(recipe.find("[3, 5, 16]"), 10, "[3, 6, 16]");
        write_safetensors(weights, file);
        both_refuse("generator.0.weight");
    }
    SUBCASE("a bias of another shape") {
        save_pair(model, small_pair, weights);
        Safetensors file = read_safetensors(weights);
        for (NamedArray& tensor : file.tensors)
            if (tensor.name == "generator.2.bias") tensor.value = Array::from_shape({4});
        write_safetensors(weights, file);
        both_refuse("generator.2.bias");
    }
    SUBCASE("a missing array") {
        save_pair(model, small_pair, weights);
        Safetensors file = read_safetensors(weights);
        file.tensors.pop_back();
        write_safetensors(weights, file);
        both_refuse(weights.string());
    }
    SUBCASE("metadata of another model") {
        save_pair(model, small_pair, weights);
        Safetensors file = read_safetensors(weights);
        file.metadata["recipe"] = "model = \"dcgan\"";
        write_safetensors(weights, file);
        sample_refused(weights.string());
        input.check_train_refused({"--init", weights}, "images of 4x4 do not fit");
    }
    SUBCASE("a weight that is not a number") {
        const Variable& bias = model.generator().variables().back();
        bias.assign(filled(bias.shape(), std::numeric_limits<float>::quiet_NaN()));
        save_pair(model, small_pair, weights);
        sample_refused("not finite");
    }
    SUBCASE("no metadata and no --model") {
        save_pair(model, small_pair, weights);
        Safetensors file = read_safetensors(weights);
        file.metadata.clear();
        write_safetensors(weights, file);
        both_refuse("--model");
    }
}

TEST_CASE("duet compare refuses folders that are not runs") {
    const TrainingInput input;
    const fs::path picture = input.folder.path() / "x.png";
    check_refused({"compare", "--out", picture, input.data}, "recipe.toml");
    check_refused({"compare", "--out", picture, input.folder.path() / "missing"}, "missing");
    const std::string recipe = "images = \"large\"";
    write_bytes(input.data / "recipe.toml", Bytes(recipe.begin(), recipe.end()));
    check_refused({"compare", "--out", picture, input.data}, "recipe.toml");
    CHECK_FALSE(fs::exists(picture));
}
