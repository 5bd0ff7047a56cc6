#include "store/local_mounts.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
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
    std::uint64_t id = 0;
    std::string point, type;
};

// "36 35 98:0 /root /point options [optional ...] - type source options"
std::optional<Mount> read_mount(std::string_view line) {
    constexpr std::string_view kSeparator = " - ";
    const auto separator = line.find(kSeparator);
    if (separator == std::string_view::npos) return std::nullopt;
    const std::string_view type = line.substr(separator + kSeparator.size());
    Mount mount{.type = std::string(type.substr(0, type.find(' ')))};
    const auto id = std::from_chars(line.data(), line.data() + separator, mount.id);
    if (id.ec != std::errc() || *id.ptr != ' ') return std::nullopt;
    for (int field = 0; field < 4; ++field)
        line.remove_prefix(std::min(line.size(), line.find(' ') + 1));
    mount.point = unescaped_path(line.substr(0, line.find(' ')));
    return mount;
}

bool is_in(std::string_view path, std::string_view directory) {
    if (directory == "/") return true;
    return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

// By number: by path, a mount would be found too that a later one covers, and that nobody gets into any more.
std::optional<std::uint64_t> mount_of(const char* path) {
    struct statx status {};
    if (::statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &status) != 0) return std::nullopt;
    if (!(status.stx_mask & STATX_MNT_ID)) return std::nullopt;  // before Linux 5.8
    return status.stx_mnt_id;
}

}  // namespace

bool dies_with_its_process(std::string_view path, std::uint64_t mount, std::string_view mountinfo) {
    bool own = false;
    while (!mountinfo.empty()) {
        const auto end = std::min(mountinfo.find('\n'), mountinfo.size());
        const auto listed = read_mount(mountinfo.substr(0, end));
        mountinfo.remove_prefix(std::min(mountinfo.size(), end + 1));
        if (!listed) return false;
        const bool near = is_of_this_kernel(listed->type);
        if (listed->id == mount) own = near;
        // At the very place of the directory, and not the one it lies in: covered.
        if (!near && listed->point != path && is_in(listed->point, path)) return false;
    }
    return own;
}

bool dies_with_its_process(const std::string& directory) {
    const std::unique_ptr<char, decltype(&std::free)> path(::realpath(directory.c_str(), nullptr), &std::free);
    const auto mounts = read_file("/proc/self/mountinfo", kMaxMounts);
    const auto mount = path ? mount_of(path.get()) : std::nullopt;
    return mount && mounts && dies_with_its_process(path.get(), *mount, *mounts);
}

}  // namespace dray
