#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <span>
#include <string>
#include <vector>

#include <duet/data/file.hpp>

#include "support.hpp"

namespace fs = std::filesystem;
using namespace duet;
using namespace duet::testing;

namespace {

Bytes bytes_of(std::string_view text) {
    return Bytes(text.begin(), text.end());
}

}  // namespace

TEST_CASE("a file comes back as it was written, replaced whole") {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "file";
    for (const std::string& text : {std::string("first, longer"), std::string("second"), std::string()}) {
        write_file_atomically(path, view(text));
        CHECK(read_file(path) == bytes_of(text));
        CHECK(folder.entries() == 1);
    }
}

TEST_CASE("pieces stand in the file one after another, however many and however small") {
    const TemporaryFolder folder;
    std::string whole;
    for (int i = 0; i < 1000; ++i) whole += static_cast<char>('a' + i % 26);
    std::vector<std::span<const std::byte>> pieces(3);
    for (std::size_t at = 0, size = 0; at < whole.size(); at += size, size = (size + 1) % 7)
        pieces.push_back(std::as_bytes(std::span(whole)).subspan(at, std::min(size, whole.size() - at)));
    pieces.resize(pieces.size() + 2);
    REQUIRE(pieces.size() > 2 * 64);
    write_file_atomically(folder.path() / "pieces", pieces);
    CHECK(read_file(folder.path() / "pieces") == bytes_of(whole));
    write_file_atomically(folder.path() / "pieces", std::span(pieces).first(3));
    CHECK(read_file(folder.path() / "pieces").empty());
}

TEST_CASE("a write goes to the file behind a link") {
    const TemporaryFolder folder;
    fs::create_directory(folder.path() / "elsewhere");
    const fs::path real = folder.path() / "elsewhere" / "real";
    write_file_atomically(real, view("old"));
    const fs::path link = folder.path() / "link";
    fs::create_symlink(real, link);
    write_file_atomically(link, view("new"));
    CHECK(fs::is_symlink(link));
    CHECK(read_file(real) == bytes_of("new"));
}

TEST_CASE("a write into the current folder takes a bare name") {
    const TemporaryFolder folder;
    const fs::path before = fs::current_path();
    fs::current_path(folder.path());
    write_file_atomically("bare", view("x"));
    fs::current_path(before);
    CHECK(read_file(folder.path() / "bare") == bytes_of("x"));
}

TEST_CASE("a read that cannot be names path and reason") {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "file";
    const auto error = [](const fs::path& from, std::uint64_t most) {
        return file_error_of([&] { read_file(from, most); });
    };
    CHECK(error(path, 10) == "cannot read " + path.string() + ": No such file or directory");
    CHECK(contains(error(folder.path(), 10), "it is a folder, not a file"));
    CHECK(contains(error("/dev/zero", 10), "not a regular file"));
    write_file_atomically(path, view("12345678901"));
    CHECK(contains(error(path, 10), "it has 11 bytes, more than the 10 allowed here"));
    CHECK(read_file(path, 11).size() == 11);
    CHECK(contains(error(path / "below", 10), "Not a directory"));
    const fs::path pipe = folder.path() / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(contains(error(pipe, 10), "not a regular file"));
}

TEST_CASE("a write that cannot be names path and reason and leaves nothing") {
    const TemporaryFolder folder;
    const fs::path file = folder.path() / "file";
    write_file_atomically(file, view("kept"));
    const auto error = [](const fs::path& to) {
        return file_error_of([&] { write_file_atomically(to, view("lost")); });
    };
    CHECK(contains(error(file / "below"), "Not a directory"));
    const fs::path missing = folder.path() / "missing" / "file";
    CHECK(contains(error(missing), "the folder " + missing.parent_path().string() + " does not exist"));
    CHECK(contains(error(missing), missing.string()));
    CHECK(contains(error(folder.path()), "it is a folder"));
    CHECK(contains(error(folder.path() / ""), "file name"));
    CHECK(contains(error(""), "file name"));
    CHECK(contains(error("/dev/null"), "not a regular file"));
    CHECK(contains(error(folder.path() / std::string(300, 'n')), "File name too long"));
    CHECK(folder.entries() == 1);
    CHECK(read_file(file) == bytes_of("kept"));
}

TEST_CASE("a write that the system breaks off leaves the old file and nothing else") {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "file";
    write_file_atomically(path, view("kept"));
    struct rlimit before {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = before;
    small.rlim_cur = 1000;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const std::string message = file_error_of([&] { write_file_atomically(path, view(Bytes(5000))); });
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, handler);
    CHECK(contains(message, "File too large"));
    CHECK(folder.entries() == 1);
    CHECK(read_file(path) == bytes_of("kept"));
}

TEST_CASE("names from files are made fit for a message") {
    CHECK(quoted_for_message("layer.0") == "\"layer.0\"");
    CHECK(quoted_for_message("a\nb\x01\xff") == "\"a?b??\"");
    CHECK(quoted_for_message(std::string(81, 'x')) == "\"" + std::string(80, 'x') + "...\"");
    CHECK(name_for_message("optimizers.generator") == "optimizers.generator");
    CHECK(name_for_message("a key\n") == "\"a key?\"");
    CHECK(name_for_message("") == "\"\"");
    CHECK(name_for_message(std::string(81, 'x')) == quoted_for_message(std::string(81, 'x')));
}

TEST_CASE("a file that grows is cut where it is opened, and what is appended is there whole") {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "rows.csv";
    {
        AppendedFile file(path, 0);
        file.append("one\n");
        file.append("two\n");
        file.sync();
        CHECK(file.size() == 8);
    }
    AppendedFile file(path, 4);
    file.append("three\n");
    CHECK(file.size() == 10);
    const Bytes contents = read_file(path);
    CHECK(std::string(contents.begin(), contents.end()) == "one\nthree\n");
    CHECK_THROWS_AS(AppendedFile(path, 11), StorageError);
    CHECK_THROWS_AS(AppendedFile(folder.path() / "none" / "rows.csv", 0), StorageError);
}

TEST_CASE("temporary files are removed, others stay") {
    const TemporaryFolder folder;
    for (const char* name :
         {".duet-1-0.partial", ".duet-999-12.partial", "duet.partial", ".duet-1-0", "notes"})
        write_file_atomically(folder.path() / name, "x");
    remove_partials(folder.path());
    CHECK_FALSE(std::filesystem::exists(folder.path() / ".duet-1-0.partial"));
    CHECK_FALSE(std::filesystem::exists(folder.path() / ".duet-999-12.partial"));
    for (const char* name : {"duet.partial", ".duet-1-0", "notes"})
        CHECK(std::filesystem::exists(folder.path() / name));
    remove_partials(folder.path() / "none");
}

TEST_CASE("a folder is made with all above it, and what is in the way is named") {
    const TemporaryFolder folder;
    make_folder(folder.path() / "a" / "b" / "c");
    CHECK(std::filesystem::is_directory(folder.path() / "a" / "b" / "c"));
    make_folder(folder.path() / "a" / "b" / "c");
    write_file_atomically(folder.path() / "file", "x");
    CHECK_THROWS_AS(make_folder(folder.path() / "file"), FileError);
    CHECK_THROWS_AS(make_folder(folder.path() / "file" / "below"), FileError);
}
