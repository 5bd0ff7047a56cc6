#include "s3/put_object.h"

#include <algorithm>
#include <functional>

#include "base/checksum.h"
#include "base/log.h"

namespace dray::s3 {
namespace {

constexpr std::string_view kCrc64 = "x-amz-checksum-crc64nvme";
constexpr std::size_t kChunk = std::size_t{64} << 10;

Status read_through(http::BodySource& source, const std::function<void(std::string_view)>& take) {
    std::string buffer(kChunk, '\0');
    for (;;) {
        TRY_LET(read, source.read(buffer.data(), buffer.size()));
        if (read == 0) return source.rewind();
        take(std::string_view(buffer).substr(0, read));
    }
}

std::string big_endian_base64(std::uint64_t crc) {
    char bytes[8];
    for (int i = 0; i < 8; ++i)
        bytes[i] = static_cast<char>(crc >> (56 - 8 * i));
    return base64({bytes, sizeof bytes});
}

bool brings_checksum(const http::Headers& headers) {
    return http::has(headers, "content-md5") || std::any_of(headers.begin(), headers.end(), [](const auto& header) {
               return header.name.starts_with("x-amz-checksum-");
           });
}

// True unless both sides told a checksum of one algorithm, and they differ.
bool checksums_agree(const http::Headers& sent, const Answer& answer) {
    return std::all_of(sent.begin(), sent.end(), [&](const http::Header& header) {
        if (!header.name.starts_with("x-amz-checksum-")) return true;
        auto told = answer.header(header.name);
        return told.empty() || told == header.value;
    });
}

}  // namespace

Status add_body_checksum(http::Headers& headers, http::BodySource& source, bool checksum_headers) {
    if (checksum_headers) {
        std::uint64_t crc = 0;
        TRY(read_through(source, [&](std::string_view bytes) { crc = crc64nvme(bytes, crc); }));
        headers.push_back({std::string(kCrc64), big_endian_base64(crc)});
        return {};
    }
    Md5Stream stream;
    TRY(read_through(source, [&](std::string_view bytes) { stream.update(bytes); }));
    auto digest = stream.finish();
    headers.push_back({"content-md5", base64({reinterpret_cast<const char*>(digest.data()), digest.size()})});
    return {};
}

Result<Answer> put_object(const Context& ctx, Client& client, const PutObject& request) {
    Call call{.operation = Operation::put_object,
              .bucket = request.bucket,
              .key = request.key,
              .headers = request.headers,
              .source = request.source};
    call.repeatable = !http::has(call.headers, "if-none-match") && !http::has(call.headers, "if-match");
    if (!client.signs_bodies() && !brings_checksum(call.headers)) {
        TRY(add_body_checksum(call.headers, *request.source, client.takes_checksum_headers()));
    }
    auto sent = call.headers;
    TRY_LET(answer, client.send(ctx, std::move(call)));
    if (!checksums_agree(sent, answer)) {
        return Error{.code = Code::corrupt,
                     .message = "PutObject s3://" + printable(request.bucket) + "/" + printable(request.key) +
                                ": the store tells another checksum than that of the bytes sent",
                     .unsure = true};
    }
    return std::move(answer);
}

}  // namespace dray::s3
