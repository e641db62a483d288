// The activities of AuditedBuildWorkflow as a script: what each step gives, how long it takes, what fails.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "activities/agent/step/agent_step.h"
#include "activities/build/checks/compliance.h"
#include "activities/trace/log_entry.h"
#include "engine/base/time.h"
#include "workers/sdk/activity.h"

namespace wfe::testing {

/// The world of some builds.  One thread; registries of several hosts may share it.
class FakeBuild {
 public:
  using AgentOutcome = std::variant<agent::AgentReply, sdk::ApplicationFailure>;

  /// Adds every activity that the workflow calls, as served by a host.
  void Register(sdk::ActivityRegistry& registry, const std::string& host_queue, const std::string& work_root);

  // ---- the script

  std::string mode = "create";
  std::string workspace = "in_place";
  /// By step; what a step says in turn, the last one for good.  A step without: a reply of 1,000 tokens.
  std::map<std::string, std::deque<AgentOutcome>> agent;
  /// By step; a step without passes.
  std::map<std::string, build::ComplianceReport> verdicts;
  std::vector<std::string> ignored;  ///< Of the agent's files, by git.
  /// By name: an activity that fails for good.
  std::map<std::string, sdk::ApplicationFailure> failures;
  bool admits_runs = false;  ///< The hosts ask before a build begins.
  /// Instead of the script, for admitRun and for executeGeminiAgent: the real ones, say.
  std::function<sdk::ActivityResult<sdk::Nothing>(sdk::ActivityContext&, const agent::AdmitRunInput&)> real_admission;
  std::function<sdk::ActivityResult<agent::AgentReply>(sdk::ActivityContext&, const agent::AgentRequest&)> real_agent;
  std::function<void(const std::string& working_dir)> on_open;  ///< Told of a new working directory.
  /// Called when an activity starts, with its name and, for agent, checks and log, its step.
  std::function<void(const std::string& activity, const std::string& step)> on_start;

  // ---- what happened

  struct Trace {
    std::vector<trace::LogEntry> entries;       ///< In the order of their lines; each once.
    std::vector<std::string> Steps() const;     ///< "scaffold", "initial_verification:fail" …
  };
  std::map<std::string, Trace> traces;  ///< By working directory.
  std::vector<std::string> claims;      ///< Directories claimed and not released.
  std::vector<std::string> prompts;     ///< Instructions, in order.
  std::vector<nlohmann::json> baselines;  ///< Of the verifications, in order.
  std::vector<std::string> commits;     ///< "step verdict", each entry once.
  std::vector<std::string> taken_over;  ///< Runs whose directory was asked for, in order.
  std::map<std::string, std::string> restored;  ///< Directory → snapshot it was filled from.
  std::string experiment_arm;  ///< Of a run that names no version of its template.
  int agent_calls = 0;
  int checks_run = 0;

  /// A reply with a cost: 1,000 tokens, 0.01 USD, 10 s.
  static agent::AgentReply Reply(const std::string& step);
  static sdk::ApplicationFailure Failure(std::string_view type, std::string message, bool non_retryable = true);
  /// A verification that fails with `error_type`; its log is `log`.
  static build::ComplianceReport Failing(const std::string& error_type, const std::string& log);

 private:
  void RegisterPlace(sdk::ActivityRegistry& registry, const std::string& work_root);
  void RegisterAgent(sdk::ActivityRegistry& registry);
  void RegisterChecks(sdk::ActivityRegistry& registry);
  void RegisterRecord(sdk::ActivityRegistry& registry);
  /// The scripted failure of an activity that has one.
  const sdk::ApplicationFailure* FailureOf(std::string_view activity) const;
  void Started(std::string_view activity, const std::string& step = {});
};

}  // namespace wfe::testing
