#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <duet/models/gan_model.hpp>
#include <duet/models/training/gan_training.hpp>

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

/// Threads when --threads is not given: two, or one where the process may use one processor. Results do not
/// depend on it.
std::size_t default_threads();
/// Adds --threads.
void add_threads_option(CLI::App& command, std::size_t& threads);
/// Warns on the standard error where fewer threads work than were asked for, or more than there are
/// processors for.
void warn_of_threads(std::size_t asked, std::size_t working);

/// The options that decide a training step, for the commands that make one.
struct TrainingArguments {
    std::string model = "mlp";
    std::string preset;
    std::string schedule;
    std::string penalty;
    std::string generator_widths;
    std::string discriminator_widths;
    /// 0 where the user gave none.
    std::size_t classes = 0;
    models::TrainingOptions options;

    void add_to(CLI::App& command);
    /// Completes `options`: what the user did not give is as the model's paper has it, or the preset.
    void resolve(const CLI::App& command);
    /// The networks wanted for images of this size: the model's, unless widths were given. `classes_of_data`,
    /// or 0, is used where the model is conditional and the user gave no number of classes.
    models::GanShape shape(std::size_t height, std::size_t width, std::size_t channels,
                           std::size_t classes_of_data) const;
};

}  // namespace duet::tools
