#include "handwritten.hpp"

#include <cmath>
#include <numbers>
#include <utility>

#include <cblas.h>

namespace duet::bench {

namespace {

/// splitmix64 of a counter.
std::uint64_t random_word(std::uint64_t counter) {
    std::uint64_t x = counter * 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
}

float uniform(std::uint32_t word) {
    return (static_cast<float>(static_cast<std::int32_t>(word >> 8U)) + 0.5F) * 0x1p-24F;
}

void relu(std::vector<float>& values) {
    for (float& value : values) value = value > 0 ? value : 0;
}

/// Of relu, whose outputs tell where it let the gradient pass.
void relu_gradient(std::vector<float>& gradient, const std::vector<float>& outputs) {
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = outputs[i] > 0 ? gradient[i] : 0;
}

float sigmoid(float x) {
    return 1 / (1 + std::exp(-x));
}

float softplus(float x) {
    return (x > 0 ? x : 0) + std::log1p(std::exp(-std::abs(x)));
}

/// Writes the gradient of mean softplus(sign * score) and returns its value.
float score_loss(const std::vector<float>& scores, float sign, std::vector<float>& gradient) {
    float sum = 0;
    const float share = 1 / static_cast<float>(scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
        sum += softplus(sign * scores[i]);
        gradient[i] = sign * sigmoid(sign * scores[i]) * share;
    }
    return sum * share;
}

int size(std::size_t extent) {
    return static_cast<int>(extent);
}

}  // namespace

Handwritten::Dense::Dense(std::size_t ins, std::size_t outs, std::size_t batch, std::uint64_t& counter)
    : inputs(ins),
      outputs(outs),
      parameters(outs * ins + outs),
      gradients(parameters.size()),
      means(parameters.size()),
      squares(parameters.size()),
      output(batch * outs),
      output_gradient(batch * outs) {
    const float limit = std::sqrt(6.0F / static_cast<float>(ins + outs));
    for (std::size_t i = 0; i < outs * ins; ++i)
        parameters[i] = limit * (2 * uniform(static_cast<std::uint32_t>(random_word(counter++))) - 1);
}

void Handwritten::Dense::forward(const float* input, std::size_t batch) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, size(batch), size(outputs), size(inputs), 1, input,
                size(inputs), parameters.data(), size(inputs), 0, output.data(), size(outputs));
    const float* bias = parameters.data() + outputs * inputs;
    for (std::size_t row = 0; row < batch; ++row)
        for (std::size_t i = 0; i < outputs; ++i) output[row * outputs + i] += bias[i];
}

void Handwritten::Dense::backward_weights(const float* input, std::size_t batch, bool add) {
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, size(outputs), size(inputs), size(batch), 1,
                output_gradient.data(), size(outputs), input, size(inputs), add ? 1 : 0, gradients.data(),
                size(inputs));
    float* bias = gradients.data() + outputs * inputs;
    for (std::size_t i = 0; i < outputs; ++i) bias[i] = add ? bias[i] : 0;
    for (std::size_t row = 0; row < batch; ++row)
        for (std::size_t i = 0; i < outputs; ++i) bias[i] += output_gradient[row * outputs + i];
}

void Handwritten::Dense::backward_input(float* gradient, std::size_t batch) const {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size(batch), size(inputs), size(outputs), 1,
                output_gradient.data(), size(outputs), parameters.data(), size(inputs), 0, gradient,
                size(inputs));
}

void Handwritten::Dense::adam(float rate, float offset) {
    float *p = parameters.data(), *m = means.data(), *v = squares.data();
    const float* g = gradients.data();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        m[i] = 0.5F * m[i] + 0.5F * g[i];
        v[i] = 0.999F * v[i] + 0.001F * g[i] * g[i];
        p[i] -= rate * m[i] / (std::sqrt(v[i]) + offset);
    }
}

Handwritten::Handwritten(std::shared_ptr<const Dataset> data, std::size_t batch, std::uint64_t seed)
    : data_(std::move(data)),
      batch_(batch),
      counter_(seed << 40U),
      order_(data_->count),
      position_(order_.size()) {
    const std::size_t image = data_->image_size();
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::uint32_t>(i);
    real_.resize(batch * image);
    image_gradient_.resize(batch * image);
    noise_.resize(batch * 100);
    const std::size_t generator[] = {100, 128, 128, image}, discriminator[] = {image, 128, 128, 1};
    for (std::size_t i = 0; i < 3; ++i) {
        generator_.emplace_back(generator[i], generator[i + 1], batch, counter_);
        discriminator_.emplace_back(discriminator[i], discriminator[i + 1], batch, counter_);
    }
}

void Handwritten::fill_batch() {
    const std::size_t image = data_->image_size();
    for (std::size_t row = 0; row < batch_; ++row) {
        if (position_ == order_.size()) {
            for (std::size_t i = order_.size() - 1; i > 0; --i)
                std::swap(order_[i], order_[random_word(counter_++) % (i + 1)]);
            position_ = 0;
        }
        const std::uint8_t* source = data_->images.data() + order_[position_++] * image;
        for (std::size_t i = 0; i < image; ++i)
            real_[row * image + i] = static_cast<float>(source[i]) * (1.0F / 255.0F);
    }
}

void Handwritten::draw_noise() {
    for (std::size_t i = 0; i < noise_.size() / 2; ++i) {
        const std::uint64_t word = random_word(counter_ + i);
        const float radius = std::sqrt(-2 * std::log(uniform(static_cast<std::uint32_t>(word))));
        const float angle = 2 * std::numbers::pi_v<float> * uniform(static_cast<std::uint32_t>(word >> 32U));
        noise_[i] = radius * std::cos(angle);
        noise_[noise_.size() / 2 + i] = radius * std::sin(angle);
    }
    counter_ += noise_.size() / 2;
}

void Handwritten::forward_generator() {
    draw_noise();
    generator_[0].forward(noise_.data(), batch_);
    relu(generator_[0].output);
    generator_[1].forward(generator_[0].output.data(), batch_);
    relu(generator_[1].output);
    generator_[2].forward(generator_[1].output.data(), batch_);
    for (float& value : generator_[2].output) value = sigmoid(value);
}

void Handwritten::forward_discriminator(const float* images) {
    discriminator_[0].forward(images, batch_);
    relu(discriminator_[0].output);
    discriminator_[1].forward(discriminator_[0].output.data(), batch_);
    relu(discriminator_[1].output);
    discriminator_[2].forward(discriminator_[1].output.data(), batch_);
}

void Handwritten::backward_discriminator() {
    for (std::size_t i = 2; i > 0; --i) {
        discriminator_[i].backward_input(discriminator_[i - 1].output_gradient.data(), batch_);
        relu_gradient(discriminator_[i - 1].output_gradient, discriminator_[i - 1].output);
    }
}

void Handwritten::train_discriminator(const float* images, bool add) {
    backward_discriminator();
    for (std::size_t i = 2; i > 0; --i)
        discriminator_[i].backward_weights(discriminator_[i - 1].output.data(), batch_, add);
    discriminator_[0].backward_weights(images, batch_, add);
}

float Handwritten::train_discriminator() {
    fill_batch();
    forward_generator();
    Dense& last = discriminator_[2];
    forward_discriminator(real_.data());
    float loss = score_loss(last.output, -1, last.output_gradient);
    train_discriminator(real_.data(), false);
    forward_discriminator(generator_[2].output.data());
    loss += score_loss(last.output, 1, last.output_gradient);
    train_discriminator(generator_[2].output.data(), true);
    return loss;
}

float Handwritten::train_generator() {
    forward_generator();
    forward_discriminator(generator_[2].output.data());
    Dense& last = discriminator_[2];
    const float loss = score_loss(last.output, -1, last.output_gradient);
    backward_discriminator();
    discriminator_[0].backward_input(image_gradient_.data(), batch_);
    const std::vector<float>& fake = generator_[2].output;
    for (std::size_t i = 0; i < fake.size(); ++i)
        generator_[2].output_gradient[i] = image_gradient_[i] * fake[i] * (1 - fake[i]);
    for (std::size_t i = 2; i > 0; --i) {
        generator_[i].backward_weights(generator_[i - 1].output.data(), batch_, false);
        generator_[i].backward_input(generator_[i - 1].output_gradient.data(), batch_);
        relu_gradient(generator_[i - 1].output_gradient, generator_[i - 1].output);
    }
    generator_[0].backward_weights(noise_.data(), batch_, false);
    return loss;
}

Handwritten::Losses Handwritten::step() {
    ++steps_;
    const auto step = static_cast<double>(steps_);
    const double root = std::sqrt(1 - std::pow(0.999, step));
    const auto rate = static_cast<float>(2e-4 * root / (1 - std::pow(0.5, step)));
    const auto offset = static_cast<float>(1e-8 * root);
    Losses losses{};
    losses.discriminator = train_discriminator();
    for (Dense& layer : discriminator_) layer.adam(rate, offset);
    losses.generator = train_generator();
    for (Dense& layer : generator_) layer.adam(rate, offset);
    return losses;
}

}  // namespace duet::bench
