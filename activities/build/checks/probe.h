// Proves, before a token is spent, that the checks can do their work here (RW-D6): each one's program starts where it will
// run, its configuration loads, and it looks at the project's files.
#pragma once

#include <set>
#include <string>

#include "activities/build/checks/compliance.h"
#include "activities/build/checks/settings.h"
#include "activities/sandbox/safe_files.h"

namespace wfe::build {

/// Failure types: MISSING_TOOL, CHECK_CONFIG, CHECK_NO_FILES, COMMAND_FAILED_SANDBOX; none is retried.
sdk::ActivityResult<ProbeChecksReport> ProbeChecks(const ComplianceSettings& settings,
                                                   const ProbeChecksRequest& request, const sandbox::SafeDir& dir,
                                                   sdk::ActivityContext& context);

/// The checks whose configuration a probe saw load in this directory.
std::set<std::string> ReadProbed(const sandbox::SafeDir& dir);

}  // namespace wfe::build
