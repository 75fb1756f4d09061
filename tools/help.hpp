#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace duet::tools {

/// A command's help: what it does, its options by groups with their defaults, its footer, in lines of at most
/// 80 columns.
class Help : public CLI::FormatterBase {
 public:
    /// `prepare` is called before help is made: what was given on the command line is known then.
    explicit Help(std::function<void()> prepare = {}) : prepare_(std::move(prepare)) {}

    std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;

 private:
    std::function<void()> prepare_;
};

/// The commands that help names: those with a group, by the order they were added.
std::vector<CLI::App*> shown_commands(CLI::App& app);

}  // namespace duet::tools
