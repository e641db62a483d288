// The rules over runs of different workflow ids (H41, H42).  Private to engine/lint.
#pragma once

#include <map>
#include <vector>

#include "engine/lint/lint.h"

namespace wfe::lint {

using RunsByKey = std::map<ExecutionKey, const RunHistory*>;

/// Adds what is wrong between parents and children, senders and targets.  `complete`: a run that is named and not among
/// `runs` does not exist.
void CheckFamilies(const RunsByKey& runs, bool complete, std::vector<Finding>& findings);

}  // namespace wfe::lint
