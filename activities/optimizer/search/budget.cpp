#include "activities/optimizer/search/budget.h"

namespace wfe::optimizer {

SearchRun::SearchRun(const SearchSpace& space, const SearchLimits& limits)
    : space_(space), limits_(limits), best_(space.Start()) {
  start_score_ = best_score_ = space.ScoreOf(best_);
  evaluations_ = 1;
}

double SearchRun::Try(const Candidate& candidate) {
  ++evaluations_;
  const double score = space_.ScoreOf(candidate);
  if (score > best_score_) {
    best_score_ = score;
    best_ = candidate;
  }
  return score;
}

double SearchRun::Seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
}

bool SearchRun::over() {
  if (!stopped_by_.empty()) return true;
  if (limits_.evaluations > 0 && evaluations_ >= limits_.evaluations) stopped_by_ = "evaluations";
  if (evaluations_ < next_look_) return !stopped_by_.empty();
  next_look_ = evaluations_ + 256;
  if (limits_.seconds > 0 && Seconds() >= limits_.seconds) stopped_by_ = "time";
  if (limits_.cancelled && limits_.cancelled()) stopped_by_ = "cancelled";
  return !stopped_by_.empty();
}

Result<OptimizationResult> SearchRun::Finish(std::string_view algorithm, OptimizationResult result) {
  WFE_ASSIGN_OR_RETURN(result.optimized_workflow, space_.GraphOf(best_));
  result.changes = space_.ChangesOf(best_);
  result.start_score = start_score_;
  result.score = best_score_;
  result.start = space_.start();
  result.optimized = space_.Estimate(best_);
  result.algorithm = algorithm;
  result.evaluations = evaluations_;
  result.seconds = Seconds();
  result.stopped_by = stopped_by_.empty() ? "finished" : stopped_by_;
  return result;
}

bool RandomNeighbour(const SearchSpace& space, Dice& dice, const Candidate& from, Candidate& to,
                     std::string* description) {
  // Moves, and as many ways back as there are slots: of those that are as they were nothing can be taken.
  const size_t choices = space.moves().size() + space.slots();
  if (choices == 0) return false;
  const size_t choice = dice.Below(choices);
  if (choice < space.moves().size()) {
    const Move& move = space.moves()[choice];
    if (!space.Allowed(from, move)) return false;
    to = space.Neighbour(from, move);
    if (description != nullptr) *description = move.description;
    return true;
  }
  const auto slot = static_cast<uint32_t>(choice - space.moves().size());
  if (from[slot] == 0) return false;
  to = space.Without(from, slot);
  if (description != nullptr) *description = "one change less";
  return true;
}

}  // namespace wfe::optimizer
