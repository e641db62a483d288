// Cancellation scopes: which awaits of a workflow end when something is cancelled.
//
//   CancellationScope attempt(ctx);            // until the end of the block, operations belong to `attempt`
//   Future<Report> report = ctx.StartActivity(kBuild, request, {.start_to_close = 10min});
//   Future<void> limit = ctx.StartTimer(5min);
//   if (co_await Any(report, limit) == 1) attempt.Cancel();
//
// A workflow's cancel request cancels its root scope and everything below, except what is shielded:
//
//   catch (const CancelledFailure&) { cancelled = true; }
//   if (cancelled) {
//     ShieldScope shield(ctx);
//     co_await ctx.Activity(kCleanUp, request, {.start_to_close = 1min});
//     throw CancelledFailure();
//   }
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "workers/sdk/fwd.h"

namespace wfe::sdk {

namespace detail {

/// One node of a run's tree of scopes.
class ScopeState {
 public:
  static std::shared_ptr<ScopeState> Root();
  /// A child starts cancelled when its parent is, unless it is shielded.
  static std::shared_ptr<ScopeState> Child(const std::shared_ptr<ScopeState>& parent, bool shielded);

  void Cancel(const std::string& reason);
  bool cancelled() const { return cancelled_; }
  const std::string& reason() const { return reason_; }

  void Add(uint64_t operation, std::weak_ptr<FutureStateBase> future);
  void Remove(uint64_t operation) { operations_.erase(operation); }

 private:
  bool cancelled_ = false;
  bool shielded_ = false;
  std::string reason_;
  std::map<uint64_t, std::weak_ptr<FutureStateBase>> operations_;  // in the order in which they were started
  std::vector<std::weak_ptr<ScopeState>> children_;
  std::shared_ptr<ScopeState> parent_;  // keeps the chain alive while an operation of a left scope is open
};

/// Makes `state` the current scope of the running coroutine for as long as it lives.
class ScopeGuard {
 public:
  ScopeGuard(WorkflowContext& ctx, bool shielded);
  ~ScopeGuard();
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

 protected:
  std::shared_ptr<ScopeState> state_;

 private:
  PromiseBase* coroutine_;
  std::shared_ptr<ScopeState> outer_;
};

}  // namespace detail

/// Operations started in this block, and in coroutines awaited or spawned from it, are cancelled by Cancel().
/// A local variable of a workflow coroutine.
class CancellationScope : private detail::ScopeGuard {
 public:
  explicit CancellationScope(WorkflowContext& ctx) : ScopeGuard(ctx, /*shielded=*/false) {}
  /// Open operations end now: their awaits throw CancelledFailure.  So does every operation started here later.
  void Cancel(const std::string& reason = "cancelled by the workflow") { state_->Cancel(reason); }
  bool cancelled() const { return state_->cancelled(); }
};

/// Operations started in this block are not cancelled from outside; for cleaning up.
class ShieldScope : private detail::ScopeGuard {
 public:
  explicit ShieldScope(WorkflowContext& ctx) : ScopeGuard(ctx, /*shielded=*/true) {}
};

}  // namespace wfe::sdk
