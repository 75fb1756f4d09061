#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <duet/data/dataset.hpp>
#include <duet/models/training/recipe.hpp>
#include <duet/models/training/trainer.hpp>

#include "measure.hpp"

namespace duet::bench {

struct Options {
    std::string data = "data/mnist";
    Timing timing;
    std::string peer_script = "tools/bench/torch_gan.py";
};

using Data = std::shared_ptr<const Dataset>;

/// Everything about the machine that the figures depend on.
void print_machine();
/// The step beside its floor, and the handwritten one.
void print_step(const Options& options, const Data& data);
/// The step with each loss, penalty, schedule and constraint beside the plain one.
void print_terms(const Options& options, const Data& data);
/// Elementwise chains, Adam and random draws beside plain loops and copying.
void print_parts(const Options& options);
/// Convolution layers beside their floor and, with `peer`, PyTorch's.
void print_convolution(const Options& options, bool peer);
/// Start-up time, memory and allocations, measured by this program run again: `itself` is its path.
void print_start_up(const Options& options, const std::string& itself);
/// What that run does; prints one line.
void run_start_up(const Options& options);
/// The step for other batches, widths and depths, and the time to compile a large graph.
void print_growth(const Options& options, const Data& data);
/// The step beside PyTorch's at its best.
void print_peer(const Options& options, const Data& data);

/// The steps of DCGAN and of WGAN-GP on its nets, 28x28, batch 64, beside their floors; memory and
/// allocations are measured by this program run again: `itself` is its path. With `peer`, beside PyTorch's at
/// its best.
void print_convolutional_step(const Options& options, const Data& data, bool peer, const std::string& itself);
/// What that run does for the model "dcgan" or "wgan-gp"; prints one line.
void run_memory(const Options& options, const std::string& model);

/// What the script found at PyTorch's fastest setting, and its time where everything has one thread.
struct PeerResult {
    double milliseconds, peak_mebibytes, single_threaded_milliseconds;
};
/// Whether PyTorch is there, and if not says so. Throws Error if the script is missing.
bool peer_is_there(const Options& options);
/// Runs the script with --best and these arguments, and shows what it prints. Throws Error if it fails.
PeerResult best_of_peer(const Options& options, const std::string& arguments);
/// A word for the shell.
std::string shell_quoted(const std::string& text);
/// The most memory this process has held, in MiB.
double peak_mebibytes();

/// The recipe of these settings, as `duet train --set` takes them, for this data.
Spec recipe_of(const Data& data, const std::vector<std::string>& settings);
/// The article's GAN, batch 128, in the schedule of this name, with R1 or without.
Spec article_recipe(const Data& data, const std::string& schedule, bool r1);
models::Trainer make_trainer(const Data& data, const Spec& recipe, std::size_t threads);

}  // namespace duet::bench
