// One attempt of one agent step (executeGeminiAgent): what comes before a model is asked (before_model.cpp), the asking
// and what the step leaves behind (execute_agent.cpp).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "activities/agent/step/agent_loop.h"
#include "activities/agent/step/agent_worker.h"
#include "activities/agent/step/cached_step.h"
#include "activities/agent/step/context_files.h"
#include "activities/agent/step/journal.h"
#include "activities/agent/step/tool_calls.h"
#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/tree_snapshot.h"

namespace wfe::agent {

/// Made for one attempt, and used from the thread that runs it.
class AgentWorker::Step {
 public:
  Step(AgentWorker& worker, sdk::ActivityContext& context, const AgentRequest& request)
      : worker_(worker), config_(worker.config_), context_(context), request_(request) {}

  sdk::ActivityResult<AgentReply> Run();

 private:
  using StepResult = sdk::ActivityResult<AgentReply>;
  /// What ends the step: an answer or a failure.  nullopt: the next one is asked, at last the model.
  using Ending = std::optional<StepResult>;
  using BeforeModel = Ending (Step::*)();
  /// What comes before a model is asked, in order.  Something new that may answer a step is one more of them.
  static std::span<const BeforeModel> StepsBeforeModel();
  Ending CheckInput();
  Ending OpenDirectory();
  Ending LoadContext();
  Ending LoadSession();
  Ending OpenJournal();
  Ending LookBefore();
  Ending Describe();
  Ending ByTool();
  Ending FromCache();
  Ending GiveFiles();

  Ending ReadContextFile();
  std::string Project() const;
  CountTokens Counter() const;
  std::string Token() const { return context_.info().IdempotencyToken(); }

  StepResult AskModel();
  CallControl Control();
  StepServices Services(CallLog& calls);
  LoopOutcome RunLoop(CallLog& calls);
  LoopOutcome RunProgram(CallLog& calls);
  StepResult Finish(CallLog& calls, LoopOutcome outcome);
  StepResult Unavailable(CallLog& calls, const ModelError& error);
  sdk::ApplicationFailure RefusedByBudget(const client::BudgetAnswer& refusal);
  /// What the step left in the directory.
  std::optional<sdk::ApplicationFailure> LookAtTree();
  /// What it leaves in the records.  Needs the tree looked at, and the reply unbounded.
  Status NoteStep(const CallLog& calls, const nlohmann::json& contents, bool success);
  /// What the step was given and what it touched (RC-10).
  Status NoteHooks(const CallLog& calls, const nlohmann::json& contents, bool success);
  /// The calls of tools in its transcript (RC-10).  Nothing depends on whether they could be kept.
  void NoteToolCalls();
  Status StoreBlobs(nlohmann::json contents);
  void KeepInContextCache();
  std::string NoChangeMessage() const;

  static sdk::ApplicationFailure Invalid(std::string message);
  sdk::ApplicationFailure AgentError(std::string message);
  sdk::ApplicationFailure Fail(std::string_view type, std::string message, bool non_retryable,
                               std::optional<Duration> delay);
  sdk::ApplicationFailure ToolIo(std::string message);
  sdk::ApplicationFailure Store(const std::string& what, const Error& error);
  sdk::ApplicationFailure RecordsDown(std::string message);

  AgentWorker& worker_;
  const GeminiConfig& config_;
  sdk::ActivityContext& context_;
  const AgentRequest& request_;
  std::shared_ptr<ModelBackend> backend_;
  std::shared_ptr<AgentProgram> program_;
  std::string model_;
  std::optional<sandbox::SafeDir> dir_;  // from OpenDirectory on
  std::optional<StepJournal> journal_;   // from OpenJournal on
  std::string instruction_;              // redacted
  std::string agent_context_;
  nlohmann::json session_;
  FileChoice choice_;
  std::vector<GivenFile> given_;
  std::optional<CacheQuestion> question_;  // empty: the cache has no part in this step
  sandbox::TreeSnapshot before_;
  ToolCallNotes tool_calls_;
  AgentReply reply_;
  bool wrote_ = false;
  bool machine_fault_ = false;
};

}  // namespace wfe::agent
