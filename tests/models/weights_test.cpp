#include <doctest/doctest.h>

#include <duet/data/toml.hpp>

#include "../data/support.hpp"
#include "joint_step.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

models::Model torch_model(const Safetensors& file, const std::string& path) {
    return models::model_in(models::standard_catalogue(), models::layer_from_arrays(file, path, 4, 4), file,
                            path);
}

/// What version 0.1 wrote beside the weights of a small cgan.
std::map<std::string, std::string> entries_of_version_0_1() {
    return {{"model", "cgan"},
            {"generator_widths", "5-8-4"},
            {"discriminator_widths", "4-8"},
            {"latent", "5"},
            {"image", "8-8"},
            {"channels", "3"},
            {"value_range", "-1 1"},
            {"classes", "3"}};
}

}  // namespace

TEST_CASE("a state_dict of torch.nn.Sequential loads and draws what PyTorch draws") {
    const std::string path = fixture("torch_generator");
    const Safetensors file = read_safetensors(path);
    const auto wanted = read_safetensors_as<double>(fixture("torch_generator_expected"));
    const models::Model model = torch_model(file, path);
    CHECK(model.generator().variables().front().shape() == Shape{8, 6});
    CHECK(model.latent == 6);
    Graph graph;
    const Tensor latents = graph.input("latents", {4, 6});
    const Tensor images = model.generator()(latents);
    auto program = compile<double>(graph, {images, model.discriminator()(images)});
    program.run({{latents, *wanted.find("latents")}});
    CHECK(relative_error(program[0], *wanted.find("images")) < 1e-12);
    CHECK(relative_error(program[1], *wanted.find("scores")) < 1e-12);
}

TEST_CASE("weights survive a file bit for bit, with the recipe that rebuilds the model") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "weights.safetensors";
    for (const Pair& pair :
         {Pair{{10, 16, 49}, {49, 8, 1}, 7, 7}, Pair{{5, 8, 4}, {4, 8}, 8, 8, 3, "dcgan"},
          Pair{{5, 8, 4}, {4, 8}, 8, 8, 1, "dcgan", 0, false}, Pair{{5, 8, 4}, {4, 8}, 8, 8, 1, "cgan", 3},
          Pair{{5, 6, 4}, {4, 8}, 8, 8, 3, "resnet", 2}}) {
        CAPTURE(pair.model);
        const models::Model model = make_gan(pair, 4);
        if (!model.generator().statistics().empty()) model.generator().statistics()[0].data()[0] = 0.25F;
        save_pair(model, pair, path);
        Safetensors file = read_safetensors(path);
        CHECK(models::layer_in(file, path)->text("model") == pair.model);
        CHECK(models::layer_in(file, path)->has("optimizers.generator.rate"));
        // PyTorch's count of batches decides nothing.
        file.tensors.push_back({"generator.2.num_batches_tracked", Array{7.0F}});
        const models::Model loaded = load_pair(file, path);
        CHECK(loaded.images == model.images);
        const auto saved = model.variables(), read = loaded.variables();
        for (std::size_t i = 0; i < saved.size(); ++i) CHECK(same_bits(saved[i].value(), read[i].value()));
    }
}

TEST_CASE("weights that do not fit are refused whole") {
    const models::Model model = make_gan({{10, 16, 49}, {49, 8, 1}, 7, 7}, 4);
    const TemporaryFolder folder;
    const auto path = folder.path() / "weights.safetensors";
    save_pair(model, {{10, 16, 49}, {49, 8, 1}, 7, 7}, path);
    const Safetensors good = read_safetensors(path);
    const models::Model target = make_gan({{10, 16, 49}, {49, 8, 1}, 7, 7}, 5);
    const Array before = target.generator().variables().front().value();

    Safetensors file = good;
    file.tensors.pop_back();
    CHECK_THROWS_AS(models::load_weights(target, file, path), FileError);
    file = good;
    file.tensors.push_back({"extra", Array{1.0f}});
    CHECK_THROWS_AS(models::load_weights(target, file, path), FileError);
    file = good;
    file.tensors.back().value = Array{1.0f, 2.0f};
    CHECK_THROWS_AS(models::load_weights(target, file, path), FileError);
    CHECK(same_bits(before, target.generator().variables().front().value()));

    for (const char* recipe :
         {"", "model =", "model = 7", "model = \"vae\"", "schema = 2", "[images]\nheight = 7",
          "model = \"mlp\"\n[networks.generator]\nwidths = [10, 17, 49]"}) {
        CAPTURE(recipe);
        file = good;
        file.metadata["recipe"] = recipe;
        CHECK_THROWS_AS(load_pair(file, path), FileError);
    }
}

TEST_CASE("a recipe or a stack of layers without end is refused in little time") {
    Safetensors file;
    file.metadata["recipe"] = "a = [" + std::string(max_toml_bytes, '1') + "]";
    CHECK(contains(file_error_of([&] { models::layer_in(file, "w"); }), "w: TOML of 1048582 bytes"));
    for (std::size_t i = 0; i < 2000; ++i)
        file.tensors.push_back({"generator." + std::to_string(2 * i) + ".weight", filled(Shape{1, 1}, 0.0F)});
    CHECK(file_error_of([&] { models::layer_from_arrays(file, "w", 1, 1); }) ==
          "w: generator has more than 1000 layers");
}

TEST_CASE("metadata that describes what the arrays cannot fill is refused before memory is taken") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "weights.safetensors";
    const Pair pair{{5, 8, 4}, {4, 8}, 8, 8, 3, "cgan", 3};
    save_pair(make_gan(pair, 4), pair, path);
    Safetensors good = read_safetensors(path);
    good.metadata = entries_of_version_0_1();
    CHECK(load_pair(good, path).images == make_gan(pair, 0).images);
    for (const auto& entry :
         std::vector<std::pair<std::string, std::string>>{{"model", "mlp"},
                                                          {"model", "resnet"},
                                                          {"generator_widths", "5"},
                                                          {"generator_widths", "10--49"},
                                                          {"generator_widths", "5-8-4000000"},
                                                          {"generator_widths", "16777216-16777216-16777216"},
                                                          {"generator_widths", "5-8-4-2-2"},
                                                          {"discriminator_widths", "4-0"},
                                                          {"discriminator_widths", "16777216-16777216"},
                                                          {"discriminator_widths", "99999999999999999999"},
                                                          {"image", "8"},
                                                          {"image", "8-6"},
                                                          {"image", "8192-8192"},
                                                          {"image", "4096-4096"},
                                                          {"channels", "1"},
                                                          {"channels", "2"},
                                                          {"channels", "1-1"},
                                                          {"classes", "2"},
                                                          {"classes", "65536"},
                                                          {"classes", "16777216"},
                                                          {"classes", "-3"},
                                                          {"discriminator_normalization", "layer"},
                                                          {"discriminator_normalization", "none"}}) {
        CAPTURE(entry.first);
        CAPTURE(entry.second);
        Safetensors file = good;
        file.metadata[entry.first] = entry.second;
        CHECK_THROWS_AS(load_pair(file, path), FileError);
    }
}
