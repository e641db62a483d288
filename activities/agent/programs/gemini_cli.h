// The Gemini command line in headless stream-json mode.
#pragma once

#include <memory>
#include <string>

#include "activities/agent/programs/agent_program.h"
#include "activities/agent/programs/gemini_session.h"
#include "activities/sandbox/sandbox.h"

namespace wfe::agent {

struct GeminiCliOptions {
  std::string program = "gemini";  ///< A path, or a name looked up in `path`.
  std::string path;                ///< PATH of the program; empty: the worker's own.
  std::string api_key;
  std::string base_url;  ///< Without the version (BaseUrls::command_line); empty: the program's default.
  Duration wall_clock = std::chrono::minutes(30);
  sandbox::SandboxPolicy sandbox = sandbox::SandboxPolicy::kPreferred;
};
/// GEMINI_API_KEY, GOOGLE_GEMINI_BASE_URL, WFE_GEMINI_CLI (the program) and PATH.
GeminiCliOptions GeminiCliOptionsFromEnvironment();

std::shared_ptr<AgentProgram> MakeGeminiCli(GeminiCliOptions options);

/// Reads what the program printed and, where that hides why the model stopped or what was paid, what it recorded.  Exit
/// 0 is no proof of success: the result line and the error lines decide.
ModelOutcome ParseGeminiCliRun(int exit_code, const std::string& standard_output, const std::string& standard_error,
                               const GeminiSession& session = {});

}  // namespace wfe::agent
