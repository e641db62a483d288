// A model that is none: it takes the time that a real one might, counts what it is sent, and does what the tasks of the
// scenario `everyday` need.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "activities/agent/backends/model_backend.h"
#include "activities/agent/cost/token_estimator.h"

namespace wfe::bench {

/// Latency: a quarter of a second, 0.4 s for each 100,000 tokens of input, 5 ms for a token of output.
class SimulatedModel final : public agent::ModelBackend {
 public:
  /// The files that the task of an agent's step needs; a call without tools is answered in words.
  explicit SimulatedModel(std::vector<std::string> needed = {}) : needed_(std::move(needed)) {}

  agent::ModelOutcome Generate(const agent::ModelCall& call, const agent::CallControl&) override {
    using nlohmann::json;
    ++calls;
    std::string text;
    CollectText(call.request, text);
    const auto prompt = static_cast<int64_t>(agent::EstimateTokens(text));
    json parts = json::array();
    int64_t output = 40;
    if (!call.request.contains("tools")) {
      parts.push_back({{"text", "This text says what it says, in about a dozen words."}});
    } else if (!Holds(text, "wrote result.cpp")) {
      for (const std::string& path : needed_) {
        if (Holds(text, "<file path=\"" + path + "\">") || Holds(text, "// the file " + path)) continue;
        parts.push_back({{"functionCall", {{"name", "read_file"}, {"args", {{"file_path", path}}}}}});
      }
      if (parts.empty()) {
        std::string content;
        for (const std::string& path : needed_) content += "#include \"" + path + "\"\n";
        parts.push_back(
            {{"functionCall",
              {{"name", "write_file"}, {"args", {{"file_path", "result.cpp"}, {"content", std::move(content)}}}}}});
        output = 120;
      }
    } else {
      parts.push_back({{"text", "Done."}});
    }
    const double seconds = 0.25 + 0.4 * static_cast<double>(prompt) / 100'000 + 0.005 * static_cast<double>(output);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    return json{{"candidates", json::array({{{"content", {{"role", "model"}, {"parts", std::move(parts)}}},
                                             {"finishReason", "STOP"}}})},
                {"usageMetadata", {{"promptTokenCount", prompt}, {"candidatesTokenCount", output}}}};
  }

  std::atomic<int64_t> calls = 0;

 private:
  static bool Holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
  static void CollectText(const nlohmann::json& value, std::string& text) {
    if (value.is_string()) {
      text += value.get_ref<const std::string&>();
      text += '\n';
    } else if (value.is_structured()) {
      for (const auto& each : value) CollectText(each, text);
    }
  }

  const std::vector<std::string> needed_;
};

}  // namespace wfe::bench
