// Token counts of one model call: reported ones, or estimates of what was sent and received (LG-19).
#pragma once

#include <cstdint>
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

/// More tokens than the prompt of this request has: the estimate with half as much again, and never more than its
/// bytes.
int64_t MostPromptTokens(const nlohmann::json& request, const std::string& model, const TokenCounter& counter);

}  // namespace wfe::agent
