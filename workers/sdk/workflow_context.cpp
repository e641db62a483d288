#include "workers/sdk/workflow_context.h"

#include <stdexcept>

#include "workers/sdk/workflow_state.h"

namespace wfe::sdk {

detail::Scheduler& WorkflowContext::scheduler() const { return state_.scheduler; }

std::shared_ptr<detail::ScopeState> WorkflowContext::CurrentScope() const {
  const detail::PromiseBase* current = state_.scheduler.current();
  return current == nullptr ? state_.root : current->scope();
}

bool WorkflowContext::JoinCurrentScope(const std::shared_ptr<detail::FutureStateBase>& future,
                                       Function<void(const std::string&)> on_cancel) {
  const std::shared_ptr<detail::ScopeState> scope = CurrentScope();
  if (scope->cancelled()) {
    future->Fail(std::make_exception_ptr(CancelledFailure(scope->reason())));
    return false;
  }
  const uint64_t operation = ++state_.operation_count;
  future->set_cancel(std::move(on_cancel));
  future->JoinScope(scope, operation);
  scope->Add(operation, future);
  return true;
}

void WorkflowContext::ScheduleActivity(std::string_view type, nlohmann::json input, const ActivityOptions& options,
                                       std::shared_ptr<detail::FutureStateBase> future) {
  if (!state_.MayCommand()) return;
  if (options.start_to_close <= Duration::zero() && options.schedule_to_close <= Duration::zero()) {
    throw std::invalid_argument("activity " + std::string(type) + " has neither start_to_close nor schedule_to_close");
  }
  const uint64_t seq = ++state_.activity_count;
  const bool open =
      JoinCurrentScope(future, [this, seq, kind = options.cancellation, raw = future.get()](const std::string& reason) {
        if (!state_.MayCommand()) return;
        // Order matters: withdrawing an unsent command resolves the future as cancelled by itself.
        if (kind != ActivityCancellationType::kAbandon) state_.runtime.CancelActivity(seq);
        if (kind != ActivityCancellationType::kWaitCompleted) {
          raw->Fail(std::make_exception_ptr(CancelledFailure(reason)));
        }
      });
  if (!open) return;
  state_.activities.emplace(seq, std::move(future));

  ActivityCommand command;
  command.seq = seq;
  command.activity_id = options.activity_id.empty() ? std::to_string(seq) : std::string(options.activity_id);
  command.activity_type = type;
  command.task_queue = options.task_queue.empty() ? info().task_queue : std::string(options.task_queue);
  command.input = std::move(input);
  command.schedule_to_close = options.schedule_to_close;
  command.schedule_to_start = options.schedule_to_start;
  command.start_to_close = options.start_to_close;
  command.heartbeat = options.heartbeat;
  command.retry_initial_interval = options.retry.initial_interval;
  command.retry_backoff_coefficient = options.retry.backoff_coefficient;
  command.retry_maximum_interval = options.retry.maximum_interval;
  command.retry_maximum_attempts = options.retry.maximum_attempts;
  for (const std::string_view name : options.retry.non_retryable_types) {
    command.retry_non_retryable_types.emplace_back(name);
  }
  command.cache = options.cache;
  command.allow_eager = options.allow_eager;
  state_.runtime.ScheduleActivity(std::move(command));
}

Future<void> WorkflowContext::StartTimer(Duration duration) {
  auto future = std::make_shared<detail::JsonFutureState<void>>(scheduler(), "a timer");
  if (!state_.MayCommand()) return Future<void>(future);
  const uint64_t seq = state_.timer_count + 1;
  const bool open = JoinCurrentScope(future, [this, seq, raw = future.get()](const std::string& reason) {
    if (!state_.MayCommand()) return;
    const auto keep = state_.timers.find(seq);
    if (keep == state_.timers.end()) return;
    const std::shared_ptr<detail::FutureStateBase> alive = keep->second;
    state_.timers.erase(keep);
    state_.runtime.CancelTimer(seq);
    raw->Fail(std::make_exception_ptr(CancelledFailure(reason)));
  });
  if (!open) return Future<void>(future);
  if (duration <= Duration::zero()) {
    future->Resolve({});
    return Future<void>(future);
  }
  state_.timer_count = seq;
  state_.timers.emplace(seq, future);
  state_.runtime.StartTimer(seq, duration);
  return Future<void>(future);
}

Instant WorkflowContext::Now() const { return state_.runtime.Now(); }

Future<void> WorkflowContext::WaitUntil(Function<bool()> predicate) {
  auto future = std::make_shared<detail::FutureState<void>>(scheduler());
  const bool open = JoinCurrentScope(future, [raw = future.get()](const std::string& reason) {
    raw->Fail(std::make_exception_ptr(CancelledFailure(reason)));
  });
  if (!open) return Future<void>(future);
  if (predicate()) {
    future->Resolve({});
  } else {
    state_.conditions.push_back({std::move(predicate), future, [raw = future.get()] { raw->Resolve({}); }});
  }
  return Future<void>(future);
}

Future<bool> WorkflowContext::WaitUntil(Function<bool()> predicate, Duration timeout) {
  auto future = std::make_shared<detail::FutureState<bool>>(scheduler());
  const bool open = JoinCurrentScope(future, [raw = future.get()](const std::string& reason) {
    raw->Fail(std::make_exception_ptr(CancelledFailure(reason)));
  });
  if (!open) return Future<bool>(future);
  if (predicate()) {
    future->Resolve(true);
    return Future<bool>(future);
  }
  Future<void> timer = StartTimer(timeout);
  // The timer's callback must not own the wait: the wait's callback owns the timer.
  timer.state().OnReady([weak = std::weak_ptr(future), &fired = timer.state()] {
    const auto wait = weak.lock();
    if (wait != nullptr && !fired.error()) wait->Resolve(false);
  });
  if (!future->ready()) {
    future->OnReady([timer]() mutable { timer.Cancel(); });
    state_.conditions.push_back({std::move(predicate), future, [raw = future.get()] { raw->Resolve(true); }});
  }
  return Future<bool>(future);
}

void WorkflowContext::Adopt(detail::PromiseBase& promise, std::shared_ptr<void> owner) {
  promise.Attach(state_.scheduler, CurrentScope());
  const uint64_t number = ++state_.spawn_count;
  promise.set_reaper(state_.ended, number);
  state_.spawned.emplace(number, detail::SpawnedTask{std::move(owner), &promise});
  state_.scheduler.PushBack(promise);
}

void WorkflowContext::SpawnHandler(Task<void> task) {
  auto owner = std::make_shared<Task<void>>(std::move(task));
  detail::Promise<void>* promise = &owner->promise();
  promise->set_on_done([this, promise] {
    if (promise->error()) state_.Classify(promise->error());
  });
  Adopt(*promise, std::move(owner));
}

void WorkflowContext::SetSignalHandler(std::string_view name, SignalHandler handler) {
  detail::SignalEntry& entry = state_.signals[std::string(name)];
  if (entry.is_channel) throw std::logic_error("signal " + std::string(name) + " already has a channel");
  entry.handler = std::move(handler);
  while (!entry.queue.empty()) {
    const nlohmann::json signal = entry.queue.Pop();
    entry.handler(signal);
  }
}

detail::SignalQueue& WorkflowContext::FindChannel(std::string_view name,
                                                  std::function<bool(const nlohmann::json&)> accepts) {
  detail::SignalEntry& entry = state_.signals[std::string(name)];
  if (entry.handler) throw std::logic_error("signal " + std::string(name) + " already has a handler");
  entry.is_channel = true;
  if (!entry.accepts) entry.queue.Keep(accepts);  // those that came before
  entry.accepts = std::move(accepts);
  return entry.queue;
}

void WorkflowContext::SetQueryHandler(std::string_view name, bool outlives_main, QueryHandler handler) {
  if (name.starts_with("__")) {
    throw std::invalid_argument("query " + std::string(name) + ": names that begin with __ are the SDK's own");
  }
  state_.queries.insert_or_assign(std::string(name), detail::QueryEntry{outlives_main, std::move(handler)});
}

uint64_t WorkflowContext::Random() {
  if (state_.in_query) throw std::logic_error("a query handler may not draw from the run's random numbers");
  return state_.random.NextRandom();
}

std::string WorkflowContext::NewUuid() {
  if (state_.in_query) throw std::logic_error("a query handler may not draw from the run's random numbers");
  return state_.random.NewUuid();
}

std::optional<nlohmann::json> WorkflowContext::NextSideEffect() {
  if (!state_.MayCommand()) return nlohmann::json(nullptr);
  return state_.runtime.RecordedSideEffect(++state_.side_effect_count);
}

void WorkflowContext::RecordSideEffect(const nlohmann::json& value) {
  if (state_.MayCommand()) state_.runtime.RecordSideEffect(state_.side_effect_count, value);
}

bool WorkflowContext::Patched(std::string_view id) {
  return state_.MayCommand() && state_.runtime.Patched(id, /*deprecated=*/false);
}

void WorkflowContext::DeprecatePatch(std::string_view id) {
  if (state_.MayCommand()) state_.runtime.Patched(id, /*deprecated=*/true);
}

const WorkflowInfo& WorkflowContext::info() const { return state_.runtime.info(); }
bool WorkflowContext::IsReplaying() const { return state_.runtime.IsReplaying(); }
bool WorkflowContext::IsCancelRequested() const { return state_.cancel_requested; }

void WorkflowContext::UpsertMemo(const nlohmann::json& fields) {
  if (!fields.is_object() || fields.empty()) throw std::invalid_argument("UpsertMemo takes a JSON object with fields");
  if (state_.MayCommand()) state_.runtime.UpsertMemo(fields);
}

void WorkflowContext::Log(LogLevel level, std::string_view text) {
  if (!state_.destroying && !IsReplaying()) state_.runtime.Log(level, text);
}

void WorkflowContext::ThrowContinueAsNew(nlohmann::json input, const ContinueAsNewOptions& options) {
  if (state_.in_query) throw std::logic_error("a query handler may not continue the workflow as new");
  throw detail::ContinueAsNewRequest{{.workflow_type = std::string(options.workflow_type),
                                      .task_queue = std::string(options.task_queue),
                                      .input = std::move(input),
                                      .run_timeout = options.run_timeout,
                                      .task_timeout = options.task_timeout}};
}

}  // namespace wfe::sdk
