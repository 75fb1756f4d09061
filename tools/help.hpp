#pragma once

#include <string>

#include "command.hpp"

namespace duet::tools {

/// A command's help: what it does, its options by groups with their defaults, its footer, in lines of at most
/// 80 columns.
std::string help_text(const CommandDescription& command);

}  // namespace duet::tools
