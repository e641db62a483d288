// WorkflowContext: everything a workflow may do.  Whatever is not reachable from here (clocks, files, sockets, threads,
// random devices) does not belong in workflow code, because its answers would differ when the history is replayed.
#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "engine/base/function.h"
#include "engine/base/parse_json.h"
#include "engine/base/time.h"
#include "workers/sdk/activity.h"
#include "workers/sdk/activity_options.h"
#include "workers/sdk/cancellation.h"
#include "workers/sdk/child_options.h"
#include "workers/sdk/child_workflow.h"
#include "workers/sdk/failure.h"
#include "workers/sdk/future.h"
#include "workers/sdk/signal_channel.h"
#include "workers/sdk/task.h"
#include "workers/sdk/workflow_info.h"
#include "workers/sdk/workflow_type.h"

namespace wfe::sdk {

/// Empty fields: as this run has them.
struct ContinueAsNewOptions {
  std::string_view workflow_type{};
  std::string_view task_queue{};
  Duration run_timeout{};
  Duration task_timeout{};
};

/// One per run; outlives all coroutines of the run.  Not thread-safe, and there is no need: a run is one thread.
class WorkflowContext {
 public:
  explicit WorkflowContext(detail::WorkflowState& state) : state_(state) {}
  WorkflowContext(const WorkflowContext&) = delete;
  WorkflowContext& operator=(const WorkflowContext&) = delete;

  // ---- Activities -------------------------------------------------------------------------------------------------

  /// Schedules an activity.  Awaiting gives its output, or throws ActivityFailure (for good, after its retries) or
  /// CancelledFailure (its scope was cancelled).  The input is a named object: GCC 12 destroys temporaries twice when
  /// they share a statement with co_await.
  template <class Input, class Output>
  Future<Output> Activity(ActivityType<Input, Output> type, const std::type_identity_t<Input>& input,
                          ActivityOptions options) {
    auto state = std::make_shared<detail::JsonFutureState<Output>>(scheduler(), "activity " + std::string(type.name));
    ScheduleActivity(type.name, nlohmann::json(input), options, state);
    return Future<Output>(state);
  }
  template <class Input, class Output>
  Future<Output> Activity(ActivityType<Input, Output> type, std::type_identity_t<Input>&& input,
                          ActivityOptions options) = delete;  // name the input first
  template <class Input, class Output>
  Future<Output> Activity(ActivityType<Input, Output> type, const std::type_identity_t<Input>&& input,
                          ActivityOptions options) = delete;  // name the input first
  /// For activities without input.
  template <class Output>
  Future<Output> Activity(ActivityType<Nothing, Output> type, ActivityOptions options) {
    const Nothing nothing;
    return Activity(type, nothing, options);
  }
  /// The same under the name that reads well when the Future is kept: it is started now, and awaited later.
  template <class Input, class Output>
  Future<Output> StartActivity(ActivityType<Input, Output> type, const std::type_identity_t<Input>& input,
                               ActivityOptions options) {
    return Activity(type, input, options);
  }

  // ---- Other workflows --------------------------------------------------------------------------------------------

  /// Starts a child workflow.  Its handle is awaited for its start (Started) and its end (Result); it can be signalled
  /// and cancelled.  The input is a named object, as an activity's.
  template <class Input, class Output>
  ChildHandle<Output> StartChild(WorkflowType<Input, Output> type, const std::type_identity_t<Input>& input,
                                 const ChildOptions& options = {}) {
    return MakeChild<Output>(type.name, nlohmann::json(input), options);
  }
  template <class Input, class Output>
  ChildHandle<Output> StartChild(WorkflowType<Input, Output> type, std::type_identity_t<Input>&& input,
                                 const ChildOptions& options = {}) = delete;  // name the input first
  template <class Input, class Output>
  ChildHandle<Output> StartChild(WorkflowType<Input, Output> type, const std::type_identity_t<Input>&& input,
                                 const ChildOptions& options = {}) = delete;  // name the input first
  /// For workflows without input.
  template <class Output>
  ChildHandle<Output> StartChild(WorkflowType<Nothing, Output> type, const ChildOptions& options = {}) {
    return MakeChild<Output>(type.name, nullptr, options);
  }
  /// By its name, with JSON: for workflows of another program or language.
  ChildHandle<nlohmann::json> StartChild(std::string_view type, const nlohmann::json& input,
                                         const ChildOptions& options = {}) {
    return MakeChild<nlohmann::json>(type, input, options);
  }
  ChildHandle<nlohmann::json> StartChild(std::string_view type, nlohmann::json&& input,
                                         const ChildOptions& options = {}) = delete;  // name the input first
  /// Starts a child and gives what it ends with, as Activity does.
  template <class Input, class Output>
  Future<Output> Child(WorkflowType<Input, Output> type, const std::type_identity_t<Input>& input,
                       const ChildOptions& options = {}) {
    return StartChild(type, input, options).Result();
  }
  template <class Input, class Output>
  Future<Output> Child(WorkflowType<Input, Output> type, std::type_identity_t<Input>&& input,
                       const ChildOptions& options = {}) = delete;  // name the input first

  /// A workflow of this namespace that somebody else started.  An empty id is a std::invalid_argument; without a run id
  /// it is whichever run is open when a request comes.
  ExternalWorkflow External(std::string_view workflow_id, std::string_view run_id = {});

  // ---- Time -------------------------------------------------------------------------------------------------------

  /// A durable timer.  Zero or less is over at once and leaves no trace.
  Future<void> Sleep(Duration duration) { return StartTimer(duration); }
  /// The same, for `timer.Cancel()` and for Any().
  Future<void> StartTimer(Duration duration);
  /// The time at which the current workflow task started; it stands still while the code runs.
  Instant Now() const;

  // ---- Waiting for state ------------------------------------------------------------------------------------------

  /// Until `predicate` holds.  It is asked after every change, must have no effects, and is not kept as a temporary
  /// that owns memory: capture by reference, or name the lambda and std::move nothing.
  template <std::predicate F>
  Future<void> WaitCondition(F&& predicate) {
    static_assert(std::is_lvalue_reference_v<F> || std::is_trivially_destructible_v<std::decay_t<F>>,
                  "name this predicate before the await: it owns memory, and GCC 12 would destroy it twice");
    return WaitUntil(Function<bool()>(std::forward<F>(predicate)));
  }
  /// As above, for at most `timeout`; false: it ran out first.
  template <std::predicate F>
  Future<bool> WaitCondition(F&& predicate, Duration timeout) {
    static_assert(std::is_lvalue_reference_v<F> || std::is_trivially_destructible_v<std::decay_t<F>>,
                  "name this predicate before the await: it owns memory, and GCC 12 would destroy it twice");
    return WaitUntil(Function<bool()>(std::forward<F>(predicate)), timeout);
  }

  // ---- Concurrency ------------------------------------------------------------------------------------------------

  /// Runs a coroutine beside this one, in the current cancellation scope.  What it throws is thrown by awaiting the
  /// Future.  It ends with the run: a finished workflow function waits for nobody.
  template <class T>
  Future<T> Spawn(Task<T> task) {
    auto state = std::make_shared<detail::FutureState<T>>(scheduler());
    auto owner = std::make_shared<Task<T>>(std::move(task));
    detail::Promise<T>* promise = &owner->promise();
    promise->set_on_done([state, promise] {
      if (promise->error()) {
        state->Fail(promise->error());
      } else if constexpr (std::is_void_v<T>) {
        state->Resolve({});
      } else {
        state->Resolve(promise->TakeResult());
      }
    });
    Adopt(*promise, std::move(owner));
    return Future<T>(state);
  }

  // ---- Signals and queries ----------------------------------------------------------------------------------------

  /// Calls `handler(T)` for every signal of that name, those that came before included, before the workflow's own code
  /// goes on (S63).  A handler may also be a coroutine: `Task<void> (*)(WorkflowContext&, T)`; each then runs beside.
  /// A signal that is no T is ignored with a warning in the log: its sender is long gone, and the run must go on.
  template <class T, std::invocable<T> F>
  void OnSignal(std::string_view name, F handler) {
    static_assert(std::is_void_v<std::invoke_result_t<F&, T>>,
                  "a signal handler is a plain function, or a coroutine Task<void> (*)(WorkflowContext&, T)");
    SetSignalHandler(name, [this, name = std::string(name),
                            handler = std::move(handler)](const nlohmann::json& json) mutable {
      if (std::optional<T> signal = ReadSignal<T>(name, json)) handler(*std::move(signal));
    });
  }
  template <class T>
  void OnSignal(std::string_view name, Task<void> (*handler)(WorkflowContext&, T)) {
    SetSignalHandler(name, [this, name = std::string(name), handler](const nlohmann::json& json) {
      if (std::optional<T> signal = ReadSignal<T>(name, json)) SpawnHandler(handler(*this, *std::move(signal)));
    });
  }
  /// The signals of that name as a queue.  A name has a handler or a channel, not both.
  template <class T>
  SignalChannel<T> Signals(std::string_view name) {
    return SignalChannel<T>(*this, FindChannel(name, [this, name = std::string(name)](const nlohmann::json& json) {
                              return ReadSignal<T>(name, json).has_value();
                            }));
  }

  /// Answers queries by `handler(const Input&) -> Output` while the workflow function runs; afterwards what it refers
  /// to may be gone, so it is not called any more.  Handlers only look: a command from one fails the query.
  template <class Input, class Output, std::invocable<const Input&> F>
  void OnQuery(std::string_view name, F handler) {
    SetQueryHandler(name, /*outlives_main=*/false, [handler = std::move(handler)](const nlohmann::json& json) mutable {
      const Input input = json.get<Input>();
      return nlohmann::json(Output(handler(input)));
    });
  }
  /// The same over state that both share, so that closed runs answer too (S68):
  ///   auto progress = std::make_shared<Progress>();
  ///   ctx.OnQuery<Nothing, Progress>("progress", progress, [](const Progress& p, const Nothing&) { return p; });
  template <class Input, class Output, class State>
  void OnQuery(std::string_view name, std::shared_ptr<State> state,
               std::type_identity_t<Output (*)(const State&, const Input&)> handler) {
    SetQueryHandler(name, /*outlives_main=*/true, [state = std::move(state), handler](const nlohmann::json& json) {
      const Input input = json.get<Input>();
      return nlohmann::json(handler(*state, input));
    });
  }

  // ---- Determinism ------------------------------------------------------------------------------------------------

  /// 64 random bits, the same in every replay of this run.
  uint64_t Random();
  /// A version 4 UUID, the same in every replay of this run.
  std::string NewUuid();
  /// Calls `function` once in the life of the run and records what it returns; replays return the record.
  /// For cheap, local things (reading an environment variable); anything that can fail belongs in an activity.
  template <std::invocable F>
  auto SideEffect(F&& function) -> std::decay_t<std::invoke_result_t<F>> {
    using T = std::decay_t<std::invoke_result_t<F>>;
    std::optional<nlohmann::json> recorded = NextSideEffect();
    if (!recorded.has_value()) {
      recorded = nlohmann::json(std::forward<F>(function)());
      RecordSideEffect(*recorded);
    }
    return recorded->get<T>();
  }
  /// True: take the new path.  False: this run took the old one before `id` existed, and must go on doing so.
  /// The first answer stands for the whole run.
  bool Patched(std::string_view id);
  /// Once no open run is older than the patch: replaces Patched(), and the old path goes.
  void DeprecatePatch(std::string_view id);

  // ---- The run itself ---------------------------------------------------------------------------------------------

  const WorkflowInfo& info() const;
  /// True while known history is re-run.  For logging; a workflow that decides on it does not replay.
  bool IsReplaying() const;
  /// A request to cancel the workflow has arrived.
  bool IsCancelRequested() const;
  /// Sets memo fields (a JSON object); a null value removes a field.
  void UpsertMemo(const nlohmann::json& fields);
  /// To the worker's log, silent during replay.
  void Log(LogLevel level, std::string_view text);
  /// Ends this run and starts the next with the same workflow id and a fresh history (S84).  Throws something that is
  /// not a std::exception; let it pass.
  template <class Input>
  [[noreturn]] void ContinueAsNew(const Input& input, ContinueAsNewOptions options = {}) {
    ThrowContinueAsNew(nlohmann::json(input), options);
  }

  // ---- For the SDK's own parts ------------------------------------------------------------------------------------

  detail::Scheduler& scheduler() const;
  detail::WorkflowState& state() const { return state_; }
  std::shared_ptr<detail::ScopeState> CurrentScope() const;
  /// Puts an operation under the current scope: it can be cancelled.  False: the scope is cancelled, and so it is now.
  bool JoinCurrentScope(const std::shared_ptr<detail::FutureStateBase>& future,
                        Function<void(const std::string&)> on_cancel);

 private:
  using SignalHandler = std::function<void(const nlohmann::json&)>;
  using QueryHandler = std::function<nlohmann::json(const nlohmann::json&)>;

  template <class T>
  std::optional<T> ReadSignal(const std::string& name, const nlohmann::json& json) {
    try {
      return json.get<T>();
    } catch (const nlohmann::json::exception& e) {
      Log(LogLevel::kWarning, "signal " + name + " is ignored: " + JsonErrorText(e));
      return std::nullopt;
    }
  }

  void ScheduleActivity(std::string_view type, nlohmann::json input, const ActivityOptions& options,
                        std::shared_ptr<detail::FutureStateBase> future);
  template <class Output>
  ChildHandle<Output> MakeChild(std::string_view type, nlohmann::json input, const ChildOptions& options) {
    std::string id = ChildId(type, options);
    auto started = std::make_shared<detail::FutureState<std::string>>(scheduler());
    auto result = std::make_shared<detail::JsonFutureState<Output>>(
        scheduler(), "child workflow " + std::string(type) + " (id " + id + ")");
    ScheduleChild(type, id, std::move(input), options, started, result);
    return ChildHandle<Output>(*this, std::move(id), std::move(started), std::move(result));
  }
  std::string ChildId(std::string_view type, const ChildOptions& options);
  void ScheduleChild(std::string_view type, const std::string& id, nlohmann::json input, const ChildOptions& options,
                     const std::shared_ptr<detail::FutureState<std::string>>& started,
                     const std::shared_ptr<detail::FutureStateBase>& result);
  Future<void> WaitUntil(Function<bool()> predicate);
  Future<bool> WaitUntil(Function<bool()> predicate, Duration timeout);
  void Adopt(detail::PromiseBase& promise, std::shared_ptr<void> owner);
  void SpawnHandler(Task<void> task);
  void SetSignalHandler(std::string_view name, SignalHandler handler);
  detail::SignalQueue& FindChannel(std::string_view name, std::function<bool(const nlohmann::json&)> accepts);
  void SetQueryHandler(std::string_view name, bool outlives_main, QueryHandler handler);
  std::optional<nlohmann::json> NextSideEffect();
  void RecordSideEffect(const nlohmann::json& value);
  [[noreturn]] void ThrowContinueAsNew(nlohmann::json input, const ContinueAsNewOptions& options);

  detail::WorkflowState& state_;
};

template <class T>
Future<T> SignalChannel<T>::Receive() {
  auto state = std::make_shared<detail::JsonFutureState<T>>(ctx_.scheduler(), "a signal");
  const bool open = ctx_.JoinCurrentScope(state, [raw = state.get()](const std::string& reason) {
    raw->Fail(std::make_exception_ptr(CancelledFailure(reason)));
  });
  if (open) queue_.Take(state);
  return Future<T>(state);
}

}  // namespace wfe::sdk
