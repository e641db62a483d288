// One run of a graph: its state, where it is, and what each node does.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "activities/graph/condition.h"
#include "activities/graph/graph.h"
#include "activities/graph/graph_index.h"
#include "workflows/graph/graph_workflow.h"

namespace wfe::workflows {

/// Shared by the coroutines of its walks, which may outlive each other's callers.
class GraphRun : public std::enable_shared_from_this<GraphRun> {
 public:
  /// `graph` is valid, and `state` has its inputs.
  GraphRun(sdk::WorkflowContext& ctx, graph::Graph graph, nlohmann::json state, std::optional<DryRun> dry_run,
           std::shared_ptr<GraphProgress> progress);

  /// Walks from the start to an end.  Throws WorkflowFailure and CancelledFailure; the progress says so, too.
  sdk::Task<void> Run();

 private:
  /// What one call of an activity or child gave.
  struct CallOutcome {
    nlohmann::json result;
    int64_t duration_ms = 0;
  };

  // Walks; each gives its path's milliseconds.
  static sdk::Task<int64_t> Walk(std::shared_ptr<GraphRun> run, int entry);
  sdk::Task<int64_t> RunNode(int node);
  sdk::Task<int64_t> DoNode(int node);
  sdk::Task<int64_t> RunBranches(int node);
  sdk::Task<int64_t> RunOne(int node);
  sdk::Task<int64_t> RunItems(int node);
  sdk::Task<int64_t> RunMembers(int node);
  /// graph::GraphIndex::kNone: the walk ends here.
  int NextOf(int node, const std::map<int, int64_t>& runs_of_walk);

  // Calls.
  static sdk::Task<CallOutcome> Call(std::shared_ptr<GraphRun> run, int node, nlohmann::json input, std::string id);
  sdk::Task<CallOutcome> CallActivity(int node, nlohmann::json input, std::string id);
  sdk::Task<CallOutcome> CallChild(int node, nlohmann::json input, std::string id);
  std::optional<CallOutcome> Recorded(int node, const nlohmann::json& input);
  /// "write", "write#2" in its second run; of call k of several "write#2.k".
  std::string CallId(int node, size_t call = 0) const;

  // State and progress.
  nlohmann::json InputOf(int node) const;
  void Write(int node, const nlohmann::json& result);
  void Begin(int node);
  void End(int node, const std::string& status, int64_t duration_ms);
  void Count(int node, const nlohmann::json& result, bool paid);
  NodeProgress& ProgressOf(int node);
  const graph::GraphNode& Node(int node) const { return graph_.nodes[static_cast<size_t>(node)]; }
  [[noreturn]] void Fail(int node, const std::string& sentence, const char* type) const;

  sdk::WorkflowContext& ctx_;
  const graph::Graph graph_;
  const graph::GraphIndex index_;
  std::vector<std::optional<graph::Condition>> conditions_;  // by edge
  nlohmann::json state_;
  std::map<std::string, size_t> bytes_of_;                                         // by key
  std::map<std::pair<std::string, std::string>, graph::RecordedResult> recorded_;  // by activity and hash of its input
  const bool dry_run_;
  const bool run_missing_;
  int64_t calls_ = 0;             // of activities and children
  std::vector<int64_t> runs_;     // by node
  std::vector<int> progress_of_;  // by node; -1: it has not begun
  std::shared_ptr<GraphProgress> progress_;
};

}  // namespace wfe::workflows
