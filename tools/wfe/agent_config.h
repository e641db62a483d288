// The agent backends of a worker, from its configuration.
#pragma once

#include <string>
#include <vector>

#include "activities/agent/step/config.h"
#include "engine/base/metrics.h"
#include "engine/base/result.h"
#include "tools/wfe/config.h"

namespace wfe::cli {

/// Everything but the stores, which a running worker adds.  `metrics` counts what goes out and must outlive the result.
Result<agent::GeminiConfig> AgentConfigFrom(const Config& config, const std::string& work_root,
                                            Metrics& metrics = NoMetrics());

/// The values of this process's environment that an agent's configuration makes secrets: they are in no record.
std::vector<std::string> SecretsOf(const Config& config);

/// One warning when the default backend cannot be called as things are; empty when it can.
std::string AgentWarning(const agent::GeminiConfig& agent);

}  // namespace wfe::cli
