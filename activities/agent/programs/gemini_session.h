// What the Gemini command line writes below its HOME while it runs, read afterwards for what its output hides: why the
// model stopped, and what a run that did not end had already paid for (RW-D15).
#pragma once

#include <optional>
#include <string>

#include "activities/agent/backends/model_backend.h"

namespace wfe::agent {

struct GeminiSession {
  /// Of the last answer, as the API names it; empty where the records do not say.
  std::string finish_reason;
  /// Sums over the answers in the session's record; nullopt when there is no record of an answer.
  std::optional<PaidTokens> tokens;
};

/// Where the program is told to write the events of its calls, below its HOME.
inline constexpr std::string_view kGeminiEventsFile = ".gemini/wfe-events.log";

/// Reads what there is; a file that is missing, cut or strange is left out.
GeminiSession ReadGeminiSession(const std::string& home);

}  // namespace wfe::agent
