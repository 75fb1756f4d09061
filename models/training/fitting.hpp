#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <duet/data/dataset.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/catalogue.hpp>

namespace duet::models {

// What recipes of every kind take from the images that they are fitted to.

/// A path, and what gave its value.
std::string place(const Value& value, std::string_view path);

/// Says where an error about a group comes from.
template <class Action>
auto about(const Spec& recipe, const std::string& path, Action&& action) -> decltype(action()) {
    try {
        return action();
    } catch (const MemoryError&) {
        throw;
    } catch (const Error& error) {
        const Value& value = *recipe.find(path);
        const Spec* group = std::get_if<Spec>(&value.is);
        throw Error(fmt::format("{}: {}", place({0.0, group == nullptr ? value.from : group->from}, path),
                                error.what()));
    }
}

/// How long a recipe with `steps` and `batch` trains.
TrainingLength length_of(const Spec& recipe);
/// The schedule that stands in `group`, under `key`, of a number that starts `from`; none where it is
/// constant.
RateSchedule schedule_in(const Catalogue& catalogue, const Spec& group, const std::string& key, double from,
                         TrainingLength length);
/// Gives a phase the optimizer that a spec describes, called `name`, with its rate and constraints, and adds
/// what else of it changes with the steps to `scheduled`.
void give_optimizer(const Catalogue& catalogue, const Spec& spec, const std::string& name,
                    TrainingLength length, Phase& phase, std::vector<Scheduled>& scheduled);

/// Sets what is not given of the images' size, or throws Error if they have another.
void fit_size(Spec& recipe, const Dataset& data);
/// Sets images.classes where it is "data". Throws Error if the images have no labels.
void fit_classes(Spec& recipe, const Dataset& data);
/// Sets the parameters of the network at `path` that follow from the images that it meets and are not given.
void fit_network(const Catalogue& catalogue, Spec& recipe, const std::string& path,
                 const ImageFormat& images);
/// Makes steps of epochs. Throws Error if a step shows no image.
void fit_length(Spec& recipe, const Dataset& data, std::uint64_t batches_a_step);
/// Sets data.sha256. Throws Error if the images have another one.
void fit_hash(Spec& recipe, const Dataset& data);

}  // namespace duet::models
