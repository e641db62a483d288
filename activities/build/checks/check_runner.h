// Runs a profile's commands over a working directory and makes the report.
#pragma once

#include <optional>

#include "activities/build/checks/compliance.h"
#include "activities/build/checks/settings.h"
#include "activities/sandbox/safe_files.h"

namespace wfe::build {

/// nullopt: cancelled.  An error: the machinery is at fault (no sandbox though one is required, disk), never the
/// project.  `dir` reserves nothing and stays open during the run.
Result<std::optional<ComplianceReport>> RunChecks(const ComplianceSettings& settings, const ComplianceRequest& request,
                                                  const sandbox::SafeDir& dir, sdk::ActivityContext& context);

}  // namespace wfe::build
