#include "s3/endpoint.h"

#include <algorithm>
#include <charconv>

namespace dray::s3 {
namespace {

bool is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// A name that is one DNS label: a dot in it would not match the wildcard of the store's certificate.
bool is_dns_label(std::string_view bucket) {
    return bucket.size() >= 3 && bucket.size() <= 63 && is_lower_or_digit(bucket.front()) &&
           is_lower_or_digit(bucket.back()) &&
           std::all_of(bucket.begin(), bucket.end(), [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_host_character(char c) {
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
}

bool is_host(std::string_view host) {
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        return std::all_of(host.begin() + 1, host.end() - 1, [](char c) {
            return is_lower_or_digit(c) || (c >= 'A' && c <= 'F') || c == ':' || c == '.' || c == '%';
        });
    }
    return !host.empty() && std::all_of(host.begin(), host.end(), is_host_character);
}

Error bad(std::string_view url, std::string_view why) {
    return {.code = Code::invalid, .message = "endpoint '" + std::string(url) + "': " + std::string(why)};
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view url) {
    Endpoint endpoint;
    // Never repeated in a message: it may hold a password.
    if (url.find('@') != std::string_view::npos) {
        return bad("...", "user names and passwords do not belong in an endpoint; give keys by profile or environment");
    }
    std::string_view rest = url;
    if (auto end = rest.find("://"); end != std::string_view::npos) {
        endpoint.scheme = std::string(rest.substr(0, end));
        rest.remove_prefix(end + 3);
        std::transform(endpoint.scheme.begin(), endpoint.scheme.end(), endpoint.scheme.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        if (endpoint.scheme != "https" && endpoint.scheme != "http")
            return bad(url, "the scheme must be https or http");
    }
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.find_first_of("/?#") != std::string_view::npos) return bad(url, "a path or query has no place there");

    auto colon = rest.rfind(':');
    // A lone word is a slip more often than a host: with a scheme or a port it is meant.
    const bool names_a_host = url.find("://") != std::string_view::npos || colon != std::string_view::npos;
    bool in_brackets = rest.ends_with(']');
    if (colon != std::string_view::npos && !in_brackets) {
        auto digits = rest.substr(colon + 1);
        auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
        if (error != std::errc() || end != digits.data() + digits.size() || endpoint.port == 0) {
            return bad(url, "the port must be 1 to 65535");
        }
        rest = rest.substr(0, colon);
    }
    if (!is_host(rest)) return bad(url, rest.empty() ? "there is no host" : "that is no host name");
    if (!names_a_host && rest.find_first_of(".[") == std::string_view::npos && rest != "localhost")
        return bad(url, "that is no URL; write one, as in https://s3.example.org or http://127.0.0.1:9000");
    endpoint.host = std::string(rest);
    std::transform(endpoint.host.begin(), endpoint.host.end(), endpoint.host.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (endpoint.port == (endpoint.scheme == "https" ? 443 : 80)) endpoint.port = 0;
    return endpoint;
}

Endpoint Endpoint::aws(const std::string& region) {
    Endpoint endpoint;
    endpoint.region = region;
    endpoint.host = "s3." + region + ".amazonaws.com" + (region.starts_with("cn-") ? ".cn" : "");
    return endpoint;
}

bool Endpoint::is_aws() const {
    return host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
}

std::string Endpoint::url() const {
    return scheme + "://" + host + (port != 0 ? ":" + std::to_string(port) : "");
}

Endpoint::Target Endpoint::target(std::string_view bucket, std::string_view key) const {
    bool in_host = addressing == Addressing::virtual_host ||
                   (addressing == Addressing::automatic && is_aws() && is_dns_label(bucket));
    Target target;
    target.path.reserve(bucket.size() + key.size() + 16);
    if (in_host && !bucket.empty()) target.host.append(bucket).append(".");
    target.host += host;
    if (port != 0) target.host += ":" + std::to_string(port);
    target.path = "/";
    if (!in_host && !bucket.empty()) {
        uri_encode(target.path, bucket, false);
        if (!key.empty()) target.path += '/';
    }
    uri_encode(target.path, key, true);
    return target;
}

}  // namespace dray::s3
