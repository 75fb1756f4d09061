#pragma once

#include <string>
#include <vector>

namespace duet::tools {

/// Runs the command that the arguments of `duet` name, or prints help. Throws Error of arguments that no
/// command takes, naming what was likely meant, and what the command throws.
void run_command_line(std::vector<std::string> arguments);

}  // namespace duet::tools
