// Directories as wholes: copying one, listing what is in it, finding what must not be there.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace wfe::build {

struct CopyLimits {
  uint64_t max_entries = 500'000;
  uint64_t max_bytes = 8ull << 30;
};

/// Copies files, directories and links (as links) with their permission bits.  `skip_names` are left out at the top,
/// `skip_path` (absolute) wherever it is; sockets, pipes and devices always.  `alive` is called now and then and
/// answers false to stop (CANCELLED).  RESOURCE_EXHAUSTED names the limit.
Status CopyDirectory(const std::string& from, const std::string& to, const std::vector<std::string>& skip_names,
                     const std::string& skip_path, const CopyLimits& limits, const std::function<bool()>& alive);

/// Deletes every `.git` below `dir`, at any depth: what was planted there would be obeyed by a git run there.
/// Returns how many there were.
Result<int> RemovePlantedRepositories(const std::string& dir, const std::function<bool()>& alive);

/// True when nothing is there but wfe's own files.
bool IsEmptyProject(const std::string& dir);

}  // namespace wfe::build
