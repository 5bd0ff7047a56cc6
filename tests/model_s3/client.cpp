#include "client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "digest.h"
#include "http.h"

namespace dray::model {
namespace {

constexpr int kPatienceMs = 10'000;

bool more(int fd, std::string& in) {
    pollfd ready{fd, POLLIN, 0};
    if (poll(&ready, 1, kPatienceMs) != 1) return false;
    char buffer[65536];
    const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    in.append(buffer, static_cast<std::size_t>(n));
    return true;
}

std::string canonical_query(std::string_view query) {
    std::vector<std::string> items;
    while (!query.empty()) {
        const std::string_view item = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), item.size() + 1));
        items.emplace_back(item.find('=') == std::string_view::npos ? std::string(item) + "=" : std::string(item));
    }
    std::sort(items.begin(), items.end());
    std::string out;
    for (const std::string& item : items)
        out += (out.empty() ? "" : "&") + item;
    return out;
}

bool read_chunks(int fd, std::string& in, std::string& body) {
    while (true) {
        std::size_t end = 0;
        while ((end = in.find("\r\n")) == std::string::npos)
            if (!more(fd, in)) return false;
        const std::size_t size = std::strtoull(in.c_str(), nullptr, 16);
        while (in.size() < end + 2 + size + 2)
            if (!more(fd, in)) return false;
        body.append(in, end + 2, size);
        in.erase(0, end + 2 + size + 2);
        if (size == 0) return true;
    }
}

}  // namespace

std::string Reply::header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? std::string() : at->second;
}

Client::Client(int port) : port_(port) {
    reconnect();
}
Client::~Client() {
    close(fd_);
}

void Client::reconnect() {
    if (fd_ >= 0) close(fd_);
    in_.clear();
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
}

bool Client::closed() {
    pollfd ready{fd_, POLLIN, 0};
    char byte = 0;
    return poll(&ready, 1, kPatienceMs) == 1 && recv(fd_, &byte, 1, MSG_PEEK) <= 0;
}

std::string Client::sign(const std::string& method, const std::string& target, const std::string& body,
                         Headers headers) const {
    const std::string path = target.substr(0, target.find('?'));
    const std::string query = target.size() > path.size() ? target.substr(path.size() + 1) : std::string();
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(now).count() + skew_s * 1'000'000;
    std::string stamp;
    for (char c : iso_date(us, false).substr(0, 19))
        if (c != '-' && c != ':') stamp += c;
    stamp += 'Z';
    const std::string hash = content_sha256.empty() ? to_hex(digest(Hash::sha256, body)) : content_sha256;
    headers.emplace_back("host", "127.0.0.1:" + std::to_string(port_));
    headers.emplace_back("x-amz-date", stamp);
    headers.emplace_back("x-amz-content-sha256", hash);
    std::sort(headers.begin(), headers.end());
    std::string signed_names, canonical_headers;
    for (const auto& [name, value] : headers) {
        signed_names += (signed_names.empty() ? "" : ";") + name;
        canonical_headers += name + ":" + value + "\n";
    }
    std::string canonical_path;
    percent_encode(percent_decode(path, false), true, canonical_path);
    const std::string canonical = method + "\n" + canonical_path + "\n" + canonical_query(query) + "\n" +
                                  canonical_headers + "\n" + signed_names + "\n" + hash;
    const std::string date = stamp.substr(0, 8), scope = date + "/" + region + "/s3/aws4_request";
    const std::string to_sign =
        "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + to_hex(digest(Hash::sha256, canonical));
    const std::string by_date = Hmac("AWS4" + secret_key).sign(date);
    const std::string key = Hmac(Hmac(Hmac(by_date).sign(region)).sign("s3")).sign("aws4_request");
    std::string out = method + " " + target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : headers)
        out += name + ": " + value + "\r\n";
    out += "authorization: AWS4-HMAC-SHA256 Credential=" + access_key + "/" + scope +
           ", SignedHeaders=" + signed_names + ", Signature=" + to_hex(Hmac(key).sign(to_sign)) + "\r\n";
    out += "content-length: " + std::to_string(body.size()) + "\r\n\r\n";
    return out + body;
}

Reply Client::send(const std::string& method, const std::string& target, const std::string& body, Headers headers) {
    if (close_each) reconnect();
    return exchange(sign(method, target, body, std::move(headers)), method == "HEAD");
}

Reply Client::exchange(const std::string& bytes, bool head) {
    Reply reply;
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) break;  // an early answer may still be there to read
        sent += static_cast<std::size_t>(n);
    }
    std::size_t end = 0;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos)
        if (!more(fd_, in_)) return reply;
    if (in_.starts_with("HTTP/1.1 100")) {
        in_.erase(0, end + 4);
        while ((end = in_.find("\r\n\r\n")) == std::string::npos)
            if (!more(fd_, in_)) return reply;
    }
    reply.status = std::atoi(in_.c_str() + 9);
    std::size_t at = in_.find("\r\n") + 2;
    while (at < end + 2) {
        const std::size_t stop = in_.find("\r\n", at);
        const std::size_t colon = in_.find(':', at);
        reply.headers[to_lower(in_.substr(at, colon - at))] = in_.substr(colon + 2, stop - colon - 2);
        at = stop + 2;
    }
    in_.erase(0, end + 4);
    if (reply.header("transfer-encoding") == "chunked") {
        reply.complete = read_chunks(fd_, in_, reply.body);
        return reply;
    }
    const std::size_t length =
        head || reply.status == 304 ? 0 : std::strtoull(reply.header("content-length").c_str(), nullptr, 10);
    while (in_.size() < length)
        if (!more(fd_, in_)) break;
    reply.complete = in_.size() >= length;
    reply.body = in_.substr(0, length);
    in_.erase(0, reply.body.size());
    return reply;
}

}  // namespace dray::model
