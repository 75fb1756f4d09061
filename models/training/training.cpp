#include <duet/models/training/training.hpp>

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/graph/error.hpp>

namespace duet::models {

namespace {

std::string name_of(const Network& network) {
    return network.name();
}
std::string name_of(const Phase& phase) {
    return phase.name;
}

template <class Named>
const Named& find(const std::vector<Named>& all, std::string_view name, const char* what) {
    std::vector<std::string> names;
    for (const Named& each : all) {
        if (name_of(each) == name) return each;
        names.push_back(name_of(each));
    }
    throw Error(fmt::format("the training has no {} \"{}\"; it has {}", what, name,
                            names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

template <class Named>
void check_names(const std::vector<Named>& all, const char* what) {
    for (auto each = all.begin(); each != all.end(); ++each) {
        if (name_of(*each).empty()) throw Error(fmt::format("a {} without a name", what));
        if (std::any_of(all.begin(), each,
                        [&](const Named& other) { return name_of(other) == name_of(*each); }))
            throw Error(fmt::format("two {}s are called \"{}\"", what, name_of(*each)));
    }
}

void check_terms(const Phase& phase, const std::vector<Term>& terms) {
    for (const Term& term : terms) {
        const std::string what = fmt::format("phase \"{}\": term \"{}\"", phase.name, term.name);
        if (term.name.empty() || !term.value) throw Error(what + ": a term needs a name and a value");
        if (!std::isfinite(term.weight)) throw Error(fmt::format("{}: weight {}", what, term.weight));
        if (term.every == 0) throw Error(what + ": every 0 steps; the least is 1");
    }
}

void check_phase(const Training& training, const Phase& phase) {
    const std::string what = fmt::format("phase \"{}\": ", phase.name);
    if (phase.trains.empty()) throw Error(what + "trains no network");
    if (phase.terms.empty()) throw Error(what + "has no term: there is nothing to minimise");
    if (!phase.optimizer) throw Error(what + "has no optimizer");
    for (const std::string& name : phase.trains) training.network(name);
    check_terms(phase, phase.terms);
    check_terms(phase, phase.watched);
}

}  // namespace

const Network& Training::network(std::string_view name) const {
    return find(networks, name, "network");
}

const Phase& Training::phase(std::string_view name) const {
    return find(phases, name, "phase");
}

void check_labels(const ImageFormat& images, const Dataset& data) {
    if (images.classes == 0) return;
    if (!data.has_labels())
        throw Error(fmt::format("the model is conditioned on {} classes, but the images have no labels",
                                images.classes));
    const auto highest = std::max_element(data.labels.begin(), data.labels.end());
    if (*highest >= images.classes)
        throw Error(fmt::format("image {} has the label {}, but the model's classes are 0 to {}",
                                highest - data.labels.begin(), *highest, images.classes - 1));
}

void check_training(const Training& training) {
    check_names(training.networks, "network");
    check_names(training.phases, "phase");
    if (training.batch == 0) throw Error("batch: 0 images; a batch has at least one");
    if (training.packing == 0 || training.batch % training.packing != 0)
        throw Error(
            fmt::format("packing: packs of {} do not divide a batch of {} images: choose a batch that "
                        "is a multiple",
                        training.packing, training.batch));
    if (training.packing > 1 && training.images.classes > 0)
        throw Error(
            fmt::format("packing: packs of {} have no one class, and the networks are conditioned on "
                        "{} classes: leave out one of both",
                        training.packing, training.images.classes));
    if (training.stages.empty()) throw Error("the training has no stage: a step would do nothing");
    for (const Phase& phase : training.phases) check_phase(training, phase);
    std::map<std::string, const Phase*> trained_by;
    for (const Stage& stage : training.stages) {
        if (stage.phases.empty()) throw Error("a stage without phases");
        if (stage.repeats == 0)
            throw Error(
                fmt::format("the stage {} repeats 0 times; the least is 1", fmt::join(stage.phases, ", ")));
        std::map<std::string, std::string> of_stage;
        for (const std::string& name : stage.phases) {
            const Phase& phase = training.phase(name);
            for (const std::string& network : phase.trains) {
                const auto [other, first] = of_stage.emplace(network, name);
                if (!first)
                    throw Error(fmt::format(
                        "phases \"{}\" and \"{}\" of one stage both train the network \"{}\": a run updates "
                        "each variable once; give each phase its own networks, or a stage of its own",
                        other->second, name, network));
                const auto [known, added] = trained_by.emplace(network, &phase);
                if (!added && known->second->optimizer != phase.optimizer)
                    throw Error(fmt::format(
                        "phases \"{}\" and \"{}\" train the network \"{}\" with two optimizers; give both "
                        "the same one",
                        known->second->name, phase.name, network));
            }
        }
    }
}

}  // namespace duet::models
