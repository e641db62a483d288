// One run of an audited build: its state, and the steps it is made of.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "activities/agent/step/agent_step.h"
#include "activities/build/checks/compliance.h"
#include "activities/build/workspace/workspace.h"
#include "activities/trace/audit.h"
#include "workflows/audited_build/audited_build.h"
#include "workflows/audited_build/build_host.h"
#include "workflows/audited_build/build_progress.h"
#include "workflows/audited_build/entries.h"

namespace wfe::workflows {

/// The examination could not take place: neither a pass nor the agent's fault.  Ends the run as failed (AB-1).
struct ExaminationFault {
  std::string type;
  std::string message;
};

/// Lives in the workflow function's frame and outlives every coroutine it starts.
class BuildRun {
 public:
  BuildRun(sdk::WorkflowContext& ctx, AuditedBuildInput input);

  /// Everything from the workspace to the verdict.  Throws CancelledFailure, ActivityFailure and ExaminationFault.
  sdk::Task<std::string> Run();

  /// Logs a workflow event (LG-17).
  sdk::Task<void> LogEvent(std::string_view name, nlohmann::json ext);
  /// Records what is left to record of the last step, logs how the run ended and gives the directory back.
  sdk::Task<void> Finish(std::string_view event, nlohmann::json ext);

  /// There is a trace: what happens from here on is logged, also when its directory is gone.
  bool has_trace() const { return has_trace_; }
  void Abort(const nlohmann::json& signal);
  void AddGuidance(const nlohmann::json& signal);
  bool aborted() const { return aborted_; }
  int fix_attempts() const { return progress_->fix_attempts; }
  /// The agent has touched a file, in this run or in the one that it continues.
  bool changed() const { return !files_.empty() || input_.resume.has_value(); }
  /// Files of the agent that are not part of the result, because git ignores them.
  const std::vector<std::string>& ignored() const { return ignored_; }
  int64_t total_tokens() const { return progress_->total_tokens; }
  /// `message` empty: the reason the run itself noted (an abort, an agent's failure).
  AuditedBuildResult Result(std::string status, std::string message) const;

 private:
  // build_run_place.cpp: where the build works.
  sdk::Task<void> OpenPlace(std::string restore_snapshot);
  sdk::Task<void> Prepare();
  sdk::Task<void> PrepareContext();
  sdk::Task<void> MoveToAnotherHost();
  sdk::Task<void> RecordStep(std::string verdict);

  // build_run.cpp
  sdk::Task<void> Log(trace::LogEntry entry);
  sdk::Task<void> Write(trace::LogEntry entry);
  /// False: it may not begin to spend, and ends with `ending_` before anything was made for it.
  sdk::Task<bool> Admitted();
  sdk::Task<std::string> Instruct(std::string_view template_id, std::map<std::string, std::string> values);
  /// False: the run ends with `ending_`.
  sdk::Task<bool> AgentStep(std::string_view name, std::string instruction, std::optional<Repair> repair);
  /// One step of the agent, waiting where a budget defers it.
  sdk::Task<agent::AgentReply> AskAgent(agent::AgentRequest request);
  void TakeReply(const agent::AgentReply& reply);
  sdk::Task<build::ComplianceReport> Verify(std::string_view name);
  sdk::Task<bool> FirstSteps();
  bool BudgetExhausted() const;
  std::string TakeGuidance();
  std::string Timestamp() const;

  sdk::WorkflowContext& ctx_;
  const AuditedBuildInput input_;
  std::shared_ptr<BuildProgress> progress_ = std::make_shared<BuildProgress>();
  EntryBase base_;
  trace::TraceChain chain_;
  BuildHost host_;

  build::OpenWorkspaceReport place_;
  build::PreflightReport ready_;
  std::map<std::string, std::string> protected_hashes_;
  std::optional<Step> unrecorded_;  // the last agent step, until it is a commit
  std::string commit_;
  std::vector<std::string> ignored_;  // of the agent's files: git ignores them, so no commit has them
  std::string commit_problem_;  // why a step is no commit; the build goes on, its tree is a blob as well

  std::vector<Remark> remarks_;        // of people, not in the trace yet
  std::vector<std::string> guidance_;  // not in a prompt yet
  std::set<std::string> files_;
  std::optional<Money> cost_usd_;
  std::string moved_from_;  // host queue that was given up; said in the next entry's ext
  std::string instruction_template_;
  std::string ending_;
  std::string message_;
  bool has_trace_ = false;
  bool aborted_ = false;
  bool scripted_ = false;
  bool refused_by_budget_ = false;  // the last step of the agent
};

}  // namespace wfe::workflows
