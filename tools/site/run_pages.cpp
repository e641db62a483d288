// /runs and /runs/{id}: for people, from what the API gives.
#include "activities/analytics/reports/format.h"
#include "engine/base/parse_json.h"
#include "tools/http/target.h"
#include "tools/site/answers.h"
#include "tools/site/runs.h"

namespace wfe::site {
namespace {

using nlohmann::ordered_json;
using reports::Markup;

std::string TextOf(const ordered_json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return "";
  return found->is_string() ? found->get<std::string>()
                            : found->dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string RunHref(const std::string& workflow_id, const std::string& run_id) {
  return "/runs/" + http::PercentEncode(workflow_id) + "?run_id=" + http::PercentEncode(run_id);
}

std::string ListHref(const RunQuery& query) {
  std::string href = "/runs";
  const auto add = [&href](const char* name, const std::string& value) {
    if (!value.empty())
      href += (href.find('?') == std::string::npos ? "?" : "&") + std::string(name) + "=" + http::PercentEncode(value);
  };
  add("status", query.status);
  add("type", query.type);
  add("workflow_id", query.id);
  if (query.limit != 50) add("limit", std::to_string(query.limit));
  add("page_token", query.page_token);
  return href;
}

/// A name that begins with '#' heads a column of numbers.
void OpenTable(Markup& out, const std::string& title, std::initializer_list<std::string_view> columns) {
  out.Open("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", title}}).Open("table");
  out.Open("caption").Open("span").Leaf("strong", title).Close("span").Close("caption");
  out.Open("thead").Open("tr");
  for (const std::string_view column : columns) {
    const bool numeric = column.starts_with('#');
    out.Leaf("th", {{"scope", "col"}, {"class", numeric ? "num" : ""}}, column.substr(numeric ? 1 : 0));
  }
  out.Close("tr").Close("thead").Open("tbody");
}

void CloseTable(Markup& out) { out.Close("tbody").Close("table").Close("div"); }

/// Links instead of a form: a page may send nothing but requests for other pages.
void WriteFilters(Markup& out, const RunQuery& query) {
  out.Open("p").Text("Show: ");
  RunQuery other = query;
  other.page_token.clear();
  bool first = true;
  for (const char* status :
       {"", "Running", "Completed", "Failed", "Canceled", "Terminated", "TimedOut", "ContinuedAsNew"}) {
    if (!first) out.Text(" · ");
    first = false;
    other.status = status;
    const std::string text = *status == '\0' ? "all" : status;
    if (query.status == status) {
      out.Leaf("strong", text);
    } else {
      out.Leaf("a", {{"href", ListHref(other)}}, text);
    }
  }
  out.Close("p");
  if (query.type.empty() && query.id.empty()) return;
  other = {.status = query.status, .type = "", .id = "", .limit = query.limit, .page_token = ""};
  out.Open("p").Text("Only " + (query.id.empty() ? "type " + query.type : "workflow " + query.id) + ". ");
  out.Leaf("a", {{"href", ListHref(other)}}, "Show the others, too").Close("p");
}

std::string RunsPage(const RunQuery& query, const ordered_json& list) {
  Markup out;
  OpenFrame(out, {.title = "wfe runs", .skip = "Skip to the runs", .sections = {}, .site = SitePages("/runs")});
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", "Runs");
  out.Leaf("p", {{"class", "lead"}}, "Newest first; times are those of UTC").Close("header");
  out.Open("section", {{"id", "runs"}, {"aria-label", "Runs"}});
  WriteFilters(out, query);
  if (list["runs"].empty()) {
    out.Leaf("p", {{"class", "empty"}},
             list.contains("next_page_token") ? "None among those looked at so far." : "No run matches.");
  } else {
    OpenTable(out, reports::Count(static_cast<double>(list["runs"].size()), "run", "runs") + " on this page",
              {"Workflow", "State", "Type", "Began", "Took", "Run"});
    for (const ordered_json& run : list["runs"]) {
      const std::string type = TextOf(run, "type");
      out.Open("tr").Open("th", {{"scope", "row"}});
      out.Leaf("a", {{"href", RunHref(TextOf(run, "workflow_id"), TextOf(run, "run_id"))}}, TextOf(run, "workflow_id"));
      out.Close("th").Leaf("td", TextOf(run, "status")).Open("td");
      out.Leaf("a",
               {{"href",
                 ListHref({.status = query.status, .type = type, .id = "", .limit = query.limit, .page_token = ""})}},
               type);
      out.Close("td").Leaf("td", {{"class", "when"}, {"data-v", TextOf(run, "started")}},
                           reports::FormatInstant(TextOf(run, "started")));
      out.Leaf("td", TextOf(run, "took")).Open("td");
      out.Leaf("code", {{"title", TextOf(run, "run_id")}}, reports::ShortId(TextOf(run, "run_id")))
          .Close("td")
          .Close("tr");
    }
    CloseTable(out);
  }
  if (list.contains("next_page_token")) {
    RunQuery next = query;
    next.page_token = TextOf(list, "next_page_token");
    out.Open("p").Leaf("a", {{"href", ListHref(next)}, {"rel", "next"}}, "Older runs").Close("p");
  }
  out.Close("section");
  CloseFrame(out, [](Markup& foot) { foot.Text("As JSON: ").Leaf("a", {{"href", "/api/runs"}}, "/api/runs"); });
  return out.Take();
}

void WriteFacts(Markup& out, const ordered_json& run) {
  out.Open("dl", {{"class", "basis"}});
  WriteTerm(out, "State", TextOf(run, "status"));
  WriteTerm(out, "Type", TextOf(run, "type"));
  WriteTerm(out, "Task queue", TextOf(run, "task_queue"));
  WriteTerm(out, "Began", reports::FormatInstant(TextOf(run, "started")));
  if (run.contains("closed")) WriteTerm(out, "Ended", reports::FormatInstant(TextOf(run, "closed")));
  WriteTerm(out, "Run", TextOf(run, "run_id"));
  WriteTerm(out, "Events", TextOf(run, "history_events"));
  WriteTerm(out, "Bytes of history", TextOf(run, "history_bytes"));
  WriteTerm(out, "Goes on as", TextOf(run, "next_run_id"));
  out.Close("dl");
}

void WriteOpenActivities(Markup& out, const ordered_json& run) {
  if (!run.contains("open_activities")) return;
  OpenTable(out, "Activities under way", {"Activity", "Type", "#Attempt", "Last failure"});
  for (const ordered_json& each : run["open_activities"]) {
    out.Open("tr").Leaf("th", {{"scope", "row"}}, TextOf(each, "activity_id")).Leaf("td", TextOf(each, "type"));
    out.Leaf("td", {{"class", "num"}}, TextOf(each, "attempt")).Leaf("td", TextOf(each, "last_failure")).Close("tr");
  }
  CloseTable(out);
}

void WriteHistory(Markup& out, const ordered_json& history) {
  out.Open("section", {{"id", "history"}, {"aria-labelledby", "history-h"}})
      .Leaf("h2", {{"id", "history-h"}}, "History");
  if (history["whole"] != true) {
    out.Leaf("p", {{"class", "soft small"}}, "Of the first " + history["counted"].dump() + " events.");
  }
  OpenTable(out, "Events by type", {"Type", "#Events"});
  for (const auto& [type, count] : history["by_type"].items()) {
    out.Open("tr").Leaf("th", {{"scope", "row"}}, type).Leaf("td", {{"class", "num"}}, count.dump()).Close("tr");
  }
  CloseTable(out);
  OpenTable(out, "The first events", {"#Event", "Type", "Time"});
  for (const ordered_json& event : history["events"]) {
    out.Open("tr")
        .Leaf("td", {{"class", "num"}}, event["id"].dump())
        .Leaf("th", {{"scope", "row"}}, TextOf(event, "type"));
    out.Leaf("td", {{"class", "when"}}, TextOf(event, "time")).Close("tr");
  }
  CloseTable(out);
  out.Close("section");
}

std::string RunPage(const ordered_json& run) {
  constexpr size_t kMostShown = 64 << 10;
  const std::string workflow_id = TextOf(run, "workflow_id");
  Markup out;
  OpenFrame(out, {.title = "wfe run " + workflow_id,
                  .skip = "Skip to the run",
                  .sections = {{"state", "State", ""}, {"history", "History", ""}},
                  .site = SitePages("/runs")});
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", workflow_id);
  out.Leaf("p", {{"class", "lead"}}, TextOf(run, "type") + ", " + TextOf(run, "status")).Close("header");
  out.Open("section", {{"id", "state"}, {"aria-labelledby", "state-h"}}).Leaf("h2", {{"id", "state-h"}}, "State");
  WriteFacts(out, run);
  WriteOpenActivities(out, run);
  if (run.contains("failure")) out.Leaf("h3", "Failure").Leaf("pre", {{"class", "diff"}}, TextOf(run, "failure"));
  if (run.contains("result")) {
    const std::string result = run["result"].dump(2, ' ', false, ordered_json::error_handler_t::replace);
    out.Leaf("h3", "Result").Leaf("pre", {{"class", "diff"}}, reports::Clip(result, kMostShown));
  }
  out.Close("section");
  WriteHistory(out, run["history"]);
  const std::string api = "/api" + RunHref(workflow_id, TextOf(run, "run_id"));
  CloseFrame(out, [&](Markup& foot) { foot.Text("As JSON: ").Leaf("a", {{"href", api}}, api); });
  return out.Take();
}

}  // namespace

void AddRunPages(http::Router& router, const SiteContext& context) {
  http::Operation list = PageOperation("/runs", [&context](const http::Request& request) {
    const RunQuery query = RunQueryOf(request);
    const auto runs = ListRuns(context, query);
    return runs ? PageAnswer(RunsPage(query, *runs)) : http::ErrorResponse(runs.error());
  });
  list.parameters = RunParameters();
  router.Add(std::move(list));
  http::Operation show = PageOperation("/runs/{workflow_id}", [&context](const http::Request& request) {
    const auto run = ReadRun(context, request.values.at("workflow_id"), ParameterOr(request, "run_id", ""));
    return run ? PageAnswer(RunPage(*run)) : http::ErrorResponse(run.error());
  });
  show.parameters = {{.name = "workflow_id", .description = "", .schema = TextSchema(1000, 1), .in_path = true},
                     {.name = "run_id", .description = "", .schema = TextSchema(100)}};
  router.Add(std::move(show));
}

}  // namespace wfe::site
