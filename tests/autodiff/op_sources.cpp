#include "op_sources.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>

namespace duet {

namespace {

/// What stands between the brace at `open` and the one that closes it.
std::string braced(const std::string& text, std::size_t open) {
    std::size_t depth = 0, at = open;
    for (; at < text.size(); ++at) {
        if (text[at] == '{') ++depth;
        if (text[at] == '}' && --depth == 0) break;
    }
    return text.substr(open + 1, at - open - 1);
}

/// True if what is declared has parameters, not just an initial value.
bool is_function(const std::string& declaration) {
    const std::size_t parameters = declaration.find('(');
    return parameters != std::string::npos && parameters < declaration.find('=');
}

/// The declarations of a class that end in a semicolon and are not functions, without what stands in braces.
std::vector<std::string> data_declarations(const std::string& body) {
    std::vector<std::string> declarations;
    std::string open;
    std::size_t depth = 0;
    for (const char letter : body) {
        if (letter == '{') ++depth;
        if (depth == 0 && letter != ';') open += letter;
        if (letter == '}' && --depth == 0 && is_function(open)) open.clear();
        if (depth > 0 || letter != ';') continue;
        if (!is_function(open)) declarations.push_back(open);
        open.clear();
    }
    return declarations;
}

std::vector<std::string> members_of(const std::string& body) {
    static const std::regex member(R"(\b[a-z]\w*_\b)");
    std::vector<std::string> members;
    for (const std::string& declaration : data_declarations(body)) {
        if (declaration.find("static ") != std::string::npos) continue;
        for (std::sregex_iterator match(declaration.begin(), declaration.end(), member), end; match != end;
             ++match)
            members.push_back(match->str());
    }
    return members;
}

std::string attributes_of(const std::string& body) {
    const std::size_t at = body.find("attributes() const override");
    return at == std::string::npos ? "" : braced(body, body.find('{', at));
}

std::set<std::string> rewrites_of(const std::string& body) {
    static const std::regex rewrite(R"(\b(absorb|rearranged|accumulating)\([^{;]*\)\s*const\s+override)");
    std::set<std::string> rewrites;
    for (std::sregex_iterator match(body.begin(), body.end(), rewrite), end; match != end; ++match)
        rewrites.insert((*match)[1]);
    return rewrites;
}

}  // namespace

std::vector<std::string> OpSource::left_out() const {
    std::vector<std::string> missing;
    for (const std::string& member : members)
        if (!std::regex_search(attributes, std::regex("\\b" + member + "\\b"))) missing.push_back(member);
    return missing;
}

std::vector<OpSource> op_sources(std::string text) {
    static const std::regex comment(R"(//[^\n]*)"), literal(R"("(\\.|[^"\\\n])*")");
    static const std::regex declaration(
        R"((?:class|struct)\s+(\w+)\s*(?:final)?\s*:\s*(?:public\s+)?(?:duet::)?((\w+)[^{]*))");
    text = std::regex_replace(std::regex_replace(text, comment, ""), literal, "\"\"");
    std::vector<OpSource> declared;
    std::map<std::string, OpSource> classes;
    std::map<std::string, std::string> bases;
    for (std::sregex_iterator match(text.begin(), text.end(), declaration), end; match != end; ++match) {
        const std::string body = braced(text, text.find('{', static_cast<std::size_t>(match->position())));
        declared.push_back(
            {(*match)[1], (*match)[3], members_of(body), attributes_of(body), rewrites_of(body)});
        classes[(*match)[1]] = declared.back();
        bases[(*match)[1]] = (*match)[2];
    }
    const std::set<std::string> roots{"Op", "OpOf", "ElementwiseOp", "ElementwiseOf"};
    std::vector<OpSource> ops;
    for (OpSource& op : declared) {
        std::string ancestor = op.base;
        for (std::size_t depth = 0; depth < classes.size() && classes.contains(ancestor); ++depth) {
            const OpSource& base = classes.at(ancestor);
            op.rewrites.insert(base.rewrites.begin(), base.rewrites.end());
            ancestor = base.base;
        }
        if (roots.contains(ancestor)) ops.push_back(std::move(op));
    }
    for (OpSource& op : ops)
        op.is_base = std::any_of(ops.begin(), ops.end(), [&](const OpSource& other) {
            return other.name != op.name &&
                   std::regex_search(bases[other.name], std::regex("\\b" + op.name + "\\b"));
        });
    return ops;
}

std::vector<OpSource> op_sources_in(const std::filesystem::path& folder) {
    std::string text;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        const std::string extension = entry.path().extension();
        if (extension != ".cpp" && extension != ".hpp") continue;
        std::ifstream file(entry.path());
        text.append(std::istreambuf_iterator<char>(file), {});
    }
    return op_sources(std::move(text));
}

}  // namespace duet
