#include "http/http.h"

#include <algorithm>

namespace dray::http {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view find(const Headers& headers, std::string_view name) {
    for (const Header& header : headers) {
        if (same_name(header.name, name)) return header.value;
    }
    return {};
}

bool has(const Headers& headers, std::string_view name) {
    return std::any_of(headers.begin(), headers.end(), [&](const Header& h) { return same_name(h.name, name); });
}

std::string_view name_of(Fault fault) {
    switch (fault) {
        case Fault::none: return "none";
        case Fault::resolve: return "resolve";
        case Fault::connect: return "connect";
        case Fault::tls: return "tls";
        case Fault::tls_verify: return "tls-verify";
        case Fault::proxy: return "proxy";
        case Fault::dead_connection: return "dead-connection";
        case Fault::reset: return "reset";
        case Fault::stalled: return "stalled";
        case Fault::truncated: return "truncated";
        case Fault::malformed: return "malformed";
        case Fault::too_large: return "too-large";
        case Fault::source: return "source";
        case Fault::sink: return "sink";
        case Fault::stopped: return "stopped";
        case Fault::deadline: return "deadline";
        case Fault::late: return "late";
        case Fault::local: return "local";
        case Fault::unsendable: return "unsendable";
    }
    return "unknown";
}

}  // namespace dray::http
