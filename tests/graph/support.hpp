#pragma once

#include <exception>
#include <string>

namespace duet::testing {

/// What an action throws says; nothing where it throws nothing.
template <class Action>
std::string message_of(Action&& action) {
    try {
        action();
    } catch (const std::exception& error) {
        return error.what();
    }
    return {};
}

}  // namespace duet::testing
