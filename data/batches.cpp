#include <duet/data/batches.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cassert>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <xtensor/xarray.hpp>

#include <duet/data/permutation.hpp>
#include <duet/graph/error.hpp>

namespace duet {
namespace {

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t cache_line = 64;

/// The values of one channel of a picture whose pixels are `Stride` bytes apart; 0 stands for `stride`.
/// Both numerators are whole, and one correction of the product with 1/255 makes it the nearest float to the
/// quotient (Markstein 1990): a division would take four times as long.
template <std::size_t Stride>
void scale_channel(const std::uint8_t* source, std::size_t stride, std::size_t count, ValueRange range,
                   float* target) {
    constexpr float reciprocal = 1.0F / 255.0F;
    const float scale = range == ValueRange::unit ? 1.0F : 2.0F;
    const float offset = range == ValueRange::unit ? 0.0F : -255.0F;
    const std::size_t step = Stride == 0 ? stride : Stride;
    for (std::size_t i = 0; i < count; ++i) {
        const float numerator = scale * static_cast<float>(source[i * step]) + offset;
        const float quotient = numerator * reciprocal;
        target[i] = std::fma(std::fma(-255.0F, quotient, numerator), reciprocal, quotient);
    }
}

}  // namespace

void write_image(const Dataset& data, std::size_t index, ValueRange range, float* values) {
    const std::size_t channels = data.channels, pixels = data.height * data.width;
    const std::uint8_t* const source = data.images.data() + index * data.image_size();
    const auto scale = channels == 1 ? scale_channel<1> : channels == 3 ? scale_channel<3> : scale_channel<0>;
    for (std::size_t channel = 0; channel < channels; ++channel)
        scale(source + channel, channels, pixels, range, values + channel * pixels);
}

Batches::Batches(std::shared_ptr<const Dataset> dataset, std::size_t batch_size, std::uint64_t seed,
                 ValueRange range)
    : dataset_(std::move(dataset)), batch_size_(batch_size), seed_(seed), range_(range) {
    if (!dataset_ || dataset_->count == 0 || dataset_->image_size() == 0) {
        throw Error("batches of an empty data set were asked for; load one with at least one image");
    }
    if (dataset_->images.size() / dataset_->image_size() != dataset_->count ||
        dataset_->images.size() % dataset_->image_size() != 0) {
        throw Error(fmt::format("the data set says {} images of {} x {} x {} values but holds {} values",
                                dataset_->count, dataset_->height, dataset_->width, dataset_->channels,
                                dataset_->images.size()));
    }
    if (dataset_->has_labels() && dataset_->labels.size() != dataset_->count) {
        throw Error(fmt::format("the data set has {} images but {} labels", dataset_->count,
                                dataset_->labels.size()));
    }
    if (batch_size_ < 1 || batch_size_ > max_batch_size) {
        throw Error(fmt::format("the batch size is {}, expected 1 to {}", batch_size_, max_batch_size));
    }
    [[maybe_unused]] const Permutation countable(dataset_->count, seed_, 0);
}

std::uint64_t Batches::first_position(std::uint64_t k) const {
    if (k > largest / batch_size_ - 1) {
        throw Error(fmt::format("batch {} of size {} lies beyond 64 bits", k, batch_size_));
    }
    return k * batch_size_;
}

void Batches::check_images(const Array& images) const {
    const auto& shape = images.shape();
    if (!shape.empty() && shape[0] == batch_size_ && images.size() == batch_size_ * dataset_->image_size())
        return;
    const std::string expected = dataset_->channels == 1
                                     ? fmt::format("({}, {})", batch_size_, dataset_->image_size())
                                     : fmt::format("({}, {}, {}, {}), channels first", batch_size_,
                                                   dataset_->channels, dataset_->height, dataset_->width);
    throw ShapeError(fmt::format("the array for a batch of images has shape ({}), expected {}",
                                 fmt::join(shape, ", "), expected));
}

void Batches::check_labels(const Array& labels) const {
    if (!dataset_->has_labels())
        throw Error("labels of a data set without labels were asked for; load one with labels");
    if (labels.shape().size() == 1 && labels.shape()[0] == batch_size_) return;
    throw ShapeError(fmt::format("the array for a batch of labels has shape ({}), expected ({})",
                                 fmt::join(labels.shape(), ", "), batch_size_));
}

std::size_t Batches::image_at(std::uint64_t position) const {
    const std::uint64_t n = dataset_->count;
    return static_cast<std::size_t>(Permutation(n, seed_, position / n)(position % n));
}

void Batches::fill(std::uint64_t k, Array& images) const {
    fill_part(k, 0, 1, images);
}

void Batches::fill(std::uint64_t k, Array& images, Array& labels) const {
    fill_part(k, 0, 1, images, labels);
}

void Batches::fill_part(std::uint64_t k, std::size_t part, std::size_t parts, Array& images) const {
    check_images(images);
    write_part(k, part, parts, images.data(), nullptr);
}

void Batches::fill_part(std::uint64_t k, std::size_t part, std::size_t parts, Array& images,
                        Array& labels) const {
    check_images(images);
    check_labels(labels);
    write_part(k, part, parts, images.data(), labels.data());
}

void Batches::write_part(std::uint64_t k, std::size_t part, std::size_t parts, float* images,
                         float* labels) const {
    assert(part < parts);
    const std::uint64_t first = first_position(k);
    const std::size_t image_size = dataset_->image_size();
    const auto begin_of = [&](std::size_t each) { return batch_size_ * each / parts; };
    const std::size_t begin = begin_of(part), end = begin_of(part + 1);
    std::size_t index = begin < end ? image_at(first + begin) : 0;
    for (std::size_t i = begin; i < end; ++i) {
        const std::size_t next = i + 1 < end ? image_at(first + i + 1) : index;
        const std::uint8_t* const coming = dataset_->images.data() + next * image_size;
        for (std::size_t j = 0; j < image_size; j += cache_line) __builtin_prefetch(coming + j);
        write_image(*dataset_, index, range_, images + i * image_size);
        if (labels != nullptr) labels[i] = static_cast<float>(dataset_->labels[index]);
        index = next;
    }
}

std::uint64_t Batches::steps_for_epochs(std::uint64_t epochs) const {
    if (epochs > largest / dataset_->count) {
        throw Error(fmt::format("{} epochs of {} images lie beyond 64 bits", epochs, dataset_->count));
    }
    const std::uint64_t positions = epochs * dataset_->count;
    return positions / batch_size_ + (positions % batch_size_ != 0 ? 1 : 0);
}

}  // namespace duet
