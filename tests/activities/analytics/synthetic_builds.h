// Tables of builds with known causes, made in memory from a seed: what the audits should find, and how surely.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "activities/analytics/ingest/trace_table.h"

namespace wfe::analytics {

inline constexpr std::array<const char*, 3> kSyntheticErrors = {"TSC_ERROR", "ESLINT_ERROR_NO_ANY", "JEST_FAILURE"};

/// Every build fails at first with one of kSyntheticErrors or passes.  Three versions of one template follow each
/// other: 2 changes STRICT CONSTRAINTS, 3 changes Implementation Prompt.  Without a planted cause nothing depends on
/// the version or the class.
struct SyntheticBuilds {
  uint64_t seed = 1;
  int builds = 400;
  double rule_at = 0.4;    ///< Share of the builds before version 2 …
  double prompt_at = 0.7;  ///< … and before version 3.
  int churn_every = 9;     ///< Builds between changes of "Core Package Specifics"; 0: it never changes.
  TokenSource source = TokenSource::kReported;
  bool priced = true;
  int64_t first_ms = 1'790'000'000'000;  ///< 2026-09-21T13:33:20Z
  std::string name = "run";
  int64_t turns = -1;        ///< Model calls of each step; -1: not stated.  The prompt is theirs together.
  bool chained = true;       ///< Entries state their place in the hash chain.
  double instruction_at = 1;  ///< Share of the builds before version 2 of the instructions; 1: there is only one.
  bool with_instructions = false;  ///< Entries name their instruction's template.

  // The planted causes.
  double costly_factor = 1;    ///< Completion tokens of a repair of TSC_ERROR, times this.
  double ruled_before = 0.25;  ///< Probability of ESLINT_ERROR_NO_ANY under version 1 …
  double ruled_after = 0.25;   ///< … and later.
  double jest_before = 0.15;   ///< Probability of JEST_FAILURE under versions 1 and 2 …
  double jest_with_v3 = 0.15;  ///< … and under version 3.
  static constexpr double kTsc = 0.15;

  SyntheticBuilds& WithCauses() {
    costly_factor = 3;
    ruled_after = 0.05;
    jest_with_v3 = 0.45;
    return *this;
  }
  /// The true differences.
  double RuleEffect() const { return ruled_after - ruled_before; }
  double PromptEffect() const { return jest_before - jest_with_v3; }
  double CostlyEffect() const;
};

TraceTable MakeTable(const SyntheticBuilds& builds);

}  // namespace wfe::analytics
