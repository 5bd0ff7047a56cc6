// For tests: a TCP server on loopback that plays one scripted conversation a connection, byte for byte.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/check.h"

namespace dray::http {

class TestServer {
public:
    // One accepted connection, as a script sees it. It is closed when the script returns.
    class Peer {
    public:
        Peer(int fd, std::size_t number, TestServer& server) : fd_(fd), number_(number), server_(server) {}
        std::size_t number() const { return number_; }  // 0 for the first connection

        // One request: headers, and as much body as Content-Length says; empty when the client closed.
        std::string request();
        bool send(std::string_view bytes) {
            while (!bytes.empty()) {
                auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
                if (sent <= 0) return false;
                bytes.remove_prefix(static_cast<std::size_t>(sent));
            }
            return true;
        }
        bool answer(std::string_view body, std::string_view status = "200 OK") {
            return send("HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) +
                        "\r\n\r\n" + std::string(body));
        }
        // Waits until the client closes or the server ends.
        void hold() {
            char byte;
            while (::recv(fd_, &byte, 1, 0) > 0) {
            }
        }
        // False once the client closed, true when it did not for that long.
        bool still_there(std::chrono::milliseconds wait) {
            pollfd closed{.fd = fd_, .events = POLLRDHUP, .revents = 0};
            return ::poll(&closed, 1, static_cast<int>(wait.count())) == 0;
        }
        // Sends no more, and returns when the end has reached the client's side: its kernel acknowledged it.
        void finish() {
            ::shutdown(fd_, SHUT_WR);
            tcp_info facts{};
            do {
                std::this_thread::yield();
                socklen_t length = sizeof facts;
                CHECK(::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &facts, &length) == 0);
            } while (facts.tcpi_state == TCP_FIN_WAIT1);
        }
        // A reset instead of an orderly end.
        void reset() {
            linger hard{.l_onoff = 1, .l_linger = 0};
            ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        }

    private:
        int fd_;
        std::size_t number_;
        TestServer& server_;
        std::string buffer_;
    };
    using Script = std::function<void(Peer&)>;

    explicit TestServer(Script script) : script_(std::move(script)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        CHECK(::listen(listener_, 512) == 0);
        socklen_t length = sizeof address;
        CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    ~TestServer() {
        ::shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        ::close(listener_);
        {
            std::lock_guard lock(mutex_);
            for (int fd : fds_)
                ::shutdown(fd, SHUT_RDWR);
        }
        for (auto& thread : threads_)
            thread.join();
    }

    int port() const { return port_; }
    std::string url(std::string_view path = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
    }
    // Every request any connection received, in order.
    std::vector<std::string> requests() const {
        std::lock_guard lock(mutex_);
        return requests_;
    }
    std::size_t connections() const { return connections_; }

private:
    void accept_all() {
        for (;;) {
            int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            std::lock_guard lock(mutex_);
            fds_.push_back(fd);
            threads_.emplace_back([this, fd, number = connections_++] { serve(fd, number); });
        }
    }
    void serve(int fd, std::size_t number) {
        Peer peer(fd, number, *this);
        script_(peer);
        std::lock_guard lock(mutex_);
        std::erase(fds_, fd);
        ::close(fd);
    }

    Script script_;
    int listener_ = -1;
    int port_ = 0;
    std::thread acceptor_;
    mutable std::mutex mutex_;
    std::vector<int> fds_;
    std::list<std::thread> threads_;
    std::vector<std::string> requests_;
    std::atomic<std::size_t> connections_{0};
};

inline std::string TestServer::Peer::request() {
    auto more = [this] {
        char bytes[16384];
        auto got = ::recv(fd_, bytes, sizeof bytes, 0);
        if (got > 0) buffer_.append(bytes, static_cast<std::size_t>(got));
        return got > 0;
    };
    std::size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
        if (!more()) return {};
    }
    std::size_t length = end + 4;
    if (auto at = buffer_.find("Content-Length: "); at < end) length += std::stoul(buffer_.substr(at + 16));
    while (buffer_.size() < length) {
        if (!more()) return {};
    }
    std::string request = buffer_.substr(0, length);
    buffer_.erase(0, length);
    std::lock_guard lock(server_.mutex_);
    server_.requests_.push_back(request);
    return request;
}

}  // namespace dray::http
