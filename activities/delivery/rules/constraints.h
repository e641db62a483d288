// What a variant of a workflow must keep, and what follows where it does not (CC-1, CC-2).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"

namespace wfe::delivery {

/// The values of ConstraintViolation::severity, and of MonitoringEvent::severity.
inline constexpr std::string_view kCritical = "CRITICAL";
inline constexpr std::string_view kHigh = "HIGH";
inline constexpr std::string_view kMedium = "MEDIUM";
inline constexpr std::string_view kLow = "LOW";

/// A limit of 0 is a limit; one that is absent is not checked.
struct OptimizationConstraints {
  bool require_equivalence = true;
  std::optional<double> min_quality_score;
  std::optional<double> max_memory_mb;
  std::optional<double> max_cpu_percent;
  std::optional<double> max_cost;  ///< Dollars for each run, on average.
  bool require_security_check = true;
  bool budget_is_hard = false;  ///< A cost above the limit rejects.
};
WFE_RECORD(OptimizationConstraints, require_equivalence, min_quality_score, max_memory_mb, max_cpu_percent, max_cost,
           require_security_check, budget_is_hard);
constexpr RecordRules RulesOf(const OptimizationConstraints*) {
  return {.refuses_unknown = true, .subject = "constraints"};
}

/// What is known of a variant; what is absent was not measured.
struct VariantFacts {
  std::optional<bool> equivalent;
  std::optional<double> quality_score;
  std::optional<double> memory_mb;
  std::optional<double> cpu_percent;
  std::optional<double> cost;
  bool security_checked = false;
  // What it has and the original has not.
  std::vector<std::string> secrets_exposed;
  std::vector<std::string> new_targets;  ///< Of requests that leave.
  std::vector<std::string> new_commands;
  std::vector<std::string> new_directories;
};
WFE_RECORD(VariantFacts, equivalent, quality_score, memory_mb, cpu_percent, cost, security_checked, secrets_exposed,
           new_targets, new_commands, new_directories);

/// The values of ConstraintViolation::type.
inline constexpr std::string_view kNotEquivalent = "functional_equivalence";
inline constexpr std::string_view kQualityTooLow = "quality";
inline constexpr std::string_view kMemoryTooMuch = "memory";
inline constexpr std::string_view kCpuTooMuch = "cpu";
inline constexpr std::string_view kCostTooMuch = "cost";
inline constexpr std::string_view kSecurity = "security";

struct ConstraintViolation {
  std::string type;
  std::string description;
  std::string severity;
};
WFE_RECORD(ConstraintViolation, type, description, severity);
constexpr RecordRules RulesOf(const ConstraintViolation*) { return {.whole = true}; }

/// The values of ConstraintReport::verdict.
inline constexpr std::string_view kConstraintsReject = "REJECT";
inline constexpr std::string_view kConstraintsConditional = "CONDITIONAL";
inline constexpr std::string_view kConstraintsWarning = "WARNING";
inline constexpr std::string_view kConstraintsPass = "PASS";

struct ConstraintReport {
  std::string verdict{kConstraintsPass};
  std::vector<ConstraintViolation> violations;
};
WFE_RECORD(ConstraintReport, verdict, violations);

/// Pure.  What a limit is about and was not measured is a violation too: nobody knows that it holds.
ConstraintReport CheckConstraints(const OptimizationConstraints& constraints, const VariantFacts& facts);

}  // namespace wfe::delivery
