#include "activities/analytics/audits/frame.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "activities/statistics/statistics.h"
#include "engine/base/check.h"

namespace wfe::analytics {
namespace {

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// Splits at `separator` outside parentheses; no parts for an empty text.
std::vector<std::string_view> Split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  if (Trim(text).empty()) return parts;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (depth == 0 && text.substr(i).starts_with(separator)) {
      parts.push_back(Trim(text.substr(begin, i - begin)));
      begin = i + separator.size();
    }
  }
  parts.push_back(Trim(text.substr(begin)));
  return parts;
}

struct Condition {
  const Column* column;
  enum { kEquals, kDiffers, kPresent } kind;
  std::string value;
};

Condition ParseCondition(const Frame& frame, std::string_view text) {
  if (text.ends_with(" present")) return {&frame.At(Trim(text.substr(0, text.size() - 8))), Condition::kPresent, ""};
  const bool differs = text.find("!=") != std::string_view::npos;
  const size_t at = text.find(differs ? "!=" : "=");
  WFE_CHECK(at != std::string_view::npos);
  const std::string_view value = Trim(text.substr(at + (differs ? 2 : 1)));
  return {&frame.At(Trim(text.substr(0, at))), differs ? Condition::kDiffers : Condition::kEquals, std::string(value)};
}

bool Holds(const Condition& condition, size_t row) {
  const Column& column = *condition.column;
  if (condition.kind == Condition::kPresent) {
    return column.is_words ? !column.words[column.codes[row]].empty() : !std::isnan(column.numbers[row]);
  }
  const bool equal = column.is_words ? column.words[column.codes[row]] == condition.value
                                     : column.numbers[row] == std::stod(condition.value);
  return equal == (condition.kind == Condition::kEquals);
}

double Sum(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    if (!std::isnan(value)) sum += value;
  }
  return sum;
}

double Extreme(const std::vector<double>& values, bool largest) {
  double found = kNotANumber;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    if (std::isnan(found) || (largest ? value > found : value < found)) found = value;
  }
  return found;
}

struct Measure {
  std::string name;
  std::string function;
  std::vector<std::string_view> columns;
};

Measure ParseMeasure(std::string_view text) {
  const size_t colon = text.find(':');
  WFE_CHECK(colon != std::string_view::npos);
  Measure measure{.name = std::string(Trim(text.substr(0, colon))), .function = {}, .columns = {}};
  const std::string_view call = Trim(text.substr(colon + 1));
  const size_t open = call.find('(');
  measure.function = std::string(call.substr(0, open));
  if (open != std::string_view::npos) measure.columns = Split(call.substr(open + 1, call.size() - open - 2), ",");
  return measure;
}

double Evaluate(const Frame& frame, const Measure& measure, const std::vector<uint32_t>& rows) {
  if (measure.function == "count") return static_cast<double>(rows.size());
  WFE_CHECK(!measure.columns.empty());
  if (measure.function == "distinct") {
    const Column& column = frame.At(measure.columns[0]);
    std::set<uint32_t> seen;
    for (const uint32_t row : rows) {
      if (!column.words[column.codes[row]].empty()) seen.insert(column.codes[row]);
    }
    return static_cast<double>(seen.size());
  }
  const std::vector<double> values = Pick(frame, measure.columns[0], rows);
  if (measure.function == "sum") return Sum(values);
  if (measure.function == "ratio") {
    const double divisor = Sum(Pick(frame, measure.columns.at(1), rows));
    return divisor == 0 ? kNotANumber : Sum(values) / divisor;
  }
  if (measure.function == "mean" || measure.function == "share") {
    const stats::Sample sample = stats::Describe(values);
    return sample.n == 0 ? kNotANumber : sample.mean;
  }
  if (measure.function == "median") return stats::Quantile(values, 0.5);
  if (measure.function == "p95") return stats::Quantile(values, 0.95);
  WFE_CHECK(measure.function == "min" || measure.function == "max");
  return Extreme(values, measure.function == "max");
}

}  // namespace

Column& Frame::AddNumbers(std::string_view name) {
  Column& column = columns_[std::string(name)];
  column.numbers.assign(rows_, kNotANumber);
  return column;
}

Column& Frame::AddWords(std::string_view name) {
  Column& column = columns_[std::string(name)];
  column.is_words = true;
  column.words = {""};
  column.codes.assign(rows_, 0);
  return column;
}

const Column& Frame::At(std::string_view name) const {
  const auto found = columns_.find(name);
  WFE_CHECK(found != columns_.end());
  return found->second;
}

const std::string& Frame::Word(std::string_view name, size_t row) const {
  const Column& column = At(name);
  return column.words[column.codes[row]];
}

void WordWriter::Set(size_t row, std::string_view word) {
  if (word.empty()) return;
  auto found = known_.find(word);
  if (found == known_.end()) {
    found = known_.emplace(std::string(word), static_cast<uint32_t>(column_.words.size())).first;
    column_.words.emplace_back(word);
  }
  column_.codes[row] = found->second;
}

double QueryResult::Value(const Group& group, std::string_view measure) const {
  const auto found = std::find(measure_names.begin(), measure_names.end(), measure);
  WFE_CHECK(found != measure_names.end());
  return group.values[static_cast<size_t>(found - measure_names.begin())];
}

std::vector<uint32_t> Select(const Frame& frame, std::string_view filter) {
  std::vector<Condition> conditions;
  for (const std::string_view text : Split(filter, " and ")) conditions.push_back(ParseCondition(frame, text));
  std::vector<uint32_t> rows;
  for (size_t row = 0; row < frame.rows(); ++row) {
    const auto holds = [row](const Condition& condition) { return Holds(condition, row); };
    if (std::all_of(conditions.begin(), conditions.end(), holds)) rows.push_back(static_cast<uint32_t>(row));
  }
  return rows;
}

std::vector<double> Pick(const Frame& frame, std::string_view column, std::span<const uint32_t> rows) {
  const Column& source = frame.At(column);
  WFE_CHECK(!source.is_words);
  std::vector<double> values;
  values.reserve(rows.size());
  for (const uint32_t row : rows) values.push_back(source.numbers[row]);
  return values;
}

QueryResult RunQuery(const Frame& frame, const Query& query) {
  QueryResult result;
  std::vector<const Column*> keys;
  for (const std::string_view name : Split(query.group_by, ",")) {
    keys.push_back(&frame.At(name));
    result.key_names.emplace_back(name);
  }
  std::map<std::vector<std::string>, std::vector<uint32_t>> groups;
  std::map<std::vector<uint32_t>, std::vector<uint32_t>*> by_code;  // Codes are cheaper to look up than words.
  std::vector<uint32_t> code(keys.size());
  for (const uint32_t row : Select(frame, query.filter)) {
    for (size_t i = 0; i < keys.size(); ++i) code[i] = keys[i]->codes[row];
    auto& members = by_code[code];
    if (members == nullptr) {
      std::vector<std::string> words;
      for (size_t i = 0; i < keys.size(); ++i) words.push_back(keys[i]->words[code[i]]);
      members = &groups[words];
    }
    members->push_back(row);
  }
  std::vector<Measure> measures;
  for (const std::string_view text : Split(query.measures, ",")) measures.push_back(ParseMeasure(text));
  for (const Measure& measure : measures) result.measure_names.push_back(measure.name);
  for (auto& [key, rows] : groups) {
    if (std::find(key.begin(), key.end(), "") != key.end()) continue;
    Group group{.key = key, .values = {}, .rows = std::move(rows)};
    for (const Measure& measure : measures) group.values.push_back(Evaluate(frame, measure, group.rows));
    result.groups.push_back(std::move(group));
  }
  return result;
}

}  // namespace wfe::analytics
