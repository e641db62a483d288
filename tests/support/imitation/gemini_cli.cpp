// imitation_gemini_cli: behaves towards its caller as the Gemini command line does (measured at 0.61.0), for tests
// without npm: the same arguments, settings, output lines, exit codes, hidden endings and records, with a loop of its
// own over write_file and against whatever service GOOGLE_GEMINI_BASE_URL names.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "activities/agent/backends/model_backend.h"
#include "activities/agent/backends/sse_parser.h"
#include "activities/outbound/http_client.h"
#include "engine/base/parse_json.h"

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::string Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void Say(const json& line) { std::cout << line.dump() << std::endl; }

/// What one request to the service came to.
struct Answer {
  int status = 0;  // 0: no service
  bool cut = false;
  std::string error_body;
  json response;
};

class Program {
 public:
  Program(std::set<std::string> arguments, std::string model)
      : arguments_(std::move(arguments)),
        model_(std::move(model)),
        home_(Environment("HOME")),
        settings_(wfe::ParseJson(ReadAll(home_ / ".gemini/settings.json"))) {}

  int Run() {
    if (!settings_.is_object()) return Fatal(52, "Failed to parse settings.");
    const bool chosen = settings_.value("/security/auth/selectedType"_json_pointer, "") == "gemini-api-key";
    if (!chosen || Environment("GEMINI_API_KEY").empty()) return Fatal(41, "Invalid auth method selected.");
    if (!arguments_.contains("--skip-trust")) return Fatal(55, "The folder is not trusted.");
    const std::string prompt{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
    if (prompt.empty()) return Fatal(42, "No input provided via stdin.");
    Say({{"type", "init"}, {"session_id", "imitation"}, {"model", model_}});
    Say({{"type", "message"}, {"role", "user"}, {"content", prompt}});
    const json project = {{"text", "<loaded_context>" + ReadAll("GEMINI.md") + "</loaded_context>"}};
    contents_.push_back({{"role", "user"}, {"parts", json::array({project, {{"text", prompt}}})}});
    const int most = settings_.value("/model/maxSessionTurns"_json_pointer, 30);
    for (int turn = 0; turn < most; ++turn) {
      if (const std::optional<int> exit_code = Turn()) return *exit_code;
    }
    return Fatal(53, "Reached max session turns for this session.");
  }

 private:
  int Fatal(int exit_code, const std::string& message) {
    std::cerr << message << std::endl;
    return exit_code;
  }

  std::optional<int> Turn() {
    Answer answer;
    const int attempts = settings_.value("/general/maxAttempts"_json_pointer, 10);
    for (int attempt = 0; attempt < attempts; ++attempt) {
      answer = Ask();
      const bool day = answer.error_body.find("PerDay") != std::string::npos;
      if (answer.status == 200 || answer.status == 400 || day) break;
    }
    if (answer.status == 0) return Error("fetch failed sending request", 1);
    if (answer.status != 200) {
      if (answer.error_body.find("PerDay") != std::string::npos) {
        std::cerr << "TerminalQuotaError: You have exhausted your daily quota on this model." << std::endl;
        return Error("[object Object]", 429 % 256);
      }
      return Error("[API Error: " + answer.error_body + "]", answer.status % 256);
    }
    if (answer.cut) return Error("[API Error: terminated]", 1);
    return Take(answer.response);
  }

  std::optional<int> Take(const json& response) {
    const json candidates = response.value("candidates", json::array());
    if (candidates.empty()) return Invalid("Model stream ended without a finish reason.");
    const json& candidate = candidates.front();
    const std::string reason = candidate.value("finishReason", "");
    Record(response, reason);
    if (reason == "MALFORMED_FUNCTION_CALL") return Invalid("Model stream ended with malformed function call.");
    const json content = candidate.value("content", json::object());
    const json parts = content.value("parts", json::array());
    if (parts.empty() && reason == "SAFETY") return Invalid("blocked due to safety settings");
    if (parts.empty()) return Invalid("Model stream ended with empty response text.");
    json results = json::array();
    for (const json& part : parts) {
      if (part.contains("text")) {
        Say({{"type", "message"}, {"role", "assistant"}, {"content", part["text"]}, {"delta", true}});
      }
      if (part.contains("functionCall")) results.push_back(Call(part["functionCall"]));
    }
    if (results.empty()) return Finish();
    contents_.push_back(content);
    contents_.push_back({{"role", "user"}, {"parts", std::move(results)}});
    return std::nullopt;
  }

  json Call(const json& call) {
    const json args = call.value("args", json::object());
    const std::string name = call.value("name", "");
    const std::string id = name + "_" + std::to_string(++tools_);
    Say({{"type", "tool_use"}, {"tool_name", name}, {"tool_id", id}, {"parameters", args}});
    const fs::path path = args.value("file_path", "");
    std::string error;
    if (name != "write_file" || !arguments_.contains("auto_edit")) {
      error = "Tool \"" + name + "\" not found in registry.";
    } else if (path.empty() || path.lexically_normal().string().starts_with("..")) {
      error = "File path must be within the workspace.";
    } else {
      std::error_code ignored;
      fs::create_directories(path.parent_path(), ignored);
      std::ofstream(path) << args.value("content", "");
    }
    json said = {{"type", "tool_result"}, {"tool_id", id}, {"status", error.empty() ? "success" : "error"}};
    if (!error.empty()) said["error"] = {{"type", "invalid_tool_params"}, {"message", error}};
    Say(said);
    return {{"functionResponse", {{"name", name}, {"response", {{error.empty() ? "output" : "error", error}}}}}};
  }

  Answer Ask() {
    const std::string url =
        Environment("GOOGLE_GEMINI_BASE_URL") + "/v1beta/models/" + model_ + ":streamGenerateContent?alt=sse";
    const auto origin = wfe::outbound::OriginOf(url, "GOOGLE_GEMINI_BASE_URL");
    if (!origin) return {};
    json body = {{"contents", contents_}};
    body["systemInstruction"]["parts"] = json::array({{{"text", ReadAll(home_ / ".gemini/GEMINI.md")}}});
    std::vector<json> chunks;
    wfe::agent::SseParser parser([&chunks](std::string data) {
      if (json chunk = wfe::ParseJson(data); !chunk.is_discarded()) chunks.push_back(std::move(chunk));
    });
    const wfe::outbound::HttpClient client({*origin});
    const wfe::outbound::HttpAnswer got =
        client.Post({.url = url,
                     .headers = {"Content-Type: application/json", "x-goog-api-key: " + Environment("GEMINI_API_KEY")},
                     .body = body.dump()},
                    [&parser](const auto&, std::string_view bytes) { parser.Feed(bytes); });
    parser.Finish();
    return {.status = got.status,
            .cut = got.end != wfe::outbound::HttpEnd::kWhole,
            .error_body = got.error_body,
            .response = wfe::agent::MergeChunks(chunks)};
  }

  /// As the program keeps them: tokens by message in a chat, reasons in the file of its telemetry.
  void Record(const json& response, const std::string& reason) {
    const auto tokens = wfe::agent::ReportedTokens(response).value_or(wfe::agent::PaidTokens{});
    input_ += tokens.prompt;
    output_ += tokens.output;
    thoughts_ += tokens.thoughts;
    cached_ += tokens.cached;
    std::error_code ignored;
    fs::create_directories(home_ / ".gemini/tmp/w/chats", ignored);
    std::ofstream(home_ / ".gemini/tmp/w/chats/session.jsonl", std::ios::app)
        << json{{"type", "gemini"},
                {"id", std::to_string(++messages_)},
                {"tokens",
                 {{"input", tokens.prompt},
                  {"output", tokens.output},
                  {"thoughts", tokens.thoughts},
                  {"cached", tokens.cached}}}}
               .dump()
        << "\n";
    const std::string events = settings_.value("/telemetry/outfile"_json_pointer, "");
    const std::string word = reason == "STOP" ? "stop" : reason == "MAX_TOKENS" ? "length" : reason;
    if (!events.empty()) {
      std::ofstream(events, std::ios::app) << json{{"finish_reasons", json::array({word})}}.dump(2) << "\n";
    }
  }

  json Stats() const {
    return {{"total_tokens", input_ + output_ + thoughts_},
            {"input_tokens", input_},
            {"output_tokens", output_},
            {"cached", cached_},
            {"tool_calls", tools_}};
  }
  int Finish() {
    Say({{"type", "result"}, {"status", "success"}, {"stats", Stats()}});
    return 0;
  }
  /// An answer that it refuses to use is no failure of its own.
  int Invalid(const std::string& message) {
    Say({{"type", "result"},
         {"status", "error"},
         {"error", {{"type", "INVALID_STREAM"}, {"message", message}}},
         {"stats", Stats()}});
    return 0;
  }
  int Error(const std::string& message, int exit_code) {
    Say({{"type", "result"},
         {"status", "error"},
         {"error", {{"type", "unknown"}, {"message", message}}},
         {"stats", Stats()}});
    return exit_code;
  }

  const std::set<std::string> arguments_;
  const std::string model_;
  const fs::path home_;
  const json settings_;
  json contents_ = json::array();
  int tools_ = 0;
  int messages_ = 0;
  int64_t input_ = 0;
  int64_t output_ = 0;
  int64_t thoughts_ = 0;
  int64_t cached_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::string model = "gemini-2.5-flash";
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string(argv[i]) == "-m") model = argv[i + 1];
  }
  return Program({argv + 1, argv + argc}, model).Run();
}
