// OwnPlaces: the directories in which dray keeps its runs. No run may move what is in them, or move anything there:
// with the journal gone from under it, a run can be neither resumed nor undone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dray {

// Not thread-safe.
class OwnPlaces {
public:
    OwnPlaces() = default;
    // Links are followed, in these and in buckets: what counts is where things are. Empty names are passed over.
    explicit OwnPlaces(const std::vector<std::string>& directories);
    // Whether the object of a local store (its bucket is a directory) is, or would come to be, in one of them.
    bool hold(const std::string& bucket, std::string_view key);

private:
    using Names = std::vector<std::string>;  // of directories, one inside the other
    void look_from(const std::string& bucket);

    std::vector<Names> directories_;  // from the root down
    std::string bucket_;              // that below_ is about: a plan has millions of keys, and few buckets
    std::vector<Names> below_;        // from the bucket down; none: the whole bucket is in ours
};

}  // namespace dray
