#include "workers/client/fetch_history.h"

#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "workers/client/blocking_call.h"

namespace wfe::client {

Result<temporal::api::history::v1::History> FetchHistory(ServiceClient& service, const std::string& ns,
                                                         const std::string& workflow_id, const std::string& run_id) {
  namespace ws = temporal::api::workflowservice::v1;
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_(ns);
  request.mutable_execution()->set_workflow_id(workflow_id);
  request.mutable_execution()->set_run_id(run_id);
  temporal::api::history::v1::History history;
  while (true) {
    WFE_ASSIGN_OR_RETURN(const auto page, BlockingCall<ws::GetWorkflowExecutionHistoryResponse>(
                                              service, kWorkflowService, "GetWorkflowExecutionHistory", request));
    history.MergeFrom(page.history());
    if (page.next_page_token().empty()) return history;
    request.set_next_page_token(page.next_page_token());
  }
}

}  // namespace wfe::client
