// StoreUrl: what a user names. Keys are bytes: nothing is decoded, `?` and `#` are characters of a key.
//
//   s3://bucket/key        exactly that object            s3://bucket/prefix/   everything below it
//   s3://bucket            everything in the bucket       s3://bucket/begins*   keys that begin so (one trailing *)
//   file:///dir/ or /dir/  a local directory as a bucket: the bucket is its absolute path; /dir/file is one object of
//   it
//
// `s3a://` and `s3n://` are accepted, in any case. With `literal` the text after the bucket is a whole key, whatever it
// ends in.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "store/registry.h"

namespace dray {

struct StoreUrl {
    enum class Form : std::uint8_t {
        object,  // `key` is a whole key
        prefix,  // everything below `key`, which is empty or ends in `/`
        begins,  // everything that begins with `key`
    };
    StoreKind kind = StoreKind::s3;
    Form form = Form::object;
    std::string bucket;
    std::string key;
    bool operator==(const StoreUrl&) const = default;

    // As a user would type it. Local: "/dir/key".
    std::string text() const;
    // The prefix that ends in `/` (or is empty) below which its keys lie: of `begins`, the key up to its last slash.
    std::string folder() const;
};

// A local path that is a directory, or ends in `/`, or does not exist, is a prefix with the directory as its bucket and
// an empty key; a file is an object whose bucket is the directory it lies in. Error: invalid, with what to type
// instead.
Result<StoreUrl> parse_store_url(std::string_view text, bool literal = false);

// What `source` goes to. As parse_store_url(), but a local path that is not there is one object where the source is
// one, unless it ends in `/`.
Result<StoreUrl> parse_target_url(std::string_view text, const StoreUrl& source, bool literal = false);

// A local directory that is not there yet becomes a prefix of the nearest one that is: so a move can have a new
// directory as its target. No effect on other URLs.
void rest_on_existing(StoreUrl& url);

// Where one local directory lies inside another they are one bucket, else two keys would be one object: gives both the
// outer one.
void share_bucket(StoreUrl& a, StoreUrl& b);

}  // namespace dray
