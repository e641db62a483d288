#include "tools/wfe/ask_workflow.h"

#include "tools/wfe/describe.h"

namespace wfe::cli {

Error NotAnswered(const std::string& query, const std::string& queue, const QueuePollers& pollers, Duration patience) {
  const std::string waited = HumanDuration(std::chrono::duration<double>(patience).count());
  const std::string nobody = NobodyPollsText(queue, pollers);
  return DeadlineExceeded("the query " + query + " was not answered in " + waited + ": " +
                          (nobody.empty() ? "the workers of queue " + queue + " are busy, or the run's is gone" : nobody));
}

Result<nlohmann::json> AskWorkflow(Globals& globals, const Target& target, std::string_view query,
                                   const nlohmann::json* argument, Duration patience) {
  ws::QueryWorkflowRequest request;
  request.set_namespace_(globals.Namespace());
  request.mutable_execution()->set_workflow_id(target.workflow_id);
  request.mutable_execution()->set_run_id(target.run_id);
  request.mutable_query()->set_query_type(std::string(query));
  if (argument != nullptr) *request.mutable_query()->mutable_query_args()->add_payloads() = ToPayload(*argument);
  const auto response = client::BlockingCall<ws::QueryWorkflowResponse>(globals.client(), client::kWorkflowService,
                                                                        "QueryWorkflow", request, patience);
  if (!response && response.error().code == StatusCode::kDeadlineExceeded) {
    // A server that is there can tell who should have answered.
    WFE_ASSIGN_OR_RETURN(const auto description, Describe(globals, target));
    const std::string& queue = description.workflow_execution_info().task_queue();
    WFE_ASSIGN_OR_RETURN(const QueuePollers pollers, DescribeQueue(globals, queue));
    return NotAnswered(std::string(query), queue, pollers, patience);
  }
  if (!response) return Globals::IsUnreachable(response.error()) ? globals.Unreachable(response.error()) : response.error();
  if (response->has_query_rejected()) {
    return FailedPrecondition("the query was rejected: " + target.workflow_id + " is " +
                              StatusName(response->query_rejected().status()));
  }
  return FromPayloads(response->query_result());
}

}  // namespace wfe::cli
