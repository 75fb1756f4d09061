// What most commands include, parsed once. They still include what they use.
#include <CLI/CLI.hpp>

#include "library.hpp"
