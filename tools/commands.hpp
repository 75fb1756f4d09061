#pragma once

namespace CLI {
class App;
}

namespace duet::tools {

// Each adds one command to `duet`; parsing the command line then runs it.
void add_train_command(CLI::App& app);
void add_sample_command(CLI::App& app);
void add_inspect_command(CLI::App& app);
void add_compare_command(CLI::App& app);
void add_bench_command(CLI::App& app);
void add_list_command(CLI::App& app);
void add_plot_command(CLI::App& app);
void add_features_command(CLI::App& app);
void add_evaluate_command(CLI::App& app);
void add_study_command(CLI::App& app);
// These two, hidden from help, print what is made of all commands: completion for bash, and the man page.
void add_completion_command(CLI::App& app);
void add_man_command(CLI::App& app);
void add_export_command(CLI::App& app);
void add_runs_command(CLI::App& app);
void add_info_command(CLI::App& app);
void add_verify_command(CLI::App& app);

}  // namespace duet::tools
