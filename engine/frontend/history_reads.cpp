// Reading histories, and waiting for what comes next.
#include "engine/base/serialize.h"
#include "engine/frontend/method_table.h"
#include "engine/frontend/validation.h"
#include "engine/runtime/services.h"
#include "engine/shard/history_bytes.h"
#include "temporal/api/enums/v1/workflow.pb.h"

namespace wfe::frontend {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;

namespace {

template <class Response>
void ReplyPage(const Call& call, Result<shard::HistoryPage> page) {
  if (!page) return call.Fail(std::move(page).error());
  Response rest;
  rest.set_next_page_token(page->next_page_token);
  std::string bytes = Serialize(rest);
  // Always present, if empty: clients read `history.events` without asking.
  shard::AppendField(bytes, Response::kHistoryFieldNumber, page->history);
  call.ReplyBytes(std::move(bytes));
}

template <class Request>
Result<shard::HistoryRequest> Translate(const Services& services, const Request& request) {
  WFE_ASSIGN_OR_RETURN(shard::Target target, TargetOf(services, request.namespace_(), request.execution()));
  if (request.maximum_page_size() < 0) return InvalidArgument("MaximumPageSize is negative.");
  shard::HistoryRequest read;
  read.target = std::move(target);
  read.page_size = std::min(request.maximum_page_size(), services.options.max_history_page);
  read.page_token = request.next_page_token();
  return read;
}

void GetHistory(Services& services, const ws::GetWorkflowExecutionHistoryRequest& request, Call call) {
  Result<shard::HistoryRequest> read = Translate(services, request);
  if (!read) return call.Fail(std::move(read).error());
  read->wait_new_event = request.wait_new_event();
  read->close_event_only = request.history_event_filter_type() == enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT;
  read->follows_runs = call.Supports("follows-next-run-id");
  read->deadline = call.WaitUntil(services.WaitClock().Now(), services.options.shard.long_poll_timeout,
                                  services.options.shard.long_poll_margin);
  read->gone = [call] { return call.IsCancelled(); };
  const WorkflowKey key = read->target.workflow;
  services.OnShard(key, [read = *std::move(read), call = std::move(call)](shard::Shard& shard) mutable {
    shard.GetHistory(std::move(read), [call = std::move(call)](Result<shard::HistoryPage> page) {
      ReplyPage<ws::GetWorkflowExecutionHistoryResponse>(call, std::move(page));
    });
  });
}

void GetHistoryReverse(Services& services, const ws::GetWorkflowExecutionHistoryReverseRequest& request, Call call) {
  Result<shard::HistoryRequest> read = Translate(services, request);
  if (!read) return call.Fail(std::move(read).error());
  const WorkflowKey key = read->target.workflow;
  services.OnShard(key, [read = *std::move(read), call = std::move(call)](shard::Shard& shard) mutable {
    shard.GetHistoryReverse(std::move(read), [call = std::move(call)](Result<shard::HistoryPage> page) {
      ReplyPage<ws::GetWorkflowExecutionHistoryReverseResponse>(call, std::move(page));
    });
  });
}

}  // namespace

void ServeHistoryReads(MethodTable& table, Services& services) {
  table.ServeBriefly<ws::GetWorkflowExecutionHistoryRequest>(
      kWorkflowService, "GetWorkflowExecutionHistory",
      [&services](const auto& request, Call call) { GetHistory(services, request, std::move(call)); });
  table.ServeBriefly<ws::GetWorkflowExecutionHistoryReverseRequest>(
      kWorkflowService, "GetWorkflowExecutionHistoryReverse",
      [&services](const auto& request, Call call) { GetHistoryReverse(services, request, std::move(call)); });
}

}  // namespace wfe::frontend
