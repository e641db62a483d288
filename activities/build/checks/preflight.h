// Everything that can be known to be wrong before a token is spent.
#pragma once

#include "activities/build/checks/compliance.h"
#include "activities/build/checks/settings.h"

namespace wfe::build {

sdk::ActivityResult<PreflightReport> RunPreflight(const ComplianceSettings& settings, const PreflightRequest& request,
                                                  sdk::ActivityContext& context);

/// -1, 0 or 1 for dotted numbers; a missing part counts as 0 ("20.19" equals "20.19.0").
int CompareVersions(const std::string& a, const std::string& b);

/// A failure with one of the types of compliance.h.
sdk::ApplicationFailure ComplianceFailure(std::string_view type, std::string message, bool non_retryable = true);

/// Checks the spelling of a working directory and gives it with links resolved.
Result<std::string> ResolveWorkingDir(const std::string& path, bool create);

}  // namespace wfe::build
