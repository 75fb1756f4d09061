#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <duet/models/gan_model.hpp>
#include <duet/models/gan_trainer.hpp>

namespace duet::tools {

/// Accepts a whole number in decimal digits from `low` to `high`.
CLI::Validator whole_number(std::uint64_t low, std::uint64_t high);
/// Accepts a finite number above zero.
CLI::Validator positive_number();
/// Accepts a number of at least zero and below `bound`.
CLI::Validator number_below(double bound);
/// Accepts one of `names`; the message for another lists them.
CLI::Validator one_of(std::vector<std::string> names);
/// Accepts anything but nothing.
CLI::Validator path_name();
/// Accepts two or more whole numbers joined by '-'.
CLI::Validator layer_widths();

/// The largest batch that a command accepts.
inline constexpr std::uint64_t max_batch = Batches::max_batch_size;

/// Threads when --threads is not given: two, or fewer where the machine has fewer. Results do not depend on
/// it.
std::size_t default_threads();
/// Adds --threads.
void add_threads_option(CLI::App& command, std::size_t& threads);

/// The options that decide a training step, for the commands that make one.
struct TrainingArguments {
    std::string model = "mlp";
    std::string preset;
    std::string schedule = "documented";
    std::string penalty = "r1";
    std::string generator_widths;
    std::string discriminator_widths;
    models::TrainingOptions options;

    void add_to(CLI::App& command);
    /// Puts names and preset into `options`; options that the user gave win over the preset.
    void resolve(const CLI::App& command);
    /// The networks wanted for images of this size: the article's, unless widths were given.
    models::GanShape shape(std::size_t height, std::size_t width) const;
};

}  // namespace duet::tools
