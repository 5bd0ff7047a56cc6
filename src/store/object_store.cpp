#include "store/object_store.h"

#include <algorithm>
#include <cstring>

namespace dray {

std::string_view name_of(Checksum::Algorithm algorithm) {
    switch (algorithm) {
        case Checksum::Algorithm::crc32: return "CRC32";
        case Checksum::Algorithm::crc32c: return "CRC32C";
        case Checksum::Algorithm::crc64nvme: return "CRC64NVME";
        case Checksum::Algorithm::sha1: return "SHA1";
        case Checksum::Algorithm::sha256: return "SHA256";
    }
    return "";
}

bool is_plain_md5(std::string_view etag) {
    auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
    return etag.size() == 32 && std::all_of(etag.begin(), etag.end(), is_hex);
}

namespace {

class BytesSource : public ByteSource {
public:
    explicit BytesSource(std::string_view bytes) : bytes_(bytes) {}
    std::uint64_t size() const override { return bytes_.size(); }
    Result<std::size_t> read(char* buffer, std::size_t bytes) override {
        const std::size_t n = std::min(bytes, bytes_.size() - position_);
        if (n > 0) std::memcpy(buffer, bytes_.data() + position_, n);
        position_ += n;
        return n;
    }
    Status rewind() override {
        position_ = 0;
        return {};
    }

private:
    std::string_view bytes_;
    std::size_t position_ = 0;
};

}  // namespace

std::unique_ptr<ByteSource> bytes_source(std::string_view bytes) {
    return std::make_unique<BytesSource>(bytes);
}

Result<ObjectInfo> ObjectStore::put(const Context& ctx, const ObjectRef& object, std::string_view bytes,
                                    const PutOptions& options) {
    BytesSource source(bytes);
    return put(ctx, object, source, options);
}

}  // namespace dray
