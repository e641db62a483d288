// The agent backends of a worker, from its configuration.
#pragma once

#include <string>

#include "activities/gemini/config.h"
#include "engine/base/result.h"
#include "tools/wfe/config.h"

namespace wfe::cli {

/// Everything but the stores, which a running worker adds.
Result<activities::GeminiConfig> AgentConfigFrom(const Config& config, const std::string& work_root);

/// One warning when the default backend cannot be called as things are; empty when it can.
std::string AgentWarning(const activities::GeminiConfig& agent);

}  // namespace wfe::cli
