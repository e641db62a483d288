// An answer of the script in the bytes of a protocol.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/imitation/model_script.h"

namespace wfe::imitation {

/// What a request asks for, read from its line and its body.
struct ModelRequest {
  enum class Protocol { kGemini, kOpenAi };
  Protocol protocol = Protocol::kGemini;
  std::string model;
  int turn = 1;  ///< 1, and one more for each round of tool results.
  bool stream = false;
  bool wants_usage = true;  ///< OpenAI's streams have token counts on request only.
};

/// How an answer goes over the wire.
struct Wire {
  std::string status = "200 OK";
  std::string content_type = "application/json";
  std::vector<std::string> headers;
  std::vector<std::string> pieces;  ///< Of the body, sent one by one.
  bool breaks_off = false;          ///< The body is shorter than its Content-Length says.
  bool hangs = false;               ///< After the pieces the connection stays open and silent.
  double pause_s = 0;               ///< After each piece.
};

Wire Render(const ModelAnswer& answer, const ModelRequest& request);

/// Of a request that the script has nothing for.
Wire RenderNoAnswer(const ModelRequest& request);

}  // namespace wfe::imitation
