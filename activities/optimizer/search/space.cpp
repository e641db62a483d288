#include "activities/optimizer/search/space.h"

#include <algorithm>
#include <cmath>

#include "activities/optimizer/strategies/strategy.h"

namespace wfe::optimizer {

using graph::GraphNode;

namespace {

/// Only what keeps the results as they are, or what has its price in quality (SR-3); the rest is for people.
bool IsForSearch(const OptimizationSuggestion& suggestion) {
  if (suggestion.needs == kAfterReview) return false;
  return suggestion.strategy_type != kCaching || suggestion.needs == kAfterValidation;
}

SlotKind KindOf(const GraphChange& change) {
  if (change.type == kSubstituteTool) return SlotKind::kTool;
  if (change.type == kSubstituteModel) return SlotKind::kModel;
  if (change.type == kSetRetry) return SlotKind::kRetry;
  if (change.type == kEnableCache) return SlotKind::kCache;
  if (change.type == kRemoveNode || change.type == kMergeNodes) return SlotKind::kGone;
  return SlotKind::kGroup;
}

/// A node's place when branches follow their fork.
void Number(const GraphFacts& facts, int walk, std::vector<int>& place, int& next) {
  for (const int node : facts.walks()[static_cast<size_t>(walk)].nodes) {
    place[static_cast<size_t>(node)] = next++;
    for (const int branch : facts.branches_of(node)) Number(facts, branch, place, next);
  }
}

}  // namespace

SearchSpace::Impl::Impl(const SearchProblem& problem_)
    : problem(problem_),
      facts(problem_.start),
      model(problem_.profile, problem_.catalog, &problem_.start),
      nodes(problem_.start.nodes.size()),
      groups_of_walk(facts.walks().size()) {
  SuggestOptions options;
  options.rules = problem.rules;
  options.everywhere = true;
  options.all_alternatives = true;
  options.max_refusals = 0;
  start = model.Estimate(problem.start);
  overhead = OverheadOf(start, problem.profile);
  StrategyContext context{.graph = problem.start,
                          .profile = problem.profile,
                          .catalog = problem.catalog,
                          .options = options,
                          .facts = facts,
                          .model = model,
                          .before = start,
                          .overhead = overhead};
  Suggestions found;
  for (const auto& strategy : AllStrategies()) strategy->GenerateSuggestions(context, found);
  for (const OptimizationSuggestion& suggestion : found.made) {
    if (IsForSearch(suggestion)) AddSuggestion(suggestion);
  }
  SortSlots();
  FillNodes();
  start.duration += overhead;
}

std::pair<uint32_t, uint16_t> SearchSpace::Impl::Alternative(SlotKind kind, const std::string& name, int node,
                                                             const GraphChange& change) {
  const auto [found, is_new] = slot_of_.emplace(std::pair(kind, name), static_cast<uint32_t>(slots.size()));
  if (is_new) {
    Slot slot;
    slot.kind = kind;
    slot.node = node;
    slots.push_back(std::move(slot));
  }
  Slot& slot = slots[found->second];
  const auto known = std::ranges::find(slot.changes, change);
  if (known != slot.changes.end())
    return {found->second, static_cast<uint16_t>(known - slot.changes.begin() + 1)};
  slot.changes.push_back(change);
  return {found->second, slot.alternatives++};
}

void SearchSpace::Impl::AddSuggestion(const OptimizationSuggestion& suggestion) {
  Move move;
  move.description = suggestion.description;
  for (const GraphChange& change : suggestion.changes) {
    const SlotKind kind = KindOf(change);
    const std::string& id = change.type == kMergeNodes ? change.nodes.back() : change.nodes.front();
    const int node = facts.Find(id);
    std::string name = id;
    if (kind == SlotKind::kCache) name = suggestion.target;
    if (kind == SlotKind::kGroup) name = change.type + suggestion.target;
    move.sets.push_back(Alternative(kind, name, node, change));
    const auto& [slot, value] = move.sets.back();
    if (change.type == kMergeNodes) merges.push_back({node, value, facts.Find(change.nodes.front())});
    if (change.type == kRemoveNode) {
      for (const int user : facts.UsersOf(node)) needed_by.emplace_back(node, user);
    }
  }
  moves.push_back(std::move(move));
}

void SearchSpace::Impl::SortSlots() {
  std::vector<int> place(nodes.size(), 0);
  int next = 0;
  Number(facts, 0, place, next);
  std::vector<uint32_t> order(slots.size());
  for (uint32_t s = 0; s < order.size(); ++s) order[s] = s;
  const auto place_of = [&](uint32_t s) { return place[static_cast<size_t>(slots[s].node)]; };
  std::ranges::stable_sort(order, {}, place_of);
  std::vector<uint32_t> now(slots.size());
  std::vector<Slot> sorted;
  for (uint32_t s = 0; s < order.size(); ++s) {
    now[order[s]] = s;
    sorted.push_back(std::move(slots[order[s]]));
  }
  slots = std::move(sorted);
  slot_of_.clear();
  for (Move& move : moves) {
    for (auto& [slot, value] : move.sets) slot = now[slot];
  }
  std::ranges::sort(needed_by);
  needed_by.erase(std::ranges::unique(needed_by).begin(), needed_by.end());
  // Slots whose nodes stand in one interval of places.
  const auto add_range = [&](int first, int last) {
    const auto begin = std::ranges::lower_bound(slots, first, {}, [&](const Slot& slot) {
      return place[static_cast<size_t>(slot.node)];
    });
    const auto end = std::ranges::upper_bound(slots, last, {}, [&](const Slot& slot) {
      return place[static_cast<size_t>(slot.node)];
    });
    if (begin < end)
      subtrees.emplace_back(static_cast<uint32_t>(begin - slots.begin()), static_cast<uint32_t>(end - slots.begin()));
  };
  for (const GraphFacts::Row& row : facts.rows()) {
    const auto [first, last] = std::ranges::minmax(
        row, {}, [&](int node) { return place[static_cast<size_t>(node)]; });
    add_range(place[static_cast<size_t>(first)], place[static_cast<size_t>(last)]);
  }
}

void SearchSpace::Impl::FillNodes() {
  for (uint32_t s = 0; s < slots.size(); ++s) {
    const Slot& slot = slots[s];
    const int at = static_cast<int>(s);
    PlainNode& node = nodes[static_cast<size_t>(slot.node)];
    if (slot.kind == SlotKind::kGone) node.gone_slot = at;
    if (slot.kind == SlotKind::kTool) node.tool_slot = at;
    if (slot.kind == SlotKind::kModel) node.model_slot = at;
    if (slot.kind == SlotKind::kRetry) node.retry_slot = at;
    const GraphChange& change = slot.changes.front();
    if (slot.kind == SlotKind::kCache) {
      for (const std::string& id : change.nodes) nodes[static_cast<size_t>(facts.Find(id))].cache_slot = at;
    }
    if (slot.kind != SlotKind::kGroup) continue;
    NodeGroup group{.is_batch = change.type == kCreateBatchNode, .slot = s, .members = {}};
    for (const std::string& id : change.nodes) {
      group.members.push_back(facts.Find(id));
      nodes[static_cast<size_t>(group.members.back())].groups.push_back(static_cast<int>(groups.size()));
    }
    groups_of_walk[static_cast<size_t>(facts.walk_of(slot.node))].push_back(static_cast<int>(groups.size()));
    groups.push_back(std::move(group));
  }
  for (size_t n = 0; n < nodes.size(); ++n) {
    const int node = static_cast<int>(n);
    nodes[n].is_fork = facts.node(node).kind == graph::kParallel;
    if (nodes[n].is_fork || facts.walk_of(node) < 0 || facts.is_batch_member(node)) continue;
    const auto figures = model.FiguresOf(facts.node(node));
    if (!figures || figures->runs <= 0 || facts.node(node).kind == graph::kDecision) continue;
    nodes[n].counts = true;
    if (nodes[n].model_slot >= 0) nodes[n].models = slots[static_cast<size_t>(nodes[n].model_slot)].alternatives;
    if (nodes[n].retry_slot >= 0) nodes[n].retries = slots[static_cast<size_t>(nodes[n].retry_slot)].alternatives;
    nodes[n].effects = EffectsOf(node);
  }
}

std::vector<Effect> SearchSpace::Impl::EffectsOf(int n) const {
  const PlainNode& plain = nodes[static_cast<size_t>(n)];
  const auto alternatives = [&](int slot) {
    return slot < 0 ? uint16_t{1} : slots[static_cast<size_t>(slot)].alternatives;
  };
  const auto change_of = [&](int slot, uint16_t value) -> const GraphChange& {
    return slots[static_cast<size_t>(slot)].changes[value - 1u];
  };
  std::vector<Effect> effects;
  for (uint16_t tool = 0; tool < alternatives(plain.tool_slot); ++tool) {
    for (uint16_t which = 0; which < plain.models; ++which) {
      for (uint16_t retry = 0; retry < plain.retries; ++retry) {
        for (const bool cached : {false, true}) {
          GraphNode node = facts.node(n);
          if (tool > 0) {
            // For the figures it is the tool that matters, not where its name stands.
            node.tool = change_of(plain.tool_slot, tool).tool;
          }
          if (which > 0) node.model = change_of(plain.model_slot, which).model;
          if (retry > 0) node.retry = change_of(plain.retry_slot, retry).retry;
          if (cached && plain.cache_slot >= 0 && tool == 0) node.cache = change_of(plain.cache_slot, 1).cache;
          const NodeFigures figures = *model.FiguresOf(node);
          effects.push_back({.time = TimeOfRuns(node, figures),
                             .cost = figures.runs * figures.cost,
                             .runs = figures.runs,
                             .log_success = figures.runs * std::log(std::max(figures.success_rate, 1e-9)),
                             .log_quality = std::log(figures.quality)});
        }
      }
    }
  }
  return effects;
}

const Effect& SearchSpace::Impl::EffectOf(const Candidate& candidate, int n, bool in_batch) const {
  const PlainNode& node = nodes[static_cast<size_t>(n)];
  const auto value = [&](int slot) { return slot < 0 ? size_t{0} : size_t{candidate[static_cast<size_t>(slot)]}; };
  const size_t cached = in_batch ? 0 : value(node.cache_slot);
  return node.effects[((value(node.tool_slot) * node.models + value(node.model_slot)) * node.retries +
                       value(node.retry_slot)) * 2 + cached];
}

int SearchSpace::Impl::GroupOf(const Candidate& candidate, int node) const {
  for (const int group : nodes[static_cast<size_t>(node)].groups) {
    if (candidate[groups[static_cast<size_t>(group)].slot] != 0) return group;
  }
  return -1;
}

int SearchSpace::Impl::BatchOf(const Candidate& candidate, int node) const {
  const int group = GroupOf(candidate, node);
  return group >= 0 && groups[static_cast<size_t>(group)].is_batch ? group : -1;
}

void SearchSpace::Impl::Clear(Candidate& candidate, int n) const {
  const PlainNode& node = nodes[static_cast<size_t>(n)];
  for (const int slot : {node.tool_slot, node.model_slot, node.retry_slot}) {
    if (slot >= 0) candidate[static_cast<size_t>(slot)] = 0;
  }
}

RunEstimate SearchSpace::Impl::Estimate(const Candidate& candidate) const {
  struct Gathered {
    double longest = 0;
    double cost = 0;
    double runs = 0;
    double worst = 0;  // log of the success of one run
  };
  std::vector<Gathered> gathered(groups.size());
  std::vector<double> time(facts.walks().size());
  double cost = 0;
  double log_success = 0;
  double log_quality = 0;
  for (size_t w = time.size(); w-- > 0;) {  // branches before what waits for them
    for (const int n : facts.walks()[w].nodes) {
      const PlainNode& node = nodes[static_cast<size_t>(n)];
      if (!node.counts && !node.is_fork) continue;
      if (IsGone(candidate, n)) continue;
      const int g = node.groups.empty() ? -1 : GroupOf(candidate, n);
      double own = 0;
      if (node.is_fork) {
        for (const int branch : facts.branches_of(n)) own = std::max(own, time[static_cast<size_t>(branch)]);
      } else {
        const bool in_batch = g >= 0 && groups[static_cast<size_t>(g)].is_batch;
        const Effect& effect = EffectOf(candidate, n, in_batch);
        own = effect.time;
        log_quality += effect.log_quality;
        if (in_batch) {
          Gathered& batch = gathered[static_cast<size_t>(g)];
          batch.cost += effect.cost;
          batch.runs = std::max(batch.runs, effect.runs);
          batch.worst = std::min(batch.worst, effect.log_success / effect.runs);
        } else {
          cost += effect.cost;
          log_success += effect.log_success;
        }
      }
      if (g < 0) {
        time[w] += own;
      } else {
        gathered[static_cast<size_t>(g)].longest = std::max(gathered[static_cast<size_t>(g)].longest, own);
      }
    }
    for (const int g : groups_of_walk[w]) {
      const Gathered& group = gathered[static_cast<size_t>(g)];
      const bool is_batch = groups[static_cast<size_t>(g)].is_batch;
      time[w] += is_batch ? kBatchTime * group.longest : group.longest;
      cost += kBatchCost * group.cost;
      log_success += group.runs * group.worst;
    }
  }
  RunEstimate estimate;
  estimate.duration = (time.empty() ? 0 : time[0]) + overhead;
  estimate.cost = cost;
  estimate.success_rate = std::exp(log_success);
  estimate.quality = std::exp(log_quality);
  return estimate;
}

}  // namespace wfe::optimizer
