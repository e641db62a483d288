// Whether a worker of this process could ask a model.  The key itself never leaves the environment.
#pragma once

#include <cstdlib>
#include <string>

#include "tools/wfe/config.h"

namespace wfe::cli {

/// `backend`: that was asked for; empty: none.
inline bool ModelIsThere(const Config& config, const std::string& backend) {
  if (!backend.empty() || config.agent.backend != Config().agent.backend) return true;
  const TiersConfig& tiers = config.tiers;
  if (!tiers.small.empty() || !tiers.medium.empty() || !tiers.large.empty()) return true;
  const char* const key = std::getenv("GEMINI_API_KEY");
  return key != nullptr && *key != '\0';
}

}  // namespace wfe::cli
