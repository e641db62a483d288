// The calls of tools that stand in an agent's own transcript (RC-10): which it made, how each ended, and hashes of what
// went in and came out.  Calls that a registered tool answers instead of an agent are other rows (activities/patterns).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/hash.h"
#include "engine/base/money.h"
#include "engine/base/record_json.h"

namespace wfe::agent {

/// Table of the records service: key is "<day>/<id of the step>", value a StepToolCalls.
inline constexpr std::string_view kAgentToolCallsTable = "agent_tool_calls";

/// More are counted and not kept of one step.
inline constexpr size_t kMaxToolCallsKept = 500;

struct AgentToolCall {
  std::string tool;         ///< As the agent named it.
  std::string input_hash;   ///< SHA-256 of its arguments as JSON; empty: the transcript does not have them.
  std::string output_hash;  ///< SHA-256 of its answer, or of why it failed; empty: the transcript has none.
  std::optional<int64_t> duration_ms;  ///< Absent: the transcript has no times.
  bool success = false;                ///< False also for a call that was never answered.
  std::optional<Money> cost_usd;       ///< Of the tool alone: 0 for ours; absent for those of a program.
  bool cache_hit = false;              ///< The answer was a kept one.  None of the present tools keeps any.

  friend bool operator==(const AgentToolCall&, const AgentToolCall&) = default;
};
WFE_RECORD(AgentToolCall, tool, input_hash, output_hash, duration_ms, success, cost_usd, cache_hit);
constexpr RecordRules RulesOf(const AgentToolCall*) {
  return {.required = "tool success", .seldom = "input_hash output_hash cache_hit"};
}

/// The calls of one step; written once, when the step has ended.  A step without a call leaves no row.
struct StepToolCalls {
  std::string id;  ///< Of the step: the same for every attempt, and as in StepHooks.
  std::string run_id;
  std::string workflow_id;
  std::string workflow_type;
  std::string step_name;
  std::string category;  ///< As in StepHooks.
  std::string model;
  std::string backend;
  std::string at;   ///< When the step ended; ISO 8601, UTC.
  std::string via;  ///< "tool_call": wfe carried them out; "program": what a program says of itself.
  int64_t count = 0;   ///< All of them.
  int64_t failed = 0;  ///< Of all of them.
  std::vector<AgentToolCall> calls;  ///< In order; the first kMaxToolCallsKept.
};
WFE_RECORD(StepToolCalls, id, run_id, workflow_id, workflow_type, step_name, category, model, backend, at, via, count,
           failed, calls);
constexpr RecordRules RulesOf(const StepToolCalls*) { return {.required = "id run_id at calls"}; }

/// Gathers the calls of a step, however many there are.
class ToolCallNotes {
 public:
  void Add(AgentToolCall call) {
    ++count_;
    if (!call.success) ++failed_;
    if (calls_.size() < kMaxToolCallsKept) calls_.push_back(std::move(call));
  }
  int64_t count() const { return count_; }
  int64_t failed() const { return failed_; }
  const std::vector<AgentToolCall>& calls() const { return calls_; }

 private:
  std::vector<AgentToolCall> calls_;
  int64_t count_ = 0;
  int64_t failed_ = 0;
};

/// SHA-256 of a text as it is, of any other value as JSON; empty for none.
inline std::string HashOfToolValue(const nlohmann::json& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return ToHex(Sha256(value.get_ref<const std::string&>()));
  return ToHex(Sha256(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
}

}  // namespace wfe::agent
