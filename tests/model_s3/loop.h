// Loop: one thread of the HTTP server. It parses, asks the handler, and sends; every wait is a timer, never a blocked
// thread, so a delayed or stalled answer holds up nobody else.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "api.h"
#include "fault.h"
#include "http.h"
#include "sigv4.h"

struct ssl_ctx_st;

namespace dray::model {

// One request on its way through.
struct Exchange {
    Request request;
    Answer answer;
    Op op = Op::unknown;
    std::shared_ptr<const Fault> fault;  // the rule that acts on it; null: none
    std::uint64_t connection = 0;
    enum class Fate { answer, close, stall };
    Fate fate = Fate::answer;
    std::int64_t read_limit = -1;  // bytes of the request's body after which the connection ends
};

class Handler {
public:
    virtual ~Handler() = default;
    // The head is there, the body is not. True: go on and read the body; false: exchange.fate decides now.
    virtual bool on_head(Exchange& exchange) = 0;
    virtual void on_request(Exchange& exchange, Verifier& verifier) = 0;
    virtual std::int64_t now_us() = 0;
};

struct Traffic {
    std::atomic<std::uint64_t> connections{0}, open{0}, max_open{0}, bytes_in{0}, bytes_out{0}, request_ids{0};
};

struct Connection;

class Loop {
public:
    Loop(Handler& handler, Traffic& traffic, ssl_ctx_st* tls);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Accepts on `listener` and hands connections to `peers` in turn; call before run().
    void listen(int listener, std::vector<Loop*> peers);
    void run();
    // From any thread.
    void stop();
    void post(std::function<void()> job);
    void close_idle();

private:
    void adopt(int fd);
    void accept_all();
    void run_posted();
    void run_timers();
    int wait_ms() const;

    // A connection's life: read a head, read a body, answer, write, again.
    void drive(Connection& c);
    bool read_some(Connection& c);
    bool read_head(Connection& c);
    bool read_body(Connection& c);
    bool begin_body(Connection& c);
    void finish_request(Connection& c);
    void settle(Connection& c);
    void start_answer(Connection& c);
    void write_head(Connection& c, bool chunked);
    bool write_some(Connection& c);
    bool at_limit(Connection& c);
    void next_request(Connection& c);
    void refuse(Connection& c, int status, const char* message);
    void linger(Connection& c);
    void end(Connection& c, bool reset);
    void set_timer(Connection& c, std::int64_t ms);
    void on_timer(Connection& c);

    std::int64_t receive(Connection& c, char* to, std::size_t size);  // -1: nothing now; 0: ended
    std::int64_t transmit(Connection& c, const char* from, std::size_t size);

    struct Timer {
        std::int64_t at_ms;
        std::uint64_t connection, sequence;
        bool operator>(const Timer& other) const { return at_ms > other.at_ms; }
    };

    Handler& handler_;
    Traffic& traffic_;
    ssl_ctx_st* tls_;
    Verifier verifier_;
    int epoll_, wake_, listener_ = -1;
    std::vector<Loop*> peers_;
    std::size_t next_peer_ = 0;
    std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
    std::vector<std::unique_ptr<Connection>> dead_;  // freed when the batch of events is done
    std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
    std::uint64_t timer_sequence_ = 0;
    std::string scratch_, date_;
    std::int64_t date_second_ = -1;
    bool stopping_ = false;
    std::mutex posted_mutex_;  // guards posted_
    std::vector<std::function<void()>> posted_;
};

}  // namespace dray::model
