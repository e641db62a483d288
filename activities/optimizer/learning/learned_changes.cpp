#include "activities/optimizer/learning/learned_changes.h"

#include <chrono>

#include "activities/graph/read_graph.h"
#include "activities/learning/records/timed_rows.h"

namespace wfe::optimizer {

Result<bool> SaveLearned(client::RecordsClient& records, LearnedChange change, const graph::Graph& graph) {
  WFE_RETURN_IF_ERROR(learning::CheckRowId("the id of a workflow", change.workflow_id));
  WFE_ASSIGN_OR_RETURN(const std::string key, learning::TimedKey(change.at, change.id));
  WFE_ASSIGN_OR_RETURN(change.graph_sha256, records.Put(graph::CanonicalJson(graph)));
  return records.AppendRow(std::string(kLearnedTable), key, learning::RowText(change));
}

Result<LearnedPage> ReadLearned(client::RecordsClient& records, const std::string& last_key, Instant now,
                                learning::RowProblems& problems) {
  LearnedPage page{.changes = {}, .last_key = last_key};
  const auto visit = [&](const std::string& key, const std::string& value) {
    if (key <= last_key) return;
    page.last_key = key;
    Result<LearnedChange> row = learning::ReadRow<LearnedChange>(kLearnedTable, key, value);
    if (row) {
      page.changes.push_back(*std::move(row));
    } else {
      problems.push_back(row.error().message);
    }
  };
  const auto from = ParseIso8601(last_key.substr(0, last_key.find('/')));
  if (from) {
    WFE_RETURN_IF_ERROR(learning::ScanDays(records, kLearnedTable, *from, now + std::chrono::days(1), visit));
  } else {
    WFE_RETURN_IF_ERROR(records.ScanRows(std::string(kLearnedTable), "", visit));
  }
  return page;
}

Result<graph::Graph> LoadLearnedGraph(client::RecordsClient& records, const LearnedChange& change) {
  WFE_ASSIGN_OR_RETURN(const std::string text, records.Get(change.graph_sha256));
  graph::Mistakes mistakes;
  std::optional<graph::Graph> graph = graph::CheckGraphText(text, {}, mistakes);
  if (!graph) return DataLoss("the graph of the learned change " + change.id + " is none");
  return *std::move(graph);
}

}  // namespace wfe::optimizer
