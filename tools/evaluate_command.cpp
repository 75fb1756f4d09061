#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/load_images.hpp>
#include <duet/data/npy.hpp>
#include <duet/graph/error.hpp>

#include "command.hpp"
#include "commands.hpp"
#include "evaluation.hpp"
#include "evaluation_report.hpp"
#include "feature_cache.hpp"
#include "measurement.hpp"
#include "numbers.hpp"
#include "output.hpp"
#include "output_path.hpp"
#include "status_line.hpp"
#include "subject.hpp"

namespace duet::tools {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t max_count = 100'000;
constexpr std::size_t shown_digits = 4;

struct EvaluateArguments {
    std::vector<std::string> subjects, features;
    std::string data, network, json, csv;
    DrawOptions draw;
    bool likelihood = false, no_anchors = false;
};

/// On a terminal, a bar of how many things are judged, and what is done now, once that has taken two seconds.
class Activity {
 public:
    explicit Activity(std::size_t total)
        : terminal_(isatty(STDERR_FILENO) == 1), total_(total), start_(std::chrono::steady_clock::now()) {}
    ~Activity() {
        if (shown_) write_without_signal(STDERR_FILENO, "\r\x1b[K");
    }
    Activity(const Activity&) = delete;
    Activity& operator=(const Activity&) = delete;

    void begin(const std::string& name) {
        name_ = name;
        ++begun_;
    }
    void show(const std::string& what) {
        using namespace std::chrono_literals;
        const auto passed = std::chrono::steady_clock::now() - start_;
        if (!terminal_ || passed < 2s) return;
        const std::size_t done = begun_ == 0 ? 0 : begun_ - 1;
        write_without_signal(
            STDERR_FILENO,
            fmt::format("\r\x1b[K{} {}/{} {}: {}  {}",
                        bar(static_cast<double>(done) / static_cast<double>(total_), bar_width), begun_,
                        total_, name_, what,
                        clock_text(static_cast<double>(
                            std::chrono::duration_cast<std::chrono::seconds>(passed).count()))));
        shown_ = true;
    }

 private:
    static constexpr std::size_t bar_width = 20;

    bool terminal_, shown_ = false;
    std::size_t begun_ = 0, total_;
    std::string name_;
    std::chrono::steady_clock::time_point start_;
};

/// Whose covariance has fewer samples than features.
void warn_of_few(const std::string& name, std::size_t count, std::size_t width, const std::string& of,
                 const std::string& prefix) {
    if (count < width)
        warn(
            fmt::format("{}: {} images are fewer than the {} {}: {}fid is too large, and its interval too "
                        "narrow; kid has no such bias",
                        name, count, width, of, prefix));
}

/// Warns of what makes numbers of little worth.
void warn_of_images(const Subject& subject, const std::vector<View>& views, std::size_t references) {
    const Dataset& images = subject.images;
    const auto first = images.images.begin();
    const auto size = static_cast<std::ptrdiff_t>(images.image_size());
    bool same = true;
    for (std::size_t i = 1; i < images.count && same; ++i)
        same = std::equal(first, first + size, first + static_cast<std::ptrdiff_t>(i) * size);
    if (same) warn(fmt::format("{}: all images are the same one", subject.name));
    for (const View& view : views) {
        const std::size_t width = view.network ? view.network->width : images.image_size();
        warn_of_few(subject.name, std::min(images.count, references), width,
                    view.network ? "features of " + view.name : "pixels", view.prefix);
    }
}

void write_text(const std::string& path, const std::string& text) {
    if (!path.empty()) write_file_atomically(path, text);
}

models::Samples read_samples(const std::string& path) {
    const Array array = read_npy(path);
    if (array.dimension() != 2)
        throw FileError(fmt::format("{}: has {} axes; expected features (n, d)", path, array.dimension()));
    models::Samples samples = models::Samples::from_shape({array.shape()[0], array.shape()[1]});
    std::copy(array.begin(), array.end(), samples.begin());
    return samples;
}

void report(const std::vector<Judged>& judged, const EvaluateArguments& arguments,
            const std::string& network) {
    fmt::print("{}", score_table(judged));
    write_text(arguments.json, score_json(judged, network));
    write_text(arguments.csv, score_csv(judged));
}

void evaluate_features(const EvaluateArguments& arguments) {
    const models::Samples real = read_samples(arguments.features[0]),
                          fake = read_samples(arguments.features[1]);
    warn_of_few(arguments.features[1], std::min(real.shape()[0], fake.shape()[0]), fake.shape()[1],
                "features", "");
    Judged judged{arguments.features[1], arguments.features[1], {}};
    {
        Activity activity(1);
        activity.begin(judged.name);
        judged.scores = judge_features(real, fake, arguments.draw.threads,
                                       [&](const std::string& what) { activity.show(what); });
    }
    report({judged}, arguments, "");
}

fs::path data_folder(const EvaluateArguments& arguments) {
    if (!arguments.data.empty()) return arguments.data;
    for (const std::string& subject : arguments.subjects)
        if (const auto data = data_of(subject)) return *data;
    throw Error("--data: a folder of real images is needed to compare with");
}

/// Of the held-back images, those that no checkpoint was chosen by.
std::vector<Reference> references_in(const fs::path& data, bool chosen) {
    std::vector<Reference> references;
    if (holds_test_images(data)) {
        Dataset held_back = load_images(data, Split::test);
        if (chosen) held_back = half_of(held_back, Half::reporting);
        references.push_back({"held-back", "", std::make_shared<const Dataset>(std::move(held_back))});
    } else
        warn(
            fmt::format("{} holds no images that are held back: scores compare with training images alone, "
                        "and copies cannot be told",
                        data.string()));
    references.push_back(
        {"train", "_train", std::make_shared<const Dataset>(load_images(data, Split::train))});
    return references;
}

std::vector<View> views_of(const EvaluateArguments& arguments, std::shared_ptr<const Dataset> train) {
    const models::Catalogue catalogue = models::standard_catalogue();
    const auto shared = [](models::FeatureNetwork network) {
        return std::make_shared<const models::FeatureNetwork>(std::move(network));
    };
    std::vector<View> views;
    if (!arguments.network.empty())
        views.push_back({"the network", "", shared(named_network(catalogue, arguments.network))});
    else if (train->has_labels())
        views.push_back(
            {"the network", "", shared(shipped_network(catalogue, train, arguments.draw.threads))});
    views.push_back(
        {"random convolutions", views.empty() ? "" : "random_", shared(random_network(catalogue, *train))});
    views.push_back({"pixels", "pixel_", nullptr});
    return views;
}

void describe(const std::vector<Judged>& judged, const std::vector<View>& views, const fs::path& data) {
    for (const Judged& each : judged)
        if (!each.anchor) fmt::print("{}  {}\n", each.name, each.what);
    const models::FeatureNetwork& network = *views.front().network;
    fmt::print("compared with {}, by {} features of a network {} @ {}\n\n", data.string(), network.width,
               network.images.classes > 0 ? "that tells its classes" : "of random convolutions",
               network.sha256().substr(0, shown_digits));
}

void evaluate(const EvaluateArguments& arguments) {
    if (!arguments.json.empty()) check_output_file("--json", arguments.json);
    if (!arguments.csv.empty()) check_output_file("--csv", arguments.csv);
    if (!arguments.features.empty()) {
        if (!arguments.subjects.empty())
            throw Error("--features: compares arrays of features: give no runs or samples beside it");
        evaluate_features(arguments);
        return;
    }
    if (arguments.subjects.empty()) throw Error("a run, weights or samples to judge are needed");
    const fs::path data = data_folder(arguments);
    const bool chosen = std::any_of(arguments.subjects.begin(), arguments.subjects.end(), was_chosen);
    const std::vector<Reference> references = references_in(data, chosen);
    const Dataset& like = *references.back().images;
    std::vector<Subject> subjects;
    for (const std::string& path : arguments.subjects)
        subjects.push_back(read_subject(path, like, arguments.draw, warn));
    for (const Subject& subject : subjects)
        if (subject.images.count < 2 * models::jackknife_blocks)
            throw Error(fmt::format("{}: {} images; at least {} are needed for an interval", subject.name,
                                    subject.images.count, 2 * models::jackknife_blocks));
    const std::vector<View> views = views_of(arguments, references.back().images);
    for (const Subject& subject : subjects) warn_of_images(subject, views, references.front().images->count);
    std::vector<Judged> judged;
    {
        constexpr std::size_t anchors = 3;
        Activity activity(subjects.size() + (arguments.no_anchors ? 0 : anchors));
        Evaluator evaluator(
            references, views, arguments.draw.threads, [&](const std::string& what) { activity.show(what); },
            arguments.likelihood);
        for (const Subject& subject : subjects) {
            activity.begin(subject.name);
            judged.push_back({subject.name, subject.what, evaluator.judge(subject.images)});
        }
        if (!arguments.no_anchors)
            for (auto& [name, scores] : evaluator.judge_anchors(
                     subjects.front().images, [&](const std::string& name) { activity.begin(name); }))
                judged.push_back({name, "", std::move(scores), true});
    }
    const std::string hash = views.front().network->sha256();
    describe(judged, views, data);
    report(judged, arguments, hash);
    fmt::print("\n{}", rank_note(judged, views));
    if (subjects.size() == 2) fmt::print("{}", comparison(judged[0], judged[1]));
    for (std::size_t i = 0; i < subjects.size(); ++i)
        for (const Score& score : judged[i].scores)
            if (score.name.starts_with("fid") && score.jackknife) {
                const models::Estimate estimate = score.estimate();
                fmt::print("{}: {} {:.4g} [{:.4g}, {:.4g}] @ {}\n", judged[i].name, score.name,
                           estimate.value, estimate.low, estimate.high, hash.substr(0, shown_digits));
            }
}

}  // namespace

void add_evaluate_command(CLI::App& app) {
    Command command(app, "evaluate", "Measure how good generated images are, with 95 % intervals.");
    auto arguments = std::make_shared<EvaluateArguments>();
    command
        .option("samples", arguments->subjects,
                "What is judged: the folder of a training, a weights file, an array of images (.npy, "
                ".npz), or a folder of pictures. Of two it says which is better")
        .takes("RUN|FILE|DIR", any_text());
    command
        .option("--data", arguments->data,
                "Folder of real images to compare with (default: what the run was trained on)")
        .takes("DIR", any_text());
    command
        .option("--features", arguments->features,
                "Compare two arrays of features (n, d), .npy, of real and of generated images, made by "
                "any network")
        .values(2)
        .takes("REAL FAKE", any_text());
    command
        .option("--network", arguments->network,
                "The feature network: a file that `duet features --out` wrote, or the first digits of the "
                "hash of one that is kept (default: the one trained on the data, made if need be)")
        .takes("FILE|HASH", any_text());
    command.option("--count", arguments->draw.count, "Images to draw from a generator")
        .takes("N", whole_number(2 * models::jackknife_blocks, max_count))
        .with_default();
    command.option("--seed", arguments->draw.seed, "Of the images that are drawn")
        .takes("S", whole_number(0, std::numeric_limits<std::uint64_t>::max()))
        .with_default();
    command.flag("--raw", arguments->draw.raw,
                 "Draw with a generator's weights as trained, where there is an average of them");
    command.flag("--fld", arguments->likelihood,
                 "Also the feature likelihood divergence, which takes a minute");
    command.flag("--no-anchors", arguments->no_anchors,
                 "Leave out real images, a Gaussian and a copier, which are judged beside");
    command.option("--json", arguments->json, "Also write the scores as JSON").takes("FILE", any_text());
    command.option("--csv", arguments->csv, "Also write the scores as CSV").takes("FILE", any_text());
    add_threads_option(command, arguments->draw.threads);
    command.footer(
        "Intervals say how far another draw of images would move a score. They do not say that\n"
        "a recipe is better than another: for that several seeds are trained, see `duet study`.");
    command.runs([arguments] { evaluate(*arguments); });
}

}  // namespace duet::tools
