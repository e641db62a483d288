#include "tools/wfe/describe.h"

#include <google/protobuf/util/time_util.h>

#include <cmath>

#include "engine/base/id_source.h"
#include "engine/base/time.h"
#include "engine/visibility/list_filter.h"

namespace wfe::cli {
namespace {

namespace enums = temporal::api::enums::v1;
using google::protobuf::util::TimeUtil;

Instant ToInstant(const google::protobuf::Timestamp& time) {
  return Instant(std::chrono::seconds(time.seconds()) + std::chrono::nanoseconds(time.nanos()));
}

double Seconds(const google::protobuf::Timestamp& from, Instant to) {
  return std::chrono::duration<double>(to - ToInstant(from)).count();
}

}  // namespace

std::string StatusName(enums::WorkflowExecutionStatus status) {
  const std::string_view name = visibility::StatusName(status);
  return name.empty() ? "Unknown" : std::string(name);
}

std::string IsoTime(const google::protobuf::Timestamp& time) { return FormatIso8601Millis(ToInstant(time)); }

nlohmann::json ExecutionRow(const temporal::api::workflow::v1::WorkflowExecutionInfo& info) {
  const Instant end = info.has_close_time() ? ToInstant(info.close_time()) : SystemClock().Now();
  const double taken = Seconds(info.start_time(), end);
  nlohmann::json row = {
      {"status", StatusName(info.status())},    {"workflow_id", info.execution().workflow_id()},
      {"run_id", info.execution().run_id()},    {"type", info.type().name()},
      {"started", IsoTime(info.start_time())},  {"took", HumanDuration(taken)},
      {"took_s", taken},                        {"history_length", info.history_length()}};
  if (info.has_close_time()) row["closed"] = IsoTime(info.close_time());
  return row;
}

nlohmann::json WithRoundedCosts(nlohmann::json value) {
  for (auto& [key, member] : value.items()) {
    if (member.is_structured()) {
      member = WithRoundedCosts(std::move(member));
    } else if (member.is_number_float() && value.is_object() && key.find("cost") != std::string::npos) {
      member = std::round(member.get<double>() * 1e6) / 1e6;
    }
  }
  return value;
}

std::string WithoutLibraryPrefixes(std::string text) {
  constexpr std::string_view kBegin = "[json.exception.";
  for (size_t at = text.find(kBegin); at != std::string::npos; at = text.find(kBegin, at)) {
    const size_t end = text.find("] ", at);
    if (end == std::string::npos) break;
    text.erase(at, end + 2 - at);
  }
  return text;
}

std::string FailureText(const temporal::api::failure::v1::Failure& failure) {
  std::string text = WithoutLibraryPrefixes(failure.message());
  if (failure.has_application_failure_info() && !failure.application_failure_info().type().empty()) {
    text += " (type " + failure.application_failure_info().type() + ")";
  }
  if (failure.has_activity_failure_info()) {
    text += " (activity " + failure.activity_failure_info().activity_type().name() + ")";
  }
  if (failure.has_cause()) text += ", caused by: " + FailureText(failure.cause());
  return text;
}

std::string CauseInWords(const temporal::api::failure::v1::Failure& failure) {
  const bool only_passes_on =
      failure.has_activity_failure_info() || failure.has_child_workflow_execution_failure_info();
  if (only_passes_on && failure.has_cause()) return CauseInWords(failure.cause());
  std::string text = WithoutLibraryPrefixes(failure.message());
  if (text.empty() && failure.has_timeout_failure_info()) text = "a step took too long";
  if (!failure.has_cause()) return text;
  const std::string cause = CauseInWords(failure.cause());
  if (text.empty()) return cause;
  return text.find(cause) == std::string::npos ? text + ": " + cause : text;
}

namespace {

std::string TypeOfFailure(const temporal::api::failure::v1::Failure& failure) {
  const std::string& type = failure.application_failure_info().type();
  if (!type.empty() || !failure.has_cause()) return type;
  return TypeOfFailure(failure.cause());
}

Outcome WithoutFailure(enums::WorkflowExecutionStatus status, const std::string& why) {
  Outcome outcome;
  outcome.status = status;
  outcome.failure = outcome.cause = why;
  return outcome;
}

}  // namespace

std::optional<Outcome> OutcomeOf(const temporal::api::history::v1::HistoryEvent& event) {
  Outcome outcome;
  switch (event.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
      outcome.status = enums::WORKFLOW_EXECUTION_STATUS_COMPLETED;
      outcome.result = WithRoundedCosts(FromPayloads(event.workflow_execution_completed_event_attributes().result()));
      return outcome;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
      outcome.status = enums::WORKFLOW_EXECUTION_STATUS_FAILED;
      outcome.failure = FailureText(event.workflow_execution_failed_event_attributes().failure());
      outcome.cause = CauseInWords(event.workflow_execution_failed_event_attributes().failure());
      outcome.failure_type = TypeOfFailure(event.workflow_execution_failed_event_attributes().failure());
      outcome.new_run_id = event.workflow_execution_failed_event_attributes().new_execution_run_id();
      return outcome;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
      return WithoutFailure(enums::WORKFLOW_EXECUTION_STATUS_CANCELED, "the workflow was cancelled");
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: {
      const std::string& reason = event.workflow_execution_terminated_event_attributes().reason();
      return WithoutFailure(enums::WORKFLOW_EXECUTION_STATUS_TERMINATED,
                            "the workflow was terminated" + (reason.empty() ? "" : ": " + reason));
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
      outcome = WithoutFailure(enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT, "the workflow timed out");
      outcome.new_run_id = event.workflow_execution_timed_out_event_attributes().new_execution_run_id();
      return outcome;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
      outcome.status = enums::WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW;
      outcome.new_run_id = event.workflow_execution_continued_as_new_event_attributes().new_execution_run_id();
      return outcome;
    default:
      return std::nullopt;
  }
}

int ExitCodeOf(const Outcome& outcome) {
  switch (outcome.status) {
    case enums::WORKFLOW_EXECUTION_STATUS_COMPLETED: {
      // An audited build completes whatever its verdict (AB-1); the verdict is what a script wants to know.
      const std::string status = outcome.result.is_object()
                                     ? outcome.result.value("status", nlohmann::json()).is_string()
                                           ? outcome.result["status"].get<std::string>()
                                           : ""
                                     : "";
      // So does a generation, whose word for it is its state (SG-7).
      const bool has_state = outcome.result.is_object() && outcome.result.contains("state");
      if (has_state && outcome.result["state"] == "failed") return kExitNotPassed;
      if (status == "not_passed") return kExitNotPassed;
      if (status == "budget_exhausted") return kExitBudgetExhausted;
      if (status == "aborted") return kExitAborted;
      if (status == "agent_error") return kExitAgentError;
      return kExitOk;
    }
    case enums::WORKFLOW_EXECUTION_STATUS_CANCELED:
      return kExitCanceled;
    case enums::WORKFLOW_EXECUTION_STATUS_TERMINATED:
      return kExitTerminated;
    case enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
      return kExitTimedOut;
    default:
      // What was asked for cannot be done as it was asked for, however often.
      return outcome.failure_type == "INVALID_INPUT" ? kExitUsage : kExitFailed;
  }
}

Result<ws::DescribeWorkflowExecutionResponse> Describe(Globals& globals, const Target& target) {
  ws::DescribeWorkflowExecutionRequest request;
  request.set_namespace_(globals.Namespace());
  request.mutable_execution()->set_workflow_id(target.workflow_id);
  request.mutable_execution()->set_run_id(target.run_id);
  return globals.Call<ws::DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request);
}

Status CheckIsOpen(const ws::DescribeWorkflowExecutionResponse& description) {
  const auto& info = description.workflow_execution_info();
  if (!info.has_close_time()) return Ok();
  return FailedPrecondition(info.execution().workflow_id() + " has ended already (" + StatusName(info.status()) +
                            ", run " + info.execution().run_id() + ")");
}

Result<std::optional<Outcome>> ReadOutcome(Globals& globals, const Target& target) {
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_(globals.Namespace());
  request.mutable_execution()->set_workflow_id(target.workflow_id);
  request.mutable_execution()->set_run_id(target.run_id);
  request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  WFE_ASSIGN_OR_RETURN(const auto response,
                       globals.Call<ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", request));
  if (response.history().events_size() == 0) return std::optional<Outcome>();
  return OutcomeOf(response.history().events(response.history().events_size() - 1));
}

nlohmann::ordered_json DescriptionObject(const ws::DescribeWorkflowExecutionResponse& description,
                                         const std::optional<Outcome>& outcome) {
  const auto& info = description.workflow_execution_info();
  nlohmann::ordered_json object = {{"workflow_id", info.execution().workflow_id()},
                                   {"run_id", info.execution().run_id()},
                                   {"type", info.type().name()},
                                   {"status", StatusName(info.status())},
                                   {"task_queue", info.task_queue()},
                                   {"started", IsoTime(info.start_time())}};
  if (info.has_close_time()) object["closed"] = IsoTime(info.close_time());
  object["history_events"] = info.history_length();
  object["history_bytes"] = info.history_size_bytes();
  nlohmann::ordered_json open = nlohmann::ordered_json::array();
  for (const auto& activity : description.pending_activities()) {
    nlohmann::ordered_json item = {{"activity_id", activity.activity_id()},
                                   {"type", activity.activity_type().name()},
                                   {"attempt", activity.attempt()},
                                   {"started", activity.has_last_started_time()}};
    if (activity.has_last_failure()) item["last_failure"] = FailureText(activity.last_failure());
    if (activity.has_next_attempt_schedule_time()) item["next_attempt"] = IsoTime(activity.next_attempt_schedule_time());
    open.push_back(item);
  }
  if (!open.empty()) object["open_activities"] = open;
  if (description.has_pending_workflow_task()) {
    object["workflow_task_attempt"] = description.pending_workflow_task().attempt();
  }
  if (outcome) {
    if (outcome->status == enums::WORKFLOW_EXECUTION_STATUS_COMPLETED) {
      object["result"] = outcome->result;
    } else if (!outcome->failure.empty()) {
      object["failure"] = outcome->failure;
    }
    if (!outcome->new_run_id.empty()) object["next_run_id"] = outcome->new_run_id;
  }
  return object;
}

std::string NewRequestId() { return SystemIdSource().NewUuid(); }

}  // namespace wfe::cli
