#include "cli/shell.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "base/log.h"

namespace dray {
namespace {

constexpr std::size_t kOutBuffer = std::size_t{64} << 10;  // bytes of results gathered before a write

// One process, one set of signals: what the handler touches has to be global.
StopSource& stop_source() {
    static StopSource source;
    return source;
}
std::atomic<int> caught_signal{0};

void on_signal(int number) {
    int none = 0;
    if (!caught_signal.compare_exchange_strong(none, number)) _exit(128 + number);
    stop_source().trigger();
}

// 0, or the errno of the write that failed.
int write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {  // somebody we share the stream with made it non-blocking
            pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
            (void)::poll(&ready, 1, -1);
            continue;
        }
        if (n <= 0) return n < 0 ? errno : EIO;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return 0;
}

// A stream that was closed (dray ... >&-) would be the next file that is opened, and results would go into it: a
// journal, for one. What is opened for reading only refuses them instead.
void hold_standard_streams() {
    while (true) {
        const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (fd <= STDERR_FILENO && fd >= 0) continue;
        if (fd >= 0) ::close(fd);
        return;
    }
}

}  // namespace

Shell::Shell(std::vector<std::string> argv)
    : argv_(std::move(argv)),
      out_is_terminal_(isatty(STDOUT_FILENO) == 1),
      err_is_terminal_(isatty(STDERR_FILENO) == 1) {
    hold_standard_streams();
    const auto term = environment_variable("TERM");
    can_redraw_ = err_is_terminal_ && term && *term != "dumb";

    (void)stop_source();  // made before a signal can need it
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGQUIT, &action, nullptr);
    // A terminal that goes away stops the run, unless somebody said that it must not (nohup).
    struct sigaction hangup = {};
    if (sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

Context Shell::context() const {
    return Context(&stop_source());
}

int Shell::signal() const {
    return caught_signal.load();
}

int Shell::width() const {
    winsize size = {};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

bool Shell::print(std::string_view text) {
    buffer_.append(text);
    return buffer_.size() < kOutBuffer || write_out();
}

bool Shell::flush() {
    return write_out();
}

bool Shell::write_out() {
    const int failed = out_open_ ? write_all(STDOUT_FILENO, buffer_) : 0;
    buffer_.clear();
    if (failed != 0) out_open_ = false;
    if (failed != 0 && failed != EPIPE)
        out_fault_ = Error{.code = Code::local,
                           .message = "the results could not be written: " + std::generic_category().message(failed)};
    return out_open_;
}

void Shell::tell(std::string_view line) {
    std::string text(line);
    text.push_back('\n');
    (void)write_all(STDERR_FILENO, text);  // a closed stderr must not end the work
}

void Shell::draw(std::string_view bytes) {
    (void)write_all(STDERR_FILENO, bytes);
}

void Shell::complain(std::string_view message) {
    // A caret under a fault is the one thing that needs more than one line: keep newlines, escape the rest.
    std::string text = "dray: ";
    for (std::size_t begin = 0; begin <= message.size();) {
        const std::size_t end = std::min(message.find('\n', begin), message.size());
        if (begin > 0) text.push_back('\n');
        text += printable(message.substr(begin, end - begin));
        begin = end + 1;
    }
    tell(text);
}

std::optional<std::string> environment_variable(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
}

std::string human_bytes(std::uint64_t bytes) {
    static constexpr std::array<const char*, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    auto amount = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (amount >= 1024 && unit + 1 < kUnits.size()) {
        amount /= 1024;
        ++unit;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), unit == 0 || amount >= 100 ? "%.0f %s" : "%.1f %s", amount, kUnits[unit]);
    return text.data();
}

std::string human_seconds(double seconds) {
    std::array<char, 48> text{};
    if (seconds < 100) {
        std::snprintf(text.data(), text.size(), "%.1f s", seconds);
    } else if (seconds < 6000) {
        std::snprintf(text.data(), text.size(), "%.0f min", std::round(seconds / 60));
    } else {
        const auto minutes = static_cast<std::uint64_t>(seconds / 60);
        std::snprintf(text.data(), text.size(), "%llu h %llu min", static_cast<unsigned long long>(minutes / 60),
                      static_cast<unsigned long long>(minutes % 60));
    }
    return text.data();
}

}  // namespace dray
