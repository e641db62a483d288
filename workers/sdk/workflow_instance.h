// One run's live code: its coroutines and what they wait for.  Driven by workers/core; authors never see it.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/result.h"
#include "workers/sdk/failure.h"
#include "workers/sdk/workflow_registry.h"
#include "workers/sdk/workflow_runtime.h"

namespace wfe::sdk {

/// How a workflow function ended.
struct WorkflowCompleted {
  nlohmann::json result;
};
struct WorkflowCancelled {
  nlohmann::json details;
};
using WorkflowOutcome = std::variant<WorkflowCompleted, WorkflowCancelled, ContinueAsNewCommand, WorkflowFailure,
                                     ActivityFailure, ChildWorkflowFailure, ExternalWorkflowFailure, CancelledFailure>;

/// An exception that is not an outcome left workflow code: the task must fail (S46).
struct WorkflowPoison {
  std::string message;
};

/// What became of one activity.
struct ActivityCompleted {
  nlohmann::json result;
  bool from_cache = false;  ///< Of the worker (ResultCaching).
};
using ActivityResolution = std::variant<ActivityCompleted, ActivityFailure, CancelledFailure>;

/// What became of one child.  A failure by cancellation becomes a CancelledFailure when this workflow asked for it.
struct ChildCompleted {
  nlohmann::json result;
};
using ChildResolution = std::variant<ChildCompleted, ChildWorkflowFailure, ChildStartFailure>;

/// News is handed in first and takes effect in the next Run: signals before everything else, then in the given order.
class WorkflowInstance {
 public:
  /// Both references must outlive the instance.
  WorkflowInstance(const WorkflowFunction& function, WorkflowRuntime& runtime);
  /// Destroys the coroutines wherever they are suspended.
  ~WorkflowInstance();
  WorkflowInstance(const WorkflowInstance&) = delete;
  WorkflowInstance& operator=(const WorkflowInstance&) = delete;

  void Start(nlohmann::json input);
  /// Instead of Start: the input cannot even be read, so the run fails without running any code.
  void Refuse(WorkflowFailure failure);
  void ActivityResolved(uint64_t seq, ActivityResolution resolution);
  void TimerFired(uint64_t seq);
  void ChildStarted(uint64_t seq, std::string run_id);
  /// A request of RequestCancelChild has reached the child.
  void ChildCancelRequested(uint64_t seq);
  void ChildResolved(uint64_t seq, ChildResolution resolution);
  /// A signal or cancel request has reached its workflow, or has not (nullopt: it has).
  void ExternalResolved(uint64_t seq, std::optional<ExternalWorkflowFailure> failure);
  void Signal(std::string name, nlohmann::json input);
  void CancelRequested(std::string reason);
  /// The run was reset: what follows draws other random numbers.
  void Reseed(uint64_t seed);

  /// From WorkflowRuntime::CancelActivity, for a command that has not left: the activity ends as cancelled, now.
  void WithdrawActivity(uint64_t seq);

  /// Runs the code until all of it waits, it has ended, or it is poisoned.
  void Run();
  /// Set when the workflow function has ended; nothing runs any more.
  const std::optional<WorkflowOutcome>& outcome() const;
  const std::optional<WorkflowPoison>& poison() const;

  /// Asks a query handler about the present state.
  Result<nlohmann::json> Query(const std::string& name, const nlohmann::json& input);
  /// Where each coroutine waits, by the lines of their awaits.
  std::string StackTrace() const;
  /// What the workflow has handlers for, in order.
  std::vector<std::string> QueryNames() const;
  std::vector<std::string> SignalNames() const;

 private:
  std::unique_ptr<detail::WorkflowState> state_;
};

}  // namespace wfe::sdk
