#include "store/memory_uploads.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checksum.h"

namespace dray {
namespace {

Error unknown_upload(const Upload& upload) {
    return {.code = Code::not_found, .message = "no upload " + upload.id, .reason = "no-such-upload"};
}

}  // namespace

Upload MemoryUploads::begin(const ObjectRef& object, const PutOptions& options, WallTime now) {
    Upload upload{.object = object, .id = fmt::format("upload-{:016x}", ++begun_), .started = now};
    uploads_.emplace(upload.id, MemoryUpload{.upload = upload, .options = options, .parts = {}});
    return upload;
}

Result<MemoryUpload*> MemoryUploads::find(const Upload& upload) {
    auto found = uploads_.find(upload.id);
    if (found == uploads_.end() || found->second.upload.object != upload.object) return unknown_upload(upload);
    return &found->second;
}

void MemoryUploads::end(const Upload& upload) {
    uploads_.erase(upload.id);
}

std::vector<Upload> MemoryUploads::below(const std::string& bucket, const std::string& prefix) const {
    std::vector<Upload> found;
    for (const auto& [id, state] : uploads_) {
        const ObjectRef& object = state.upload.object;
        if (object.bucket == bucket && object.key.starts_with(prefix)) found.push_back(state.upload);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Upload& a, const Upload& b) { return a.object.key < b.object.key; });
    return found;
}

Result<JoinedParts> join_parts(const MemoryUpload& upload, std::span<const Part> parts, std::uint64_t min_part) {
    auto refused = [](std::uint32_t number, const char* why) {
        return Error{
            .code = Code::invalid, .message = fmt::format("part {}: {}", number, why), .reason = "invalid-part"};
    };
    if (parts.empty()) return refused(0, "an upload is completed with at least one part");
    JoinedParts joined;
    std::string digests;
    std::uint32_t previous = 0;
    for (const Part& part : parts) {
        auto held = upload.parts.find(part.number);
        if (part.number <= previous) return refused(part.number, "not in ascending order");
        if (held == upload.parts.end() || held->second.etag != part.etag)
            return refused(part.number, "not uploaded so");
        const std::string& bytes = *held->second.bytes;
        if (&part != &parts.back() && bytes.size() < min_part) return refused(part.number, "too small");
        joined.bytes += bytes;
        const Md5 digest = md5(bytes);
        digests.append(reinterpret_cast<const char*>(digest.data()), digest.size());
        previous = part.number;
    }
    joined.etag = fmt::format("{}-{}", hex(md5(digests)), parts.size());
    return joined;
}

}  // namespace dray
