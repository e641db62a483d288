// A program that runs its own agent loop in the working directory, such as the Gemini command line.
#pragma once

#include <string>

#include "activities/gemini/gemini.h"
#include "activities/gemini/model_backend.h"

namespace wfe::activities {

struct ProgramCall {
  std::string step_name;
  std::string instruction;
  std::string working_dir;  ///< Its GEMINI.md is there already.
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
  std::string finish_reason;
};
void to_json(nlohmann::json& json, const ProgramReport& report);
void from_json(const nlohmann::json& json, ProgramReport& report);

class AgentProgram {
 public:
  virtual ~AgentProgram() = default;
  /// Blocks until the program and its children are gone.  A response is a ProgramReport as JSON.
  virtual ModelOutcome Run(const ProgramCall& call, const CallControl& control) = 0;
};

}  // namespace wfe::activities
