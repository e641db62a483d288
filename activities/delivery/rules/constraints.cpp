#include "activities/delivery/rules/constraints.h"

#include <algorithm>
#include <cstdio>

namespace wfe::delivery {
namespace {

std::string Number(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%g", value);
  return text;
}

class Violations {
 public:
  void Add(std::string_view type, std::string_view severity, std::string description) {
    list.push_back({std::string(type), std::move(description), std::string(severity)});
  }
  /// `fact` may be at most, or for a minimum at least, `limit`.
  void Limit(std::string_view type, std::string_view severity, const std::string& what, std::optional<double> limit,
             std::optional<double> fact, bool minimum = false) {
    if (!limit) return;
    if (!fact) return Add(type, severity, what + " was not measured; the limit is " + Number(*limit));
    if (minimum ? *fact >= *limit : *fact <= *limit) return;
    Add(type, severity,
        what + " is " + Number(*fact) + ", " + (minimum ? "below the least of " : "above the limit of ") +
            Number(*limit));
  }
  void Each(const std::string& what, const std::vector<std::string>& found) {
    for (const std::string& each : found) Add(kSecurity, kCritical, what + ": " + each);
  }

  std::vector<ConstraintViolation> list;
};

}  // namespace

ConstraintReport CheckConstraints(const OptimizationConstraints& constraints, const VariantFacts& facts) {
  Violations violations;
  if (constraints.require_equivalence && !facts.equivalent.value_or(false)) {
    violations.Add(kNotEquivalent, kCritical,
                   facts.equivalent ? "the outputs are not equivalent" : "the outputs were not compared");
  }
  violations.Limit(kQualityTooLow, kHigh, "the quality score", constraints.min_quality_score, facts.quality_score,
                   true);
  violations.Limit(kMemoryTooMuch, kMedium, "memory in MB", constraints.max_memory_mb, facts.memory_mb);
  violations.Limit(kCpuTooMuch, kMedium, "CPU in percent", constraints.max_cpu_percent, facts.cpu_percent);
  violations.Limit(kCostTooMuch, kMedium, "the cost in dollars", constraints.max_cost, facts.cost);
  if (constraints.require_security_check) {
    if (!facts.security_checked) violations.Add(kSecurity, kCritical, "its security was not checked");
    violations.Each("a secret is exposed", facts.secrets_exposed);
    violations.Each("requests go to a new place", facts.new_targets);
    violations.Each("a new command runs", facts.new_commands);
    violations.Each("files are reached that were not before", facts.new_directories);
  }
  ConstraintReport report{.violations = std::move(violations.list)};
  const auto any = [&](auto holds) { return std::ranges::any_of(report.violations, holds); };
  const auto rejects = [&](const ConstraintViolation& each) {
    return each.severity == kCritical || (constraints.budget_is_hard && each.type == kCostTooMuch);
  };
  if (any(rejects)) {
    report.verdict = kConstraintsReject;
  } else if (any([](const ConstraintViolation& each) { return each.severity == kHigh; })) {
    report.verdict = kConstraintsConditional;
  } else if (!report.violations.empty()) {
    report.verdict = kConstraintsWarning;
  }
  return report;
}

}  // namespace wfe::delivery
