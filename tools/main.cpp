#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

#include "command.hpp"
#include "output.hpp"

namespace {

constexpr int other_failure = 1;
constexpr int bad_usage_or_input = 2;

/// One line that a terminal can show, whatever the message holds.
std::string on_one_line(std::string_view message) {
    while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.remove_suffix(1);
    std::string line;
    for (std::size_t i = 0; i < message.size(); ++i) {
        if (message[i] != '\n') {
            line += message[i];
            continue;
        }
        while (i + 1 < message.size() && (message[i + 1] == '\n' || message[i + 1] == ' ')) ++i;
        line += "; ";
    }
    return duet::tools::one_line(line);
}

int fail(int code, std::string_view message) {
    const std::string line = fmt::format("duet: error: {}\n", on_one_line(message));
    std::fputs(line.c_str(), stderr);
    return code;
}

/// Allocates nothing. An exception of the library's says what was wanted, one of the language's its own name.
int fail_for_lack_of_memory(const std::bad_alloc& error) {
    const std::string_view wanted = error.what();
    std::fputs("duet: error: not enough memory", stderr);
    if (!wanted.starts_with("std::")) std::fprintf(stderr, ": %s", error.what());
    std::fputs("\n", stderr);
    return other_failure;
}

int run_and_report(int argc, char** argv) {
    try {
        duet::tools::run_command_line({argv + 1, argv + argc});
        duet::tools::flush_output();
        return 0;
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const duet::NonFiniteError& error) {
        return fail(other_failure, error.what());
    } catch (const duet::MemoryError& error) {
        return fail(other_failure, error.what());
    } catch (const duet::StorageError& error) {
        return fail(other_failure, error.what());
    } catch (const duet::Error& error) {
        return fail(bad_usage_or_input, error.what());
    } catch (const std::system_error& error) {  // fmt's, of the standard output
        return fail(other_failure,
                    fmt::format("cannot write to the standard output: {}", error.code().message()));
    } catch (const std::exception& error) {
        return fail(other_failure, error.what());
    }
}

}  // namespace

int main(int argc, char** argv) {
    // A file that is opened must not become one of the standard three.
    while (true) {
        const int descriptor = open("/dev/null", O_RDWR);
        if (descriptor < 0 || descriptor > STDERR_FILENO) {
            if (descriptor >= 0) close(descriptor);
            break;
        }
    }
    try {
        return run_and_report(argc, argv);
    } catch (const std::bad_alloc& error) {  // a message may be what there is no memory for
        return fail_for_lack_of_memory(error);
    }
}
