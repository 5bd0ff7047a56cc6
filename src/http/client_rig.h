// For tests of the client: a client, requests to a TestServer, bodies from and into memory.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/http.h"
#include "http/test_server.h"

namespace dray::http {

using Peer = TestServer::Peer;

inline std::unique_ptr<Client> make_client(ClientOptions options = {}) {
    auto client = Client::make(options);
    CHECK(client.has_value());
    return std::move(*client);
}

inline Request get(const TestServer& server, std::string_view path = "/") {
    return {.method = "GET", .url = server.url(path), .changes = false};
}
inline Request put(const TestServer& server, std::string_view body) {
    return {.method = "PUT", .url = server.url("/b/k"), .body = body};
}

class Text : public BodySource {
public:
    explicit Text(std::string text) : text_(std::move(text)) {}
    std::uint64_t size() const override { return text_.size(); }
    Result<std::size_t> read(char* buffer, std::size_t bytes) override {
        auto taken = text_.copy(buffer, bytes, at_);
        at_ += taken;
        return taken;
    }
    Status rewind() override {
        at_ = 0;
        return {};
    }

private:
    std::string text_;
    std::size_t at_ = 0;
};

class Collected : public BodySink {
public:
    Status write(std::string_view bytes) override {
        if (full) return Error{.code = Code::local, .message = "the disk is full"};
        text.append(bytes);
        return {};
    }
    std::string text;
    bool full = false;
};

}  // namespace dray::http
