#include <duet/data/safetensors_header.hpp>

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include <duet/data/file.hpp>
#include <duet/graph/error.hpp>

namespace duet {
namespace {

using nlohmann::json;

/// Takes the parser's events; anything out of place ends the parse with a reason, so depth is bounded by the
/// form.
class HeaderReader : public nlohmann::json_sax<json> {
 public:
    SafetensorsHeader header;
    std::string problem;

    bool start_object(std::size_t) override {
        switch (place_) {
            case Place::start:
                place_ = Place::root;
                return true;
            case Place::root_value:
                if (key_ == "__metadata__") {
                    place_ = Place::metadata;
                } else {
                    place_ = Place::entry;
                    header.entries.push_back({key_, {}, {}, 0, 0});
                    seen_fields_.clear();
                    offsets_.clear();
                }
                return true;
            default:
                return misplaced("an object");
        }
    }

    bool key(std::string& name) override {
        switch (place_) {
            case Place::root:
                if (!names_.insert(name).second) return fail("the name {} comes twice", name);
                place_ = Place::root_value;
                break;
            case Place::metadata:
                if (header.metadata.contains(name)) return fail("the metadata key {} comes twice", name);
                place_ = Place::metadata_value;
                break;
            default:
                if (!seen_fields_.insert(name).second) return fail("the field {} comes twice", name);
                if (name == "dtype") {
                    place_ = Place::dtype;
                } else if (name == "shape") {
                    place_ = Place::shape;
                } else if (name == "data_offsets") {
                    place_ = Place::offsets;
                } else {
                    return fail("the field {} is unknown, expected dtype, shape and data_offsets", name);
                }
                return true;
        }
        key_ = name;
        return true;
    }

    bool end_object() override {
        switch (place_) {
            case Place::entry:
                if (seen_fields_.size() != 3) {
                    return fail("{} lacks one of dtype, shape and data_offsets", entry().name);
                }
                place_ = Place::root;
                return true;
            case Place::metadata:
                place_ = Place::root;
                return true;
            default:
                place_ = Place::finished;
                return true;
        }
    }

    bool start_array(std::size_t) override {
        if (place_ == Place::shape) {
            place_ = Place::in_shape;
        } else if (place_ == Place::offsets) {
            place_ = Place::in_offsets;
        } else {
            return misplaced("an array");
        }
        return true;
    }

    bool end_array() override {
        if (place_ == Place::in_offsets) {
            if (offsets_.size() != 2) return fail("data_offsets of {} are not two numbers", entry().name);
            entry().begin = offsets_[0];
            entry().end = offsets_[1];
        }
        place_ = Place::entry;
        return true;
    }

    bool string(std::string& value) override {
        if (place_ == Place::metadata_value) {
            header.metadata[key_] = value;
            place_ = Place::metadata;
        } else if (place_ == Place::dtype) {
            entry().dtype = value;
            place_ = Place::entry;
        } else {
            return misplaced("a string");
        }
        return true;
    }

    bool number_unsigned(std::uint64_t value) override {
        if (place_ == Place::in_shape) {
            entry().shape.push_back(value);
        } else if (place_ == Place::in_offsets) {
            if (offsets_.size() == 2) return fail("data_offsets of {} are not two numbers", entry().name);
            offsets_.push_back(value);
        } else {
            return misplaced("a number");
        }
        return true;
    }

    bool number_integer(std::int64_t) override { return misplaced("a negative number"); }
    bool number_float(double, const std::string&) override { return misplaced("a number that is not whole"); }
    bool null() override { return misplaced("null"); }
    bool boolean(bool) override { return misplaced("true or false"); }
    bool binary(json::binary_t&) override { return misplaced("binary data"); }

    bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
        problem = fmt::format("it is not JSON from byte {} on", position);
        return false;
    }

 private:
    enum class Place {
        start,
        root,
        root_value,
        metadata,
        metadata_value,
        entry,
        dtype,
        shape,
        in_shape,
        offsets,
        in_offsets,
        finished
    };

    TensorEntry& entry() { return header.entries.back(); }

    bool fail(std::string_view text, std::string_view name) {
        problem = fmt::format(fmt::runtime(text), quoted_for_message(name));
        return false;
    }

    bool misplaced(std::string_view what) {
        const std::string where = key_.empty() ? "" : fmt::format(" at {}", quoted_for_message(key_));
        problem = fmt::format("{} stands{} where it does not belong", what, where);
        return false;
    }

    Place place_ = Place::start;
    std::string key_;
    std::set<std::string> names_;
    std::set<std::string> seen_fields_;
    std::vector<std::uint64_t> offsets_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, std::string_view origin) {
    HeaderReader reader;
    // The parser would skip a byte order mark, and take NUL for the text's end; the format has neither.
    bool parsed = false;
    if (!text.starts_with('{')) {
        reader.problem = "it does not start with '{'";
    } else if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
        reader.problem = fmt::format("byte {} is NUL, expected JSON, padded with spaces if at all", nul + 1);
    } else {
        parsed = json::sax_parse(text.begin(), text.end(), &reader);
    }
    if (!parsed) {
        throw FileError(fmt::format("{}: bad safetensors header: {}", origin, reader.problem));
    }
    return std::move(reader.header);
}

}  // namespace duet
