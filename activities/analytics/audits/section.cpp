#include "activities/analytics/audits/section.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "engine/base/check.h"
#include "engine/base/time.h"

namespace wfe::analytics {
namespace {

using nlohmann::json;

constexpr size_t kMaxExamples = 5;
constexpr size_t kMaxTableRows = 200;

std::string Formatted(const char* format, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

json ExampleJson(const TraceTable& table, DictId run, size_t row) {
  json example = {{"run_id", table.RunText(run)},
                  {"step", table.StepText(table.step(row))},
                  {"file", table.SourceFile(row)},
                  {"line", std::max<int64_t>(0, table.source_line(row))}};
  return example;
}

const Frame& FrameOf(const Dataset& data, std::string_view rows) {
  if (rows == "builds") return data.builds;
  if (rows == "steps") return data.steps;
  WFE_CHECK(rows == "sections");
  return data.sections;
}

}  // namespace

json Number(double value) {
  if (std::isnan(value) || std::isinf(value)) return nullptr;
  if (value != 0) {
    const double rounded = std::strtod(Formatted("%.9g", value).c_str(), nullptr);
    if (std::abs(value) < 1e15 && value == std::floor(value)) return static_cast<int64_t>(value);
    if (std::abs(rounded) < 1e15 && rounded == std::floor(rounded)) return static_cast<int64_t>(rounded);
    return rounded;
  }
  return 0;
}

void Put(json& object, std::string_view key, double value) {
  if (!std::isnan(value) && !std::isinf(value)) object[std::string(key)] = Number(value);
}

json IntervalJson(const stats::Interval& interval) { return {Number(interval.lo), Number(interval.hi)}; }

std::string ShortHash(std::string_view hash) { return std::string(hash.substr(0, 12)); }
std::string Percent(double share) { return Formatted("%.1f%%", 100 * share); }

namespace {

/// The signs of the report's own figures: a true minus, and points as the renderers write them.
constexpr std::string_view kMinus = "\u2212";
std::string WithSign(double value, const std::string& digits) {
  return value < 0 ? std::string(kMinus) + digits : value > 0 ? "+" + digits : digits;
}

}  // namespace


std::string Count(double value) {
  const double size = std::abs(value);
  const std::string minus = value < 0 ? std::string(kMinus) : std::string();
  if (size == std::floor(size) && size < 100) return minus + Formatted("%.0f", size);
  if (size < 1) return minus + Formatted("%.3g", size);
  if (size < 100) return minus + Formatted("%.1f", size);
  std::string digits = Formatted("%.0f", size);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<size_t>(at), ",");
  return (value < 0 ? std::string(kMinus) : std::string()) + digits;
}

std::string Difference(const stats::Comparison& comparison, bool is_share) {
  const auto show = [is_share](double value) {
    return is_share ? WithSign(value, Formatted("%.1f", std::abs(100 * value))) : Count(value);
  };
  return show(comparison.effect) + (is_share ? "\u00A0pts" : "") + " (95% interval " + show(comparison.interval.lo) +
         " to " + show(comparison.interval.hi) + ")";
}

std::string IsoTime(int64_t time_ms) { return FormatIso8601Millis(Instant(std::chrono::milliseconds(time_ms))); }

json TableJson(const Frame& frame, const Query& query, const QueryResult& result,
               const std::vector<ColumnSpec>& columns, std::string_view order_by, const RowExtension& extend) {
  std::vector<size_t> order(result.groups.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (!order_by.empty()) {
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return result.Value(result.groups[a], order_by) > result.Value(result.groups[b], order_by);
    });
  }
  // A context for every build, say, is a table that nobody reads.
  const size_t left_out = order.size() > kMaxTableRows ? order.size() - kMaxTableRows : 0;
  order.resize(order.size() - left_out);
  json rows = json::array();
  for (const size_t at : order) {
    const Group& group = result.groups[at];
    json row = json::object();
    for (size_t i = 0; i < group.key.size(); ++i) row[result.key_names[i]] = group.key[i];
    for (size_t i = 0; i < group.values.size(); ++i) Put(row, result.measure_names[i], group.values[i]);
    if (extend) extend(group, row);
    json runs = json::array();
    for (const uint32_t member : group.rows) {
      const std::string& run = frame.Word("run", member);
      if (std::find(runs.begin(), runs.end(), run) == runs.end()) runs.push_back(run);
      if (runs.size() == kMaxExamples) break;
    }
    row["runs"] = std::move(runs);
    rows.push_back(std::move(row));
  }
  json specs = json::array();
  for (const ColumnSpec& column : columns) {
    specs.push_back({{"key", column.key}, {"label", column.label}, {"unit", column.unit}});
  }
  std::string id(query.id);
  for (char& c : id) c = c == '.' || c == '_' ? '-' : c;
  json table = {{"id", id}, {"title", query.title}, {"query", query.id}, {"columns", specs}, {"rows", rows}};
  if (left_out > 0) table["rows_left_out"] = left_out;
  return table;
}

json QueryJson(const Query& query) {
  return {{"id", query.id},         {"title", query.title},       {"rows", query.rows},
          {"filter", query.filter}, {"group_by", query.group_by}, {"measures", query.measures}};
}

json ChartJson(const ChartText& text, json series) {
  return {{"id", text.id},           {"title", text.title}, {"type", text.type},          {"x_label", text.x_label},
          {"y_label", text.y_label}, {"unit", text.unit},   {"series", std::move(series)}};
}

json Point(std::string x, double y, const std::optional<stats::Interval>& interval, std::string note) {
  json point = {{"x", std::move(x)}, {"y", Number(y)}};
  if (interval) {
    // What charts show are shares, tokens and ratios: none is below zero, so no interval of few rows reaches there.
    point["lo"] = Number(y >= 0 ? std::max(0.0, interval->lo) : interval->lo);
    point["hi"] = Number(interval->hi);
  }
  if (!note.empty()) point["note"] = std::move(note);
  return point;
}

void Candidate::Take(const stats::Comparison& comparison) {
  effect = comparison.effect;
  interval = comparison.interval;
  p_value = comparison.p_value;
  test = std::string(comparison.test);
}

json CandidateJson(const Candidate& candidate) {
  json groups = json::array();
  for (const Candidate::Side& side : candidate.groups) {
    groups.push_back({{"name", side.name}, {"n", side.n}, {"value", Number(side.value)}});
  }
  json finding = {{"title", candidate.title},
                  {"statement", candidate.statement},
                  {"n", candidate.n},
                  {"groups", std::move(groups)},
                  {"effect",
                   {{"measure", candidate.measure},
                    {"value", Number(candidate.effect)},
                    {"unit", candidate.unit},
                    {"interval", IntervalJson(candidate.interval)},
                    {"confidence", stats::kConfidence}}},
                  {"examples", candidate.examples},
                  {"rule_key", candidate.rule_key},
                  {"recommendation", candidate.recommendation}};
  if (candidate.p_value) {
    finding["p_value"] = *candidate.p_value;  // Unrounded until Holm's correction is done.
    finding["test"] = candidate.test;
  }
  if (candidate.saving) finding["saving"] = *candidate.saving;
  if (!candidate.section.empty()) finding["section"] = candidate.section;
  if (!candidate.template_id.empty()) finding["template_id"] = candidate.template_id;
  return {{"hypothesis", candidate.hypothesis},
          {"always", candidate.always},
          {"otherwise", candidate.otherwise},
          {"finding", std::move(finding)}};
}

std::optional<json> SavingJson(const Dataset& data, double tokens, std::span<const uint32_t> priced_steps,
                               std::string basis) {
  if (!(tokens >= 1)) return std::nullopt;
  json saving = {{"tokens", static_cast<int64_t>(std::llround(tokens))}, {"basis", std::move(basis)}};
  double cost = 0;
  double cost_tokens = 0;
  for (const uint32_t row : priced_steps) {
    cost += data.steps.Number("cost_usd", row);
    cost_tokens += data.steps.Number("tokens", row);
  }
  if (!std::isnan(cost) && cost_tokens > 0) Put(saving, "usd", tokens * cost / cost_tokens);
  return saving;
}

json StepExamples(const Dataset& data, std::span<const uint32_t> steps, bool verification) {
  json examples = json::array();
  for (const uint32_t row : steps) {
    if (examples.size() == kMaxExamples) break;
    const StepRow& step = data.step_rows[row];
    const bool judged = verification && step.verification_row != kNoRow;
    examples.push_back(ExampleJson(*data.table, step.run, judged ? step.verification_row : step.agent_row));
  }
  return examples;
}

json BuildExamples(const Dataset& data, std::span<const uint32_t> builds) {
  json examples = json::array();
  for (const uint32_t row : builds) {
    if (examples.size() == kMaxExamples) break;
    examples.push_back(ExampleJson(*data.table, data.build_rows[row].run, data.build_rows[row].first_row));
  }
  return examples;
}

stats::Share ShareOf(const Frame& frame, std::string_view column, std::span<const uint32_t> rows) {
  const Column& source = frame.At(column);
  stats::Share share;
  for (const uint32_t row : rows) {
    if (std::isnan(source.numbers[row])) continue;
    ++share.n;
    if (source.numbers[row] != 0) ++share.hits;
  }
  return share;
}

QueryResult Section::Run(const Dataset& data, const Query& query) {
  queries.push_back(QueryJson(query));
  return RunQuery(FrameOf(data, query.rows), query);
}

json SectionJson(const Section& section) {
  json candidates = json::array();
  for (const Candidate& candidate : section.candidates) candidates.push_back(CandidateJson(candidate));
  return {{"kind", section.kind},
          {"title", section.title},
          {"goal", section.goal},
          {"tables", section.tables},
          {"charts", section.charts},
          {"queries", section.queries},
          {"candidates", std::move(candidates)}};
}

std::string_view SectionForError(std::string_view error_type) {
  for (const std::string_view tests : {"JEST_FAILURE", "TEST_FAILURE", "TIMEOUT", "COMMAND_FAILED"}) {
    if (error_type.starts_with(tests)) return "VERIFICATION PROTOCOL";
  }
  for (const std::string_view habits : {"AGENT_ERROR", "OUTPUT_FORMAT"}) {
    if (error_type.starts_with(habits)) return "Implementation Prompt";
  }
  for (const std::string_view project : {"IMPORT_ERROR", "MISSING_TOOL"}) {
    if (error_type.starts_with(project)) return "Core Package Specifics";
  }
  return kConstraintSection;
}

}  // namespace wfe::analytics
