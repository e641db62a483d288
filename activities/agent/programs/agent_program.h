// A program that runs its own agent loop in the working directory, such as the Gemini command line.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "activities/agent/backends/model_backend.h"
#include "activities/agent/step/agent_step.h"
#include "activities/agent/step/tool_calls.h"
#include "engine/base/record.h"
#include "engine/base/result.h"

namespace wfe::agent {

struct ProgramCall {
  std::string step_name;
  std::string prompt;   ///< Given on standard input.
  std::string context;  ///< The standing context; it goes to the program's own place for such text.
  std::string working_dir;
  std::string model;
  int max_turns = 30;
  std::string private_dir;  ///< For HOME and TMPDIR; removed by the caller.
};

/// What a finished run says; kept in the journal.
struct ProgramReport {
  std::string text;
  std::vector<AgentAction> actions;
  bool tokens_reported = false;
  int64_t prompt_tokens = 0;
  int64_t output_tokens = 0;  ///< Visible output.
  int64_t thoughts_tokens = 0;
  int64_t cached_tokens = 0;
  std::string model;
  /// As the model's service names it.  "unknown" where the program hides it, "EMPTY" where no usable answer came.
  std::string finish_reason;
  std::vector<AgentToolCall> tool_calls;  ///< As many as `actions`, in the same order.
};
WFE_RECORD(ProgramReport, text, actions, tokens_reported, prompt_tokens, output_tokens, thoughts_tokens,
           cached_tokens, model, finish_reason, tool_calls);
constexpr RecordRules RulesOf(const ProgramReport*) { return {.whole = true, .seldom = "tool_calls"}; }

class AgentProgram {
 public:
  virtual ~AgentProgram() = default;
  /// Blocks until the program and its children are gone.  A response is a ProgramReport as JSON.
  virtual ModelOutcome Run(const ProgramCall& call, const CallControl& control) = 0;
  /// Whether it could be called: FAILED_PRECONDITION with one sentence that says what is missing.
  virtual Status Check() const { return Ok(); }
  /// What a run that did not come to its end had paid for by then, read from what it left in its private directory.
  virtual std::optional<PaidTokens> PaidSoFar(const std::string& /*private_dir*/) const { return std::nullopt; }
  /// True: which model it asks is its own affair.  It is told what the build or the configuration names and nothing else,
  /// and a call whose model neither they nor its report name has no price.
  virtual bool ChoosesModel() const { return false; }
  /// "bwrap" or "none".
  virtual std::string Sandbox() const { return "none"; }
};

}  // namespace wfe::agent
