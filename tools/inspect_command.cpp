#include <cstdio>
#include <memory>
#include <random>
#include <stdexcept>

#include <fmt/format.h>

#include <duet/data/file.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/training/gan_training.hpp>

#include "arguments.hpp"
#include "commands.hpp"
#include "cost.hpp"
#include "verify.hpp"

namespace duet::tools {

namespace {

/// The images that each model is shown for, unless the user says which.
struct ImageDefaults {
    std::size_t side, channels;
};

ImageDefaults default_images(const std::string& model) {
    return model == "resnet" ? ImageDefaults{32, 3} : ImageDefaults{28, 1};
}

constexpr std::uint64_t max_side = 4096;

struct InspectArguments {
    TrainingArguments training;
    std::size_t side = 0;
    std::size_t channels = 0;
    std::string format = "text";
    std::string out;
    bool dump_passes = false;
    bool measure = false;
    std::uint64_t verify = 0;
};

std::string passes_of(const ProgramReport& report) {
    constexpr double kibibyte = 1024;
    std::string text = fmt::format("{:<20} {:>8} {:>13} {:>12} {:>10}\n", "after the pass", "nodes",
                                   "instructions", "KiB", "ms");
    for (const PassReport& pass : report.passes)
        text +=
            fmt::format("{:<20} {:>8} {:>13} {:>12.1f} {:>10.3f}\n", pass.pass, pass.nodes, pass.instructions,
                        static_cast<double>(pass.arena_bytes) / kibibyte, pass.milliseconds);
    return text;
}

/// The networks that the arguments describe, and images and labels of noise to train them on.
struct Subject {
    models::GanShape shape;
    std::shared_ptr<const Dataset> noise;
};

Subject make_subject(const InspectArguments& arguments) {
    constexpr std::size_t classes = 10;
    const TrainingArguments& training = arguments.training;
    const ImageDefaults images = default_images(training.model);
    const std::size_t side = arguments.side == 0 ? images.side : arguments.side;
    const std::size_t channels = arguments.channels == 0 ? images.channels : arguments.channels;
    Subject subject{training.shape(side, side, channels, classes), nullptr};
    auto noise = std::make_shared<Dataset>();
    noise->count = 4 * training.options.batch;
    noise->height = noise->width = side;
    noise->channels = channels;
    noise->images.resize(noise->count * noise->image_size());
    std::mt19937 random;
    for (std::uint8_t& value : noise->images) value = static_cast<std::uint8_t>(random());
    for (std::size_t i = 0; i < noise->count && subject.shape.classes > 0; ++i)
        noise->labels.push_back(static_cast<std::uint8_t>(i % subject.shape.classes));
    subject.noise = noise;
    return subject;
}

models::Trainer make_trainer(const Subject& subject, const models::TrainingOptions& options) {
    return models::gan_trainer(models::make_gan(subject.shape, options.seed), options, subject.noise);
}

/// Compares the programs of a training.
Verification verify_programs(const Subject& subject, const models::TrainingOptions& training,
                             std::uint64_t steps) {
    const auto variant = [&](bool fuse, bool rewrite) {
        models::TrainingOptions options = training;
        options.fuse = fuse;
        options.rewrite = rewrite;
        return make_trainer(subject, options);
    };
    return verify(variant, steps);
}

void inspect(const InspectArguments& arguments) {
    models::TrainingOptions options = arguments.training.options;
    options.report_passes = arguments.dump_passes;
    const Subject subject = make_subject(arguments);
    models::Trainer trainer = make_trainer(subject, options);
    warn_of_threads(options.threads, trainer.arena().threads());

    const bool dot = arguments.format == "dot";
    std::string text;
    for (const auto& [purpose, program] : trainer.programs()) {
        if (!text.empty()) text += "\n";
        text += fmt::format("{} {}\n", dot ? "//" : "#", purpose);
        text += dot ? program->to_dot() : program->describe();
        if (text.back() != '\n') text += "\n";
        if (arguments.dump_passes && !dot) text += "\n" + passes_of(program->report());
    }
    if (arguments.measure && !dot) text += "\n" + predicted_and_measured(trainer);
    bool verified = true;
    if (arguments.verify > 0) {
        const Verification verification = verify_programs(subject, options, arguments.verify);
        text += "\n" + verification.text;
        verified = verification.passed;
    }
    if (arguments.out.empty())
        fmt::print("{}", text);
    else
        write_file_atomically(arguments.out, std::as_bytes(std::span(text)));
    if (!verified)
        throw std::runtime_error(
            "the compiled program computes something else than the declared one; see the table");
}

}  // namespace

void add_inspect_command(CLI::App& app) {
    CLI::App* command =
        app.add_subcommand("inspect", "Show the programs that make up a model's training step.");
    auto arguments = std::make_shared<InspectArguments>();
    arguments->training.add_to(*command);
    command->add_option("--side", arguments->side, "Height and width of the images (default: 28; resnet 32)")
        ->transform(whole_number(1, max_side))
        ->type_name("N");
    command->add_option("--channels", arguments->channels, "Their channels (default: 1; resnet 3)")
        ->transform(whole_number(1, 3))
        ->type_name("N");
    command
        ->add_option(
            "--format", arguments->format,
            "text: a line a node (id, name, op, shape, FLOPs, bytes, place) and totals; dot: for Graphviz")
        ->check(one_of({"text", "dot"}))
        ->type_name("NAME")
        ->capture_default_str();
    command->add_option("--out", arguments->out, "Write to this file instead of the standard output")
        ->check(path_name())
        ->type_name("FILE");
    command->add_flag("--dump-passes", arguments->dump_passes,
                      "Also list the compiler's passes, with the nodes, instructions and memory each left");
    command->add_flag(
        "--measure", arguments->measure,
        "Also run the step, and list what each instruction was predicted to cost and what it cost");
    command
        ->add_option(
            "--verify", arguments->verify,
            "Also run so many steps of the programs as compiled, without fusion and without rewriting, "
            "from the same values on the same data, and compare what they make of every variable")
        ->transform(whole_number(1, 1000))
        ->type_name("STEPS");
    command->callback([arguments, command] {
        arguments->training.resolve(*command);
        inspect(*arguments);
    });
}

}  // namespace duet::tools
