#include "store/local_properties.h"

#include <fmt/format.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "store/local_record.h"

namespace dray {
namespace {

constexpr std::size_t kFewNames = 1024;             // bytes: most files have none
constexpr std::size_t kMostAttributes = 64 * 1024;  // bytes of a list, and of a value: the kernel's own limits
constexpr mode_t kPermissions = 07777;
constexpr std::string_view kAccessList = "system.posix_acl_access";

// Labels (security.*) are the system's to give, and trusted.* is root's.
bool belongs_to_object(std::string_view attribute) {
    return attribute == kAccessList || (attribute.starts_with("user.") && attribute != kRecordAttribute);
}

Result<std::vector<std::string>> attribute_names(int fd, const std::string& path) {
    std::vector<std::string> names;
    std::array<char, kFewNames> few{};
    std::string many;
    const char* list = few.data();
    ssize_t bytes = ::flistxattr(fd, few.data(), few.size());
    if (bytes < 0 && errno == ERANGE) {
        many.resize(kMostAttributes);
        bytes = ::flistxattr(fd, many.data(), many.size());
        list = many.data();
    }
    if (bytes < 0 && errno == ENOTSUP) return names;
    if (bytes < 0) return io_error("list the attributes of", path, errno);
    for (ssize_t at = 0; at < bytes; at += static_cast<ssize_t>(std::strlen(list + at)) + 1) {
        if (belongs_to_object(list + at)) names.emplace_back(list + at);
    }
    std::sort(names.begin(), names.end());
    return names;
}

Result<std::vector<NameValue>> attributes_of(int fd, const std::string& path) {
    TRY_LET(names, attribute_names(fd, path));
    std::vector<NameValue> attributes;
    std::string value;
    for (std::string& name : names) {
        value.resize(kMostAttributes);
        const ssize_t bytes = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
        if (bytes < 0 && errno == ENODATA) continue;
        if (bytes < 0) return io_error("read the attributes of", path, errno);
        attributes.push_back({std::move(name), value.substr(0, static_cast<std::size_t>(bytes))});
    }
    return attributes;
}

// A new file has the default ACL of its directory, whose mask a mode lifts: whom it names could read what the source
// kept from them. Must come before the mode.
Status drop_inherited_list(int to, const std::string& path) {
    if (::fremovexattr(to, kAccessList.data()) == 0 || errno == ENODATA || errno == ENOTSUP) return {};
    return io_error("remove the inherited access list of", path, errno);
}

// Only root may give a file away; a group that one is in may be given by everybody. True: both are as wanted.
bool keep_owner(const struct stat& wanted, int to) {
    struct stat now {};
    if (::fstat(to, &now) != 0) return false;
    if (now.st_uid == wanted.st_uid && now.st_gid == wanted.st_gid) return true;
    if (::fchown(to, wanted.st_uid, wanted.st_gid) == 0) return true;
    return ::fchown(to, static_cast<uid_t>(-1), wanted.st_gid) == 0 && now.st_uid == wanted.st_uid;
}

}  // namespace

Status read_file_properties(const LocalFile& file, const std::string& path, Properties& properties) {
    properties.file_mode = fmt::format("{:04o}", file.status.st_mode & kPermissions);
    properties.file_owner = fmt::format("{}:{}", file.status.st_uid, file.status.st_gid);
    TRY_LET(attributes, attributes_of(file.fd.get(), path));
    properties.file_attributes = std::move(attributes);
    return {};
}

Status keep_file_properties(const LocalFile& from, int to, const std::string& path) {
    TRY_LET(attributes, attributes_of(from.fd.get(), path));
    TRY(drop_inherited_list(to, path));
    auto lost = [&](const char* what) {
        log_event(LogLevel::info, "not-kept", {{"path", path}, {"what", what}, {"why", std::strerror(errno)}});
    };
    for (const NameValue& attribute : attributes) {
        const std::string& value = attribute.value;
        if (attribute.name != kAccessList &&
            ::fsetxattr(to, attribute.name.c_str(), value.data(), value.size(), 0) != 0)
            lost(attribute.name.c_str());
    }
    // The owner before the mode, for a new owner takes set-user-ID away; and a program never gets the rights of another
    // user than before.
    const bool owned = keep_owner(from.status, to);
    if (!owned) lost("owner");
    const mode_t borrowed = owned ? 0 : S_ISUID | S_ISGID;
    if (::fchmod(to, from.status.st_mode & kPermissions & ~borrowed) != 0) lost("mode");
    // After the mode, which would narrow it.
    for (const NameValue& attribute : attributes) {
        const std::string& value = attribute.value;
        if (attribute.name == kAccessList && ::fsetxattr(to, kAccessList.data(), value.data(), value.size(), 0) != 0)
            lost(kAccessList.data());
    }
    return {};
}

}  // namespace dray
