// What most tools include, parsed once. Sources still include what they use.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
