#include "ops/own_places.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "store/local_keys.h"

namespace dray {
namespace {

std::vector<std::string> where_it_is(const std::string& path) {
    std::error_code fault;
    std::filesystem::path real = std::filesystem::weakly_canonical(path, fault);
    if (fault) real = std::filesystem::absolute(path, fault).lexically_normal();
    if (!real.has_filename()) real = real.parent_path();  // without the slash at its end
    return {real.begin(), real.end()};
}

bool begins_with(const std::vector<std::string>& names, const std::vector<std::string>& beginning) {
    return names.size() >= beginning.size() && std::equal(beginning.begin(), beginning.end(), names.begin());
}

}  // namespace

OwnPlaces::OwnPlaces(const std::vector<std::string>& directories) {
    for (const std::string& directory : directories)
        if (!directory.empty()) directories_.push_back(where_it_is(directory));
}

bool OwnPlaces::hold(const std::string& bucket, std::string_view key) {
    if (directories_.empty()) return false;
    if (bucket != bucket_) look_from(bucket);
    if (below_.empty()) return false;
    const std::vector<std::string> names = local_path(key);
    return std::any_of(below_.begin(), below_.end(), [&](const Names& own) { return begins_with(names, own); });
}

void OwnPlaces::look_from(const std::string& bucket) {
    bucket_ = bucket;
    below_.clear();
    const Names root = where_it_is(bucket);
    for (const Names& directory : directories_) {
        if (begins_with(root, directory))
            below_.emplace_back();
        else if (begins_with(directory, root))
            below_.emplace_back(directory.begin() + static_cast<std::ptrdiff_t>(root.size()), directory.end());
    }
}

}  // namespace dray
