// A service that speaks OpenAI's chat completions: llama.cpp, vLLM, Ollama and their like on this machine, or one that
// is reached by https.  Requests and answers are translated, so that whoever calls it does not know the difference.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "activities/agent/backends/model_backend.h"
#include "activities/outbound/http_client.h"
#include "engine/base/result.h"

namespace wfe::agent {

struct OpenAiOptions {
  std::string base_url;   ///< As ChatBaseUrl gives it.
  std::string api_key{};  ///< Sent as a header; empty: none is.
  std::string
      key_variable{};  ///< Where the key comes from, for messages.  Named, and no key: the backend cannot be called.
  bool stream = true;  ///< False for servers that cannot stream tool calls.
  bool plain_http = false;  ///< http to another machine; never together with a key.
  /// Must allow the base URL's origin.  nullptr: a client of its own that may call nothing else.
  std::shared_ptr<const outbound::HttpClient> client{};
};

/// "http://127.0.0.1:8080/v1" from what a person gives, with or without the version, a slash or the endpoint at the
/// end.
std::string ChatBaseUrl(std::string_view given);

/// INVALID_ARGUMENT for a base URL that is none or that would send a key, or to another machine anything, in the clear.
Result<std::shared_ptr<ModelBackend>> MakeOpenAiBackend(OpenAiOptions options);

}  // namespace wfe::agent
