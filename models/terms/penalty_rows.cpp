#include <limits>

#include <duet/models/rows.hpp>
#include <duet/models/terms/penalties.hpp>
#include <duet/models/training/view.hpp>
#include <duet/ops/stop_gradient.hpp>

namespace duet::models {

namespace {

std::vector<Parameter> weighed(double weight) {
    constexpr std::int64_t most_steps = 1'000'000;
    return {{"weight",
             "factor of the penalty",
             number_from(0, std::numeric_limits<double>::infinity()),
             {{weight}}},
            {"schedule", "how the factor changes", spec_of("rate"), {{Spec{"constant", {}, {}}}}},
            {"every",
             "steps from one that has the penalty to the next; it counts that many times there, and Adam is "
             "rescaled by every / (every + 1) (Karras et al. 2020, appendix B)",
             whole_number(1, most_steps),
             {{std::int64_t{1}}}}};
}

PenaltyBuilder term(const char* name, Tensor (*value)(View&)) {
    return [=](const Spec& spec) {
        return Term{name, value, spec.number("weight"), {}, spec.whole("every")};
    };
}

}  // namespace

void add_penalty_rows(Catalogue& catalogue) {
    catalogue.add({"penalty", "r1", "weight/2 times the mean squared gradient of the score at real images",
                   "Mescheder et al. 2018, equation 9", weighed(1.0), term("r1", [](View& view) {
                       return r1(view.tape(), view.real_score(), view.real(), 1.0);
                   })});
    catalogue.add({"penalty", "r2", "the same at fake images, which are taken as they are",
                   "Mescheder et al. 2018, section 4.1", weighed(1.0), term("r2", [](View& view) {
                       const Tensor fake = stop_gradient(view.fake());
                       return r1(view.tape(), view.score(fake), fake, 1.0);
                   })});
    catalogue.add({"penalty", "gp",
                   "weight times the mean of (|gradient of the score| - 1)^2 between real and fake images",
                   "Gulrajani et al. 2017, equation 3", weighed(10.0),
                   term("gradient_penalty",
                        [](View& view) {
                            const Tensor points = interpolated(view.real(), view.fake());
                            return gradient_penalty(view.tape(), view.score(points), points, 1.0);
                        }),
                   "wgan-gp"});
    catalogue.add({"penalty", "zero-centred-gp",
                   "weight times the mean squared gradient of the score between real and fake images",
                   "Thanh-Tung et al. 2019", weighed(10.0), term("zero_centred_penalty", [](View& view) {
                       const Tensor points =
                           interpolated(view.real(), view.fake(), "zero_centred_interpolation");
                       return zero_centred_penalty(view.tape(), view.score(points), points, 1.0);
                   })});
}

}  // namespace duet::models
