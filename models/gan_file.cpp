#include <duet/models/gan_file.hpp>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>

namespace duet::models {

namespace {

/// "100-128-128-784"
std::string joined(const std::vector<std::size_t>& numbers) {
    return fmt::format("{}", fmt::join(numbers, "-"));
}

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

void check_shape_in(const GanShape& shape, const std::filesystem::path& path) {
    try {
        check_shape(shape);
    } catch (const Error& error) {
        throw FileError(fmt::format("{}: {}", path.string(), error.what()));
    }
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

/// Building networks takes memory: a file that describes larger ones than it fills is refused before.
void check_filled(const GanShape& shape, const Safetensors& file, const std::filesystem::path& path) {
    double values = 0;
    for (const NamedArray& tensor : file.tensors) values += static_cast<double>(tensor.value.size());
    if (weight_count(shape) > values ||
        (shape.kind == ModelKind::mlp &&
         (shape.generator_widths != widths_of(file, "generator", path) ||
          shape.discriminator_widths != widths_of(file, "discriminator", path))))
        throw FileError(
            fmt::format("{}: the widths in the metadata are not those of the arrays", path.string()));
}

}  // namespace

std::map<std::string, std::string> metadata_of(const GanModel& model) {
    const GanShape& shape = model.shape;
    std::map<std::string, std::string> entries = {
        {"model", std::string(name_of(shape.kind))},
        {"generator_widths", joined(shape.generator_widths)},
        {"discriminator_widths", joined(shape.discriminator_widths)},
        {"latent", std::to_string(shape.latent())},
        {"image", joined({shape.height, shape.width})},
        {"channels", std::to_string(shape.channels)},
        {"value_range", shape.range() == ValueRange::unit ? "0 1" : "-1 1"}};
    if (shape.classes > 0) entries["classes"] = std::to_string(shape.classes);
    if (!shape.discriminator_batch_norm) entries["discriminator_normalization"] = "none";
    return entries;
}

GanShape shape_from_metadata(const Safetensors& file, const std::filesystem::path& path) {
    const Metadata metadata(file, path);
    GanShape shape;
    try {
        shape.kind = model_kind_by_name(metadata.text("model"));
    } catch (const FileError&) {
        throw;
    } catch (const Error&) {
        metadata.reject("model", "mlp, dcgan, resnet or cgan");
    }
    const std::vector<std::size_t> image = metadata.numbers("image");
    if (image.size() != 2) metadata.reject("image", "height-width");
    shape.height = image[0];
    shape.width = image[1];
    shape.generator_widths = metadata.numbers("generator_widths");
    shape.discriminator_widths = metadata.numbers("discriminator_widths");
    shape.channels = metadata.number_or("channels", 1);
    shape.classes = metadata.number_or("classes", 0);
    shape.discriminator_batch_norm = metadata.is_first("discriminator_normalization", "batch", "none");
    check_shape_in(shape, path);
    check_filled(shape, file, path);
    return shape;
}

GanShape shape_from_weights(const Safetensors& file, const std::filesystem::path& path, std::size_t height,
                            std::size_t width) {
    GanShape shape{widths_of(file, "generator", path), widths_of(file, "discriminator", path), height, width};
    check_shape_in(shape, path);
    return shape;
}

void save_weights(const GanModel& model, const std::filesystem::path& path) {
    Safetensors file;
    file.metadata = metadata_of(model);
    for (const Variable& variable : model.variables())
        file.tensors.push_back({variable.name(), variable.value()});
    write_safetensors(path, file);
}

void load_weights(const GanModel& model, const Safetensors& file, const std::filesystem::path& path) {
    const std::vector<Variable> variables = model.variables();
    for (const Variable& variable : variables) {
        const Shape shape = shape_of(array_of(file, variable.name(), path));
        if (shape != variable.shape())
            throw FileError(fmt::format("{}: array \"{}\" has shape {}, the model's has {}", path.string(),
                                        variable.name(), to_string(shape), to_string(variable.shape())));
    }
    if (file.tensors.size() != variables.size())
        for (const NamedArray& tensor : file.tensors) {
            const bool known = tensor.name.ends_with(".num_batches_tracked") ||
                               std::any_of(variables.begin(), variables.end(), [&](const Variable& variable) {
                                   return variable.name() == tensor.name;
                               });
            if (!known)
                throw FileError(fmt::format("{}: array {} belongs to no variable of the model", path.string(),
                                            quoted_for_message(tensor.name)));
        }
    for (const Variable& variable : variables) variable.assign(*file.find(variable.name()));
}

}  // namespace duet::models
