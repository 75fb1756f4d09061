#include <array>
#include <cmath>
#include <cstdlib>

#include "../../tools/runs.hpp"
#include "folder.hpp"
#include "reader.hpp"

/// libFuzzer's entry: the files of a run as `duet runs` reads them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::array names = {"run.json", "metrics.csv", "recipe.toml"};
    return duet::testing::read_hostile(data, size, [&](auto contents) {
        const duet::testing::HostileFolder folder(contents, names);
        const duet::tools::RunEntry run = duet::tools::read_run(folder.path());
        if (!std::isfinite(run.seconds) || run.seconds < 0) std::abort();
    });
}
