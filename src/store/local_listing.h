// Walks a bucket's directory in byte order of keys, in bounded memory, a page at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
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
    // Keys that begin with `prefix` and come after `after`, bytewise. `held` is for tests.
    static Result<std::unique_ptr<LocalWalk>> start(LocalBucket bucket, std::string prefix, std::string after,
                                                    std::size_t held = kHeldEntries);
    ~LocalWalk();
    // The next object; nullopt at the end. What vanishes meanwhile is left out.
    Result<std::optional<ListedObject>> next();
    // Leaves out everything that begins with `prefix`.
    void skip(const std::string& prefix);
    // Closes what is open; the walk goes on where it is.
    void rest();

private:
    struct Entry;
    struct Level;
    explicit LocalWalk(LocalBucket bucket);
    Status fill(Level& level);
    Result<Fd> open(const Level& level) const;
    Status read_entries(int directory, const std::vector<std::string>& begun, Level& level, std::vector<Entry>& found);
    Result<std::optional<ListedObject>> listed(Level& level, const Entry& entry);

    LocalBucket bucket_;
    std::string prefix_, after_;
    std::size_t held_ = kHeldEntries;
    std::vector<Level> levels_;
};

}  // namespace dray
