// Lists and counts of executions (EN-7, S104, S105).
#include "engine/frontend/handler_table.h"
#include "engine/frontend/services.h"
#include "engine/frontend/validation.h"
#include "engine/shard/answers.h"
#include "engine/visibility/visibility_reader.h"

namespace wfe::frontend {

namespace ws = temporal::api::workflowservice::v1;

namespace {

constexpr int kDefaultPageSize = 100;
constexpr size_t kMaxQueryBytes = 64 << 10;

Status CheckQuery(const Services& services, const std::string& ns, const std::string& query) {
  WFE_RETURN_IF_ERROR(CheckNamespace(services, ns));
  if (query.size() > kMaxQueryBytes) {
    return InvalidArgument("the query has " + std::to_string(query.size()) + " bytes, at most " +
                           std::to_string(kMaxQueryBytes) + " are accepted");
  }
  return Ok();
}

void List(Services& services, ws::ListWorkflowExecutionsRequest request, Call call) {
  if (Status valid = CheckQuery(services, request.namespace_(), request.query()); !valid) {
    return call.Fail(std::move(valid).error());
  }
  if (request.page_size() < 0) return call.Fail(InvalidArgument("PageSize is negative."));
  const int page_size =
      std::min(request.page_size() > 0 ? request.page_size() : kDefaultPageSize, services.options.max_visibility_page);
  services.Blocking(call, [&services, request = std::move(request), page_size, call] {
    const visibility::VisibilityReader reader(services.host.store.stage(), services.options.visibility);
    Result<visibility::ListPage> page = reader.List(request.namespace_(), request.query(), page_size,
                                                    request.next_page_token(), services.options.max_list_page_bytes);
    if (!page) return call.Fail(std::move(page).error());
    ws::ListWorkflowExecutionsResponse response;
    for (const engine::v1::VisibilityRecord& record : page->records) {
      shard::FillExecutionInfo(record, response.add_executions());
    }
    response.set_next_page_token(page->next_page_token);
    call.Reply(response);
  });
}

void Count(Services& services, ws::CountWorkflowExecutionsRequest request, Call call) {
  if (Status valid = CheckQuery(services, request.namespace_(), request.query()); !valid) {
    return call.Fail(std::move(valid).error());
  }
  services.Blocking(call, [&services, request = std::move(request), call] {
    const visibility::VisibilityReader reader(services.host.store.stage(), services.options.visibility);
    Result<int64_t> count = reader.Count(request.namespace_(), request.query());
    if (!count) return call.Fail(std::move(count).error());
    ws::CountWorkflowExecutionsResponse response;
    response.set_count(*count);
    call.Reply(response);
  });
}

}  // namespace

void ServeVisibility(HandlerTable& table, Services& services) {
  table.Serve<ws::ListWorkflowExecutionsRequest>(
      kWorkflowService, "ListWorkflowExecutions",
      [&services](auto request, Call call) { List(services, std::move(request), std::move(call)); });
  table.Serve<ws::CountWorkflowExecutionsRequest>(
      kWorkflowService, "CountWorkflowExecutions",
      [&services](auto request, Call call) { Count(services, std::move(request), std::move(call)); });
}

}  // namespace wfe::frontend
