// The steps of the probe, each one question to a store. Used by probe.cpp only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/object_store.h"

namespace dray {

// The private objects of one probe and the requests spent on them. Each step tries something that must be refused, and
// remembers the answer; look() then tells refusals that had no effect from mere words. Races say the rest: a store that
// looks first and writes later refuses politely whoever comes alone, and lets two in that come at once.
class ProbeGround {
public:
    ProbeGround(ObjectStore& store, std::string bucket, const std::string& prefix, bool versioned);

    // In this order. An error means that nothing could be found out (denied, unreachable, stopped).
    Status begin(const Context& ctx);  // puts what the steps compare with
    Status try_copy(const Context& ctx, Capabilities& found);
    Status try_put_conditions(const Context& ctx, Capabilities& found);
    Status put_folder(const Context& ctx);  // beside "a", for the order of a listing; put_twins() has it as well
    Status put_twins(const Context& ctx, bool folding_only);
    Status try_copy_conditions(const Context& ctx);
    Status race_copies(const Context& ctx);  // its objects are those that the next steps try to remove and to replace
    Status try_remove_conditions(const Context& ctx);
    Status try_multipart(const Context& ctx, Capabilities& found);
    Status look(const Context& ctx, Capabilities& found);
    Status try_start_after(const Context& ctx, Capabilities& found);

    // Removes all that was written, every version of it, also what appeared under other names. Runs to its end after a
    // stop and after errors too; an error names what may be left.
    Status clean_up(const Context& ctx);

private:
    // A condition that was tried, and the object that shows whether it had its effect.
    struct Tried {
        Guarantee Capabilities::*field;
        std::string name;
        bool refused = false;
        bool should_exist = true;  // with the body it was put with
    };
    ObjectRef at(const std::string& name) const { return {bucket_, base_ + name, {}}; }
    // Puts a body of a length that no other has; remembers it. A key that the store refuses is remembered as absent.
    Status put_own(const Context& ctx, const std::string& name);
    Status put_leading(const Context& ctx);
    // Lets `create` loose on one key from kProbeRacers threads at once, with the number of each. The winner's number;
    // nullopt when not exactly one won and each other was refused.
    using Create = std::function<Result<ObjectInfo>(std::size_t racer)>;
    Result<std::optional<std::size_t>> race(const std::string& name, const Create& create);
    Status race_puts(const Context& ctx);
    Status see_redirect(const Context& ctx, const Properties& copy, Capabilities& found);
    std::string next_body() { return std::string(100 + bodies_++, 'x'); }
    Result<ObjectInfo> put(const Context& ctx, const std::string& name, std::string_view body,
                           const PutOptions& options);
    Result<ObjectInfo> copy(const Context& ctx, const std::string& from, const std::string& to,
                            const CopyOptions& options);
    Result<std::vector<ListedObject>> list(const Context& ctx, const std::string& start_after = {});
    void written(const std::string& name, const std::string& version) { written_key(base_ + name, version); }
    // Once each: a batch delete that names a key twice is refused.
    void written_key(const std::string& key, const std::string& version) {
        RemoveItem item{.key = key, .version = version, .if_match = {}};
        for (const RemoveItem& known : written_)
            if (known.key == item.key && known.version == item.version) return;
        written_.push_back(std::move(item));
        versioned_ = versioned_ || !version.empty();
    }
    // Of what look() listed. A name that is not listed has a size that nothing has.
    std::uint64_t listed_size(const std::string& name) const;
    bool is_as_put(const std::string& name) const;
    bool are_apart(const std::string& name, const std::string& other) const;
    // Of clean_up.
    void remove_batch(const Context& ctx);
    Status remove_one(const Context& ctx, const RemoveItem& item);
    Status remove_versions(const Context& ctx, const std::string& key);
    void abort_lost_uploads(const Context& ctx);
    bool is_left_by_probe(std::string_view key) const;
    // The keys below base_ that are still there; sets leftovers_ on the way.
    Result<std::vector<std::string>> list_what_is_left(const Context& ctx);
    // Never fails: a leftover that stays does no harm.
    void remove_leftovers(const Context& ctx);
    void abort_old_uploads(const Context& ctx, WallTime now);

    ObjectStore& store_;
    const std::string bucket_, prefix_, base_;
    std::vector<RemoveItem> written_;
    std::map<std::string, std::uint64_t> sizes_;  // as we made them, by name
    std::size_t bodies_ = 0;
    std::optional<std::uint64_t> leading_size_;  // of the twin with a slash in front; nullopt: it was not tried
    bool versioned_;                             // the bucket is known to be, or a write told a version
    bool lost_upload_ = false;                   // one may have been begun that we do not know the id of
    std::vector<Error> failures_;                // of clean_up
    std::vector<std::string> leftovers_;         // keys of earlier probes
    WallTime store_time_{};                      // when leftovers_ were listed
    std::vector<Tried> tried_;
    std::vector<Guarantee Capabilities::*> races_lost_;
    std::vector<ListedObject> listed_;
    ObjectInfo first_;         // the object "a"
    bool redirected_ = false;  // it was put with a website redirect
};

std::string probe_name();  // ".dray-probe-<random>"

}  // namespace dray
