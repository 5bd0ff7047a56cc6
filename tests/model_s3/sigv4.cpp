#include "sigv4.h"

#include <algorithm>
#include <optional>

#include "xml.h"

namespace dray::model {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct Authorization {
    std::string_view access_key, date, region, service, signed_headers, signature;
    std::string_view scope;  // date/region/service/aws4_request
};

std::string_view take_until(std::string_view& rest, char mark) {
    const std::size_t at = rest.find(mark);
    const std::string_view taken = rest.substr(0, at);
    rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
    return taken;
}

bool parse_scope(std::string_view credential, Authorization& out) {
    // Access keys may hold slashes; the scope's four parts never do.
    std::size_t cut = credential.size();
    for (int i = 0; i < 4; ++i) {
        cut = credential.rfind('/', cut - 1);
        if (cut == std::string_view::npos || cut == 0) return false;
    }
    out.access_key = credential.substr(0, cut);
    out.scope = credential.substr(cut + 1);
    std::string_view rest = out.scope;
    out.date = take_until(rest, '/');
    out.region = take_until(rest, '/');
    out.service = take_until(rest, '/');
    return rest == "aws4_request";
}

std::optional<Authorization> parse_authorization(std::string_view value) {
    if (!value.starts_with(kAlgorithm)) return std::nullopt;
    value.remove_prefix(kAlgorithm.size());
    Authorization out;
    bool scoped = false;
    while (!value.empty()) {
        std::string_view item = take_until(value, ',');
        while (item.starts_with(' '))
            item.remove_prefix(1);
        const std::string_view name = take_until(item, '=');
        if (name == "Credential") scoped = parse_scope(item, out);
        if (name == "SignedHeaders") out.signed_headers = item;
        if (name == "Signature") out.signature = item;
    }
    if (!scoped || out.signed_headers.empty() || out.signature.size() != 64) return std::nullopt;
    return out;
}

bool is_signed(std::string_view signed_headers, std::string_view name) {
    while (!signed_headers.empty())
        if (take_until(signed_headers, ';') == name) return true;
    return false;
}

// Names must be sorted and lower case; `host` and every x-amz-* header of the request must be among them.
bool signed_headers_complete(const Request& request, std::string_view signed_headers) {
    if (!is_signed(signed_headers, "host")) return false;
    return std::all_of(request.headers.begin(), request.headers.end(), [&](const HeaderField& field) {
        return !field.name.starts_with("x-amz-") || is_signed(signed_headers, field.name);
    });
}

void append_collapsed(std::string_view value, std::string& out) {
    bool space = false;
    for (char c : value) {
        if (c == ' ' && space) continue;
        space = c == ' ';
        out += c;
    }
}

void append_headers(const Request& request, std::string_view signed_headers, std::string& out) {
    std::string_view rest = signed_headers;
    while (!rest.empty()) {
        const std::string_view name = take_until(rest, ';');
        out.append(name).append(":");
        bool first = true;
        for (const HeaderField& field : request.headers) {
            if (field.name != name) continue;
            if (!first) out += ',';
            append_collapsed(field.value, out);
            first = false;
        }
        out += '\n';
    }
}

void append_query(const Request& request, std::string& out) {
    if (request.params.empty()) return;
    std::vector<std::pair<std::string, std::string>> items;
    items.reserve(request.params.size());
    for (const auto& [name, value] : request.params) {
        auto& item = items.emplace_back();
        percent_encode(name, false, item.first);
        percent_encode(value, false, item.second);
    }
    std::sort(items.begin(), items.end());
    for (const auto& [name, value] : items) {
        if (&name != &items.front().first) out += '&';
        out.append(name).append("=").append(value);
    }
}

std::string hex_bytes(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i != 0) out += ' ';
        out += to_hex(text.substr(i, 1));
    }
    return out;
}

Refusal signature_mismatch(const Credential& credential, const Authorization& auth, const std::string& to_sign,
                           const std::string& canonical) {
    Refusal refusal{403,
                    "SignatureDoesNotMatch",
                    "The request signature we calculated does not match the signature you provided. Check your key and "
                    "signing method.",
                    {}};
    XmlWriter xml(refusal.extra_xml);
    xml.text("AWSAccessKeyId", credential.access_key);
    xml.text("StringToSign", to_sign);
    xml.text("SignatureProvided", auth.signature);
    xml.raw("StringToSignBytes", hex_bytes(to_sign));
    xml.text("CanonicalRequest", canonical);
    xml.raw("CanonicalRequestBytes", hex_bytes(canonical));
    return refusal;
}

Refusal check_date(const Request& request, const Authorization& auth, const SignatureRules& rules,
                   std::string_view& stamp, std::string& made) {
    stamp = request.header("x-amz-date");
    std::int64_t when = 0;
    if (stamp.empty()) {
        if (!parse_http_date(request.header("date"), when))
            return {403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", {}};
        made = iso_date(when, false);
        made =
            made.substr(0, 4) + made.substr(5, 2) + made.substr(8, 5) + made.substr(14, 2) + made.substr(17, 2) + "Z";
        stamp = made;
    } else if (!parse_amz_date(stamp, when)) {
        return {403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", {}};
    }
    const std::int64_t skew = when > rules.now_us ? when - rules.now_us : rules.now_us - when;
    if (skew > rules.max_skew_us) {
        Refusal refusal{403,
                        "RequestTimeTooSkewed",
                        "The difference between the request time and the current time is too large.",
                        {}};
        XmlWriter(refusal.extra_xml)
            .text("RequestTime", stamp)
            .text("ServerTime", iso_date(rules.now_us, false))
            .text("MaxAllowedSkewMilliseconds", std::to_string(rules.max_skew_us / 1000));
        return refusal;
    }
    if (stamp.substr(0, 8) != auth.date)
        return {403, "SignatureDoesNotMatch", "Date in Credential scope does not match the date of the request", {}};
    return {};
}

Refusal check_payload(const Request& request, std::string_view told, bool checked) {
    if (told.empty())
        return {400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256", {}};
    if (told == "UNSIGNED-PAYLOAD" || told.starts_with("STREAMING-") || !checked) return {};
    std::string raw;
    if (told.size() != 64 || !from_hex(told, raw))
        return {400,
                "InvalidArgument",
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, or a valid sha256 "
                "value.",
                {}};
    if (request.body.size() == 0 && told == kEmptyHash) return {};
    const std::string real = body_digest(Hash::sha256, request.body);
    if (real == raw) return {};
    Refusal refusal{400,
                    "XAmzContentSHA256Mismatch",
                    "The provided 'x-amz-content-sha256' header does not match what was computed.",
                    {}};
    XmlWriter(refusal.extra_xml)
        .text("ClientComputedContentSHA256", told)
        .text("S3ComputedContentSHA256", to_hex(real));
    return refusal;
}

Refusal malformed(std::string message, std::string_view region) {
    Refusal refusal{400, "AuthorizationHeaderMalformed", std::move(message), {}};
    if (!region.empty()) XmlWriter(refusal.extra_xml).text("Region", region);
    return refusal;
}

const Credential* find(const std::vector<Credential>& credentials, std::string_view access_key) {
    for (const Credential& credential : credentials)
        if (credential.access_key == access_key) return &credential;
    return nullptr;
}

Refusal check_token(const Request& request, const Credential& credential) {
    if (credential.expired) return {400, "ExpiredToken", "The provided token has expired.", {}};
    if (request.header("x-amz-security-token") == credential.token) return {};
    return {400, "InvalidToken", "The provided token is malformed or otherwise invalid.", {}};
}

}  // namespace

Hmac& Verifier::signing_key(const Credential& credential, std::string_view date, std::string_view region,
                            std::string_view service) {
    scratch_.assign(credential.secret_key)
        .append("\n")
        .append(date)
        .append("/")
        .append(region)
        .append("/")
        .append(service);
    if (auto at = keys_.find(scratch_); at != keys_.end()) return at->second;
    if (keys_.size() > 64) keys_.clear();
    const std::string by_date = Hmac("AWS4" + credential.secret_key).sign(date);
    const std::string by_region = Hmac(by_date).sign(region);
    const std::string by_service = Hmac(by_region).sign(service);
    return keys_.emplace(scratch_, Hmac(Hmac(by_service).sign("aws4_request"))).first->second;
}

Refusal Verifier::verify(const Request& request, const std::vector<Credential>& credentials,
                         const SignatureRules& rules) {
    const std::string_view header = request.header("authorization");
    if (header.empty()) return {403, "AccessDenied", "Access Denied", {}};
    const auto auth = parse_authorization(header);
    if (!auth) return malformed("The authorization header is malformed.", {});
    if (auth->service != "s3")
        return malformed("The authorization header is malformed; incorrect service. This endpoint belongs to \"s3\".",
                         {});
    const Credential* credential = find(credentials, auth->access_key);
    if (!credential) {
        Refusal refusal{
            403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", {}};
        XmlWriter(refusal.extra_xml).text("AWSAccessKeyId", auth->access_key);
        return refusal;
    }
    if (rules.region_checked && auth->region != rules.region)
        return malformed("The authorization header is malformed; the region '" + std::string(auth->region) +
                             "' is wrong; expecting '" + rules.region + "'",
                         rules.region);
    std::string_view stamp;
    std::string made;
    if (Refusal refusal = check_date(request, *auth, rules, stamp, made); refusal.status != 0) return refusal;
    if (!signed_headers_complete(request, auth->signed_headers))
        return {403, "AccessDenied", "There were headers present in the request which were not signed", {}};

    const std::string_view payload = request.header("x-amz-content-sha256");
    canonical_.assign(request.method).append("\n");
    percent_encode(percent_decode(request.path, false), true, canonical_);
    canonical_ += '\n';
    append_query(request, canonical_);
    canonical_ += '\n';
    append_headers(request, auth->signed_headers, canonical_);
    canonical_.append("\n").append(auth->signed_headers).append("\n").append(payload);

    std::string to_sign;
    to_sign.append(kAlgorithm).append("\n").append(stamp).append("\n").append(auth->scope).append("\n");
    to_sign += to_hex(digest(Hash::sha256, canonical_));
    const std::string signature =
        to_hex(signing_key(*credential, auth->date, auth->region, auth->service).sign(to_sign));
    if (signature != auth->signature) return signature_mismatch(*credential, *auth, to_sign, canonical_);
    if (Refusal refusal = check_token(request, *credential); refusal.status != 0) return refusal;
    return check_payload(request, payload, rules.payload_hash_checked);
}

Refusal Verifier::decode_chunks(Request& request, const std::vector<Credential>& credentials) {
    const std::string_view mode = request.header("x-amz-content-sha256");
    if (!mode.starts_with("STREAMING-")) return {};
    const bool chunks_signed = mode.starts_with("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    if (!chunks_signed && mode != "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        return {400, "InvalidArgument", "x-amz-content-sha256 names an unknown streaming mode", {}};
    const auto auth = parse_authorization(request.header("authorization"));
    const Credential* credential = auth ? find(credentials, auth->access_key) : nullptr;
    if (!credential) return {};  // verify() says what is wrong

    const Refusal broken{400, "IncompleteBody", "The request body terminated unexpectedly", {}};
    const std::string encoded = request.body.str();
    std::string_view rest = encoded;
    std::string decoded;
    std::string previous(auth->signature);
    while (true) {
        const std::size_t end = rest.find("\r\n");
        if (end == std::string_view::npos) return broken;
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end + 2);
        std::uint64_t size = 0;
        for (char c : take_until(line, ';')) {
            std::string nibble;
            if (!from_hex(std::string{'0', c}, nibble)) return broken;
            size = size * 16 + static_cast<unsigned char>(nibble[0]);
        }
        if (size > rest.size()) return broken;
        const std::string_view data = rest.substr(0, size);
        if (chunks_signed) {
            std::string to_sign = "AWS4-HMAC-SHA256-PAYLOAD\n";
            to_sign.append(request.header("x-amz-date")).append("\n").append(auth->scope).append("\n").append(previous);
            to_sign.append("\n").append(kEmptyHash).append("\n").append(to_hex(digest(Hash::sha256, data)));
            previous = to_hex(signing_key(*credential, auth->date, auth->region, auth->service).sign(to_sign));
            if (line != "chunk-signature=" + previous)
                return {403, "SignatureDoesNotMatch", "A chunk's signature does not match", {}};
        }
        if (size == 0) break;
        decoded += data;
        rest.remove_prefix(size);
        if (!rest.starts_with("\r\n")) return broken;
        rest.remove_prefix(2);
    }
    while (!rest.empty() && !rest.starts_with("\r\n")) {
        std::string_view line = rest.substr(0, rest.find("\r\n"));
        rest.remove_prefix(std::min(rest.size(), line.size() + 2));
        const std::string_view name = take_until(line, ':');
        while (line.starts_with(' '))
            line.remove_prefix(1);
        if (name.starts_with("x-amz-checksum-"))
            request.trailer_checksum = std::string(name.substr(15)) + ":" + std::string(line);
    }
    std::uint64_t told = 0;
    if (!parse_number(request.header("x-amz-decoded-content-length"), told) || told != decoded.size()) return broken;
    request.body = Body(decoded);
    return {};
}

}  // namespace dray::model
