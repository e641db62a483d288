// One run of an audited build: its state, and the steps it is made of.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "activities/audit/audit.h"
#include "activities/compliance/compliance.h"
#include "activities/compliance/host_info.h"
#include "activities/gemini/gemini.h"
#include "workflows/audited_build/audited_build.h"
#include "workflows/audited_build/entries.h"

namespace wfe::workflows {

/// What queries see; shared with their handlers, so that a closed run answers too (S68).
struct BuildProgress {
  std::string step = "starting";
  std::string status = "running";
  int fix_attempts = 0;
  int64_t total_tokens = 0;
  std::string last_error_type;
  std::string working_dir;
  std::vector<activities::LogEntry> entries;
};

/// Lives in the workflow function's frame and outlives every coroutine it starts.
class BuildRun {
 public:
  BuildRun(sdk::WorkflowContext& ctx, AuditedBuildInput input);

  /// Everything from pre-flight to the verdict.  Throws CancelledFailure and ActivityFailure.
  sdk::Task<std::string> Run();

  /// Logs a workflow event (LG-17).
  sdk::Task<void> LogEvent(std::string_view name, nlohmann::json ext);
  /// Gives the directory's claim back.
  sdk::Task<void> Release();

  bool HasDirectory() const { return claimed_; }
  void Abort(std::string reason);
  bool aborted() const { return aborted_; }
  int fix_attempts() const { return progress_->fix_attempts; }
  /// `message` empty: the reason the run itself noted (an abort, an agent's failure).
  AuditedBuildResult Result(std::string status, std::string message) const;

 private:
  /// How an activity on the build's host is run.
  struct OnHostOptions {
    Duration start_to_close;
    Duration heartbeat{};
    int maximum_attempts = 0;
    std::string_view activity_id{};  // copied before the first suspension
  };
  /// Runs an activity where the working directory is.  When nobody serves that host for the host timeout, moves the
  /// build to another host and runs it there (EN-5).
  template <class Input, class Output>
  sdk::Task<Output> OnHost(sdk::ActivityType<Input, Output> type, Input input, OnHostOptions options);
  sdk::Task<void> ChooseHost();
  sdk::Task<void> Prepare();
  sdk::Task<void> MoveToAnotherHost();
  sdk::Task<void> Log(activities::LogEntry entry);
  /// False: the agent failed for good; the reason is in last_error_type_ and message_.
  sdk::Task<bool> AgentStep(std::string_view name, std::string instruction, std::optional<Repair> repair);
  sdk::Task<activities::ComplianceReport> Verify(std::string_view name);
  bool BudgetExhausted() const;
  std::string Timestamp() const;

  sdk::WorkflowContext& ctx_;
  const AuditedBuildInput input_;
  std::shared_ptr<BuildProgress> progress_ = std::make_shared<BuildProgress>();
  EntryBase base_;
  activities::TraceChain chain_;

  activities::HostInfo host_;
  std::string working_dir_;
  std::map<std::string, std::string> protected_hashes_;
  std::vector<std::string> check_commands_;
  std::string snapshot_;  // blob of the tree after the last agent step
  std::vector<std::string> guidance_;
  std::set<std::string> files_;
  std::optional<double> cost_usd_;
  std::string moved_from_;  // host queue that was given up; said in the next entry's ext
  std::string message_;
  int host_changes_ = 0;
  bool claimed_ = false;
  bool aborted_ = false;
  bool scripted_ = false;
};

}  // namespace wfe::workflows
