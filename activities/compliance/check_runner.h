// Runs a profile's commands over a working directory and makes the report.
#pragma once

#include <optional>

#include "activities/compliance/compliance.h"
#include "activities/compliance/safe_files.h"
#include "activities/compliance/settings.h"

namespace wfe::activities {

/// nullopt: cancelled.  An error: the machinery is at fault (no sandbox though one is required, disk), never the
/// project.  `dir` reserves nothing and stays open during the run.
Result<std::optional<ComplianceReport>> RunChecks(const ComplianceSettings& settings, const ComplianceRequest& request,
                                                  const SafeDir& dir, sdk::ActivityContext& context);

}  // namespace wfe::activities
