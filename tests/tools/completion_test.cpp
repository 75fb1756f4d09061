#include <algorithm>
#include <cstdlib>
#include <sstream>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <duet/models/training/recipe.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

bool holds(const std::vector<std::string>& lines, const std::string& line) {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
}

std::vector<std::string> sorted(std::vector<std::string> lines) {
    std::sort(lines.begin(), lines.end());
    return lines;
}

/// A bash that has loaded the completion.
struct Shell {
    Shell() {
        const Outcome outcome = duet_command({"completion", "bash"});
        REQUIRE(outcome.code == 0);
        write_bytes(script, Bytes(outcome.out.begin(), outcome.out.end()));
        fs::create_directories(folder.path() / "a folder");
        write_bytes(folder.path() / "a file.toml", {});
    }

    /// What is offered for the last of the words, in a folder that has "a folder" and "a file.toml".
    std::vector<std::string> offers(const std::string& words) const {
        const std::string command = fmt::format(
            "cd '{}' && exec bash --norc -c 'source \"{}\"; COMP_WORDS=({}); "
            "COMP_CWORD=$((${{#COMP_WORDS[@]}} - "
            "1)); _duet; printf \"%s\\n\" \"${{COMPREPLY[@]}}\"' >offers 2>errors",
            folder.path().string(), script.string(), words);
        CHECK(std::system(command.c_str()) == 0);
        CHECK(text_of(folder.path() / "errors").empty());
        return lines_of(text_of(folder.path() / "offers"));
    }

    TemporaryFolder folder;
    fs::path script = folder.path() / "script";
};

}  // namespace

TEST_CASE("bash completes commands, options, names and files") {
    if (std::system("bash -c : >/dev/null 2>&1") != 0) {
        MESSAGE("left out: there is no bash");
        return;
    }
    const Shell shell;
    const std::vector<std::string> all = shell.offers("duet \"\"");
    for (const char* command : {"train", "sample", "inspect", "compare", "plot", "list", "help", "--version"})
        CHECK(holds(all, command));
    CHECK_FALSE(holds(all, "completion"));
    using Words = std::vector<std::string>;
    CHECK(shell.offers("duet tr") == Words{"train"});
    CHECK(shell.offers("duet help ins") == Words{"inspect"});
    CHECK(shell.offers("duet train --gen") == Words{"--generator-widths"});
    CHECK(shell.offers("duet sample --w") == Words{"--weights"});
    CHECK(shell.offers("duet train --loss mini") == Words{"minimax"});
    CHECK(shell.offers("duet train --loss = mini") == Words{"minimax"});  // --loss=mini
    CHECK(shell.offers("duet train --loss =") == models::standard_catalogue().kinds("loss"));
    CHECK(shell.offers("duet train --preset \"\"") == models::preset_names());
    CHECK(shell.offers("duet train --model \"\"") == Words{"mlp", "dcgan", "resnet", "cgan"});
    CHECK(shell.offers("duet train --penalty n") == Words{"none"});
    CHECK(shell.offers("duet train --out x --schedule alt") == Words{"alternating"});
    CHECK(shell.offers("duet inspect --format \"\"") == Words{"text", "dot"});
    CHECK(shell.offers("duet list wass") == Words{"wasserstein"});
    CHECK(shell.offers("duet train --steps \"\"") == Words{""});
    CHECK(shell.offers("duet train --data \"\"") == Words{"a folder"});
    CHECK(sorted(shell.offers("duet train a")) == Words{"a file.toml", "a folder"});
    CHECK(shell.offers("duet plot runs a") == Words{"a folder"});
    CHECK(sorted(shell.offers("duet sample --weights a")) == Words{"a file.toml", "a folder"});
    CHECK(duet_command({"completion", "fish"}).code == 2);
    CHECK_FALSE(contains(duet_command({"--help"}).out, "completion"));
}

TEST_CASE("the man page says what there is, in proper roff") {
    const Outcome page = duet_command({"man"});
    REQUIRE(page.code == 0);
    for (const char* part : {".TH DUET 1 ", ".SH NAME\n", "\\fB\\-\\-penalty\\fR \\fINAME\\fR\n",
                             ".SS duet plot\n", ".TP\n\\fBwasserstein\\fR\n", "(default: 20000)"})
        CHECK(contains(page.out, part));
    CHECK_FALSE(contains(page.out, "completion"));
    const models::Catalogue catalogue = models::standard_catalogue();
    for (const models::Row& row : catalogue.rows())
        CHECK(contains(page.out, ".SS " + row.category.substr(0, row.category.find('-'))));
    if (std::system("groff --version >/dev/null 2>&1") != 0) {
        MESSAGE("left out: groff is not installed");
        return;
    }
    const TemporaryFolder folder;
    const fs::path source = folder.path() / "duet.1", shown = folder.path() / "shown";
    write_bytes(source, Bytes(page.out.begin(), page.out.end()));
    const std::string command =
        fmt::format("groff -man -ww -Tascii -P-c -P-b -P-u '{}' >'{}' 2>'{}'", source.string(),
                    shown.string(), (folder.path() / "errors").string());
    CHECK(std::system(command.c_str()) == 0);
    CHECK(text_of(folder.path() / "errors").empty());
    CHECK(contains(text_of(shown), "--print-recipe"));
}
