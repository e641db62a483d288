// Lists and counts of executions (EN-7, S104, S105).
#include <regex>

#include "engine/frontend/blocking.h"
#include "engine/frontend/method_table.h"
#include "engine/frontend/validation.h"
#include "engine/runtime/services.h"
#include "engine/shard/answers.h"
#include "engine/visibility/list_filter.h"
#include "engine/visibility/visibility_reader.h"

namespace wfe::frontend {

namespace ws = temporal::api::workflowservice::v1;

namespace {

constexpr int kRunsOnPage = 100;
constexpr size_t kMaxQueryBytes = 64 << 10;
constexpr size_t kLongestGroupBy = 200;  // a regular expression is tried on no more of a query than its end

Status CheckQuery(const std::string& query) {
  if (query.size() > kMaxQueryBytes) {
    return InvalidArgument("the query has " + std::to_string(query.size()) + " bytes, at most " +
                           std::to_string(kMaxQueryBytes) + " are accepted");
  }
  return Ok();
}

void List(Services& services, ws::ListWorkflowExecutionsRequest request, Call call) {
  if (Status valid = CheckQuery(request.query()); !valid) {
    return call.Fail(std::move(valid).error());
  }
  if (request.page_size() < 0) return call.Fail(InvalidArgument("PageSize is negative."));
  const int page_size =
      std::min(request.page_size() > 0 ? request.page_size() : kRunsOnPage, services.options.max_visibility_page);
  Blocking(services, call, [&services, request = std::move(request), page_size, call] {
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

/// A count's query, and whether it is to be told for each status.
struct CountQuery {
  std::string filter;
  bool by_status = false;
};

Result<CountQuery> ParseCountQuery(const std::string& query) {
  static const std::regex kGroupBy(R"((^|\s)GROUP\s+BY\s+`?(\w+)`?\s*$)", std::regex::icase);
  CountQuery parsed{.filter = query, .by_status = false};
  const std::string end = query.substr(query.size() - std::min(query.size(), kLongestGroupBy));
  std::smatch match;
  if (!std::regex_search(end, match, kGroupBy)) return parsed;
  if (match[2] != "ExecutionStatus") {
    return InvalidArgument(
        "invalid query: operation is not supported: 'group by' clause is only supported for ExecutionStatus search "
        "attribute");
  }
  parsed.filter.resize(query.size() - static_cast<size_t>(match.length(0)));
  parsed.by_status = true;
  return parsed;
}

void Count(Services& services, ws::CountWorkflowExecutionsRequest request, Call call) {
  if (Status valid = CheckQuery(request.query()); !valid) {
    return call.Fail(std::move(valid).error());
  }
  Result<CountQuery> query = ParseCountQuery(request.query());
  if (!query) return call.Fail(std::move(query).error());
  Blocking(services, call, [&services, ns = request.namespace_(), query = *std::move(query), call] {
    const visibility::VisibilityReader reader(services.host.store.stage(), services.options.visibility);
    const auto counts = reader.CountByStatus(ns, query.filter);
    if (!counts) return call.Fail(counts.error());
    ws::CountWorkflowExecutionsResponse response;
    for (const auto& [status, count] : *counts) {
      response.set_count(response.count() + count);
      if (!query.by_status) continue;
      auto& group = *response.add_groups();
      group.set_count(count);
      auto& value = *group.add_group_values();
      (*value.mutable_metadata())["encoding"] = "json/plain";
      (*value.mutable_metadata())["type"] = "Keyword";
      value.set_data("\"" + std::string(visibility::StatusName(status)) + "\"");
    }
    call.Reply(response);
  });
}

}  // namespace

void ServeVisibility(MethodTable& table, Services& services) {
  table.Serve<ws::ListWorkflowExecutionsRequest>(
      kWorkflowService, "ListWorkflowExecutions",
      [&services](auto request, Call call) { List(services, std::move(request), std::move(call)); });
  table.Serve<ws::CountWorkflowExecutionsRequest>(
      kWorkflowService, "CountWorkflowExecutions",
      [&services](auto request, Call call) { Count(services, std::move(request), std::move(call)); });
}

}  // namespace wfe::frontend
