#include <duet/models/rows.hpp>
#include <duet/models/terms/constraints.hpp>

namespace duet::models {

void add_constraint_rows(Catalogue& catalogue) {
    catalogue.add(
        {"constraint",
         "gradient-clipping",
         "gradients times min(1, norm / their global norm)",
         "Pascanu et al. 2013, algorithm 1; PyTorch's clip_grad_norm_",
         {{"norm", "the most that the norm of all gradients together is", number_above(0), {{1.0}}}},
         ConstraintBuilder([](const Spec& spec, Phase& phase) {
             phase.gradient_rule = clip_by_global_norm(spec.number("norm"), phase.gradient_rule);
         })});
    catalogue.add({"constraint",
                   "weight-clipping",
                   "weights kept between -bound and bound",
                   "Arjovsky et al. 2017, algorithm 1",
                   {{"bound", "the largest size of a weight", number_above(0), {{0.01}}}},
                   ConstraintBuilder([](const Spec& spec, Phase& phase) {
                       phase.updates.push_back(clip_weights(phase.optimizer, spec.number("bound")));
                   })});
}

}  // namespace duet::models
