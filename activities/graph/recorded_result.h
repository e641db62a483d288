// What an activity or child workflow gave in an earlier run, found again by what it was given.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/record_json.h"

namespace wfe::graph {

struct RecordedResult {
  std::string activity;      ///< Its type.
  std::string input_sha256;  ///< InputHash of what it was given.
  nlohmann::json result;
  int64_t duration_ms = 0;
};
WFE_RECORD(RecordedResult, activity, input_sha256, result, duration_ms);
constexpr RecordRules RulesOf(const RecordedResult*) {
  return {.refuses_unknown = true, .required = "activity input_sha256 result"};
}

/// SHA-256 in hexadecimal of canonical JSON (keys in order, no blanks).
std::string InputHash(const nlohmann::json& input);

}  // namespace wfe::graph
