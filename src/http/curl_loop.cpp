#include "http/curl_loop.h"

#include <curl/curl.h>

#include <algorithm>

#include "http/shared.h"

namespace dray::http {
namespace {

std::chrono::milliseconds up_to_ms(Nanos duration) {
    return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

}  // namespace

CurlLoop::CurlLoop() {
    if (!curl_ready()) return;
    easy_ = curl_easy_init();
    multi_ = curl_multi_init();
    if (!multi_) return;
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlLoop::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlLoop::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 1L);
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
}

CurlLoop::~CurlLoop() {
    // The connection lives in the multi handle and is closed through the easy handle's callbacks: multi first.
    if (multi_) curl_multi_cleanup(multi_);
    if (easy_) curl_easy_cleanup(easy_);
}

void CurlLoop::forget() {
    curl_multi_remove_handle(multi_, easy_);
}

int CurlLoop::on_socket(void*, int fd, int what, void* self, void*) {
    auto& polled = static_cast<CurlLoop*>(self)->polled_;
    auto known = std::find_if(polled.begin() + 1, polled.end(), [&](const pollfd& p) { return p.fd == fd; });
    if (what == CURL_POLL_REMOVE) {
        if (known != polled.end()) polled.erase(known);
        return 0;
    }
    short events = static_cast<short>((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    if (known == polled.end()) {
        polled.push_back({.fd = fd, .events = events, .revents = 0});
    } else {
        known->events = events;
    }
    return 0;
}

int CurlLoop::on_timer(void*, long milliseconds, void* self) {
    auto& timer = static_cast<CurlLoop*>(self)->timer_;
    if (milliseconds < 0) {
        timer.reset();
    } else {
        timer = Steady::now() + std::chrono::milliseconds(milliseconds);
    }
    return 0;
}

std::optional<int> CurlLoop::result() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg == CURLMSG_DONE) return message->data.result;
    }
    return std::nullopt;
}

std::uint64_t CurlLoop::uploaded() const {
    curl_off_t bytes = 0;
    curl_easy_getinfo(easy_, CURLINFO_SIZE_UPLOAD_T, &bytes);
    return static_cast<std::uint64_t>(bytes);
}

// Sleeps until a socket is ready or something is due. The stop's descriptor ends the sleep too.
void CurlLoop::wait(const Context& ctx, const Transfer& transfer) {
    auto now = Steady::now();
    Nanos sleep = std::chrono::hours(1);
    if (timer_) sleep = std::min<Nanos>(sleep, *timer_ - now);
    if (auto limit = transfer.next_limit()) sleep = std::min<Nanos>(sleep, *limit - now);
    if (auto deadline = ctx.deadline()) sleep = std::min<Nanos>(sleep, *deadline - ctx.clock().steady());

    polled_[0].fd = ctx.stop() ? ctx.stop()->fd() : -1;
    int ready =
        ::poll(polled_.data(), polled_.size(), static_cast<int>(std::max<std::int64_t>(0, up_to_ms(sleep).count())));
    if (ready <= 0) {
        for (pollfd& p : polled_)
            p.revents = 0;
    }
}

// Lets libcurl work on what is ready and due.
void CurlLoop::act() {
    int running = 0;
    // on_socket changes `polled_` meanwhile: one ready descriptor at a time, found anew.
    for (std::size_t i = 1; i < polled_.size(); ++i) {
        if (polled_[i].revents == 0) continue;
        int fd = polled_[i].fd;
        int events = (polled_[i].revents & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
                     (polled_[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
                     (polled_[i].revents & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
        polled_[i].revents = 0;
        curl_multi_socket_action(multi_, fd, events, &running);
        i = 0;
    }
    if (timer_ && *timer_ <= Steady::now()) {
        timer_.reset();
        curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

int CurlLoop::run(const Context& ctx, Transfer& transfer) {
    if (curl_multi_add_handle(multi_, easy_) != CURLM_OK) {
        transfer.end(Fault::local, "libcurl took no further transfer");
        return CURLE_FAILED_INIT;
    }
    std::optional<int> code;
    while (!code) {
        act();
        if ((code = result())) break;
        transfer.look(uploaded());
        if (ctx.stopped()) {
            transfer.end(Fault::stopped, "asked to stop");
        } else if (auto deadline = ctx.deadline(); deadline && ctx.clock().steady() >= *deadline) {
            transfer.end(Fault::deadline, "the time given for it is over");
        }
        if (transfer.ended()) break;
        wait(ctx, transfer);
    }
    return code.value_or(CURLE_ABORTED_BY_CALLBACK);
}

}  // namespace dray::http
