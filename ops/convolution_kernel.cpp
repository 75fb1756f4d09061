#include <duet/ops/convolution_kernel.hpp>

#include <algorithm>
#include <cstring>

#include <duet/graph/op.hpp>
#include <duet/ops/blas.hpp>

namespace duet {

namespace {

constexpr std::size_t chunk = lowering_overrun;

std::size_t ceil_divide(std::size_t a, std::size_t b) {
    return (a + b - 1) / b;
}

/// Writes up to the next multiple of a chunk.
template <class T>
void copy_row(const T* from, std::size_t count, T* to) {
    for (std::size_t i = 0; i < count; i += chunk) std::memcpy(to + i, from + i, chunk * sizeof(T));
}

/// Touches up to the next multiple of a chunk, but adds nothing there.
template <class T>
void add_row(const T* from, std::size_t count, T* to) {
    std::size_t i = 0;
    for (; i + chunk <= count; i += chunk)
        for (std::size_t lane = 0; lane < chunk; ++lane) to[i + lane] += from[i + lane];
    if (i == count) return;
    const std::size_t rest = count - i;
    for (std::size_t lane = 0; lane < chunk; ++lane) {
        const T value = from[i + lane];
        to[i + lane] += lane < rest ? value : T(0);
    }
}

template <class T>
void copy_from_every(std::size_t step, const T* from, std::size_t count, T* to) {
    if (step == 1) {
        std::copy_n(from, count, to);
    } else if (step == 2) {
        DUET_INDEPENDENT_ITERATIONS
        for (std::size_t i = 0; i < count; ++i) to[i] = from[2 * i];
    } else {
        for (std::size_t i = 0; i < count; ++i) to[i] = from[step * i];
    }
}

template <class T>
void copy_to_every(std::size_t step, const T* from, std::size_t count, T* to) {
    if (step == 1) {
        std::copy_n(from, count, to);
    } else if (step == 2) {
        DUET_INDEPENDENT_ITERATIONS
        for (std::size_t i = 0; i < count; ++i) to[2 * i] = from[i];
    } else {
        for (std::size_t i = 0; i < count; ++i) to[step * i] = from[i];
    }
}

/// Visits `range` in pieces of at most `most`.
template <class Visit>
void for_each_piece(Range range, std::size_t most, const Visit& visit) {
    for (std::size_t begin = range.begin; begin < range.end; begin += most)
        visit(Range{begin, std::min(begin + most, range.end)});
}

}  // namespace

Phases::Phases(const ConvolutionGeometry& geometry, std::size_t rows) : geometry_(geometry) {
    const std::array<std::size_t, 2> features{rows, geometry.features[1]};
    for (std::size_t axis = 0; axis < 2; ++axis) {
        const std::size_t reach = (geometry.kernel[axis] - 1) * geometry.dilation[axis] + 1;
        counts_[axis] = std::min(geometry.stride[axis], reach);
        extents_[axis] = features[axis] + (reach - 1) / geometry.stride[axis];
    }
}

/// Which pixels of a phase, of which the first stands for number `first`, lie in the image.
Range Phases::inside(std::size_t axis, std::size_t phase, std::size_t first) const {
    const std::size_t stride = geometry_.stride[axis], padding = geometry_.padding[axis];
    const std::size_t at = first * stride + phase, behind = geometry_.image[axis] + padding;
    const std::size_t begin = padding > at ? ceil_divide(padding - at, stride) : 0;
    const std::size_t end = behind > at ? ceil_divide(behind - at, stride) : 0;
    return {std::min(begin, extents_[axis]), std::min(std::max(begin, end), extents_[axis])};
}

template <class T>
void Phases::take_apart(const T* image, std::size_t first_row, T* phases) const {
    const std::size_t width = extents_[1];
    const auto &stride = geometry_.stride, &padding = geometry_.padding;
    for (std::size_t b = 0; b < counts_[1]; ++b) {
        const Range x = inside(1, b, 0);
        for (std::size_t a = 0; a < counts_[0]; ++a) {
            const Range y = inside(0, a, first_row);
            T* const phase = phases + (a * counts_[1] + b) * plane();
            std::fill_n(phase, y.begin * width, T(0));
            for (std::size_t i = y.begin; i < y.end && x.size() > 0; ++i) {
                const std::size_t row = (first_row + i) * stride[0] + a - padding[0];
                const std::size_t column = x.begin * stride[1] + b - padding[1];
                copy_from_every(stride[1], image + row * geometry_.image[1] + column, x.size(),
                                phase + i * width + x.begin);
            }
            std::fill_n(phase + y.end * width, (extents_[0] - y.end) * width, T(0));
        }
    }
}

template <class T>
void Phases::put_together(const T* phases, T* image) const {
    const auto &stride = geometry_.stride, &padding = geometry_.padding;
    bool covered = true;
    for (std::size_t axis = 0; axis < 2; ++axis)
        covered = covered && counts_[axis] == stride[axis] &&
                  extents_[axis] * stride[axis] >= geometry_.image[axis] + padding[axis];
    if (!covered) std::fill_n(image, geometry_.image_pixels(), T(0));
    for (std::size_t b = 0; b < counts_[1]; ++b) {
        const Range x = inside(1, b, 0);
        for (std::size_t a = 0; a < counts_[0]; ++a) {
            const Range y = inside(0, a, 0);
            const T* const phase = phases + (a * counts_[1] + b) * plane();
            for (std::size_t i = y.begin; i < y.end && x.size() > 0; ++i) {
                const std::size_t row = i * stride[0] + a - padding[0];
                const std::size_t column = x.begin * stride[1] + b - padding[1];
                copy_to_every(stride[1], phase + i * extents_[1] + x.begin, x.size(),
                              image + row * geometry_.image[1] + column);
            }
        }
    }
}

/// Visits each tap, in the weight's order, with the place in the phases where its window begins.
template <class Visit>
void Phases::for_each_tap(const Visit& visit) const {
    std::array<std::size_t, 2> whole, rest;
    for (std::size_t axis = 0; axis < 2; ++axis) {
        whole[axis] = geometry_.dilation[axis] / geometry_.stride[axis];
        rest[axis] = geometry_.dilation[axis] % geometry_.stride[axis];
    }
    const auto step = [&](std::size_t axis, std::size_t& phase, std::size_t& offset) {
        phase += rest[axis];
        offset += whole[axis];
        if (phase < geometry_.stride[axis]) return;
        phase -= geometry_.stride[axis];
        ++offset;
    };
    std::size_t tap = 0, a = 0, y = 0;
    for (std::size_t i = 0; i < geometry_.kernel[0]; ++i, step(0, a, y)) {
        std::size_t b = 0, x = 0;
        for (std::size_t j = 0; j < geometry_.kernel[1]; ++j, step(1, b, x), ++tap)
            visit(tap, (a * counts_[1] + b) * plane() + y * extents_[1] + x);
    }
}

template <class T>
void Phases::lower(const T* phases, std::size_t rows, T* lowered, std::size_t stride) const {
    const std::size_t width = geometry_.features[1];
    for_each_tap([&](std::size_t tap, std::size_t begin) {
        const T* from = phases + begin;
        T* to = lowered + tap * stride;
        for (std::size_t row = 0; row < rows; ++row, from += extents_[1], to += width)
            copy_row(from, width, to);
    });
}

template <class T>
void Phases::gather(const T* lowered, std::size_t stride, T* phases) const {
    const std::size_t width = geometry_.features[1];
    std::fill_n(phases, elements(), T(0));
    for_each_tap([&](std::size_t tap, std::size_t begin) {
        const T* from = lowered + tap * stride;
        T* to = phases + begin;
        for (std::size_t row = 0; row < geometry_.features[0]; ++row, from += width, to += extents_[1])
            add_row(from, width, to);
    });
}

TilePart tile_part(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan, ConvolutionPass pass,
                   std::size_t tile) {
    const std::size_t part = tile / plan.slices, slice = tile % plan.slices;
    const bool features = pass == ConvolutionPass::features;
    const std::size_t channels = features ? geometry.feature_channels : geometry.image_channels;
    const Range samples = part_of(geometry.batch, plan.sample_parts, part);
    if (geometry.groups > 1) return {samples, part_of(geometry.groups, plan.slices, slice), {0, channels}};
    return {samples, {0, 1}, part_of(channels, plan.slices, slice)};
}

template <class T>
ConvolutionTile<T>::ConvolutionTile(const ConvolutionGeometry& geometry, ConvolutionPass pass,
                                    std::size_t tile, T* workspace)
    : geometry_(geometry),
      plan_(plan_convolution(geometry, pass)),
      phases_(geometry, plan_.rows),
      part_(tile / plan_.slices) {
    const TilePart part = tile_part(geometry, plan_, pass, tile);
    samples_ = part.samples;
    groups_ = part.groups;
    channels_ = part.channels;
    lowered_ = workspace + tile * plan_.tile_elements();
    feature_block_ = lowered_ + plan_.lowered_elements;
    phase_block_ = feature_block_ + plan_.feature_elements;
    partials_ = workspace + plan_.tiles() * plan_.tile_elements();
    std::fill_n(phase_block_, plan_.phase_elements, T(0));
}

template <class T>
template <class Visit>
void ConvolutionTile<T>::for_each_block(const Visit& visit) const {
    for_each_piece(samples_, plan_.samples, [&](Range samples) {
        for_each_piece({0, geometry_.features[0]}, plan_.rows, [&](Range rows) {
            visit(Block{samples, rows});
        });
    });
}

template <class T>
std::size_t ConvolutionTile<T>::columns(const Block& block) const {
    return block.samples.size() * block.rows.size() * geometry_.features[1];
}

template <class T>
std::size_t ConvolutionTile<T>::image_at(std::size_t sample, std::size_t group, std::size_t channel) const {
    return ((sample * geometry_.groups + group) * geometry_.image_channels + channel) *
           geometry_.image_pixels();
}

template <class T>
std::size_t ConvolutionTile<T>::features_at(std::size_t sample, std::size_t group,
                                            std::size_t channel) const {
    return ((sample * geometry_.groups + group) * geometry_.feature_channels + channel) *
           geometry_.feature_pixels();
}

/// The block's lowered image: a row for each channel and tap, a column for each of the block's pixels.
template <class T>
auto ConvolutionTile<T>::lower(const T* image, std::size_t group, const Block& block, Range channels)
    -> Matrix {
    if (plan_.lowered_elements == 0)
        return {image + image_at(block.samples.begin, group, channels.begin) +
                    block.rows.begin * geometry_.image[1],
                geometry_.image_pixels()};
    const std::size_t pixels = block.rows.size() * geometry_.features[1];
    T* rows = lowered_;
    for (std::size_t channel = channels.begin; channel < channels.end; ++channel) {
        T* to = rows;
        for (std::size_t sample = block.samples.begin; sample < block.samples.end; ++sample, to += pixels) {
            phases_.take_apart(image + image_at(sample, group, channel), block.rows.begin, phase_block_);
            phases_.lower(phase_block_, block.rows.size(), to, plan_.columns_stride);
        }
        rows += geometry_.taps() * plan_.columns_stride;
    }
    return {lowered_, plan_.columns_stride};
}

/// The reverse of `lower`, summing what each pixel of the image met.
template <class T>
void ConvolutionTile<T>::raise(T* image, std::size_t group, const Block& block, Range channels) {
    const T* rows = lowered_;
    for (std::size_t channel = channels.begin; channel < channels.end; ++channel) {
        const T* from = rows;
        for (std::size_t sample = block.samples.begin; sample < block.samples.end; ++sample) {
            phases_.gather(from, plan_.columns_stride, phase_block_);
            phases_.put_together(phase_block_, image + image_at(sample, group, channel));
            from += geometry_.feature_pixels();
        }
        rows += geometry_.taps() * plan_.columns_stride;
    }
}

/// The block's features: a row for each channel, a column for each pixel.
template <class T>
auto ConvolutionTile<T>::collect_features(const T* features, std::size_t group, const Block& block)
    -> Matrix {
    const std::size_t pixels = geometry_.feature_pixels();
    if (plan_.samples == 1)
        return {
            features + features_at(block.samples.begin, group, 0) + block.rows.begin * geometry_.features[1],
            pixels};
    T* to = feature_block_;
    for (std::size_t channel = 0; channel < geometry_.feature_channels; ++channel)
        for (std::size_t sample = block.samples.begin; sample < block.samples.end; ++sample, to += pixels)
            std::copy_n(features + features_at(sample, group, channel), pixels, to);
    return {feature_block_, columns(block)};
}

template <class T>
void ConvolutionTile<T>::spread_features(T* features, std::size_t group, const Block& block,
                                         Range channels) const {
    const std::size_t pixels = geometry_.feature_pixels();
    const T* from = feature_block_;
    for (std::size_t channel = channels.begin; channel < channels.end; ++channel)
        for (std::size_t sample = block.samples.begin; sample < block.samples.end; ++sample, from += pixels)
            std::copy_n(from, pixels, features + features_at(sample, group, channel));
}

template <class T>
void ConvolutionTile<T>::features(const T* image, const T* weight, T* features) {
    const std::size_t terms = geometry_.terms();
    const bool collected = plan_.samples > 1;
    for (std::size_t group = groups_.begin; group < groups_.end; ++group) {
        const T* const rows = weight + (group * geometry_.feature_channels + channels_.begin) * terms;
        for_each_block([&](const Block& block) {
            T* const to = collected ? feature_block_
                                    : features + features_at(block.samples.begin, group, channels_.begin) +
                                          block.rows.begin * geometry_.features[1];
            const std::size_t stride = collected ? columns(block) : geometry_.feature_pixels();
            for_each_piece({0, geometry_.image_channels}, plan_.channels, [&](Range channels) {
                const Matrix lowered = lower(image, group, block, channels);
                gemm(false, false, channels_.size(), columns(block), channels.size() * geometry_.taps(),
                     rows + channels.begin * geometry_.taps(), terms, lowered.elements, lowered.stride,
                     channels.begin == 0 ? T(0) : T(1), to, stride);
            });
            if (collected) spread_features(features, group, block, channels_);
        });
    }
}

template <class T>
void ConvolutionTile<T>::image(const T* features, const T* weight, T* image) {
    const std::size_t terms = geometry_.terms();
    for (std::size_t group = groups_.begin; group < groups_.end; ++group) {
        const T* const rows = weight + group * geometry_.feature_channels * terms;
        for_each_block([&](const Block& block) {
            const Matrix right = collect_features(features, group, block);
            for_each_piece(channels_, plan_.channels, [&](Range channels) {
                const bool direct = plan_.lowered_elements == 0;
                T* const to =
                    direct ? image + image_at(block.samples.begin, group, channels.begin) : lowered_;
                gemm(true, false, channels.size() * geometry_.taps(), columns(block),
                     geometry_.feature_channels, rows + channels.begin * geometry_.taps(), terms,
                     right.elements, right.stride, T(0), to,
                     direct ? geometry_.image_pixels() : plan_.columns_stride);
                if (!direct) raise(image, group, block, channels);
            });
        });
    }
}

template <class T>
void ConvolutionTile<T>::weight(const T* image, const T* features, T* weight) {
    const std::size_t terms = geometry_.terms();
    if (plan_.sums_parts(ConvolutionPass::weight)) weight = partials_ + part_ * geometry_.weight_elements();
    for (std::size_t group = groups_.begin; group < groups_.end; ++group) {
        T* const rows = weight + group * geometry_.feature_channels * terms;
        T beta = 0;
        for_each_block([&](const Block& block) {
            const Matrix left = collect_features(features, group, block);
            for_each_piece(channels_, plan_.channels, [&](Range channels) {
                const Matrix lowered = lower(image, group, block, channels);
                gemm(false, true, geometry_.feature_channels, channels.size() * geometry_.taps(),
                     columns(block), left.elements, left.stride, lowered.elements, lowered.stride, beta,
                     rows + channels.begin * geometry_.taps(), terms);
            });
            beta = 1;
        });
    }
}

template <class T>
void sum_weight_parts(const ConvolutionGeometry& geometry, T* workspace, T* weight) {
    constexpr std::size_t strip = 1024;
    const ConvolutionPlan plan = plan_convolution(geometry, ConvolutionPass::weight);
    const std::size_t elements = geometry.weight_elements(), parts = plan.sample_parts;
    T* const partials = workspace + plan.tiles() * plan.tile_elements();
    for_each_piece({0, elements}, strip, [&](Range range) {
        for (std::size_t step = 1; step < parts; step *= 2)
            for (std::size_t part = 0; part + step < parts; part += 2 * step) {
                T* const sum = partials + part * elements;
                const T* const other = sum + step * elements;
                DUET_INDEPENDENT_ITERATIONS
                for (std::size_t i = range.begin; i < range.end; ++i) sum[i] += other[i];
            }
        std::copy_n(partials + range.begin, range.size(), weight + range.begin);
    });
}

template class ConvolutionTile<float>;
template class ConvolutionTile<double>;
template void sum_weight_parts(const ConvolutionGeometry&, float*, float*);
template void sum_weight_parts(const ConvolutionGeometry&, double*, double*);

}  // namespace duet
