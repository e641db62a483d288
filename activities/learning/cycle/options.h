// What a cycle of the optimizer goes by; the values are defaults that the workflow's input may change.
#pragma once

#include <cstdint>

#include "engine/base/record_json.h"

namespace wfe::learning {

struct CycleOptions {
  int64_t last_n = 100;          ///< Generations that are looked at (PO-1).
  int64_t min_generations = 20;  ///< Of a version, before anything is said about it (PO-7).
  double alpha = 0.05;           ///< One-sided, over all looks at one version (PO-7).
  double min_rate = 0.1;         ///< Of generations with a class of findings, before a prompt is changed for it.
  int64_t min_findings = 10;     ///< Of the class.
  double example_score = 0.9;    ///< Of examples that patterns are taken from (PO-3).
  int64_t example_limit = 20;
  bool auto_apply = false;  ///< A new version becomes active at once; otherwise it is an arm of an experiment (PO-6).
  // Of experiments (XB-1).
  double variant_share = 0.10;
  int64_t min_samples = 100;
  int64_t max_hours = 24;
};
WFE_RECORD(CycleOptions, last_n, min_generations, alpha, min_rate, min_findings, example_score, example_limit,
           auto_apply, variant_share, min_samples, max_hours);
constexpr RecordRules RulesOf(const CycleOptions*) { return {.refuses_unknown = true, .subject = "options"}; }

inline void CheckRecord(const CycleOptions& options) {
  RequireOfRecord(options.last_n >= 1 && options.last_n <= 100'000, "options.last_n must be from 1 to 100000");
  RequireOfRecord(options.min_generations >= 2, "options.min_generations must be at least 2");
  RequireOfRecord(options.alpha > 0 && options.alpha < 0.5, "options.alpha must be between 0 and 0.5");
  RequireOfRecord(options.min_rate >= 0 && options.min_rate <= 1, "options.min_rate must be from 0 to 1");
  RequireOfRecord(options.example_score >= 0 && options.example_score <= 1,
                  "options.example_score must be from 0 to 1");
  RequireOfRecord(options.example_limit >= 1 && options.example_limit <= 1000,
                  "options.example_limit must be from 1 to 1000");
  RequireOfRecord(options.variant_share > 0 && options.variant_share < 1,
                  "options.variant_share must be more than 0 and less than 1");
  RequireOfRecord(options.min_samples >= 2, "options.min_samples must be at least 2");
  RequireOfRecord(options.max_hours >= 1, "options.max_hours must be at least 1");
}

}  // namespace wfe::learning
