// One API call on its way to the store, before it is escaped, addressed and signed.
#pragma once

#include <string>
#include <vector>

#include "http/http.h"
#include "s3/operation.h"
#include "s3/sign.h"

namespace dray::s3 {

// For rooms that speak of calls and may not know the transport.
using http::BodySink;
using http::BodySource;
using http::Header;
using http::Headers;
using http::Timeouts;

struct Call {
    Operation operation = Operation::head_object;
    std::string bucket;
    std::string key;                    // bytes; empty for calls about a bucket
    std::vector<QueryParameter> query;  // names and values as bytes
    http::Headers headers;              // all of them are signed; those of signing are added on the way
    std::string body;
    http::BodySource* source = nullptr;  // instead of body; borrowed
    http::BodySink* sink = nullptr;      // takes the body of a 2xx; borrowed
    // May be sent again at once when a reused connection died before the answer: reads, and changes whose repeat leaves
    // the same object.
    bool repeatable = false;
};

}  // namespace dray::s3
