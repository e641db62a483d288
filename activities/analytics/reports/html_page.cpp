// The document: head, the rail of sections, the parts in their order.
#include <algorithm>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "activities/analytics/reports/assets.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html.h"
#include "activities/analytics/reports/reports.h"
#include "activities/analytics/reports/wording.h"
#include "engine/base/hash.h"

namespace wfe::analytics::reports {
namespace {

/// Rows of the appendix beyond these stay in report.json, so that the document opens quickly.
constexpr size_t kListedRuns = 120;

std::string Base64(std::string_view bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) {
      group = group << 8 | (at + i < bytes.size() ? static_cast<uint8_t>(bytes[at + i]) : 0U);
    }
    const size_t used = std::min<size_t>(3, bytes.size() - at);
    for (size_t i = 0; i < 4; ++i) text += i <= used ? kDigits[group >> (18 - 6 * i) & 63U] : '=';
  }
  return text;
}

/// The page may run its own two scripts and nothing else, and it fetches nothing: should a text of a trace ever come
/// through as markup, it stays without effect (SEC-M4).
std::string ContentPolicy() {
  const auto allowed = [](std::string_view script) {
    const Sha256Digest digest = Sha256(Markup::Embedded(script));
    return " 'sha256-" + Base64(AsBytes(digest)) + "'";
  };
  return "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src" +
         allowed(ThemeScript()) + allowed(PageScript());
}

void WriteHead(Markup& out, const Report& report) {
  out.Open("head");
  out.Void("meta", {{"charset", "utf-8"}});
  out.Void("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", ContentPolicy()}});
  out.Void("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  out.Void("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  out.Leaf("title", Heading(report));
  out.Embed("style", StyleSheet());
  out.Embed("script", ThemeScript());
  out.Close("head");
}

void WriteRailLink(Markup& out, const std::string& anchor, std::string_view text, std::string_view note = {}) {
  out.Open("li").Open("a", {{"href", "#" + anchor}}).Text(text);
  if (!note.empty()) out.Text(" ").Leaf("span", {{"class", "soft"}}, note);
  out.Close("a").Close("li");
}

void WriteRail(Markup& out, const Page& page) {
  const Report& report = page.report;
  out.Open("nav", {{"class", "rail"}, {"aria-label", "Sections"}}).Open("ol");
  WriteRailLink(out, "summary", "Summary");
  WriteRailLink(out, "findings", "Findings", FormatPlain(static_cast<double>(report.findings.size())));
  for (const Audit& audit : report.audits) WriteRailLink(out, AuditAnchor(audit.kind), audit.title);
  if (HasTrend(report)) WriteRailLink(out, "trend", "Trend");
  WriteRailLink(out, "appendix", "Appendix");
  out.Close("ol");
  // Without JavaScript the system's theme is the only one, and the buttons stay hidden.
  out.Open("div", {{"class", "themes"}, {"role", "group"}, {"aria-label", "Theme"}, {"hidden", "hidden"}});
  for (const std::string_view theme : {"auto", "light", "dark"}) {
    out.Leaf("button", {{"type", "button"}, {"data-theme", theme}, {"aria-pressed", "false"}}, theme);
  }
  out.Close("div").Close("nav");
}

std::string WriteDocument(const Report& report) {
  Page page{.report = report, .listed_runs = RunsToList(report, kListedRuns), .anchors = {}};
  for (const RunRow* run : page.listed_runs) page.anchors.insert(RunAnchor(run->run_id));
  for (const Finding& finding : report.findings) page.anchors.insert(FindingAnchor(finding.id));
  for (const Audit& audit : report.audits) page.anchors.insert(AuditAnchor(audit.kind));
  for (const Query& query : report.queries) page.anchors.insert(QueryAnchor(query.id));

  Markup out;
  out.Raw("<!DOCTYPE html>\n").Open("html", {{"lang", "en"}});
  WriteHead(out, report);
  out.Open("body");
  out.Leaf("a", {{"class", "skip"}, {"href", "#content"}}, "Skip to the report");
  out.Open("div", {{"class", "page"}});
  WriteRail(out, page);
  out.Open("main", {{"id", "content"}});
  WriteMasthead(out, page);
  WriteSummary(out, page);
  WriteFindings(out, page);
  for (const Audit& audit : report.audits) WriteAudit(out, page, audit);
  if (HasTrend(report)) WriteTrend(out, page);
  WriteAppendix(out, page);
  out.Open("footer", {{"class", "soft"}});
  out.Text("Report ").Leaf("code", report.report_id).Text(", generated " + FormatInstant(report.generated_at) + ".");
  out.Close("footer").Close("main").Close("div");
  out.Embed("script", PageScript());
  out.Close("body").Close("html");
  return out.Take();
}

}  // namespace

void WriteLink(Markup& out, const Page& page, std::string_view css_class, const std::string& anchor,
               std::string_view text) {
  if (page.anchors.contains(anchor)) {
    out.Leaf("a", {{"class", css_class}, {"href", "#" + anchor}}, text);
  } else {
    out.Leaf("span", {{"class", css_class}}, text);
  }
}

void WriteTerm(Markup& out, std::string_view term, std::string_view text) {
  if (text.empty()) return;
  out.Open("div").Leaf("dt", term).Leaf("dd", text).Close("div");
}

std::string FindingAnchor(std::string_view id) { return AnchorOf("finding-", id); }
std::string AuditAnchor(std::string_view kind) { return AnchorOf("audit-", kind); }
std::string QueryAnchor(std::string_view id) { return AnchorOf("query-", id); }
std::string RunAnchor(std::string_view id) { return AnchorOf("run-", id); }

}  // namespace wfe::analytics::reports

namespace wfe::analytics {

Result<std::string> RenderHtml(const nlohmann::json& report) {
  WFE_ASSIGN_OR_RETURN(const reports::Report read, reports::ReadReport(report));
  return reports::WriteDocument(read);
}

}  // namespace wfe::analytics
