// What a search has used up of its limits, and the best it has seen.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "activities/optimizer/search/candidate.h"

namespace wfe::optimizer {

/// Of one search, on one thread.
class SearchRun {
 public:
  SearchRun(const SearchSpace& space, const SearchLimits& limits);

  /// Scores a candidate and remembers the best one.
  double Try(const Candidate& candidate);
  /// A limit is reached; looks at the clock now and then.
  bool over();
  const Candidate& best() const { return best_; }
  double best_score() const { return best_score_; }
  int64_t evaluations() const { return evaluations_; }

  /// The result, with the graph of the best candidate.
  Result<OptimizationResult> Finish(std::string_view algorithm, OptimizationResult counts);

 private:
  const SearchSpace& space_;
  const SearchLimits& limits_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  double Seconds() const;

  Candidate best_;
  double best_score_ = 0;
  double start_score_ = 0;
  int64_t evaluations_ = 0;
  int64_t next_look_ = 0;
  std::string stopped_by_;
};

/// Random numbers that are the same everywhere, which those of <random>'s distributions are not.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  /// 0 to bound - 1; `bound` is positive.
  size_t Below(size_t bound) { return static_cast<size_t>(engine_() % bound); }
  /// From 0 to 1, exclusive.
  double Share() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

 private:
  std::mt19937_64 engine_;
};

/// A neighbour by chance: one of the moves, or one change less.  False: this one is none.
bool RandomNeighbour(const SearchSpace& space, Dice& dice, const Candidate& from, Candidate& to,
                     std::string* description);

}  // namespace wfe::optimizer
