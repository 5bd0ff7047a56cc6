// Whether what was begun in a directory can still happen when the process that began it is gone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dray {

// True where everything below the directory lies on file systems that this machine's kernel carries out by itself: it
// ends each system call of a thread before it lets go of the thread, and of the process's locks. False of all others,
// as far as known: over a network (NFS, SMB), or in a program of its own (FUSE), what was handed on may still be
// carried out. False also where nobody can tell.
bool dies_with_its_process(const std::string& directory);

// The same of a path without links that lies in this mount (statx(2), stx_mnt_id), from what /proc/self/mountinfo says.
bool dies_with_its_process(std::string_view path, std::uint64_t mount, std::string_view mountinfo);

}  // namespace dray
