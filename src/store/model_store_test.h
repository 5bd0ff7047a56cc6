// For tests: our store in front of a model server.
#pragma once

#include <memory>
#include <string>

#include "base/check.h"
#include "model_s3/server.h"
#include "store/s3_store.h"

namespace dray {

inline std::unique_ptr<ObjectStore> store_at(const std::string& endpoint, s3::Credentials credentials,
                                             const std::string& ca_bundle = {}) {
    auto parsed = s3::Endpoint::parse(endpoint);
    CHECK(parsed.has_value());
    S3StoreOptions options{.endpoint = *parsed, .credentials = s3::fixed_credentials(std::move(credentials))};
    options.timeouts = {
        .connect = std::chrono::seconds(5), .first_byte = std::chrono::seconds(2), .idle = std::chrono::seconds(2)};
    options.ca_bundle = ca_bundle;
    auto store = make_s3_store(std::move(options));
    CHECK(store.has_value());
    return std::move(*store);
}

inline std::unique_ptr<ObjectStore> store_at(const model::ModelS3& server, const std::string& ca_bundle = {}) {
    const auto& keys = server.options().credentials.front();
    return store_at(server.endpoint(), {.access_key = keys.access_key, .secret_key = keys.secret_key}, ca_bundle);
}

}  // namespace dray
