// What was learned about changes of workflows, for other workflows and for whoever listens (LN-6, LN-7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/graph/graph.h"
#include "activities/learning/records/rows.h"
#include "activities/optimizer/strategies/suggestion.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/records_client.h"

namespace wfe::optimizer {

/// Key `<at>/<id>`.  It is a stream: rows are appended and never changed, and a reader goes on after the key that it
/// saw last, without reading the days before.
inline constexpr std::string_view kLearnedTable = "optimizer_learned";

/// A change that was tried: proposed, and perhaps measured.
struct LearnedChange {
  std::string id;  ///< Of the trial: the same one is stored once.
  std::string at;  ///< ISO 8601
  std::string workflow_id;
  std::string graph_sha256;  ///< The blob of the graph that it changed (graph::CanonicalJson).
  OptimizationSuggestion suggestion;
  std::optional<double> measured_improvement;  ///< RewardOf's larger reduction; 0 or less: it did not help.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(LearnedChange, id, at, workflow_id, graph_sha256, suggestion, measured_improvement);
constexpr RecordRules RulesOf(const LearnedChange*) {
  return {.required = "id at workflow_id graph_sha256 suggestion"};
}

/// Stores the graph too and fills in its hash.  False: it was there.
Result<bool> SaveLearned(client::RecordsClient& records, LearnedChange change, const graph::Graph& graph);

struct LearnedPage {
  std::vector<LearnedChange> changes;  ///< By time.
  std::string last_key;                ///< To go on after; what it was when there is nothing new.
};

/// What was learned after `last_key`; empty: all of it.  A row that is stored late, under an earlier time, is not seen
/// by readers who are past that; one who must see every row reads all.
Result<LearnedPage> ReadLearned(client::RecordsClient& records, const std::string& last_key, Instant now,
                                learning::RowProblems& problems);

/// The graph that a change was learned on.
Result<graph::Graph> LoadLearnedGraph(client::RecordsClient& records, const LearnedChange& change);

}  // namespace wfe::optimizer
