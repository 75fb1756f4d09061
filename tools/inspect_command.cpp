#include <cstdio>
#include <memory>
#include <random>
#include <stdexcept>

#include <fmt/format.h>

#include <duet/data/file.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/training/recipe.hpp>
#include <duet/models/training/trainer.hpp>

#include "command.hpp"
#include "commands.hpp"
#include "cost.hpp"
#include "flags.hpp"
#include "numbers.hpp"
#include "output_path.hpp"
#include "verify.hpp"

namespace duet::tools {

namespace {

constexpr std::uint64_t max_side = 4096;

struct InspectArguments {
    RecipeOptions recipe;
    std::size_t side = 28;
    std::size_t channels = 1;
    std::size_t threads = 1;
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

/// A training on images and labels of noise.
struct Subject {
    models::Catalogue catalogue = models::standard_catalogue();
    std::shared_ptr<const Dataset> noise;
    Spec recipe;

    models::Trainer trainer(const models::TrainerOptions& options) const {
        const models::Model model = models::model_of(catalogue, recipe);
        return {models::training_of(catalogue, recipe, model), noise, options};
    }
};

Subject make_subject(const InspectArguments& arguments) {
    constexpr std::size_t classes = 10;
    Subject subject;
    const Spec recipe = arguments.recipe.layered(subject.catalogue);
    arguments.recipe.note_repeats(recipe);
    const Value* given = recipe.find("images.classes");
    const auto* count = given == nullptr ? nullptr : std::get_if<std::int64_t>(&given->is);
    auto noise = std::make_shared<Dataset>();
    noise->count = 4 * recipe.whole("batch");
    noise->height = noise->width = arguments.side;
    noise->channels = arguments.channels;
    noise->images.resize(noise->count * noise->image_size());
    std::mt19937 random;
    for (std::uint8_t& value : noise->images) value = static_cast<std::uint8_t>(random());
    const std::size_t labels = count == nullptr || *count == 0 ? classes : static_cast<std::size_t>(*count);
    for (std::size_t i = 0; i < noise->count; ++i)
        noise->labels.push_back(
            static_cast<std::uint8_t>(i % std::min<std::size_t>(labels, noise->max_classes)));
    subject.recipe = models::fitted(subject.catalogue, recipe, *noise);
    subject.noise = std::move(noise);
    return subject;
}

void inspect(const InspectArguments& arguments) {
    if (!arguments.out.empty()) check_output_file("--out", arguments.out);
    const Subject subject = make_subject(arguments);
    const models::TrainerOptions options{.threads = arguments.threads,
                                         .report_passes = arguments.dump_passes};
    models::Trainer trainer = subject.trainer(options);
    warn_of_threads(options.threads, trainer.arena().threads());

    for (const std::string& caution :
         models::cautions(subject.recipe, models::model_of(subject.catalogue, subject.recipe)))
        fmt::print(stderr, "duet: warning: {}\n", caution);

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
        const auto variant = [&](bool fuse, bool rewrite) {
            return subject.trainer({.threads = arguments.threads, .fuse = fuse, .rewrite = rewrite});
        };
        const Verification verification = verify(variant, arguments.verify);
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
    Command command(app, "inspect", "Show the programs that make up a model's training step.");
    auto arguments = std::make_shared<InspectArguments>();
    arguments->recipe.add_to(command);
    add_threads_option(command, arguments->threads);
    command.option("--side", arguments->side, "Height and width of the images")
        .takes("N", whole_number(1, max_side))
        .with_default();
    command.option("--channels", arguments->channels, "Their channels")
        .takes("N", whole_number(1, 3))
        .with_default();
    command
        .option(
            "--format", arguments->format,
            "text: a line a node (id, name, op, shape, FLOPs, bytes, place) and totals; dot: for Graphviz")
        .takes("NAME", one_of({"text", "dot"}))
        .with_default();
    command.option("--out", arguments->out, "Write to this file instead of the standard output")
        .takes("FILE", any_text());
    command.flag("--dump-passes", arguments->dump_passes,
                 "Also list the compiler's passes, with the nodes, instructions and memory each left");
    command.flag("--measure", arguments->measure,
                 "Also run the step, and list what each instruction was predicted to cost and what it cost");
    command
        .option("--verify", arguments->verify,
                "Also run so many steps of the programs as compiled, without fusion and without rewriting, "
                "from the same values on the same data, and compare what they make of every variable")
        .takes("STEPS", whole_number(1, 1000));
    command.before_help([arguments] { arguments->recipe.describe(models::standard_catalogue()); });
    command.runs([arguments] { inspect(*arguments); });
}

}  // namespace duet::tools
