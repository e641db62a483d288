#include "activities/agent/backends/model_backend.h"

#include <algorithm>
#include <vector>

namespace wfe::agent {

nlohmann::json MergeChunks(const std::vector<nlohmann::json>& chunks) {
  using nlohmann::json;
  json merged = json::object();
  json candidate = nullptr;
  for (const json& chunk : chunks) {
    if (!chunk.is_object()) continue;
    for (const auto& [key, value] : chunk.items()) {
      if (key != "candidates") merged[key] = value;  // usageMetadata repeats with running values: the last one counts
    }
    const auto candidates = chunk.find("candidates");
    if (candidates == chunk.end() || !candidates->is_array() || candidates->empty()) continue;
    const json& piece = candidates->front();
    if (!piece.is_object()) continue;
    if (candidate.is_null()) candidate = json::object();
    for (const auto& [key, value] : piece.items()) {
      if (key != "content" || !value.is_object()) {
        candidate[key] = value;
        continue;
      }
      json& content = candidate["content"];
      if (!content.is_object()) content = json::object();
      for (const auto& [name, field] : value.items()) {
        if (name != "parts" || !field.is_array()) {
          content[name] = field;
          continue;
        }
        json& parts = content["parts"];
        for (const json& part : field) parts.push_back(part);
      }
    }
  }
  if (!candidate.is_null()) merged["candidates"] = json::array({candidate});
  return merged;
}

std::optional<PaidTokens> ReportedTokens(const nlohmann::json& response) {
  const auto usage = response.find("usageMetadata");
  if (usage == response.end() || !usage->is_object() || !usage->contains("promptTokenCount")) return std::nullopt;
  const auto count = [&usage](const char* key) -> int64_t {
    const auto found = usage->find(key);
    return found != usage->end() && found->is_number_integer() ? std::max<int64_t>(0, found->get<int64_t>()) : 0;
  };
  return PaidTokens{.prompt = count("promptTokenCount") + count("toolUsePromptTokenCount"),
                    .output = count("candidatesTokenCount"),
                    .thoughts = count("thoughtsTokenCount"),
                    .cached = count("cachedContentTokenCount")};
}

bool IsComplete(const nlohmann::json& response) {
  const auto candidates = response.find("candidates");
  if (candidates != response.end() && candidates->is_array() && !candidates->empty() &&
      candidates->front().contains("finishReason")) {
    return true;
  }
  const auto feedback = response.find("promptFeedback");
  return feedback != response.end() && feedback->is_object() && feedback->contains("blockReason");
}

}  // namespace wfe::agent
