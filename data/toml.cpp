#include <duet/data/toml.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <toml++/toml.h>
#include <nlohmann/json.hpp>

#include <duet/data/file.hpp>
#include <duet/graph/error.hpp>

namespace duet {

namespace {

class Reader {
 public:
    explicit Reader(std::string_view origin) : origin_(origin) {}

    Spec table(const toml::table& table, std::size_t level = 0) const {
        Spec spec{{}, {}, from(table)};
        for (const auto& [key, node] : table) {
            Value read = value(node, level);
            if (key.str() == "kind") {
                if (!std::holds_alternative<std::string>(read.is))
                    throw FileError(
                        fmt::format("{}: kind is {}; expected a name in quotes", read.from, type_name(read)));
                spec.kind = std::get<std::string>(read.is);
                if (spec.kind.empty())
                    throw FileError(fmt::format("{}: kind is empty; expected a name", read.from));
                spec.from = read.from;
            } else {
                spec.with.push_back({std::string(key.str()), std::move(read)});
            }
        }
        return spec;
    }

 private:
    std::string from(const toml::node& node) const {
        return fmt::format("{}:{}", origin_, node.source().begin.line);
    }

    /// What stands `level` groups and lists deep.
    Value value(const toml::node& node, std::size_t level) const {
        const std::string where = from(node);
        if (level >= most_levels)
            throw FileError(fmt::format("{}: tables and lists stand in each other more than {} deep", where,
                                        most_levels));
        if (const auto* flag = node.as_boolean()) return {flag->get(), where};
        if (const auto* whole = node.as_integer()) return {whole->get(), where};
        if (const auto* text = node.as_string()) return {text->get(), where};
        if (const auto* inner = node.as_table()) return {table(*inner, level + 1), where};
        if (const auto* number = node.as_floating_point()) {
            if (!std::isfinite(number->get()))
                throw FileError(fmt::format("{}: a number that is not finite", where));
            return {number->get(), where};
        }
        const auto* array = node.as_array();
        if (array == nullptr) throw FileError(fmt::format("{}: dates and times mean nothing here", where));
        std::vector<Value> list;
        for (const toml::node& element : *array) list.push_back(value(element, level + 1));
        return {std::move(list), where};
    }

    std::string_view origin_;
};

/// Past a string that begins at `at`, or to the end of its line or the text where it has no end.
std::size_t after_string(std::string_view text, std::size_t at) {
    const char mark = text[at];
    const std::string triple(3, mark);
    const bool many_lines = text.substr(at, 3) == triple;
    for (at += many_lines ? 3 : 1; at < text.size(); ++at) {
        if (mark == '"' && text[at] == '\\') {
            ++at;
        } else if (!many_lines && (text[at] == mark || text[at] == '\n')) {
            return text[at] == mark ? at + 1 : at;
        } else if (many_lines && text.substr(at, 3) == triple) {
            for (at += 3; at < text.size() && text[at] == mark;) ++at;  // two marks may end the text itself
            return at;
        }
    }
    return text.size();
}

/// toml++ recurses into a dotted key however long it is: it must not see one that would take all the stack.
void check_keys(std::string_view text, std::string_view origin) {
    std::size_t line = 1, dots = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char letter = text[at];
        if (letter == '"' || letter == '\'') {
            const std::size_t end = after_string(text, at);
            line += static_cast<std::size_t>(std::count(text.data() + at, text.data() + end, '\n'));
            at = end - 1;
        } else if (letter == '#') {
            at = std::min(text.find('\n', at), text.size()) - 1;
        } else if (letter == '.') {
            if (++dots < most_levels) continue;
            throw FileError(fmt::format("{}:{}: a key of more than {} parts", origin, line, most_levels));
        } else if (std::string_view("=,[]{}\n").find(letter) != std::string_view::npos) {
            dots = 0;
            if (letter == '\n') ++line;
        }
    }
}

toml::table parsed(std::string_view text, std::string_view origin) {
    check_keys(text, origin);
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& error) {
        throw FileError(fmt::format("{}:{}: no TOML: {}", origin, error.source().begin.line,
                                    std::string(error.description())));
    }
}

/// JSON's strings are TOML's, but for one letter.
std::string text_as_toml(const std::string& text) {
    std::string quoted = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    for (std::size_t at; (at = quoted.find('\x7f')) != std::string::npos;) quoted.replace(at, 1, "\\u007F");
    return quoted;
}

/// Of a number's shortest form, one that TOML reads as a number and not as a whole one.
std::string number_as_toml(double number) {
    std::string text = fmt::format("{}", number);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
}

bool is_key(const std::string& key) {
    return !key.empty() &&
           key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
               std::string::npos;
}

std::string key_as_toml(const std::string& key) {
    return is_key(key) ? key : text_as_toml(key);
}

const std::vector<Value>* specs_in(const Value& value) {
    const auto* list = std::get_if<std::vector<Value>>(&value.is);
    return list != nullptr && !list->empty() && std::holds_alternative<Spec>(list->front().is) ? list
                                                                                               : nullptr;
}

/// False for a group of groups, whose header would stand alone.
bool has_lines(const Spec& spec) {
    return !spec.kind.empty() || spec.with.empty() ||
           std::any_of(spec.with.begin(), spec.with.end(), [](const Setting& setting) {
               return !std::holds_alternative<Spec>(setting.value.is) && specs_in(setting.value) == nullptr;
           });
}

class Writer {
 public:
    std::string text;

    void write(const Spec& spec, const std::string& path) {
        if (!spec.kind.empty()) line("kind", {spec.kind, spec.from});
        for (const Setting& setting : spec.with)
            if (!std::holds_alternative<Spec>(setting.value.is) && specs_in(setting.value) == nullptr)
                line(key_as_toml(setting.key), setting.value);
        for (const Setting& setting : spec.with) {
            const std::string inner =
                path.empty() ? key_as_toml(setting.key) : path + "." + key_as_toml(setting.key);
            if (const Spec* group = std::get_if<Spec>(&setting.value.is)) {
                if (has_lines(*group)) text += fmt::format("\n[{}]\n", inner);
                write(*group, inner);
            } else if (const auto* list = specs_in(setting.value)) {
                for (const Value& each : *list) {
                    text += fmt::format("\n[[{}]]\n", inner);
                    write(std::get<Spec>(each.is), inner);
                }
            }
        }
    }

 private:
    void line(const std::string& key, const Value& value) {
        text += fmt::format("{} = {}", key, format_toml_value(value));
        std::string from = value.from;
        std::replace_if(
            from.begin(), from.end(), [](char letter) { return letter < ' ' || letter > '~'; }, '?');
        if (!from.empty()) text += "  # " + from;
        text += "\n";
    }
};

}  // namespace

Spec parse_toml(std::string_view text, std::string_view origin) {
    if (text.size() > max_toml_bytes)
        throw FileError(
            fmt::format("{}: TOML of {} bytes, expected at most {}", origin, text.size(), max_toml_bytes));
    return Reader(origin).table(parsed(text, origin));
}

Spec read_toml(const std::filesystem::path& path) {
    const Bytes bytes = read_file(path, max_toml_bytes);
    return parse_toml({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
}

Value parse_toml_value(std::string_view text, const std::string& origin) {
    Value value{std::string(text), origin};
    try {
        const Spec document = parse_toml(fmt::format("value = {}", text), origin);
        if (document.with.size() == 1 && document.kind.empty()) value = document.with.front().value;
    } catch (const FileError&) {
        double number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc() && end == text.data() + text.size() && std::isfinite(number))
            value.is = number;
    }
    return with_origin(Spec{{}, {{"value", std::move(value)}}, {}}, origin).with.front().value;
}

std::string format_toml(const Spec& spec) {
    Writer writer;
    writer.write(spec, "");
    return writer.text;
}

std::string format_toml_value(const Value& value) {
    if (const bool* flag = std::get_if<bool>(&value.is)) return *flag ? "true" : "false";
    if (const auto* whole = std::get_if<std::int64_t>(&value.is)) return fmt::format("{}", *whole);
    if (const auto* number = std::get_if<double>(&value.is)) return number_as_toml(*number);
    if (const auto* text = std::get_if<std::string>(&value.is)) return text_as_toml(*text);
    std::string all;
    const auto add = [&](const std::string& part) { all += (all.empty() ? "" : ", ") + part; };
    if (const auto* list = std::get_if<std::vector<Value>>(&value.is)) {
        for (const Value& each : *list) add(format_toml_value(each));
        return "[" + all + "]";
    }
    const Spec& spec = std::get<Spec>(value.is);
    if (!spec.kind.empty()) add("kind = " + text_as_toml(spec.kind));
    for (const Setting& setting : spec.with)
        add(key_as_toml(setting.key) + " = " + format_toml_value(setting.value));
    return "{" + all + "}";
}

std::string value_for_message(const Value& value) {
    constexpr std::size_t longest = 200;
    if (std::holds_alternative<Spec>(value.is)) return "a table";
    const std::string text = format_toml_value(value);
    return text.size() <= longest ? text : fmt::format("{} of {} letters", type_name(value), text.size());
}

}  // namespace duet
