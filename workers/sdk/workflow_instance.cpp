#include "workers/sdk/workflow_instance.h"

#include <source_location>
#include <stdexcept>
#include <utility>

#include "workers/sdk/workflow_state.h"

namespace wfe::sdk {

namespace detail {

WorkflowState::~WorkflowState() {
  // Destructors of locals in the frames may use the context: their commands are ignored.  What was spawned may refer to
  // locals of its spawner, so the last goes first.
  destroying = true;
  scheduler.Clear();
  conditions.clear();
  signal_news.clear();
  other_news.clear();
  while (!spawned.empty()) spawned.erase(std::prev(spawned.end()));
  main.reset();
}

bool WorkflowState::MayCommand() const {
  if (in_query) throw std::logic_error("a query handler only looks: it may not issue commands");
  return !destroying;
}

void WorkflowState::Poison(const std::exception_ptr& error) {
  if (poison.has_value()) return;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    poison = WorkflowPoison{e.what()};
  } catch (...) {
    poison = WorkflowPoison{"the workflow threw something that is not a std::exception"};
  }
}

void WorkflowState::Classify(const std::exception_ptr& error) {
  if (outcome.has_value() || poison.has_value()) return;
  try {
    std::rethrow_exception(error);
  } catch (ContinueAsNewRequest& request) {
    outcome = std::move(request.command);
  } catch (const WorkflowFailure& failure) {
    outcome = failure;
  } catch (const ActivityFailure& failure) {
    outcome = failure;
  } catch (const ChildWorkflowFailure& failure) {
    outcome = failure;
  } catch (const ExternalWorkflowFailure& failure) {
    outcome = failure;
  } catch (const CancelledFailure& cancelled) {
    if (cancel_requested) {
      outcome = WorkflowCancelled{cancelled.details()};
    } else {
      outcome = cancelled;
    }
  } catch (...) {
    Poison(error);
  }
}

namespace {

/// Delivers one signal to its handler, its channel, or the place where it waits for either.
void Deliver(WorkflowState& state, const std::string& name, const nlohmann::json& input) {
  SignalEntry& entry = state.signals[name];
  if (entry.handler) {
    // A handler may replace itself.
    const auto handler = entry.handler;
    handler(input);
  } else if (!entry.accepts || entry.accepts(input)) {
    entry.queue.Push(input);
  }
}

/// Wakes the waits whose condition now holds.  False: nothing changed.
bool WakeConditions(WorkflowState& state) {
  bool woken = false;
  for (auto it = state.conditions.begin(); it != state.conditions.end();) {
    bool done = it->future->ready();
    if (!done) {
      try {
        done = it->predicate();
        if (done) it->resolve();
      } catch (...) {
        it->future->Fail(std::current_exception());
        done = true;
      }
      woken |= done;
    }
    it = done ? state.conditions.erase(it) : std::next(it);
  }
  return woken;
}

void ReapSpawned(WorkflowState& state) {
  for (const uint64_t number : std::exchange(state.ended, {})) state.spawned.erase(number);
}

void RunNews(WorkflowState& state, std::vector<Function<void()>> news) {
  for (Function<void()>& item : news) {
    if (state.outcome.has_value() || state.poison.has_value()) return;
    try {
      item();
    } catch (...) {
      state.Classify(std::current_exception());
    }
  }
}

}  // namespace

}  // namespace detail

WorkflowInstance::WorkflowInstance(const WorkflowFunction& function, WorkflowRuntime& runtime)
    : state_(std::make_unique<detail::WorkflowState>(function, runtime)) {}

WorkflowInstance::~WorkflowInstance() = default;

void WorkflowInstance::Reseed(uint64_t seed) { state_->random = SeededIdSource(seed); }

void WorkflowInstance::Start(nlohmann::json input) {
  detail::WorkflowState& state = *state_;
  state.other_news.push_back([&state, input = std::move(input)]() mutable {
    state.main.emplace(state.function(state.context, std::move(input)));
    detail::Promise<nlohmann::json>& promise = state.main->promise();
    promise.Attach(state.scheduler, state.root);
    promise.set_on_done([&state, &promise] {
      if (state.outcome.has_value() || state.poison.has_value()) return;
      if (promise.error()) {
        state.Classify(promise.error());
      } else {
        state.outcome = WorkflowCompleted{promise.TakeResult()};
      }
    });
    state.scheduler.PushBack(promise);
  });
}

void WorkflowInstance::Refuse(WorkflowFailure failure) {
  detail::WorkflowState& state = *state_;
  state.other_news.push_back([&state, failure = std::move(failure)] { state.outcome = failure; });
}

void WorkflowInstance::ActivityResolved(uint64_t seq, ActivityResolution resolution) {
  detail::WorkflowState& state = *state_;
  state.other_news.push_back([&state, seq, resolution = std::move(resolution)]() mutable {
    const auto found = state.activities.find(seq);
    if (found == state.activities.end()) return;
    const std::shared_ptr<detail::FutureStateBase> future = std::move(found->second);
    state.activities.erase(found);
    if (auto* completed = std::get_if<ActivityCompleted>(&resolution)) {
      if (completed->from_cache) future->set_from_cache();
      future->ResolveJson(completed->result);
    } else if (auto* failed = std::get_if<ActivityFailure>(&resolution)) {
      future->Fail(std::make_exception_ptr(*failed));
    } else {
      future->Fail(std::make_exception_ptr(std::get<CancelledFailure>(resolution)));
    }
  });
}

void WorkflowInstance::WithdrawActivity(uint64_t seq) {
  const auto found = state_->activities.find(seq);
  if (found == state_->activities.end()) return;
  const std::shared_ptr<detail::FutureStateBase> future = std::move(found->second);
  state_->activities.erase(found);
  future->Fail(std::make_exception_ptr(CancelledFailure("cancelled before it was scheduled")));
}

void WorkflowInstance::TimerFired(uint64_t seq) {
  detail::WorkflowState& state = *state_;
  state.other_news.push_back([&state, seq] {
    const auto found = state.timers.find(seq);
    if (found == state.timers.end()) return;
    const std::shared_ptr<detail::FutureStateBase> future = std::move(found->second);
    state.timers.erase(found);
    future->ResolveJson(nullptr);
  });
}

void WorkflowInstance::ChildStarted(uint64_t seq, std::string run_id) {
  detail::WorkflowState& state = *state_;
  state.other_news.push_back([&state, seq, run_id = std::move(run_id)]() mutable {
    const auto found = state.children.find(seq);
    if (found == state.children.end()) return;
    detail::OpenChild& child = found->second;
    child.has_started = true;
    child.started->Resolve(std::move(run_id));
    if (child.cancel_on_start.has_value()) state.runtime.RequestCancelChild(seq, *child.cancel_on_start);
  });
}

void WorkflowInstance::ChildCancelRequested(uint64_t seq) {
  detail::WorkflowState& state = *state_;
  state.other_news.push_back([&state, seq] {
    const auto found = state.children.find(seq);
    if (found == state.children.end()) return;
    if (found->second.cancellation != ChildCancellationType::kWaitRequested) return;
    const std::shared_ptr<detail::FutureStateBase> result = found->second.result;
    result->Fail(std::make_exception_ptr(CancelledFailure("the child workflow was asked to cancel")));
  });
}

void WorkflowInstance::ChildResolved(uint64_t seq, ChildResolution resolution) {
  detail::WorkflowState& state = *state_;
  state.other_news.push_back([&state, seq, resolution = std::move(resolution)] {
    const auto found = state.children.find(seq);
    if (found == state.children.end()) return;
    const detail::OpenChild child = std::move(found->second);
    state.children.erase(found);
    if (const auto* completed = std::get_if<ChildCompleted>(&resolution)) {
      child.result->ResolveJson(completed->result);
    } else if (const auto* not_started = std::get_if<ChildStartFailure>(&resolution)) {
      child.started->Fail(std::make_exception_ptr(*not_started));
      child.result->Fail(std::make_exception_ptr(*not_started));
    } else {
      const auto& failure = std::get<ChildWorkflowFailure>(resolution);
      child.result->Fail(failure.cancelled() && child.cancel_asked
                             ? std::make_exception_ptr(CancelledFailure(failure.what(), failure.details()))
                             : std::make_exception_ptr(failure));
    }
  });
}

void WorkflowInstance::ExternalResolved(uint64_t seq, std::optional<ExternalWorkflowFailure> failure) {
  detail::WorkflowState& state = *state_;
  state.other_news.push_back([&state, seq, failure = std::move(failure)] {
    const auto found = state.externals.find(seq);
    if (found == state.externals.end()) return;
    const std::shared_ptr<detail::FutureState<void>> future = std::move(found->second);
    state.externals.erase(found);
    if (failure.has_value()) {
      future->Fail(std::make_exception_ptr(*failure));
    } else {
      future->Resolve({});
    }
  });
}

void WorkflowInstance::Signal(std::string name, nlohmann::json input) {
  detail::WorkflowState& state = *state_;
  state.signal_news.push_back(
      [&state, name = std::move(name), input = std::move(input)] { detail::Deliver(state, name, input); });
}

void WorkflowInstance::CancelRequested(std::string reason) {
  detail::WorkflowState& state = *state_;
  state.other_news.push_back([&state, reason = std::move(reason)] {
    state.cancel_requested = true;
    state.root->Cancel(reason.empty() ? "the workflow was asked to cancel" : reason);
  });
}

void WorkflowInstance::Run() {
  detail::WorkflowState& state = *state_;
  std::vector<Function<void()>> signals = std::exchange(state.signal_news, {});
  std::vector<Function<void()>> others = std::exchange(state.other_news, {});
  detail::RunNews(state, std::move(signals));
  detail::RunNews(state, std::move(others));
  while (!state.outcome.has_value() && !state.poison.has_value()) {
    if (!state.scheduler.empty()) {
      state.scheduler.RunOne();
      detail::ReapSpawned(state);
    } else if (!detail::WakeConditions(state)) {
      break;
    }
  }
  if (state.outcome.has_value()) {
    state.scheduler.Clear();
    state.conditions.clear();
  }
}

namespace {

/// "workflows/build.cpp:120", as seen from the root of the sources.
std::string LineOf(const std::source_location& line) {
  std::string_view file = line.file_name();
  while (file.starts_with("../")) file.remove_prefix(3);
  return std::string(file) + ":" + std::to_string(line.line());
}

/// The innermost call first, as stack traces are read.
std::string TraceOf(const detail::PromiseBase& outermost) {
  std::vector<const detail::PromiseBase*> calls;
  for (const auto* promise = &outermost; promise != nullptr; promise = promise->callee()) calls.push_back(promise);
  std::string text;
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
    const bool begun = (*call)->awaits().line() != 0;
    const std::string line = begun ? "at " + LineOf((*call)->awaits()) : "about to begin";
    if (line.find("workers/sdk/") != std::string::npos) continue;  // the frame around the workflow's function
    text += "    " + line + "\n";
  }
  return text;
}

}  // namespace

std::string WorkflowInstance::StackTrace() const {
  const detail::WorkflowState& state = *state_;
  if (state.outcome.has_value()) return "the workflow function has ended\n";
  std::string text;
  if (state.main.has_value()) text += "coroutine main\n" + TraceOf(state.main->promise());
  for (const auto& [number, task] : state.spawned) {
    text += "\ncoroutine spawned-" + std::to_string(number) + "\n" + TraceOf(*task.promise);
  }
  return text;
}

std::vector<std::string> WorkflowInstance::QueryNames() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : state_->queries) names.push_back(name);
  return names;
}

std::vector<std::string> WorkflowInstance::SignalNames() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : state_->signals) {
    // Others are only kept because somebody sent them.
    if (entry.handler || entry.is_channel) names.push_back(name);
  }
  return names;
}

const std::optional<WorkflowOutcome>& WorkflowInstance::outcome() const { return state_->outcome; }
const std::optional<WorkflowPoison>& WorkflowInstance::poison() const { return state_->poison; }

Result<nlohmann::json> WorkflowInstance::Query(const std::string& name, const nlohmann::json& input) {
  const auto found = state_->queries.find(name);
  if (found == state_->queries.end()) {
    std::string known;
    for (const auto& [each, entry] : state_->queries) known += (known.empty() ? "" : ", ") + each;
    return InvalidArgument("unknown query " + name + "; this workflow answers " + (known.empty() ? "none" : known));
  }
  if (state_->outcome.has_value() && !found->second.outlives_main) {
    return FailedPrecondition("the workflow function has ended, and what its query handler " + name +
                              " refers to with it; register the handler with shared state to answer closed runs");
  }
  state_->in_query = true;
  Result<nlohmann::json> answer = Internal("query " + name + " gave no answer");
  try {
    answer = found->second.handler(input);
  } catch (const std::exception& e) {
    answer = InvalidArgument("query " + name + " failed: " + e.what());
  } catch (...) {
    answer = InvalidArgument("query " + name + " failed with something that is not a std::exception");
  }
  state_->in_query = false;
  return answer;
}

}  // namespace wfe::sdk
