// One request and its answer over a connection that is open: HTTP/1.1 as RFC 9112 has it, nothing sent twice.
#pragma once

#include <string>
#include <string_view>

#include "http/transfer.h"

namespace dray::http {

// An open connection's bytes, through TLS where there is TLS. Calls never block.
class Wire {
public:
    enum class Io : std::uint8_t { moved, later, closed, broken };
    virtual ~Wire() = default;
    virtual Io send(std::string_view bytes, std::size_t& sent) = 0;
    virtual Io receive(char* buffer, std::size_t bytes, std::size_t& received) = 0;  // closed: an orderly end
    virtual int fd() const = 0;                                                      // to be polled
    virtual std::string words() const = 0;                                           // why it is broken
};

// What a connection keeps from one exchange to the next, so that their memory stays.
struct TalkBuffers {
    std::string out;  // request head and small body, or a piece of a big one
    std::string in;
};

// Sends `request` and fills transfer.exchange. `reused`: other requests went over this connection before. Returns
// whether another request may follow on it.
bool talk(const Context& ctx, Wire& wire, const Request& request, bool reused, std::string_view user_agent,
          Transfer& transfer, TalkBuffers& buffers);

}  // namespace dray::http
