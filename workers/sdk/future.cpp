#include "workers/sdk/future.h"

#include "engine/base/check.h"
#include "workers/sdk/cancellation.h"

namespace wfe::sdk {

namespace detail {

void FutureStateBase::ResolveJson(const nlohmann::json&) { WFE_CHECK(false, "this operation has no recorded result"); }

void FutureStateBase::Fail(std::exception_ptr error) {
  if (ready_) return;
  error_ = std::move(error);
  Finish();
}

void FutureStateBase::Cancel(const std::string& reason) {
  if (ready_ || !cancel_) return;
  // The callback may end the operation, which drops the callback: it runs from a local.
  Function<void(const std::string&)> cancel = std::move(cancel_);
  cancel_ = nullptr;
  cancel(reason);
}

void FutureStateBase::OnReady(Function<void()> callback) {
  if (ready_) {
    callback();
  } else {
    callbacks_.push_back(std::move(callback));
  }
}

void FutureStateBase::JoinScope(std::shared_ptr<ScopeState> scope, uint64_t operation) {
  scope_ = std::move(scope);
  operation_ = operation;
}

void FutureStateBase::Finish() {
  ready_ = true;
  cancel_ = nullptr;
  if (scope_ != nullptr) {
    scope_->Remove(operation_);
    scope_.reset();
  }
  for (PromiseBase* waiter : waiters_) scheduler_->PushBack(*waiter);
  waiters_.clear();
  std::vector<Function<void()>> callbacks = std::move(callbacks_);
  callbacks_.clear();
  for (Function<void()>& callback : callbacks) callback();
}

}  // namespace detail

Future<void> All(const std::vector<Future<void>>& futures) {
  auto result = std::make_shared<detail::FutureState<void>>(detail::SchedulerOf(futures));
  if (futures.empty()) result->Resolve({});
  auto missing = std::make_shared<size_t>(futures.size());
  for (const Future<void>& future : futures) {
    detail::Forward(future, result, [result, missing](const detail::Unit&) {
      if (--*missing == 0) result->Resolve({});
    });
  }
  return Future<void>(result);
}

}  // namespace wfe::sdk
