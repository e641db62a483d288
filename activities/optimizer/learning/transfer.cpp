#include "activities/optimizer/learning/transfer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "activities/graph/graph_index.h"

namespace wfe::optimizer {
namespace {

/// The graph has already what the change would set.
bool IsAlreadySo(const graph::Graph& graph, const GraphChange& change) {
  for (const std::string& id : change.nodes) {
    const graph::GraphNode* node = graph::FindNode(graph, id);
    if (node == nullptr) return false;
    if (change.type == kSubstituteTool && node->tool != change.tool) return false;
    if (change.type == kSubstituteModel && node->model != change.model) return false;
    if (change.type == kEnableCache && node->cache != change.cache) return false;
    if (change.type == kSetRetry && node->retry != change.retry) return false;
  }
  return change.type == kSubstituteTool || change.type == kSubstituteModel || change.type == kEnableCache ||
         change.type == kSetRetry;
}

Result<GraphChange> AdaptChange(GraphChange change, const graph::Graph& source, const graph::Graph& target,
                                const std::vector<NodePair>& pairs) {
  const graph::GraphIndex index(source);
  for (std::string& id : change.nodes) {
    const int from = index.Find(id);
    if (from == graph::GraphIndex::kNone) {
      return FailedPrecondition("the graph that it was learned on has no node \"" + id + "\"");
    }
    const NodePair& pair = pairs[static_cast<size_t>(from)];
    if (pair.match != NodeMatch::kSame && pair.match != NodeMatch::kSameActivity) {
      return FailedPrecondition("no node does what \"" + id + "\" does there");
    }
    id = target.nodes[static_cast<size_t>(pair.partner)].id;
  }
  return change;
}

std::string JoinNodes(const std::vector<std::string>& nodes) {
  std::string text;
  for (const std::string& node : nodes) text += (text.empty() ? "" : ",") + node;
  return text;
}

/// What a change does, whichever node of which workflow it is: to tell of a trial elsewhere that did not help.
std::string KindOfChange(const OptimizationSuggestion& suggestion, const graph::Graph& graph) {
  std::string kind = suggestion.strategy_type;
  for (const GraphChange& change : suggestion.changes) {
    kind += "|" + change.type + "|" + change.tool + "|" + change.model;
    for (const std::string& id : change.nodes) {
      const graph::GraphNode* node = graph::FindNode(graph, id);
      kind += "|" + (node == nullptr ? id : node->activity);
    }
  }
  return kind;
}

bool DidNotHelp(const LearnedChange& change) {
  return change.measured_improvement.has_value() && !(*change.measured_improvement > 0);
}

Refusal NotTaken(const LearnedChange& change, const std::string& why) {
  return {.strategy_type = change.suggestion.strategy_type,
          .target = change.suggestion.target,
          .reason = "change " + change.id + " of workflow " + change.workflow_id + ": " + why};
}

}  // namespace

std::vector<SimilarWorkflow> MostSimilar(const graph::Graph& target, const std::vector<TransferSource>& sources) {
  std::vector<SimilarWorkflow> similar;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].workflow_id == target.id) continue;
    similar.push_back({.source = i, .similarity = CompareGraphs(sources[i].graph, target)});
  }
  std::ranges::stable_sort(similar, std::greater<>(),
                           [](const SimilarWorkflow& workflow) { return workflow.similarity.similarity; });
  if (similar.size() > kMaxSources) similar.resize(kMaxSources);
  return similar;
}

Result<OptimizationSuggestion> Adapt(const OptimizationSuggestion& suggestion, const TransferSource& source,
                                     const graph::Graph& target, const GraphSimilarity& similarity,
                                     const ApplyFunction& apply, const IdFunction& id_of) {
  const std::vector<NodePair> pairs = MatchNodes(source.graph, target);
  OptimizationSuggestion adapted = suggestion;
  for (GraphChange& change : adapted.changes) {
    WFE_ASSIGN_OR_RETURN(change, AdaptChange(std::move(change), source.graph, target, pairs));
  }
  const auto is_so = [&](const GraphChange& change) { return IsAlreadySo(target, change); };
  if (std::ranges::all_of(adapted.changes, is_so)) return FailedPrecondition("the workflow has it that way already");
  if (const Result<graph::Graph> changed = apply(target, adapted.changes); !changed) {
    return FailedPrecondition(changed.error().message);
  }
  adapted.suggestion_id = id_of(target.id, adapted.changes);
  if (!adapted.changes.empty()) adapted.target = JoinNodes(adapted.changes.front().nodes);
  adapted.description = "As in workflow " + source.workflow_id + ": " + suggestion.description;
  adapted.evidence = {{"from_workflow", source.workflow_id},
                      {"from_suggestion", suggestion.suggestion_id},
                      {"similarity", similarity.similarity},
                      {"evidence_there", suggestion.evidence}};
  adapted.estimated_improvement.confidence *= similarity.similarity;
  adapted.rank = adapted.estimated_improvement.confidence;
  if (adapted.risk_level == kRiskLow) adapted.risk_level = kRiskMedium;
  if (adapted.needs == kAfterValidation) adapted.needs = kAfterApproval;
  return adapted;
}

Suggestions Transfer(const graph::Graph& target, const std::vector<TransferSource>& sources, const ApplyFunction& apply,
                     const IdFunction& id_of) {
  Suggestions all;
  const std::vector<SimilarWorkflow> similar = MostSimilar(target, sources);
  std::map<std::string, double> failed_at;  // by kind of change: the similarity of the most similar one
  for (const SimilarWorkflow& workflow : similar) {
    for (const LearnedChange& change : sources[workflow.source].changes) {
      if (!DidNotHelp(change)) continue;
      failed_at.try_emplace(KindOfChange(change.suggestion, sources[workflow.source].graph),
                            workflow.similarity.similarity);
    }
  }
  std::map<std::string, OptimizationSuggestion> best;  // by id
  for (const SimilarWorkflow& workflow : similar) {
    const TransferSource& source = sources[workflow.source];
    for (const LearnedChange& change : source.changes) {
      if (!(change.suggestion.estimated_improvement.confidence > kMinTransferConfidence)) {
        all.refused.push_back(NotTaken(change, "its confidence is not above 0.7"));
        continue;
      }
      const auto failed = failed_at.find(KindOfChange(change.suggestion, source.graph));
      if (DidNotHelp(change) || (failed != failed_at.end() && failed->second >= workflow.similarity.similarity)) {
        all.refused.push_back(NotTaken(change, DidNotHelp(change) ? "it did not help there"
                                                                  : "it did not help a workflow as similar as that"));
        continue;
      }
      Result<OptimizationSuggestion> adapted =
          Adapt(change.suggestion, source, target, workflow.similarity, apply, id_of);
      if (!adapted) {
        all.refused.push_back(NotTaken(change, adapted.error().message));
        continue;
      }
      if (change.measured_improvement) adapted->evidence["measured_improvement_there"] = *change.measured_improvement;
      const auto [found, is_new] = best.try_emplace(adapted->suggestion_id, *adapted);
      if (!is_new && adapted->rank > found->second.rank) found->second = *std::move(adapted);
    }
  }
  for (auto& [id, suggestion] : best) all.made.push_back(std::move(suggestion));
  std::ranges::stable_sort(all.made, std::greater<>(), &OptimizationSuggestion::rank);
  return all;
}

Result<std::vector<TransferSource>> LoadSources(client::RecordsClient& records, Instant now,
                                                learning::RowProblems& problems) {
  WFE_ASSIGN_OR_RETURN(LearnedPage page, ReadLearned(records, "", now, problems));
  std::map<std::pair<std::string, std::string>, TransferSource> sources;
  for (LearnedChange& change : page.changes) {
    const auto [found, is_new] = sources.try_emplace({change.workflow_id, change.graph_sha256});
    TransferSource& source = found->second;
    if (is_new) {
      Result<graph::Graph> graph = LoadLearnedGraph(records, change);
      if (!graph) {
        // Without its graph nothing of it can be adapted; the next row of the same graph finds the source empty.
        problems.push_back(graph.error().message);
        continue;
      }
      source.workflow_id = change.workflow_id;
      source.graph = *std::move(graph);
    }
    source.changes.push_back(std::move(change));
  }
  std::vector<TransferSource> list;
  for (auto& [key, source] : sources) {
    if (!source.workflow_id.empty()) list.push_back(std::move(source));
  }
  return list;
}

SimilarRuns SummaryOf(const std::vector<SimilarProfile>& profiles) {
  // Sum and weight; what some profiles do not have is the mean of those that do.
  struct Weighed {
    double sum = 0;
    double weight = 0;
    void Add(std::optional<double> value, double by) {
      if (!value) return;
      sum += *value * by;
      weight += by;
    }
    std::optional<double> Mean() const { return weight > 0 ? std::optional(sum / weight) : std::nullopt; }
  };
  Weighed duration, success, cost, cpu, memory;
  for (const SimilarProfile& similar : profiles) {
    if (similar.profile == nullptr || similar.profile->workflow_metrics.executions == 0) continue;
    const WorkflowMetrics& metrics = similar.profile->workflow_metrics;
    duration.Add(metrics.avg_duration, similar.similarity);
    success.Add(metrics.success_rate, similar.similarity);
    cost.Add(metrics.avg_cost, similar.similarity);
    std::optional<double> cpu_s;
    std::optional<double> memory_mb;
    for (const NodePerformanceProfile& node : similar.profile->node_metrics) {
      if (node.avg_cpu_percent) {
        cpu_s = cpu_s.value_or(0) + *node.avg_cpu_percent / 100 * node.avg_duration * node.runs_per_execution;
      }
      if (node.avg_memory_mb) memory_mb = std::max(memory_mb.value_or(0), *node.avg_memory_mb);
    }
    cpu.Add(cpu_s, similar.similarity);
    memory.Add(memory_mb, similar.similarity);
  }
  return {.mean_duration_s = duration.Mean(),
          .success_rate = success.Mean(),
          .mean_cost_usd = cost.Mean(),
          .mean_cpu_s = cpu.Mean(),
          .mean_memory_mb = memory.Mean()};
}

}  // namespace wfe::optimizer
