#pragma once

#include <string>
#include <vector>

#include <duet/models/training/training.hpp>

namespace duet::models {

/// What the program of a stage is compiled from.
struct DeclaredStage {
    /// The images and labels of a batch, or empty where the stage is fed none.
    Tensor real, labels;
    /// Scalars, and what each is called: of each phase "<phase>_loss", its objective; where that has several
    /// terms each of them, weighed; and what is watched.
    std::vector<std::string> metrics;
    std::vector<Tensor> fetches;
    std::vector<Updates> updates;
};

/// The weights of terms that change with the steps, scalars called "<phase>.<term>.weight".
std::vector<Scheduled> scheduled_weights(const Training& training);

/// The intervals of the terms of a stage that are left out of some steps, each once, from the least on.
std::vector<std::size_t> intervals_of(const Training& training, const Stage& stage);

/// Declares a stage in an empty graph, without the terms whose interval is among `left_out`. Throws Error if
/// two of its metrics share a name, a phase has no term left or a term no path to what the phase trains, and
/// what terms and tapes throw.
DeclaredStage declare_stage(Graph& graph, const Training& training, const Stage& stage,
                            const std::vector<Scheduled>& weights, const std::vector<std::size_t>& left_out);

}  // namespace duet::models
