#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <duet/data/spec.hpp>
#include <duet/models/image_format.hpp>
#include <duet/models/metrics/evidence.hpp>
#include <duet/models/networks/network.hpp>
#include <duet/models/training/training.hpp>

namespace duet::models {

/// What a parameter accepts.
struct Rule {
    std::string expected;  ///< in words: "a whole number from 1 to 1000"
    std::function<bool(const Value&)> accepts;
    std::string category = {};  ///< of the specs that it is made of, if it is
};

Rule whole_number(std::int64_t low, std::int64_t high);
/// At least `low`, and below `below`.
Rule number_from(double low, double below);
Rule number_above(double low);
/// From 0 to 1, both included.
Rule share();
/// Above 0, at most 1.
Rule share_above_zero();
/// That float holds, as all numbers here.
Rule any_number();
Rule true_or_false();
Rule text_value();
Rule one_of(std::vector<std::string> names);
/// `least` to `most` whole numbers from 1 to `largest`.
Rule whole_numbers(std::size_t least, std::size_t most, std::int64_t largest);
Rule spec_of(const std::string& category);
/// At most a thousand.
Rule specs_of(const std::string& category);

/// One parameter of a row.
struct Parameter {
    std::string key;
    std::string help;
    Rule rule;
    /// What it is where it is not given; none where it must be, or follows from the data.
    std::optional<Value> otherwise = {};
    /// Whether it may be missing.
    bool optional = false;
};

/// Both sides of a game as terms: what the discriminator and what the generator minimises.
struct LossTerms {
    Term discriminator, generator;
    bool bounded_scores = false;  ///< whether it takes scores that a sigmoid has bounded
};

/// A change of every image that is scored. `scheduled` is the present value of the parameter `strength`, or
/// empty where that does not change; images are (batch, channels, height, width), and random nodes are called
/// after `name`.
struct TransformBuilder {
    std::string strength;
    std::function<Tensor(const Tensor& images, const Spec&, const Tensor& scheduled, const std::string& name)>
        apply;
};

class Catalogue;

/// A network as layers, each a spec.
struct ArchitectureBuilder {
    /// The parameters that follow from the images where they are not given. Throws Error where none fit.
    std::function<std::vector<Setting>(const ImageFormat&)> fitting;
    /// Throws Error for parameters that do not fit each other or the images.
    std::function<std::vector<Spec>(const Spec&, const ImageFormat&)> layers;
    /// How many values a sample has that goes into it.
    std::function<std::size_t(const Spec&)> inputs;
};

using LayerBuilder = std::function<void(const Catalogue&, Network&, const Spec&, std::uint64_t seed)>;
using InitializerBuilder = std::function<Initializer(const Spec&)>;
using LossBuilder = std::function<LossTerms(const Spec&)>;
using PenaltyBuilder = std::function<Term(const Spec&)>;
using OptimizerBuilder = std::function<std::shared_ptr<Optimizer>(const std::string& name, const Spec&)>;
/// How long a training is: its steps, and the images of each batch.
struct TrainingLength {
    std::uint64_t steps;
    std::size_t batch;
};

/// A number that starts from `rate`, at each step of a training: a learning rate, or another one.
using RateBuilder = std::function<RateSchedule(const Catalogue&, const Spec&, double rate, TrainingLength)>;
/// Changes a phase, which has its optimizer, so that its updates keep to the constraint.
using ConstraintBuilder = std::function<void(const Spec&, Phase&)>;
/// The stages of a step, and what they watch and read.
using StagesBuilder = std::function<void(const Spec&, Training&)>;
using Builder = std::variant<std::monostate, LayerBuilder, InitializerBuilder, ArchitectureBuilder,
                             LossBuilder, PenaltyBuilder, OptimizerBuilder, RateBuilder, ConstraintBuilder,
                             StagesBuilder, TransformBuilder, MetricBuilder>;

/// One thing that a recipe can be made of.
struct Row {
    std::string category;
    std::string kind;  ///< empty for a group of settings, of which a category has one
    std::string help;
    std::string source;  ///< paper and equation, or empty
    std::vector<Parameter> parameters;
    Builder builder = {};
    /// The preset that choosing this brings with it, below what is given; or empty.
    std::string brings = {};
};

/// Everything that recipes can be made of: the one registry. Code of one's own adds rows.
class Catalogue {
 public:
    /// Throws Error if the category has the kind already.
    void add(Row row);
    /// Throws Error, naming what was likely meant or else all there are, for another one.
    const Row& row(std::string_view category, std::string_view kind) const;
    const std::vector<Row>& rows() const { return rows_; }
    std::vector<std::string> kinds(std::string_view category) const;

    /// What a path in a recipe is about, for help: the parameter's help, and the kinds that there are.
    std::string help_at(std::string_view path) const;
    /// The kinds that there are for the spec, or the specs, at a path such as "loss" or "penalties"; none for
    /// anything else.
    std::vector<std::string> kinds_at(std::string_view path) const;

    /// The spec with every parameter that its row has, in the row's order, at every depth, where it is given
    /// or has a default. Throws Error, in one line, for a kind or key that is unknown or missing, and a value
    /// that its rule does not accept: with the layer or line that gave it, the path below `at`, and what is
    /// allowed. While what follows from the data is not known, parameters without a default may be `missing`.
    Spec completed(const Spec& spec, const std::string& category, const std::string& at,
                   bool missing = false) const;

    /// The builder of a spec's row.
    template <class B>
    const B& builder(std::string_view category, const Spec& spec) const {
        return std::get<B>(row(category, spec.kind).builder);
    }

 private:
    const Parameter* parameter_at(std::string_view path) const;
    void check_value(const Value& value, const Parameter& parameter, const std::string& at) const;
    Value completed_value(const Value& value, const Parameter& parameter, const std::string& at,
                          bool missing) const;

    std::vector<Row> rows_;
};

/// Every row that Duet has.
Catalogue standard_catalogue();

}  // namespace duet::models
