#include "store/url.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/log.h"

namespace dray {
namespace {

namespace fs = std::filesystem;

Error bad_url(std::string_view text, std::string_view why, std::string_view next) {
    return {.code = Code::invalid, .message = fmt::format("{}: {}; {}", in_quotes(text), why, next)};
}

// The scheme in lower case, and what follows "://"; an empty scheme: there is none.
struct Scheme {
    std::string name;
    std::string_view rest;
};
Scheme scheme_of(std::string_view text) {
    const auto colon = text.find("://");
    if (colon == std::string_view::npos || colon == 0) return {{}, text};
    std::string name(text.substr(0, colon));
    const bool word = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '.' ||
               c == '-';
    });
    if (!word) return {{}, text};
    for (char& c : name)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return {std::move(name), text.substr(colon + 3)};
}

// What the text behind the bucket means.
void set_key(StoreUrl& url, std::string_view key, bool literal) {
    url.key = key;
    url.form = StoreUrl::Form::object;
    if (literal) return;
    if (key.empty() || key.ends_with('/')) {
        url.form = StoreUrl::Form::prefix;
    } else if (key.ends_with('*')) {
        url.form = StoreUrl::Form::begins;
        url.key.pop_back();
    }
}

Result<StoreUrl> parse_s3(std::string_view text, std::string_view rest, bool literal) {
    StoreUrl url;
    const auto slash = rest.find('/');
    url.bucket = rest.substr(0, slash);
    if (url.bucket.empty()) return bad_url(text, "no bucket", "write s3://bucket/key or s3://bucket/prefix/");
    const bool odd = std::any_of(url.bucket.begin(), url.bucket.end(), [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == '*' || c == '?' || c == '#' || c == '@' || c == '\\' ||
               c == '\x7f';
    });
    if (odd) return bad_url(text, "no bucket has such a name", "write s3://bucket/key; a * goes at the end of a key");
    const std::string_view key = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (literal && key.empty()) return bad_url(text, "no key", "with --literal write s3://bucket/key");
    if (key.size() > 1024) return bad_url(text, "a key of more than 1,024 bytes", "no store can hold it");
    set_key(url, key, literal);
    return url;
}

// Absolute, without "." and "..", and without links where the path exists: one directory has one name.
Result<std::string> real_path(const std::string& path) {
    std::error_code failed;
    const fs::path real = fs::weakly_canonical(fs::absolute(path, failed), failed);
    if (failed) {
        return Error{
            .code = Code::invalid,
            .message = fmt::format("{}: {}; name a directory that you can reach", in_quotes(path), failed.message())};
    }
    std::string text = real.string();
    while (text.size() > 1 && text.ends_with('/'))
        text.pop_back();
    return text;
}

Result<StoreUrl> parse_local(std::string_view text, std::string path, bool literal) {
    if (path.empty()) return bad_url(text, "no path", "write a directory, as in ./in/ or file:///data/in/");
    StoreUrl url;
    url.kind = StoreKind::local;
    const bool begins = !literal && path.ends_with('*');
    if (begins) path.pop_back();
    struct stat status {};
    const bool exists = ::stat(path.c_str(), &status) == 0;
    const bool directory = !begins && (path.ends_with('/') || !exists || S_ISDIR(status.st_mode));
    if (directory && !literal) {
        url.form = StoreUrl::Form::prefix;
        TRY_LET(bucket, real_path(path));
        url.bucket = std::move(bucket);
        return url;
    }
    // The last name is the key, byte for byte; only the directory before it is a path.
    const auto slash = path.rfind('/');
    url.key = slash == std::string::npos ? path : path.substr(slash + 1);
    url.form = begins ? (url.key.empty() ? StoreUrl::Form::prefix : StoreUrl::Form::begins) : StoreUrl::Form::object;
    if (url.key.empty() && !begins) return bad_url(text, "no file name", "leave --literal away to name the directory");
    TRY_LET(bucket, real_path(slash == std::string::npos ? "." : path.substr(0, slash + 1)));
    url.bucket = std::move(bucket);
    return url;
}

bool lies_inside(const std::string& inner, const std::string& outer) {
    return outer == "/" || (inner.starts_with(outer) && inner.size() > outer.size() && inner[outer.size()] == '/');
}

void move_into(StoreUrl& url, const std::string& outer) {
    const std::size_t skip = outer == "/" ? 1 : outer.size() + 1;
    url.key = url.bucket.substr(skip) + "/" + url.key;
    url.bucket = outer;
}

}  // namespace

std::string StoreUrl::text() const {
    const std::string star = form == Form::begins ? "*" : "";
    if (kind == StoreKind::s3) return "s3://" + bucket + "/" + key + star;
    return (bucket == "/" ? "" : bucket) + "/" + key + star;
}

std::string StoreUrl::folder() const {
    return form == Form::begins ? key.substr(0, key.rfind('/') + 1) : key;
}

Result<StoreUrl> parse_store_url(std::string_view text, bool literal) {
    if (text.find('\0') != std::string_view::npos) return bad_url(text, "a NUL byte", "no key can be typed with one");
    const Scheme scheme = scheme_of(text);
    if (scheme.name.empty()) return parse_local(text, std::string(text), literal);
    if (scheme.name == "s3" || scheme.name == "s3a" || scheme.name == "s3n")
        return parse_s3(text, scheme.rest, literal);
    if (scheme.name != "file") {
        return bad_url(text, "dray knows no " + scheme.name + "://", "write s3://bucket/key, file:///dir/ or a path");
    }
    if (!scheme.rest.starts_with('/')) {
        return bad_url(text, "a file URL names an absolute path", "write file:///dir/ with three slashes");
    }
    return parse_local(text, std::string(scheme.rest), literal);
}

Result<StoreUrl> parse_target_url(std::string_view text, const StoreUrl& source, bool literal) {
    TRY_LET(target, parse_store_url(text, literal));
    const bool one_local = source.form == StoreUrl::Form::object && target.kind == StoreKind::local;
    if (!one_local || target.form != StoreUrl::Form::prefix || text.ends_with('/')) return target;
    std::error_code unreadable;  // then it is not taken for a directory, and its use will say why
    return fs::is_directory(target.bucket, unreadable) ? std::move(target) : parse_store_url(text, true);
}

void rest_on_existing(StoreUrl& url) {
    if (url.kind != StoreKind::local) return;
    fs::path existing = url.bucket;
    std::error_code unreadable;  // then it is not taken for existing, and its use will say why
    while (!fs::exists(existing, unreadable) && existing.has_relative_path())
        existing = existing.parent_path();
    if (existing.string() != url.bucket) move_into(url, existing.string());
}

void share_bucket(StoreUrl& a, StoreUrl& b) {
    if (a.kind != StoreKind::local || b.kind != StoreKind::local || a.bucket == b.bucket) return;
    if (lies_inside(a.bucket, b.bucket)) {
        move_into(a, b.bucket);
    } else if (lies_inside(b.bucket, a.bucket)) {
        move_into(b, a.bucket);
    }
}

}  // namespace dray
