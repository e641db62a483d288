// The exceptions of workflow code: what it catches, and what it throws to fail its run.
#pragma once

#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/time.h"

namespace wfe::sdk {

/// Why the engine stopped retrying.
enum class RetryState {
  kUnspecified,
  kInProgress,
  kNonRetryableFailure,
  kTimeout,
  kMaximumAttemptsReached,
  kRetryPolicyNotSet,
  kInternalServerError,
  kCancelRequested,
};

enum class TimeoutType { kNone, kStartToClose, kScheduleToStart, kScheduleToClose, kHeartbeat };

/// One link of a failure chain, as the engine recorded it.
struct FailureInfo {
  enum class Kind { kApplication, kTimeout, kCancelled, kTerminated, kServer, kOther };

  Kind kind = Kind::kOther;
  std::string message;
  std::string type;  ///< An application failure's stable name; for a timeout "TemporalTimeout:StartToClose" and so on.
  bool non_retryable = false;
  nlohmann::json details;  ///< null: none.  For a heartbeat timeout: the last heartbeat's details (S28).
  TimeoutType timeout_type = TimeoutType::kNone;
  std::string stack_trace;
  std::shared_ptr<const FailureInfo> cause;
  std::string encoded;  ///< The recorded failure as it was stored, so that it can be passed on without loss.
};

/// Base of all exceptions that mean something to a run.  Any other exception that leaves workflow code fails the
/// workflow *task*: the run stays open, and the task is tried again until corrected code is deployed (S46).
class WorkflowException : public std::exception {
 public:
  const char* what() const noexcept override { return what_->c_str(); }

 protected:
  explicit WorkflowException(std::string what) : what_(std::make_shared<const std::string>(std::move(what))) {}

 private:
  std::shared_ptr<const std::string> what_;
};

/// Throw this to fail the run.
class WorkflowFailure final : public WorkflowException {
 public:
  struct Data {
    std::string message;
    std::string type = {};       ///< A stable name that callers can test for.
    bool non_retryable = false;  ///< True: the run's own retry policy, if any, does not apply.
    nlohmann::json details = nullptr;
    std::optional<Duration> next_retry_delay = std::nullopt;
  };

  explicit WorkflowFailure(Data data)
      : WorkflowException(data.message), data_(std::make_shared<const Data>(std::move(data))) {}
  explicit WorkflowFailure(std::string message, std::string type = {}, bool non_retryable = false)
      : WorkflowFailure(Data{.message = std::move(message), .type = std::move(type), .non_retryable = non_retryable}) {}

  const Data& data() const { return *data_; }
  const std::string& message() const { return data_->message; }
  const std::string& type() const { return data_->type; }

 private:
  std::shared_ptr<const Data> data_;
};

/// An activity failed for good: its retries are used up, it timed out, or its failure is not retryable.
class ActivityFailure final : public WorkflowException {
 public:
  struct Data {
    std::string activity_id;
    std::string activity_type;
    int64_t scheduled_event_id = 0;
    int64_t started_event_id = 0;
    std::string identity;  ///< Of the worker that ran the last attempt.
    RetryState retry_state = RetryState::kUnspecified;
    FailureInfo cause;
  };

  explicit ActivityFailure(Data data);

  const Data& data() const { return *data_; }
  const std::string& activity_id() const { return data_->activity_id; }
  const std::string& activity_type() const { return data_->activity_type; }
  RetryState retry_state() const { return data_->retry_state; }
  const FailureInfo& cause() const { return data_->cause; }

  // Shorthands for the cause.
  const std::string& message() const { return data_->cause.message; }
  const std::string& type() const { return data_->cause.type; }
  bool non_retryable() const { return data_->cause.non_retryable; }
  TimeoutType timeout_type() const { return data_->cause.timeout_type; }
  const nlohmann::json& details() const { return data_->cause.details; }

 private:
  std::shared_ptr<const Data> data_;
};

/// A child workflow ended, and not well: it failed for good, timed out, was terminated, or was cancelled by somebody
/// else.  Which of them, its cause says.
class ChildWorkflowFailure : public WorkflowException {
 public:
  struct Data {
    std::string ns;
    std::string workflow_id;
    std::string run_id;  ///< Of the first run; empty when it never began.
    std::string workflow_type;
    int64_t initiated_event_id = 0;
    int64_t started_event_id = 0;  ///< 0: it never began.
    RetryState retry_state = RetryState::kUnspecified;
    FailureInfo cause;
  };

  explicit ChildWorkflowFailure(Data data);

  const Data& data() const { return *data_; }
  const std::string& workflow_id() const { return data_->workflow_id; }
  const std::string& run_id() const { return data_->run_id; }
  const std::string& workflow_type() const { return data_->workflow_type; }
  RetryState retry_state() const { return data_->retry_state; }
  const FailureInfo& cause() const { return data_->cause; }
  bool timed_out() const { return data_->cause.kind == FailureInfo::Kind::kTimeout; }
  bool terminated() const { return data_->cause.kind == FailureInfo::Kind::kTerminated; }
  bool cancelled() const { return data_->cause.kind == FailureInfo::Kind::kCancelled; }

  // Shorthands for the cause.
  const std::string& message() const { return data_->cause.message; }
  const std::string& type() const { return data_->cause.type; }
  const nlohmann::json& details() const { return data_->cause.details; }

 private:
  std::shared_ptr<const Data> data_;
};

/// The child never began.  Its cause is an application failure of the type "WorkflowExecutionAlreadyStarted" or
/// "NamespaceNotFound".
class ChildStartFailure final : public ChildWorkflowFailure {
 public:
  enum class Reason { kAlreadyStarted, kNamespaceNotFound, kOther };

  ChildStartFailure(Reason reason, Data data) : ChildWorkflowFailure(std::move(data)), reason_(reason) {}

  Reason reason() const { return reason_; }
  /// A workflow of that id is open, or has closed and its id may not be used again.
  bool already_started() const { return reason_ == Reason::kAlreadyStarted; }

 private:
  Reason reason_;
};

/// A signal or a cancel request did not reach the workflow that it was for.
class ExternalWorkflowFailure final : public WorkflowException {
 public:
  enum class Reason {
    kNotFound,  ///< No open workflow has that id (and run id); of a child: it has closed.
    kNamespaceNotFound,
    kTooManySignals,  ///< It has taken as many signals as a run may.
    kOther,
  };
  struct Data {
    std::string what;  ///< "signal add", "cancel request".
    std::string workflow_id;
    std::string run_id;  ///< Empty: none was given.
    int64_t initiated_event_id = 0;
    Reason reason = Reason::kOther;
  };

  explicit ExternalWorkflowFailure(Data data);

  const Data& data() const { return *data_; }
  const std::string& workflow_id() const { return data_->workflow_id; }
  Reason reason() const { return data_->reason; }
  /// "ExternalWorkflowExecutionNotFound" and so on: what the run's failure is called when nobody catches this.
  std::string type() const;

 private:
  std::shared_ptr<const Data> data_;
};

/// The scope of the awaited operation was cancelled.  When this leaves the workflow function after a cancel request,
/// the run ends as cancelled.
class CancelledFailure final : public WorkflowException {
 public:
  explicit CancelledFailure(std::string message = "cancelled", nlohmann::json details = nullptr)
      : WorkflowException(message),
        message_(std::make_shared<const std::string>(std::move(message))),
        details_(std::make_shared<const nlohmann::json>(std::move(details))) {}

  const std::string& message() const { return *message_; }
  /// Of a cancelled activity or child that reported some; null: none.
  const nlohmann::json& details() const { return *details_; }

 private:
  std::shared_ptr<const std::string> message_;
  std::shared_ptr<const nlohmann::json> details_;
};

}  // namespace wfe::sdk
