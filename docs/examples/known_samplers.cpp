// Four samplers whose faults are known, as arrays for `duet evaluate`, and a picture with a row of each:
// docs/measures.md shows what the metrics say of them.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include <duet/duet.hpp>

using namespace duet;

namespace {

/// The mean of each pixel and its eight neighbours.
Dataset blurred(Dataset data) {
    const Bytes sharp = data.images;
    const auto height = static_cast<int>(data.height), width = static_cast<int>(data.width);
    for (std::size_t i = 0; i < sharp.size(); ++i) {
        const auto image = i - i % data.image_size();
        const int y = static_cast<int>(i % data.image_size()) / width, x = static_cast<int>(i) % width;
        int sum = 0;
        for (int v = std::max(y - 1, 0); v <= std::min(y + 1, height - 1); ++v)
            for (int u = std::max(x - 1, 0); u <= std::min(x + 1, width - 1); ++u)
                sum += sharp[image + static_cast<std::size_t>(v * width + u)];
        data.images[i] = static_cast<std::uint8_t>(sum / 9);
    }
    return data;
}

/// Every eighth pixel, at places of its own in each image, white.
Dataset speckled(Dataset data) {
    const Permutation shuffled(data.images.size(), /*seed=*/1, /*epoch=*/0);
    for (std::size_t i = 0; i < data.images.size(); ++i)
        if (shuffled(i) % 8 == 0) data.images[i] = 255;
    return data;
}

/// Those of the first five classes.
Dataset half_of_classes(const Dataset& data) {
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < data.count; ++i)
        if (data.labels[i] < 5) kept.push_back(i);
    return models::chosen_images(data, kept);
}

Array values_of(const Dataset& data) {
    Array images = filled(Shape{data.count, data.channels, data.height, data.width}, 0.0F);
    for (std::size_t i = 0; i < data.count; ++i)
        write_image(data, i, ValueRange::unit, images.data() + i * data.image_size());
    return images;
}

}  // namespace

int main(int argc, char** argv) {
    const std::filesystem::path data = argc > 1 ? argv[1] : "data/mnist", out = argc > 2 ? argv[2] : ".";
    constexpr std::size_t shown = 16;
    const Dataset train = load_images(data, Split::train);
    const std::pair<std::string, Dataset> samplers[] = {{"blurred", blurred(train)},
                                                        {"speckled", speckled(train)},
                                                        {"half-of-classes", half_of_classes(train)},
                                                        {"copier", train}};
    Array first = filled(Shape{4 * shown, train.channels, train.height, train.width}, 0.0F);
    float* to = first.data();
    for (const auto& [name, images] : samplers) {
        const Array values = values_of(images);
        write_npy(out / (name + ".npy"), values);
        to = std::copy_n(values.data(), shown * train.image_size(), to);
        std::printf("%s.npy: %zu images\n", name.c_str(), images.count);
    }
    write_png_grid(out / "known-samplers.png", first, train.height, train.width, shown, 2);
}
