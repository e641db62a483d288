#include "workers/host/workflow_client.h"

#include <algorithm>
#include <utility>

#include "engine/base/id_source.h"
#include "engine/base/proto_time.h"
#include "engine/base/steady_clock.h"
#include "temporal/api/errordetails/v1/message.pb.h"
#include "workers/client/blocking_call.h"
#include "workers/core/failure_codec.h"
#include "workers/core/payload_codec.h"

namespace wfe::worker {
namespace {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;
using client::BlockingCall;
using client::kWorkflowService;

/// How long one question for the end of a workflow waits.
constexpr Duration kLongPoll = std::chrono::seconds(60);

std::string NewId() {
  SystemIdSource ids;
  return ids.NewUuid();
}

void Name(const WorkflowRun& run, temporal::api::common::v1::WorkflowExecution* execution) {
  execution->set_workflow_id(run.workflow_id);
  execution->set_run_id(run.run_id);
}

/// The run that a refused start names.
std::string AlreadyStartedRun(const Error& error) {
  temporal::api::errordetails::v1::WorkflowExecutionAlreadyStartedFailure failure;
  for (const ErrorDetail& detail : error.details) {
    if (detail.type_name == failure.GetTypeName() && failure.ParseFromString(detail.bytes)) return failure.run_id();
  }
  return {};
}

/// How a run ended; `next` is the run that goes on instead, if there is one.
Result<WorkflowOutcome> OutcomeOf(const temporal::api::history::v1::HistoryEvent& event, std::string* next) {
  WorkflowOutcome outcome;
  switch (event.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: {
      const auto& completed = event.workflow_execution_completed_event_attributes();
      *next = completed.new_execution_run_id();
      WFE_ASSIGN_OR_RETURN(outcome.result, core::DecodePayloads(completed.result()));
      return outcome;
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: {
      const auto& failed = event.workflow_execution_failed_event_attributes();
      *next = failed.new_execution_run_id();
      outcome.status = WorkflowOutcome::Status::kFailed;
      outcome.failure = core::DecodeFailure(failed.failure());
      return outcome;
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
      *next = event.workflow_execution_timed_out_event_attributes().new_execution_run_id();
      outcome.status = WorkflowOutcome::Status::kTimedOut;
      return outcome;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
      outcome.status = WorkflowOutcome::Status::kCancelled;
      return outcome;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
      outcome.status = WorkflowOutcome::Status::kTerminated;
      outcome.failure.kind = sdk::FailureInfo::Kind::kTerminated;
      outcome.failure.message = event.workflow_execution_terminated_event_attributes().reason();
      return outcome;
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
      *next = event.workflow_execution_continued_as_new_event_attributes().new_execution_run_id();
      return outcome;
    default:
      return Internal("a workflow ends with " + enums::EventType_Name(event.event_type()));
  }
}

}  // namespace

std::string WorkflowOutcome::ToString() const {
  switch (status) {
    case Status::kCompleted:
      return "completed";
    case Status::kFailed:
      return "failed: " + failure.message + (failure.type.empty() ? "" : " (" + failure.type + ")");
    case Status::kCancelled:
      return "was cancelled";
    case Status::kTerminated:
      return "was terminated: " + failure.message;
    case Status::kTimedOut:
      return "timed out";
  }
  return {};
}

WorkflowClient::WorkflowClient(client::ServiceClient& client, std::string ns, std::string identity)
    : client_(client), ns_(std::move(ns)), identity_(std::move(identity)) {}

Result<WorkflowRun> WorkflowClient::StartJson(const std::string& type, const nlohmann::json& input,
                                              const StartOptions& options) {
  ws::StartWorkflowExecutionRequest request;
  request.set_namespace_(ns_);
  request.set_workflow_id(options.workflow_id.empty() ? type + "-" + NewId() : options.workflow_id);
  request.mutable_workflow_type()->set_name(type);
  request.mutable_task_queue()->set_name(options.task_queue);
  *request.mutable_input() = core::EncodePayloads(input);
  request.set_identity(identity_);
  request.set_request_id(NewId());
  if (options.execution_timeout > Duration::zero()) {
    *request.mutable_workflow_execution_timeout() = ToProto(options.execution_timeout);
  }
  if (options.run_timeout > Duration::zero()) *request.mutable_workflow_run_timeout() = ToProto(options.run_timeout);
  if (options.if_started == IfStarted::kFindIt) {
    request.set_workflow_id_reuse_policy(enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE);
  }
  const auto started =
      BlockingCall<ws::StartWorkflowExecutionResponse>(client_, kWorkflowService, "StartWorkflowExecution", request);
  if (started) return WorkflowRun{request.workflow_id(), started->run_id()};
  if (options.if_started == IfStarted::kFindIt && started.error().code == StatusCode::kAlreadyExists) {
    if (std::string found = AlreadyStartedRun(started.error()); !found.empty()) {
      return WorkflowRun{request.workflow_id(), std::move(found)};
    }
  }
  return started.error();
}

Result<WorkflowOutcome> WorkflowClient::AwaitOutcome(const WorkflowRun& run, Duration timeout) {
  const SteadyClock clock;
  const Instant begin = clock.Now();
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_(ns_);
  Name(run, request.mutable_execution());
  request.set_wait_new_event(true);
  request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  while (true) {
    const Duration left = timeout == Duration::max() ? kLongPoll : timeout - (clock.Now() - begin);
    if (left <= Duration::zero()) return DeadlineExceeded("the workflow " + run.workflow_id + " has not ended in time");
    const auto page = BlockingCall<ws::GetWorkflowExecutionHistoryResponse>(
        client_, kWorkflowService, "GetWorkflowExecutionHistory", request, std::min(left, kLongPoll));
    if (!page) {
      if (page.error().code == StatusCode::kDeadlineExceeded) continue;
      return page.error();
    }
    request.set_next_page_token(page->next_page_token());
    if (page->history().events().empty()) continue;
    std::string next;
    WFE_ASSIGN_OR_RETURN(WorkflowOutcome outcome,
                         OutcomeOf(page->history().events(page->history().events_size() - 1), &next));
    if (next.empty()) {
      outcome.run_id = request.execution().run_id();
      return outcome;
    }
    request.mutable_execution()->set_run_id(next);
    request.clear_next_page_token();
  }
}

Status WorkflowClient::SignalJson(const WorkflowRun& run, const std::string& name, const nlohmann::json& value) {
  ws::SignalWorkflowExecutionRequest request;
  request.set_namespace_(ns_);
  Name(run, request.mutable_workflow_execution());
  request.set_signal_name(name);
  *request.mutable_input() = core::EncodePayloads(value);
  request.set_identity(identity_);
  request.set_request_id(NewId());
  WFE_RETURN_IF_ERROR(BlockingCall<ws::SignalWorkflowExecutionResponse>(client_, kWorkflowService,
                                                                        "SignalWorkflowExecution", request));
  return Ok();
}

Result<nlohmann::json> WorkflowClient::QueryJson(const WorkflowRun& run, const std::string& name,
                                                 const nlohmann::json& input) {
  ws::QueryWorkflowRequest request;
  request.set_namespace_(ns_);
  Name(run, request.mutable_execution());
  request.mutable_query()->set_query_type(name);
  *request.mutable_query()->mutable_query_args() = core::EncodePayloads(input);
  WFE_ASSIGN_OR_RETURN(const auto response, (BlockingCall<ws::QueryWorkflowResponse>(client_, kWorkflowService,
                                                                                     "QueryWorkflow", request)));
  if (response.has_query_rejected()) {
    return FailedPrecondition("the workflow " + run.workflow_id + " answers no queries: it has ended");
  }
  return core::DecodePayloads(response.query_result());
}

Status WorkflowClient::Cancel(const WorkflowRun& run) {
  ws::RequestCancelWorkflowExecutionRequest request;
  request.set_namespace_(ns_);
  Name(run, request.mutable_workflow_execution());
  request.set_identity(identity_);
  request.set_request_id(NewId());
  WFE_RETURN_IF_ERROR(BlockingCall<ws::RequestCancelWorkflowExecutionResponse>(
      client_, kWorkflowService, "RequestCancelWorkflowExecution", request));
  return Ok();
}

Status WorkflowClient::Terminate(const WorkflowRun& run, const std::string& reason) {
  ws::TerminateWorkflowExecutionRequest request;
  request.set_namespace_(ns_);
  Name(run, request.mutable_workflow_execution());
  request.set_identity(identity_);
  request.set_reason(reason);
  WFE_RETURN_IF_ERROR(BlockingCall<ws::TerminateWorkflowExecutionResponse>(client_, kWorkflowService,
                                                                           "TerminateWorkflowExecution", request));
  return Ok();
}

}  // namespace wfe::worker
