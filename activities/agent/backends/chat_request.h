// generateContent, in which requests are built here, as a request of OpenAI's chat completions.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/base/result.h"

namespace wfe::agent {

/// The body of POST /v1/chat/completions.  Pure.
///   systemInstruction                 a message of role system
///   texts of role user, model         messages of role user, assistant; neighbours of one role become one message,
///   since
///                                     many models' templates refuse them otherwise.  Thoughts are not sent back
///   functionCall, functionResponse    tool_calls, and messages of role tool.  A call without an id gets the same
///   made-up
///                                     one on both sides
///   tools, toolConfig                 tools, tool_choice
///   generationConfig                  temperature, topP, topK, seed, maxOutputTokens, stopSequences, responseMimeType,
///                                     responseJsonSchema; thinkingConfig and candidateCount 1 mean nothing there and
///                                     are left out
/// INVALID_ARGUMENT for what cannot be said in that protocol, naming it: nothing is left out silently.
Result<nlohmann::json> ToChatRequest(const nlohmann::json& request, const std::string& model, bool stream);

}  // namespace wfe::agent
