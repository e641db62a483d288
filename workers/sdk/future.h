// Future<T>: an operation that has been started, and its outcome.  Await it now, later, from several places, or in
// company:
//
//   Future<Report> lint = ctx.StartActivity(kLint, request, {.start_to_close = 2min});
//   Future<Report> test = ctx.StartActivity(kTest, request, {.start_to_close = 9min});
//   auto [l, t] = co_await All(lint, test);
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/base/function.h"
#include "engine/base/parse_json.h"
#include "workers/sdk/fwd.h"
#include "workers/sdk/scheduler.h"

namespace wfe::sdk {

namespace detail {

struct Unit {};
template <class T>
using Stored = std::conditional_t<std::is_void_v<T>, Unit, T>;

/// The part of an operation's state that does not depend on its type.
class FutureStateBase {
 public:
  explicit FutureStateBase(Scheduler& scheduler) : scheduler_(&scheduler) {}
  /// nullptr only for what is ready before anybody can wait for it.
  explicit FutureStateBase(Scheduler* scheduler) : scheduler_(scheduler) {}
  virtual ~FutureStateBase() = default;
  FutureStateBase(const FutureStateBase&) = delete;
  FutureStateBase& operator=(const FutureStateBase&) = delete;

  bool ready() const { return ready_; }
  const std::exception_ptr& error() const { return error_; }
  bool from_cache() const { return from_cache_; }
  void set_from_cache() { from_cache_ = true; }
  Scheduler* scheduler() const { return scheduler_; }

  /// The outcome, from what the history says.  Only for operations with a JSON result.
  virtual void ResolveJson(const nlohmann::json& value);
  void Fail(std::exception_ptr error);
  /// Asks the operation to end, each operation in its own way.
  void Cancel(const std::string& reason);

  void AddWaiter(PromiseBase& waiter) { waiters_.push_back(&waiter); }
  /// Runs at once when ready; never runs workflow code.
  void OnReady(Function<void()> callback);
  void set_cancel(Function<void(const std::string&)> cancel) { cancel_ = std::move(cancel); }
  void JoinScope(std::shared_ptr<ScopeState> scope, uint64_t operation);

 protected:
  void Finish();

 private:
  Scheduler* scheduler_;
  bool ready_ = false;
  bool from_cache_ = false;
  std::exception_ptr error_;
  std::vector<PromiseBase*> waiters_;
  std::vector<Function<void()>> callbacks_;
  Function<void(const std::string&)> cancel_;
  std::shared_ptr<ScopeState> scope_;
  uint64_t operation_ = 0;
};

template <class T>
class FutureState : public FutureStateBase {
 public:
  using FutureStateBase::FutureStateBase;
  void Resolve(Stored<T> value) {
    if (ready()) return;
    value_ = std::move(value);
    Finish();
  }
  const Stored<T>& value() const { return *value_; }
  Stored<T> TakeValue() { return std::move(*value_); }

 private:
  std::optional<Stored<T>> value_;
};

/// An operation whose result the history holds as JSON.  One that is no T makes the await throw a std::runtime_error,
/// which does not end the run: it waits for code that takes the result.
template <class T>
class JsonFutureState final : public FutureState<T> {
 public:
  /// `what` gives the result, for the sentence: "activity build", "child workflow Package (id 7)".
  JsonFutureState(Scheduler& scheduler, std::string what) : FutureState<T>(scheduler), what_(std::move(what)) {}
  void ResolveJson(const nlohmann::json& value) override {
    if constexpr (std::is_void_v<T>) {
      this->Resolve(Unit{});
    } else {
      try {
        this->Resolve(value.get<T>());
      } catch (const nlohmann::json::exception& e) {
        this->Fail(std::make_exception_ptr(
            std::runtime_error("what " + what_ + " gave is not what its caller takes: " + JsonErrorText(e))));
      } catch (...) {
        this->Fail(std::current_exception());
      }
    }
  }

 private:
  std::string what_;
};

/// Trivially destructible: it only points at the Future, which outlives the await.
template <class T>
class FutureAwaiter {
 public:
  explicit FutureAwaiter(FutureState<T>* state) : state_(state) {}
  bool await_ready() const { return state_->ready(); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiter) {
    state_->AddWaiter(awaiter.promise());
  }
  T await_resume() {
    if (state_->error()) std::rethrow_exception(state_->error());
    if constexpr (!std::is_void_v<T>) return state_->value();
  }

 private:
  FutureState<T>* state_;
};

}  // namespace detail

/// A handle on a started operation.  Copies share it; dropping all of them does not cancel it.  Lives in one run's
/// coroutines only.
template <class T>
class [[nodiscard]] Future {
 public:
  explicit Future(std::shared_ptr<detail::FutureState<T>> state) : state_(std::move(state)) {}

  /// Whether awaiting would return or throw at once.
  bool ready() const { return state_->ready(); }
  /// Ready, and awaiting would throw.
  bool failed() const { return state_->ready() && state_->error() != nullptr; }
  /// An activity's result that a worker had kept (ResultCaching): nothing was done for it.
  bool from_cache() const { return state_->from_cache(); }
  /// Cancels a timer; cancels an activity by its cancellation type; ends a wait.  Nothing happens when it is ready.
  void Cancel(const std::string& reason = "cancelled by the workflow") { state_->Cancel(reason); }

  detail::FutureState<T>& state() const { return *state_; }

 private:
  std::shared_ptr<detail::FutureState<T>> state_;
};

namespace detail {

/// Collects the values of All; holds none of its inputs, so nothing owns itself.
template <class... Ts>
struct TupleGather {
  std::tuple<std::optional<Stored<Ts>>...> values;
  size_t missing = sizeof...(Ts);
  std::shared_ptr<FutureState<std::tuple<Stored<Ts>...>>> result;
};

/// The scheduler of any of them; nullptr when all are ready and were never anything else.
template <class T>
Scheduler* SchedulerOf(const std::vector<Future<T>>& futures) {
  for (const Future<T>& future : futures) {
    if (future.state().scheduler() != nullptr) return future.state().scheduler();
  }
  return nullptr;
}
template <class... Ts>
Scheduler* SchedulerOf(const Future<Ts>&... futures) {
  Scheduler* scheduler = nullptr;
  ((scheduler = scheduler == nullptr ? futures.state().scheduler() : scheduler), ...);
  return scheduler;
}

template <class T, class OnValue>
void Forward(const Future<T>& input, std::shared_ptr<FutureStateBase> result, OnValue on_value) {
  FutureState<T>* state = &input.state();
  state->OnReady([state, result = std::move(result), on_value = std::move(on_value)]() mutable {
    if (state->error()) {
      result->Fail(state->error());
    } else {
      on_value(state->value());
    }
  });
}

}  // namespace detail

/// All values, in the order of the arguments (a void one gives an empty struct); the first failure, as soon as there is
/// one.  The other operations go on.
template <class T, class... Ts>
Future<std::tuple<detail::Stored<T>, detail::Stored<Ts>...>> All(const Future<T>& first, const Future<Ts>&... rest) {
  using State = detail::FutureState<std::tuple<detail::Stored<T>, detail::Stored<Ts>...>>;
  auto gather = std::make_shared<detail::TupleGather<T, Ts...>>();
  gather->result = std::make_shared<State>(detail::SchedulerOf(first, rest...));
  auto result = gather->result;
  auto finish = [](detail::TupleGather<T, Ts...>& g) {
    if (--g.missing > 0) return;
    std::apply([&g](auto&... values) { g.result->Resolve({std::move(*values)...}); }, g.values);
  };
  auto join = [&]<size_t... I>(std::index_sequence<I...>, const auto&... inputs) {
    (detail::Forward(inputs, result,
                     [gather, finish](const auto& value) {
                       std::get<I>(gather->values) = value;
                       finish(*gather);
                     }),
     ...);
  };
  join(std::index_sequence_for<T, Ts...>{}, first, rest...);
  return Future(result);
}

/// As above for any number of equal operations, also none.
template <class T>
  requires(!std::is_void_v<T>)
Future<std::vector<T>> All(const std::vector<Future<T>>& futures) {
  struct Gather {
    std::vector<std::optional<T>> values;
    size_t missing;
  };
  auto gather = std::make_shared<Gather>(Gather{std::vector<std::optional<T>>(futures.size()), futures.size()});
  auto result = std::make_shared<detail::FutureState<std::vector<T>>>(detail::SchedulerOf(futures));
  if (futures.empty()) result->Resolve({});
  for (size_t i = 0; i < futures.size(); ++i) {
    detail::Forward(futures[i], result, [gather, i, weak = std::weak_ptr(result)](const T& value) {
      gather->values[i] = value;
      if (--gather->missing > 0) return;
      std::vector<T> values;
      values.reserve(gather->values.size());
      for (auto& each : gather->values) values.push_back(std::move(*each));
      if (auto target = weak.lock()) target->Resolve(std::move(values));
    });
  }
  return Future(result);
}

Future<void> All(const std::vector<Future<void>>& futures);

/// The index of the one that is ready first, with a value or a failure; await it to learn which.  Of none there is no
/// first: std::invalid_argument.
template <class T>
Future<size_t> Any(const std::vector<Future<T>>& futures) {
  if (futures.empty()) throw std::invalid_argument("Any() of no futures would wait for ever");
  auto result = std::make_shared<detail::FutureState<size_t>>(detail::SchedulerOf(futures));
  for (size_t i = 0; i < futures.size(); ++i) {
    futures[i].state().OnReady([result, i] { result->Resolve(i); });
  }
  return Future(result);
}

template <class T, class... Ts>
Future<size_t> Any(const Future<T>& first, const Future<Ts>&... rest) {
  auto result = std::make_shared<detail::FutureState<size_t>>(detail::SchedulerOf(first, rest...));
  size_t next = 0;
  auto watch = [&](const auto& future) {
    future.state().OnReady([result, i = next] { result->Resolve(i); });
    ++next;
  };
  watch(first);
  (watch(rest), ...);
  return Future(result);
}

}  // namespace wfe::sdk
