#include "activities/agent/programs/program_step.h"

#include <filesystem>
#include <utility>

#include "activities/sandbox/text.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

bool EndsWell(const std::string& reason) { return reason == "STOP" || reason == "unknown" || reason == "EMPTY"; }

class ProgramStep {
 public:
  ProgramStep(const ProgramInput& input, AgentProgram& program, StepServices& services, AgentReply& reply)
      : input_(input), program_(program), services_(services), reply_(reply) {}

  LoopOutcome Run() {
    std::string addition;
    bool repaired = false;
    reply_.cost_usd = Money();
    for (int run = 1;; ++run) {
      json answer;
      if (std::optional<LoopOutcome> failed = Answer(run, addition, answer)) return *std::move(failed);
      if (const Status taken = TakeReport(run, answer); !taken) return Machine(taken.error());
      if (const std::string refusal = answer.value("secrets", ""); !refusal.empty()) {
        reply_.secret_findings += answer.value("secret_findings", 1);
        return AgentError(refusal);
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
        return {.kind = LoopOutcome::Kind::kDone, .message = {}, .unavailable = {}, .contents = nullptr, .writes = changed ? 1 : 0};
      }
      ++reply_.nudges;
      addition = "\n\nAn earlier run at this ended " +
                 (silent ? std::string("without a word") : "with these words: " + sandbox::Printable(reply_.text)) +
                 ". " + NudgeText(input_.request);
    }
  }

 private:
  static LoopOutcome AgentError(std::string message) { return LoopOutcome::AgentError(std::move(message)); }
  static LoopOutcome Machine(const Error& error) { return LoopOutcome::Machine(error); }

  /// The report of this run.
  std::optional<LoopOutcome> Answer(int run, const std::string& addition, json& answer) {
    const auto ask = [&] {
      const ProgramCall call{.step_name = input_.request.step_name,
                             .prompt = input_.instruction + addition,
                             .context = input_.context,
                             .working_dir = input_.request.working_dir,
                             .model = input_.model,
                             .max_turns = input_.max_turns,
                             .private_dir = PrivateDirOf(services_.journal)};
      std::error_code ignored;
      std::filesystem::remove_all(call.private_dir, ignored);  // of a run that was killed
      ModelOutcome outcome = program_.Run(call, services_.control);
      std::filesystem::remove_all(call.private_dir, ignored);
      return outcome;
    };
    const auto digest = [&](json report, json& kept) -> std::optional<LoopOutcome> {
      int64_t redactions = 0;
      services_.redactor.Apply(report, redactions);
      Result<sandbox::TreeSnapshot> after = sandbox::TakeSnapshot(services_.dir);
      if (!after && after.error().code == StatusCode::kResourceExhausted) {
        return AgentError("after the run: " + after.error().message);
      }
      if (!after) return Machine(after.error());
      const std::vector<std::string> touched = sandbox::Diff(input_.before, *after).Touched();
      kept["tokens"] = Tokens(report);
      if (program_.ChoosesModel()) kept["model"] = report.at("model");
      kept["report"] = std::move(report);
      kept["changed"] = !touched.empty();
      RefuseSecrets(touched, kept);
      kept["redactions"] = redactions;
      return std::nullopt;
    };
    return AnswerToCall(input_.request, services_, reply_, run, ask, digest, answer);
  }

  /// A file that was made with a secret in it is taken away; one that stood there before is the user's and stays, but
  /// goes into no commit and no kept tree.
  void RefuseSecrets(const std::vector<std::string>& touched, json& kept) const {
    std::string gone;
    std::string staying;
    int64_t count = 0;
    for (const std::string& path : touched) {
      const Result<std::string> bytes = services_.dir.Read(path, sandbox::SnapshotOptions().max_file_bytes);
      if (!bytes || !services_.redactor.HoldsSecret(std::string_view(*bytes))) continue;
      ++count;
      const bool removed = input_.before.Find(path) == nullptr && services_.dir.Remove(path).has_value();
      std::string& list = removed ? gone : staying;
      if (count <= 20) list += (list.empty() ? "" : ", ") + sandbox::Printable(path);
    }
    if (count == 0) return;
    std::string refusal = "the program wrote a secret key of this machine into ";
    if (!gone.empty()) refusal += gone + ", which was taken away";
    if (!staying.empty()) {
      refusal += std::string(gone.empty() ? "" : ", and into ") + staying +
                 ", which stood there before: it is in no commit and no kept tree; take the key out of there";
    }
    kept["secrets"] = std::move(refusal);
    kept["secret_findings"] = count;
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
    if (!report.model.empty()) reply_.model = report.model;
    reply_.action_count += static_cast<int64_t>(report.actions.size());
    for (AgentAction& action : report.actions) reply_.actions.push_back(std::move(action));
    for (AgentToolCall& call : report.tool_calls) services_.tool_calls.Add(std::move(call));
    return AccountForCall(services_, reply_, run, answer, /*bought=*/true);
  }

  const ProgramInput& input_;
  AgentProgram& program_;
  StepServices& services_;
  AgentReply& reply_;
};

}  // namespace

std::string PrivateDirOf(const StepJournal& journal) { return journal.path() + "/private"; }

LoopOutcome RunProgramStep(const ProgramInput& input, AgentProgram& program, StepServices& services, AgentReply& reply) {
  LoopOutcome outcome = ProgramStep(input, program, services, reply).Run();
  if (reply.turns == 0) reply.cost_usd.reset();
  return outcome;
}

}  // namespace wfe::agent
