#include "workers/sdk/failure.h"

namespace wfe::sdk {

namespace {

void AddCause(std::string& text, const FailureInfo& cause) {
  if (!cause.message.empty()) text += ": " + cause.message;
  if (!cause.type.empty()) text += " [" + cause.type + "]";
}

std::string Describe(const ActivityFailure::Data& data) {
  std::string text = "activity " + data.activity_type + " (id " + data.activity_id + ") failed";
  AddCause(text, data.cause);
  return text;
}

std::string Describe(const ChildWorkflowFailure::Data& data) {
  const bool began = data.started_event_id != 0;
  std::string text = "child workflow " + data.workflow_type + " (id " + data.workflow_id + ")" +
                     (began ? " failed" : " was not started");
  AddCause(text, data.cause);
  return text;
}

std::string Describe(const ExternalWorkflowFailure::Data& data) {
  std::string text = "the " + data.what + " for workflow " + data.workflow_id;
  if (!data.run_id.empty()) text += " (run id " + data.run_id + ")";
  text += " did not reach it: ";
  switch (data.reason) {
    case ExternalWorkflowFailure::Reason::kNotFound:
      return text + "no such workflow is open";
    case ExternalWorkflowFailure::Reason::kNamespaceNotFound:
      return text + "its namespace does not exist";
    case ExternalWorkflowFailure::Reason::kTooManySignals:
      return text + "it has taken as many signals as a run may";
    case ExternalWorkflowFailure::Reason::kOther:
      break;
  }
  return text + "the engine gives no reason";
}

}  // namespace

ActivityFailure::ActivityFailure(Data data)
    : WorkflowException(Describe(data)), data_(std::make_shared<const Data>(std::move(data))) {}

ChildWorkflowFailure::ChildWorkflowFailure(Data data)
    : WorkflowException(Describe(data)), data_(std::make_shared<const Data>(std::move(data))) {}

ExternalWorkflowFailure::ExternalWorkflowFailure(Data data)
    : WorkflowException(Describe(data)), data_(std::make_shared<const Data>(std::move(data))) {}

std::string ExternalWorkflowFailure::type() const {
  switch (reason()) {
    case Reason::kNotFound:
      return "ExternalWorkflowExecutionNotFound";
    case Reason::kNamespaceNotFound:
      return "NamespaceNotFound";
    case Reason::kTooManySignals:
      return "SignalCountLimitExceeded";
    case Reason::kOther:
      break;
  }
  return "ExternalWorkflowFailure";
}

}  // namespace wfe::sdk
