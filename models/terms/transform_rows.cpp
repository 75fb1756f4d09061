#include <algorithm>
#include <limits>

#include <duet/models/rows.hpp>
#include <duet/models/terms/augmentation.hpp>

namespace duet::models {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Parameter schedule(const char* help) {
    return {"schedule", help, spec_of("rate"), {{Spec{"constant", {}, {}}}}};
}

/// With the two parameters that all transforms by chance end in.
std::vector<Parameter> by_chance(Parameter parameter) {
    return {std::move(parameter),
            {"probability", "of an image to be changed", share(), {{1.0}}},
            schedule("how the probability changes")};
}

/// Empty where every image is changed.
Tensor probability_of(const Tensor& images, const Spec& spec, const Tensor& scheduled) {
    if (scheduled.valid()) return scheduled;
    const double probability = spec.number("probability");
    return probability == 1.0 ? Tensor() : images.graph().constant(probability);
}

}  // namespace

void add_transform_rows(Catalogue& catalogue) {
    catalogue.add(
        {"transform", "translation", "moves each image down and across by up to a share of its shorter side",
         "Zhao et al. 2020 (DiffAugment), section 3", by_chance({"share", "of the side", share(), {{0.125}}}),
         TransformBuilder{"probability", [](const Tensor& images, const Spec& spec, const Tensor& scheduled,
                                            const std::string& name) {
                              const Shape& shape = images.shape();
                              const auto side = static_cast<double>(std::min(shape[2], shape[3]));
                              const auto most = static_cast<std::size_t>(spec.number("share") * side + 0.5);
                              return random_translation(images, name, most,
                                                        probability_of(images, spec, scheduled));
                          }}});
    catalogue.add({"transform", "cutout", "makes a rectangle of each image 0",
                   "Zhao et al. 2020 (DiffAugment), section 3",
                   by_chance({"share", "of height and width", share(), {{0.5}}}),
                   TransformBuilder{"probability", [](const Tensor& images, const Spec& spec,
                                                      const Tensor& scheduled, const std::string& name) {
                                        return random_cutout(images, name, spec.number("share"),
                                                             probability_of(images, spec, scheduled));
                                    }}});
    catalogue.add(
        {"transform", "brightness", "adds a number to all values of each image",
         "Zhao et al. 2020 (DiffAugment), section 3",
         by_chance({"most", "the largest number added or taken away", number_from(0, infinity), {{0.5}}}),
         TransformBuilder{"probability", [](const Tensor& images, const Spec& spec, const Tensor& scheduled,
                                            const std::string& name) {
                              return random_brightness(images, name, spec.number("most"),
                                                       probability_of(images, spec, scheduled));
                          }}});
    catalogue.add({"transform",
                   "instance-noise",
                   "adds independent normals to every value",
                   "Sonderby et al. 2017, section 3.1; Arjovsky and Bottou 2017, section 3",
                   {{"deviation", "standard deviation", number_from(0, infinity), {{0.1}}},
                    schedule("how the deviation changes")},
                   TransformBuilder{"deviation", [](const Tensor& images, const Spec& spec,
                                                    const Tensor& scheduled, const std::string& name) {
                                        const Tensor deviation =
                                            scheduled.valid()
                                                ? scheduled
                                                : images.graph().constant(spec.number("deviation"));
                                        return instance_noise(images, name, deviation);
                                    }}});
}

}  // namespace duet::models
