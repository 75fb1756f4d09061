#include <cstdio>
#include <memory>
#include <random>

#include <fmt/format.h>

#include <duet/data/file.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/gan_trainer.hpp>

#include "arguments.hpp"
#include "commands.hpp"
#include "cost.hpp"
#include "verify.hpp"

namespace duet::tools {

namespace {

struct InspectArguments {
    TrainingArguments training;
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

/// Compares the programs of a training on images of noise.
Verification verify_on_noise(const TrainingArguments& training, std::uint64_t steps) {
    const models::GanShape defaults;
    const models::GanShape shape = training.shape(defaults.height, defaults.width);
    auto noise = std::make_shared<Dataset>();
    noise->count = 4 * training.options.batch;
    noise->height = shape.height;
    noise->width = shape.width;
    noise->images.resize(noise->count * noise->image_size());
    std::mt19937 random;
    for (std::uint8_t& value : noise->images) value = static_cast<std::uint8_t>(random());
    const auto make_trainer = [&](bool fuse, bool rewrite) {
        models::TrainingOptions options = training.options;
        options.fuse = fuse;
        options.rewrite = rewrite;
        return std::make_unique<models::GanTrainer>(models::mlp_gan(shape, options.seed), options, noise);
    };
    return verify(make_trainer, steps);
}

void inspect(const InspectArguments& arguments) {
    TrainingArguments training = arguments.training;
    training.options.report_passes = arguments.dump_passes;
    const models::GanShape defaults;
    const models::GanShape shape = training.shape(defaults.height, defaults.width);
    auto blank = std::make_shared<Dataset>();
    blank->count = 1;
    blank->height = shape.height;
    blank->width = shape.width;
    blank->images.assign(blank->image_size(), 0);
    models::GanTrainer trainer(models::mlp_gan(shape, training.options.seed), training.options, blank);

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
        const Verification verification = verify_on_noise(training, arguments.verify);
        text += "\n" + verification.text;
        verified = verification.passed;
    }
    if (arguments.out.empty())
        fmt::print("{}", text);
    else
        write_file_atomically(arguments.out, std::as_bytes(std::span(text)));
    if (!verified)
        throw Error("the compiled program computes something else than the declared one; see the table");
}

}  // namespace

void add_inspect_command(CLI::App& app) {
    CLI::App* command =
        app.add_subcommand("inspect", "Show the programs that make up a model's training step.");
    auto arguments = std::make_shared<InspectArguments>();
    arguments->training.add_to(*command);
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
