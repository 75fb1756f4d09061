#include "session.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/duration.hpp>
#include <duet/data/file.hpp>
#include <duet/data/sha256.hpp>
#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/training/recipe.hpp>
#include <duet/models/weights.hpp>

#include "pictures.hpp"
#include "weights_file.hpp"

namespace duet::tools {

namespace {

constexpr std::uint64_t profiled_steps = 20;
constexpr std::size_t most_class_rows = 32;

}  // namespace

Session::Session(models::Trainer& trainer, const models::Model& model, const Spec& recipe, std::size_t images,
                 Measurement* measurement, RunFolder& folder, const std::optional<models::Checkpoint>& from,
                 Interrupt& interrupt, const SessionOptions& options)
    : trainer_(trainer),
      model_(model),
      recipe_(recipe),
      measurement_(measurement),
      folder_(folder),
      interrupt_(interrupt),
      options_(options),
      steps_(recipe.whole("steps")),
      log_every_(recipe.whole("output.log_every")),
      sample_every_(recipe.whole("output.sample_every")),
      keep_every_(recipe.whole("output.keep_every")),
      progress_(steps_, trainer.images_per_step(), step(), options.verbosity),
      metrics_(folder.metrics(),
               from ? whole_rows(folder.metrics(), from->notes.metrics_bytes,
                                 [this](const std::string& line) { warn(line); })
                    : 0,
               from ? from->notes.pending_rows : "", from ? from->notes.seconds : 0, trainer, images),
      checkpoints_(folder, recipe, metrics_, from, background_),
      provenance_(folder.path() / "run.json", recipe, trainer.arena().threads(), step()),
      sampler_(model, recipe.whole("seed"), trainer.arena()),
      start_(metrics_.seconds()),
      checkpoint_at_(start_) {
    const Value& every = *recipe.find("output.checkpoint_every");
    if (const auto* steps = std::get_if<std::int64_t>(&every.is))
        checkpoint_steps_ = static_cast<std::uint64_t>(*steps);
    else
        checkpoint_seconds_ = *seconds_of(std::get<std::string>(every.is));
    if (recipe.flag("output.tensorboard"))
        attempt("TensorBoard's events are not written", [&] {
            events_.emplace(folder.path() / "events", from ? std::optional(step()) : std::nullopt);
        });
    if (recipe.has("output.best")) best_metric_ = recipe.text("output.best");
    if (from) metrics_.set_last_row(from->notes.last_row);
}

bool Session::time_is_up() const {
    return options_.time_limit && metrics_.seconds() - start_ >= *options_.time_limit;
}

bool Session::checkpoint_is_due() const {
    if (keep_every_ != 0 && step() % keep_every_ == 0) return true;
    if (checkpoint_steps_ != 0) return step() % checkpoint_steps_ == 0;
    return metrics_.seconds() - checkpoint_at_ >= checkpoint_seconds_ && !background_.busy();
}

template <class Action>
bool Session::attempt(const char* what, Action&& action) {
    try {
        folder_.check_there();
        action();
        return true;
    } catch (const std::exception& error) {
        warn(fmt::format("{}: {}", what, error.what()));
        return false;
    }
}

template <class Action>
auto Session::finite(Action&& action) -> decltype(action()) {
    try {
        return action();
    } catch (const NonFiniteError& error) {
        background_.wait();
        attempt("the metrics are not written", [&] { metrics_.finish(); });
        const bool written = attempt("the weights are not written", [&] { write_weights(); });
        attempt("run.json is not written",
                [&] { provenance_.write_end("failed", metrics_.seconds(), trainer_.state(), false); });
        if (!written) throw;
        throw NonFiniteError(fmt::format("{}; {} holds the weights of step {}", error.what(),
                                         folder_.weights().string(), step()));
    }
}

void Session::run() {
    // They are those of the end of a run: until that comes, a checkpoint holds them.
    std::error_code ignored;
    if (std::filesystem::is_regular_file(folder_.weights(), ignored))
        std::filesystem::remove(folder_.weights(), ignored);
    background_.add("the run's folder may not outlast a failure of power",
                    [this] { flush_names(folder_.checkpoints()); });
    background_.add("recipe.toml is not written", [this] {
        folder_.check_there();
        write_file_atomically(folder_.recipe(), format_toml(recipe_));
    });
    background_.add("run.json is not written", [this] {
        folder_.check_there();
        provenance_.write_start();
    });
    if (step() == 0) attempt("no picture is drawn", [&] { draw_samples(); });
    train();
    leave();
}

void Session::train() {
    const std::uint64_t profile_from =
        options_.profile.empty() ? steps_ : steps_ - std::min(steps_, profiled_steps);
    const std::uint64_t first = step();
    while (!finished() && !interrupt_.requested() && !time_is_up()) {
        if (step() >= profile_from) trainer_.set_profiled(true);
        models::Record record = finite([&] { return trainer_.step(); });
        if (measurement_ != nullptr && measurement_->is_due(step())) {
            attempt("no image is measured", [&] { measurement_->measure(); });
            record = trainer_.record();
        }
        if (step() > profile_from) trace_.add(step(), trainer_);
        progress_.see(record);
        metrics_.set_last_row("");
        if (step() % log_every_ == 0) {
            metrics_.see(record);
            if (events_) events_->see(record);
            progress_.log(record);
        }
        if (step() % sample_every_ == 0) attempt("no picture is drawn", [&] { draw_samples(); });
        if (metrics_.flush_is_due()) flush();
        if (checkpoint_is_due()) start_checkpoint();
        report_failures();
    }
    progress_.finish();
    if (step() > first && step() % log_every_ != 0) metrics_.set_last_row(metrics_.row_of(trainer_.record()));
    if (interrupt_.requested()) warn("interrupted: the run is being saved; once more to abort");
    start_checkpoint();
}

/// The checkpoint's rows are on their way to the disk before it is.
void Session::start_checkpoint() {
    background_.wait();
    checkpoint_at_ = metrics_.seconds();
    models::Snapshot& snapshot = finite([&]() -> models::Snapshot& { return trainer_.take_snapshot(); });
    flush();
    const models::Record record = trainer_.record();
    models::CheckpointNotes notes{format_toml(recipe_),
                                  trainer_.fingerprint(),
                                  DUET_VERSION,
                                  metrics_.seconds(),
                                  {record.values.begin(), record.values.end()},
                                  metrics_.size(),
                                  metrics_.pending_rows(),
                                  metrics_.last_row(),
                                  {}};
    if (!best_metric_.empty()) notes.best = record[best_metric_];
    checkpoints_.start(snapshot, std::move(notes));
}

void Session::flush() {
    attempt("the metrics are not written", [&] { metrics_.flush(); });
    if (events_) attempt("TensorBoard's events are not written", [&] { events_->flush(); });
}

void Session::report_failures() {
    for (const std::string& failure : background_.take_failures()) warn(failure);
}

/// What a run is kept for comes first.
void Session::leave() {
    background_.wait();
    report_failures();
    bool kept = checkpoints_.written();
    kept &= attempt("the weights are not written", [&] { write_weights(); });
    attempt("the metrics are not written", [&] { metrics_.finish(); });
    if (step() % sample_every_ != 0) attempt("no picture is drawn", [&] { draw_samples(); });
    background_.wait();
    report_failures();
    attempt("curves.png is not drawn", [&] { folder_.write_curves(); });
    attempt("progress.gif is not written", [&] {
        folder_.write_progress(model_.images.width, [&](const std::string& line) { warn(line); });
    });
    if (events_) attempt("TensorBoard's events are not written", [&] { events_->flush(); });
    if (!options_.profile.empty())
        attempt("the profile is not written", [&] { trace_.write(options_.profile); });
    const char* how = !kept ? "failed" : finished() ? "finished" : "interrupted";
    attempt("run.json is not written", [&] {
        provenance_.write_end(how, metrics_.seconds(), trainer_.state(), checkpoints_.written());
    });
    if (!kept)
        throw StorageError(fmt::format("the run in {} could not be kept whole: see the warnings above",
                                       folder_.path().string()));
    say(
        fmt::format("{} after {} of {} steps: {} holds the weights; metrics.csv, curves.png, samples and "
                    "progress.gif are beside it\n",
                    finished()               ? "finished"
                    : interrupt_.requested() ? "interrupted"
                                             : "stopped at the time limit",
                    step(), steps_, folder_.weights().string()));
    if (!finished())
        say(fmt::format("to go on: duet train {} --out {}\n", quoted_for_shell(folder_.recipe().string()),
                        quoted_for_shell(folder_.path().string())));
}

Bytes Session::weights() const {
    return models::encode_weights(model_, models::model_layer(recipe_), trainer_.state().at);
}

void Session::write_weights() {
    const Bytes bytes = weights();
    write_file_atomically(folder_.weights(), std::as_bytes(std::span(bytes)));
}

/// A conditional model's picture has a row a class.
void Session::draw_samples() {
    const std::size_t classes = model_.images.classes;
    const std::size_t count =
        classes == 0 ? sample_count : sample_columns * std::min(classes, most_class_rows);
    Array images = sampler_.draw(count, class_rows(count, sample_columns, classes));
    if (events_) events_->add_picture(step(), picture_of(images));
    background_.add("no picture is drawn", [this, images = std::move(images), bytes = weights(), at = step(),
                                            seed = recipe_.whole("seed")] {
        folder_.check_there();
        const std::string hash = sha256(std::as_bytes(std::span(bytes)));
        folder_.write_samples(at, picture_of(images), picture_texts(seed, at, hash));
    });
}

Image Session::picture_of(const Array& images) const {
    return scaled(
        tile_grid(images, model_.images.height, model_.images.width, sample_columns, sample_padding),
        recipe_.whole("output.scale"));
}

}  // namespace duet::tools
