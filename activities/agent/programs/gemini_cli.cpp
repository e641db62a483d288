#include "activities/agent/programs/gemini_cli.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "activities/agent/backends/api_errors.h"
#include "activities/agent/backends/base_url.h"
#include "activities/agent/programs/agent_process.h"
#include "activities/agent/programs/gemini_session.h"
#include "activities/sandbox/text.h"
#include "engine/base/parse_json.h"
#include "engine/base/time.h"

namespace wfe::agent {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

ModelError RefusedByCli(std::string message) {
  return {.kind = ModelErrorKind::kPermanent, .message = std::move(message), .error_class = "REFUSED"};
}

bool Holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// The finish reason behind the sentence with which the program refuses an answer; empty for other sentences.
std::string ReasonOfSentence(const std::string& message) {
  if (Holds(message, "malformed function call")) return "MALFORMED_FUNCTION_CALL";
  if (Holds(message, "unexpected tool call")) return "UNEXPECTED_TOOL_CALL";
  if (Holds(message, "safety")) return "SAFETY";
  // A blocked prompt and an answer without content look alike here: asked again a few times, then an error.
  if (Holds(message, "without a finish reason") || Holds(message, "empty response") ||
      Holds(message, "no text or thoughts"))
    return "EMPTY";
  return {};
}

/// The HTTP status behind an exit code: the program exits with the status modulo 256.
std::optional<int> HttpStatusOfExit(int exit_code) {
  for (const int status : {400, 401, 403, 408, 429, 500, 502, 503, 504}) {
    if (status % 256 == exit_code) return status;
  }
  return std::nullopt;
}

std::string MeaningOfExit(int exit_code) {
  switch (exit_code) {
    case 41:
      return "it could not authenticate";
    case 42:
      return "it refused its input";
    case 44:
      return "its sandbox failed";
    case 52:
      return "its settings file is bad";
    case 53:
      return "it reached its turn limit";
    case 54:
      return "a tool failed fatally";
    case 55:
      return "it does not trust the directory";
    case 130:
      return "it was cancelled";
    default:
      return "exit code " + std::to_string(exit_code);
  }
}

/// The API's error document inside an error message such as "[API Error: {...}]".
std::string EmbeddedJson(const std::string& message) {
  const size_t open = message.find('{');
  const size_t close = message.rfind('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  return message.substr(open, close - open + 1);
}

/// The first JSON object with an error in free text.
json ErrorObjectIn(const std::string& text) {
  for (size_t at = text.find('{'); at != std::string::npos; at = text.find('{', at + 1)) {
    for (size_t end = text.rfind('}'); end != std::string::npos && end > at; end = text.rfind('}', end - 1)) {
      json object = ParseJson(std::string_view(text).substr(at, end - at + 1));
      if (object.is_object() && object.contains("session_id") && object.contains("error")) return object["error"];
      if (end == 0) break;
    }
  }
  return nullptr;
}

ModelError Classify(int exit_code, const json& error, const std::string& standard_error) {
  const std::string message = error.is_object() ? TextAt(error, "message") : std::string();
  const std::string inner = EmbeddedJson(message);
  const json document = ParseJson(inner);
  if (document.is_object() && document.contains("error") && document["error"].is_object()) {
    return ClassifyApiError(static_cast<int>(CountAt(document["error"], "code")), inner);
  }
  if (const std::optional<int> status = HttpStatusOfExit(exit_code)) {
    // The program hides the body; the name of its own exception is how it tells a day's quota from a minute's.
    if (*status == 429 && Holds(standard_error, "TerminalQuotaError")) return DailyQuota();
    ModelError classified = ClassifyApiError(*status, "");
    if (!message.empty()) classified.message += ": " + message.substr(0, 500);
    return classified;
  }
  std::string what = "the Gemini command line failed: " + MeaningOfExit(exit_code);
  const std::string said = !message.empty() ? message : sandbox::CleanTerminalText(standard_error);
  if (!said.empty()) what += ": " + said.substr(0, 500);
  if (exit_code <= 1 && SoundsUnavailable(message.empty() ? standard_error : message)) {
    return {.kind = ModelErrorKind::kRetryable, .message = std::move(what), .error_class = "NETWORK"};
  }
  return RefusedByCli(std::move(what));
}

class GeminiCli final : public AgentProgram {
 public:
  explicit GeminiCli(GeminiCliOptions options) : options_(std::move(options)) {}

  Status Check() const override {
    if (options_.api_key.empty()) {
      return FailedPrecondition("backend gemini-cli: GEMINI_API_KEY is not set in the environment of the worker");
    }
    return CheckAgentProcess("the Gemini command line", options_.program, options_.path, options_.sandbox);
  }
  std::string Sandbox() const override { return SandboxOf(Process()); }

  ModelOutcome Run(const ProgramCall& call, const CallControl& control) override {
    if (const Status usable = Check(); !usable) return RefusedByCli(usable.error().message);
    AgentProcess process = Process();
    process.arguments = {"-m",        call.model,    "--output-format", "stream-json", "--approval-mode",
                         "auto_edit", "--skip-trust"};
    process.environment = {{"GEMINI_API_KEY", options_.api_key}};
    if (!options_.base_url.empty()) process.environment.emplace_back("GOOGLE_GEMINI_BASE_URL", options_.base_url);
    process.standard_input = call.prompt;
    process.working_dir = call.working_dir;
    process.private_dir = call.private_dir;
    const std::string home = HomeOf(call.private_dir);
    if (const Status written = WriteHome(home, process, call); !written) {
      return ModelError{
          .kind = ModelErrorKind::kRetryable, .message = written.error().message, .error_class = "TOOL_IO"};
    }
    std::variant<sandbox::ProcessOutcome, ModelError> ran = RunAgentProcess(process, control);
    const GeminiSession session = ReadGeminiSession(home);
    if (ModelError* error = std::get_if<ModelError>(&ran)) {
      if (!error->paid) error->paid = session.tokens;
      return std::move(*error);
    }
    const sandbox::ProcessOutcome& outcome = std::get<sandbox::ProcessOutcome>(ran);
    return ParseGeminiCliRun(outcome.exit_code, outcome.out.text, outcome.err.text, session);
  }

  std::optional<PaidTokens> PaidSoFar(const std::string& private_dir) const override {
    return ReadGeminiSession(HomeOf(private_dir)).tokens;
  }

 private:
  AgentProcess Process() const {
    AgentProcess process;
    process.name = "the Gemini command line";
    process.program = options_.program;
    process.path = options_.path;
    process.sandbox = options_.sandbox;
    process.wall_clock = options_.wall_clock;
    return process;
  }

  /// Settings, and the standing context where the program looks for its user's: a GEMINI.md of the project stays the
  /// project's, and is read beside it.
  static Status WriteHome(const std::string& home, const AgentProcess& process, const ProgramCall& call) {
    std::error_code failed;
    fs::create_directories(home + "/.gemini", failed);
    const json settings = {
        {"security",
         {{"auth", {{"selectedType", "gemini-api-key"}}}, {"environmentVariableRedaction", {{"enabled", true}}}}},
        {"general", {{"maxAttempts", 2}, {"enableAutoUpdate", false}}},
        {"model", {{"maxSessionTurns", call.max_turns}}},
        {"privacy", {{"usageStatisticsEnabled", false}}},
        // To a file of its own: it is the only place where the program says why a model stopped.
        {"telemetry",
         {{"enabled", true},
          {"target", "local"},
          {"outfile", HomeInside(process, std::string(kGeminiEventsFile))},
          {"logPrompts", false}}}};
    const bool written = (std::ofstream(home + "/.gemini/settings.json") << settings.dump(2)).flush() &&
                         (std::ofstream(home + "/.gemini/GEMINI.md") << call.context).flush();
    if (!written) return Unavailable("cannot write the settings of the Gemini command line below " + home);
    return Ok();
  }

  GeminiCliOptions options_;
};

/// From the result line, which is there for most failures too, else from the session's record.
void TakeTokens(const json& result, const GeminiSession& session, ProgramReport& report) {
  const json stats = result.is_object() ? result.value("stats", json::object()) : json::object();
  if (stats.is_object() && CountAt(stats, "total_tokens") > 0) {
    report.tokens_reported = true;
    report.prompt_tokens = CountAt(stats, "input_tokens");
    report.output_tokens = CountAt(stats, "output_tokens");
    report.cached_tokens = CountAt(stats, "cached");
    // Thinking is not listed; it is what is left of the total.
    report.thoughts_tokens =
        std::max<int64_t>(0, CountAt(stats, "total_tokens") - report.prompt_tokens - report.output_tokens);
  } else if (session.tokens) {
    report.tokens_reported = true;
    report.prompt_tokens = session.tokens->prompt;
    report.output_tokens = session.tokens->output;
    report.thoughts_tokens = session.tokens->thoughts;
    report.cached_tokens = session.tokens->cached;
  }
}

/// By the times of a call's two events; nullopt: they do not say.
std::optional<int64_t> MillisBetween(const std::string& from, const std::string& to) {
  const std::optional<Instant> begun = ParseIso8601(from);
  const std::optional<Instant> ended = ParseIso8601(to);
  if (!begun || !ended || *ended < *begun) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(*ended - *begun).count();
}

}  // namespace

GeminiCliOptions GeminiCliOptionsFromEnvironment() {
  GeminiCliOptions options;
  if (std::string program = FromEnvironment("WFE_GEMINI_CLI"); !program.empty()) options.program = std::move(program);
  options.path = FromEnvironment("PATH");
  options.api_key = FromEnvironment("GEMINI_API_KEY");
  options.base_url = BaseUrlsFrom(FromEnvironment("GOOGLE_GEMINI_BASE_URL")).command_line;
  return options;
}

std::shared_ptr<AgentProgram> MakeGeminiCli(GeminiCliOptions options) {
  if (options.path.empty()) options.path = FromEnvironment("PATH");
  return std::make_shared<GeminiCli>(std::move(options));
}

ModelOutcome ParseGeminiCliRun(int exit_code, const std::string& standard_output, const std::string& standard_error,
                               const GeminiSession& session) {
  ProgramReport report;
  json result = nullptr;
  json failure = nullptr;
  std::map<std::string, size_t> action_of_call;
  std::map<std::string, std::string> began;
  for (const std::string& line : sandbox::SplitLines(standard_output)) {
    const json event = ParseJson(line);
    if (!event.is_object()) continue;  // the program prints free text too
    const std::string type = TextAt(event, "type");
    if (type == "init") {
      report.model = TextAt(event, "model");
    } else if (type == "message" && TextAt(event, "role") == "assistant") {
      report.text += TextAt(event, "content");
    } else if (type == "tool_use") {
      const json parameters = event.value("parameters", json::object());
      action_of_call[TextAt(event, "tool_id")] = report.actions.size();
      const std::string path = parameters.is_object() ? TextAt(parameters, "file_path") : std::string();
      report.actions.push_back({.tool = TextAt(event, "tool_name"),
                                .path = sandbox::Printable(path),
                                .status = "error",
                                .error = "no result"});
      report.tool_calls.push_back(
          {.tool = sandbox::Printable(TextAt(event, "tool_name")), .input_hash = HashOfToolValue(parameters)});
      began[TextAt(event, "tool_id")] = TextAt(event, "timestamp");
    } else if (type == "tool_result") {
      const auto found = action_of_call.find(TextAt(event, "tool_id"));
      if (found == action_of_call.end()) continue;
      AgentAction& action = report.actions[found->second];
      const json error = event.value("error", json::object());
      action.status = TextAt(event, "status") == "success" ? "ok" : "error";
      action.error = error.is_object() ? TextAt(error, "message") : std::string();
      AgentToolCall& call = report.tool_calls[found->second];
      call.success = action.status == "ok";
      call.output_hash = HashOfToolValue(call.success ? event.value("output", json()) : json(action.error));
      call.duration_ms = MillisBetween(began[found->first], TextAt(event, "timestamp"));
    } else if (type == "error") {
      failure = {{"type", TextAt(event, "severity")}, {"message", TextAt(event, "message")}};
    } else if (type == "result") {
      result = event;
    }
  }
  if (result.is_object() && result.contains("error")) failure = result["error"];
  if (failure.is_null() && exit_code != 0) failure = ErrorObjectIn(standard_error);
  TakeTokens(result, session, report);
  const std::string message = failure.is_object() ? TextAt(failure, "message") : std::string();
  // An answer that the program refuses to use was given and paid for all the same.
  report.finish_reason = ReasonOfSentence(message);
  if (report.finish_reason.empty()) report.finish_reason = session.finish_reason;
  if (report.finish_reason.empty()) report.finish_reason = "unknown";
  const bool succeeded = exit_code == 0 && result.is_object() && TextAt(result, "status") == "success";
  if (succeeded || (exit_code == 0 && !ReasonOfSentence(message).empty())) return ModelOutcome(json(report));

  ModelError error{.kind = ModelErrorKind::kRetryable,
                   .message = "the Gemini command line ended without a result line",
                   .error_class = "CUT_STREAM"};
  if (exit_code != 0 || !failure.is_null()) error = Classify(exit_code, failure, standard_error);
  if (report.tokens_reported) {
    error.paid = PaidTokens{.prompt = report.prompt_tokens,
                            .output = report.output_tokens,
                            .thoughts = report.thoughts_tokens,
                            .cached = report.cached_tokens};
  }
  return error;
}

}  // namespace wfe::agent
