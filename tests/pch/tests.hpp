// What most tests include, parsed once a program. Sources still include what they use.
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/graph.hpp>
#include <duet/graph/runtime/program.hpp>
