// The pool of connections behind Client.
#include <algorithm>
#include <deque>
#include <mutex>

#include "http/connection.h"
#include "http/http.h"

namespace dray::http {
namespace {

using Steady = std::chrono::steady_clock;

struct Idle {
    std::string origin;
    Steady::time_point since;
    std::unique_ptr<Connection> connection;
};

}  // namespace

struct Client::Impl {
    explicit Impl(const ClientOptions& options) : shared{.options = options} {}
    Shared shared;
    std::mutex mutex;
    std::deque<Idle> idle;  // the coldest first

    std::unique_ptr<Connection> take(std::string_view origin);
    void give_back(std::string_view origin, std::unique_ptr<Connection> connection);
};

// The warmest idle one to this host; else one whose own connection has grown too old to be used again by anybody; else
// none, and the caller makes one. So two hosts used in turn do not close each other's connections.
std::unique_ptr<Connection> Client::Impl::take(std::string_view origin) {
    std::lock_guard lock(mutex);
    auto warmest = std::find_if(idle.rbegin(), idle.rend(), [&](const Idle& i) { return i.origin == origin; });
    auto chosen = idle.end();
    if (warmest != idle.rend()) {
        chosen = std::prev(warmest.base());
    } else if (!idle.empty() &&
               (idle.front().origin.empty() || Steady::now() - idle.front().since > shared.options.idle_connection)) {
        chosen = idle.begin();
    }
    if (chosen == idle.end()) return nullptr;
    auto connection = std::move(chosen->connection);
    idle.erase(chosen);
    return connection;
}

void Client::Impl::give_back(std::string_view origin, std::unique_ptr<Connection> connection) {
    std::lock_guard lock(mutex);
    idle.push_back({std::string(origin), Steady::now(), std::move(connection)});
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::make(const ClientOptions& options) {
    auto impl = std::make_unique<Impl>(options);
    // One is made now, so that a libcurl that cannot work is an error here and not at the first request.
    TRY_LET(first, Connection::make(impl->shared));
    impl->give_back({}, std::move(first));
    return std::unique_ptr<Client>(new Client(std::move(impl)));
}

Exchange Client::send(const Context& ctx, const Request& request) {
    auto origin = origin_of(request.url);
    auto connection = impl_->take(origin);
    if (!connection) {
        auto made = Connection::make(impl_->shared);
        if (!made) return {.fault = Fault::local, .detail = std::move(made).error().message};
        connection = std::move(*made);
    }
    Exchange exchange = connection->send(ctx, request);
    impl_->give_back(origin, std::move(connection));
    return exchange;
}

ClientCounters Client::counters() const {
    const Counters& counters = impl_->shared.counters;
    return {.connections_opened = counters.opened.load(),
            .connections_open = counters.open.load(),
            .connections_open_most = counters.open_most.load(),
            .requests = counters.requests.load()};
}

}  // namespace dray::http
