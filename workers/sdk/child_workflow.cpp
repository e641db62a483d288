#include "workers/sdk/child_workflow.h"

#include <stdexcept>

#include "workers/sdk/workflow_state.h"

namespace wfe::sdk {

namespace {

/// Where a mistake in the options is named.
class OptionCheck {
 public:
  explicit OptionCheck(std::string_view type) : subject_("child workflow " + std::string(type)) {}

  void Require(bool condition, const char* sentence) const {
    if (!condition) throw std::invalid_argument(subject_ + ": " + sentence);
  }
  void NotNegative(Duration duration, const char* name) const {
    if (duration < Duration::zero()) throw std::invalid_argument(subject_ + ": " + name + " is negative");
  }
  template <class Enum>
  void Known(Enum value, Enum last, const char* name) const {
    const int number = static_cast<int>(value);
    if (number >= 0 && number <= static_cast<int>(last)) return;
    throw std::invalid_argument(subject_ + ": " + name + " has no value " + std::to_string(number));
  }
  void Object(const nlohmann::json* json, const char* name) const {
    if (json == nullptr || json->is_object()) return;
    throw std::invalid_argument(subject_ + ": " + name + " is not a JSON object");
  }

 private:
  std::string subject_;
};

void Check(std::string_view type, const ChildOptions& options) {
  const OptionCheck check(type);
  check.Require(!type.empty(), "it has no type");
  check.NotNegative(options.execution_timeout, "execution_timeout");
  check.NotNegative(options.run_timeout, "run_timeout");
  check.NotNegative(options.task_timeout, "task_timeout");
  check.NotNegative(options.retry.initial_interval, "retry.initial_interval");
  check.NotNegative(options.retry.maximum_interval, "retry.maximum_interval");
  check.Require(options.retry.maximum_attempts >= 0, "retry.maximum_attempts is negative");
  check.Require(options.retry.backoff_coefficient == 0 || options.retry.backoff_coefficient >= 1,
                "retry.backoff_coefficient is less than 1");
  check.Require(options.priority.priority_key >= 0, "priority.priority_key is negative");
  check.Require(options.priority.fairness_weight >= 0, "priority.fairness_weight is negative");
  check.Known(options.parent_close, ParentClosePolicy::kRequestCancel, "parent_close");
  check.Known(options.cancellation, ChildCancellationType::kAbandon, "cancellation");
  check.Known(options.id_reuse, WorkflowIdReusePolicy::kRejectDuplicate, "id_reuse");
  check.Object(options.memo, "memo");
  check.Object(options.search_attributes, "search_attributes");
}

ChildCommand CommandOf(std::string_view type, const std::string& id, const ChildOptions& options) {
  ChildCommand command;
  command.workflow_id = id;
  command.workflow_type = type;
  command.task_queue = options.task_queue;
  command.execution_timeout = options.execution_timeout;
  command.run_timeout = options.run_timeout;
  command.task_timeout = options.task_timeout;
  command.retry_initial_interval = options.retry.initial_interval;
  command.retry_backoff_coefficient = options.retry.backoff_coefficient;
  command.retry_maximum_interval = options.retry.maximum_interval;
  command.retry_maximum_attempts = options.retry.maximum_attempts;
  for (const std::string_view name : options.retry.non_retryable_types) {
    command.retry_non_retryable_types.emplace_back(name);
  }
  command.cron_schedule = options.cron_schedule;
  command.parent_close = options.parent_close;
  command.id_reuse = options.id_reuse;
  if (options.memo != nullptr) command.memo = *options.memo;
  if (options.search_attributes != nullptr) command.search_attributes = *options.search_attributes;
  command.priority_key = options.priority.priority_key;
  command.fairness_key = options.priority.fairness_key;
  command.fairness_weight = options.priority.fairness_weight;
  command.static_summary = options.static_summary;
  command.static_details = options.static_details;
  return command;
}

void CancelChild(detail::WorkflowState& state, uint64_t seq, const std::string& reason) {
  const auto found = state.children.find(seq);
  if (found == state.children.end()) return;
  detail::OpenChild& child = found->second;
  const std::shared_ptr<detail::FutureState<std::string>> started = child.started;
  const std::shared_ptr<detail::FutureStateBase> result = child.result;
  bool over = child.cancellation == ChildCancellationType::kTryCancel ||
              child.cancellation == ChildCancellationType::kAbandon;
  if (state.runtime.WithdrawChild(seq)) {
    state.children.erase(found);
    over = true;
  } else if (child.cancellation != ChildCancellationType::kAbandon) {
    child.cancel_asked = true;
    // A request to a child that has not started would find nobody, or somebody else's workflow.
    if (child.has_started) {
      state.runtime.RequestCancelChild(seq, reason);
    } else {
      child.cancel_on_start = reason;
    }
  }
  if (!over) return;
  const auto error = std::make_exception_ptr(CancelledFailure(reason));
  started->Fail(error);
  result->Fail(error);
}

/// A request to another workflow that has been made, and whose command may or may not have been issued.
struct Request {
  std::shared_ptr<detail::FutureState<void>> future;
  std::shared_ptr<uint64_t> seq;  // 0: not issued; shared with the callback, which the future owns
};

/// A request under the current scope; when that is cancelled, so is the request.
Request MakeRequest(WorkflowContext& ctx) {
  const Request request{.future = std::make_shared<detail::FutureState<void>>(ctx.scheduler()),
                        .seq = std::make_shared<uint64_t>(0)};
  detail::WorkflowState* const state = &ctx.state();
  ctx.JoinCurrentScope(request.future,
                       [state, seq = request.seq, raw = request.future.get()](const std::string& reason) {
                         if (!state->MayCommand()) return;
                         if (*seq != 0) {
                           if (!state->runtime.WithdrawExternal(*seq)) return;  // it is on its way, and is answered
                           state->externals.erase(*seq);
                         }
                         raw->Fail(std::make_exception_ptr(CancelledFailure(reason)));
                       });
  return request;
}

template <class Command>
void Issue(detail::WorkflowState& state, const Request& request, Command command,
           void (WorkflowRuntime::*send)(Command)) {
  *request.seq = command.seq = ++state.external_count;
  state.externals.emplace(command.seq, request.future);
  (state.runtime.*send)(std::move(command));
}

/// For destructors of locals of a run that is being given up.
Future<void> NeverReady(WorkflowContext& ctx) {
  return Future<void>(std::make_shared<detail::FutureState<void>>(ctx.scheduler()));
}

void RequireSignalName(std::string_view name, const std::string& workflow_id) {
  if (name.empty()) throw std::invalid_argument("a signal for workflow " + workflow_id + " has no name");
}

}  // namespace

std::string WorkflowContext::ChildId(std::string_view type, const ChildOptions& options) {
  Check(type, options);
  if (!options.workflow_id.empty()) return std::string(options.workflow_id);
  return state_.runtime.ChildIdRoot() + "_" + std::to_string(state_.child_count + 1);
}

void WorkflowContext::ScheduleChild(std::string_view type, const std::string& id, nlohmann::json input,
                                    const ChildOptions& options,
                                    const std::shared_ptr<detail::FutureState<std::string>>& started,
                                    const std::shared_ptr<detail::FutureStateBase>& result) {
  if (!state_.MayCommand()) return;
  const uint64_t seq = ++state_.child_count;
  const bool open = JoinCurrentScope(result, [this, seq](const std::string& reason) {
    if (state_.MayCommand()) CancelChild(state_, seq, reason);
  });
  if (!open) {
    started->Fail(result->error());
    return;
  }
  started->set_cancel([weak = std::weak_ptr(result)](const std::string& reason) {
    if (const auto end = weak.lock()) end->Cancel(reason);
  });
  state_.children.emplace(seq, detail::OpenChild{.started = started,
                                                 .result = result,
                                                 .cancellation = options.cancellation,
                                                 .has_started = false,
                                                 .cancel_asked = false,
                                                 .cancel_on_start = std::nullopt});
  ChildCommand command = CommandOf(type, id, options);
  command.seq = seq;
  if (command.task_queue.empty()) command.task_queue = info().task_queue;
  command.input = std::move(input);
  state_.runtime.StartChild(std::move(command));
}

ExternalWorkflow WorkflowContext::External(std::string_view workflow_id, std::string_view run_id) {
  if (workflow_id.empty()) throw std::invalid_argument("an external workflow has no id");
  return {*this, std::string(workflow_id), std::string(run_id)};
}

// ---- Handles ------------------------------------------------------------------------------------------------------

Future<void> detail::ChildReference::Signal(std::string_view name) const { return Send(name, nullptr); }

Future<void> detail::ChildReference::Send(std::string_view name, nlohmann::json input) const {
  RequireSignalName(name, workflow_id_);
  WorkflowState& state = ctx_->state();
  if (!state.MayCommand()) return NeverReady(*ctx_);
  const Request request = MakeRequest(*ctx_);
  ExternalSignalCommand command;
  command.workflow_id = workflow_id_;
  command.child_only = true;
  command.name = name;
  command.input = std::move(input);
  // Before it has started there may be nobody, or somebody else, of that id.
  FutureStateBase* const started = started_.get();
  started_->OnReady([&state, started, request, command = std::move(command)]() mutable {
    if (request.future->ready()) return;
    if (started->error()) {
      request.future->Fail(started->error());
    } else {
      Issue(state, request, std::move(command), &WorkflowRuntime::SignalExternal);
    }
  });
  return Future<void>(request.future);
}

Future<void> ExternalWorkflow::Signal(std::string_view name) const { return Send(name, nullptr); }

Future<void> ExternalWorkflow::Send(std::string_view name, nlohmann::json input) const {
  RequireSignalName(name, workflow_id_);
  detail::WorkflowState& state = ctx_->state();
  if (!state.MayCommand()) return NeverReady(*ctx_);
  const Request request = MakeRequest(*ctx_);
  if (request.future->ready()) return Future<void>(request.future);
  ExternalSignalCommand command;
  command.workflow_id = workflow_id_;
  command.run_id = run_id_;
  command.name = name;
  command.input = std::move(input);
  Issue(state, request, std::move(command), &WorkflowRuntime::SignalExternal);
  return Future<void>(request.future);
}

Future<void> ExternalWorkflow::Cancel(std::string_view reason) const {
  detail::WorkflowState& state = ctx_->state();
  if (!state.MayCommand()) return NeverReady(*ctx_);
  const Request request = MakeRequest(*ctx_);
  if (request.future->ready()) return Future<void>(request.future);
  ExternalCancelCommand command;
  command.workflow_id = workflow_id_;
  command.run_id = run_id_;
  command.reason = reason;
  Issue(state, request, std::move(command), &WorkflowRuntime::CancelExternal);
  return Future<void>(request.future);
}

// ---- Without an engine --------------------------------------------------------------------------------------------

namespace {
[[noreturn]] void NoOthers() {
  throw std::logic_error("this workflow runs without an engine: there are no other workflows to start, signal or cancel");
}
}  // namespace

void WorkflowRuntime::StartChild(ChildCommand) { NoOthers(); }
bool WorkflowRuntime::WithdrawChild(uint64_t) { NoOthers(); }
void WorkflowRuntime::RequestCancelChild(uint64_t, const std::string&) { NoOthers(); }
void WorkflowRuntime::SignalExternal(ExternalSignalCommand) { NoOthers(); }
void WorkflowRuntime::CancelExternal(ExternalCancelCommand) { NoOthers(); }
bool WorkflowRuntime::WithdrawExternal(uint64_t) { NoOthers(); }

}  // namespace wfe::sdk
