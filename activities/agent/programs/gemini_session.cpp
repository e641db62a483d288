#include "activities/agent/programs/gemini_session.h"

#include <re2/re2.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "activities/sandbox/text.h"
#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr uintmax_t kMaxRecordBytes = 64 << 20;

std::string ReadRecord(const fs::path& path) {
  std::error_code failed;
  const fs::file_status status = fs::symlink_status(path, failed);
  if (failed || !fs::is_regular_file(status) || fs::file_size(path, failed) > kMaxRecordBytes) return {};
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The API's own name for what the program calls "length" and the like.
std::string ApiName(const std::string& reason) {
  static const std::map<std::string, std::string> kNames = {
      {"stop", "STOP"}, {"tool_calls", "STOP"}, {"length", "MAX_TOKENS"}, {"content_filter", "SAFETY"}};
  const auto found = kNames.find(reason);
  if (found != kNames.end()) return found->second;
  std::string name = reason;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  return name;
}

/// The last answer's reasons.  The file holds JSON documents one after the other, indented; a line that begins with
/// this key can be nothing that a model said, since line ends within strings are escaped.
std::string LastFinishReason(const std::string& events) {
  static const RE2 kReasons(R"((?m)^\s+"finish_reasons": (\[[^\]]*\]))");
  re2::StringPiece rest(events);
  std::string list;
  std::string last;
  while (RE2::FindAndConsume(&rest, kReasons, &list)) {
    const json reasons = ParseJson(list);
    if (!reasons.is_array() || reasons.empty()) continue;
    last.clear();
    for (const json& reason : reasons) {
      if (!reason.is_string()) continue;
      const std::string name = ApiName(reason.get<std::string>());
      // A stream may say "stop" with each piece; what says more counts.
      if (last.empty() || last == "STOP") last = name;
    }
  }
  return last;
}

int64_t TokensAt(const json& object, const char* key) { return std::max<int64_t>(0, CountAt(object, key)); }

/// Tokens by message; a message is written again when its tools have run.
void ReadChat(const std::string& text, std::map<std::string, PaidTokens>& messages) {
  for (const std::string& line : sandbox::SplitLines(text)) {
    const json message = ParseJson(line);
    if (!message.is_object() || message.value("type", json()) != json("gemini") || !message.contains("id") ||
        !message["id"].is_string() || !message.contains("tokens") || !message["tokens"].is_object()) {
      continue;
    }
    const json& tokens = message["tokens"];
    messages[message["id"].get<std::string>()] = {.prompt = TokensAt(tokens, "input") + TokensAt(tokens, "tool"),
                                                  .output = TokensAt(tokens, "output"),
                                                  .thoughts = TokensAt(tokens, "thoughts"),
                                                  .cached = TokensAt(tokens, "cached")};
  }
}

}  // namespace

GeminiSession ReadGeminiSession(const std::string& home) {
  GeminiSession session;
  session.finish_reason = LastFinishReason(ReadRecord(fs::path(home) / kGeminiEventsFile));
  std::map<std::string, PaidTokens> messages;
  std::error_code ignored;
  for (const fs::directory_entry& project : fs::directory_iterator(fs::path(home) / ".gemini/tmp", ignored)) {
    for (const fs::directory_entry& chat : fs::directory_iterator(project.path() / "chats", ignored)) {
      if (chat.path().extension() == ".jsonl") ReadChat(ReadRecord(chat.path()), messages);
    }
  }
  if (messages.empty()) return session;
  session.tokens = PaidTokens{};
  for (const auto& [id, tokens] : messages) {
    session.tokens->prompt += tokens.prompt;
    session.tokens->output += tokens.output;
    session.tokens->thoughts += tokens.thoughts;
    session.tokens->cached += tokens.cached;
  }
  return session;
}

}  // namespace wfe::agent
