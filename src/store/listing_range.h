// ListingRange: the keys behind `after` up to and with `until`, told page by page by a store whose listings were proven
// to be in byte order and to honour start-after. It asks and judges; it sends nothing itself.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "store/listing.h"
#include "store/object_store.h"

namespace dray {

// Not thread-safe.
class ListingRange {
public:
    // nullopt: to the end of the prefix.
    ListingRange(const ListRequest& whole, std::string after, std::optional<std::string> until);

    ListRequest next() const;
    // The answer to next(): what is left of it, ready to hand on, or null when nothing is. Errors: corrupt, fatal
    // (order-broken, or a page that contradicts itself).
    Result<std::shared_ptr<const ListPage>> land(ListPage page, std::uint32_t max_empty_pages, ListAnomalies& odd);
    // The token was refused (L09). Error: corrupt, fatal: and not for the first time here.
    Status token_refused(ListAnomalies& odd);
    // Ends the range here; the rest is another's. `at` lies behind all that was told and before the end.
    void cut(std::string at);
    // The store said that nothing follows, though keys behind this range had been told before: it is asked once more.
    void ask_again();

    const std::string& after() const { return after_; }
    const std::optional<std::string>& until() const { return until_; }
    const std::string& told() const { return told_; }  // all keys up to this one were told
    const std::string& page_began() const { return page_began_; }
    bool open() const { return open_; }
    bool at_end_of_store() const { return at_end_of_store_; }  // closed because nothing follows at all
    bool asked_again() const { return asked_again_; }

private:
    Status sift(ListPage& page, ListAnomalies& odd) const;
    Status go_on(const ListPage& page, std::uint32_t max_empty_pages, ListAnomalies& odd);
    Status mend(const std::string& why);
    Error broken(const std::string& why) const;

    const ListRequest& whole_;
    const std::string after_;
    std::optional<std::string> until_;
    std::string told_, page_began_, token_;
    std::shared_ptr<const ListPage> before_;  // what was told last, to know a page that comes again
    std::uint32_t empty_pages_ = 0, idle_mends_ = 0;
    bool open_ = true, at_end_of_store_ = false, asked_again_ = false;
};

}  // namespace dray
