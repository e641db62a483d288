// An audit report as the two renderers see it: read and checked once, so that rendering itself cannot fail.
// Optional fields are std::optional or empty; see schemas/audit_report.schema.json for their meaning.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/result.h"

namespace wfe::analytics::reports {

using OptionalText = std::optional<std::string>;
using OptionalNumber = std::optional<double>;

/// Low and high end.
struct Interval {
  double low = 0;
  double high = 0;
};

/// A named value whose type only the report knows: a threshold, a prediction.
using NamedText = std::pair<std::string, std::string>;

struct Source {
  std::string kind, location;
  OptionalNumber files, entries;
};

struct Problem {
  std::string file, kind, message;
  OptionalNumber line;
};

struct Sufficiency {
  bool sufficient = true;
  OptionalNumber min_runs, runs;
  std::string statement;
};

struct Header {
  std::vector<Source> sources;
  OptionalNumber runs, completed_runs, incomplete_runs, builds, entries, duplicates;
  OptionalNumber beginning_missing_runs, unchained_runs, unchained_entries, broken_chain_runs;
  double problem_count = 0;
  std::vector<std::pair<std::string, double>> problems_by_kind;
  std::vector<Problem> problems;
  std::vector<std::pair<std::string, double>> token_sources;  ///< Shares, in the order they are shown.
  OptionalText previous_report_id, previous_generated_at, note;
  std::optional<Sufficiency> sufficiency;
};

struct SummaryItem {
  std::string key, label, unit;
  double value = 0;
  OptionalNumber n, previous, change;
};

struct TableColumn {
  std::string key, label, unit;
};

/// Nothing, a number, yes or no, text, several texts, an interval.
using Cell = std::variant<std::monostate, double, bool, std::string, std::vector<std::string>, Interval>;

struct Row {
  std::vector<Cell> cells;  ///< One for each column.
  std::vector<std::string> runs;
};

struct Table {
  std::string id, title, query;
  std::vector<TableColumn> columns;
  std::vector<Row> rows;
  double rows_left_out = 0;             ///< Not even in `whole_in`.
  std::string whole_in{"report.json"};  ///< Where rows are that a page has no room for.
};

struct Point {
  std::string x;
  double y = 0;
  std::optional<Interval> band;
  std::string note;
};

struct Series {
  std::string name;
  std::vector<Point> points;
};

enum class ChartType { kBar, kLine, kStackedBar, kTimeline };

struct Chart {
  std::string id, title, x_label, y_label, unit;
  ChartType type = ChartType::kBar;
  std::vector<Series> series;
};

struct Audit {
  std::string kind, title, goal;
  std::vector<Table> tables;
  std::vector<Chart> charts;
  std::vector<std::string> finding_ids;
};

struct Group {
  std::string name;
  OptionalNumber n, value;
};

struct Effect {
  std::string measure, unit;
  OptionalNumber value, confidence;
  std::optional<Interval> interval;
};

struct Saving {
  OptionalNumber tokens, usd;
  std::string basis;
};

struct Example {
  std::string run_id, step, file;
  OptionalNumber line;
};

struct Proposal {
  std::string template_id, base_version, draft_version, section, reason, diff;
};

struct Finding {
  std::string id, audit, title, statement, test, section, template_id, rule_key, recommendation;
  bool significant = false;
  OptionalNumber n, p_value, p_adjusted;
  std::vector<Group> groups;
  std::optional<Effect> effect;
  std::optional<Saving> saving;
  std::vector<Example> examples;
  std::optional<Proposal> proposal;
};

struct TrendReport {
  std::string report_id, generated_at;
  OptionalNumber first_pass_rate, success_rate, tokens_per_success, rework_share;
};

struct TrendProposal {
  std::string template_id, version, activated_at;
  std::optional<Effect> found;             ///< What the finding behind it had seen.
  std::optional<Saving> predicted_saving;  ///< What it promised.
  std::vector<NamedText> predicted;        ///< Whatever else the prediction says.
  std::optional<Effect> measured;
  OptionalNumber measured_n;
  std::string not_measured;  ///< Why `measured` is absent.
};

struct Query {
  std::string id, title, rows, filter, group_by, measures;
};

struct RunRow {
  std::string run_id, workflow_id, status, context_hash, template_version, started_at, file;
  std::optional<bool> first_pass;
  OptionalNumber attempts, tokens, cost_usd, rework_share, duration_ms;
};

struct Report {
  std::string report_id, generated_at;
  OptionalText window_from, window_to;
  bool scripted_only = false;
  Header header;
  std::vector<SummaryItem> summary;
  std::vector<Audit> audits;
  std::vector<Finding> findings;
  std::vector<TrendReport> trend_reports;
  std::vector<TrendProposal> trend_proposals;
  std::vector<Query> queries;
  std::vector<NamedText> thresholds;
  std::vector<RunRow> runs;
};

/// Reads version 1 of the report.  INVALID_ARGUMENT: "audit report: findings[2].effect.interval must be …".
Result<Report> ReadReport(const nlohmann::json& report);

}  // namespace wfe::analytics::reports
