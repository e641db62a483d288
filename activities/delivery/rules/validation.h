// A variant and the original on the same inputs: whether they do the same, and what is gained (VA-1 to VA-4).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/delivery/rules/constraints.h"
#include "engine/base/record_json.h"

namespace wfe::delivery {

/// The values of EquivalencePolicy::kind.
inline constexpr std::string_view kExact = "exact";            ///< The same value; the order of keys is none.
inline constexpr std::string_view kNormalized = "normalized";  ///< The same but for the volatile fields.
inline constexpr std::string_view kSchema = "schema";          ///< The same keys with values of the same types.
inline constexpr std::string_view kChecks = "checks";          ///< Both pass the same compliance checks.
inline constexpr std::string_view kScore = "score";            ///< Scores differ by at most epsilon, or it is better.

struct EquivalencePolicy {
  std::string kind{kExact};
  std::vector<std::string> volatile_fields;  ///< JSON pointers; "*" stands for every index or key: "/items/*/at".
  double epsilon = 0.02;
};
WFE_RECORD(EquivalencePolicy, kind, volatile_fields, epsilon);
constexpr RecordRules RulesOf(const EquivalencePolicy*) { return {.refuses_unknown = true}; }
/// Throws for a kind, a pointer or an epsilon that is none.
void CheckRecord(const EquivalencePolicy& policy);

/// What one run on one input gave.
struct TrialRun {
  nlohmann::json output;
  std::map<std::string, bool> checks;  ///< Compliance checks: passed.
  std::optional<double> score;
  double duration_ms = 0;
  double cost_usd = 0;
  std::string error;  ///< Not empty: it failed.
};
WFE_RECORD(TrialRun, output, checks, score, duration_ms, cost_usd, error);

struct TrialPair {
  std::string input;  ///< Its hash or name.
  TrialRun original;
  TrialRun variant;
};
WFE_RECORD(TrialPair, input, original, variant);

struct EquivalenceCheck {
  std::string input;
  bool equivalent = false;
  std::string difference;  ///< The first, with its place; empty: none.
};
WFE_RECORD(EquivalenceCheck, input, equivalent, difference);

/// The values of ValidationResult::recommendation.
inline constexpr std::string_view kReject = "REJECT";
inline constexpr std::string_view kApprove = "APPROVE";
inline constexpr std::string_view kConditionalApprove = "CONDITIONAL_APPROVE";
inline constexpr std::string_view kMarginal = "MARGINAL";

struct ValidationResult {
  bool is_valid = false;  ///< All equivalent, and no error.
  bool functional_equivalence = false;
  std::vector<EquivalenceCheck> equivalence_checks;
  double speedup = 1;         ///< Duration of the original divided by the variant's.
  double cost_reduction = 0;  ///< 0.2: a fifth less; negative: more.
  double error_rate = 0;      ///< Of the variant's runs.
  std::vector<ConstraintViolation> violations;
  std::string recommendation{kReject};
  std::string reason;
};
WFE_RECORD(ValidationResult, is_valid, functional_equivalence, equivalence_checks, speedup, cost_reduction, error_rate,
           violations, recommendation, reason);

/// Pure.  An input on which the original failed shows nothing of equivalence: the check says so, and fails.
EquivalenceCheck CompareRuns(const TrialPair& pair, const EquivalencePolicy& policy);

/// Pure.  No inputs: nothing is shown, so it is rejected.  Violations that reject do here as well; those that are
/// conditional lower an approval to a conditional one.
ValidationResult Validate(const std::vector<TrialPair>& trials, const EquivalencePolicy& policy,
                          const ConstraintReport& constraints = {});

}  // namespace wfe::delivery
