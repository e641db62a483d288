// What a running command and everything it started use, seen from outside: the limit of last resort where there is no
// control group, and the only one on a directory's growth.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace wfe::sandbox {

struct ProcessUsage {
  uint64_t processes = 0;
  uint64_t memory_bytes = 0;  ///< Resident, what processes share counted once for each.
};
/// Of all descendants of `root`, itself left out.
ProcessUsage UsageBelow(pid_t root);
/// Resident memory with shared pages counted once; slower.
uint64_t ProportionalMemoryBelow(pid_t root);

/// Bytes on disk below the directories; links are not followed, other file systems not entered, and names in
/// `excluded` left out.
uint64_t DiskBytes(const std::vector<std::string>& directories, const std::vector<std::string>& excluded);

}  // namespace wfe::sandbox
