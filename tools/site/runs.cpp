#include "tools/site/runs.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "tools/site/answers.h"
#include "tools/wfe/describe.h"

namespace wfe::site {
namespace {

namespace enums = temporal::api::enums::v1;
using nlohmann::ordered_json;

/// Of a history, at once: longer ones are counted so far, and the answer says so.
constexpr int kCountedEvents = 500;
constexpr size_t kShownEvents = 100;
/// Rows that are looked through for those that fit, so long at most; the answer goes on where it ended.
constexpr int64_t kRowsAtOnce = 500;
constexpr auto kLookThrough = std::chrono::milliseconds(15);

const nlohmann::json& RunStatuses() {
  static const nlohmann::json kStatuses = {"Running",    "Completed",      "Failed",  "Canceled",
                                           "Terminated", "ContinuedAsNew", "TimedOut"};
  return kStatuses;
}

using RunInfo = temporal::api::workflow::v1::WorkflowExecutionInfo;

/// Open runs have rows of their own; whatever else is looked for, all rows are looked through.
bool IsLookedThrough(const RunQuery& query) {
  return !query.type.empty() || !query.id.empty() || !(query.status.empty() || query.status == "Running");
}

bool Fits(const RunQuery& query, const RunInfo& info) {
  return (query.status.empty() || cli::StatusName(info.status()) == query.status) &&
         (query.type.empty() || info.type().name() == query.type) &&
         (query.id.empty() || info.execution().workflow_id() == query.id);
}

std::optional<std::string> BytesOfHex(const std::string& text) {
  std::string bytes;
  if (text.size() % 2 != 0 || text.find_first_not_of("0123456789abcdef") != std::string::npos) return std::nullopt;
  for (size_t at = 0; at < text.size(); at += 2) bytes += static_cast<char>(std::stoi(text.substr(at, 2), nullptr, 16));
  return bytes;
}

Error NoSuchPage() { return NotFound("there is no such page; begin again without page_token"); }

Result<ws::ListWorkflowExecutionsResponse> RunsAt(const SiteContext& context, const RunQuery& query,
                                                  const std::string& token, int64_t rows) {
  ws::ListWorkflowExecutionsRequest request;
  request.set_namespace_(context.ns);
  if (query.status == "Running") request.set_query("ExecutionStatus = 'Running'");
  request.set_page_size(static_cast<int>(rows));
  request.set_next_page_token(token);
  auto page = context.Call<ws::ListWorkflowExecutionsResponse>("ListWorkflowExecutions", request);
  if (!page && !token.empty() && page.error().code == StatusCode::kInvalidArgument) return NoSuchPage();
  return page;
}

/// "ActivityTaskScheduled" for EVENT_TYPE_ACTIVITY_TASK_SCHEDULED.
std::string EventName(enums::EventType type) {
  const std::string full = enums::EventType_Name(type);
  std::string name;
  bool begins = true;
  for (size_t at = std::string_view("EVENT_TYPE_").size(); at < full.size(); ++at) {
    const char c = full[at];
    if (c != '_') name += begins ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    begins = c == '_';
  }
  return name;
}

ws::GetWorkflowExecutionHistoryRequest HistoryRequest(const SiteContext& context, const std::string& workflow_id,
                                                      const std::string& run_id) {
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_(context.ns);
  request.mutable_execution()->set_workflow_id(workflow_id);
  request.mutable_execution()->set_run_id(run_id);
  return request;
}

Result<ordered_json> HistorySummary(const SiteContext& context, const std::string& workflow_id,
                                    const std::string& run_id) {
  auto request = HistoryRequest(context, workflow_id, run_id);
  request.set_maximum_page_size(kCountedEvents);
  WFE_ASSIGN_OR_RETURN(const auto page,
                       context.Call<ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", request));
  std::map<std::string, int64_t> by_type;
  nlohmann::ordered_json events = nlohmann::ordered_json::array();
  for (const auto& event : page.history().events()) {
    const std::string name = EventName(event.event_type());
    ++by_type[name];
    if (events.size() < kShownEvents) {
      events.push_back({{"id", event.event_id()}, {"type", name}, {"time", cli::IsoTime(event.event_time())}});
    }
  }
  return nlohmann::ordered_json{{"counted", page.history().events_size()},
                                {"whole", page.next_page_token().empty()},
                                {"by_type", by_type},
                                {"events", std::move(events)}};
}

Result<std::optional<cli::Outcome>> OutcomeIn(const SiteContext& context, const std::string& workflow_id,
                                              const std::string& run_id) {
  auto request = HistoryRequest(context, workflow_id, run_id);
  request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  WFE_ASSIGN_OR_RETURN(const auto page,
                       context.Call<ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", request));
  if (page.history().events_size() == 0) return std::optional<cli::Outcome>();
  return cli::OutcomeOf(page.history().events(page.history().events_size() - 1));
}

nlohmann::json RunSchema() {
  const nlohmann::json text = {{"type", "string"}};
  return {{"type", "object"},
          {"required", {"workflow_id", "run_id", "type", "status", "started"}},
          {"properties",
           {{"workflow_id", text},
            {"run_id", text},
            {"type", text},
            {"status", {{"type", "string"}, {"enum", RunStatuses()}}},
            {"started", text},
            {"closed", text},
            {"took", text},
            {"took_s", {{"type", "number"}}},
            {"history_length", {{"type", "integer"}}}}}};
}

nlohmann::json RunDetailSchema() {
  nlohmann::json schema = RunSchema();
  const nlohmann::json text = {{"type", "string"}};
  const nlohmann::json integer = {{"type", "integer"}};
  nlohmann::json& properties = schema["properties"];
  properties.erase("took");
  properties.erase("took_s");
  properties.erase("history_length");
  properties["task_queue"] = text;
  properties["history_events"] = integer;
  properties["history_bytes"] = integer;
  properties["open_activities"] = {{"type", "array"}, {"items", {{"type", "object"}}}};
  properties["workflow_task_attempt"] = integer;
  properties["result"] = nlohmann::json::object();
  properties["failure"] = text;
  properties["next_run_id"] = text;
  const nlohmann::json event = {{"type", "object"},
                                {"required", {"id", "type", "time"}},
                                {"properties", {{"id", integer}, {"type", text}, {"time", text}}}};
  properties["history"] = {{"type", "object"},
                           {"required", {"counted", "whole", "by_type", "events"}},
                           {"properties",
                            {{"counted", integer},
                             {"whole", {{"type", "boolean"}}},
                             {"by_type", {{"type", "object"}, {"additionalProperties", integer}}},
                             {"events", {{"type", "array"}, {"items", event}}}}}};
  schema["required"].push_back("history");
  return schema;
}

}  // namespace

std::vector<http::Parameter> RunParameters() {
  return {{.name = "status",
           .description = "Only runs in this state",
           .schema = {{"type", "string"}, {"enum", RunStatuses()}}},
          {.name = "type", .description = "Only workflows of this type", .schema = TextSchema(200, 1)},
          {.name = "workflow_id", .description = "Only runs of this workflow", .schema = TextSchema(200, 1)},
          {.name = "limit", .description = "At most so many", .schema = IntegerSchema(1, 100, 50)},
          {.name = "page_token", .description = "next_page_token of the page before", .schema = TextSchema(2000)}};
}

RunQuery RunQueryOf(const http::Request& request) {
  return {.status = ParameterOr(request, "status", ""),
          .type = ParameterOr(request, "type", ""),
          .id = ParameterOr(request, "workflow_id", ""),
          .limit = IntegerOr(request, "limit", 50),
          .page_token = ParameterOr(request, "page_token", "")};
}

Result<ordered_json> ListRuns(const SiteContext& context, const RunQuery& query) {
  std::optional<std::string> token = BytesOfHex(query.page_token);
  if (!token) return NoSuchPage();
  const bool looks_through = IsLookedThrough(query);
  const auto until = std::chrono::steady_clock::now() + kLookThrough;
  ordered_json runs = ordered_json::array();
  while (true) {
    const int64_t room = query.limit - static_cast<int64_t>(runs.size());
    WFE_ASSIGN_OR_RETURN(const auto page, RunsAt(context, query, *token, looks_through ? kRowsAtOnce : room));
    int seen = 0;
    for (const RunInfo& info : page.executions()) {
      if (static_cast<int64_t>(runs.size()) == query.limit) break;
      ++seen;
      if (Fits(query, info)) runs.push_back(ordered_json(cli::ExecutionRow(info)));
    }
    if (seen < page.executions_size()) {
      // The next page begins amid this one: asked for again up to there, it says where that is.
      WFE_ASSIGN_OR_RETURN(const auto part, RunsAt(context, query, *token, seen));
      token = part.next_page_token();
      break;
    }
    token = page.next_page_token();
    if (token->empty() || !looks_through || static_cast<int64_t>(runs.size()) == query.limit) break;
    if (std::chrono::steady_clock::now() > until) break;
  }
  ordered_json answer = {{"runs", std::move(runs)}};
  if (!token->empty()) answer["next_page_token"] = ToHex(*token);
  return answer;
}

Result<ordered_json> ReadRun(const SiteContext& context, const std::string& workflow_id, const std::string& run_id) {
  ws::DescribeWorkflowExecutionRequest request;
  request.set_namespace_(context.ns);
  request.mutable_execution()->set_workflow_id(workflow_id);
  request.mutable_execution()->set_run_id(run_id);
  const auto description = context.Call<ws::DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request);
  if (!description) {
    // An id that cannot be one is of no run.
    const Error& error = description.error();
    return error.code == StatusCode::kInvalidArgument ? NotFound(error.message) : error;
  }
  // What comes next is asked of the run that was described, whatever begins meanwhile.
  const std::string& run = description->workflow_execution_info().execution().run_id();
  WFE_ASSIGN_OR_RETURN(const auto outcome, OutcomeIn(context, workflow_id, run));
  nlohmann::ordered_json answer = cli::DescriptionObject(*description, outcome);
  WFE_ASSIGN_OR_RETURN(answer["history"], HistorySummary(context, workflow_id, run));
  return answer;
}

void AddRuns(http::Router& router, const SiteContext& context, nlohmann::json& schemas) {
  http::Operation list = ReadOperation("/api/runs", "listRuns", "Runs, newest first", SchemaRef("Runs"));
  list.parameters = RunParameters();
  list.errors = {404};
  list.handle = [&context](const http::Request& request) {
    const auto runs = ListRuns(context, RunQueryOf(request));
    return runs ? JsonAnswer(*runs) : http::ErrorResponse(runs.error());
  };
  router.Add(std::move(list));
  http::Operation show =
      ReadOperation("/api/runs/{workflow_id}", "getRun", "One run: state, result, history", SchemaRef("RunDetail"));
  show.parameters = {
      {.name = "workflow_id", .description = "Of the workflow", .schema = TextSchema(1000, 1), .in_path = true},
      {.name = "run_id", .description = "Default: the newest", .schema = TextSchema(100)}};
  show.errors = {404};
  show.handle = [&context](const http::Request& request) {
    const auto run = ReadRun(context, request.values.at("workflow_id"), ParameterOr(request, "run_id", ""));
    return run ? JsonAnswer(*run) : http::ErrorResponse(run.error());
  };
  router.Add(std::move(show));
  schemas["Run"] = RunSchema();
  schemas["RunDetail"] = RunDetailSchema();
  schemas["Runs"] = {
      {"type", "object"},
      {"required", {"runs"}},
      {"properties",
       {{"runs", {{"type", "array"}, {"items", SchemaRef("Run")}}}, {"next_page_token", {{"type", "string"}}}}}};
}

}  // namespace wfe::site
