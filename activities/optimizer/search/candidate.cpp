#include "activities/optimizer/search/candidate.h"

#include <algorithm>
#include <cmath>

#include "activities/graph/validate.h"
#include "activities/optimizer/search/space.h"
#include "activities/optimizer/strategies/apply.h"

namespace wfe::optimizer {

using graph::GraphNode;

SearchSpace::SearchSpace(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SearchSpace::SearchSpace(SearchSpace&&) noexcept = default;
SearchSpace& SearchSpace::operator=(SearchSpace&&) noexcept = default;
SearchSpace::~SearchSpace() = default;

Result<SearchSpace> SearchSpace::Make(const SearchProblem& problem) {
  const ObjectiveWeights& weights = problem.weights;
  if (weights.duration < 0 || weights.cost < 0 || weights.quality < 0 ||
      !(weights.duration + weights.cost + weights.quality > 0))
    return InvalidArgument("weights must not be negative, and one of them must be positive");
  const graph::Mistakes mistakes = graph::Validate(problem.start);
  if (!mistakes.empty()) return InvalidArgument("the graph is not valid: " + mistakes.told[0].message);
  return SearchSpace(std::make_unique<Impl>(problem));
}

Candidate SearchSpace::Start() const { return Candidate(impl_->slots.size(), 0); }
const std::vector<Move>& SearchSpace::moves() const { return impl_->moves; }
const RunEstimate& SearchSpace::start() const { return impl_->start; }
size_t SearchSpace::slots() const { return impl_->slots.size(); }
uint16_t SearchSpace::alternatives(uint32_t slot) const { return impl_->slots[slot].alternatives; }
const std::vector<std::pair<uint32_t, uint32_t>>& SearchSpace::subtrees() const { return impl_->subtrees; }

bool SearchSpace::Allowed(const Candidate& candidate, const Move& move) const {
  bool changes = false;
  for (const auto& [slot, value] : move.sets) changes = changes || candidate[slot] != value;
  if (!changes) return false;
  // Almost all are about one node alone.
  if (move.sets.size() == 1) {
    const Slot& slot = impl_->slots[move.sets[0].first];
    if (slot.kind == SlotKind::kModel || slot.kind == SlotKind::kRetry) return !impl_->IsGone(candidate, slot.node);
    if (slot.kind == SlotKind::kTool)
      return !impl_->IsGone(candidate, slot.node) && impl_->BatchOf(candidate, slot.node) < 0;
    if (slot.kind == SlotKind::kCache) return true;
  }
  return Consistent(Neighbour(candidate, move));
}

bool SearchSpace::Consistent(const Candidate& candidate) const {
  Candidate repaired = candidate;
  Repair(repaired);
  return repaired == candidate;
}

Candidate SearchSpace::Neighbour(const Candidate& candidate, const Move& move) const {
  Candidate neighbour = candidate;
  for (const auto& [slot, value] : move.sets) {
    neighbour[slot] = value;
    // What was chosen for a node goes with it.
    if (impl_->slots[slot].kind == SlotKind::kGone && value != 0) impl_->Clear(neighbour, impl_->slots[slot].node);
  }
  return neighbour;
}

Candidate SearchSpace::Without(const Candidate& candidate, uint32_t slot) const {
  Candidate less = candidate;
  less[slot] = 0;
  Repair(less);
  return less;
}

void SearchSpace::Repair(Candidate& candidate) const {
  const Impl& impl = *impl_;
  for (bool more = true; more;) {
    more = false;
    const auto bring_back = [&](int node) {
      candidate[static_cast<size_t>(impl.nodes[static_cast<size_t>(node)].gone_slot)] = 0;
      more = true;
    };
    for (const auto& [writer, reader] : impl.needed_by) {
      if (impl.GoneAs(candidate, writer) == 1 && !impl.IsGone(candidate, reader)) bring_back(writer);
    }
    for (const MergeOf& merge : impl.merges) {
      if (impl.GoneAs(candidate, merge.gone) == merge.value && impl.IsGone(candidate, merge.keep))
        bring_back(merge.keep);
    }
  }
  for (size_t s = 0; s < impl.slots.size(); ++s) {
    const Slot& slot = impl.slots[s];
    if (slot.kind == SlotKind::kGone && candidate[s] != 0) impl.Clear(candidate, slot.node);
  }
  for (size_t g = 0; g < impl.groups.size(); ++g) {
    const NodeGroup& group = impl.groups[g];
    if (candidate[group.slot] == 0) continue;
    size_t present = 0;
    bool good = true;
    for (const int member : group.members) {
      if (impl.IsGone(candidate, member)) continue;
      ++present;
      const PlainNode& node = impl.nodes[static_cast<size_t>(member)];
      if (group.is_batch && node.tool_slot >= 0 && candidate[static_cast<size_t>(node.tool_slot)] != 0) good = false;
      for (const int other : node.groups) {
        if (other < static_cast<int>(g) && candidate[impl.groups[static_cast<size_t>(other)].slot] != 0) good = false;
      }
    }
    if (!good || present < 2) candidate[group.slot] = 0;
  }
}

RunEstimate SearchSpace::Estimate(const Candidate& candidate) const { return impl_->Estimate(candidate); }

double SearchSpace::ScoreOf(const Candidate& candidate) const {
  const RunEstimate run = impl_->Estimate(candidate);
  const double quality = RelativeQuality(run, impl_->start);
  if (quality < impl_->problem.min_quality) return quality - 1;
  return Score(run, impl_->start, impl_->problem.weights);
}

double RelativeQuality(const RunEstimate& run, const RunEstimate& start) {
  const double before = start.quality * start.success_rate;
  return before <= 0 ? 1 : run.quality * run.success_rate / before;
}

double Score(const RunEstimate& run, const RunEstimate& start, const ObjectiveWeights& weights) {
  const auto part = [](double now, double before) { return before <= 0 ? 1 : 2 / (1 + now / before); };
  const double quality = RelativeQuality(run, start);
  return weights.duration * part(run.duration, start.duration) + weights.cost * part(run.cost, start.cost) +
         weights.quality * (quality <= 1 ? quality : 2 / (1 + 1 / quality));
}

std::vector<GraphChange> SearchSpace::ChangesOf(const Candidate& candidate) const {
  const Impl& impl = *impl_;
  std::vector<GraphChange> changes;
  const auto present = [&](const std::vector<std::string>& ids, bool in_batch_too) {
    std::vector<std::string> left;
    for (const std::string& id : ids) {
      const int node = impl.facts.Find(id);
      if (!impl.IsGone(candidate, node) && (in_batch_too || impl.BatchOf(candidate, node) < 0)) left.push_back(id);
    }
    return left;
  };
  // Merging looks for equal nodes, so it comes before what changes one of them; groups come last.
  const SlotKind order[] = {SlotKind::kGone,  SlotKind::kTool,  SlotKind::kModel,
                            SlotKind::kRetry, SlotKind::kCache, SlotKind::kGroup};
  for (const SlotKind kind : order) {
    std::vector<GraphChange> removals;
    for (size_t s = 0; s < impl.slots.size(); ++s) {
      const Slot& slot = impl.slots[s];
      if (slot.kind != kind || candidate[s] == 0) continue;
      GraphChange change = slot.changes[candidate[s] - 1u];
      if (kind == SlotKind::kCache) {
        change.nodes = present(change.nodes, false);
        std::erase_if(change.nodes, [&](const std::string& id) {
          const PlainNode& node = impl.nodes[static_cast<size_t>(impl.facts.Find(id))];
          return node.tool_slot >= 0 && candidate[static_cast<size_t>(node.tool_slot)] != 0;
        });
      }
      if (kind == SlotKind::kGroup) {
        change.nodes = present(change.nodes, true);
        if (change.nodes.size() < 2) continue;
      }
      if (change.nodes.empty()) continue;
      (change.type == kRemoveNode ? removals : changes).push_back(std::move(change));
    }
    changes.insert(changes.end(), removals.begin(), removals.end());
  }
  return changes;
}

Result<graph::Graph> SearchSpace::GraphOf(const Candidate& candidate) const {
  return ApplyChanges(impl_->problem.start, ChangesOf(candidate));
}

}  // namespace wfe::optimizer
