// ListingStreams: one listing by several streams, told like that of one: every page in the order of keys. For stores
// whose byte order and start-after are proven; docs/listing.md tells how the key space is cut, and what proves the end.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/context.h"
#include "store/key_shape.h"
#include "store/listing.h"
#include "store/listing_range.h"

namespace dray {

class ListingStreams {
public:
    // All are borrowed for run().
    ListingStreams(ObjectStore& store, const ListRequest& request, const ListingOptions& options, const ListSink& sink);

    // As list_all(). The sink is called on the calling thread only.
    Result<ListSummary> run(const Context& ctx);
    bool handed_on_any() const { return summary_.objects > 0; }

private:
    // A range and what waits to be handed on. All of it under the mutex, but what the stream that fetches it asks.
    struct Stretch {
        explicit Stretch(ListingRange its) : range(std::move(its)) {}
        ListingRange range;
        std::deque<std::shared_ptr<const ListPage>> ready;
        bool fetching = false;
        bool told = false;          // keys of it
        long double page = 0;       // share of all keys that a page has hereabouts; 0: unknown
        long double remaining = 0;  // pages that are still to come, by that; no more than a guess
    };
    using Stretches = std::list<Stretch>;

    bool step(const Context& ctx);
    bool hand_on();
    bool fetch(const Context& ctx);
    Stretch* choose();
    bool may_fetch(const Stretch& stretch, std::size_t place) const;
    Stretch* cut_one();
    Stretch* cut(Stretches::iterator at, long double left);
    void estimate(Stretch& stretch) const;
    void land(Stretch& stretch, Result<ListPage> page);
    void learn(const ListPage& page);
    Status take(Stretch& stretch, ListPage page);
    void retire();
    void end(Status why);

    ObjectStore& store_;
    const ListRequest& request_;
    const ListingOptions& options_;
    const ListSink& sink_;
    const std::thread::id owner_ = std::this_thread::get_id();

    std::mutex mutex_;
    std::condition_variable changed_;
    Stretches stretches_;    // in the order of keys, adjoining; what was handed on to its end is gone
    std::string handed_to_;  // every key up to here was handed on, or was never there
    std::string last_key_;   // that was handed on
    KeyShape shape_;
    ListSummary summary_;
    std::uint64_t held_ = 0, page_bytes_ = 0;  // of pages that wait; of the largest page so far
    std::uint64_t told_pages_ = 0;             // that held keys of their range
    std::size_t fetching_ = 0;
    std::optional<StopSource> enough_;  // ends the requests in flight
    bool ended_ = false;
    std::optional<Error> error_;
};

}  // namespace dray
