#include <duet/models/weights.hpp>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/networks/spectral_norm.hpp>
#include <duet/models/training/checkpoint.hpp>
#include <duet/models/training/recipe.hpp>

namespace duet::models {

namespace {

/// The metadata of one file, every value checked.
class Metadata {
 public:
    Metadata(const Safetensors& file, const std::filesystem::path& path)
        : entries_(file.metadata), path_(path.string()) {}

    const std::string& text(const std::string& key) const {
        const auto found = entries_.find(key);
        if (found == entries_.end())
            throw FileError(fmt::format("{}: metadata \"{}\" is missing", path_, key));
        return found->second;
    }

    std::vector<std::size_t> numbers(const std::string& key) const {
        constexpr std::size_t largest = 1 << 24;
        const std::string& all = text(key);
        std::vector<std::size_t> numbers;
        const char* at = all.data();
        const char* const end = at + all.size();
        for (;;) {
            std::size_t number = 0;
            const auto [next, error] = std::from_chars(at, end, number);
            const bool ends = next == end;
            if (error != std::errc() || number == 0 || number > largest || (!ends && *next != '-'))
                reject(key, "whole numbers joined by '-', such as 28-28");
            numbers.push_back(number);
            if (ends) return numbers;
            at = next + 1;
        }
    }

    std::size_t number_or(const std::string& key, std::size_t otherwise) const {
        if (!entries_.contains(key)) return otherwise;
        const std::vector<std::size_t> found = numbers(key);
        if (found.size() != 1) reject(key, "one whole number");
        return found.front();
    }

    /// Which of two words an entry is; the first if there is none.
    bool is_first(const std::string& key, const std::string& first, const std::string& second) const {
        if (!entries_.contains(key) || text(key) == first) return true;
        if (text(key) != second) reject(key, fmt::format("{} or {}", first, second));
        return false;
    }

    [[noreturn]] void reject(const std::string& key, const std::string& expected) const {
        throw FileError(fmt::format("{}: metadata \"{}\" is {}; expected {}", path_, key,
                                    quoted_for_message(text(key)), expected));
    }

 private:
    const std::map<std::string, std::string>& entries_;
    std::string path_;
};

const Array& array_of(const Safetensors& file, const std::string& name, const std::filesystem::path& path) {
    const Array* array = file.find(name);
    if (!array) throw FileError(fmt::format("{}: has no array \"{}\"", path.string(), name));
    return *array;
}

std::vector<std::size_t> widths_of(const Safetensors& file, const std::string& network,
                                   const std::filesystem::path& path) {
    constexpr std::size_t most_widths = 1000;
    std::vector<std::size_t> widths;
    for (std::size_t position = 0;; position += 2) {
        if (widths.size() > most_widths)
            throw FileError(
                fmt::format("{}: {} has more than {} layers", path.string(), network, most_widths));
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

Value whole(std::size_t number) {
    return {static_cast<std::int64_t>(number)};
}

/// What version 0.1 wrote.
Spec layer_of_entries(const Metadata& metadata) {
    Spec layer;
    layer.set("model", {metadata.text("model")});
    const std::vector<std::size_t> image = metadata.numbers("image");
    if (image.size() != 2) metadata.reject("image", "height-width");
    layer.set("images.height", whole(image[0]));
    layer.set("images.width", whole(image[1]));
    layer.set("images.channels", whole(metadata.number_or("channels", 1)));
    layer.set("images.classes", whole(metadata.number_or("classes", 0)));
    layer.set("networks.generator.widths", list_of_numbers(metadata.numbers("generator_widths")));
    layer.set("networks.discriminator.widths", list_of_numbers(metadata.numbers("discriminator_widths")));
    if (!metadata.is_first("discriminator_normalization", "batch", "none"))
        layer.set("networks.discriminator.normalization", {std::string("none")});
    return layer;
}

/// Averages, and the vectors of spectral normalisation, which start from the weights that there are.
bool starts_from_others(const std::string& name) {
    return name.starts_with("average.") || is_power_vector(name);
}

}  // namespace

std::optional<Spec> layer_in(const Safetensors& file, const std::filesystem::path& path) {
    if (const auto recipe = file.metadata.find("recipe"); recipe != file.metadata.end()) {
        Spec layer = parse_toml(recipe->second, path.string());
        return is_checkpoint(file) ? model_layer(layer) : layer;
    }
    if (!file.metadata.contains("model")) return std::nullopt;
    return layer_of_entries(Metadata(file, path));
}

Spec layer_from_arrays(const Safetensors& file, const std::filesystem::path& path, std::size_t height,
                       std::size_t width) {
    Spec layer;
    layer.set("images.height", whole(height));
    layer.set("images.width", whole(width));
    layer.set("images.channels", whole(1));
    for (const char* network : {"generator", "discriminator"})
        layer.set(fmt::format("networks.{}.widths", network),
                  list_of_numbers(widths_of(file, network, path)));
    return layer;
}

Model model_in(const Catalogue& catalogue, const Spec& layer, const Safetensors& file,
               const std::filesystem::path& path) {
    try {
        Model model = model_of(catalogue, catalogue.completed(layered(catalogue, {layer}), "recipe", ""));
        load_weights(model, file, path);
        return model;
    } catch (const FileError&) {
        throw;
    } catch (const Error& error) {
        throw FileError(fmt::format("{}: {}", path.string(), error.what()));
    }
}

std::optional<Position> position_in(const Safetensors& file, const std::filesystem::path& path) {
    if (!file.metadata.contains("next_draw")) return std::nullopt;
    try {
        return position_in(file.metadata);
    } catch (const Error& error) {
        throw FileError(fmt::format("{}: {}", path.string(), error.what()));
    }
}

Bytes encode_weights(const Model& model, const Spec& layer, const Position& at) {
    std::map<std::string, std::string> metadata = {{"recipe", format_toml(with_origin(layer, ""))}};
    write_position(at, metadata);
    std::vector<ArrayView> arrays;
    const std::vector<Variable> variables = model.variables();
    arrays.reserve(variables.size());
    for (const Variable& variable : variables) arrays.push_back({variable.name(), &variable.value()});
    return encode_safetensors<float>(arrays, metadata);
}

void save_weights(const Model& model, const Spec& layer, const Position& at,
                  const std::filesystem::path& path) {
    const Bytes bytes = encode_weights(model, layer, at);
    write_file_atomically(path, std::as_bytes(std::span(bytes)));
}

void load_weights(const Model& model, const Safetensors& file, const std::filesystem::path& path) {
    std::vector<Variable> variables = model.variables();
    std::erase_if(variables, [&](const Variable& variable) {
        return starts_from_others(variable.name()) && file.find(variable.name()) == nullptr;
    });
    for (const Variable& variable : variables) {
        const Shape shape = shape_of(array_of(file, variable.name(), path));
        if (shape != variable.shape())
            throw FileError(fmt::format("{}: array \"{}\" has shape {}, the model's has {}", path.string(),
                                        variable.name(), to_string(shape), to_string(variable.shape())));
    }
    if (file.tensors.size() != variables.size() && !is_checkpoint(file))
        for (const NamedArray& tensor : file.tensors) {
            const bool known =
                tensor.name.ends_with(".num_batches_tracked") || tensor.name.starts_with("average.") ||
                std::any_of(variables.begin(), variables.end(),
                            [&](const Variable& variable) { return variable.name() == tensor.name; });
            if (!known)
                throw FileError(fmt::format("{}: array {} belongs to no variable of the model", path.string(),
                                            quoted_for_message(tensor.name)));
        }
    for (const Variable& variable : variables) variable.assign(*file.find(variable.name()));
}

}  // namespace duet::models
