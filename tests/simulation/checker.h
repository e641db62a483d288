// Judges a store at rest: every history, every row, and whether what clients were told is true.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/lint/lint.h"
#include "engine/storage/execution_reader.h"
#include "engine/storage/key_value_store.h"
#include "tests/simulation/client.h"
#include "workers/sdk/workflow_registry.h"

namespace wfe::simulation {

class Checker {
 public:
  /// `rows` and `registry` outlive it.
  Checker(const storage::KeyValueReader& rows, const sdk::WorkflowRegistry& registry);

  /// Lint rules, chains, replay of every history (also of one prefix each, chosen by `random`), one open run at most
  /// per workflow id, a wake-up for every open run.  For a store at any time.
  void CheckStore(Random random);
  /// What this client was told is in the histories, exactly once.
  void CheckTold(const Plan& plan, const Told& told);
  /// The workflow has ended as it must.
  void CheckOutcome(const Plan& plan, const Told& told);

  /// Every run of a workflow id, an event a line; for readable traces.
  std::vector<std::string> Describe(const std::string& workflow_id) const;

  const std::vector<std::string>& violations() const { return violations_; }
  const std::vector<lint::RunHistory>& runs() const { return runs_; }
  size_t executions() const { return runs_.size(); }
  size_t events() const { return events_; }

 private:
  void CheckReplay(const lint::RunHistory& run, Random& random);
  void CheckHolders(const lint::RunHistory& run);
  void CheckWakeUp(const lint::StoredRun& run);
  void Violation(std::string what) { violations_.push_back(std::move(what)); }

  const storage::KeyValueReader& rows_;
  const storage::ExecutionReader reader_;
  const sdk::WorkflowRegistry& registry_;
  std::vector<lint::RunHistory> runs_;
  /// By workflow id: accepted, and in the history once the workflow task that is out has ended.
  std::map<std::string, std::vector<lint::HistoryEvent>> buffered_;
  std::vector<std::string> violations_;
  size_t events_ = 0;
};

}  // namespace wfe::simulation
