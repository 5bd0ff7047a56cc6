// How a key becomes a path below a directory, and back. docs/adr/0002-local-keys.md says why; in short: an element of
// a key is the file name as it stands wherever the system allows that name, and every name that begins with ".dray" is
// ours.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dray {

// Holds the body of an object whose name is a directory ("both" beside "both/child").
inline constexpr std::string_view kSelfName = ".dray@";
inline constexpr std::string_view kTempPrefix = ".dray-tmp-";
inline constexpr std::string_view kAsidePrefix = ".dray-aside-";
inline constexpr std::string_view kRecordPrefix = ".dray-record-";
inline constexpr std::string_view kTagsPrefix = ".dray-tags-";
inline constexpr std::string_view kUploadsName = ".dray-uploads";

// The names to walk, one a directory level, the last one the object's. None is empty, ".", ".." or above 255 bytes, and
// none holds "/" or NUL. Different keys give different paths.
std::vector<std::string> local_path(std::string_view key);

struct LocalName {
    enum class Kind : std::uint8_t {
        element,    // `bytes` is a whole element of a key
        beginning,  // a directory that holds the rest of a long element
        ours,       // no part of any key
    };
    Kind kind = Kind::ours;
    std::string bytes;
};
// What a file name says. `begun`: the directories around it that hold the beginning of the same element.
LocalName local_name(std::string_view file_name, const std::vector<std::string>& begun = {});

// The files that the local store keeps beside objects: docs/local-store.md lists them. `top`: in the bucket's own
// directory. Whatever else begins with ".dray" and is no key is somebody's.
bool is_own_name(std::string_view file_name, bool top);
// One of ".dray-tmp-PID-RANDOM".
bool is_temp_name(std::string_view name);
// One of ".dray-aside-INODE-SIZE-MTIME-CTIME-RANDOM"; hexadecimal.
bool is_aside_name(std::string_view name);

}  // namespace dray
