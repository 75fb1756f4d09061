#pragma once

#include <string_view>

#include <duet/autodiff/gradient_tape.hpp>
#include <duet/models/training/training.hpp>

namespace duet::models {

/// What a term may look at: the nodes of one stage, each declared when a term first asks for it. Latent,
/// fake images, real scores and fake scores are declared in that order, whichever is asked for first.
class View {
 public:
    View(Graph& graph, const Training& training) : graph_(graph), training_(training) {}

    /// The batch of real images, in the training's format.
    Tensor real();
    /// The class of each sample, (batch), as whole numbers. Fake images take those of the real ones, so that
    /// both have the same classes as often.
    Tensor labels();
    /// Independent standard normals, (batch, latent).
    Tensor latent();
    /// What the generator draws from `latent`.
    Tensor fake();
    /// The discriminator's scores, (batch / packing, 1), of real and of fake images. With those of `apply`
    /// these calls alone move running statistics.
    Tensor real_score();
    Tensor fake_score();
    /// The scores of other images. Throws Error if the discriminator normalises by the batch: its score of an
    /// image would depend on the others.
    Tensor score(const Tensor& images);
    /// What a network makes of x. Throws Error if there is none of that name.
    Tensor apply(std::string_view network, const Tensor& x);
    /// The tape of the phase whose terms are declared: the one that its objective is differentiated with.
    const GradientTape& tape() const { return *tape_; }

    Graph& graph() const { return graph_; }
    const Training& training() const { return training_; }

    /// For who builds a stage: makes `tape` the one that terms see.
    void look_through(const GradientTape& tape) { tape_ = &tape; }
    /// For who builds a stage: declares in order what was asked of another view.
    void declare_as(const View& other);
    /// For who builds a stage: what was asked for so far, or an empty tensor.
    const Tensor& declared_real() const { return real_; }
    const Tensor& declared_labels() const { return labels_; }

 private:
    Tensor call(const Network& network, const Tensor& x);
    Tensor scored(Tensor images, const std::string& name);

    Graph& graph_;
    const Training& training_;
    const GradientTape* tape_ = nullptr;
    Tensor real_, labels_, latent_, fake_, real_score_, fake_score_;
    std::size_t further_scores_ = 0;
};

}  // namespace duet::models
