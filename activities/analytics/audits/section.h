// The parts of an audit's section of the report: tables from queries, charts, and what was tested or observed.
// Everything becomes JSON here, so that sections can be made by separate activities and put together later.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/analytics/audits/cohorts.h"
#include "activities/analytics/audits/dataset.h"
#include "activities/statistics/statistics.h"

namespace wfe::analytics {

/// Rounded to nine significant digits, whole numbers without a fraction; so a report's bytes do not depend on how a
/// compiler orders the last bit.
nlohmann::json Number(double value);
/// Sets the key unless the value is absent (NaN).
void Put(nlohmann::json& object, std::string_view key, double value);
nlohmann::json IntervalJson(const stats::Interval& interval);

std::string ShortHash(std::string_view hash);  ///< 12 digits.
std::string Percent(double share);             ///< "31.2%"
/// "−23.1 pts (95% interval −30.2 to −16.0)" for shares, else "1,321 (95% interval 1,113 to 1,528)".
std::string Difference(const stats::Comparison& comparison, bool is_share);
std::string Count(double value);  ///< "12,345", "12.3", "0.0312": at most three digits after large numbers.
std::string IsoTime(int64_t time_ms);

struct ColumnSpec {
  std::string_view key;  ///< Of the rows: a column of group_by, a measure, or one that `extend` adds.
  std::string_view label;
  std::string_view unit;  ///< "text", "count", "share", "tokens", "usd", "ms", "ratio" or "time".
};

/// May add cells to a row.
using RowExtension = std::function<void(const Group&, nlohmann::json& row)>;

/// A table of the report from a query's result: rows ordered by a measure, largest first (or by key when empty), each
/// with up to five run ids.
nlohmann::json TableJson(const Frame& frame, const Query& query, const QueryResult& result,
                         const std::vector<ColumnSpec>& columns, std::string_view order_by = {},
                         const RowExtension& extend = {});

nlohmann::json QueryJson(const Query& query);

struct ChartText {
  std::string_view id, title, type, x_label, y_label, unit;
};
nlohmann::json ChartJson(const ChartText& text, nlohmann::json series);
/// One point; an interval is left out when absent.
nlohmann::json Point(std::string x, double y, const std::optional<stats::Interval>& interval = {},
                     std::string note = {});

/// Something an audit has to say.  With `p_value` it is a hypothesis: a member of the report's Holm family whether or
/// not it will be said.  Without, it describes and claims nothing.
struct Candidate {
  std::string hypothesis;  ///< Short, for the table of what was tested.
  std::string title;
  std::string statement;
  int64_t n = 0;
  struct Side {
    std::string name;
    int64_t n = 0;
    double value = 0;
  };
  std::vector<Side> groups;
  std::string measure;
  std::string unit;
  double effect = 0;
  stats::Interval interval;
  std::optional<double> p_value;
  std::string test;
  bool always = false;    ///< Said also when it is not significant …
  std::string otherwise;  ///< … with this sentence added.
  std::optional<nlohmann::json> saving;
  nlohmann::json examples = nlohmann::json::array();
  std::string section;
  std::string template_id;
  std::string rule_key;
  std::string recommendation;

  void Take(const stats::Comparison& comparison);
};
nlohmann::json CandidateJson(const Candidate& candidate);

/// {"tokens", "usd", "basis"}.  Money is given when every one of `priced_steps` has a reported count and a cost: their
/// mean price times the tokens.  nullopt when there is nothing to save.
std::optional<nlohmann::json> SavingJson(const Dataset& data, double tokens, std::span<const uint32_t> priced_steps,
                                         std::string basis);

/// {"run_id", "step", "file", "line"} of up to five step rows; `verification` names the entry that judged the step.
nlohmann::json StepExamples(const Dataset& data, std::span<const uint32_t> steps, bool verification = false);
/// The same of the first entries of builds.
nlohmann::json BuildExamples(const Dataset& data, std::span<const uint32_t> builds);

/// A share over rows of a 0/1 column; absent values do not count.
stats::Share ShareOf(const Frame& frame, std::string_view column, std::span<const uint32_t> rows);

/// What one audit adds to the report.
struct Section {
  std::string_view kind;
  std::string_view title;
  std::string_view goal;
  nlohmann::json tables = nlohmann::json::array();
  nlohmann::json charts = nlohmann::json::array();
  nlohmann::json queries = nlohmann::json::array();
  std::vector<Candidate> candidates;

  /// Adds the query to the appendix and answers its result.
  QueryResult Run(const Dataset& data, const Query& query);
};
nlohmann::json SectionJson(const Section& section);

// The four audits (OP-6 to OP-9).  With fewer than options.min_runs builds they have no candidates (OP-5).
Section AuditTokenEfficiency(const Dataset& data, const AuditOptions& options);
Section AuditConstraints(const Dataset& data, const AuditOptions& options);
Section AuditPrompts(const Dataset& data, const AuditOptions& options);
Section AuditVolatility(const Dataset& data, const AuditOptions& options);

/// Which section of GEMINI.md a class of error is about.
std::string_view SectionForError(std::string_view error_type);

}  // namespace wfe::analytics
