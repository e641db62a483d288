// A graph of the search as numbers: for each thing that can be changed, which of its alternatives is taken.  So a
// neighbour is scored without a graph being made; the graph is made of the one that is chosen in the end.
//
// What the algorithms here use, and others can (reinforcement learning: a state, its actions, its score).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "activities/optimizer/search/search.h"

namespace wfe::optimizer {

/// The alternative taken of each slot; 0: as it was.  Value type; equal ones are the same graph.
using Candidate = std::vector<uint16_t>;

/// One neighbour's difference: slots and what they become.
struct Move {
  std::vector<std::pair<uint32_t, uint16_t>> sets;
  std::string description;  ///< "cache embed", say.
};

/// All that can be done with one start.  Immutable once made: const methods may be called from any thread.
class SearchSpace {
 public:
  static Result<SearchSpace> Make(const SearchProblem& problem);
  SearchSpace(SearchSpace&&) noexcept;
  SearchSpace& operator=(SearchSpace&&) noexcept;
  ~SearchSpace();

  Candidate Start() const;
  /// Every single change that a strategy allows (SR-1), whether or not it is one in a given candidate.
  const std::vector<Move>& moves() const;
  /// False: it changes nothing, or something that another change stands in the way of.
  bool Allowed(const Candidate& candidate, const Move& move) const;
  /// It is a graph as it stands: Repair would leave it.
  bool Consistent(const Candidate& candidate) const;
  /// The candidate after it.
  Candidate Neighbour(const Candidate& candidate, const Move& move) const;
  /// Without one change, and without those that need it.
  Candidate Without(const Candidate& candidate, uint32_t slot) const;
  /// Makes a mixture of two a graph again: what does not go together gives way, as little as possible.
  void Repair(Candidate& candidate) const;

  /// As EstimateRun of its graph, with the time that no change saves (OverheadOf).
  RunEstimate Estimate(const Candidate& candidate) const;
  /// SR-2; below min_quality (SR-3) it is less than 0.  O(nodes), a few microseconds for 1,000.
  double ScoreOf(const Candidate& candidate) const;
  const RunEstimate& start() const;

  size_t slots() const;
  /// How many alternatives a slot has, 0 included.
  uint16_t alternatives(uint32_t slot) const;
  /// Slots from the first to the second (exclusive) that belong together: of a row of nodes, or of all branches of one.
  const std::vector<std::pair<uint32_t, uint32_t>>& subtrees() const;

  std::vector<GraphChange> ChangesOf(const Candidate& candidate) const;
  /// The graph: valid, or the error says which change it could not take.
  Result<graph::Graph> GraphOf(const Candidate& candidate) const;

 private:
  struct Impl;
  explicit SearchSpace(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::optimizer
