#include "arguments.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/graph/error.hpp>
#include <duet/graph/runtime/processor.hpp>

namespace duet::tools {

namespace {

constexpr std::size_t max_threads = 256;
constexpr std::size_t max_classes = Dataset::max_classes;
constexpr std::size_t max_discriminator_steps = 1000;
constexpr std::size_t max_layer_width = 65536;
constexpr std::size_t max_layers = 32;

template <class Number>
std::optional<Number> parsed(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<std::vector<std::size_t>> parsed_widths(std::string_view text) {
    std::vector<std::size_t> widths;
    for (;;) {
        const std::size_t dash = text.find('-');
        const auto width = parsed<std::size_t>(text.substr(0, dash));
        if (!width || *width == 0 || *width > max_layer_width || widths.size() > max_layers)
            return std::nullopt;
        widths.push_back(*width);
        if (dash == std::string_view::npos) break;
        text.remove_prefix(dash + 1);
    }
    if (widths.size() < 2) return std::nullopt;
    return widths;
}

template <class Accept>
CLI::Validator number_that(Accept accept, const std::string& expected) {
    return CLI::Validator(
        [=](std::string& text) {
            const auto number = parsed<double>(text);
            if (number && accept(*number)) return std::string();
            return fmt::format("{} is not {}", quoted_for_message(text), expected);
        },
        "");
}

}  // namespace

CLI::Validator whole_number(std::uint64_t low, std::uint64_t high) {
    return CLI::Validator(
        [=](std::string& text) {
            const auto number = parsed<std::uint64_t>(text);
            if (!number || *number < low || *number > high)
                return fmt::format("{} is not a whole number from {} to {}", quoted_for_message(text), low,
                                   high);
            text = std::to_string(*number);
            return std::string();
        },
        "");
}

CLI::Validator positive_number() {
    return number_that([](double number) { return std::isfinite(number) && number > 0; },
                       "a finite number above 0");
}

CLI::Validator number_below(double bound) {
    const std::string expected = std::isfinite(bound)
                                     ? fmt::format("a number of at least 0 and below {}", bound)
                                     : "a finite number of at least 0";
    return number_that([=](double number) { return number >= 0 && number < bound; }, expected);
}

CLI::Validator one_of(std::vector<std::string> names) {
    return CLI::Validator(
        [names = std::move(names)](std::string& text) {
            if (std::find(names.begin(), names.end(), text) != names.end()) return std::string();
            return fmt::format("{} is unknown; known are {}", quoted_for_message(text),
                               fmt::join(names, ", "));
        },
        "");
}

CLI::Validator path_name() {
    return CLI::Validator(
        [](std::string& text) { return text.empty() ? std::string("the name is empty") : std::string(); },
        "");
}

CLI::Validator layer_widths() {
    return CLI::Validator(
        [](std::string& text) {
            if (parsed_widths(text)) return std::string();
            return fmt::format(
                "{} is not 2 to {} whole numbers from 1 to {} joined by '-', such as 100-128-784",
                quoted_for_message(text), max_layers + 1, max_layer_width);
        },
        "");
}

std::size_t default_threads() {
    return std::min<std::size_t>(usable_processors(), 2);
}

void warn_of_threads(std::size_t asked, std::size_t working) {
    if (working < asked)
        fmt::print(stderr, "duet: warning: works with {} of {} threads: the system starts no more\n", working,
                   asked);
    if (const std::size_t usable = usable_processors(); working > usable)
        fmt::print(stderr,
                   "duet: warning: {} threads share {} processor{}, which is slower than --threads {}\n",
                   working, usable, usable == 1 ? "" : "s", usable);
}

void add_threads_option(CLI::App& command, std::size_t& threads) {
    threads = default_threads();
    command.add_option("--threads", threads, "Threads to work with (results do not depend on it)")
        ->check(whole_number(1, max_threads))
        ->type_name("T")
        ->capture_default_str();
}

void TrainingArguments::add_to(CLI::App& command) {
    const double infinity = std::numeric_limits<double>::infinity();
    command
        .add_option("--model", model,
                    "mlp, the article's two networks; dcgan, convolutional; resnet, residual; cgan, dcgan "
                    "conditioned on labels. Each brings the options of its paper; those below are mlp's")
        ->check(one_of({"mlp", "dcgan", "resnet", "cgan"}))
        ->type_name("NAME")
        ->capture_default_str();
    command
        .add_option(
            "--preset", preset,
            "article: the article's own setting, which is that of mlp's defaults without a penalty; options "
            "given beside it win")
        ->check(one_of({"article"}))
        ->type_name("NAME");
    command
        .add_option("--classes", classes,
                    "Classes that condition both networks of cgan (default: the data's) or resnet")
        ->transform(whole_number(1, max_classes))
        ->type_name("N");
    command.add_option("--batch", options.batch, "Images in a batch")
        ->transform(whole_number(1, max_batch))
        ->type_name("B")
        ->capture_default_str();
    command
        .add_option("--seed", options.seed, "Decides initial weights, order of images and every random draw")
        ->transform(whole_number(0, std::numeric_limits<std::uint64_t>::max()))
        ->type_name("S")
        ->capture_default_str();
    add_threads_option(command, options.threads);
    command.add_option("--loss", options.loss, "Losses: non-saturating, minimax or wasserstein")
        ->check(one_of({"non-saturating", "minimax", "wasserstein"}))
        ->type_name("NAME")
        ->capture_default_str();
    command
        .add_option(
            "--schedule", schedule,
            "documented: a joint step of both networks, then a generator step on fresh noise; alternating: "
            "discriminator steps, then one generator step (default: documented for mlp)")
        ->check(one_of({"documented", "alternating"}))
        ->type_name("NAME");
    command
        .add_option("--discriminator-steps", options.discriminator_steps,
                    "Discriminator steps for each generator step of the alternating schedule")
        ->transform(whole_number(1, max_discriminator_steps))
        ->type_name("N")
        ->capture_default_str();
    command
        .add_option(
            "--penalty", penalty,
            "Added to the discriminator's loss: r1, weight/2 times the mean squared gradient of its score at "
            "real images; gp, the gradient penalty of a Wasserstein critic, which brings the options of its "
            "paper; or none (default: r1 for mlp and resnet, gp for the loss wasserstein)")
        ->check(one_of({"r1", "gp", "none"}))
        ->type_name("NAME");
    command.add_option("--penalty-weight", options.penalty_weight, "Weight of the penalty")
        ->check(number_below(infinity))
        ->type_name("W")
        ->capture_default_str();
    command.add_option("--rate", options.adam.rate, "Adam's learning rate")
        ->check(positive_number())
        ->type_name("X")
        ->capture_default_str();
    command.add_option("--beta1", options.adam.beta1, "Adam's decay of the mean gradient")
        ->check(number_below(1))
        ->type_name("X")
        ->capture_default_str();
    command.add_option("--beta2", options.adam.beta2, "Adam's decay of the mean squared gradient")
        ->check(number_below(1))
        ->type_name("X")
        ->capture_default_str();
    command.add_option("--epsilon", options.adam.epsilon, "Added to the root of the mean squared gradient")
        ->check(number_below(infinity))
        ->type_name("X")
        ->capture_default_str();
    command
        .add_option("--generator-widths", generator_widths,
                    "Sizes of the generator's layers from latent to image (default: 100-128-128-pixels); "
                    "for the other models the latent and the channels of each map")
        ->check(layer_widths())
        ->type_name("A-B-...");
    command
        .add_option("--discriminator-widths", discriminator_widths,
                    "Sizes of the discriminator's layers from image to score (default: pixels-128-128-1); "
                    "for the other models the channels of each map")
        ->check(layer_widths())
        ->type_name("A-B-...");
}

void TrainingArguments::resolve(const CLI::App& command) {
    const auto given = [&](const char* option) { return command.count(option) > 0; };
    const models::ModelKind kind = models::model_kind_by_name(model);
    if (!preset.empty() && kind != models::ModelKind::mlp)
        throw Error(fmt::format("--preset: {} is a setting of the model mlp, not of {}", preset, model));
    models::TrainingOptions defaults = models::default_options(kind);
    if (options.loss == "wasserstein") defaults.penalty = models::Penalty::gradient;
    if (!preset.empty()) defaults.penalty = models::Penalty::none;
    if (given("--penalty")) defaults.penalty = models::penalty_by_name(penalty);
    if (defaults.penalty == models::Penalty::gradient) defaults = models::with_gradient_penalty(defaults);

    options.penalty = defaults.penalty;
    options.schedule = given("--schedule") ? models::schedule_by_name(schedule) : defaults.schedule;
    const auto complete = [&](const char* option, auto& value, auto otherwise) {
        if (!given(option)) value = otherwise;
    };
    complete("--penalty-weight", options.penalty_weight, defaults.penalty_weight);
    complete("--discriminator-steps", options.discriminator_steps, defaults.discriminator_steps);
    complete("--batch", options.batch, defaults.batch);
    complete("--rate", options.adam.rate, defaults.adam.rate);
    complete("--beta1", options.adam.beta1, defaults.adam.beta1);
    complete("--beta2", options.adam.beta2, defaults.adam.beta2);
}

models::GanShape TrainingArguments::shape(std::size_t height, std::size_t width, std::size_t channels,
                                          std::size_t classes_of_data) const {
    const models::ModelKind kind = models::model_kind_by_name(model);
    const bool from_data = kind == models::ModelKind::cgan && classes == 0;
    models::GanShape shape;
    if (generator_widths.empty() || discriminator_widths.empty())
        shape = models::default_shape(kind, height, width, channels);
    shape.kind = kind;
    shape.height = height;
    shape.width = width;
    shape.channels = channels;
    shape.classes = from_data ? classes_of_data : classes;
    shape.discriminator_batch_norm = options.penalty != models::Penalty::gradient;
    if (!generator_widths.empty()) shape.generator_widths = *parsed_widths(generator_widths);
    if (!discriminator_widths.empty()) shape.discriminator_widths = *parsed_widths(discriminator_widths);
    models::check_shape(shape);
    return shape;
}

}  // namespace duet::tools
