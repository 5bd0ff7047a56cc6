// A small S3 client for the model server's own tests: raw sockets, its own signing, nothing of the product.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dray::model {

struct Reply {
    int status = 0;                              // 0: the connection ended before a whole answer
    std::map<std::string, std::string> headers;  // lower case
    std::string body;
    bool complete = false;  // framed to its end
    std::string header(const std::string& name) const;
};

class Client {
public:
    using Headers = std::vector<std::pair<std::string, std::string>>;

    explicit Client(int port);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    std::string access_key = "model-access-key", secret_key = "model-secret-key", region = "us-east-1";
    std::int64_t skew_s = 0;     // added to the date
    std::string content_sha256;  // empty: computed
    bool close_each = false;     // a connection for each request

    // `target`: path and query, percent-encoded as it shall be sent.
    Reply send(const std::string& method, const std::string& target, const std::string& body = {},
               Headers headers = {});
    // The signed request as bytes.
    std::string sign(const std::string& method, const std::string& target, const std::string& body,
                     Headers headers) const;
    // Sends bytes as they are and reads one answer.
    Reply exchange(const std::string& bytes, bool head = false);
    void reconnect();
    // True when the server has closed the connection.
    bool closed();

private:
    int port_;
    int fd_ = -1;
    std::string in_;
};

}  // namespace dray::model
