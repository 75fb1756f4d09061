#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <duet/data/dataset.hpp>
#include <duet/graph/array.hpp>

namespace duet {

/// What a byte x becomes in a batch, rounded once: x / 255 in [0, 1], or (2 x - 255) / 255 in [-1, 1].
enum class ValueRange { unit, symmetric };

/// Writes the values of image `index`, below the count, channel by channel: image_size() of them.
void write_image(const Dataset& data, std::size_t index, ValueRange range, float* values);

/// Full batches of a data set in shuffled order, without end. Each epoch is a permutation of all images that
/// depends on (seed, epoch) alone (see Permutation); the epochs follow each other as one chain, and batch k
/// takes its positions k B ... k B + B - 1. A batch may thus span two epochs, and more if B exceeds the data
/// set. There is no state: batch k is the same whenever it is asked for, so training resumes exactly from a
/// step number.
class Batches {
 public:
    /// The largest batch size: 2^20.
    static constexpr std::size_t max_batch_size = std::size_t{1} << 20;

    /// Throws Error if the data set is empty or above 2^32 images, or its sizes do not belong together, or
    /// `batch_size` is zero or above max_batch_size.
    Batches(std::shared_ptr<const Dataset> dataset, std::size_t batch_size, std::uint64_t seed,
            ValueRange range);

    /// Writes batch `k` into `images`, of shape (B, channels, height, width) or any other whose first size is
    /// B and whose element count is that: an image's values are written channel by channel. Allocates
    /// nothing. Throws ShapeError for another shape, and Error if k B exceeds 64 bits.
    void fill(std::uint64_t k, Array& images) const;
    /// The same, with the images' labels as whole numbers in `labels`, of shape (B). Throws Error if the data
    /// set has no labels.
    void fill(std::uint64_t k, Array& images, Array& labels) const;

    /// Writes one of `parts` shares of what `fill` writes, part 0 .. parts-1, so that threads can fill a
    /// batch together.
    void fill_part(std::uint64_t k, std::size_t part, std::size_t parts, Array& images) const;
    void fill_part(std::uint64_t k, std::size_t part, std::size_t parts, Array& images, Array& labels) const;

    /// The index in the data set of the image at `position` of the chain.
    std::size_t image_at(std::uint64_t position) const;

    /// Batches that cover `epochs` epochs: ceil(epochs n / B). Throws Error beyond 64 bits.
    std::uint64_t steps_for_epochs(std::uint64_t epochs) const;

    std::size_t batch_size() const { return batch_size_; }
    const Dataset& dataset() const { return *dataset_; }
    ValueRange range() const { return range_; }

 private:
    std::uint64_t first_position(std::uint64_t k) const;
    void check_images(const Array& images) const;
    void check_labels(const Array& labels) const;
    void write_part(std::uint64_t k, std::size_t part, std::size_t parts, float* images, float* labels) const;

    std::shared_ptr<const Dataset> dataset_;
    std::size_t batch_size_;
    std::uint64_t seed_;
    ValueRange range_;
};

}  // namespace duet
