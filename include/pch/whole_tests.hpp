// What tests of all of Duet include, parsed once. They still include what they use.
#include <duet/duet.hpp>

#include "tests.hpp"
