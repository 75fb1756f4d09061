#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <duet/data/dataset.hpp>

namespace duet::bench {

/// What one would write instead of a framework: the article's GAN in plain loops and sgemm, on one thread. A
/// step is a discriminator step on a shuffled batch and its fakes, then a generator step on fresh noise;
/// losses non-saturating, Adam(2e-4, 0.5, 0.999, 1e-8).
class Handwritten {
 public:
    Handwritten(std::shared_ptr<const Dataset> data, std::size_t batch, std::uint64_t seed);

    struct Losses {
        float generator, discriminator;
    };
    Losses step();

 private:
    struct Dense {
        Dense(std::size_t inputs, std::size_t outputs, std::size_t batch, std::uint64_t& counter);
        void forward(const float* input, std::size_t batch);
        /// From the gradient of the output: those of weights and bias, added to what is there if `add`.
        void backward_weights(const float* input, std::size_t batch, bool add);
        void backward_input(float* gradient, std::size_t batch) const;
        void adam(float rate, float offset);

        std::size_t inputs, outputs;
        /// Weights (outputs, inputs), then the bias; their gradients and Adam's means alike.
        std::vector<float> parameters, gradients, means, squares;
        std::vector<float> output, output_gradient;
    };

    void fill_batch();
    void draw_noise();
    void forward_generator();
    void forward_discriminator(const float* images);
    /// Backward through the discriminator's hidden layers from the scores' gradient.
    void backward_discriminator();
    void train_discriminator(const float* images, bool add);
    float train_discriminator();
    float train_generator();

    std::shared_ptr<const Dataset> data_;
    std::size_t batch_;
    std::uint64_t counter_;
    std::vector<std::uint32_t> order_;
    std::size_t position_;
    std::vector<float> real_, noise_, image_gradient_;
    std::vector<Dense> generator_, discriminator_;
    std::uint64_t steps_ = 0;
};

}  // namespace duet::bench
