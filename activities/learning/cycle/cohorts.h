// Whether a version of a prompt is worse than the one before it (PO-7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "activities/learning/cycle/options.h"
#include "activities/learning/records/generations.h"
#include "engine/base/record_json.h"

namespace wfe::learning {

/// The generations of one version that are compared.
struct Cohort {
  int version = 0;
  int64_t n = 0;
  double mean_quality = 0;
  double stddev = 0;
};
WFE_RECORD(Cohort, version, n, mean_quality, stddev);

struct CohortComparison {
  Cohort version;
  Cohort parent;
  int look = 0;        ///< 1 for the first, at `min_generations`; 0: there are too few to look.
  double alpha = 0;    ///< Of this look.
  double p_value = 1;  ///< One-sided Welch: the version's mean is below the parent's.
  bool worse = false;
  std::string sentence;
};
WFE_RECORD(CohortComparison, version, parent, look, alpha, p_value, worse, sentence);

/// Looks at a version are taken when it has 20, 40, 80 … generations, at most so many.
inline constexpr int kMaxLooks = 6;

/// Pure.  `version`: its generations since it became active, oldest first; `parent`: the parent's from before that.
///
/// An hourly cycle asks again and again.  So that a version which is as good as its parent is not rolled back one day
/// by chance, looks are taken at doubling sizes, the k-th with alpha / 2^k: together they stay below alpha.  A look
/// uses exactly the first so many generations, so that all cycles between two looks, and two optimizers at once, see
/// the same.
CohortComparison CompareCohorts(int version_number, const std::vector<Generation>& version, int parent_number,
                                const std::vector<Generation>& parent, const CycleOptions& options);

}  // namespace wfe::learning
