#include <duet/ops/kernels/convolution_kernel.hpp>

#include <algorithm>

#include <duet/graph/loops.hpp>
#include <duet/ops/kernels/panel_product.hpp>
#include <duet/ops/kernels/strided_rows.hpp>

namespace duet {

namespace {

template <class T>
void add(const T* from, std::size_t count, T* to) {
    DUET_INDEPENDENT_ITERATIONS
    for (std::size_t i = 0; i < count; ++i) to[i] += from[i];
}

}  // namespace

template <class T>
void write_weight(const ConvolutionGeometry& geometry, const Range& channels, const T* sums, T* weight) {
    const std::size_t terms = geometry.terms(), width = geometry.feature_channels;
    const std::size_t begin = channels.begin * geometry.taps(), count = channels.size() * geometry.taps();
    if (geometry.few_terms())
        for (std::size_t feature = 0; feature < width; ++feature)
            std::copy_n(sums + feature * terms + begin, count, weight + feature * terms + begin);
    else
        transpose_rows(sums + begin * width, width, count, width, weight + begin, terms);
}

template <class T>
ConvolutionTile<T>::ConvolutionTile(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan,
                                    ConvolutionPass pass, std::size_t tile, T* scratch)
    : geometry_(geometry), plan_(plan), phases_(geometry, plan_.rows), part_(tile / plan_.slices) {
    const TilePart part = tile_part(geometry, plan_, pass, tile);
    samples_ = part.samples;
    groups_ = part.groups;
    channels_ = part.channels;
    product_ = scratch;
    lowered_ = product_ + plan_.product_elements + plan_.front_elements;
    feature_block_ = lowered_ + plan_.lowered_elements;
    phase_block_ = feature_block_ + plan_.feature_elements;
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

/// The block's lowered image: a row for each channel and tap, a column for each of the block's pixels.
template <class T>
auto ConvolutionTile<T>::lower(const T* image, std::size_t group, const Block& block, Range channels)
    -> Matrix {
    if (plan_.lowered_elements == 0)
        return {image + geometry_.image_at(block.samples.begin, group, channels.begin) +
                    block.rows.begin * geometry_.image[1],
                geometry_.image_pixels()};
    const std::size_t pixels = block.rows.size() * geometry_.features[1];
    T* to = lowered_;
    for (std::size_t sample = block.samples.begin; sample < block.samples.end; ++sample, to += pixels) {
        for (std::size_t i = 0; i < channels.size(); ++i)
            phases_.take_apart(image + geometry_.image_at(sample, group, channels.begin + i),
                               block.rows.begin, phase_block_ + i * phases_.elements());
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
                           image + geometry_.image_at(sample, group, channel));
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
        return {features + geometry_.features_at(block.samples.begin, group, 0) +
                    block.rows.begin * geometry_.features[1],
                pixels};
    T* to = feature_block_;
    for (std::size_t channel = 0; channel < geometry_.feature_channels; ++channel)
        for (std::size_t sample = block.samples.begin; sample < block.samples.end; ++sample, to += pixels)
            std::copy_n(features + geometry_.features_at(sample, group, channel), pixels, to);
    return {feature_block_, columns(block)};
}

template <class T>
void ConvolutionTile<T>::spread_features(T* features, std::size_t group, const Block& block,
                                         Range channels) const {
    const std::size_t pixels = geometry_.feature_pixels();
    const T* from = feature_block_;
    for (std::size_t channel = channels.begin; channel < channels.end; ++channel)
        for (std::size_t sample = block.samples.begin; sample < block.samples.end; ++sample, from += pixels)
            std::copy_n(from, pixels, features + geometry_.features_at(sample, group, channel));
}

template <class T>
void ConvolutionTile<T>::features(const T* image, const T* weight, T* features) {
    const std::size_t terms = geometry_.terms();
    const bool collected = plan_.samples > 1;
    for (std::size_t group = groups_.begin; group < groups_.end; ++group) {
        const T* const rows = weight + (group * geometry_.feature_channels + channels_.begin) * terms;
        for_each_block([&](const Block& block) {
            T* const to = collected ? feature_block_
                                    : features +
                                          geometry_.features_at(block.samples.begin, group, channels_.begin) +
                                          block.rows.begin * geometry_.features[1];
            const std::size_t stride = collected ? columns(block) : geometry_.feature_pixels();
            for_each_piece({0, geometry_.image_channels}, plan_.channels, [&](Range channels) {
                const Matrix lowered = lower(image, group, block, channels);
                for_each_piece({0, channels_.size()}, plan_.features, [&](Range piece) {
                    multiply(false, false, piece.size(), columns(block), channels.size() * geometry_.taps(),
                             rows + piece.begin * terms + channels.begin * geometry_.taps(), terms,
                             lowered.elements, lowered.stride, channels.begin > 0, to + piece.begin * stride,
                             stride, product_);
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
                T* const to = direct ? image + geometry_.image_at(block.samples.begin, group, channels.begin)
                                     : lowered_;
                const std::size_t stride = direct ? geometry_.image_pixels() : plan_.columns_stride;
                for_each_piece({0, columns(block)}, plan_.columns, [&](Range pixels) {
                    for_each_piece({0, geometry_.feature_channels}, plan_.features, [&](Range piece) {
                        multiply(true, false, channels.size() * geometry_.taps(), pixels.size(), piece.size(),
                                 rows + piece.begin * terms + channels.begin * geometry_.taps(), terms,
                                 right.elements + piece.begin * right.stride + pixels.begin, right.stride,
                                 piece.begin > 0, to + pixels.begin, stride, product_);
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
        transpose_rows(
            features + geometry_.features_at(sample, group, 0) + block.rows.begin * geometry_.features[1],
            geometry_.feature_pixels(), geometry_.feature_channels, pixels, to, geometry_.feature_channels);
        to += pixels * geometry_.feature_channels;
    }
}

template <class T>
void ConvolutionTile<T>::weight(const T* image, const T* features, T* partials, T* weight) {
    const std::size_t terms = geometry_.terms(), width = geometry_.feature_channels;
    for (std::size_t group = groups_.begin; group < groups_.end; ++group) {
        T* const sums = partials + part_ * geometry_.weight_elements() + group * terms * width;
        bool accumulate = false;
        for_each_block([&](const Block& block) {
            if (geometry_.few_terms())
                add_products(image, features, group, block, accumulate, sums);
            else
                add_transposed_products(image, features, group, block, accumulate, sums);
            accumulate = true;
        });
        if (plan_.sample_parts == 1) write_weight(geometry_, channels_, sums, weight + group * width * terms);
    }
}

/// A row for each feature channel.
template <class T>
void ConvolutionTile<T>::add_products(const T* image, const T* features, std::size_t group,
                                      const Block& block, bool accumulate, T* sums) {
    const std::size_t taps = geometry_.taps(), terms = geometry_.terms();
    const Matrix left = collect_features(features, group, block);
    for_each_piece(channels_, plan_.channels, [&](Range channels) {
        const Matrix lowered = lower(image, group, block, channels);
        multiply(false, true, geometry_.feature_channels, channels.size() * taps, columns(block),
                 left.elements, left.stride, lowered.elements, lowered.stride, accumulate,
                 sums + channels.begin * taps, terms, product_);
    });
}

/// A row for each image channel and tap, so that no product has a transposed operand.
template <class T>
void ConvolutionTile<T>::add_transposed_products(const T* image, const T* features, std::size_t group,
                                                 const Block& block, bool accumulate, T* sums) {
    const std::size_t taps = geometry_.taps(), width = geometry_.feature_channels;
    transpose_features(features, group, block);
    for_each_piece(channels_, plan_.channels, [&](Range channels) {
        const Matrix lowered = lower(image, group, block, channels);
        for_each_piece({0, width}, plan_.features, [&](Range piece) {
            multiply(false, false, channels.size() * taps, piece.size(), columns(block), lowered.elements,
                     lowered.stride, feature_block_ + piece.begin, width, accumulate,
                     sums + channels.begin * taps * width + piece.begin, width, product_);
        });
    });
}

template <class T>
void sum_weight_parts(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan, T* partials,
                      T* weight) {
    if (plan.sample_parts == 1) return;
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
template void write_weight(const ConvolutionGeometry&, const Range&, const float*, float*);
template void write_weight(const ConvolutionGeometry&, const Range&, const double*, double*);
template void sum_weight_parts(const ConvolutionGeometry&, const ConvolutionPlan&, float*, float*);
template void sum_weight_parts(const ConvolutionGeometry&, const ConvolutionPlan&, double*, double*);

}  // namespace duet
