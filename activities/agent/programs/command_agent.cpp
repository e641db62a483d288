#include "activities/agent/programs/command_agent.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "activities/agent/backends/api_errors.h"
#include "activities/agent/programs/agent_process.h"
#include "activities/sandbox/text.h"
#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

constexpr const char* kContextFile = "GEMINI.md";

int64_t TokenCount(const json& object, const char* key) { return std::max<int64_t>(0, CountAt(object, key)); }

/// The report as its lines come in.
class Reader {
 public:
  void Take(const json& event) {
    const std::string type = TextAt(event, "type");
    if (type == "message") {
      report.text += TextAt(event, "text");
    } else if (type == "tool_use") {
      action_of_id_[TextAt(event, "id")] = report.actions.size();
      report.actions.push_back({.tool = sandbox::Printable(TextAt(event, "tool")),
                                .path = sandbox::Printable(TextAt(event, "path")),
                                .status = "error",
                                .error = "no result"});
      report.tool_calls.push_back({.tool = sandbox::Printable(TextAt(event, "tool")),
                                   .input_hash = HashOfToolValue(event.value("input", json()))});
    } else if (type == "tool_result") {
      const auto found = action_of_id_.find(TextAt(event, "id"));
      if (found == action_of_id_.end()) return;
      AgentAction& action = report.actions[found->second];
      action.status = TextAt(event, "status") == "ok" ? "ok" : "error";
      action.error = TextAt(event, "error");
      AgentToolCall& call = report.tool_calls[found->second];
      call.success = action.status == "ok";
      call.output_hash = HashOfToolValue(event.value(call.success ? "output" : "error", json()));
      const auto took = event.find("duration_ms");
      if (took != event.end() && took->is_number_unsigned()) call.duration_ms = CountAt(event, "duration_ms");
    } else if (type == "usage") {
      report.tokens_reported = true;
      report.prompt_tokens += TokenCount(event, "prompt_tokens");
      report.output_tokens += TokenCount(event, "completion_tokens");
      report.thoughts_tokens += TokenCount(event, "thoughts_tokens");
      report.cached_tokens += TokenCount(event, "cached_tokens");
      if (const std::string model = TextAt(event, "model"); !model.empty())
        report.model = sandbox::Printable(model).substr(0, 200);
    } else if (type == "result") {
      result = event;
    }
  }

  ProgramReport report;
  json result;

 private:
  std::map<std::string, size_t> action_of_id_;
};

class CommandAgent final : public AgentProgram {
 public:
  explicit CommandAgent(CommandAgentOptions options) : options_(std::move(options)) {
    if (options_.path.empty()) {
      const char* path = std::getenv("PATH");
      options_.path = path == nullptr ? "/usr/bin:/bin" : path;
    }
  }

  Status Check() const override {
    if (options_.argv.empty()) return FailedPrecondition("backend command: agent.command names no program");
    return CheckAgentProcess("the agent's command", options_.argv[0], options_.path, options_.sandbox);
  }
  bool ChoosesModel() const override { return true; }
  std::string Sandbox() const override { return SandboxOf(Process()); }

  ModelOutcome Run(const ProgramCall& call, const CallControl& control) override {
    if (const Status usable = Check(); !usable) {
      return ModelError{
          .kind = ModelErrorKind::kPermanent, .message = usable.error().message, .error_class = "REFUSED"};
    }
    AgentProcess process = Process();
    process.working_dir = call.working_dir;
    process.private_dir = call.private_dir;
    process.standard_input = call.prompt;
    process.environment = options_.environment;
    process.environment.emplace_back("WFE_STEP", call.step_name);
    process.environment.emplace_back("WFE_MODEL", call.model);
    process.environment.emplace_back("WFE_MAX_TURNS", std::to_string(call.max_turns));
    process.environment.emplace_back("WFE_CONTEXT_FILE", HomeInside(process, kContextFile));
    std::error_code failed;
    const std::string home = HomeOf(call.private_dir);
    std::filesystem::create_directories(home, failed);
    if (!(std::ofstream(home + "/" + kContextFile) << call.context).flush()) {
      return ModelError{
          .kind = ModelErrorKind::kRetryable, .message = "cannot write below " + home, .error_class = "TOOL_IO"};
    }
    std::variant<sandbox::ProcessOutcome, ModelError> ran = RunAgentProcess(process, control);
    if (ModelError* error = std::get_if<ModelError>(&ran)) return std::move(*error);
    const sandbox::ProcessOutcome& outcome = std::get<sandbox::ProcessOutcome>(ran);
    return ParseCommandRun(outcome.exit_code, outcome.out.text, outcome.err.text);
  }

 private:
  AgentProcess Process() const {
    AgentProcess process;
    process.name = "the agent's command";
    if (!options_.argv.empty()) {
      process.program = options_.argv[0];
      process.arguments.assign(options_.argv.begin() + 1, options_.argv.end());
    }
    process.path = options_.path;
    process.sandbox = options_.sandbox;
    process.wall_clock = options_.wall_clock;
    return process;
  }

  CommandAgentOptions options_;
};

}  // namespace

std::shared_ptr<AgentProgram> MakeCommandAgent(CommandAgentOptions options) {
  return std::make_shared<CommandAgent>(std::move(options));
}

ModelOutcome ParseCommandRun(int exit_code, const std::string& standard_output, const std::string& standard_error) {
  Reader reader;
  for (const std::string& line : sandbox::SplitLines(standard_output)) {
    const json event = ParseJson(line);
    if (event.is_object()) reader.Take(event);  // it may print other things beside
  }
  ProgramReport& report = reader.report;
  const std::string status = reader.result.is_object() ? TextAt(reader.result, "status") : std::string();
  const std::string reason = reader.result.is_object() ? TextAt(reader.result, "finish_reason") : std::string();
  report.finish_reason = reason.empty() ? "unknown" : sandbox::Printable(reason);
  if (exit_code == 0 && status == "done") return ModelOutcome(json(report));

  ModelError error{.kind = ModelErrorKind::kPermanent, .message = {}, .error_class = "ERROR"};
  std::string said = sandbox::CleanTerminalText(standard_error).substr(0, 500);
  while (said.ends_with('\n')) said.pop_back();
  if (status.empty() && exit_code == 0) {
    error.message = "the agent's command ended without a line {\"type\": \"result\", …} on standard output";
  } else if (status.empty()) {
    error.message =
        "the agent's command failed with exit code " + std::to_string(exit_code) + (said.empty() ? "" : ": " + said);
    if (SoundsUnavailable(standard_error)) error.kind = ModelErrorKind::kRetryable;
  } else if (status != "done" && status != "error") {
    error.message = "the agent's command ended with the status \"" + sandbox::Printable(status).substr(0, 100) +
                    "\" in its result line; there are \"done\" and \"error\"";
  } else if (status == "done") {
    error.message = "the agent's command says that it is done, and ended with exit code " + std::to_string(exit_code) +
                    (said.empty() ? "" : ": " + said);
  } else {
    error.message =
        "the agent's command reports: " + sandbox::CleanTerminalText(TextAt(reader.result, "error")).substr(0, 500);
    if (reader.result.value("retry", json(false)) == json(true)) error.kind = ModelErrorKind::kRetryable;
    const auto delay = reader.result.find("retry_after_s");
    if (delay != reader.result.end() && delay->is_number() && delay->get<double>() >= 0 && delay->get<double>() < 1e6) {
      error.retry_delay = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(delay->get<double>()));
    }
  }
  if (error.kind == ModelErrorKind::kRetryable) error.error_class = "UNAVAILABLE";
  if (report.tokens_reported) {
    error.paid = PaidTokens{.prompt = report.prompt_tokens,
                            .output = report.output_tokens,
                            .thoughts = report.thoughts_tokens,
                            .cached = report.cached_tokens};
    error.model = report.model;
  }
  return error;
}

}  // namespace wfe::agent
