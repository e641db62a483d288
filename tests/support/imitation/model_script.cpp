#include "tests/support/imitation/model_script.h"

#include <set>
#include <sstream>
#include <stdexcept>

namespace wfe::imitation {
namespace {

using nlohmann::json;

const std::set<std::string> kFaults = {
    "",         "429",        "quota_day",     "500",    "502",   "503",     "504",     "cut",       "torn",
    "hang",     "silent",     "slow",          "safety", "empty", "blocked", "bad_key", "bad_chunk", "error_in_stream",
    "no_usage", "max_tokens", "malformed_call"};
// step_name is for the cassettes that are scripts as well.
const std::set<std::string> kKeys = {"when",   "model",    "turn",    "times", "text",          "calls",   "finish",
                                     "tokens", "response", "delay_s", "fault", "retry_after_s", "pause_s", "step_name"};

ModelAnswer Parse(const json& line) {
  for (const auto& [key, ignored] : line.items()) {
    if (!kKeys.contains(key)) throw std::invalid_argument("unknown key " + key);
  }
  ModelAnswer answer;
  answer.when = line.value("when", "");
  answer.model = line.value("model", "");
  answer.turn = line.value("turn", 0);
  answer.times = line.value("times", 0);
  answer.text = line.value("text", "");
  for (const json& call : line.value("calls", json::array())) {
    answer.calls.push_back({.name = call.at("name"), .args = call.value("args", json::object())});
  }
  answer.finish = line.value("finish", "STOP");
  if (line.contains("tokens")) {
    const json& tokens = line["tokens"];
    answer.tokens = {.prompt = tokens.value("prompt", int64_t{0}),
                     .output = tokens.value("output", int64_t{0}),
                     .thoughts = tokens.value("thoughts", int64_t{0}),
                     .cached = tokens.value("cached", int64_t{0})};
  }
  answer.chunks = line.value("response", json::array()).get<std::vector<json>>();
  answer.delay_s = line.value("delay_s", 0.0);
  answer.fault = line.value("fault", "");
  if (!kFaults.contains(answer.fault)) throw std::invalid_argument("unknown fault " + answer.fault);
  if (line.contains("retry_after_s")) answer.retry_after_s = line["retry_after_s"].get<double>();
  answer.pause_s = line.value("pause_s", answer.pause_s);
  return answer;
}

}  // namespace

std::optional<std::vector<ModelAnswer>> ParseScript(const std::string& lines, std::string* error) {
  std::vector<ModelAnswer> answers;
  std::istringstream in(lines);
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty()) continue;
    try {
      answers.push_back(Parse(json::parse(line)));
    } catch (const std::exception& e) {
      *error = "line " + std::to_string(number) + ": " + e.what();
      return std::nullopt;
    }
  }
  return answers;
}

}  // namespace wfe::imitation
