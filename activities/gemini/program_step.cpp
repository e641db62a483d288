#include "activities/gemini/program_step.h"

#include <chrono>
#include <filesystem>
#include <utility>

#include "activities/compliance/text.h"

namespace wfe::activities {
namespace {

using nlohmann::json;
using Kind = LoopOutcome::Kind;

bool IsRepairable(const std::string& reason) {
  return reason == "MAX_TOKENS" || reason == "MALFORMED_FUNCTION_CALL" || reason == "UNEXPECTED_TOOL_CALL";
}
bool EndsWell(const std::string& reason) { return reason == "STOP" || reason == "unknown" || reason == "EMPTY"; }

class ProgramStep {
 public:
  ProgramStep(const ProgramInput& input, ProgramServices& services, AgentReply& reply)
      : input_(input), services_(services), reply_(reply) {}

  LoopOutcome Run() {
    std::string addition;
    bool repaired = false;
    reply_.cost_usd = 0;
    for (int run = 1;; ++run) {
      json answer;
      if (std::optional<LoopOutcome> failed = Answer(run, addition, answer)) return *std::move(failed);
      if (const Status taken = TakeReport(run, answer); !taken) return Machine(taken.error());
      if (const std::string file = answer.value("secret_file", ""); !file.empty()) {
        ++reply_.secret_findings;
        return AgentError("the program wrote a secret key of this machine into " + file + "; take it out of there");
      }
      const std::string& reason = reply_.finish_reason;
      if (IsRepairable(reason)) {
        if (repaired) return AgentError("the model's answer ended with " + reason + " again after one repair run");
        repaired = true;
        addition =
            "\n\nAn earlier run at this ended with " + reason +
            ", so a file may be missing or end in the middle. Look at what is there and finish the work, in smaller "
            "pieces.";
        continue;
      }
      if (!EndsWell(reason)) return AgentError("the model stopped with " + reason);
      const bool silent = answer.at("report").at("text").get<std::string>().empty();
      const bool changed = answer.value("changed", true);
      if (changed || reply_.nudges >= NudgesOf(input_.request, silent) || (!silent && SaysNothingToDo(reply_.text))) {
        return {.kind = Kind::kDone, .message = {}, .unavailable = {}, .contents = nullptr, .writes = changed ? 1 : 0};
      }
      ++reply_.nudges;
      addition = "\n\nAn earlier run at this ended " +
                 (silent ? std::string("without a word") : "with these words: " + Printable(reply_.text)) + ". " +
                 NudgeText(input_.request);
    }
  }

 private:
  static LoopOutcome AgentError(std::string message) {
    return {.kind = Kind::kAgentError, .message = std::move(message), .unavailable = {}, .contents = nullptr};
  }
  static LoopOutcome Machine(const Error& error) {
    return {.kind = Kind::kMachine, .message = error.message, .unavailable = {}, .contents = nullptr};
  }

  /// The journalled report of this run, or a new one, journalled.
  std::optional<LoopOutcome> Answer(int run, const std::string& addition, json& answer) {
    Result<std::optional<json>> known = services_.journal.Read(AnswerName(run));
    if (!known) return Machine(known.error());
    if (*known) {
      answer = **std::move(known);
      ++reply_.replayed_turns;
      return std::nullopt;
    }
    if (BudgetSpent(input_.request, reply_, services_.calls)) {
      reply_.budget_exhausted = true;
      return LoopOutcome{.kind = Kind::kDone, .message = {}, .unavailable = {}, .contents = nullptr};
    }
    const Result<CallLog::Begun> begun = services_.calls.Begin(run);
    if (!begun) return Machine(begun.error());
    const ProgramCall call{.step_name = input_.request.step_name,
                           .prompt = input_.instruction + addition,
                           .context = input_.context,
                           .working_dir = input_.request.working_dir,
                           .model = input_.model,
                           .max_turns = input_.max_turns,
                           .private_dir = PrivateDirOf(services_.journal)};
    std::error_code ignored;
    std::filesystem::remove_all(call.private_dir, ignored);  // of a run that was killed
    const auto started = std::chrono::steady_clock::now();
    const ModelOutcome outcome = services_.program.Run(call, services_.control);
    const auto taken = std::chrono::steady_clock::now() - started;
    std::filesystem::remove_all(call.private_dir, ignored);
    const int64_t latency_ms = std::chrono::duration_cast<std::chrono::milliseconds>(taken).count();
    if (!outcome.ok()) {
      reply_.latency_ms += latency_ms;
      ModelError error = outcome.error();
      error.message = services_.redactor.Apply(error.message, reply_.redaction_count);
      if (const Status kept = services_.calls.Failed(begun->id, error, latency_ms); !kept) return Machine(kept.error());
      LoopOutcome failed = AgentError(error.message);
      if (error.kind == ModelErrorKind::kCancelled) failed.kind = Kind::kCancelled;
      if (error.kind == ModelErrorKind::kRetryable) {
        failed.kind = Kind::kRetry;
        failed.unavailable = std::move(error);
      }
      return failed;
    }
    json report = outcome.response();
    int64_t redactions = 0;
    services_.redactor.Apply(report, redactions);
    Result<TreeSnapshot> after = TakeSnapshot(services_.dir);
    if (!after && after.error().code == StatusCode::kResourceExhausted) {
      return AgentError("after the run: " + after.error().message);
    }
    if (!after) return Machine(after.error());
    const std::vector<std::string> touched = Diff(input_.before, *after).Touched();
    answer = {
        {"tokens", Tokens(report)},  {"report", std::move(report)}, {"call_id", begun->id},
        {"started", begun->started}, {"changed", !touched.empty()}, {"secret_file", FileWithSecret(touched)},
        {"latency_ms", latency_ms},  {"redactions", redactions},    {"time", FormatIso8601Millis(services_.now())}};
    const Status written = services_.journal.Write(AnswerName(run), answer);
    if (!written) return Machine(written.error());
    return std::nullopt;
  }

  std::string FileWithSecret(const std::vector<std::string>& touched) const {
    for (const std::string& path : touched) {
      const Result<std::string> bytes = services_.dir.Read(path);
      if (bytes && services_.redactor.HoldsSecret(std::string_view(*bytes))) return path;
    }
    return {};
  }

  json Tokens(const json& report_json) const {
    const auto report = report_json.get<ProgramReport>();
    if (report.tokens_reported) {
      return {{"prompt", report.prompt_tokens},
              {"output", report.output_tokens},
              {"thoughts", report.thoughts_tokens},
              {"cached", report.cached_tokens},
              {"source", kTokensReported}};
    }
    return {{"prompt", reply_.instruction_token_count + reply_.context_token_count},
            {"output", services_.tokens.Tokens(input_.model, report.text).tokens},
            {"thoughts", 0},
            {"cached", 0},
            {"source", kTokensEstimated}};
  }

  Status TakeReport(int run, const json& answer) {
    ProgramReport report = answer.at("report").get<ProgramReport>();
    if (!report.text.empty()) reply_.text = std::move(report.text);
    reply_.finish_reason = report.finish_reason;
    reply_.turns = run;
    reply_.latency_ms += answer.at("latency_ms").get<int64_t>();
    reply_.redaction_count += answer.at("redactions").get<int64_t>();
    if (!report.model.empty()) reply_.model = report.model;
    reply_.action_count += static_cast<int64_t>(report.actions.size());
    for (AgentAction& action : report.actions) reply_.actions.push_back(std::move(action));

    const json& counts = answer.at("tokens");
    const PaidTokens paid{.prompt = counts.at("prompt").get<int64_t>(),
                          .output = counts.at("output").get<int64_t>(),
                          .thoughts = counts.at("thoughts").get<int64_t>(),
                          .cached = counts.at("cached").get<int64_t>()};
    reply_.prompt_token_count += paid.prompt;
    reply_.completion_token_count += paid.output + paid.thoughts;
    reply_.thoughts_token_count += paid.thoughts;
    reply_.cached_token_count += paid.cached;
    const std::string source = counts.at("source").get<std::string>();
    if (reply_.token_count_source.empty() || source != kTokensReported) reply_.token_count_source = source;
    const std::string time = answer.at("time").get<std::string>();
    const std::optional<double> cost = services_.calls.Cost(paid, time.substr(0, 10), &reply_.price_version);
    if (reply_.cost_usd && cost) {
      *reply_.cost_usd += *cost;
    } else {
      reply_.cost_usd.reset();
    }
    return services_.calls.Answered(answer, run);
  }

  const ProgramInput& input_;
  ProgramServices& services_;
  AgentReply& reply_;
};

}  // namespace

std::string PrivateDirOf(const StepJournal& journal) { return journal.path() + "/private"; }

LoopOutcome RunProgramStep(const ProgramInput& input, ProgramServices& services, AgentReply& reply) {
  LoopOutcome outcome = ProgramStep(input, services, reply).Run();
  if (reply.turns == 0) reply.cost_usd.reset();
  return outcome;
}

}  // namespace wfe::activities
