// An answer of OpenAI's chat completions as a generateContent response, the form in which answers are handled here.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "activities/agent/backends/model_backend.h"

namespace wfe::agent {

/// One response of the chunks of a stream, or of the one document of an answer that was not streamed.  Without a
/// finish_reason the response is not complete (IsComplete).  Pure; never throws, whatever came.
///   content, reasoning_content, refusal   text, a thought, text with the finish reason SAFETY
///   tool_calls                            functionCall parts; arguments that are no JSON object, or no call where one
///   is
///                                         announced, make the finish reason MALFORMED_FUNCTION_CALL
///   finish_reason                         stop, tool_calls, function_call: STOP; length: MAX_TOKENS;
///                                         content_filter: SAFETY; any other: OTHER
///   usage                                 usageMetadata, from whichever chunk carries it last; reasoning tokens are
///                                         thoughts and not output
///   model, id                             modelVersion, responseId
nlohmann::json FromChatChunks(const std::vector<nlohmann::json>& chunks);

/// What an answer with an error status means.  Classifies by status and code; reads the shapes that OpenAI, llama.cpp,
/// vLLM, Ollama and FastAPI give their errors.
ModelError ClassifyChatError(int http_status, std::string_view body);

}  // namespace wfe::agent
