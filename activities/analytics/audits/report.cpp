#include "activities/analytics/audits/report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "activities/analytics/audits/json_schema.h"
#include "activities/analytics/audits/section.h"
#include "engine/base/time.h"

namespace wfe::analytics {
namespace {

using nlohmann::json;

constexpr size_t kMaxListedInReport = 1000;

/// One thing that a section has to say, on its way to being a finding.
struct Said {
  std::string kind;
  std::string hypothesis;
  bool always = false;
  std::string otherwise;
  json finding;
};

constexpr Query kTests{.id = "report.tests",
                       .title = "Every hypothesis that was tested",
                       .rows = "hypotheses",
                       .filter = "",
                       .group_by = "",
                       .measures = "p_adjusted: Holm over all hypotheses of this report"};

/// What was tested, whatever came of it.
json TestsTable(const std::string& kind, const std::vector<Said>& all) {
  json rows = json::array();
  for (const Said& said : all) {
    if (said.kind != kind || !said.finding.contains("p_value")) continue;
    const json& effect = said.finding.at("effect");
    const json& groups = said.finding.at("groups");
    rows.push_back({{"hypothesis", said.hypothesis},
                    {"test", said.finding.at("test")},
                    {"n_before", groups[0]["n"]},
                    {"n_after", groups[1]["n"]},
                    {"effect", effect["value"]},
                    {"lo", effect["interval"][0]},
                    {"hi", effect["interval"][1]},
                    {"p", said.finding.at("p_value")},
                    {"p_adjusted", said.finding.at("p_adjusted")},
                    {"runs", json::array()}});
  }
  const auto column = [](const char* key, const char* label, const char* unit) {
    return json{{"key", key}, {"label", label}, {"unit", unit}};
  };
  std::string id = kind + "-tests";
  std::replace(id.begin(), id.end(), '_', '-');
  return {{"id", id},
          {"title", "What was tested"},
          {"query", kTests.id},
          {"columns",
           {column("hypothesis", "Hypothesis", "text"), column("test", "Test", "text"),
            column("n_before", "n first", "count"), column("n_after", "n second", "count"),
            column("effect", "Difference", "ratio"), column("lo", "95% from", "ratio"), column("hi", "to", "ratio"),
            column("p", "p", "ratio"), column("p_adjusted", "p after Holm", "ratio")}},
          {"rows", std::move(rows)}};
}

/// Holm over all p-values; sets p_adjusted and significant.  Answers the size of the family.
size_t Correct(std::vector<Said>& all) {
  std::vector<double> p_values;
  for (const Said& said : all) {
    if (said.finding.contains("p_value")) p_values.push_back(said.finding.at("p_value").get<double>());
  }
  const std::vector<double> adjusted = stats::HolmAdjust(p_values);
  size_t next = 0;
  for (Said& said : all) {
    said.finding["significant"] = false;
    if (!said.finding.contains("p_value")) continue;
    const double p = adjusted[next++];
    said.finding["significant"] = p < kSignificance;
    said.finding["p_value"] = Number(said.finding["p_value"].get<double>());
    said.finding["p_adjusted"] = Number(p);
  }
  return p_values.size();
}

/// Claims first, the surest first; then what is described.
void Order(std::vector<Said>& said) {
  std::stable_sort(said.begin(), said.end(), [](const Said& a, const Said& b) {
    const bool first = a.finding["significant"].get<bool>();
    const bool second = b.finding["significant"].get<bool>();
    if (first != second) return first;
    return first && a.finding["p_adjusted"].get<double>() < b.finding["p_adjusted"].get<double>();
  });
}

/// One cause may be seen by two audits.  The later finding says so and promises nothing: what removing the cause saves
/// is counted once.  Differences of several classes after one change are several things.
void CountSavingsOnce(json& findings) {
  std::map<std::string, const json*> first;  // by what is to be changed
  for (json& finding : findings) {
    const std::string key = finding.value("rule_key", "");
    // Two effects of one phrasing may point in two directions.
    if (key.empty() || key.starts_with("prompt:") || !finding.contains("saving")) continue;
    const auto [found, added] = first.try_emplace(key, &finding);
    if (added) continue;
    const json& other = *found->second;
    const bool of_a_class = finding.at("effect").value("measure", "").starts_with("difference in share of builds");
    if (of_a_class && other.at("audit") == finding.at("audit")) continue;
    finding["statement"] = finding.value("statement", "") + " " + other.at("id").get<std::string>() +
                           " is about the same; what can be saved is counted there.";
    finding.erase("saving");
  }
}

std::vector<json> DigestsByTime(const std::vector<json>& earlier) {
  std::vector<json> digests;
  for (const json& report : earlier) digests.push_back(DigestReport(report));
  std::stable_sort(digests.begin(), digests.end(), [](const json& a, const json& b) {
    return std::pair(a["generated_at"], a["report_id"]) < std::pair(b["generated_at"], b["report_id"]);
  });
  return digests;
}

const json* FindKey(const json& summary, const std::string& key) {
  for (const json& row : summary) {
    if (row.at("key") == key) return &row;
  }
  return nullptr;
}

/// With what stood in the report before.  A change is only stated where both had enough builds for statements (OP-5).
json SummaryWithChange(json summary, const json* previous, bool sufficient) {
  if (previous == nullptr) return summary;
  const bool comparable = sufficient && previous->value("sufficient", true);
  for (json& row : summary) {
    const json* before = FindKey(previous->at("summary"), row.at("key").get<std::string>());
    if (before == nullptr) continue;
    row["previous"] = before->at("value");
    if (comparable) row["change"] = Number(row.at("value").get<double>() - before->at("value").get<double>());
  }
  return summary;
}

/// Seconds between two times of the window; nullopt: it is open on a side.
std::optional<int64_t> PeriodSeconds(const ReportInput& input) {
  if (!input.window_from || !input.window_to) return std::nullopt;
  const auto from = ParseIso8601(*input.window_from);
  const auto to = ParseIso8601(*input.window_to);
  if (!from || !to) return std::nullopt;
  return std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(*to - *from).count());
}

/// What a report may be set beside another by (RP-2).
json ScopeOf(const json& overview, const ReportInput& input) {
  std::set<std::string> sources;
  for (const json& source : input.sources) {
    sources.insert(source.value("kind", "") + ":" + source.value("location", ""));
  }
  json scope = overview.value("scope", json::object());
  scope["sources"] = sources;
  scope["scripted_only"] = overview.at("scripted_only");
  if (const auto period = PeriodSeconds(input)) scope["period_s"] = *period;
  return scope;
}

/// Why two scopes are not the same, in words; empty: they are.  A night in spring is an hour shorter than the one
/// before it, and months differ, so lengths of windows may differ by a tenth.
std::string DifferenceOfScopes(const json& a, const json& b) {
  std::string differences;
  const auto differ = [&](const std::string& what) { differences += (differences.empty() ? "" : ", ") + what; };
  if (a.value("sources", json()) != b.value("sources", json())) differ("other sources");
  if (a.value("workflow_types", json()) != b.value("workflow_types", json())) differ("other workflow types");
  if (a.value("templates", json()) != b.value("templates", json())) differ("other templates");
  if (a.value("scripted_only", false) != b.value("scripted_only", false)) differ("scripted answers on one side only");
  const auto one = static_cast<double>(a.value("period_s", int64_t{-1}));
  const auto two = static_cast<double>(b.value("period_s", int64_t{-1}));
  const bool one_is_open = one < 0;
  const bool two_is_open = two < 0;
  if (one_is_open != two_is_open || (!one_is_open && std::abs(one - two) > 0.1 * std::max(one, two))) {
    differ("a window of another length");
  }
  return differences;
}

/// The report to compare with, and what there is to say about the choice.
struct Comparable {
  const json* previous = nullptr;
  std::vector<const json*> trend;  ///< Of the same scope, by time.
  std::string note;
};
Comparable ChooseComparable(const std::vector<json>& digests, const json& baseline, const json& scope) {
  Comparable chosen;
  std::string newest_differs;
  for (const json& digest : digests) {
    newest_differs = digest.contains("scope") ? DifferenceOfScopes(scope, digest.at("scope")) : "a scope not recorded";
    if (newest_differs.empty()) chosen.trend.push_back(&digest);
  }
  if (!baseline.is_null()) {
    chosen.previous = &baseline;
    const std::string differs =
        baseline.contains("scope") ? DifferenceOfScopes(scope, baseline.at("scope")) : "a scope not recorded";
    if (!differs.empty()) {
      chosen.note = "The baseline, report " + baseline.at("report_id").get<std::string>() + ", has " + differs + ".";
    }
    return chosen;
  }
  if (!chosen.trend.empty()) {
    chosen.previous = chosen.trend.back();
  } else if (!digests.empty()) {
    chosen.note = "Not compared with report " + digests.back().at("report_id").get<std::string>() + ": it has " +
                  newest_differs + ".";
  }
  return chosen;
}

json TrendRow(const json& report_id, const json& generated_at, const json& summary) {
  json row = {{"report_id", report_id}, {"generated_at", generated_at}};
  for (const char* key : {"builds", "first_pass_rate", "success_rate", "mean_attempts", "tokens_per_success",
                          "cost_per_success", "rework_share"}) {
    if (const json* found = FindKey(summary, key)) row[key] = found->at("value");
  }
  return row;
}

json Header(const json& overview, const ReportInput& input, const Comparable& comparable) {
  const json* const previous = comparable.previous;
  json header = overview.at("header");
  header["sources"] = input.sources;
  header["duplicates"] = input.parse.duplicates;
  json listed = json::array();
  for (const ParseProblem& problem : input.parse.problems) {
    if (listed.size() == kMaxListedInReport) break;
    listed.push_back(
        {{"file", problem.file}, {"line", problem.line}, {"kind", problem.kind}, {"message", problem.message}});
  }
  json by_kind = json::object();
  for (const auto& [kind, count] : input.parse.problems_by_kind) by_kind[kind] = count;
  header["problems"] = {{"count", input.parse.problem_count()}, {"by_kind", by_kind}, {"listed", std::move(listed)}};
  if (previous != nullptr) {
    header["previous_report"] = {{"report_id", previous->at("report_id")},
                                 {"generated_at", previous->at("generated_at")}};
  }
  std::string note = overview.at("note").get<std::string>();
  for (const std::string& more : {input.note, comparable.note}) {
    if (!more.empty()) note += (note.empty() ? "" : " ") + more;
  }
  if (!note.empty()) header["note"] = note;
  return header;
}

/// What every section would say, in the order of the sections.
std::vector<Said> Candidates(const std::vector<const json*>& sections) {
  std::vector<Said> all;
  for (const json* section : sections) {
    for (const json& candidate : section->at("candidates")) {
      json finding = candidate.at("finding");
      finding["audit"] = section->at("kind");
      all.push_back({section->at("kind").get<std::string>(), candidate.at("hypothesis").get<std::string>(),
                     candidate.at("always").get<bool>(), candidate.value("otherwise", std::string()),
                     std::move(finding)});
    }
  }
  return all;
}

/// Those of the corrected candidates that are said, in the order of the report and with their ids.
json Findings(const std::vector<Said>& all, std::map<std::string, json>& ids_of) {
  std::vector<Said> said;
  for (const Said& one : all) {
    const bool significant = one.finding.at("significant").get<bool>();
    if (!one.always && !significant) continue;
    said.push_back(one);
    if (!significant && !one.otherwise.empty()) {
      said.back().finding["statement"] = one.finding.at("statement").get<std::string>() + " " + one.otherwise;
    }
  }
  Order(said);
  json findings = json::array();
  for (size_t i = 0; i < said.size(); ++i) {
    const std::string id = "F" + std::to_string(i + 1);
    said[i].finding["id"] = id;
    ids_of[said[i].kind].push_back(id);
    findings.push_back(std::move(said[i].finding));
  }
  CountSavingsOnce(findings);
  return findings;
}

/// The sections as the report shows them; what they asked of the data is added to `queries`.
json Audits(const std::vector<const json*>& sections, const std::vector<Said>& all,
            const std::map<std::string, json>& ids_of, json& queries) {
  json audits = json::array();
  for (const json* section : sections) {
    const auto kind = section->at("kind").get<std::string>();
    const auto ids = ids_of.find(kind);
    json audit = {{"kind", kind},
                  {"title", section->at("title")},
                  {"goal", section->at("goal")},
                  {"tables", section->at("tables")},
                  {"charts", section->at("charts")},
                  {"finding_ids", ids != ids_of.end() ? ids->second : json::array()}};
    json tests = TestsTable(kind, all);
    if (!tests["rows"].empty()) audit["tables"].push_back(std::move(tests));
    audits.push_back(std::move(audit));
    for (const json& query : section->at("queries")) queries.push_back(query);
  }
  return audits;
}

/// Every number that decided about a finding; `family`: how many hypotheses were tested together.
json Thresholds(const json& overview, size_t family) {
  return {{"min_runs", overview.at("min_runs")},
          {"min_rows_per_side", kMinRowsPerSide},
          {"min_repairs_of_most_expensive_class", 5},
          {"significance", kSignificance},
          {"confidence", stats::kConfidence},
          {"correction", "Holm"},
          {"hypotheses", family},
          {"fisher_below_expected_count", Number(stats::kSmallExpectedCount)},
          {"often_changed_section_versions", kOftenVersions},
          {"often_changed_section_changes", kOftenChanges},
          {"volatile_section_builds_between_changes", Number(kVolatileStretch)}};
}

}  // namespace

Result<json> RunAudit(std::string_view kind, const TraceTable& table, const AuditOptions& options) {
  return RunAudit(kind, MakeDataset(table, options), options);
}

Result<json> RunAudit(std::string_view kind, const Dataset& data, const AuditOptions& options) {
  Section (*audit)(const Dataset&, const AuditOptions&) = nullptr;
  if (kind == kAuditKinds[0]) audit = AuditTokenEfficiency;
  if (kind == kAuditKinds[1]) audit = AuditConstraints;
  if (kind == kAuditKinds[2]) audit = AuditPrompts;
  if (kind == kAuditKinds[3]) audit = AuditVolatility;
  if (audit == nullptr) {
    return InvalidArgument("there is no audit \"" + std::string(kind) +
                           "\": token_efficiency, constraint_effectiveness, prompt_refinement, context_volatility");
  }
  return SectionJson(audit(data, options));
}

json AssembleReport(const json& overview, const std::vector<json>& sections, const ReportInput& input) {
  std::vector<const json*> ordered;
  for (const std::string_view kind : kAuditKinds) {
    for (const json& section : sections) {
      if (section.at("kind") == kind) ordered.push_back(&section);
    }
  }
  std::vector<Said> all = Candidates(ordered);
  const size_t family = Correct(all);
  std::map<std::string, json> ids_of;
  json findings = Findings(all, ids_of);
  json queries = overview.at("queries");
  json audits = Audits(ordered, all, ids_of, queries);
  queries.push_back(QueryJson(kTests));

  const std::vector<json> digests = DigestsByTime(input.earlier);
  const json scope = ScopeOf(overview, input);
  const json baseline = input.baseline.is_null() ? json() : DigestReport(input.baseline);
  const Comparable comparable = ChooseComparable(digests, baseline, scope);
  const bool sufficient = overview.at("header").at("sufficiency").value("sufficient", false);
  json trend = json::array();
  for (const json* digest : comparable.trend) {
    trend.push_back(TrendRow(digest->at("report_id"), digest->at("generated_at"), digest->at("summary")));
  }
  trend.push_back(TrendRow(input.report_id, input.generated_at, overview.at("summary")));

  json window = json::object();
  if (input.window_from) window["from"] = *input.window_from;
  if (input.window_to) window["to"] = *input.window_to;
  return {{"schema_version", 1},
          {"report_id", input.report_id},
          {"generated_at", input.generated_at},
          {"window", window},
          {"scripted_only", overview.at("scripted_only")},
          {"scope", scope},
          {"header", Header(overview, input, comparable)},
          {"summary", SummaryWithChange(overview.at("summary"), comparable.previous, sufficient)},
          {"audits", std::move(audits)},
          {"findings", std::move(findings)},
          {"trend", {{"reports", std::move(trend)}, {"proposals", overview.at("proposals")}}},
          {"appendix",
           {{"queries", std::move(queries)},
            {"thresholds", Thresholds(overview, family)},
            {"runs", overview.at("runs")}}}};
}

Result<json> BuildReport(const TraceTable& table, const AuditOptions& options, const ReportInput& input,
                         const std::vector<std::string>& audits, const std::vector<ActivatedProposal>& proposals) {
  const Dataset data = MakeDataset(table, options);
  std::vector<json> sections;
  const auto run = [&](std::string_view kind) -> Status {
    WFE_ASSIGN_OR_RETURN(json section, RunAudit(kind, data, options));
    sections.push_back(std::move(section));
    return {};
  };
  if (audits.empty()) {
    for (const std::string_view kind : kAuditKinds) WFE_RETURN_IF_ERROR(run(kind));
  }
  for (const std::string& kind : audits) WFE_RETURN_IF_ERROR(run(kind));
  return AssembleReport(Overview(data, options, proposals), sections, input);
}

json DigestReport(const json& report) {
  json summary = json::array();
  for (const json& row : report.at("summary")) {
    summary.push_back({{"key", row.at("key")}, {"value", row.at("value")}});
  }
  json digest = {
      {"report_id", report.at("report_id")}, {"generated_at", report.at("generated_at")}, {"summary", summary}};
  if (report.contains("scope")) digest["scope"] = report.at("scope");
  if (report.contains("header")) {
    digest["sufficient"] = report.at("header").at("sufficiency").value("sufficient", true);
  } else if (report.contains("sufficient")) {
    digest["sufficient"] = report.at("sufficient");  // it was a digest
  }
  return digest;
}

std::vector<std::string> ReportProblems(const json& report) { return SchemaProblems(report, AuditReportSchema()); }

}  // namespace wfe::analytics
