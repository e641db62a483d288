// Which coroutine of a run goes next.  Internal to the SDK; workflow authors include workflow.h.
//
// Coroutines are resumed from one loop and never from each other, so the stack does not grow with the depth or the
// number of awaits, in any build mode.  A call (`co_await Sub(...)`) and its return go to the front of the queue and
// behave like a function call; everything else is first come, first served.  Hence the order is a function of the
// history.
#pragma once

#include <coroutine>
#include <deque>
#include <exception>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/base/function.h"
#include "workers/sdk/fwd.h"

namespace wfe::sdk::detail {

class Scheduler;

/// What all coroutines of a run share.
class PromiseBase {
 public:
  std::suspend_always initial_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { error_ = std::current_exception(); }

  PromiseBase() = default;
  PromiseBase(const PromiseBase&) = delete;
  PromiseBase& operator=(const PromiseBase&) = delete;

  /// Makes this coroutine part of a run: it inherits the cancellation scope of whoever starts it.
  void Attach(Scheduler& scheduler, std::shared_ptr<ScopeState> scope) {
    if (scheduler_ != nullptr) throw std::logic_error("a Task is awaited or spawned once");
    scheduler_ = &scheduler;
    scope_ = std::move(scope);
  }
  void set_continuation(PromiseBase& awaiter) { continuation_ = &awaiter; }
  void set_on_done(Function<void()> on_done) { on_done_ = std::move(on_done); }
  /// When the body has ended, `number` is added to `ended`: its owner may destroy it once nothing runs.
  void set_reaper(std::vector<uint64_t>& ended, uint64_t number) {
    ended_ = &ended;
    number_ = number;
  }

  /// Where it waits: the line of the await in its code, and the coroutine it called there (nullptr: it waits for an
  /// operation, or has not begun).
  void set_awaits(std::source_location line) { awaits_ = line; }
  void set_callee(const PromiseBase* callee) { callee_ = callee; }
  const std::source_location& awaits() const { return awaits_; }
  const PromiseBase* callee() const { return callee_; }

  Scheduler& scheduler() const { return *scheduler_; }
  const std::shared_ptr<ScopeState>& scope() const { return scope_; }
  void set_scope(std::shared_ptr<ScopeState> scope) { scope_ = std::move(scope); }
  const std::exception_ptr& error() const { return error_; }
  std::coroutine_handle<> handle() const { return handle_; }

 protected:
  void set_handle(std::coroutine_handle<> handle) { handle_ = handle; }
  /// The body has ended: its awaiter goes on, or its owner is told.
  inline void Done() noexcept;

 private:
  std::coroutine_handle<> handle_;
  Scheduler* scheduler_ = nullptr;
  std::shared_ptr<ScopeState> scope_;
  PromiseBase* continuation_ = nullptr;
  std::source_location awaits_;
  const PromiseBase* callee_ = nullptr;
  std::vector<uint64_t>* ended_ = nullptr;
  uint64_t number_ = 0;
  Function<void()> on_done_;
  std::exception_ptr error_;
};

class Scheduler {
 public:
  void PushBack(PromiseBase& promise) { ready_.push_back(&promise); }
  void PushFront(PromiseBase& promise) { ready_.push_front(&promise); }
  bool empty() const { return ready_.empty(); }
  void Clear() { ready_.clear(); }

  /// Resumes the next coroutine until it suspends or ends.
  void RunOne() {
    PromiseBase* promise = ready_.front();
    ready_.pop_front();
    current_ = promise;
    promise->handle().resume();
    current_ = nullptr;
  }
  /// The coroutine that is running; nullptr between them, and in signal and query handlers.
  PromiseBase* current() const { return current_; }

 private:
  std::deque<PromiseBase*> ready_;
  PromiseBase* current_ = nullptr;
};

inline void PromiseBase::Done() noexcept {
  if (continuation_ != nullptr) {
    continuation_->set_callee(nullptr);
    scheduler_->PushFront(*continuation_);
  }
  if (on_done_) on_done_();
  if (ended_ != nullptr) ended_->push_back(number_);
}

}  // namespace wfe::sdk::detail
