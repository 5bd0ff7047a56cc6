#include "http/talk.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "http/answer_reader.h"
#include "http/connection.h"

namespace dray::http {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kSmallBody = std::size_t{64} << 10;  // leaves in one packet train with its headers
constexpr std::size_t kPiece = std::size_t{128} << 10;     // of a body from a source
// One read of a small answer, few of a big one; beyond 128 KiB malloc would map and fault in fresh pages each time.
constexpr std::size_t kSmallRead = std::size_t{16} << 10;
constexpr std::size_t kBigRead = std::size_t{120} << 10;

void append_header(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(value.empty() ? ":" : ": ").append(value).append("\r\n");
}

void write_head(std::string& out, const Request& request, std::string_view user_agent, std::uint64_t body) {
    const std::string_view url = request.url;
    const auto path_begin = origin_of(url).size();
    const auto host_begin = url.find("://") + 3;
    const auto path = url.substr(path_begin, url.find('#') - path_begin);
    out.clear();
    out.append(request.method).append(" ");
    if (!path.starts_with('/')) out.append("/");
    out.append(path).append(" HTTP/1.1\r\n");
    append_header(out, "Host", url.substr(host_begin, path_begin - host_begin));
    append_header(out, "User-Agent", user_agent);
    for (const Header& header : request.headers)
        append_header(out, header.name, header.value);
    const bool may_have_body = request.method == "PUT" || request.method == "POST";
    if (may_have_body || body > 0) append_header(out, "Content-Length", std::to_string(body));
    out.append("\r\n");
}

class Talk {
public:
    Talk(Wire& wire, const Request& request, std::string_view user_agent, Transfer& transfer, TalkBuffers& buffers)
        : wire_(wire),
          request_(request),
          user_agent_(user_agent),
          transfer_(transfer),
          buffers_(buffers),
          reader_(transfer, request.method == "HEAD") {}

    // Until the answer is complete or something ended it.
    void run(const Context& ctx) {
        begin();
        while (!over()) {
            const bool sent = sending_ && send_some();
            const bool received = readable_ && receive_some();
            if (over() || !may_go_on(ctx)) return;
            if (!sent && !received) wait(ctx);
        }
    }

    bool keeps_connection() const {
        return reader_.keeps_connection() && !transfer_.ended() && !sending_ && !left_over_ && !broken_;
    }

private:
    void begin() {
        transfer_.upload_size = request_.source ? request_.source->size() : request_.body.size();
        write_head(buffers_.out, request_, user_agent_, transfer_.upload_size);
        head_bytes_ = buffers_.out.size();
        if (!request_.source) {
            if (request_.body.size() <= kSmallBody) {
                buffers_.out.append(request_.body);
            } else {
                body_ = request_.body;
            }
        }
        out_ = buffers_.out;
        transfer_.begin();
    }

    // A refusal may come before all is sent: the rest is not wanted. Any other early answer waits for the rest.
    bool over() const {
        const bool wants_the_rest = sending_ && !broken_ && transfer_.exchange.status / 100 == 2;
        return transfer_.ended() || (reader_.complete() && !wants_the_rest);
    }

    std::uint64_t uploaded() const { return sent_ > head_bytes_ ? sent_ - head_bytes_ : 0; }

    bool may_go_on(const Context& ctx) {
        transfer_.look(uploaded());
        if (ctx.stopped()) {
            transfer_.end(Fault::stopped, "asked to stop");
        } else if (auto deadline = ctx.deadline(); deadline && ctx.clock().steady() >= *deadline) {
            transfer_.end(Fault::deadline, "the time given for it is over");
        }
        return !transfer_.ended();
    }

    bool send_some() {
        if (out_.empty() && !next_piece()) return false;
        std::size_t sent = 0;
        const Wire::Io io = wire_.send(out_, sent);
        if (io == Wire::Io::later) return false;
        if (io != Wire::Io::moved) {
            // An answer that says why may be here already.
            broken_ = readable_ = true;
            sending_ = false;
            return true;
        }
        out_.remove_prefix(sent);
        sent_ += sent;
        sending_ = sent_ < head_bytes_ + transfer_.upload_size;
        return true;
    }

    bool next_piece() {
        if (!request_.source) {
            out_ = std::exchange(body_, {});
            return true;
        }
        buffers_.out.resize(kPiece);
        const auto read = transfer_.read_source(buffers_.out.data(), kPiece);
        out_ = std::string_view(buffers_.out).substr(0, read.value_or(0));
        if (read && out_.empty()) {
            transfer_.exchange.local_error = {.code = Code::local, .message = "the body is shorter than its size"};
            transfer_.end(Fault::source, transfer_.exchange.local_error.message);
        }
        return !out_.empty();
    }

    bool receive_some() {
        const std::size_t most = request_.sink ? kBigRead : kSmallRead;
        if (buffers_.in.size() < most) buffers_.in.resize(most);
        std::size_t received = 0;
        switch (wire_.receive(buffers_.in.data(), most, received)) {
            case Wire::Io::later: return readable_ = false;
            case Wire::Io::closed: broken_ = true, reader_.closed(); return true;
            case Wire::Io::broken:
                broken_ = true;
                if (!reader_.complete()) transfer_.end(Fault::reset, wire_.words());
                return true;
            case Wire::Io::moved: break;
        }
        left_over_ = reader_.take(std::string_view(buffers_.in).substr(0, received)) < received;
        if (reader_.complete()) readable_ = false;
        return true;
    }

    // Sleeps until the socket is ready or something is due. The stop's descriptor ends the sleep too.
    void wait(const Context& ctx) {
        const short events = static_cast<short>(POLLIN | (sending_ ? POLLOUT : 0));
        std::array<pollfd, 2> polled{{{.fd = wire_.fd(), .events = events, .revents = 0},
                                      {.fd = ctx.stop() ? ctx.stop()->fd() : -1, .events = POLLIN, .revents = 0}}};
        const auto now = Steady::now();
        Nanos sleep = std::chrono::hours(1);
        if (auto limit = transfer_.next_limit()) sleep = std::min<Nanos>(sleep, *limit - now);
        if (auto deadline = ctx.deadline()) sleep = std::min<Nanos>(sleep, *deadline - ctx.clock().steady());
        const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(sleep).count();
        const int ready =
            ::poll(polled.data(), polled.size(), static_cast<int>(std::max<std::int64_t>(0, milliseconds)));
        readable_ = ready > 0 && (polled[0].revents & ~POLLOUT) != 0;
    }

    Wire& wire_;
    const Request& request_;
    const std::string_view user_agent_;
    Transfer& transfer_;
    TalkBuffers& buffers_;
    AnswerReader reader_;
    std::string_view out_;   // what is to go next, of buffers_.out or of the body
    std::string_view body_;  // what follows it
    std::uint64_t head_bytes_ = 0, sent_ = 0;
    bool sending_ = true;     // something is left to send
    bool readable_ = false;   // something may have come; before the request has gone nothing has
    bool left_over_ = false;  // bytes came that belong to no answer
    bool broken_ = false;     // closed, or of no use any more
};

}  // namespace

bool talk(const Context& ctx, Wire& wire, const Request& request, bool reused, std::string_view user_agent,
          Transfer& transfer, TalkBuffers& buffers) {
    transfer.exchange.reused_connection = reused;
    Talk conversation(wire, request, user_agent, transfer, buffers);
    conversation.run(ctx);
    Exchange& exchange = transfer.exchange;
    exchange.phase = transfer.ended() ? transfer.phase() : Phase::complete;
    // A server may close an idle connection at any time; this one it closed before it saw the request.
    const bool dead = reused && exchange.fault == Fault::reset && exchange.phase == Phase::sent;
    if (dead) exchange.fault = Fault::dead_connection;
    return conversation.keeps_connection();
}

}  // namespace dray::http
