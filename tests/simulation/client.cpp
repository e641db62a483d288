#include "tests/simulation/client.h"

#include "engine/base/proto_time.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "tests/simulation/worker_process.h"
#include "workers/core/payload_codec.h"

namespace wfe::simulation {

using namespace std::chrono_literals;
namespace ws = temporal::api::workflowservice::v1;
using HistoryEvent = temporal::api::history::v1::HistoryEvent;

namespace {

/// Whether the call may be tried again: nobody knows what became of it.
bool Unclear(const Error& error) {
  return error.code == StatusCode::kUnavailable || error.code == StatusCode::kDeadlineExceeded ||
         error.code == StatusCode::kResourceExhausted || error.code == StatusCode::kAborted;
}

bool IsGone(const Error& error) { return error.code == StatusCode::kNotFound; }

struct Ending {
  enums::WorkflowExecutionStatus status = enums::WORKFLOW_EXECUTION_STATUS_UNSPECIFIED;
  std::string next_run_id;  // the chain goes on there
};

Ending EndingOf(const HistoryEvent& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
      return {enums::WORKFLOW_EXECUTION_STATUS_COMPLETED,
              event.workflow_execution_completed_event_attributes().new_execution_run_id()};
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
      return {enums::WORKFLOW_EXECUTION_STATUS_FAILED,
              event.workflow_execution_failed_event_attributes().new_execution_run_id()};
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
      return {enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT,
              event.workflow_execution_timed_out_event_attributes().new_execution_run_id()};
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
      return {enums::WORKFLOW_EXECUTION_STATUS_CANCELED, ""};
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
      return {enums::WORKFLOW_EXECUTION_STATUS_TERMINATED, ""};
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
      return {enums::WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW,
              event.workflow_execution_continued_as_new_event_attributes().new_execution_run_id()};
    default:
      return {};
  }
}

}  // namespace

class Client::Impl final : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Process& process, Strand& strand, Link& link, const EngineClock& engine_clock, const Plan& p)
      : plan(p), process_(process), strand_(strand), link_(link), engine_clock_(engine_clock) {
    told.signal_acknowledged.resize(plan.signals.size());
  }

  void Start();

  const Plan& plan;
  Told told;
  int open = 1;  // things to do that have not been answered; the result is one

 private:
  /// Repeats the call until the answer is clear.  `tries` counts.
  template <class Response, class Request, class Done>
  void Insist(std::string method, Request request, Done done, int tries = 1) {
    client::CallMethod<Response>(
        link_, client::kWorkflowService, method, request, {.timeout = 10s, .executor = &strand_},
        [self = shared_from_this(), method, request, done, tries](Result<Response> answer) mutable {
          if (answer || !Unclear(answer.error())) return done(std::move(answer), tries);
          self->process_.After(200ms, self->strand_, [self, method, request, done, tries] {
            self->Insist<Response>(method, request, done, tries + 1);
          });
        });
  }
  void At(Duration delay, void (Impl::*method)()) {
    ++open;
    process_.After(delay, strand_, [self = shared_from_this(), method] { (self.get()->*method)(); });
  }
  template <class Request>
  void NameWorkflow(Request& request) {
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(plan.workflow_id);
  }
  template <class Request>
  void FillStart(Request& request);
  /// Nothing ends the run before it has every signal.  A chain may have got a copy of a call in an earlier run, whose
  /// request ids the later ones do not know.
  bool WaitsForSignals() const {
    return plan.value && !plan.cancel_after && !plan.terminate_after && !plan.program.continues;
  }
  void Violation(std::string what) { told.violations.push_back(plan.workflow_id + ": " + std::move(what)); }

  void Started(const std::string& run_id);
  void SendSignal(size_t number);
  void SendCancel();
  void SendTerminate();
  void SendQuery();
  void AwaitResult(const std::string& run_id, const std::string& page_token);
  void ResultCame(const std::string& run_id, const Result<ws::GetWorkflowExecutionHistoryResponse>& answer);
  void Ended(const std::string& run_id, const HistoryEvent& event);

  Process& process_;
  Strand& strand_;
  Link& link_;
  const EngineClock& engine_clock_;
};

template <class Request>
void Client::Impl::FillStart(Request& request) {
  request.set_namespace_("default");
  request.set_workflow_id(plan.workflow_id);
  request.mutable_workflow_type()->set_name(kProgramWorkflow);
  request.mutable_task_queue()->set_name(kTaskQueue);
  *request.mutable_input() = core::EncodePayloads(plan.program.input);
  request.set_identity("client");
  request.set_request_id(StartRequestId(plan));
  // A copy of the request that comes late must not begin it again.
  request.set_workflow_id_reuse_policy(enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE);
  if (plan.run_timeout > Duration::zero())
    *request.mutable_workflow_run_timeout() = ToProto(plan.run_timeout);
  if (plan.start_delay > Duration::zero()) {
    *request.mutable_workflow_start_delay() = ToProto(plan.start_delay);
  }
  if (plan.retries > 0) {
    request.mutable_retry_policy()->set_maximum_attempts(plan.retries);
    *request.mutable_retry_policy()->mutable_initial_interval() = ToProto(1s);
  }
}

nlohmann::json SignalInput(const Plan& plan, size_t number) {
  return nlohmann::json::object({{"number", number}, {"value", plan.signals[number].value}});
}

void Client::Impl::Start() {
  const auto on_answer = [self = shared_from_this()](const auto& answer, int) {
    if (answer) return self->Started(answer->run_id());
    // An earlier try, or a copy of this one that the network made, has done it; only the newest run of a chain knows
    // its request id.  That it really has is checked at the end.
    if (answer.error().code == StatusCode::kAlreadyExists) return self->Started("");
    self->Violation("the start is refused: " + answer.error().ToString());
  };
  if (plan.start_with_signal) {
    ws::SignalWithStartWorkflowExecutionRequest request;
    FillStart(request);
    request.set_signal_name(kSignalName);
    *request.mutable_signal_input() = core::EncodePayloads(SignalInput(plan, 0));
    return Insist<ws::SignalWithStartWorkflowExecutionResponse>("SignalWithStartWorkflowExecution", request, on_answer);
  }
  ws::StartWorkflowExecutionRequest request;
  FillStart(request);
  Insist<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", request, on_answer);
}

void Client::Impl::Started(const std::string& run_id) {
  told.first_run_id = run_id;
  for (size_t i = 0; i < plan.signals.size(); ++i) {
    if (i == 0 && plan.start_with_signal) {
      told.signal_acknowledged[0] = true;
      continue;
    }
    ++open;
    process_.After(plan.signals[i].after, strand_, [self = shared_from_this(), i] { self->SendSignal(i); });
  }
  if (plan.cancel_after) At(*plan.cancel_after, &Impl::SendCancel);
  if (plan.terminate_after) At(*plan.terminate_after, &Impl::SendTerminate);
  for (const Duration after : plan.query_after) At(after, &Impl::SendQuery);
  AwaitResult(run_id, "");
}

void Client::Impl::SendSignal(size_t number) {
  ws::SignalWorkflowExecutionRequest request;
  NameWorkflow(request);
  request.set_signal_name(kSignalName);
  request.set_request_id(SignalRequestId(plan, number));
  request.set_identity("client");
  *request.mutable_input() = core::EncodePayloads(SignalInput(plan, number));
  Insist<ws::SignalWorkflowExecutionResponse>(
      "SignalWorkflowExecution", request, [self = shared_from_this(), number](const auto& answer, int tries) {
        --self->open;
        if (answer) {
          self->told.signal_acknowledged[number] = true;
        } else if (!IsGone(answer.error()) || (tries == 1 && self->WaitsForSignals())) {
          // A run that waits for this signal is there to take it.
          self->Violation("signal " + std::to_string(number) + " is refused: " + answer.error().ToString());
        }
      });
}

void Client::Impl::SendCancel() {
  ws::RequestCancelWorkflowExecutionRequest request;
  NameWorkflow(request);
  request.set_request_id("cancel-" + plan.workflow_id);
  Insist<ws::RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", request,
                                                     [self = shared_from_this()](const auto& answer, int) {
                                                       --self->open;
                                                       if (answer)
                                                         self->told.cancel_acknowledged = self->engine_clock_.Peek();
                                                       if (!answer && !IsGone(answer.error()))
                                                         self->Violation("the cancel: " + answer.error().ToString());
                                                     });
}

void Client::Impl::SendTerminate() {
  ws::TerminateWorkflowExecutionRequest request;
  NameWorkflow(request);
  request.set_reason("planned");
  Insist<ws::TerminateWorkflowExecutionResponse>("TerminateWorkflowExecution", request,
                                                 [self = shared_from_this()](const auto& answer, int) {
                                                   --self->open;
                                                   self->told.terminate_acknowledged = answer.has_value();
                                                   if (!answer && !IsGone(answer.error()))
                                                     self->Violation("the termination: " + answer.error().ToString());
                                                 });
}

void Client::Impl::SendQuery() {
  ws::QueryWorkflowRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(plan.workflow_id);
  request.mutable_query()->set_query_type(kQueryName);
  // Once: a query that fails does no harm, and is not repeated.
  client::CallMethod<ws::QueryWorkflowResponse>(
      link_, client::kWorkflowService, "QueryWorkflow", request, {.timeout = 15s, .executor = &strand_},
      [self = shared_from_this()](const Result<ws::QueryWorkflowResponse>& answer) {
        --self->open;
        if (!answer) return;
        const auto value = core::DecodePayloads(answer->query_result());
        if (!value || !value->is_number_integer()) return self->Violation("a query was answered with something else");
        const int64_t progress = value->get<int64_t>();
        if (progress < 0 || progress > self->plan.program.value) {
          self->Violation("a query saw " + std::to_string(progress) + ", more than there will ever be");
        }
      });
}

void Client::Impl::AwaitResult(const std::string& run_id, const std::string& page_token) {
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(plan.workflow_id);
  request.mutable_execution()->set_run_id(run_id);
  request.set_wait_new_event(true);
  request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  request.set_next_page_token(page_token);
  client::CallMethod<ws::GetWorkflowExecutionHistoryResponse>(
      link_, client::kWorkflowService, "GetWorkflowExecutionHistory", request, {.timeout = 65s, .executor = &strand_},
      [self = shared_from_this(), run_id](const Result<ws::GetWorkflowExecutionHistoryResponse>& answer) {
        self->ResultCame(run_id, answer);
      });
}

void Client::Impl::ResultCame(const std::string& run_id,
                              const Result<ws::GetWorkflowExecutionHistoryResponse>& answer) {
  if (!answer) {
    if (!Unclear(answer.error())) return Violation("the wait for the result: " + answer.error().ToString());
    process_.After(200ms, strand_, [self = shared_from_this(), run_id] { self->AwaitResult(run_id, ""); });
    return;
  }
  if (answer->history().events_size() > 0) return Ended(run_id, *answer->history().events().rbegin());
  if (answer->next_page_token().empty()) return Violation("the wait for the result ended without one");
  AwaitResult(run_id, answer->next_page_token());
}

void Client::Impl::Ended(const std::string& run_id, const HistoryEvent& event) {
  const Ending ending = EndingOf(event);
  if (ending.status == enums::WORKFLOW_EXECUTION_STATUS_UNSPECIFIED) {
    return Violation("the last event of a closed run is " + enums::EventType_Name(event.event_type()));
  }
  if (!ending.next_run_id.empty()) return AwaitResult(ending.next_run_id, "");
  --open;
  told.status = ending.status;
  told.last_run_id = run_id;
  if (ending.status == enums::WORKFLOW_EXECUTION_STATUS_COMPLETED) {
    const auto result = core::DecodePayloads(event.workflow_execution_completed_event_attributes().result());
    if (!result || !result->contains("value")) return Violation("the result cannot be read");
    told.value = (*result)["value"].get<int64_t>();
  }
}

Client::Client(Process& process, Strand& strand, Link& link, const EngineClock& engine_clock, const Plan& plan)
    : impl_(std::make_shared<Impl>(process, strand, link, engine_clock, plan)) {}
Client::~Client() = default;

void Client::Start() { impl_->Start(); }
bool Client::done() const { return impl_->open == 0; }
const Plan& Client::plan() const { return impl_->plan; }
const Told& Client::told() const { return impl_->told; }

std::string Client::SignalRequestId(const Plan& plan, size_t number) {
  if (number == 0 && plan.start_with_signal) return StartRequestId(plan);
  return plan.workflow_id + "-signal-" + std::to_string(number);
}
std::string Client::StartRequestId(const Plan& plan) { return plan.workflow_id + "-start"; }

}  // namespace wfe::simulation
