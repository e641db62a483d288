// Token counts of one model call: reported ones, or estimates of what was sent and received (LG-19).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "activities/agent/cost/token_estimator.h"

namespace wfe::agent {

struct CountedCall {
  const nlohmann::json& request;
  const nlohmann::json& response;
  const std::string& model;
  bool scripted = false;
};

/// {"prompt", "output", "thoughts", "cached", "source"}.  A reported prompt also teaches the estimator.
nlohmann::json CountCallTokens(const CountedCall& call, TokenCounter& counter);

}  // namespace wfe::agent
