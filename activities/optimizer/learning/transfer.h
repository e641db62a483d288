// What helped similar workflows, for a workflow that has not tried it (LN-6).
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "activities/graph/graph.h"
#include "activities/learning/records/rows.h"
#include "activities/optimizer/learning/features.h"
#include "activities/optimizer/learning/graph_similarity.h"
#include "activities/optimizer/learning/learned_changes.h"
#include "activities/optimizer/profile/performance_profile.h"
#include "activities/optimizer/strategies/apply.h"
#include "activities/optimizer/strategies/strategy.h"
#include "activities/optimizer/strategies/suggestion.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/records_client.h"

namespace wfe::optimizer {

inline constexpr size_t kMaxSources = 10;  ///< The most similar ones.
inline constexpr double kMinTransferConfidence = 0.7;  ///< More than this is taken over.

/// A workflow, and what was learned about it.
struct TransferSource {
  std::string workflow_id;
  graph::Graph graph;
  std::vector<LearnedChange> changes;  ///< Of this graph.
};

struct SimilarWorkflow {
  size_t source = 0;  ///< In the list that was handed in.
  GraphSimilarity similarity;
};

/// The most similar first, at most kMaxSources; sources that are `target` itself (the same workflow) are passed over.
std::vector<SimilarWorkflow> MostSimilar(const graph::Graph& target, const std::vector<TransferSource>& sources);

/// Applies changes to a graph or says why not.
using ApplyFunction = std::function<Result<graph::Graph>(const graph::Graph&, const std::vector<GraphChange>&)>;
/// The id of changes of a workflow.
using IdFunction = std::function<std::string(const std::string&, const std::vector<GraphChange>&)>;

/// A suggestion for another graph: its nodes are those that MatchNodes pairs with the source's, and each must run the
/// same activity.  FAILED_PRECONDITION with a sentence: a node has no such partner, the target has it that way already,
/// or the change does not apply.
///
/// It was measured elsewhere.  So its confidence is multiplied with the similarity, it is never LOW risk, it needs a
/// person's approval at least, and its evidence says where it is from; the estimated reductions are still the source's.
Result<OptimizationSuggestion> Adapt(const OptimizationSuggestion& suggestion, const TransferSource& source,
                                     const graph::Graph& target, const GraphSimilarity& similarity,
                                     const ApplyFunction& apply = ApplyChanges,
                                     const IdFunction& id_of = SuggestionId);

/// Of the most similar sources the changes with a confidence above kMinTransferConfidence which, where that was
/// measured, helped; adapted, and ranked by confidence × similarity (`rank`).  Of equal changes the best ranked stays;
/// a change that did not help a source which is as similar, or more, is not taken over from another.  What was not
/// taken over is refused with the reason.
Suggestions Transfer(const graph::Graph& target, const std::vector<TransferSource>& sources,
                     const ApplyFunction& apply = ApplyChanges, const IdFunction& id_of = SuggestionId);

/// Everything learned (LearnedChange), by workflow and graph.
Result<std::vector<TransferSource>> LoadSources(client::RecordsClient& records, Instant now,
                                                learning::RowProblems& problems);

/// How similar workflows did, weighed by similarity, from their profiles (the history features of LN-1).  Profiles
/// without executions do not count.
struct SimilarProfile {
  double similarity = 0;
  const PerformanceProfile* profile = nullptr;
};
SimilarRuns SummaryOf(const std::vector<SimilarProfile>& profiles);

}  // namespace wfe::optimizer
