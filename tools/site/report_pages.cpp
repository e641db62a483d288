// Reports of audits: the list, and each as JSON and as its page.
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/reports.h"
#include "activities/analytics/steps/audit_steps.h"
#include "engine/base/parse_json.h"
#include "tools/http/target.h"
#include "tools/site/answers.h"
#include "tools/site/site_context.h"

namespace wfe::site {
namespace {

using reports::Markup;

constexpr size_t kMostReports = 1000;

/// The newest first.
Result<std::vector<nlohmann::json>> ReadReportRows(const SiteContext& context) {
  std::vector<nlohmann::json> rows;
  WFE_RETURN_IF_ERROR(context.records.ScanRows(std::string(analytics::kReportsTable), "",
                                               [&rows](const std::string& key, const std::string& value) {
                                                 nlohmann::json row = ParseJson(value);
                                                 if (!row.is_object()) return;
                                                 row["report_id"] = key;
                                                 rows.push_back(std::move(row));
                                               }));
  std::ranges::reverse(rows);
  if (rows.size() > kMostReports) rows.resize(kMostReports);
  return rows;
}

Result<nlohmann::json> ReadReportOf(const SiteContext& context, const std::string& id) {
  WFE_ASSIGN_OR_RETURN(const auto row, context.records.GetRow(std::string(analytics::kReportsTable), id));
  if (!row) return NotFound("there is no report " + id);
  const std::string blob = TextAt(ParseJson(*row), "report");
  if (blob.empty()) return NotFound("the report " + id + " is in a directory only, and not in the records");
  WFE_ASSIGN_OR_RETURN(const std::string bytes, context.records.Get(blob));
  nlohmann::json report = ParseJson(bytes, kMaxStoredJsonDepth);
  if (!report.is_object()) return Error{StatusCode::kDataLoss, "the report " + id + " is no JSON object", {}};
  return report;
}

std::string ReportsPage(const std::vector<nlohmann::json>& rows) {
  Markup out;
  OpenFrame(out,
            {.title = "wfe reports", .skip = "Skip to the reports", .sections = {}, .site = SitePages("/reports")});
  out.Open("header", {{"class", "masthead"}}).Leaf("h1", "Reports of audits");
  out.Leaf("p", {{"class", "lead"}}, "Newest first").Close("header");
  out.Open("section", {{"id", "reports"}, {"aria-label", "Reports"}});
  if (rows.empty()) {
    out.Open("p", {{"class", "empty"}}).Text("There are none yet; ").Leaf("code", "wfe audit run").Text(" makes one.");
    out.Close("p");
  }
  out.Open("dl", {{"class", "list"}});
  for (const nlohmann::json& row : rows) {
    const std::string id = TextAt(row, "report_id");
    out.Open("dt").Leaf("a", {{"href", "/reports/" + http::PercentEncode(id)}}, id).Close("dt");
    const auto count = [&row](const char* name) { return std::to_string(CountAt(row, name)); };
    out.Open("dd").Text(TextAt(row, "headline") + " ");
    out.Leaf("span", {{"class", "soft small"}},
             count("runs") + " runs, " + count("findings") + " findings, " + count("significant") + " claims");
    out.Close("dd");
  }
  out.Close("dl").Close("section");
  CloseFrame(out, [](Markup& foot) { foot.Text("As JSON: ").Leaf("a", {{"href", "/api/reports"}}, "/api/reports"); });
  return out.Take();
}

std::vector<http::Parameter> ReportParameters() {
  return {{.name = "report_id", .description = "Of the report", .schema = TextSchema(200, 1), .in_path = true}};
}

}  // namespace

void AddReports(http::Router& router, const SiteContext& context, nlohmann::json& schemas) {
  http::Operation list =
      ReadOperation("/api/reports", "listReports", "Reports of audits, newest first", SchemaRef("Reports"));
  list.handle = [&context](const http::Request&) {
    const auto rows = ReadReportRows(context);
    return rows ? JsonAnswer({{"reports", *rows}}) : http::ErrorResponse(rows.error());
  };
  router.Add(std::move(list));
  http::Operation show =
      ReadOperation("/api/reports/{report_id}", "getReport", "One report, whole", SchemaRef("Report"));
  show.parameters = ReportParameters();
  show.errors = {404};
  show.handle = [&context](const http::Request& request) {
    const auto report = ReadReportOf(context, request.values.at("report_id"));
    return report ? JsonAnswer(*report) : http::ErrorResponse(report.error());
  };
  router.Add(std::move(show));
  router.Add(PageOperation("/reports", [&context](const http::Request&) {
    const auto rows = ReadReportRows(context);
    return rows ? PageAnswer(ReportsPage(*rows)) : http::ErrorResponse(rows.error());
  }));
  http::Operation page = PageOperation("/reports/{report_id}", [&context](const http::Request& request) {
    const auto report = ReadReportOf(context, request.values.at("report_id"));
    if (!report) return http::ErrorResponse(report.error());
    const auto html = analytics::RenderHtml(*report, SitePages("/reports"));
    return html ? PageAnswer(*html) : http::ErrorResponse(500, "internal", html.error().message);
  });
  page.parameters = ReportParameters();
  router.Add(std::move(page));
  const nlohmann::json row = {
      {"type", "object"}, {"required", {"report_id"}}, {"properties", {{"report_id", {{"type", "string"}}}}}};
  schemas["Report"] = {{"type", "object"}, {"required", {"report_id"}}};
  schemas["Reports"] = {{"type", "object"},
                        {"required", {"reports"}},
                        {"properties", {{"reports", {{"type", "array"}, {"items", row}}}}}};
}

}  // namespace wfe::site
