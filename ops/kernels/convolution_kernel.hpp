#pragma once

#include <cstddef>

#include <duet/ops/kernels/convolution_geometry.hpp>
#include <duet/ops/kernels/convolution_phases.hpp>

namespace duet {

/// One tile of a plan: computes its part of the pass's result, in scratch memory of its own.
template <class T>
class ConvolutionTile {
 public:
    ConvolutionTile(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan, ConvolutionPass pass,
                    std::size_t tile, T* scratch);

    /// Each fills its part of the last argument from the two others.
    void features(const T* image, const T* weight, T* features);
    void image(const T* features, const T* weight, T* image);
    /// It adds up its part of the samples in `partials`, the workspace. Where there are several such parts,
    /// `sum_weight_parts` fills the weight.
    void weight(const T* image, const T* features, T* partials, T* weight);

 private:
    struct Block {
        Range samples, rows;
    };
    struct Matrix {
        const T* elements;
        std::size_t stride;
    };

    template <class Visit>
    void for_each_block(const Visit& visit) const;
    std::size_t columns(const Block& block) const;
    Matrix lower(const T* image, std::size_t group, const Block& block, Range channels);
    void raise(T* image, std::size_t group, const Block& block, Range channels);
    Matrix collect_features(const T* features, std::size_t group, const Block& block);
    void add_products(const T* image, const T* features, std::size_t group, const Block& block,
                      bool accumulate, T* sums);
    void add_transposed_products(const T* image, const T* features, std::size_t group, const Block& block,
                                 bool accumulate, T* sums);
    void transpose_features(const T* features, std::size_t group, const Block& block);
    void spread_features(T* features, std::size_t group, const Block& block, Range channels) const;

    const ConvolutionGeometry& geometry_;
    ConvolutionPlan plan_;
    Phases phases_;
    std::size_t part_;
    Range samples_, groups_, channels_;
    T *product_, *lowered_, *feature_block_, *phase_block_;
};

/// Writes one group's weight gradient, for some of the image's channels, from the sums of products: of
/// features in rows if the geometry has few terms, of terms otherwise.
template <class T>
void write_weight(const ConvolutionGeometry& geometry, const Range& channels, const T* sums, T* weight);

/// Adds the parts of a weight gradient in a fixed tree; does nothing if there is one part.
template <class T>
void sum_weight_parts(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan, T* partials,
                      T* weight);

}  // namespace duet
