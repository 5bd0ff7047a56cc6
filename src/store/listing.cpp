#include "store/listing.h"

#include <algorithm>
#include <deque>
#include <unordered_set>

#include "base/checksum.h"
#include "base/log.h"
#include "store/listing_streams.h"

namespace dray {
namespace {

constexpr std::size_t kRememberedInOrder = 65'536;  // keys: an old page that comes again
constexpr std::size_t kRememberedUnordered = 1'000'000;
constexpr int kMaxIdleMends = 2;  // mended twice without a new key: it cannot be mended

struct HashOfHash {
    std::size_t operator()(const Hash128& hash) const { return static_cast<std::size_t>(hash.low); }
};
using HashSet = std::unordered_set<Hash128, HashOfHash>;

// The last keys, by hash. Cheap while keys come in order: looking back is then rare.
class RecentKeys {
public:
    void add(const Hash128& hash) {
        order_.push_back(hash);
        if (indexed_) index_.insert(hash);
        if (order_.size() <= (indexed_ ? kRememberedUnordered : kRememberedInOrder)) return;
        if (indexed_) index_.erase(order_.front());
        order_.pop_front();
    }
    bool has(const Hash128& hash) const {
        return indexed_ ? index_.contains(hash) : std::find(order_.begin(), order_.end(), hash) != order_.end();
    }
    void expect_disorder() {
        if (indexed_) return;
        indexed_ = true;
        index_.insert(order_.begin(), order_.end());
    }

private:
    std::deque<Hash128> order_;
    HashSet index_;
    bool indexed_ = false;
};

constexpr const char* kEnough = "enough-listed";

class Listing {
public:
    Listing(ObjectStore& store, const ListRequest& request, const ListingOptions& options, const ListSink& sink)
        : store_(store), request_(request), options_(options), sink_(sink), next_(request) {}

    Result<ListSummary> run(const Context& ctx) {
        for (;;) {
            auto page = store_.list(ctx, next_);
            if (!page && token_refused(page.error())) {
                ++summary_.anomalies.refused_tokens;
                TRY(mend("its continuation token was refused"));
                continue;
            }
            if (!page) return std::move(page).error();
            if (summary_.pages++ == 0) summary_.store_time = page->store_time;

            const bool empty = holds_nothing(*page);
            const bool progress = keep_new(*page);
            if (progress) idle_mends_ = 0;
            if (Status handed = hand_on(*page); !handed) return ended(std::move(handed).error());
            TRY_LET(more, go_on(*page, empty, progress));
            if (!more) return summary_;
        }
    }

private:
    bool token_refused(const Error& error) const {
        return !next_.continuation.empty() && error.code == Code::invalid && !error.fatal;
    }

    // Drops what was told before or was not asked for. True when a new key is left.
    bool keep_new(ListPage& page) {
        std::erase_if(page.objects, [&](const ListedObject& object) { return !is_new(object.key); });
        std::erase_if(page.common_prefixes, [&](const std::string& prefix) { return !is_new(prefix); });
        return !holds_nothing(page);
    }

    static bool holds_nothing(const ListPage& page) {
        return page.objects.empty() && page.common_prefixes.empty() && page.others.empty();
    }

    bool is_new(const std::string& key) {
        const bool before_start = summary_.ordered && !request_.start_after.empty() && key <= request_.start_after;
        if (!key.starts_with(request_.prefix) || before_start) {
            if (summary_.anomalies.outside++ == 0) summary_.anomalies.first_outside = key;
            return false;
        }
        const Hash128 hash = hash128(key);
        // Folders come beside the objects of their page, so each kind has an order of its own.
        const bool folder = !request_.delimiter.empty() && key.ends_with(request_.delimiter);
        std::string& last = folder ? last_folder_ : last_object_;
        const bool later = key > last;
        if (!(later && summary_.ordered) && recent_.has(hash)) {
            ++summary_.anomalies.duplicates;
            return false;
        }
        if (!later) {
            ++summary_.anomalies.out_of_order;
            summary_.ordered = false;
            recent_.expect_disorder();
        }
        recent_.add(hash);
        if (later) last = key;
        return true;
    }

    Result<ListSummary> ended(Error why) {
        summary_.complete = why.reason != kEnough;
        if (summary_.complete) return why;
        return summary_;
    }

    Status hand_on(const ListPage& page) {
        if (holds_nothing(page)) return {};
        summary_.objects += page.objects.size();
        summary_.common_prefixes += page.common_prefixes.size();
        for (const ListedObject& object : page.objects)
            summary_.bytes += object.size;
        return sink_(page);
    }

    // Sets next_ to the following page. False: that was all.
    Result<bool> go_on(const ListPage& page, bool empty, bool progress) {
        if (!page.truncated && page.next.empty()) return false;
        if (page.truncated && page.next.empty()) {
            ++summary_.anomalies.contradictions;
            if (empty) return broken("an empty page says that there is more, but not where");
            TRY(mend("a page says that there is more, but not where"));
            return true;
        }
        if (!page.truncated) {
            ++summary_.anomalies.contradictions;
            if (empty) return broken("an empty page says that it is the last, and names another");
            TRY(mend("a page says that it is the last, and names another"));
            return true;
        }
        empty_pages_ = empty ? empty_pages_ + 1 : 0;
        if (empty_pages_ >= options_.max_empty_pages) {
            return broken(std::to_string(empty_pages_) + " empty pages in a row");
        }
        idle_pages_ = empty || progress ? 0 : idle_pages_ + 1;
        if (!tokens_.insert(hash128(page.next)).second) {
            ++summary_.anomalies.token_cycles;
            TRY(mend("a continuation token came again"));
            return true;
        }
        if (idle_pages_ >= 2) {
            idle_pages_ = 0;
            TRY(mend("pages repeat what was told"));
            return true;
        }
        next_.continuation = page.next;
        return true;
    }

    // Goes on behind the last key; without an order nobody knows what is behind it.
    Status mend(const std::string& why) {
        const bool possible = summary_.ordered && options_.start_after;
        if (!possible || ++idle_mends_ > kMaxIdleMends) return broken(why);
        log_event(LogLevel::warning, "listing-mended", {{"prefix", request_.prefix}, {"why", why}});
        next_.continuation.clear();
        // Behind all that a folder holds: no UTF-8 key comes after U+10FFFF.
        const std::string behind = last_folder_.empty() ? std::string() : last_folder_ + "\xf4\x8f\xbf\xbf";
        next_.start_after = std::max({request_.start_after, last_object_, behind});
        return {};
    }

    Error broken(const std::string& why) const {
        return {.code = Code::corrupt,
                .message = "the listing of " + in_quotes(request_.bucket + "/" + request_.prefix) +
                           " cannot be trusted: " + why + ", after " + std::to_string(summary_.objects) +
                           " objects; try again later, or ask who runs the store",
                .reason = "bad-listing",
                .fatal = true};
    }

    ObjectStore& store_;
    const ListRequest& request_;
    const ListingOptions& options_;
    const ListSink& sink_;
    ListRequest next_;
    ListSummary summary_;
    std::string last_object_, last_folder_;
    RecentKeys recent_;
    HashSet tokens_;
    std::uint32_t empty_pages_ = 0, idle_pages_ = 0;
    int idle_mends_ = 0;
};

}  // namespace

Error enough_listed() {
    return {.code = Code::cancelled, .message = "enough was listed", .reason = kEnough};
}

Result<ListSummary> list_all(const Context& ctx, ObjectStore& store, const ListRequest& request,
                             const ListingOptions& options, const ListSink& sink) {
    if (options.streams > 1 && request.delimiter.empty()) {
        ListingStreams streams(store, request, options, sink);
        auto listed = streams.run(ctx);
        const bool again = !listed && listed.error().reason == kOrderBroken && !streams.handed_on_any();
        if (!again) return listed;
        log_event(LogLevel::warning, "listed-in-one-stream", {{"why", listed.error().message}});
        // What such a store makes of start-after is not known either.
        const ListingOptions plain{.start_after = false, .max_empty_pages = options.max_empty_pages};
        return Listing(store, request, plain, sink).run(ctx);
    }
    return Listing(store, request, options, sink).run(ctx);
}

}  // namespace dray
