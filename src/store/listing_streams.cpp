#include "store/listing_streams.h"

#include <algorithm>
#include <utility>

#include "base/crew.h"
#include "base/log.h"

namespace dray {
namespace {

// Pages that wait for keys before them to be handed on. With what is in flight the memory of a listing stays below
// 150 MB, however many keys there are.
constexpr std::uint64_t kMostHeldBytes = std::uint64_t{48} << 20;
constexpr std::uint64_t kUnknownPage = std::uint64_t{256} << 10;  // bytes, before one was seen
// A stretch ends inside a page, so half a page of every one is told twice: long ones ask for little that is thrown
// away, short ones keep more streams close to where keys are handed on.
constexpr long double kLongestStretch = 12, kShortestStretch = 2;  // pages
constexpr long double kWorthHalving = 4;                           // pages
constexpr std::uint64_t kPagesACut = 5;    // a cut more for so many pages, beside kCutsAStream for each stream:
constexpr std::uint64_t kCutsAStream = 2;  // so much may be asked in vain, whatever keys look like
constexpr std::size_t kLearnEvery = 16;    // keys

std::uint64_t bytes_of(const ListPage& page) {
    std::uint64_t bytes = sizeof(ListPage);
    for (const ListedObject& object : page.objects)
        bytes += sizeof(ListedObject) + object.key.size() + object.etag.size() + object.storage_class.size() + 32;
    return bytes;
}

}  // namespace

ListingStreams::ListingStreams(ObjectStore& store, const ListRequest& request, const ListingOptions& options,
                               const ListSink& sink)
    : store_(store),
      request_(request),
      options_(options),
      sink_(sink),
      handed_to_(request.start_after),
      last_key_(request.start_after),
      shape_(request.prefix, store.limits().max_key_bytes) {
    stretches_.emplace_back(ListingRange(request, request.start_after, std::nullopt));
}

Result<ListSummary> ListingStreams::run(const Context& ctx) {
    enough_.emplace(ctx.stop());
    // The first page tells whether there is anything to share, and may be all that is wanted.
    if (fetch(ctx.ending_with(*enough_))) hand_on();
    std::unique_ptr<Crew> crew;
    if (!ended_) {
        auto made = Crew::make(options_.streams + std::size_t{1});  // the caller hands on
        if (made) crew = *std::move(made);
    }
    if (crew) {
        crew->drain([&] { return step(ctx); });
    } else {
        // Alone: each page is handed on before the next is asked for.
        while (hand_on() || (!ended_ && fetch(ctx.ending_with(*enough_)))) {
        }
    }
    if (error_) return *std::move(error_);
    CHECK(!summary_.complete || stretches_.empty());
    return summary_;
}

bool ListingStreams::step(const Context& ctx) {
    if (std::this_thread::get_id() != owner_) return fetch(ctx.ending_with(*enough_));
    if (hand_on()) return true;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || !stretches_.front().ready.empty(); });
    return !ended_;
}

// Hands the next page on. False: there is none yet.
bool ListingStreams::hand_on() {
    std::shared_ptr<const ListPage> page;
    {
        const std::lock_guard lock(mutex_);
        if (ended_ || stretches_.front().ready.empty()) return false;
        page = std::move(stretches_.front().ready.front());
        stretches_.front().ready.pop_front();
    }
    const std::uint64_t bytes = bytes_of(*page);
    CHECK(page->objects.front().key > last_key_);
    last_key_ = page->objects.back().key;
    summary_.objects += page->objects.size();
    for (const ListedObject& object : page->objects)
        summary_.bytes += object.size;
    Status taken = sink_(*page);

    const std::lock_guard lock(mutex_);
    held_ -= bytes;
    if (!taken) end(std::move(taken));
    retire();
    changed_.notify_all();
    return true;
}

// What was told and handed on to its end goes. This is the proof: each stretch begins where the one before it ended.
void ListingStreams::retire() {
    while (!ended_ && !stretches_.front().range.open() && stretches_.front().ready.empty()) {
        const ListingRange& range = stretches_.front().range;
        CHECK(range.after() == handed_to_);
        const bool last = !range.until();
        CHECK(last == (stretches_.size() == 1));
        if (!last) handed_to_ = *range.until();
        stretches_.pop_front();
        if (last) end({});
    }
}

// Under the mutex.
void ListingStreams::end(Status why) {
    if (std::exchange(ended_, true)) return;
    if (!why) {
        summary_.complete = false;
        if (why.error().reason != enough_listed().reason) error_ = std::move(why).error();
    }
    enough_->trigger();
    changed_.notify_all();
}

// Fetches one page, waiting for one that may be fetched. False: nothing is left to do.
bool ListingStreams::fetch(const Context& ctx) {
    std::unique_lock lock(mutex_);
    Stretch* stretch = nullptr;
    changed_.wait(lock, [&] { return ended_ || (stretch = choose()); });
    if (ended_) return false;
    stretch->fetching = true;
    ++fetching_;
    const ListRequest request = stretch->range.next();
    lock.unlock();
    auto page = store_.list(ctx, request);
    lock.lock();
    --fetching_;
    stretch->fetching = false;
    if (ended_) return false;
    land(*stretch, std::move(page));
    retire();
    changed_.notify_all();
    return !ended_;
}

ListingStreams::Stretch* ListingStreams::choose() {
    std::size_t place = 0;
    for (Stretch& stretch : stretches_) {
        if (stretch.range.open() && !stretch.fetching && may_fetch(stretch, place)) return &stretch;
        ++place;
    }
    return cut_one();
}

// The first may always go on, but need not run far ahead of who takes its keys. Those far behind it must leave memory
// for those close by.
bool ListingStreams::may_fetch(const Stretch& stretch, std::size_t place) const {
    if (place == 0 && stretch.ready.size() < 2) return true;
    const std::uint64_t page = page_bytes_ > 0 ? page_bytes_ : kUnknownPage;
    const std::uint64_t most = place < options_.streams ? kMostHeldBytes : kMostHeldBytes / 2;
    return held_ + (fetching_ + 1) * page <= most;
}

// A stretch that is still long is cut, so that an idle stream has something to do; null: none is worth it.
ListingStreams::Stretch* ListingStreams::cut_one() {
    const std::uint64_t cuts = summary_.ranges - 1;
    const bool allowed = cuts < told_pages_ && cuts < kCutsAStream * options_.streams + told_pages_ / kPagesACut;
    const std::uint64_t page = page_bytes_ > 0 ? page_bytes_ : kUnknownPage;
    const bool room = held_ + (fetching_ + 1) * page <= kMostHeldBytes;
    if (!allowed || !room) return nullptr;
    const long double fitting = static_cast<long double>(kMostHeldBytes) / static_cast<long double>(page);
    const long double length = std::clamp(fitting / (1.5L * options_.streams), kShortestStretch, kLongestStretch);

    auto longest = stretches_.end();
    for (auto at = stretches_.begin(); at != stretches_.end(); ++at) {
        if (!at->range.open()) continue;
        if (at->remaining > 1.5L * length) {
            if (Stretch* made = cut(at, length / at->remaining)) return made;
            continue;
        }
        if (longest == stretches_.end() || at->remaining > longest->remaining) longest = at;
    }
    if (longest == stretches_.end() || longest->remaining < kWorthHalving) return nullptr;
    return cut(longest, 0.5L);
}

ListingStreams::Stretch* ListingStreams::cut(Stretches::iterator at, long double left) {
    const std::optional<std::string> until = at->range.until();
    auto key = shape_.cut(at->range.told(), until ? &*until : nullptr, left);
    if (!key) {
        at->remaining = 0;  // until its next page tells more
        return nullptr;
    }
    ++summary_.ranges;
    at->range.cut(*key);
    const auto made = stretches_.emplace(std::next(at), ListingRange(request_, *std::move(key), until));
    made->page = at->page;
    estimate(*at);
    estimate(*made);
    return &*made;
}

void ListingStreams::estimate(Stretch& stretch) const {
    const auto& until = stretch.range.until();
    const long double share = shape_.share(stretch.range.told(), until ? &*until : nullptr);
    stretch.remaining = stretch.page > 0 ? share / stretch.page : 0;
}

void ListingStreams::land(Stretch& stretch, Result<ListPage> page) {
    if (!page) {
        const bool mendable =
            page.error().code == Code::invalid && !page.error().fatal && !stretch.range.next().continuation.empty();
        Status mended = mendable ? stretch.range.token_refused(summary_.anomalies) : Status(std::move(page).error());
        if (!mended) end(std::move(mended));
        return;
    }
    if (summary_.pages++ == 0) summary_.store_time = page->store_time;
    if (Status taken = take(stretch, *std::move(page)); !taken) end(std::move(taken));
}

void ListingStreams::learn(const ListPage& page) {
    const std::string* before = &page.objects.front().key;
    shape_.learn(*before);
    for (std::size_t at = kLearnEvery; at < page.objects.size(); at += kLearnEvery) {
        shape_.learn(*before, page.objects[at].key);
        before = &page.objects[at].key;
    }
    if (before != &page.objects.back().key) shape_.learn(*before, page.objects.back().key);
}

Status ListingStreams::take(Stretch& stretch, ListPage page) {
    page_bytes_ = std::max(page_bytes_, bytes_of(page));
    TRY_LET(kept, stretch.range.land(std::move(page), options_.max_empty_pages, summary_.anomalies));
    stretch.told = stretch.told || kept;
    if (kept) {
        learn(*kept);
        ++told_pages_;
        held_ += bytes_of(*kept);
        stretch.ready.push_back(kept);
    }
    const ListingRange& range = stretch.range;
    if (range.at_end_of_store() && range.until() && !range.asked_again()) {
        const bool told_behind = std::any_of(stretches_.rbegin(), stretches_.rend(), [&](const Stretch& other) {
            return other.told && other.range.after() > range.after();
        });
        if (told_behind) stretch.range.ask_again();
    }
    if (!range.open() || !kept) return {};
    stretch.page = shape_.share(range.page_began(), &range.told());
    estimate(stretch);
    return {};
}

}  // namespace dray
