#include <doctest/doctest.h>

#include "../data/support.hpp"
#include "joint_step.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

models::GanModel torch_model(const Safetensors& file, const std::string& path) {
    const models::GanModel model = models::mlp_gan(models::shape_from_weights(file, path, 4, 4), 0);
    models::load_weights(model, file, path);
    return model;
}

}  // namespace

TEST_CASE("a state_dict of torch.nn.Sequential loads and draws what PyTorch draws") {
    const std::string path = fixture("torch_generator");
    const Safetensors file = read_safetensors(path);
    const auto wanted = read_safetensors_as<double>(fixture("torch_generator_expected"));
    const models::GanModel model = torch_model(file, path);
    CHECK(model.shape.generator_widths == std::vector<std::size_t>{6, 8, 8, 16});
    Graph graph;
    const Tensor latents = graph.input("latents", {4, 6});
    const Tensor images = model.generator(latents);
    auto program = compile<double>(graph, {images, model.discriminator(images)});
    program.run({{latents, *wanted.find("latents")}});
    CHECK(relative_error(program[0], *wanted.find("images")) < 1e-12);
    CHECK(relative_error(program[1], *wanted.find("scores")) < 1e-12);
}

TEST_CASE("weights survive a file bit for bit, with the metadata that rebuilds the model") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "weights.safetensors";
    const models::GanModel model = models::mlp_gan({{10, 16, 49}, {49, 8, 1}, 7, 7}, 4);
    models::save_weights(model, path);
    const Safetensors file = read_safetensors(path);
    CHECK(file.metadata.at("model") == "mlp");
    CHECK(file.metadata.at("generator_widths") == "10-16-49");
    CHECK(file.metadata.at("latent") == "10");
    CHECK(file.metadata.at("image") == "7-7");
    CHECK(file.metadata.at("value_range") == "0 1");
    const models::GanShape shape = models::shape_from_metadata(file, path);
    CHECK(shape == model.shape);
    const models::GanModel loaded = models::mlp_gan(shape, 5);
    models::load_weights(loaded, file, path);
    const auto saved = variables_of(model), read = variables_of(loaded);
    for (std::size_t i = 0; i < saved.size(); ++i) CHECK(same_bits(saved[i].value(), read[i].value()));
}

TEST_CASE("weights that do not fit are refused whole") {
    const models::GanModel model = models::mlp_gan({{10, 16, 49}, {49, 8, 1}, 7, 7}, 4);
    const TemporaryFolder folder;
    const auto path = folder.path() / "weights.safetensors";
    models::save_weights(model, path);
    const Safetensors good = read_safetensors(path);
    const models::GanModel target = models::mlp_gan({{10, 16, 49}, {49, 8, 1}, 7, 7}, 5);
    const Array before = target.generator.variables().front().value();

    Safetensors file = good;
    file.tensors.pop_back();
    CHECK_THROWS_AS(models::load_weights(target, file, path), FileError);
    file = good;
    file.tensors.push_back({"extra", Array{1.0f}});
    CHECK_THROWS_AS(models::load_weights(target, file, path), FileError);
    file = good;
    file.tensors.back().value = Array{1.0f, 2.0f};
    CHECK_THROWS_AS(models::load_weights(target, file, path), FileError);
    CHECK(same_bits(before, target.generator.variables().front().value()));

    for (const auto& [key, value] :
         std::map<std::string, std::string>{{"model", "vae"},
                                            {"image", "7"},
                                            {"image", "7-8"},
                                            {"generator_widths", "10--49"},
                                            {"generator_widths", "10-17-49"},
                                            {"discriminator_widths", "99999999999999999999"}}) {
        file = good;
        file.metadata[key] = value;
        CHECK_THROWS_AS(models::shape_from_metadata(file, path), FileError);
        file.metadata.erase(key);
        CHECK_THROWS_AS(models::shape_from_metadata(file, path), FileError);
    }
}
