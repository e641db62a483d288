// Handles on other workflows: children of this one, and those that somebody else started.
//
//   ChildHandle<Package> child = ctx.StartChild(kPackage, input, {.parent_close = ParentClosePolicy::kAbandon});
//   std::string run_id = co_await child.Started();   // it is in the engine's hands now
//   Package package = co_await child.Result();
//
//   ExternalWorkflow other = ctx.External("release-7");
//   co_await other.Signal("package_ready", package);
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "workers/sdk/child_options.h"
#include "workers/sdk/future.h"
#include "workers/sdk/fwd.h"

namespace wfe::sdk {

namespace detail {

/// The part of a child's handle that does not depend on its result.
class ChildReference {
 public:
  const std::string& workflow_id() const { return workflow_id_; }
  /// The run id of its first run.  Throws ChildStartFailure when there is no such child, and CancelledFailure when its
  /// scope was cancelled before it had started.
  Future<std::string> Started() const { return Future<std::string>(started_); }

  /// Sends it a signal, to whichever run of it is open.  Before it has started the signal waits for that.  Throws
  /// ExternalWorkflowFailure when the child has closed meanwhile, and what Started() throws.
  template <class Input>
  Future<void> Signal(std::string_view name, const Input& input) const {
    return Send(name, nlohmann::json(input));
  }
  template <class Input>
    requires(!std::is_lvalue_reference_v<Input>)
  Future<void> Signal(std::string_view name, Input&& input) const = delete;  // name the input first
  Future<void> Signal(std::string_view name) const;

 protected:
  ChildReference(WorkflowContext& ctx, std::string workflow_id, std::shared_ptr<FutureState<std::string>> started)
      : ctx_(&ctx), workflow_id_(std::move(workflow_id)), started_(std::move(started)) {}

 private:
  Future<void> Send(std::string_view name, nlohmann::json input) const;

  WorkflowContext* ctx_;
  std::string workflow_id_;
  std::shared_ptr<FutureState<std::string>> started_;
};

}  // namespace detail

/// Copies are the same child; dropping all of them neither cancels nor abandons it.  Lives in its parent's coroutines.
template <class Output>
class ChildHandle : public detail::ChildReference {
 public:
  ChildHandle(WorkflowContext& ctx, std::string workflow_id, std::shared_ptr<detail::FutureState<std::string>> started,
              std::shared_ptr<detail::FutureState<Output>> result)
      : ChildReference(ctx, std::move(workflow_id), std::move(started)), result_(std::move(result)) {}

  /// What it ends with.  Throws ChildWorkflowFailure when it ended otherwise (ChildStartFailure: it never began), and
  /// CancelledFailure when its scope was cancelled, as its cancellation type says.
  Future<Output> Result() const { return Future<Output>(result_); }
  /// As if its scope were cancelled: its cancellation type says what follows.  Nothing happens when it has ended.
  void Cancel(const std::string& reason = "cancelled by the workflow") { result_->Cancel(reason); }

 private:
  std::shared_ptr<detail::FutureState<Output>> result_;
};

/// A workflow of the same namespace, by its id.  Nothing is known of it: requests are answered when they have reached
/// it, or when there is nobody to reach (ExternalWorkflowFailure).  A request whose command has not left is withdrawn
/// with its scope (CancelledFailure); one that has left goes on.
class ExternalWorkflow {
 public:
  /// From WorkflowContext::External.
  ExternalWorkflow(WorkflowContext& ctx, std::string workflow_id, std::string run_id)
      : ctx_(&ctx), workflow_id_(std::move(workflow_id)), run_id_(std::move(run_id)) {}

  const std::string& workflow_id() const { return workflow_id_; }
  const std::string& run_id() const { return run_id_; }  ///< Empty: whichever run is open.

  template <class Input>
  Future<void> Signal(std::string_view name, const Input& input) const {
    return Send(name, nlohmann::json(input));
  }
  template <class Input>
    requires(!std::is_lvalue_reference_v<Input>)
  Future<void> Signal(std::string_view name, Input&& input) const = delete;  // name the input first
  Future<void> Signal(std::string_view name) const;
  /// Asks it to cancel; ready when the request has reached it, not when it has ended.
  Future<void> Cancel(std::string_view reason = {}) const;

 private:
  Future<void> Send(std::string_view name, nlohmann::json input) const;

  WorkflowContext* ctx_;
  std::string workflow_id_;
  std::string run_id_;
};

}  // namespace wfe::sdk
