// What most commands include, parsed once. They still include what they use.
#include <nlohmann/json.hpp>

#include "library.hpp"
