// Walks a bucket's directory in byte order of keys, in bounded memory, a page at a time.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "store/local_file.h"
#include "store/object_store.h"

namespace dray {

// At most this many entries of one directory level are held: about 30 MB. A larger directory is read again for each
// further slice of it.
inline constexpr std::size_t kHeldEntries = 1 << 18;

// A walk under way. Not thread-safe.
class LocalWalk {
public:
    // Keys that begin with `prefix` and come after `after`, bytewise. `own_changes` is borrowed; `held` is for tests.
    static Result<std::unique_ptr<LocalWalk>> start(const Context& ctx, LocalBucket bucket, std::string prefix,
                                                    std::string after, OwnChanges& own_changes,
                                                    std::size_t held = kHeldEntries);
    ~LocalWalk();
    // The next object, or what is none; nullopt at the end. What vanishes meanwhile is left out, and so is what is
    // dray's own.
    using Found = std::variant<ListedObject, ListedOther>;
    Result<std::optional<Found>> next(const Context& ctx);
    // Leaves out everything that begins with `prefix`.
    void skip(const std::string& prefix);
    // Closes what is open; the walk goes on where it is.
    void rest();

private:
    struct Entry;
    struct Level;
    LocalWalk(LocalBucket bucket, OwnChanges& own_changes);
    Status fill(const Context& ctx, Level& level);
    Result<Fd> open(const Level& level) const;
    // False: a name came back from a killed process meanwhile; read again.
    Result<bool> read_entries(const Context& ctx, int directory, const std::vector<std::string>& begun, Level& level,
                              std::vector<Entry>& found);
    Result<std::optional<Found>> listed(Level& level, const Entry& entry);

    LocalBucket bucket_;
    OwnChanges& own_changes_;
    std::string prefix_, after_;
    std::size_t held_ = kHeldEntries;
    std::vector<Level> levels_;
};

// Listings under way, by the token of their next page: so many can be continued without walking there again.
// Thread-safe.
inline constexpr std::size_t kOpenWalks = 64;
class OpenWalks {
public:
    std::unique_ptr<LocalWalk> take(const std::string& token);  // nullptr: it is not held any more
    void keep(std::string token, std::unique_ptr<LocalWalk> walk);
    std::string name_token(const std::string& last_key);

private:
    std::mutex mutex_;
    std::uint64_t serial_ = 0;
    std::list<std::pair<std::string, std::unique_ptr<LocalWalk>>> walks_;
};

}  // namespace dray
