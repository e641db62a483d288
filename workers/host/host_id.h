// Host affinity (EN-5): activities that share a working directory must run where that directory is.
//
// The first activity of such a group runs from the ordinary queue and answers with the host queue of the worker that
// ran it; the workflow sends the rest there, with a schedule-to-start timeout.  When that timeout comes, the host is
// gone and the workflow begins the group anew elsewhere.  The id lives in the work root, not in the process: a
// restarted worker finds its directories and its queue again.
#pragma once

#include <filesystem>
#include <string>

#include "engine/base/id_source.h"
#include "engine/base/result.h"

namespace wfe::worker {

/// The id kept in `work_root`/host-id; makes it (0600, synced) when there is none.  Two processes that begin at the
/// same time get the same id.
Result<std::string> HostId(const std::filesystem::path& work_root, IdSource& ids);

/// "<queue>@host-<id>".
std::string HostQueueName(const std::string& queue, const std::string& host_id);

}  // namespace wfe::worker
