#include "store/listing_range.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace dray {
namespace {

constexpr std::uint32_t kMaxIdleMendsOfRange = 2;  // mended twice without a new key: it cannot be mended

Error order_broken(const ListRequest& whole, const std::string& why) {
    return {.code = Code::corrupt,
            .message = "the listing of " + in_quotes(whole.bucket + "/" + whole.prefix) +
                       " cannot be trusted: this store was seen to list in byte order, and now does not: " + why +
                       "; --streams 1 lists it without that",
            .reason = kOrderBroken,
            .fatal = true};
}

bool holds(const std::vector<ListedObject>& objects, const std::string& key) {
    return std::binary_search(objects.begin(), objects.end(), key, [](const auto& a, const auto& b) {
        if constexpr (std::is_same_v<std::decay_t<decltype(a)>, ListedObject>)
            return a.key < b;
        else
            return a < b.key;
    });
}

}  // namespace

ListingRange::ListingRange(const ListRequest& whole, std::string after, std::optional<std::string> until)
    : whole_(whole), after_(std::move(after)), until_(std::move(until)), told_(after_) {}

ListRequest ListingRange::next() const {
    ListRequest request = whole_;
    request.continuation = token_;
    request.start_after = token_.empty() ? told_ : std::string();
    return request;
}

void ListingRange::cut(std::string at) {
    CHECK(at > told_ && (!until_ || at < *until_));
    until_ = std::move(at);
}

void ListingRange::ask_again() {
    CHECK(!open_ && at_end_of_store_ && !asked_again_);
    asked_again_ = open_ = true;
    at_end_of_store_ = false;
    token_.clear();
}

// What a whole page leaves when all is as it should be is the page itself. What was told before is dropped (L01), and
// so is what nobody asked for (L06).
Status ListingRange::sift(ListPage& page, ListAnomalies& odd) const {
    const auto foreign = [&](const ListedObject& object) {
        return !object.key.starts_with(whole_.prefix) || object.key <= whole_.start_after;
    };
    const std::string* last = &told_;
    bool sound = true;
    for (const ListedObject& object : page.objects) {
        sound = sound && object.key > *last && object.key.starts_with(whole_.prefix);
        last = &object.key;
    }
    if (sound) return {};

    std::vector<ListedObject> kept;
    for (ListedObject& object : page.objects) {
        const std::string& least = kept.empty() ? told_ : kept.back().key;
        if (foreign(object)) {
            if (odd.outside++ == 0) odd.first_outside = object.key;
        } else if (object.key > least) {
            kept.push_back(std::move(object));
        } else if (holds(kept, object.key) || (before_ && holds(before_->objects, object.key))) {
            ++odd.duplicates;
        } else {
            return order_broken(whole_, in_quotes(object.key) + " came after " + in_quotes(least));
        }
    }
    page.objects = std::move(kept);
    return {};
}

Result<std::shared_ptr<const ListPage>> ListingRange::land(ListPage page, std::uint32_t max_empty_pages,
                                                           ListAnomalies& odd) {
    const bool empty = page.objects.empty();
    TRY(sift(page, odd));
    const bool progress = !page.objects.empty();
    if (progress) {
        idle_mends_ = 0;
        page_began_ = page.objects.front().key;
        told_ = page.objects.back().key;
    }
    empty_pages_ = empty ? empty_pages_ + 1 : 0;
    if (until_ && told_ > *until_) {
        const auto behind = std::upper_bound(page.objects.begin(), page.objects.end(), *until_,
                                             [](const std::string& key, const ListedObject& o) { return key < o.key; });
        page.objects.erase(behind, page.objects.end());
        told_ = *until_;
        open_ = false;
    } else {
        TRY(go_on(page, max_empty_pages, odd));
    }
    if (page.objects.empty()) return std::shared_ptr<const ListPage>();
    before_ = std::make_shared<const ListPage>(std::move(page));
    return before_;
}

Status ListingRange::go_on(const ListPage& page, std::uint32_t max_empty_pages, ListAnomalies& odd) {
    if (!page.truncated && page.next.empty()) {
        open_ = false;
        at_end_of_store_ = true;
        return {};
    }
    const bool empty = empty_pages_ > 0;
    if (page.truncated != !page.next.empty()) {
        ++odd.contradictions;
        const std::string why = page.truncated ? "a page says that there is more, but not where"
                                               : "a page says that it is the last, and names another";
        return empty ? broken(why + ", and is empty") : mend(why);
    }
    if (empty_pages_ >= max_empty_pages) return broken(std::to_string(empty_pages_) + " empty pages in a row");
    if (page.next == token_) {
        ++odd.token_cycles;
        return mend("a continuation token came again");
    }
    if (page.objects.empty() && !empty) return mend("a page repeats what was told");
    token_ = page.next;
    return {};
}

Status ListingRange::token_refused(ListAnomalies& odd) {
    ++odd.refused_tokens;
    return mend("its continuation token was refused");
}

Status ListingRange::mend(const std::string& why) {
    if (++idle_mends_ > kMaxIdleMendsOfRange) return broken(why);
    log_event(LogLevel::warning, "listing-mended", {{"prefix", whole_.prefix}, {"why", why}});
    token_.clear();
    return {};
}

Error ListingRange::broken(const std::string& why) const {
    return {.code = Code::corrupt,
            .message = "the listing of " + in_quotes(whole_.bucket + "/" + whole_.prefix) + " cannot be trusted: " +
                       why + ", behind " + in_quotes(told_) + "; try again later, or ask who runs the store",
            .reason = "bad-listing",
            .fatal = true};
}

}  // namespace dray
