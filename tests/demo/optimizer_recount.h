// What `wfe demo optimizer` prints, counted again from the rows of the world behind it (TG-11).
#pragma once

#include <string>
#include <vector>

#include "activities/delivery/records/executions.h"
#include "activities/delivery/records/monitor_log.h"
#include "activities/delivery/records/rollout_log.h"
#include "activities/optimizer/profile/node_run.h"
#include "tools/demo/optimizer_world.h"

namespace wfe::demo {

/// A sentence that was said, and when.
struct Said {
  std::string at;  ///< ISO 8601
  std::string sentence;
};

/// Arithmetic of its own: sums over rows, and the rules that docs/optimizer.md states.  Of the product it calls the
/// tests of statistics alone.  Names and kinds come from the session's record, figures from runs.
class OptimizerRecount {
 public:
  OptimizerRecount(OptimizerWorld& world, std::vector<delivery::ExecutionRecord> rows);

  /// All that has a figure in it, in the order of the page, blanks as one blank each.
  std::vector<std::string> Sentences(const std::vector<Said>& said);

 private:
  using Row = delivery::ExecutionRecord;
  struct Node {
    double seconds = 0;  ///< In one execution.
    double cost = 0;
    double input_tokens = 0;
    double output_tokens = 0;
  };
  struct Saved {
    double seconds = 0;
    double cost = 0;
    double cached_seconds = 0;  ///< Of that, by caches.
    double cached_cost = 0;
  };

  void Tell(std::string sentence) { sentences_.push_back(std::move(sentence)); }
  void CountProfiled();
  void Story(const std::vector<Said>& said);
  void Service();
  void Profile();
  void Bottleneck(const optimizer::Bottleneck& bottleneck);
  void Suggestions();
  void Trials(size_t number, const Saved& saved);
  void Experiment();
  void Rollout();
  void Monitoring();
  std::string RegressionSentence() const;

  Saved SavedBy(const std::vector<optimizer::GraphChange>& changes) const;
  /// Of a tool's calls in the profiled runs: how many had an input that had been there before.
  int64_t Repeats(const std::string& tool, int64_t& same) const;
  int64_t Calls(const std::string& tool) const;
  double CostOf(const std::string& tool) const;
  Instant RegressionBegan() const;
  /// Ended runs of a version in [from, to].
  std::vector<delivery::RunOutcome> Ended(const std::string& version, Instant from, Instant to) const;
  delivery::PerformanceWindow BeforeTheRegression() const;

  OptimizerWorld& world_;
  std::vector<Row> rows_;
  optimizer::StoredSession session_;
  std::vector<std::vector<delivery::TrialPair>> trials_;  ///< In the order in which variants were tried.
  std::vector<delivery::MonitoringEvent> told_;
  std::vector<const Row*> profiled_;
  std::vector<std::vector<optimizer::NodeRun>> steps_;  ///< Of each of them.
  std::map<std::string, Node> nodes_;
  double seconds_ = 0;
  double cost_ = 0;
  std::vector<std::string> sentences_;
};

}  // namespace wfe::demo
