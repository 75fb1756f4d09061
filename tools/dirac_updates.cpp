#include "dirac_updates.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <memory>
#include <utility>

#include <duet/autodiff/sgd.hpp>
#include <duet/models/catalogue.hpp>
#include <duet/models/training/view.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/reduce.hpp>

namespace duet::tools {

namespace {

using models::Trainer;
using models::Training;
using models::View;
using Change = std::function<void(Training&, const DiracLoss&)>;
using Complex = std::complex<double>;

constexpr std::size_t discriminator = 1;  ///< its place among the phases and networks

/// Gradient descent by any rule on a gradient and one slot, which starts at zero: what the slot becomes, and
/// what the step follows.
class Descent final : public Optimizer {
 public:
    using Rule = std::function<std::pair<Tensor, Tensor>(const Tensor& slot, const Tensor& gradient)>;

    Descent(std::string name, Rule rule, Where where = {})
        : Optimizer(std::move(name), dirac_rate, where), rule_(std::move(rule)) {}

 private:
    Updates build(Graph& graph, const VariableGradients& gradients) override {
        Updates updates;
        for (const auto& [variable, gradient] : gradients) {
            const Variable slot = this->slot("slot", variable);
            const auto [next, direction] = rule_(graph.read(slot), gradient);
            updates.push_back({slot, next, {}});
            updates.push_back({variable, graph.read(variable) - read_rate(graph) * direction, {}});
        }
        return updates;
    }

    Rule rule_;
};

Change descends_by(Descent::Rule rule) {
    return [rule = std::move(rule)](Training& training, const DiracLoss&) {
        for (models::Phase& phase : training.phases)
            phase.optimizer = std::make_shared<Descent>(phase.name + "_descent", rule);
    };
}

std::pair<Tensor, Tensor> optimistic(const Tensor& last, const Tensor& gradient) {
    return {gradient, 2.0 * gradient - last};
}

std::pair<Tensor, Tensor> negative_momentum(const Tensor& slot, const Tensor& gradient) {
    const Tensor next = gradient - 0.5 * slot;
    return {next, next};
}

void momentum(Training& training, const DiracLoss&) {
    for (models::Phase& phase : training.phases)
        phase.optimizer = std::make_shared<Sgd>(phase.name + "_sgd", SgdOptions{dirac_rate, 0.5});
}

void simultaneous(Training&, const DiracLoss&) {}

void alternating(Training& training, const DiracLoss&) {
    built<models::StagesBuilder>("schedule", {"alternating", {}, {}}, training);
}

Change penalty(const std::string& kind) {
    return [kind](Training& training, const DiracLoss&) {
        training.phases[discriminator].terms.push_back(
            built<models::PenaltyBuilder>("penalty", {kind, {{"weight", {dirac_penalty}}}, {}}));
    };
}

Change all_of(std::vector<Change> changes) {
    return [changes = std::move(changes)](Training& training, const DiracLoss& loss) {
        for (const Change& change : changes) change(training, loss);
    };
}

/// Both players descend weight/2 |v|^2 too, v being the gradients of both.
void consensus(Training& training, const DiracLoss& loss) {
    const auto energy = [terms = loss.terms](View& view) {
        const auto& networks = view.training().networks;
        const auto of_generator = view.tape().gradient(terms.generator.value(view), networks[0].variables()),
                   of_discriminator = view.tape().gradient(terms.discriminator.value(view),
                                                           networks[discriminator].variables());
        return 0.5 * sum(square(of_generator[0].gradient) + square(of_discriminator[0].gradient));
    };
    for (models::Phase& phase : training.phases)
        phase.terms.push_back({phase.name + "_consensus", energy, dirac_penalty});
}

constexpr int unrolled_steps = 5;

/// The generator's loss against the discriminator that has gone on by itself.
void unrolled(Training& training, const DiracLoss& loss) {
    training.phases[0].terms[0].value = [sides = loss.sides](View& view) {
        Tensor psi = view.graph().read(view.training().networks[discriminator].variables()[0]);
        for (int step = 0; step < unrolled_steps; ++step)
            psi = psi - dirac_rate * view.tape().gradient(
                                         sides(view.real() * psi, view.fake() * psi).discriminator, psi);
        return sides(view.real() * psi, view.fake() * psi).generator;
    };
}

void one_step(Trainer& trainer) {
    trainer.step();
}

/// The step that is made where a step would lead.
void extragradient(Trainer& trainer) {
    std::vector<double> at = positions(trainer);
    trainer.step();
    const std::vector<double> ahead = positions(trainer);
    trainer.step();
    const std::vector<double> beyond = positions(trainer);
    for (std::size_t i = 0; i < at.size(); ++i) at[i] += beyond[i] - ahead[i];
    set_positions(trainer, at);
}

constexpr int lookahead_steps = 5;

/// Half of the way that several steps go.
void lookahead(Trainer& trainer) {
    std::vector<double> at = positions(trainer);
    for (int step = 0; step < lookahead_steps; ++step) trainer.step();
    const std::vector<double> ahead = positions(trainer);
    for (std::size_t i = 0; i < at.size(); ++i) at[i] += 0.5 * (ahead[i] - at[i]);
    set_positions(trainer, at);
}

constexpr double h = dirac_rate, c = dirac_penalty;

/// Of the roots of z^2 + linear z + constant.
double largest_root(Complex linear, Complex constant) {
    const Complex root = std::sqrt(linear * linear - 4.0 * constant);
    return std::max(std::abs(-linear + root), std::abs(-linear - root)) / 2;
}

/// Of the roots of z^4 + cubic z^3 + square z^2 + linear z + constant.
double largest_root(double cubic, double square, double linear, double constant) {
    return spectral_radius({-cubic, -square, -linear, -constant,  //
                            1, 0, 0, 0,                           //
                            0, 1, 0, 0,                           //
                            0, 0, 1, 0});
}

double with_penalty(double s, double penalty) {
    return largest_root(h * penalty - 2, 1 - h * penalty + h * h * s * s);
}

double alternating_with_penalty(double s, double penalty) {
    return largest_root(h * penalty + h * h * s * s - 2, 1 - h * penalty);
}

double with_momentum(double s, double b, double penalty, bool alternating) {
    const double free = 1 + b, held = 1 + b - h * penalty, game = h * h * s * s;
    return largest_root(-free - held + (alternating ? game : 0),
                        free * held + 2 * b + (alternating ? 0 : game), -b * (free + held), b * b);
}

}  // namespace

std::vector<DiracLoss> dirac_losses() {
    using Weights = const models::SampleWeights&;
    const auto loss = [](const Spec& row, models::LossFunction sides, double slope) {
        return DiracLoss{row.kind, built<models::LossBuilder>("loss", row),
                         [sides](const Tensor& real, const Tensor& fake) { return sides(real, fake, {}); },
                         slope};
    };
    const auto pairs = [](Operand real, Operand fake, Weights) {
        return models::relativistic_pairing(real, fake);
    };
    const auto averages = [](Operand real, Operand fake, Weights) {
        return models::relativistic_average(real, fake);
    };
    const auto squares = [](Operand real, Operand fake, Weights weights) {
        return models::least_squares(real, fake, weights, {1, -1, 1});
    };
    return {loss({"non-saturating", {}, {}}, models::non_saturating, 0.5),
            loss({"minimax", {}, {}}, models::minimax, 0.5),
            loss({"relativistic-pairing", {}, {}}, pairs, 0.5),
            loss({"wasserstein", {}, {}}, models::wasserstein, 1.0),
            loss({"hinge", {}, {}}, models::hinge, 1.0),
            loss({"least-squares", {{"fake_label", {-1.0}}}, {}}, squares, 1.0),
            loss({"relativistic-average", {}, {}}, averages, 1.0)};
}

std::vector<DiracUpdate> dirac_updates() {
    const auto radius_of_penalty = [](double penalty) {
        return [=](double s) { return with_penalty(s, penalty); };
    };
    const auto radius_of_momentum = [](double b, double penalty, bool alternating) {
        return [=](double s) { return with_momentum(s, b, penalty, alternating); };
    };
    return {{"simultaneous", simultaneous, one_step, radius_of_penalty(0)},
            {"alternating", alternating, one_step, [](double s) { return alternating_with_penalty(s, 0); }},
            {"R1, simultaneous", penalty("r1"), one_step, radius_of_penalty(c)},
            {"R1, alternating", all_of({alternating, penalty("r1")}), one_step,
             [](double s) { return alternating_with_penalty(s, c); }},
            {"R1 and R2, simultaneous", all_of({penalty("r1"), penalty("r2")}), one_step,
             radius_of_penalty(2 * c)},
            {"R1 and R2, alternating", all_of({alternating, penalty("r1"), penalty("r2")}), one_step,
             [](double s) { return alternating_with_penalty(s, 2 * c); }},
            {"consensus", consensus, one_step,
             [](double s) { return std::abs(Complex(1 - h * c * s * s, h * s)); }},
            {"extragradient", simultaneous, extragradient,
             [](double s) { return std::abs(Complex(1 - h * h * s * s, h * s)); }},
            {"optimistic", descends_by(optimistic), one_step,
             [](double s) { return largest_root(-Complex(1, 2 * h * s), Complex(0, h * s)); }},
            {"lookahead", simultaneous, lookahead,
             [](double s) { return std::abs(1.0 + std::pow(Complex(1, h * s), lookahead_steps)) / 2; }},
            {"unrolled", unrolled, one_step,
             [](double s) {
                 const double damping = 2 * unrolled_steps * h * h * s * s;
                 return largest_root(damping - 2, 1 - damping + h * h * s * s);
             }},
            {"momentum -0.5, simultaneous", descends_by(negative_momentum), one_step,
             radius_of_momentum(-0.5, 0, false)},
            {"momentum -0.5, alternating", all_of({alternating, descends_by(negative_momentum)}), one_step,
             radius_of_momentum(-0.5, 0, true)},
            {"momentum 0.5, alternating", all_of({alternating, momentum}), one_step,
             radius_of_momentum(0.5, 0, true)},
            {"momentum 0.5, R1, alternating", all_of({alternating, momentum, penalty("r1")}), one_step,
             radius_of_momentum(0.5, c, true)}};
}

double computed_radius(const DiracUpdate& update, const DiracLoss& loss) {
    Training training = dirac_gan(loss, dirac_rate);
    update.change(training, loss);
    Trainer trainer = dirac_trainer(std::move(training));
    return contraction(trainer, update.run);
}

std::string verdict(double radius) {
    constexpr double tolerance = 1e-6;
    if (std::abs(radius - 1) <= tolerance) return "circles";
    return radius < 1 ? "converges" : "diverges";
}

}  // namespace duet::tools
