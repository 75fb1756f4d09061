#include <duet/data/sha256.hpp>

#include <memory>
#include <stdexcept>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace duet {

namespace {

class Hash {
 public:
    Hash() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
        require(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
    }
    void add(std::span<const std::byte> bytes) {
        require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
    }
    std::string digits() {
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned int size = 0;
        require(EVP_DigestFinal_ex(context_.get(), digest, &size) == 1);
        std::string text;
        for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
        return text;
    }

 private:
    static void require(bool done) {
        if (!done) throw std::runtime_error("OpenSSL's SHA-256 does not work");
    }

    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256(std::span<const std::byte> bytes) {
    Hash hash;
    hash.add(bytes);
    return hash.digits();
}

std::string sha256(const Dataset& data) {
    Hash hash;
    std::string sizes =
        fmt::format("{} {} {} {} {}", data.count, data.height, data.width, data.channels, data.labels.size());
    for (const std::string& name : data.class_names) sizes += fmt::format(" {}:{}", name.size(), name);
    hash.add(std::as_bytes(std::span(sizes)));
    hash.add(std::as_bytes(std::span(data.images)));
    hash.add(std::as_bytes(std::span(data.labels)));
    return hash.digits();
}

}  // namespace duet
