#include "cli/progress.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/counted.h"
#include "base/json.h"

namespace dray {
namespace {

constexpr std::chrono::milliseconds kRedraw{200};
constexpr std::chrono::seconds kJsonEvery{1};
constexpr std::string_view kEraseLine = "\r\x1b[K";

}  // namespace

Progress::Progress(Shell& shell, ProgressStyle style, std::function<Repeats()> repeats)
    : shell_(shell),
      style_(style == ProgressStyle::automatic && !shell.can_redraw() ? ProgressStyle::none : style),
      repeats_(std::move(repeats)) {
    if (style_ != ProgressStyle::none) thread_ = std::thread([this] { loop(); });
}

Progress::~Progress() {
    finish();
}

void Progress::finish() {
    over_.trigger();
    if (thread_.joinable()) thread_.join();
    const std::lock_guard lock(mutex_);
    end_phase();
    clear();
}

RunWatcher Progress::watcher() {
    return {.say =
                [this](const std::string& sentence) {
                    const std::lock_guard lock(mutex_);
                    clear();
                    shell_.complain(sentence);
                },
            .note =
                [this](const std::string& sentence) {
                    const std::lock_guard lock(mutex_);
                    if (style_ != ProgressStyle::automatic) return;
                    clear();
                    shell_.complain(sentence);
                },
            .phase =
                [this](const std::string& phase) {
                    const std::lock_guard lock(mutex_);
                    end_phase();
                    begin_phase(phase);
                },
            .planning = &planning_,
            .running = &running_};
}

void Progress::loop() {
    const auto every = style_ == ProgressStyle::json ? Nanos(kJsonEvery) : Nanos(kRedraw);
    while (real_clock().wait_until(real_clock().steady() + every, &over_)) {
        const std::lock_guard lock(mutex_);
        if (phase_.empty()) continue;
        if (style_ == ProgressStyle::json)
            shell_.tell(json(false));
        else
            show(line());
    }
}

void Progress::begin_phase(const std::string& phase) {
    phase_ = phase;
    phase_begun_ = real_clock().steady();
    // One process may carry out several runs, and one run is moved and then verified: each counts from nothing.
    if (phase == "listing")
        planning_.listed = 0, planning_.pages = 0;
    else
        running_.effects = 0, running_.done = 0, running_.failed = 0, running_.skipped = 0, running_.bytes_done = 0;
}

// However short a phase was, machines hear of it once.
void Progress::end_phase() {
    if (style_ == ProgressStyle::json && !phase_.empty()) shell_.tell(json(true));
    phase_.clear();
}

double Progress::seconds() const {
    return std::chrono::duration<double>(real_clock().steady() - phase_begun_).count();
}

std::string Progress::line() const {
    const Repeats repeats = repeats_();
    std::string text = phase_ + "  ";
    if (phase_ == "listing")
        text += counted(planning_.listed, "object") + ", " + counted(planning_.pages, "page");
    else
        text += counts(seconds());
    if (repeats.all > 0) text += "  retries " + with_commas(repeats.all);
    if (repeats.throttled > 0) text += "  throttled " + with_commas(repeats.throttled);
    return text;
}

std::string Progress::counts(double seconds) const {
    const std::uint64_t all = running_.effects, done = running_.done + running_.failed + running_.skipped;
    if (all == 0 || done == 0) return human_seconds(seconds);
    const double rate = static_cast<double>(done) / std::max(seconds, 0.001);
    std::string text = with_commas(done) + " of " + with_commas(all) + "  " +
                       with_commas(static_cast<std::uint64_t>(rate)) + "/s  " + human_bytes(running_.bytes_done);
    if (running_.failed > 0) text += "  failed " + with_commas(running_.failed);
    if (done < all) text += "  " + human_seconds(static_cast<double>(all - done) / std::max(rate, 0.001)) + " left";
    return text;
}

std::string Progress::json(bool ended) const {
    const Repeats repeats = repeats_();
    std::string text;
    JsonWriter json(text);
    json.begin_object().field("progress", phase_).field("ended", ended);
    json.name("seconds").number(seconds());
    json.field("listed", std::uint64_t{planning_.listed}).field("effects", std::uint64_t{running_.effects});
    json.field("done", std::uint64_t{running_.done}).field("failed", std::uint64_t{running_.failed});
    json.field("skipped", std::uint64_t{running_.skipped}).field("bytes", std::uint64_t{running_.bytes_done});
    json.field("in_flight", std::uint64_t{running_.in_flight});
    json.field("retries", repeats.all).field("throttled", repeats.throttled);
    json.end_object();
    return text;
}

void Progress::show(const std::string& text) {
    std::string drawn(kEraseLine);
    drawn += text.substr(0, static_cast<std::size_t>(std::max(shell_.width() - 1, 20)));
    shell_.draw(drawn);
    line_shown_ = true;
}

void Progress::clear() {
    if (std::exchange(line_shown_, false)) shell_.draw(kEraseLine);
}

}  // namespace dray
