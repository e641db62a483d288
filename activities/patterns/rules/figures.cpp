#include "activities/patterns/rules/figures.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <tuple>

namespace wfe::patterns {
namespace {

constexpr std::chrono::days kMonth(30);
constexpr double kShortestPace = 7;  // days
/// Beyond so many shapes there is no consistency to speak of, and a row of counts that grows for ever helps nobody.
constexpr size_t kMaxShapes = 1000;
constexpr double kLongestPayback = 12;  // months

}  // namespace

double ConfidenceOf(int64_t occurrences, double consistency, double success_rate) {
  const double frequency = std::min(1.0, static_cast<double>(std::max<int64_t>(0, occurrences)) / 10);
  return 40 * frequency + 30 * consistency + 30 * success_rate;
}

void PatternSums::Add(const PatternOccurrence& occurrence) {
  const int64_t count = std::max<int64_t>(1, occurrence.count);
  count_ += count;
  const std::string& at = occurrence.observed_at;
  if (first_.empty() || at < first_) first_ = at;
  if (last_.empty() || at > last_) last_ = at;
  by_day_[at.substr(0, 10)] += count;
  // What a tool does says nothing of what an agent would have cost.
  if (!occurrence.tool_id.empty()) return;
  agents_ += count;
  successes_ += std::clamp<int64_t>(occurrence.successes, 0, count);
  tokens_ += static_cast<double>(occurrence.tokens);
  if (occurrence.cost_usd) {
    cost_ = cost_.PlusAtMost(*occurrence.cost_usd);
    priced_ += count;
  }
  if (shapes_.size() < kMaxShapes || shapes_.contains(occurrence.shape)) shapes_[occurrence.shape] += count;
}

void PatternSums::Fill(OperationPattern& pattern) const {
  pattern.occurrence_count = count_;
  pattern.first_seen = first_;
  pattern.last_seen = last_;
  pattern.agent_count = agents_;
  const auto share = [this](int64_t part) {
    return agents_ == 0 ? 0 : static_cast<double>(part) / static_cast<double>(agents_);
  };
  int64_t alike = 0;
  for (const auto& [shape, count] : shapes_) alike = std::max(alike, count);
  pattern.success_rate = share(successes_);
  pattern.consistency = share(alike);
  pattern.avg_tokens = agents_ == 0 ? 0 : tokens_ / static_cast<double>(agents_);
  pattern.avg_cost_usd.reset();
  if (priced_ > 0) pattern.avg_cost_usd = Money::Nanos(cost_.nanos() / priced_);
  pattern.confidence_score = ConfidenceOf(count_, pattern.consistency, pattern.success_rate);
}

double PatternSums::PerMonth(Instant now) const {
  const std::string from = FormatIso8601Millis(now - kMonth).substr(0, 10);
  int64_t lately = 0;
  for (const auto& [day, count] : by_day_) {
    if (day > from) lately += count;
  }
  const std::optional<Instant> first = ParseIso8601(first_);
  if (!first || now - *first >= kMonth) return static_cast<double>(lately);
  const double days = std::chrono::duration<double, std::ratio<86400>>(now - *first).count();
  return static_cast<double>(lately) * 30 / std::max(kShortestPace, days);
}

RoiRow RoiOf(const OperationPattern& pattern, double per_month, const OperationKind* kind, const Tool* tool) {
  const OperationKind unknown;
  if (kind == nullptr) kind = &unknown;
  RoiRow row;
  row.pattern_signature = pattern.pattern_signature;
  row.automation_status = pattern.automation_status;
  row.confidence_score = pattern.confidence_score;
  row.occurrence_count = pattern.occurrence_count;
  row.per_month = per_month;
  row.llm_cost_usd = pattern.avg_cost_usd.value_or(Money()).usd();
  row.tool_cost_usd = (tool == nullptr ? kind->tool_cost_usd : tool->avg_cost_usd).usd();
  row.implementation_cost_usd = kind->implementation_cost_usd.usd();
  row.monthly_savings_usd = (row.llm_cost_usd - row.tool_cost_usd) * per_month;
  row.annual_savings_usd = 12 * row.monthly_savings_usd;
  if (row.monthly_savings_usd > 0) row.payback_months = row.implementation_cost_usd / row.monthly_savings_usd;
  row.roi_percent = (row.annual_savings_usd - row.implementation_cost_usd) / row.implementation_cost_usd * 100;
  row.monthly_tokens = pattern.avg_tokens * per_month;
  row.suggested_tool = kind->suggested_tool;
  row.tool_id = pattern.tool_id;
  row.worthwhile = row.confidence_score >= kMinConfidence && row.payback_months.value_or(1e9) <= kLongestPayback;
  return row;
}

void RankByRoi(std::vector<RoiRow>& rows) {
  std::ranges::sort(rows, {}, [](const RoiRow& row) {
    return std::make_tuple(-row.roi_percent, -row.monthly_savings_usd, row.pattern_signature);
  });
}

bool ToolFailsTooOften(const OperationPattern& pattern) {
  return pattern.tool_calls >= kMinToolCalls &&
         static_cast<double>(pattern.tool_successes) < kMinToolSuccess * static_cast<double>(pattern.tool_calls);
}

}  // namespace wfe::patterns
