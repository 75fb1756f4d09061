#include <duet/ops/convolution_kernel.hpp>

#include <algorithm>
#include <cstring>
#include <numeric>

#include <duet/graph/op.hpp>
#include <duet/ops/blas.hpp>
#include <duet/ops/strided_rows.hpp>

namespace duet {

namespace {

std::size_t ceil_divide(std::size_t a, std::size_t b) {
    return (a + b - 1) / b;
}

template <class T>
void add(const T* from, std::size_t count, T* to) {
    DUET_INDEPENDENT_ITERATIONS
    for (std::size_t i = 0; i < count; ++i) to[i] += from[i];
}

/// One group's weight gradient, for some of the image's channels, from the sums of products.
template <class T>
void write_weight(const ConvolutionGeometry& geometry, Range channels, const T* sums, T* weight) {
    const std::size_t terms = geometry.terms(), width = geometry.feature_channels;
    const std::size_t begin = channels.begin * geometry.taps(), count = channels.size() * geometry.taps();
    if (geometry.few_terms())
        for (std::size_t feature = 0; feature < width; ++feature)
            std::copy_n(sums + feature * terms + begin, count, weight + feature * terms + begin);
    else
        transpose_rows(sums + begin * width, width, count, width, weight + begin, terms);
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
        dilation_whole_[axis] = geometry.dilation[axis] / geometry.stride[axis];
        dilation_rest_[axis] = geometry.dilation[axis] % geometry.stride[axis];
        const std::size_t common = std::gcd(geometry.dilation[axis], geometry.stride[axis]);
        next_[axis] = {geometry.stride[axis] / common, geometry.dilation[axis] / common};
        covers_image_ =
            covers_image_ && counts_[axis] == geometry.stride[axis] &&
            extents_[axis] * geometry.stride[axis] >= geometry.image[axis] + geometry.padding[axis];
    }
    in_pairs_ = counts_[1] == 2 && geometry.stride[1] == 2;
    for (std::size_t parity = 0; parity < 2 && in_pairs_; ++parity) {
        const std::size_t phase = (geometry.padding[1] + parity) % 2;
        const Range inner = inside(1, phase, 0);
        columns_[parity] = {phase, inner.begin, inner.size()};
    }
    cut_ = rows < geometry.features[0];
}

/// Which pixels of a phase, of which the first stands for number `first`, lie in the image.
Range Phases::inside(std::size_t axis, std::size_t phase, std::size_t first) const {
    const std::size_t stride = geometry_.stride[axis], padding = geometry_.padding[axis];
    const std::size_t at = first * stride + phase, behind = geometry_.image[axis] + padding;
    const std::size_t begin = padding > at ? ceil_divide(padding - at, stride) : 0;
    const std::size_t end = behind > at ? ceil_divide(behind - at, stride) : 0;
    return {std::min(begin, extents_[axis]), std::min(std::max(begin, end), extents_[axis])};
}

/// Visits each row of the image that meets features, with the row's place within a plane of the phases of its
/// row phase. `first_row` is the features' first row.
template <class VisitRow>
void Phases::for_each_row(std::size_t first_row, const VisitRow& visit) const {
    for (std::size_t a = 0; a < counts_[0]; ++a) {
        const Range y = inside(0, a, first_row);
        for (std::size_t i = y.begin; i < y.end; ++i)
            visit((first_row + i) * geometry_.stride[0] + a - geometry_.padding[0],
                  a * counts_[1] * plane() + i * extents_[1]);
    }
}

template <class T>
void Phases::take_apart(const T* image, std::size_t first_row, T* phases) const {
    for (std::size_t a = 0; a < counts_[0] && cut_; ++a) {
        const Range y = inside(0, a, first_row);
        for (std::size_t b = 0; b < counts_[1]; ++b) {
            T* const phase = phases + (a * counts_[1] + b) * plane();
            std::fill_n(phase, y.begin * extents_[1], T(0));
            std::fill_n(phase + y.end * extents_[1], (extents_[0] - y.end) * extents_[1], T(0));
        }
    }
    if (in_pairs_) {
        const std::size_t pairs = std::min(columns_[0].count, columns_[1].count);
        for_each_row(first_row, [&](std::size_t row, std::size_t place) {
            const T* const from = image + row * geometry_.image[1];
            T* const even = phases + place + columns_[0].phase * plane() + columns_[0].begin;
            T* const odd = phases + place + columns_[1].phase * plane() + columns_[1].begin;
            split_pairs(from, pairs, even, odd);
            for (std::size_t i = pairs; i < columns_[0].count; ++i) even[i] = from[2 * i];
            for (std::size_t i = pairs; i < columns_[1].count; ++i) odd[i] = from[2 * i + 1];
        });
        return;
    }
    const std::size_t stride = geometry_.stride[1];
    for (std::size_t b = 0; b < counts_[1]; ++b) {
        const Range x = inside(1, b, 0);
        const std::size_t column = x.begin * stride + b - geometry_.padding[1];
        for_each_row(first_row, [&](std::size_t row, std::size_t place) {
            const T* const from = image + row * geometry_.image[1] + column;
            T* const to = phases + place + b * plane() + x.begin;
            for (std::size_t i = 0; i < x.size(); ++i) to[i] = from[i * stride];
        });
    }
}

/// Visits each tap, in the weight's order, with the place in the phases where its window begins.
template <class Visit>
void Phases::for_each_tap(const Visit& visit) const {
    const auto step = [&](std::size_t axis, std::size_t& phase, std::size_t& offset) {
        phase += dilation_rest_[axis];
        offset += dilation_whole_[axis];
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
        copy_rows(phases + begin, extents_[1], rows, width, lowered + tap * stride, width);
    });
}

/// The first tap that meets a phase, with its window's place there; the kernel's extent if none does.
auto Phases::first_tap(std::size_t axis, std::size_t phase) const -> Tap {
    Tap tap{0, 0};
    for (std::size_t at = 0; at != phase && tap.number < geometry_.kernel[axis]; ++tap.number) {
        at += dilation_rest_[axis];
        tap.offset += dilation_whole_[axis];
        if (at < geometry_.stride[axis]) continue;
        at -= geometry_.stride[axis];
        ++tap.offset;
    }
    return tap;
}

/// The sums of phase (a, b). Rows of sums are read and written in whole chunks, always the same ones.
template <class T>
void Phases::sum_phase(const T* lowered, std::size_t stride, std::size_t a, std::size_t b, T* sums) const {
    const std::size_t width = geometry_.features[1], pitch = row_elements();
    std::fill_n(sums, extents_[0] * pitch, T(0));
    const Tap left = first_tap(1, b);
    for (Tap y = first_tap(0, a); y.number < geometry_.kernel[0]; y += next_[0])
        for (Tap x = left; x.number < geometry_.kernel[1]; x += next_[1]) {
            const T* const from = lowered + (y.number * geometry_.kernel[1] + x.number) * stride;
            const std::size_t end = x.offset + width;
            for (std::size_t begin = x.offset / row_chunk * row_chunk; begin < end; begin += row_chunk)
                add_chunks(from, begin, x.offset, width, geometry_.features[0],
                           sums + y.offset * pitch + begin, pitch);
        }
}

template <class T>
void Phases::gather(const T* lowered, std::size_t stride, T* sums, T* image) const {
    if (!covers_image_) std::fill_n(image, geometry_.image_pixels(), T(0));
    const std::size_t pitch = row_elements(), phase = extents_[0] * pitch;
    for (std::size_t a = 0; a < counts_[0]; ++a) {
        for (std::size_t b = 0; b < counts_[1]; ++b) sum_phase(lowered, stride, a, b, sums + b * phase);
        const Range y = inside(0, a, 0);
        for (std::size_t i = y.begin; i < y.end; ++i) {
            const std::size_t row = i * geometry_.stride[0] + a - geometry_.padding[0];
            put_together(sums + i * pitch, phase, image + row * geometry_.image[1]);
        }
    }
}

/// Writes a row of the image from its row in each column phase.
template <class T>
void Phases::put_together(const T* sums, std::size_t apart, T* row) const {
    const std::size_t stride = geometry_.stride[1];
    if (in_pairs_) {
        const T* const even = sums + columns_[0].phase * apart + columns_[0].begin;
        const T* const odd = sums + columns_[1].phase * apart + columns_[1].begin;
        const std::size_t pairs = std::min(columns_[0].count, columns_[1].count);
        join_pairs(even, odd, pairs, row);
        for (std::size_t i = pairs; i < columns_[0].count; ++i) row[2 * i] = even[i];
        for (std::size_t i = pairs; i < columns_[1].count; ++i) row[2 * i + 1] = odd[i];
        return;
    }
    for (std::size_t b = 0; b < counts_[1]; ++b) {
        const Range x = inside(1, b, 0);
        const T* const from = sums + b * apart + x.begin;
        T* const to = row + (x.begin * stride + b - geometry_.padding[1]);
        if (stride == 1)
            std::copy_n(from, x.size(), to);
        else
            for (std::size_t i = 0; i < x.size(); ++i) to[i * stride] = from[i];
    }
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
ConvolutionTile<T>::ConvolutionTile(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan,
                                    ConvolutionPass pass, std::size_t tile, T* workspace)
    : geometry_(geometry), plan_(plan), phases_(geometry, plan_.rows), part_(tile / plan_.slices) {
    const TilePart part = tile_part(geometry, plan_, pass, tile);
    samples_ = part.samples;
    groups_ = part.groups;
    channels_ = part.channels;
    lowered_ = workspace + tile * plan_.tile_elements() + plan_.front_elements;
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
    T* to = lowered_;
    for (std::size_t sample = block.samples.begin; sample < block.samples.end; ++sample, to += pixels) {
        for (std::size_t i = 0; i < channels.size(); ++i)
            phases_.take_apart(image + image_at(sample, group, channels.begin + i), block.rows.begin,
                               phase_block_ + i * phases_.elements());
        for (std::size_t i = 0; i < channels.size(); ++i)
            phases_.lower(phase_block_ + i * phases_.elements(), block.rows.size(),
                          to + i * geometry_.taps() * plan_.columns_stride, plan_.columns_stride);
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
            phases_.gather(from, plan_.columns_stride, phase_block_,
                           image + image_at(sample, group, channel));
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
                for_each_piece({0, channels_.size()}, plan_.features, [&](Range piece) {
                    gemm(false, false, piece.size(), columns(block), channels.size() * geometry_.taps(),
                         rows + piece.begin * terms + channels.begin * geometry_.taps(), terms,
                         lowered.elements, lowered.stride, channels.begin == 0 ? T(0) : T(1),
                         to + piece.begin * stride, stride);
                });
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
                const std::size_t stride = direct ? geometry_.image_pixels() : plan_.columns_stride;
                for_each_piece({0, columns(block)}, plan_.columns, [&](Range pixels) {
                    for_each_piece({0, geometry_.feature_channels}, plan_.features, [&](Range piece) {
                        gemm(true, false, channels.size() * geometry_.taps(), pixels.size(), piece.size(),
                             rows + piece.begin * terms + channels.begin * geometry_.taps(), terms,
                             right.elements + piece.begin * right.stride + pixels.begin, right.stride,
                             piece.begin == 0 ? T(0) : T(1), to + pixels.begin, stride);
                    });
                });
                if (!direct) raise(image, group, block, channels);
            });
        });
    }
}

/// The block's features: a row for each pixel, a column for each channel.
template <class T>
void ConvolutionTile<T>::transpose_features(const T* features, std::size_t group, const Block& block) {
    const std::size_t pixels = block.rows.size() * geometry_.features[1];
    T* to = feature_block_;
    for (std::size_t sample = block.samples.begin; sample < block.samples.end; ++sample) {
        transpose_rows(features + features_at(sample, group, 0) + block.rows.begin * geometry_.features[1],
                       geometry_.feature_pixels(), geometry_.feature_channels, pixels, to,
                       geometry_.feature_channels);
        to += pixels * geometry_.feature_channels;
    }
}

template <class T>
void ConvolutionTile<T>::weight(const T* image, const T* features, T* weight) {
    const std::size_t terms = geometry_.terms(), width = geometry_.feature_channels;
    for (std::size_t group = groups_.begin; group < groups_.end; ++group) {
        T* const sums = partials_ + part_ * geometry_.weight_elements() + group * terms * width;
        T beta = 0;
        for_each_block([&](const Block& block) {
            if (geometry_.few_terms())
                add_products(image, features, group, block, beta, sums);
            else
                add_transposed_products(image, features, group, block, beta, sums);
            beta = 1;
        });
        if (plan_.sample_parts == 1) write_weight(geometry_, channels_, sums, weight + group * width * terms);
    }
}

/// A row for each feature channel.
template <class T>
void ConvolutionTile<T>::add_products(const T* image, const T* features, std::size_t group,
                                      const Block& block, T beta, T* sums) {
    const std::size_t taps = geometry_.taps(), terms = geometry_.terms();
    const Matrix left = collect_features(features, group, block);
    for_each_piece(channels_, plan_.channels, [&](Range channels) {
        const Matrix lowered = lower(image, group, block, channels);
        gemm(false, true, geometry_.feature_channels, channels.size() * taps, columns(block), left.elements,
             left.stride, lowered.elements, lowered.stride, beta, sums + channels.begin * taps, terms);
    });
}

/// A row for each image channel and tap, so that no product has a transposed operand.
template <class T>
void ConvolutionTile<T>::add_transposed_products(const T* image, const T* features, std::size_t group,
                                                 const Block& block, T beta, T* sums) {
    const std::size_t taps = geometry_.taps(), width = geometry_.feature_channels;
    transpose_features(features, group, block);
    for_each_piece(channels_, plan_.channels, [&](Range channels) {
        const Matrix lowered = lower(image, group, block, channels);
        for_each_piece({0, width}, plan_.features, [&](Range piece) {
            gemm(false, false, channels.size() * taps, piece.size(), columns(block), lowered.elements,
                 lowered.stride, feature_block_ + piece.begin, width, beta,
                 sums + channels.begin * taps * width + piece.begin, width);
        });
    });
}

template <class T>
void sum_weight_parts(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan, T* workspace,
                      T* weight) {
    if (plan.sample_parts == 1) return;
    T* const partials = workspace + plan.tiles() * plan.tile_elements();
    const std::size_t next = geometry.weight_elements();
    for_each_piece({0, next}, 4096, [&](Range range) {
        for (std::size_t step = 1; step < plan.sample_parts; step *= 2)
            for (std::size_t part = 0; part + step < plan.sample_parts; part += 2 * step)
                add(partials + (part + step) * next + range.begin, range.size(),
                    partials + part * next + range.begin);
    });
    const std::size_t group_elements = geometry.feature_channels * geometry.terms();
    for (std::size_t group = 0; group < geometry.groups; ++group)
        write_weight(geometry, {0, geometry.image_channels}, partials + group * group_elements,
                     weight + group * group_elements);
}

template class ConvolutionTile<float>;
template class ConvolutionTile<double>;
template void sum_weight_parts(const ConvolutionGeometry&, const ConvolutionPlan&, float*, float*);
template void sum_weight_parts(const ConvolutionGeometry&, const ConvolutionPlan&, double*, double*);

}  // namespace duet
