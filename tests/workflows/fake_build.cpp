#include "tests/workflows/fake_build.h"

#include <algorithm>

#include "activities/build/checks/host_info.h"
#include "activities/build/workspace/workspace.h"
#include "activities/prompts/instructions.h"
#include "activities/trace/audit.h"
#include "engine/base/hash.h"

namespace wfe::testing {

using namespace agent;
using namespace build;
using namespace prompts;
using namespace trace;
using sdk::ActivityContext;
using sdk::ActivityResult;
using sdk::ApplicationFailure;

std::vector<std::string> FakeBuild::Trace::Steps() const {
  std::vector<std::string> steps;
  for (const LogEntry& entry : entries) {
    const std::string verdict = entry.validation_status.value_or("");
    steps.push_back(entry.step_name + (verdict == "pass" || verdict == "fail" ? ":" + verdict : ""));
  }
  return steps;
}

AgentReply FakeBuild::Reply(const std::string& step) {
  AgentReply reply;
  reply.text = "done: " + step;
  reply.prompt_token_count = 900;
  reply.completion_token_count = 100;
  reply.token_count_source = kTokensReported;
  reply.cost_usd = Money::Nanos(10'000'000);
  reply.model = "gemini-2.5-flash";
  reply.backend = "gemini";
  reply.finish_reason = "STOP";
  reply.turns = 1;
  reply.latency_ms = 10'000;
  reply.instruction_hash = ToHex(Sha256(step));
  reply.files_touched = {"src/" + step + ".ts"};
  reply.snapshot_blob_hash = "tree-after-" + step;
  return reply;
}

ApplicationFailure FakeBuild::Failure(std::string_view type, std::string message, bool non_retryable) {
  return {.message = std::move(message),
          .type = std::string(type),
          .non_retryable = non_retryable,
          .next_retry_delay = std::nullopt,
          .details = nullptr};
}

ComplianceReport FakeBuild::Failing(const std::string& error_type, const std::string& log) {
  ComplianceReport report;
  report.status = "fail";
  report.error_type = error_type;
  report.error_log = log;
  report.error_log_chars = static_cast<int64_t>(log.size());
  report.error_log_hash = ToHex(Sha256(log));
  report.error_counts[error_type] = 1;
  return report;
}

const ApplicationFailure* FakeBuild::FailureOf(std::string_view activity) const {
  const auto found = failures.find(std::string(activity));
  return found == failures.end() ? nullptr : &found->second;
}

void FakeBuild::Started(std::string_view activity, const std::string& step) {
  if (on_start) on_start(std::string(activity), step);
}

void FakeBuild::Register(sdk::ActivityRegistry& registry, const std::string& host_queue, const std::string& work_root) {
  registry.Register(kDescribeHost, [this, host_queue, work_root](ActivityContext&, const sdk::Nothing&) {
    return ActivityResult<HostInfo>(HostInfo{
        .host_queue = host_queue, .work_root = work_root, .host_timeout_s = 600, .admits_runs = admits_runs});
  });
  RegisterPlace(registry, work_root);
  RegisterAgent(registry);
  RegisterChecks(registry);
  RegisterRecord(registry);
}

void FakeBuild::RegisterPlace(sdk::ActivityRegistry& registry, const std::string& work_root) {
  registry.Register(kOpenWorkspace,
                    [this, work_root](ActivityContext& context,
                                      const OpenWorkspaceRequest& request) -> ActivityResult<OpenWorkspaceReport> {
                      Started(kOpenWorkspace.name);
                      if (const auto* failure = FailureOf(kOpenWorkspace.name)) return *failure;
                      if (!request.take_over_from.empty()) taken_over.push_back(request.take_over_from);
                      OpenWorkspaceReport report;
                      report.kind = request.kind == "auto" ? workspace : request.kind;
                      report.project_dir = request.project_dir;
                      report.working_dir = work_root + "/builds/" + context.info().run_id;
                      if (on_open) on_open(report.working_dir);
                      report.base_snapshot_blob_hash =
                          request.base_snapshot_blob_hash.empty() ? "tree-before" : request.base_snapshot_blob_hash;
                      if (report.kind == "branch") {
                        report.branch = "wfe/build";
                        report.base_commit = "c0ffee";
                      }
                      if (!request.restore_snapshot_blob_hash.empty()) {
                        restored[report.working_dir] = request.restore_snapshot_blob_hash;
                      }
                      return report;
                    });
  registry.Register(kPreflight,
                    [this](ActivityContext&, const PreflightRequest& request) -> ActivityResult<PreflightReport> {
                      Started(kPreflight.name);
                      if (const auto* failure = FailureOf(kPreflight.name)) return *failure;
                      if (!request.take_over_from.empty()) taken_over.push_back(request.take_over_from);
                      PreflightReport report;
                      report.working_dir = request.working_dir;
                      report.profile = request.profile.empty() ? "typescript" : request.profile;
                      report.mode = request.mode == "auto" ? mode : request.mode;
                      report.template_id = "typescript-package";
                      report.baseline = {{"tests", "of this tree"}};
                      report.claim_id = request.claim_id;
                      report.needs_dependencies = true;
                      report.check_commands = {"jest"};
                      if (std::find(claims.begin(), claims.end(), request.working_dir) == claims.end()) {
                        claims.push_back(request.working_dir);
                      }
                      return report;
                    });
  registry.Register(kReleaseWorkingDir, [this](ActivityContext&, const ReleaseRequest& request) {
    Started(kReleaseWorkingDir.name);
    std::erase(claims, request.working_dir);
    ReleaseReport report;
    report.released = true;
    return ActivityResult<ReleaseReport>(report);
  });
}

void FakeBuild::RegisterAgent(sdk::ActivityRegistry& registry) {
  registry.Register(kCheckAgent,
                    [this](ActivityContext&, const CheckAgentInput&) -> ActivityResult<CheckAgentOutput> {
                      Started(kCheckAgent.name);
                      if (const auto* failure = FailureOf(kCheckAgent.name)) return *failure;
                      return CheckAgentOutput();
                    });
  registry.Register(kAdmitRun,
                    [this](ActivityContext& context, const AdmitRunInput& input) -> ActivityResult<sdk::Nothing> {
                      Started(kAdmitRun.name);
                      if (const auto* failure = FailureOf(kAdmitRun.name)) return *failure;
                      if (real_admission) return real_admission(context, input);
                      return sdk::Nothing{};
                    });
  registry.Register(kPrepareContext, [this](ActivityContext&, const PrepareContextInput& input) {
    Started(kPrepareContext.name);
    PreparedContext prepared;
    prepared.context_file_hash = ToHex(Sha256("context"));
    prepared.stored = true;
    prepared.path = ".wfe/context.md";
    prepared.template_id = input.template_id;
    prepared.template_version = 1;
    if (input.template_version == 0) prepared.experiment_arm = experiment_arm;
    return ActivityResult<PreparedContext>(prepared);
  });
  registry.Register(kPrepareInstruction, [this](ActivityContext&, const PrepareInstructionInput& input) {
    Started(kPrepareInstruction.name);
    PreparedInstruction prepared;
    prepared.template_id = input.template_id;
    prepared.template_version = 1;
    prepared.text = input.template_id;
    for (const auto& [name, value] : input.values) prepared.text += "\n" + name + ": " + value;
    prepared.instruction_hash = ToHex(Sha256(prepared.text));
    return ActivityResult<PreparedInstruction>(prepared);
  });
  registry.Register(kExecuteGeminiAgent,
                    [this](ActivityContext& context, const AgentRequest& request) -> ActivityResult<AgentReply> {
                      Started(kExecuteGeminiAgent.name, request.step_name);
                      ++agent_calls;
                      prompts.push_back(request.instruction);
                      if (real_agent) return real_agent(context, request);
                      const auto script = agent.find(request.step_name);
                      if (script == agent.end() || script->second.empty()) return Reply(request.step_name);
                      const AgentOutcome outcome = script->second.front();
                      if (script->second.size() > 1) script->second.pop_front();
                      if (const auto* failure = std::get_if<ApplicationFailure>(&outcome)) return *failure;
                      return std::get<AgentReply>(outcome);
                    });
}

void FakeBuild::RegisterChecks(sdk::ActivityRegistry& registry) {
  registry.Register(kInstallDependencies,
                    [this](ActivityContext&, const InstallDependenciesRequest&)
                        -> ActivityResult<InstallDependenciesReport> {
                      Started(kInstallDependencies.name);
                      if (const auto* failure = FailureOf(kInstallDependencies.name)) return *failure;
                      InstallDependenciesReport report;
                      report.duration_ms = 30'000;
                      return report;
                    });
  registry.Register(kProbeChecks,
                    [this](ActivityContext&, const ProbeChecksRequest&) -> ActivityResult<ProbeChecksReport> {
                      Started(kProbeChecks.name);
                      if (const auto* failure = FailureOf(kProbeChecks.name)) return *failure;
                      return ProbeChecksReport();
                    });
  registry.Register(kRunComplianceChecks,
                    [this](ActivityContext&, const ComplianceRequest& request) -> ActivityResult<ComplianceReport> {
                      Started(kRunComplianceChecks.name, request.step_name);
                      ++checks_run;
                      baselines.push_back(request.baseline);
                      if (const auto* failure = FailureOf(kRunComplianceChecks.name)) return *failure;
                      ComplianceReport report;
                      if (const auto script = verdicts.find(request.step_name); script != verdicts.end()) {
                        report = script->second;
                      } else {
                        report.passed = true;
                        report.status = "pass";
                      }
                      report.profile = request.profile;
                      report.sandbox = "bwrap";
                      report.duration_ms = 40'000;
                      CheckReport check;
                      check.id = "jest";
                      check.outcome = report.passed ? "pass" : "fail";
                      check.tests_total = 3;
                      check.tests_skipped = 0;
                      report.checks.push_back(check);
                      report.tests_total = 3;
                      return report;
                    });
}

void FakeBuild::RegisterRecord(sdk::ActivityRegistry& registry) {
  registry.Register(kLogAuditEntry,
                    [this](ActivityContext&, const LogAuditEntryInput& input) -> ActivityResult<sdk::Nothing> {
                      Started(kLogAuditEntry.name, input.entry.step_name);
                      if (const auto* failure = FailureOf(kLogAuditEntry.name)) return *failure;
                      std::vector<LogEntry>& entries = traces[input.working_dir].entries;
                      const auto same = [&](const LogEntry& entry) {
                        return ExtString(entry, "entry_id") == ExtString(input.entry, "entry_id");
                      };
                      if (std::none_of(entries.begin(), entries.end(), same)) entries.push_back(input.entry);
                      return sdk::Nothing{};
                    });
  registry.Register(kRecordStep,
                    [this](ActivityContext&, const RecordStepRequest& request) -> ActivityResult<RecordStepReport> {
                      Started(kRecordStep.name, request.step);
                      if (const auto* failure = FailureOf(kRecordStep.name)) return *failure;
                      const std::string line = request.step + " " + request.verdict;
                      if (std::find(commits.begin(), commits.end(), line) == commits.end()) commits.push_back(line);
                      RecordStepReport report;
                      report.commit = "commit-" + std::to_string(commits.size());
                      report.ignored = ignored;
                      return report;
                    });
}

}  // namespace wfe::testing
