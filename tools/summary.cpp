#include "summary.hpp"

#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/networks/build.hpp>

namespace duet::tools {

namespace {

std::size_t values_in(const std::vector<Variable>& variables) {
    std::size_t values = 0;
    for (const Variable& variable : variables) values += variable.shape().elements();
    return values;
}

/// "adam (rate 0.0002, beta1 0.5)", without lists of nothing and schedules of what stays.
std::string described(const Spec& spec) {
    std::vector<std::string> settings;
    for (const Setting& setting : spec.with) {
        const Spec* inner = std::get_if<Spec>(&setting.value.is);
        const auto* list = std::get_if<std::vector<Value>>(&setting.value.is);
        if ((inner != nullptr && inner->kind == "constant") || (list != nullptr && list->empty())) continue;
        settings.push_back(fmt::format(
            "{} {}", setting.key, inner != nullptr ? described(*inner) : format_toml_value(setting.value)));
    }
    return settings.empty() ? spec.kind : fmt::format("{} ({})", spec.kind, fmt::join(settings, ", "));
}

std::string penalties_of(const Spec& recipe) {
    std::vector<std::string> names;
    for (const Spec& penalty : recipe.specs("penalties"))
        names.push_back(fmt::format("{} of weight {}", penalty.kind, penalty.number("weight")));
    return names.empty() ? "no penalty" : fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::string summary_of(const Spec& recipe, const models::Model& model, const models::Trainer& trainer,
                       const Dataset& data) {
    constexpr double mebibyte = 1 << 20;
    const std::size_t steps = recipe.whole("steps");
    const double epochs = static_cast<double>(steps) * static_cast<double>(trainer.images_per_step()) /
                          static_cast<double>(data.count);
    std::string parameters;
    for (const models::Network& network : model.networks)
        parameters += fmt::format("{}{} {}", parameters.empty() ? "" : ", ", network.name(),
                                  values_in(network.variables()));
    std::string text = fmt::format("model       {}; parameters: {}\n", recipe.text("model"), parameters);
    text += fmt::format("data        {} images of {}x{}{}{} in {}\n", data.count, data.height, data.width,
                        data.channels == 1 ? "" : fmt::format("x{}", data.channels),
                        data.has_labels() ? fmt::format(", {} classes", data.classes()) : "",
                        recipe.text("data.path"));
    text += fmt::format("length      {} steps, {:.1f} epochs, in batches of {}\n", steps, epochs,
                        recipe.whole("batch"));
    text += fmt::format("objective   {}; {}; {}\n", recipe.spec("loss").kind, penalties_of(recipe),
                        described(recipe.spec("schedule")));
    std::vector<std::string> beside;
    for (const Spec& transform : recipe.specs("transforms")) beside.push_back(described(transform));
    if (recipe.whole("packing") > 1)
        beside.push_back(fmt::format("packs of {} images", recipe.whole("packing")));
    if (model.average() != nullptr)
        beside.push_back(fmt::format("average of the generator, decay {}", recipe.number("average.decay")));
    if (!beside.empty()) text += fmt::format("beside      {}\n", fmt::join(beside, "; "));
    for (const char* network : {"generator", "discriminator"})
        text += fmt::format("{:<11} {}\n", network == std::string_view("generator") ? "optimizers" : "",
                            described(recipe.spec(fmt::format("optimizers.{}", network))));
    text += fmt::format("machine     {:.1f} MiB of memory for the steps, {} thread{}\n",
                        static_cast<double>(trainer.arena().bytes()) / mebibyte, trainer.arena().threads(),
                        trainer.arena().threads() == 1 ? "" : "s");
    return text;
}

std::string setting_of(const Spec& recipe) {
    return fmt::format("{}, {}", recipe.spec("loss").kind, penalties_of(recipe));
}

void check_memory(const models::Model& model) {
    constexpr double copies = 4;
    const double wanted = copies * sizeof(float) * static_cast<double>(values_in(model.variables()));
    const double there =
        static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
    constexpr double gibibyte = 1024.0 * 1024 * 1024;
    if (wanted > there)
        throw MemoryError(
            fmt::format("the networks have {} parameters, which take {:.1f} GiB with gradients and "
                        "optimizers; the machine "
                        "has {:.1f}: choose smaller widths",
                        values_in(model.variables()), wanted / gibibyte, there / gibibyte));
}

}  // namespace duet::tools
