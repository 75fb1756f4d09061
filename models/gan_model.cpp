#include <duet/models/gan_model.hpp>

#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/ops/activation.hpp>

namespace duet::models {

namespace {

constexpr const char* model_name = "mlp";

std::vector<Variable> all_variables(const GanModel& model) {
    std::vector<Variable> variables = model.generator.variables();
    variables.insert(variables.end(), model.discriminator.variables().begin(),
                     model.discriminator.variables().end());
    return variables;
}

/// "100-128-128-784"
std::string joined(const std::vector<std::size_t>& numbers) {
    return fmt::format("{}", fmt::join(numbers, "-"));
}

std::vector<std::size_t> split_numbers(const std::string& text, const std::string& key,
                                       const std::filesystem::path& path) {
    constexpr std::size_t largest = 1 << 24;
    std::vector<std::size_t> numbers;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (;;) {
        std::size_t number = 0;
        const auto [next, error] = std::from_chars(at, end, number);
        const bool ends = next == end;
        if (error != std::errc() || number == 0 || number > largest || (!ends && *next != '-'))
            throw FileError(
                fmt::format("{}: metadata \"{}\" is {}; expected whole numbers joined by '-', such as 28-28",
                            path.string(), key, quoted_for_message(text)));
        numbers.push_back(number);
        if (ends) return numbers;
        at = next + 1;
    }
}

void check_shape(const GanShape& shape) {
    const auto& generator = shape.generator_widths;
    const auto& discriminator = shape.discriminator_widths;
    if (generator.size() < 2 || discriminator.size() < 2)
        throw Error("mlp GAN: each network needs at least two widths, its input's and its output's");
    if (generator.back() != shape.height * shape.width)
        throw Error(fmt::format("mlp GAN: the generator's last width is {}, images of {}x{} have {} pixels",
                                generator.back(), shape.height, shape.width, shape.height * shape.width));
    if (discriminator.front() != generator.back())
        throw Error(fmt::format(
            "mlp GAN: the discriminator's first width is {}, the generator's last is {}; they must "
            "be equal",
            discriminator.front(), generator.back()));
    if (discriminator.back() != 1)
        throw Error(fmt::format("mlp GAN: the discriminator's last width is {}; it must be 1, the score",
                                discriminator.back()));
}

const Array& array_of(const Safetensors& file, const std::string& name, const std::filesystem::path& path) {
    const Array* array = file.find(name);
    if (!array) throw FileError(fmt::format("{}: has no array \"{}\"", path.string(), name));
    return *array;
}

std::vector<std::size_t> widths_of(const Safetensors& file, const std::string& network,
                                   const std::filesystem::path& path) {
    std::vector<std::size_t> widths;
    for (std::size_t position = 0;; position += 2) {
        const std::string name = fmt::format("{}.{}.weight", network, position);
        if (position > 0 && !file.find(name)) return widths;
        const Shape shape = shape_of(array_of(file, name, path));
        if (shape.rank() != 2 || (!widths.empty() && shape[1] != widths.back()))
            throw FileError(fmt::format("{}: array \"{}\" has shape {}; expected (outputs, {})",
                                        path.string(), name, to_string(shape),
                                        widths.empty() ? "inputs" : std::to_string(widths.back())));
        if (widths.empty()) widths.push_back(shape[1]);
        widths.push_back(shape[0]);
    }
}

}  // namespace

GanModel mlp_gan(const GanShape& shape, std::uint64_t seed) {
    check_shape(shape);
    return {shape, mlp("generator", shape.generator_widths, relu, sigmoid, seed),
            mlp("discriminator", shape.discriminator_widths, relu, linear, seed)};
}

std::map<std::string, std::string> metadata_of(const GanModel& model) {
    return {{"model", model_name},
            {"generator_widths", joined(model.shape.generator_widths)},
            {"discriminator_widths", joined(model.shape.discriminator_widths)},
            {"latent", std::to_string(model.shape.latent())},
            {"image", joined({model.shape.height, model.shape.width})},
            {"value_range", "0 1"}};
}

GanShape shape_from_metadata(const Safetensors& file, const std::filesystem::path& path) {
    const auto text = [&](const std::string& key) {
        const auto found = file.metadata.find(key);
        if (found == file.metadata.end())
            throw FileError(fmt::format("{}: metadata \"{}\" is missing", path.string(), key));
        return found->second;
    };
    if (text("model") != model_name)
        throw FileError(fmt::format("{}: metadata \"model\" is {}; this program knows \"{}\"", path.string(),
                                    quoted_for_message(text("model")), model_name));
    const std::vector<std::size_t> image = split_numbers(text("image"), "image", path);
    if (image.size() != 2)
        throw FileError(fmt::format("{}: metadata \"image\" is {}; expected height-width", path.string(),
                                    quoted_for_message(text("image"))));
    GanShape shape{split_numbers(text("generator_widths"), "generator_widths", path),
                   split_numbers(text("discriminator_widths"), "discriminator_widths", path), image[0],
                   image[1]};
    try {
        check_shape(shape);
    } catch (const Error& error) {
        throw FileError(fmt::format("{}: metadata: {}", path.string(), error.what()));
    }
    if (shape != shape_from_weights(file, path, shape.height, shape.width))
        throw FileError(
            fmt::format("{}: the widths in the metadata are not those of the arrays", path.string()));
    return shape;
}

GanShape shape_from_weights(const Safetensors& file, const std::filesystem::path& path, std::size_t height,
                            std::size_t width) {
    GanShape shape{widths_of(file, "generator", path), widths_of(file, "discriminator", path), height, width};
    try {
        check_shape(shape);
    } catch (const Error& error) {
        throw FileError(fmt::format("{}: {}", path.string(), error.what()));
    }
    return shape;
}

void save_weights(const GanModel& model, const std::filesystem::path& path) {
    Safetensors file;
    file.metadata = metadata_of(model);
    for (const Variable& variable : all_variables(model))
        file.tensors.push_back({variable.name(), variable.value()});
    write_safetensors(path, file);
}

void load_weights(const GanModel& model, const Safetensors& file, const std::filesystem::path& path) {
    const std::vector<Variable> variables = all_variables(model);
    for (const Variable& variable : variables) {
        const Shape shape = shape_of(array_of(file, variable.name(), path));
        if (shape != variable.shape())
            throw FileError(fmt::format("{}: array \"{}\" has shape {}, the model's has {}", path.string(),
                                        variable.name(), to_string(shape), to_string(variable.shape())));
    }
    if (file.tensors.size() != variables.size())
        for (const NamedArray& tensor : file.tensors) {
            bool known = false;
            for (const Variable& variable : variables) known = known || variable.name() == tensor.name;
            if (!known)
                throw FileError(fmt::format("{}: array {} belongs to no variable of the model", path.string(),
                                            quoted_for_message(tensor.name)));
        }
    for (const Variable& variable : variables) variable.assign(*file.find(variable.name()));
}

}  // namespace duet::models
