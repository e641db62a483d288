// Models by their size: a workflow asks for "small", "medium" or "large", and the worker's configuration says which
// model of which backend that is.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "activities/agent/step/config.h"
#include "engine/base/result.h"

namespace wfe::agent {

const std::vector<std::string>& TierNames();
bool IsTierName(std::string_view name);

/// "BACKEND:MODEL" ("openai:qwen2.5-coder:7b"; a model may hold colons).  INVALID_ARGUMENT for anything else and for a
/// backend that is not in `backends`.
Result<ModelTier> ParseTier(std::string_view text, const std::vector<std::string>& backends);

/// The tiers of a worker that configures none: Gemini's models where its default backend speaks to Gemini, with the
/// default model in the middle; else the default backend's own model for all three.
std::map<std::string, ModelTier> DefaultTiers(const GeminiConfig& config);

}  // namespace wfe::agent
