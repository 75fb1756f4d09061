#include "../../tools/curves.hpp"
#include "reader.hpp"

/// libFuzzer's entry: a metrics.csv, which may have no curves, and a chart of them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return duet::testing::read_hostile(data, size, [](auto contents) {
        const std::string_view text(reinterpret_cast<const char*>(contents.data()), contents.size());
        const duet::tools::PlottedRun run = {"fuzz", duet::tools::parse_metrics(text, "fuzz")};
        try {
            duet::tools::chart_svg(duet::tools::chart_of({&run, 1}, {}, 2));
        } catch (const duet::Error&) {
        }
    });
}
