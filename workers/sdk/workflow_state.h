// What a run's context and its instance share.  Internal to workers/sdk.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/id_source.h"
#include "workers/sdk/workflow_context.h"
#include "workers/sdk/workflow_instance.h"
#include "workers/sdk/workflow_runtime.h"

namespace wfe::sdk::detail {

/// Thrown by ContinueAsNew; not a std::exception, so that `catch (const std::exception&)` lets it pass.
struct ContinueAsNewRequest {
  ContinueAsNewCommand command;
};

struct Condition {
  Function<bool()> predicate;
  std::shared_ptr<FutureStateBase> future;
  Function<void()> resolve;
};

struct SpawnedTask {
  std::shared_ptr<void> owner;
  const PromiseBase* promise;
};

struct QueryEntry {
  bool outlives_main = false;
  std::function<nlohmann::json(const nlohmann::json&)> handler;
};

struct SignalEntry {
  std::function<void(const nlohmann::json&)> handler;  // empty: signals queue up
  SignalQueue queue;
  std::function<bool(const nlohmann::json&)> accepts;  // of a channel: what is no value of its type is not queued
  bool is_channel = false;
};

/// A child from its start to its end, also when nobody waits for it any more.
struct OpenChild {
  std::shared_ptr<FutureState<std::string>> started;
  std::shared_ptr<FutureStateBase> result;
  ChildCancellationType cancellation;
  bool has_started = false;
  bool cancel_asked = false;                   // by this workflow, whether or not the command has left
  std::optional<std::string> cancel_on_start;  // the reason: a child is asked to cancel once it has started
};

class WorkflowState {
 public:
  WorkflowState(const WorkflowFunction& f, WorkflowRuntime& r)
      : function(f), runtime(r), root(ScopeState::Root()), random(r.RandomSeed()), context(*this) {}
  ~WorkflowState();

  /// Commands are refused in query handlers, and ignored while the run's coroutines are being destroyed.
  bool MayCommand() const;
  /// Sorts what left a workflow coroutine into an outcome or poison.
  void Classify(const std::exception_ptr& error);
  void Poison(const std::exception_ptr& error);

  const WorkflowFunction& function;
  WorkflowRuntime& runtime;
  Scheduler scheduler;
  std::shared_ptr<ScopeState> root;
  SeededIdSource random;
  WorkflowContext context;

  std::map<uint64_t, std::shared_ptr<FutureStateBase>> activities;  // open ones, by sequence number
  std::map<uint64_t, std::shared_ptr<FutureStateBase>> timers;
  std::map<uint64_t, OpenChild> children;
  std::map<uint64_t, std::shared_ptr<FutureState<void>>> externals;  // requests to other workflows
  std::list<Condition> conditions;
  std::map<std::string, SignalEntry, std::less<>> signals;
  std::map<std::string, QueryEntry, std::less<>> queries;
  uint64_t activity_count = 0;
  uint64_t timer_count = 0;
  uint64_t child_count = 0;
  uint64_t external_count = 0;
  uint64_t side_effect_count = 0;
  uint64_t operation_count = 0;

  std::vector<Function<void()>> signal_news;  // what the next Run begins with
  std::vector<Function<void()>> other_news;
  bool cancel_requested = false;
  bool in_query = false;
  bool destroying = false;

  std::optional<WorkflowOutcome> outcome;
  std::optional<WorkflowPoison> poison;
  std::optional<Task<nlohmann::json>> main;
  std::map<uint64_t, SpawnedTask> spawned;  // those that have not ended, by number
  std::vector<uint64_t> ended;              // numbers of spawned ones that have ended, to be destroyed between two resumes
  uint64_t spawn_count = 0;
};

}  // namespace wfe::sdk::detail
