// libcurl's multi interface, driven for one transfer at a time, so that the context and the limits on silence can end
// every wait.
#pragma once

#include <poll.h>

#include <chrono>
#include <optional>
#include <vector>

#include "http/transfer.h"

namespace dray::http {

class CurlLoop {
public:
    CurlLoop();
    // Closes what is open, through the callbacks that are set on easy().
    ~CurlLoop();
    CurlLoop(const CurlLoop&) = delete;
    CurlLoop& operator=(const CurlLoop&) = delete;

    bool ready() const { return easy_ && multi_; }  // false: libcurl gave no handle
    void* easy() const { return easy_; }            // CURL*, to be set up for the transfer
    // Until libcurl is done with what easy() is set to, or `transfer` has ended. Returns a CURLcode; easy() stays
    // attached.
    int run(const Context& ctx, Transfer& transfer);
    // Detaches easy(). Closes a connection that was made with CURLOPT_CONNECT_ONLY, or whose exchange is not complete.
    void forget();

private:
    using Steady = std::chrono::steady_clock;

    void wait(const Context& ctx, const Transfer& transfer);
    void act();
    std::optional<int> result();  // a CURLcode
    std::uint64_t uploaded() const;
    static int on_socket(void*, int fd, int what, void* self, void*);
    static int on_timer(void*, long milliseconds, void* self);

    void* easy_ = nullptr;
    void* multi_ = nullptr;                                                      // CURLM
    std::vector<pollfd> polled_ = {{.fd = -1, .events = POLLIN, .revents = 0}};  // the first is the stop
    std::optional<Steady::time_point> timer_;                                    // when libcurl wants to be called
};

}  // namespace dray::http
