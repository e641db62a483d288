// What an imitated model says: scripted answers and faults, the same in every protocol.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace wfe::imitation {

struct ModelCallOfScript {
  std::string name;
  nlohmann::json args = nlohmann::json::object();
};

struct ModelTokens {
  int64_t prompt = 1000;
  int64_t output = 100;
  int64_t thoughts = 0;
  int64_t cached = 0;
};

/// One answer, or one fault instead of it.  As JSON, with these names; `chunks` is "response" there.
struct ModelAnswer {
  // Which requests it is for; all of it must fit.
  std::string when = {};   ///< A text that the request's body holds.
  std::string model = {};  ///< Empty: any.
  int turn = 0;            ///< 1 for a request without a round of tool results, and so on; 0: any.
  int times = 0;           ///< It is given so often; 0: without end.

  // What is said.
  std::string text = {};
  std::vector<ModelCallOfScript> calls = {};
  std::string finish = "STOP";  ///< In the Gemini API's words.
  ModelTokens tokens = {};
  /// Instead of the four above, for Gemini word for word: the chunks of a stream.  Translated for others.
  std::vector<nlohmann::json> chunks = {};

  // How.
  double delay_s = 0;  ///< Silence before the first byte of the body.
  /// Empty, or one of: 429, quota_day, 500, 502, 503, 504, bad_key; cut (part of it came, with token counts where the
  /// protocol has them by then), torn (within a chunk), hang (like cut, and the connection stays open), silent (not a
  /// byte of the body), slow (`pause_s` after each piece), bad_chunk, error_in_stream, no_usage; safety (after some
  /// text), blocked (the prompt), empty, max_tokens (half of the text), malformed_call.
  std::string fault = {};
  std::optional<double> retry_after_s = {};  ///< Of 429 and 503.
  double pause_s = 0.02;
};

/// Reads answers, one JSON object a line; unknown keys and faults are errors.  `error` says what is wrong and where.
std::optional<std::vector<ModelAnswer>> ParseScript(const std::string& lines, std::string* error);

}  // namespace wfe::imitation
