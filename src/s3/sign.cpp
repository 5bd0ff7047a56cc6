#include "s3/sign.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "base/checksum.h"
#include "base/time.h"

namespace dray::s3 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

template <std::size_t N>
std::string_view bytes_of(const std::array<std::uint8_t, N>& digest) {
    return {reinterpret_cast<const char*>(digest.data()), N};
}

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

void append_lower(std::string& out, std::string_view name) {
    for (char c : name)
        out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// Without blanks at the ends, and with one space for each run of them.
void append_folded(std::string& out, std::string_view value) {
    while (!value.empty() && is_blank(value.front()))
        value.remove_prefix(1);
    while (!value.empty() && is_blank(value.back()))
        value.remove_suffix(1);
    if (std::none_of(value.begin(), value.end(), is_blank)) {
        out.append(value);
        return;
    }
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (!is_blank(value[i])) {
            out += value[i];
        } else if (!is_blank(value[i - 1])) {
            out += ' ';
        }
    }
}

void append_query(std::string& out, std::span<const QueryParameter> query) {
    std::vector<const QueryParameter*> sorted;
    sorted.reserve(query.size());
    for (const auto& parameter : query)
        sorted.push_back(&parameter);
    std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return *a < *b; });
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        if (i > 0) out += '&';
        out.append(sorted[i]->first).append("=").append(sorted[i]->second);
    }
}

// Sorted by lower-case name; the values of one name in their order, joined by commas.
void append_headers(std::string& out, std::span<const http::Header> headers, std::string& signed_headers) {
    struct Named {
        std::string name;
        const std::string* value;
    };
    std::vector<Named> sorted;
    sorted.reserve(headers.size());
    for (const auto& header : headers) {
        sorted.push_back({.name = {}, .value = &header.value});
        append_lower(sorted.back().name, header.name);
    }
    std::stable_sort(sorted.begin(), sorted.end(), [](const Named& a, const Named& b) { return a.name < b.name; });
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        if (i > 0 && sorted[i].name == sorted[i - 1].name) {
            out.back() = ',';
        } else {
            out.append(sorted[i].name).append(":");
            if (!signed_headers.empty()) signed_headers += ';';
            signed_headers += sorted[i].name;
        }
        append_folded(out, *sorted[i].value);
        out += '\n';
    }
}

}  // namespace

std::string Signer::canonical_request(const ToSign& request, std::string& signed_headers) {
    signed_headers.clear();
    std::string out;
    out.reserve(1024);
    out.append(request.method).append("\n").append(request.path).append("\n");
    append_query(out, request.query);
    out += '\n';
    append_headers(out, request.headers, signed_headers);
    out.append("\n").append(signed_headers).append("\n").append(request.payload_hash);
    return out;
}

struct Signer::Impl {
    std::string service;

    struct Key {
        std::string secret, region, day;
        Sha256 bytes;
    };
    // A run uses one or two regions and secrets, and midnight comes once: a few entries, searched one by one.
    static constexpr std::size_t kMaxKeys = 16;
    std::mutex mutex;
    std::vector<Key> keys;

    Sha256 key(const std::string& secret, std::string_view region, std::string_view day);
};

Sha256 Signer::Impl::key(const std::string& secret, std::string_view region, std::string_view day) {
    std::lock_guard lock(mutex);
    auto known = std::find_if(keys.begin(), keys.end(),
                              [&](const Key& k) { return k.day == day && k.region == region && k.secret == secret; });
    if (known != keys.end()) return known->bytes;

    auto bytes = hmac_sha256("AWS4" + secret, day);
    for (std::string_view step : {region, std::string_view(service), std::string_view("aws4_request")}) {
        bytes = hmac_sha256(bytes_of(bytes), step);
    }
    if (keys.size() == kMaxKeys) keys.erase(keys.begin());
    keys.push_back({.secret = secret, .region = std::string(region), .day = std::string(day), .bytes = bytes});
    return bytes;
}

Signer::Signer(std::string service) : impl_(std::make_unique<Impl>()) {
    impl_->service = std::move(service);
}
Signer::~Signer() = default;

std::string Signer::authorization(const Credentials& credentials, std::string_view region, WallTime now,
                                  const ToSign& request) {
    std::string date = amz_date(now);
    auto day = std::string_view(date).substr(0, 8);
    std::string scope;
    scope.append(day).append("/").append(region).append("/").append(impl_->service).append("/aws4_request");

    std::string signed_headers;
    auto hash = hex(sha256(canonical_request(request, signed_headers)));
    std::string to_sign;
    to_sign.reserve(160);
    to_sign.append(kAlgorithm).append("\n").append(date).append("\n").append(scope).append("\n").append(hash);
    auto key = impl_->key(credentials.secret_key, region, day);

    std::string out;
    out.reserve(256);
    out.append(kAlgorithm).append(" Credential=").append(credentials.access_key).append("/").append(scope);
    out.append(",SignedHeaders=").append(signed_headers);
    out.append(",Signature=").append(hex(hmac_sha256(bytes_of(key), to_sign)));
    return out;
}

}  // namespace dray::s3
