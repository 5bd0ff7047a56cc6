#include "server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <shared_mutex>
#include <thread>

#include "api.h"
#include "control.h"
#include "loop.h"
#include "script.h"

namespace dray::model {
namespace {

[[noreturn]] void die(const char* what) {
    std::fprintf(stderr, "model-s3: %s: %s\n", what, std::strerror(errno));
    std::abort();
}

int listen_on(const std::string& host, int& port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) die("host must be an IPv4 address");
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
    if (listen(fd, 4096) != 0) die("listen");
    socklen_t size = sizeof address;
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    return fd;
}

SSL_CTX* make_tls(const Options& options) {
    if (options.tls_cert.empty()) return nullptr;
    SSL_CTX* tls = SSL_CTX_new(TLS_server_method());
    if (!tls || SSL_CTX_use_certificate_chain_file(tls, options.tls_cert.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, options.tls_key.c_str(), SSL_FILETYPE_PEM) != 1)
        die("certificate or key cannot be used");
    // Partial writes and a buffer that may move: how a non-blocking writer must drive OpenSSL.
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return tls;
}

bool is_listing(Op op) {
    return op == Op::list_v1 || op == Op::list_v2 || op == Op::list_versions;
}

// %07d: the number; %h: 16 hexadecimal digits made of it; %D: a day and a number within it, 2,000 a day, 28 days a
// month.
std::string numbered(std::string_view pattern, std::uint64_t n) {
    const auto padded = [](std::uint64_t number, std::size_t width) {
        const std::string digits = std::to_string(number);
        return std::string(width - std::min(width, digits.size()), '0') + digits;
    };
    const std::size_t percent = pattern.find('%');
    const std::size_t end = percent == std::string_view::npos ? percent : pattern.find_first_of("dhD", percent);
    if (end == std::string_view::npos) return std::string(pattern) + std::to_string(n);
    std::uint64_t width = 0;
    parse_number(pattern.substr(percent + 1, end - percent - 1), width);
    std::string key(pattern.substr(0, percent));
    if (pattern[end] == 'd') {
        key += padded(n, width);
    } else if (pattern[end] == 'h') {
        std::uint64_t mixed = (n + 1) * 0x9E3779B97F4A7C15;
        mixed = (mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9;  // both steps can be undone: no two numbers meet
        for (int shift = 60; shift >= 0; shift -= 4)
            key += "0123456789abcdef"[(mixed >> shift) & 15];
    } else {
        const std::uint64_t day = n / 2000;
        key += padded(2015 + day / 336, 4) + "/" + padded(1 + day / 28 % 12, 2) + "/" + padded(1 + day % 28, 2) + "/" +
               padded(n % 2000, 6);
    }
    return key.append(pattern.substr(end + 1));
}

}  // namespace

struct ModelS3::Impl : Handler {
    explicit Impl(Options given)
        : options(std::move(given)),
          quirks(options.quirks),
          credentials(options.credentials),
          api(world, quirks, options.region) {
        world.directory_order = quirks.directory_order;
        request_delay_ms = options.request_delay_ms;
        page_delay_ms = options.page_delay_ms;
    }

    bool on_head(Exchange& x) override;
    void on_request(Exchange& x, Verifier& verifier) override;
    std::int64_t now_us() override { return api.now_us(); }

    bool accepted(Exchange& x, Verifier& verifier);
    void act(Exchange& x);
    void run_effect(Exchange& x);  // thread-safe; calls the rule's before_effect
    void keep_late(Exchange& x);
    void count(const Exchange& x);
    void note(const Exchange& x, bool answered);

    Options options;
    Quirks quirks;
    std::shared_mutex settings;  // guards quirks and credentials
    std::vector<Credential> credentials;
    World world;
    Api api;
    Script script;
    Traffic traffic;
    std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Op::count_)> by_op{};
    std::atomic<std::uint64_t> refused{0}, faults{0}, connections_before{0};
    ModelS3* self = nullptr;  // for the control endpoints
    std::atomic<std::int64_t> request_delay_ms{0}, page_delay_ms{0};
    std::mutex trace_mutex;  // guards seen
    std::vector<Seen> seen;
    std::mutex late_mutex;  // guards late
    std::vector<std::unique_ptr<Exchange>> late;

    int port = 0, listener = -1;
    SSL_CTX* tls = nullptr;
    std::vector<std::unique_ptr<Loop>> loops;
    std::vector<std::thread> threads;
};

bool ModelS3::Impl::on_head(Exchange& x) {
    x.op = route(x.request, options.domain);
    if (x.op == Op::control && options.control) return true;
    if (x.op == Op::control) x.op = Op::unknown;
    count(x);
    x.fault = script.match(x.op, x.request);
    if (!x.fault) return true;
    ++faults;
    const Fault& fault = *x.fault;
    x.answer.reset = fault.reset;
    switch (fault.act) {
        case Act::close_before_reading:
            x.fate = Exchange::Fate::close;
            note(x, false);
            return false;
        case Act::close_in_request: x.read_limit = fault.bytes; return true;
        case Act::answer_early:
            write_fault_answer(fault, x.answer);
            shape_answer(fault, x.answer);
            note(x, true);
            return false;
        default: return true;
    }
}

void ModelS3::Impl::count(const Exchange& x) {
    by_op[static_cast<std::size_t>(x.op)].fetch_add(1, std::memory_order_relaxed);
}

void ModelS3::Impl::note(const Exchange& x, bool answered) {
    if (!options.trace) return;
    Seen one;
    one.operation = op_name(x.op);
    one.bucket = x.request.bucket;
    one.key = x.request.key;
    one.status = answered ? x.answer.status : 0;
    one.connection = x.connection;
    one.query = x.request.query;
    for (const HeaderField& field : x.request.headers)
        one.headers[std::string(field.name)] = field.value;
    const std::scoped_lock lock(trace_mutex);
    seen.push_back(std::move(one));
}

bool ModelS3::Impl::accepted(Exchange& x, Verifier& verifier) {
    if (!options.signatures) return true;
    const std::shared_lock lock(settings);
    SignatureRules rules;
    rules.region = options.region;
    rules.region_checked = quirks.region_checked;
    rules.payload_hash_checked = quirks.payload_hash_checked;
    rules.now_us = api.now_us();
    rules.max_skew_us = options.max_skew_ms * 1000;
    Refusal refusal = verifier.decode_chunks(x.request, credentials);
    if (refusal.status == 0) refusal = verifier.verify(x.request, credentials, rules);
    if (refusal.status == 0) return true;
    ++refused;
    fail(x.answer, refusal.status, refusal.code, refusal.message, refusal.extra_xml);
    return false;
}

void ModelS3::Impl::on_request(Exchange& x, Verifier& verifier) {
    if (x.op == Op::control) return control(*self, x.request, x.answer);
    if (x.fault && x.fault->act == Act::flip_request_bit) flip_bit(x.request.body, x.fault->bytes);
    if (accepted(x, verifier)) act(x);
    if (x.fault && x.fault->after_effect && x.fate == Exchange::Fate::answer) {
        const Call call{std::string(op_name(x.op)), x.request.bucket, x.request.key, x.request};
        x.fault->after_effect(call, x.answer);
    }
    if (x.fault) shape_answer(*x.fault, x.answer);
    if (x.request.method == "HEAD" && !x.answer.no_body) x.answer.no_body = true;
    if (x.answer.no_body && x.answer.status >= 400) x.answer.told_length = x.answer.text.size();
    x.answer.delay_ms += request_delay_ms;
    if (is_listing(x.op)) x.answer.delay_ms += page_delay_ms;
    note(x, x.fate == Exchange::Fate::answer);
}

void ModelS3::Impl::run_effect(Exchange& x) {
    if (x.fault && x.fault->before_effect)
        x.fault->before_effect({std::string(op_name(x.op)), x.request.bucket, x.request.key, x.request});
    const std::shared_lock lock(settings);
    if (x.fault && rewrites_listing(x.fault->act)) return run_listing_fault(*x.fault, x, api);
    api.handle(x.op, x.request, x.answer);
}

void ModelS3::Impl::keep_late(Exchange& x) {
    auto kept = std::make_unique<Exchange>();
    kept->request.head = x.request.head;
    parse_head(kept->request);
    kept->request.body = x.request.body;
    kept->request.trailer_checksum = x.request.trailer_checksum;
    kept->op = route(kept->request, options.domain);
    const std::scoped_lock lock(late_mutex);
    late.push_back(std::move(kept));
}

void ModelS3::Impl::act(Exchange& x) {
    if (!x.fault) return run_effect(x);
    const Fault& fault = *x.fault;
    switch (fault.act) {
        case Act::answer: write_fault_answer(fault, x.answer); return;
        case Act::answer_instead:
            run_effect(x);
            x.answer = {};
            write_fault_answer(fault, x.answer);
            return;
        case Act::close_before_effect: x.fate = Exchange::Fate::close; return;
        case Act::close_after_effect:
            run_effect(x);
            x.fate = Exchange::Fate::close;
            return;
        case Act::late_effect:
            keep_late(x);
            x.fate = Exchange::Fate::close;
            return;
        case Act::late_effect_answered:
            keep_late(x);
            write_fault_answer(fault, x.answer);
            return;
        case Act::twice:
            run_effect(x);
            x.answer = {};
            run_effect(x);
            return;
        case Act::drip_then_close:
            run_effect(x);
            x.fate = Exchange::Fate::close;
            return;
        case Act::stall: x.fate = Exchange::Fate::stall; return;
        case Act::stall_after_effect:
            run_effect(x);
            x.fate = Exchange::Fate::stall;
            return;
        case Act::raw:
            x.answer.raw = fault.body;
            x.answer.close = true;
            return;
        default: run_effect(x);
    }
}

ModelS3::ModelS3(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

std::unique_ptr<ModelS3> ModelS3::start(Options options) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that a client may have left
    auto impl = std::make_unique<Impl>(std::move(options));
    Impl& s = *impl;
    s.port = s.options.port;
    s.listener = listen_on(s.options.host, s.port);
    s.tls = make_tls(s.options);
    const int threads = std::max(1, s.options.threads);
    std::vector<Loop*> peers;
    for (int i = 0; i < threads; ++i) {
        s.loops.push_back(std::make_unique<Loop>(s, s.traffic, s.tls));
        peers.push_back(s.loops.back().get());
    }
    s.loops.front()->listen(s.listener, peers);
    std::unique_ptr<ModelS3> server(new ModelS3(std::move(impl)));
    s.self = server.get();
    for (auto& loop : s.loops)
        s.threads.emplace_back([&loop] { loop->run(); });
    return server;
}

ModelS3::~ModelS3() {
    for (auto& loop : impl_->loops)
        loop->stop();
    for (std::thread& thread : impl_->threads)
        thread.join();
    impl_->loops.clear();
    close(impl_->listener);
    SSL_CTX_free(impl_->tls);
}

std::string ModelS3::endpoint() const {
    return (impl_->tls ? "https://" : "http://") + impl_->options.host + ":" + std::to_string(impl_->port);
}
int ModelS3::port() const {
    return impl_->port;
}
const Options& ModelS3::options() const {
    return impl_->options;
}

void ModelS3::make_bucket(std::string_view name, Versioning versioning) {
    const std::scoped_lock lock(impl_->world.mutex);
    impl_->world.make_bucket(name, impl_->api.now_us()).versioning = versioning;
}

void ModelS3::change_bucket(std::string_view name, const std::function<void(Bucket&)>& change) {
    const std::scoped_lock lock(impl_->world.mutex);
    change(impl_->world.make_bucket(name, impl_->api.now_us()));
}

bool ModelS3::has_bucket(std::string_view name) const {
    const std::scoped_lock lock(impl_->world.mutex);
    return impl_->world.bucket(name) != nullptr;
}

std::string ModelS3::seed(std::string_view bucket, std::string_view key, const Body& body, Props props,
                          std::string etag, std::int64_t modified_us) {
    Object object;
    object.body = body;
    object.etag = etag.empty() ? plain_etag(body) : std::move(etag);
    object.modified_us = modified_us != 0 ? modified_us : impl_->api.now_us();
    object.props = std::make_shared<const Props>(std::move(props));
    const std::scoped_lock lock(impl_->world.mutex);
    Bucket& into = impl_->world.make_bucket(bucket, impl_->api.now_us());
    return store_object(impl_->world, into, std::string(key), std::move(object));
}

void ModelS3::seed_multipart(std::string_view bucket, std::string_view key, const Body& body, std::uint64_t part_size,
                             Props props) {
    std::vector<Part> parts;
    std::string digests;
    for (std::uint64_t at = 0; at < body.size(); at += part_size) {
        Part part;
        part.number = static_cast<int>(parts.size()) + 1;
        part.size = std::min(part_size, body.size() - at);
        part.etag = plain_etag(body.sub(at, part.size));
        part.modified_us = impl_->api.now_us();
        std::string raw;
        from_hex(part.etag, raw);
        digests += raw;
        parts.push_back(std::move(part));
    }
    Object object;
    object.body = body;
    object.etag = to_hex(digest(Hash::md5, digests)) + "-" + std::to_string(parts.size());
    object.modified_us = impl_->api.now_us();
    object.parts = std::make_shared<const std::vector<Part>>(std::move(parts));
    object.props = std::make_shared<const Props>(std::move(props));
    const std::scoped_lock lock(impl_->world.mutex);
    Bucket& into = impl_->world.make_bucket(bucket, impl_->api.now_us());
    store_object(impl_->world, into, std::string(key), std::move(object));
}

void ModelS3::seed_many(std::string_view bucket, std::uint64_t count, std::string_view pattern, const Body& body) {
    Object object;
    object.body = body;
    object.etag = plain_etag(body);
    object.modified_us = impl_->api.now_us();
    object.props = std::make_shared<const Props>();
    const auto shared = std::make_shared<const Object>(std::move(object));
    const std::scoped_lock lock(impl_->world.mutex);
    Bucket& into = impl_->world.make_bucket(bucket, impl_->api.now_us());
    for (std::uint64_t n = 0; n < count; ++n)
        into.objects.insert_or_assign(into.objects.end(), numbered(pattern, n), Entry{shared, {}});
}

void ModelS3::remove(std::string_view bucket, std::string_view key) {
    const std::scoped_lock lock(impl_->world.mutex);
    if (Bucket* from = impl_->world.bucket(bucket))
        delete_object(impl_->world, *from, std::string(key), impl_->api.now_us());
}

bool ModelS3::exists(std::string_view bucket, std::string_view key) const {
    return object(bucket, key) != nullptr;
}

ObjectPtr ModelS3::object(std::string_view bucket, std::string_view key) const {
    const std::scoped_lock lock(impl_->world.mutex);
    const Bucket* from = impl_->world.bucket(bucket);
    return from ? current_object(*from, key) : nullptr;
}

std::string ModelS3::body(std::string_view bucket, std::string_view key) const {
    const ObjectPtr found = object(bucket, key);
    return found ? found->body.str() : std::string();
}

Props ModelS3::props(std::string_view bucket, std::string_view key) const {
    const ObjectPtr found = object(bucket, key);
    return found ? *found->props : Props();
}

std::vector<std::string> ModelS3::keys(std::string_view bucket, std::string_view prefix) const {
    const std::scoped_lock lock(impl_->world.mutex);
    std::vector<std::string> found;
    const Bucket* from = impl_->world.bucket(bucket);
    if (!from) return found;
    for (auto at = from->objects.lower_bound(prefix); at != from->objects.end() && at->first.starts_with(prefix); ++at)
        if (at->second.current()) found.push_back(at->first);
    return found;
}

std::vector<ObjectPtr> ModelS3::versions(std::string_view bucket, std::string_view key) const {
    const std::scoped_lock lock(impl_->world.mutex);
    const Bucket* from = impl_->world.bucket(bucket);
    if (!from) return {};
    const auto at = from->objects.find(key);
    if (at == from->objects.end()) return {};
    std::vector<ObjectPtr> all = at->second.older;
    all.push_back(at->second.newest);
    return all;
}

std::vector<Upload> ModelS3::uploads(std::string_view bucket) const {
    const std::scoped_lock lock(impl_->world.mutex);
    std::vector<Upload> open;
    if (const Bucket* from = impl_->world.bucket(bucket))
        for (const auto& [id, upload] : from->uploads)
            open.push_back(upload);
    return open;
}

std::uint64_t Stats::of(std::string_view operation) const {
    const auto at = requests.find(std::string(operation));
    return at == requests.end() ? 0 : at->second;
}

Stats ModelS3::stats() const {
    Stats stats;
    for (std::size_t i = 0; i < impl_->by_op.size(); ++i) {
        const std::uint64_t n = impl_->by_op[i];
        if (n == 0 || static_cast<Op>(i) == Op::control) continue;
        stats.requests[std::string(op_name(static_cast<Op>(i)))] = n;
        stats.total += n;
    }
    stats.unknown = impl_->by_op[static_cast<std::size_t>(Op::unknown)];
    stats.connections = impl_->traffic.connections - impl_->connections_before;
    stats.open = impl_->traffic.open;
    stats.max_open = impl_->traffic.max_open;
    stats.bytes_in = impl_->traffic.bytes_in;
    stats.bytes_out = impl_->traffic.bytes_out;
    stats.refused = impl_->refused;
    stats.faults = impl_->faults;
    return stats;
}

void ModelS3::reset_stats() {
    for (auto& n : impl_->by_op)
        n = 0;
    impl_->connections_before = impl_->traffic.connections.load();
    impl_->traffic.max_open = impl_->traffic.open.load();
    impl_->traffic.bytes_in = 0;
    impl_->traffic.bytes_out = 0;
    impl_->refused = 0;
    impl_->faults = 0;
}

std::vector<Seen> ModelS3::trace() const {
    const std::scoped_lock lock(impl_->trace_mutex);
    return impl_->seen;
}

void ModelS3::clear_trace() {
    const std::scoped_lock lock(impl_->trace_mutex);
    impl_->seen.clear();
}

void ModelS3::script(Fault fault) {
    impl_->script.add(std::move(fault));
}
void ModelS3::clear_faults() {
    impl_->script.clear();
}

std::vector<int> ModelS3::land_late() {
    std::vector<std::unique_ptr<Exchange>> waiting;
    {
        const std::scoped_lock lock(impl_->late_mutex);
        waiting.swap(impl_->late);
    }
    std::vector<int> statuses;
    for (auto& x : waiting) {
        impl_->run_effect(*x);
        statuses.push_back(x->answer.status);
    }
    return statuses;
}

std::size_t ModelS3::waiting_late() const {
    const std::scoped_lock lock(impl_->late_mutex);
    return impl_->late.size();
}

void ModelS3::set_clock_offset_ms(std::int64_t offset) {
    impl_->api.set_clock_offset_us(offset * 1000);
}

void ModelS3::set_credentials(std::vector<Credential> credentials) {
    const std::unique_lock lock(impl_->settings);
    impl_->credentials = std::move(credentials);
}

void ModelS3::set_quirks(const Quirks& quirks) {
    const std::unique_lock lock(impl_->settings);
    impl_->quirks = quirks;
    const std::scoped_lock world_lock(impl_->world.mutex);
    impl_->world.directory_order = quirks.directory_order;
}

void ModelS3::set_delays(std::int64_t request_ms, std::int64_t page_ms) {
    impl_->request_delay_ms = request_ms;
    impl_->page_delay_ms = page_ms;
}

void ModelS3::close_idle() {
    for (auto& loop : impl_->loops)
        loop->close_idle();
}

}  // namespace dray::model
