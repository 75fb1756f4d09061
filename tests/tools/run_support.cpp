#include "run_support.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/models/training/checkpoint.hpp>

namespace duet::testing {

namespace fs = std::filesystem;

Words with(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

Words Runs::command(const fs::path& out, const Words& more) const {
    return with(
        {"train", "--data", data, "--out", out, "--batch", "4", "--log-every", "2", "--sample-every", "3"},
        more);
}

std::vector<std::uint64_t> checkpoints_of(const fs::path& run) {
    std::vector<std::uint64_t> steps;
    for (const fs::directory_entry& entry : fs::directory_iterator(run / "checkpoints"))
        if (const std::string name = entry.path().filename(); name.starts_with("step-"))
            steps.push_back(std::stoull(name.substr(5)));
    std::sort(steps.begin(), steps.end());
    return steps;
}

fs::path checkpoint_of(const fs::path& run, std::uint64_t step) {
    return run / "checkpoints" / fmt::format("step-{:06}.safetensors", step);
}

std::size_t partials_below(const fs::path& run) {
    std::size_t count = 0;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(run))
        count += entry.path().extension() == ".partial" ? 1 : 0;
    return count;
}

void check_same_run(const fs::path& run, const fs::path& other, std::uint64_t steps) {
    CHECK(text_of(run / "weights.safetensors") == text_of(other / "weights.safetensors"));
    CHECK(metrics_of(run) == metrics_of(other));
    CHECK(fs::exists(run / "progress.gif"));
    CHECK(entries_below(run / "samples") == entries_below(other / "samples"));
    for (const fs::directory_entry& picture : fs::directory_iterator(other / "samples"))
        CHECK(text_of(run / "samples" / picture.path().filename()) == text_of(picture.path()));
    const models::Checkpoint state = models::read_checkpoint(checkpoint_of(run, steps)),
                             expected = models::read_checkpoint(checkpoint_of(other, steps));
    CHECK(models::position_in(state.state.metadata).draw ==
          models::position_in(expected.state.metadata).draw);
    for (const NamedArray& tensor : expected.state.tensors) {
        const Array* found = state.state.find(tensor.name);
        REQUIRE(found != nullptr);
        CHECK(*found == tensor.value);
    }
    CHECK(partials_below(run) == 0);
}

void wait_for(const fs::path& file) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!fs::exists(file) && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    REQUIRE(fs::exists(file));
}

}  // namespace duet::testing
