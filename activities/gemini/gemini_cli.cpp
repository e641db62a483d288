#include "activities/gemini/gemini_cli.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "activities/compliance/process_runner.h"
#include "activities/compliance/text.h"
#include "activities/gemini/api_errors.h"
#include "engine/base/parse_json.h"

namespace wfe::activities {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string Text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int64_t Count(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

ModelError Permanent(std::string message) {
  return {.kind = ModelErrorKind::kPermanent, .message = std::move(message), .retry_delay = std::nullopt};
}

/// The HTTP status behind an exit code: the program exits with the status modulo 256.
std::optional<int> HttpStatusOfExit(int exit_code) {
  for (const int status : {400, 401, 403, 429, 500, 503, 504}) {
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
  const std::string message = error.is_object() ? Text(error, "message") : std::string();
  const std::string type = error.is_object() ? Text(error, "type") : std::string();
  const std::string inner = EmbeddedJson(message);
  const json document = ParseJson(inner);
  if (document.is_object() && document.contains("error") && document["error"].is_object()) {
    return ClassifyApiError(static_cast<int>(Count(document["error"], "code")), inner);
  }
  if (type == "INVALID_STREAM") return Permanent("the model gave no usable answer: " + message);
  if (const std::optional<int> status = HttpStatusOfExit(exit_code)) {
    // The program hides the body; the name of its own exception is how it tells a day's quota from a minute's.
    if (*status == 429 && standard_error.find("TerminalQuotaError") != std::string::npos) {
      return Permanent("the day's quota is used up, it is reset at midnight Pacific time");
    }
    ModelError classified = ClassifyApiError(*status, "");
    if (!message.empty()) classified.message += ": " + message.substr(0, 500);
    return classified;
  }
  std::string what = "the Gemini command line failed: " + MeaningOfExit(exit_code);
  const std::string said = !message.empty() ? message : CleanTerminalText(standard_error);
  if (!said.empty()) what += ": " + said.substr(0, 500);
  return Permanent(std::move(what));
}

class GeminiCli final : public AgentProgram {
 public:
  explicit GeminiCli(GeminiCliOptions options) : options_(std::move(options)) {}

  ModelOutcome Run(const ProgramCall& call, const CallControl& control) override {
    if (options_.api_key.empty()) return Permanent("GEMINI_API_KEY is not set in the environment of the worker");
    const std::string home = call.private_dir + "/home";
    const std::string temporary = call.private_dir + "/tmp";
    std::error_code failed;
    fs::create_directories(home + "/.gemini", failed);
    fs::create_directories(temporary, failed);
    const json settings = {
        {"security",
         {{"auth", {{"selectedType", "gemini-api-key"}}}, {"environmentVariableRedaction", {{"enabled", true}}}}},
        {"general", {{"maxAttempts", 2}, {"enableAutoUpdate", false}}},
        {"model", {{"maxSessionTurns", call.max_turns}}},
        {"privacy", {{"usageStatisticsEnabled", false}}},
        {"telemetry", {{"enabled", false}}}};
    if (!(std::ofstream(home + "/.gemini/settings.json") << settings.dump(2))) {
      return ModelError{.kind = ModelErrorKind::kRetryable,
                        .message = "cannot write the settings of the Gemini command line below " + home,
                        .retry_delay = std::nullopt};
    }
    ProcessSpec spec;
    spec.argv = {options_.program,  "-m",          call.model,        "-p",        call.instruction,
                 "--output-format", "stream-json", "--approval-mode", "auto_edit", "--skip-trust"};
    spec.working_dir = call.working_dir;
    spec.environment = {{"PATH", options_.path}, {"HOME", home},    {"TMPDIR", temporary},
                        {"LANG", "C.UTF-8"},     {"NO_COLOR", "1"}, {"GEMINI_API_KEY", options_.api_key}};
    if (!options_.base_url.empty()) spec.environment.emplace_back("GOOGLE_GEMINI_BASE_URL", options_.base_url);
    spec.limits.wall_clock = options_.wall_clock;
    spec.limits.open_files = std::nullopt;
    ProcessWatch watch;
    watch.is_cancelled = control.is_cancelled;
    watch.heartbeat = [&] {
      if (control.progress) control.progress(0);
    };
    const ProcessOutcome outcome = RunProcess(spec, watch);
    switch (outcome.kind) {
      case ProcessOutcome::Kind::kExited:
        return ParseGeminiCliRun(outcome.exit_code, outcome.out.text, outcome.err.text);
      case ProcessOutcome::Kind::kCancelled:
        return ModelError{.kind = ModelErrorKind::kCancelled, .message = "cancelled", .retry_delay = std::nullopt};
      case ProcessOutcome::Kind::kCouldNotStart:
        return Permanent("the Gemini command line \"" + options_.program + "\" does not start: " + outcome.start_error);
      case ProcessOutcome::Kind::kTimedOut:
        return ModelError{.kind = ModelErrorKind::kRetryable,
                          .message = "the Gemini command line did not end in time",
                          .retry_delay = std::nullopt};
      case ProcessOutcome::Kind::kSignalled:
        break;
    }
    return ModelError{.kind = ModelErrorKind::kRetryable,
                      .message = "the Gemini command line was ended by signal " + std::to_string(outcome.signal),
                      .retry_delay = std::nullopt};
  }

 private:
  GeminiCliOptions options_;
};

}  // namespace

GeminiCliOptions GeminiCliOptionsFromEnvironment() {
  GeminiCliOptions options;
  if (std::string program = FromEnvironment("WFE_GEMINI_CLI"); !program.empty()) options.program = std::move(program);
  options.path = FromEnvironment("PATH");
  options.api_key = FromEnvironment("GEMINI_API_KEY");
  options.base_url = FromEnvironment("GOOGLE_GEMINI_BASE_URL");
  return options;
}

std::shared_ptr<AgentProgram> MakeGeminiCli(GeminiCliOptions options) {
  if (options.path.empty()) options.path = FromEnvironment("PATH");
  return std::make_shared<GeminiCli>(std::move(options));
}

ModelOutcome ParseGeminiCliRun(int exit_code, const std::string& standard_output, const std::string& standard_error) {
  ProgramReport report;
  json result = nullptr;
  json failure = nullptr;
  std::map<std::string, size_t> action_of_call;
  for (const std::string& line : SplitLines(standard_output)) {
    const json event = ParseJson(line);
    if (!event.is_object()) continue;  // the program prints free text too
    const std::string type = Text(event, "type");
    if (type == "init") {
      report.model = Text(event, "model");
    } else if (type == "message" && Text(event, "role") == "assistant") {
      report.text += Text(event, "content");
    } else if (type == "tool_use") {
      const json parameters = event.value("parameters", json::object());
      action_of_call[Text(event, "tool_id")] = report.actions.size();
      const std::string path = parameters.is_object() ? Text(parameters, "file_path") : std::string();
      report.actions.push_back(
          {.tool = Text(event, "tool_name"), .path = Printable(path), .status = "error", .error = "no result"});
    } else if (type == "tool_result") {
      const auto found = action_of_call.find(Text(event, "tool_id"));
      if (found == action_of_call.end()) continue;
      AgentAction& action = report.actions[found->second];
      const json error = event.value("error", json::object());
      action.status = Text(event, "status") == "success" ? "ok" : "error";
      action.error = error.is_object() ? Text(error, "message") : std::string();
    } else if (type == "error") {
      failure = {{"type", Text(event, "severity")}, {"message", Text(event, "message")}};
    } else if (type == "result") {
      result = event;
    }
  }
  if (result.is_object() && result.contains("error")) failure = result["error"];
  if (failure.is_null() && exit_code != 0) failure = ErrorObjectIn(standard_error);
  const bool succeeded = exit_code == 0 && result.is_object() && Text(result, "status") == "success" &&
                         !(failure.is_object() && Text(failure, "type") == "INVALID_STREAM");
  if (!succeeded) {
    if (exit_code == 0 && failure.is_null()) {
      return ModelError{.kind = ModelErrorKind::kRetryable,
                        .message = "the Gemini command line ended without a result line",
                        .retry_delay = std::nullopt};
    }
    return Classify(exit_code, failure, standard_error);
  }
  const json stats = result.value("stats", json::object());
  if (stats.is_object() && stats.contains("input_tokens")) {
    report.tokens_reported = true;
    report.prompt_tokens = Count(stats, "input_tokens");
    report.output_tokens = Count(stats, "output_tokens");
    report.cached_tokens = Count(stats, "cached");
    // Thinking is not listed; it is what is left of the total.
    report.thoughts_tokens =
        std::max<int64_t>(0, Count(stats, "total_tokens") - report.prompt_tokens - report.output_tokens);
  }
  report.finish_reason = "STOP";
  return ModelOutcome(json(report));
}

void to_json(json& result, const ProgramReport& report) {
  result = {{"text", report.text},
            {"actions", report.actions},
            {"tokens_reported", report.tokens_reported},
            {"prompt_tokens", report.prompt_tokens},
            {"output_tokens", report.output_tokens},
            {"thoughts_tokens", report.thoughts_tokens},
            {"cached_tokens", report.cached_tokens},
            {"model", report.model},
            {"finish_reason", report.finish_reason}};
}

void from_json(const json& source, ProgramReport& report) {
  source.at("text").get_to(report.text);
  source.at("actions").get_to(report.actions);
  source.at("tokens_reported").get_to(report.tokens_reported);
  source.at("prompt_tokens").get_to(report.prompt_tokens);
  source.at("output_tokens").get_to(report.output_tokens);
  source.at("thoughts_tokens").get_to(report.thoughts_tokens);
  source.at("cached_tokens").get_to(report.cached_tokens);
  source.at("model").get_to(report.model);
  source.at("finish_reason").get_to(report.finish_reason);
}

}  // namespace wfe::activities
