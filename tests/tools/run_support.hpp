#pragma once

#include <cstdint>

#include "support.hpp"

namespace duet::testing {

using Words = std::vector<std::string>;

Words with(Words words, const Words& more);

/// Trainings of a small perceptron on 40 images, in batches of 4.
struct Runs {
    explicit Runs(std::size_t side = 8) { write_images(data, 40, side); }

    Words command(const std::filesystem::path& out, const Words& more) const;
    Outcome train(const std::filesystem::path& out, const Words& more) const {
        return duet_command(command(out, more));
    }
    std::filesystem::path operator[](const std::string& name) const { return folder.path() / name; }

    TemporaryFolder folder;
    std::filesystem::path data = folder.path() / "data";
};

/// Steps that no test waits for the end of.
inline const Words endless = {"--steps", "1000000000"};

/// The steps of a run's checkpoints, ascending; and the file of one.
std::vector<std::uint64_t> checkpoints_of(const std::filesystem::path& run);
std::filesystem::path checkpoint_of(const std::filesystem::path& run, std::uint64_t step);
std::size_t partials_below(const std::filesystem::path& run);

/// Checks that what a run leaves is, times aside, what the other left: weights, metrics, pictures, the whole
/// state.
void check_same_run(const std::filesystem::path& run, const std::filesystem::path& other,
                    std::uint64_t steps);

/// Waits until a file is there.
void wait_for(const std::filesystem::path& file);

}  // namespace duet::testing
