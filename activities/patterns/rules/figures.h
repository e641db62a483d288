// What the occurrences of a pattern come to: confidence (PD-3) and return on investment (PD-4).  Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "activities/patterns/rules/operation.h"
#include "activities/patterns/rules/pattern_rules.h"
#include "engine/base/time.h"

namespace wfe::patterns {

/// 40·min(1, n/10) + 30·consistency + 30·success_rate (PD-3).
double ConfidenceOf(int64_t occurrences, double consistency, double success_rate);

/// Adds up occurrences of one pattern.
class PatternSums {
 public:
  void Add(const PatternOccurrence& occurrence);
  /// Sets what comes from occurrences, and leaves what does not.
  void Fill(OperationPattern& pattern) const;
  /// Operations in the 30 days before `now`; of a pattern that is younger, as many as its pace comes to, which is not
  /// taken over less than a week (PD-4).
  double PerMonth(Instant now) const;

 private:
  int64_t count_ = 0;
  int64_t agents_ = 0;
  int64_t successes_ = 0;
  double tokens_ = 0;
  Money cost_;
  int64_t priced_ = 0;
  std::string first_;
  std::string last_;
  std::map<std::string, int64_t> shapes_;
  std::map<std::string, int64_t> by_day_;
};

/// One row of the table of candidates.
struct RoiRow {
  std::string pattern_signature;
  std::string automation_status;
  double confidence_score = 0;
  int64_t occurrence_count = 0;
  double per_month = 0;
  double llm_cost_usd = 0;   ///< Of one operation by an agent.
  double tool_cost_usd = 0;  ///< Of one by the tool.
  double implementation_cost_usd = 0;
  double monthly_savings_usd = 0;
  double annual_savings_usd = 0;
  std::optional<double> payback_months;  ///< Absent: never.
  double roi_percent = 0;
  double monthly_tokens = 0;
  std::string suggested_tool;
  std::string tool_id;
  bool worthwhile = false;  ///< Confident enough, and it pays within a year.
};
WFE_RECORD(RoiRow, pattern_signature, automation_status, confidence_score, occurrence_count, per_month, llm_cost_usd,
           tool_cost_usd, implementation_cost_usd, monthly_savings_usd, annual_savings_usd, payback_months, roi_percent,
           monthly_tokens, suggested_tool, tool_id, worthwhile);
constexpr RecordRules RulesOf(const RoiRow*) { return {.required = "pattern_signature"}; }

/// Confidence from which a pattern is routed, and from which a tool is proposed for it (PD-6).
inline constexpr double kMinConfidence = 70;
/// Success of a tool below which its pattern is retired, after so many calls (PD-7).
inline constexpr double kMinToolSuccess = 0.8;
inline constexpr int64_t kMinToolCalls = 5;

/// `kind`: nullptr where no rule has it any more.  `tool`: the registered one, whose cost counts; nullptr: none.
RoiRow RoiOf(const OperationPattern& pattern, double per_month, const OperationKind* kind, const Tool* tool);
/// The best return first; those of equal return by savings, then by name.
void RankByRoi(std::vector<RoiRow>& rows);

/// Whether the tool of an active pattern has failed too often.
bool ToolFailsTooOften(const OperationPattern& pattern);

}  // namespace wfe::patterns
