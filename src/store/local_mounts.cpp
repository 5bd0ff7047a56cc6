#include "store/local_mounts.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>

#include "base/file.h"

namespace dray {
namespace {

constexpr std::uint64_t kMaxMounts = 16 << 20;  // bytes of mountinfo; a mount has some hundred

bool is_of_this_kernel(std::string_view type) {
    static constexpr std::array<std::string_view, 11> kTypes{"ext2",  "ext3",    "ext4", "xfs", "btrfs", "f2fs",
                                                             "tmpfs", "overlay", "vfat", "jfs", "zfs"};
    return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

// proc(5): blanks, tabs, newlines and backslashes are octal numbers.
std::string unescaped_path(std::string_view text) {
    std::string path;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view digits = text.substr(i + 1, 3);
        const bool octal =
            text[i] == '\\' && digits.size() == 3 && digits.find_first_not_of("01234567") == std::string_view::npos;
        path += octal ? static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0')) : text[i];
        if (octal) i += 3;
    }
    return path;
}

struct Mount {
    std::string point, type;
};

// "36 35 98:0 /root /point options [optional ...] - type source options"
std::optional<Mount> read_mount(std::string_view line) {
    constexpr std::string_view kSeparator = " - ";
    const auto separator = line.find(kSeparator);
    if (separator == std::string_view::npos) return std::nullopt;
    const std::string_view type = line.substr(separator + kSeparator.size());
    for (int field = 0; field < 4; ++field)
        line.remove_prefix(std::min(line.size(), line.find(' ') + 1));
    return Mount{.point = unescaped_path(line.substr(0, line.find(' '))),
                 .type = std::string(type.substr(0, type.find(' ')))};
}

bool is_in(std::string_view path, std::string_view directory) {
    if (directory == "/") return true;
    return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

}  // namespace

bool dies_with_its_process(std::string_view path, std::string_view mountinfo) {
    Mount holder;  // the innermost around it; of several at one place the last covers the others
    while (!mountinfo.empty()) {
        const auto end = std::min(mountinfo.find('\n'), mountinfo.size());
        const auto mount = read_mount(mountinfo.substr(0, end));
        mountinfo.remove_prefix(std::min(mountinfo.size(), end + 1));
        if (!mount) return false;
        if (is_in(path, mount->point) && mount->point.size() >= holder.point.size())
            holder = *mount;
        else if (is_in(mount->point, path) && !is_of_this_kernel(mount->type))
            return false;
    }
    return is_of_this_kernel(holder.type);
}

bool dies_with_its_process(const std::string& directory) {
    const std::unique_ptr<char, decltype(&std::free)> path(::realpath(directory.c_str(), nullptr), &std::free);
    const auto mounts = read_file("/proc/self/mountinfo", kMaxMounts);
    return path && mounts && dies_with_its_process(std::string_view(path.get()), std::string_view(*mounts));
}

}  // namespace dray
