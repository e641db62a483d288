// What SearchSpace knows of its start: numbers alone, so that a candidate is scored without a graph.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "activities/optimizer/search/candidate.h"
#include "activities/optimizer/strategies/graph_facts.h"
#include "activities/optimizer/strategies/run_model.h"
#include "activities/optimizer/strategies/suggestion.h"

namespace wfe::optimizer {

enum class SlotKind { kGone, kTool, kModel, kRetry, kCache, kGroup };

/// One thing that can be changed.
struct Slot {
  SlotKind kind = SlotKind::kGone;
  int node = -1;  ///< Of a cache or group: the first of them.
  uint16_t alternatives = 1;
  std::vector<GraphChange> changes;  ///< By alternative, from 1.
};

/// Nodes that can run at once, or be one call.
struct NodeGroup {
  bool is_batch = false;
  uint32_t slot = 0;
  std::vector<int> members;
};

/// What a node's runs add to an execution.
struct Effect {
  double time = 0;
  double cost = 0;
  double runs = 0;
  double log_success = 0;  ///< Times runs.
  double log_quality = 0;
};

struct PlainNode {
  bool is_fork = false;  ///< Lasts as long as the longest of its branches.
  bool counts = false;   ///< It ran, and not in a batch.
  int gone_slot = -1;
  int tool_slot = -1;
  int model_slot = -1;
  int retry_slot = -1;
  int cache_slot = -1;
  uint16_t models = 1;
  uint16_t retries = 1;
  std::vector<int> groups;
  std::vector<Effect> effects;  ///< By tool, model, retry and cache.
};

/// `gone` is `keep` while its slot has that value.
struct MergeOf {
  int gone = -1;
  uint16_t value = 0;
  int keep = -1;
};

struct SearchSpace::Impl {
  explicit Impl(const SearchProblem& problem);

  const SearchProblem& problem;
  GraphFacts facts;
  RunModel model;
  RunEstimate start;
  double overhead = 0;
  std::vector<Slot> slots;
  std::vector<Move> moves;
  std::vector<PlainNode> nodes;
  std::vector<NodeGroup> groups;
  std::vector<std::vector<int>> groups_of_walk;
  std::vector<std::pair<int, int>> needed_by;  ///< A node that can go, and one that reads what it writes.
  std::vector<MergeOf> merges;
  std::vector<std::pair<uint32_t, uint32_t>> subtrees;

  uint16_t GoneAs(const Candidate& candidate, int node) const {
    const int slot = nodes[static_cast<size_t>(node)].gone_slot;
    return slot < 0 ? uint16_t{0} : candidate[static_cast<size_t>(slot)];
  }
  bool IsGone(const Candidate& candidate, int node) const { return GoneAs(candidate, node) != 0; }
  /// The group that the node is in, or -1.
  int GroupOf(const Candidate& candidate, int node) const;
  int BatchOf(const Candidate& candidate, int node) const;
  void Clear(Candidate& candidate, int node) const;
  RunEstimate Estimate(const Candidate& candidate) const;

 private:
  void AddSuggestion(const OptimizationSuggestion& suggestion);
  std::pair<uint32_t, uint16_t> Alternative(SlotKind kind, const std::string& name, int node,
                                            const GraphChange& change);
  void SortSlots();
  void FillNodes();
  std::vector<Effect> EffectsOf(int node) const;
  const Effect& EffectOf(const Candidate& candidate, int node, bool in_batch) const;

  std::map<std::pair<SlotKind, std::string>, uint32_t> slot_of_;
};

}  // namespace wfe::optimizer
