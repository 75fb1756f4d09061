// What most tests include, parsed once a program. They still include what they use.
#include <random>

#include <doctest/doctest.h>

#include <duet/graph/runtime/program.hpp>

#include "library.hpp"
