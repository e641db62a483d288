#include "activities/learning/cycle/cohorts.h"

#include <cmath>
#include <cstdio>

#include "activities/statistics/statistics.h"

namespace wfe::learning {
namespace {

/// Of the parent, the newest so many for each one of the version: older ones were made for other tasks, by other
/// models.
constexpr int64_t kParentsForEach = 5;

stats::Sample Describe(const std::vector<Generation>& generations, size_t from, size_t to) {
  std::vector<double> scores;
  for (size_t i = from; i < to; ++i) scores.push_back(generations[i].score);
  return stats::Describe(scores);
}

Cohort AsCohort(int version, const stats::Sample& sample) {
  return {.version = version, .n = sample.n, .mean_quality = sample.mean, .stddev = std::sqrt(sample.variance)};
}

std::string Sentence(const CohortComparison& comparison) {
  char text[300];
  std::snprintf(text, sizeof(text),
                "mean quality %.3f of %lld generations of version %d against %.3f of %lld of version %d (look %d, "
                "one-sided Welch p = %.2g, limit %.2g)",
                comparison.version.mean_quality, static_cast<long long>(comparison.version.n),
                comparison.version.version, comparison.parent.mean_quality, static_cast<long long>(comparison.parent.n),
                comparison.parent.version, comparison.look, comparison.p_value, comparison.alpha);
  return text;
}

}  // namespace

CohortComparison CompareCohorts(int version_number, const std::vector<Generation>& version, int parent_number,
                                const std::vector<Generation>& parent, const CycleOptions& options) {
  CohortComparison comparison;
  const auto have = static_cast<int64_t>(version.size());
  int64_t size = options.min_generations;
  double alpha = options.alpha / 2;
  for (int look = 1; look <= kMaxLooks && size <= have; ++look, size *= 2, alpha /= 2) {
    comparison.look = look;
    comparison.alpha = alpha;
  }
  const int64_t used = comparison.look == 0 ? have : options.min_generations << (comparison.look - 1);
  const stats::Sample of_version = Describe(version, 0, static_cast<size_t>(used));
  const auto parents = static_cast<int64_t>(parent.size());
  const int64_t oldest = std::max<int64_t>(0, parents - kParentsForEach * std::max(used, options.min_generations));
  const stats::Sample of_parent = Describe(parent, static_cast<size_t>(oldest), parent.size());
  comparison.version = AsCohort(version_number, of_version);
  comparison.parent = AsCohort(parent_number, of_parent);
  if (comparison.look == 0) {
    comparison.sentence = "version " + std::to_string(version_number) + " has " + std::to_string(have) + " of " +
                          std::to_string(options.min_generations) + " generations";
    return comparison;
  }
  if (of_parent.n < options.min_generations) {
    comparison.look = 0;
    comparison.sentence = "version " + std::to_string(parent_number) + ", with which version " +
                          std::to_string(version_number) + " is compared, has only " + std::to_string(of_parent.n) +
                          " generations";
    return comparison;
  }
  const auto test = stats::CompareMeans(of_parent, of_version, stats::kConfidence, stats::Tail::kLower);
  if (test) comparison.p_value = test->p_value;
  comparison.worse = test && test->effect < 0 && test->p_value < comparison.alpha;
  comparison.sentence = Sentence(comparison);
  return comparison;
}

}  // namespace wfe::learning
