// Task<T>: the coroutine type of workflow code.  Lazy: it begins when it is awaited or spawned, once.
#pragma once

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "workers/sdk/future.h"
#include "workers/sdk/scheduler.h"

namespace wfe::sdk {

namespace detail {

template <class T>
class Promise;

template <class T>
class TaskAwaiter {
 public:
  explicit TaskAwaiter(Promise<T>* callee) : callee_(callee) {}
  bool await_ready() const { return false; }
  template <class Caller>
  void await_suspend(std::coroutine_handle<Caller> caller) {
    PromiseBase& promise = caller.promise();
    callee_->Attach(promise.scheduler(), promise.scope());
    callee_->set_continuation(promise);
    promise.set_callee(callee_);
    promise.scheduler().PushFront(*callee_);
  }
  T await_resume() { return callee_->TakeResult(); }

 private:
  Promise<T>* callee_;
};

template <class T>
inline constexpr bool kIsWorkflowAwaitable = false;
template <class T>
inline constexpr bool kIsWorkflowAwaitable<Future<T>> = true;
template <class T>
inline constexpr bool kIsWorkflowAwaitable<Task<T>> = true;

class AwaitingPromise : public PromiseBase {
 public:
  template <class T>
  FutureAwaiter<T> await_transform(const Future<T>& future,
                                   std::source_location line = std::source_location::current()) {
    set_awaits(line);
    return FutureAwaiter<T>(&future.state());
  }
  template <class T>
  TaskAwaiter<T> await_transform(Task<T>& task, std::source_location line = std::source_location::current()) {
    set_awaits(line);
    return TaskAwaiter<T>(&task.promise());
  }
  template <class T>
  TaskAwaiter<T> await_transform(Task<T>&& task, std::source_location line = std::source_location::current()) {
    set_awaits(line);
    return TaskAwaiter<T>(&task.promise());
  }
  template <class Other>
    requires(!kIsWorkflowAwaitable<std::remove_cvref_t<Other>>)
  std::suspend_never await_transform(Other&&) {
    static_assert(kIsWorkflowAwaitable<Other>,
                  "a workflow awaits only what its WorkflowContext gives, and other Tasks: nothing else replays");
    return {};
  }
};

template <class T>
class PromiseResult : public AwaitingPromise {
 public:
  void return_value(T value) { value_ = std::move(value); }
  T TakeResult() {
    if (error()) std::rethrow_exception(error());
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class PromiseResult<void> : public AwaitingPromise {
 public:
  void return_void() {}
  void TakeResult() {
    if (error()) std::rethrow_exception(error());
  }
};

template <class T>
class Promise final : public PromiseResult<T> {
 public:
  Task<T> get_return_object();

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<Promise> ended) const noexcept { ended.promise().Done(); }
    void await_resume() const noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }
};

}  // namespace detail

/// Owns its coroutine: destroying the Task destroys the frame, wherever it is suspended.
/// Parameters are taken by value, or refer to something that outlives the run's coroutines (the WorkflowContext does).
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  promise_type& promise() const { return handle_.promise(); }
  bool done() const { return handle_.done(); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() {
  auto handle = std::coroutine_handle<Promise>::from_promise(*this);
  this->set_handle(handle);
  return Task<T>(handle);
}

}  // namespace wfe::sdk
