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

TEST_CASE("convolutional weights survive a file with their running statistics") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "weights.safetensors";
    for (const models::GanShape& shape :
         {models::GanShape{{5, 8, 4}, {4, 8}, 8, 8, 3, models::ModelKind::dcgan},
          models::GanShape{{5, 8, 4}, {4, 8}, 8, 8, 1, models::ModelKind::dcgan, 0, false},
          models::GanShape{{5, 8, 4}, {4, 8}, 8, 8, 1, models::ModelKind::cgan, 3},
          models::GanShape{{5, 6, 4}, {4, 8}, 8, 8, 3, models::ModelKind::resnet, 2}}) {
        const models::GanModel model = models::make_gan(shape, 4);
        model.generator.statistics()[0].data()[0] = 0.25F;
        models::save_weights(model, path);
        Safetensors file = read_safetensors(path);
        CHECK(file.metadata.at("model") == models::name_of(shape.kind));
        CHECK(file.metadata.at("value_range") == "-1 1");
        const models::GanShape found = models::shape_from_metadata(file, path);
        CHECK(found == shape);
        const models::GanModel loaded = models::make_gan(found, 5);
        // PyTorch's count of batches decides nothing.
        file.tensors.push_back({"generator.2.num_batches_tracked", Array{7.0F}});
        models::load_weights(loaded, file, path);
        const auto saved = model.variables(), read = loaded.variables();
        for (std::size_t i = 0; i < saved.size(); ++i) CHECK(same_bits(saved[i].value(), read[i].value()));
    }
}

TEST_CASE("metadata that describes what the arrays cannot fill is refused before any network is built") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "weights.safetensors";
    models::save_weights(models::make_gan({{5, 8, 4}, {4, 8}, 8, 8, 3, models::ModelKind::cgan, 3}, 4), path);
    const Safetensors good = read_safetensors(path);
    CHECK_NOTHROW(models::shape_from_metadata(good, path));
    for (const auto& entry :
         std::vector<std::pair<std::string, std::string>>{{"model", "mlp"},
                                                          {"model", "dcgan"},
                                                          {"generator_widths", "5"},
                                                          {"generator_widths", "5-8-4000000"},
                                                          {"generator_widths", "16777216-16777216-16777216"},
                                                          {"generator_widths", "5-8-4-2-2"},
                                                          {"discriminator_widths", "4-0"},
                                                          {"discriminator_widths", "16777216-16777216"},
                                                          {"image", "8-6"},
                                                          {"image", "8192-8192"},
                                                          {"image", "4096-4096"},
                                                          {"channels", "2"},
                                                          {"channels", "1-1"},
                                                          {"classes", "65536"},
                                                          {"classes", "16777216"},
                                                          {"classes", "-3"},
                                                          {"discriminator_normalization", "layer"}}) {
        CAPTURE(entry.first);
        CAPTURE(entry.second);
        Safetensors file = good;
        file.metadata[entry.first] = entry.second;
        CHECK_THROWS_AS(models::shape_from_metadata(file, path), FileError);
    }
    // What the arrays could fill is told by their names and shapes.
    for (const auto& [key, value] :
         std::map<std::string, std::string>{{"classes", "2"}, {"model", "resnet"}, {"channels", "1"}}) {
        Safetensors file = good;
        file.metadata[key] = value;
        const models::GanModel model = models::make_gan(models::shape_from_metadata(file, path), 0);
        CHECK_THROWS_AS(models::load_weights(model, file, path), FileError);
    }
}
