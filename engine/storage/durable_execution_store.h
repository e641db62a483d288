// The ExecutionStore over any key-value store.
#pragma once

#include "engine/storage/commit_stage.h"
#include "engine/storage/execution_reader.h"
#include "engine/storage/execution_store.h"

namespace wfe::storage {

/// Turns commits into rows (keys.h) on the caller's thread and hands them to the commit stage.  Keeps nothing itself.
/// Thread-safe, but the commits of one run must come from one thread at a time, as they do from its shard.
class DurableExecutionStore final : public ExecutionStore {
 public:
  /// `stage` outlives the store.
  explicit DurableExecutionStore(CommitStage& stage) : stage_(stage), reader_(stage) {}

  Result<std::optional<LoadedRun>> LoadRun(const ExecutionKey& key) const override;
  Result<std::vector<EventBatch>> ReadHistory(const ExecutionKey& key, EventRange range,
                                              int64_t max_bytes = INT64_MAX) const override;
  Result<std::optional<engine::v1::CurrentRun>> GetCurrentRun(const WorkflowKey& key) const override;
  Result<bool> HasRequestId(const ExecutionKey& key, std::string_view request_id) const override;
  /// CHECKs that each batch of events continues the stored history.  An ordinary transition is one row: its events with
  /// its notes, or its notes alone.  The run's checkpoint is written at its first transition, at its last, and when
  /// what has been written since is more than the state, so that reading a run stays in proportion to its state.
  void Commit(std::vector<ExecutionCommit> commits, DurableCallback durable) override;
  Status ForEachOpenKey(const std::function<void(const ExecutionKey&)>& visit) const override;
  Status ForEachOwed(
      const std::function<void(const history::ObligationId&, Result<engine::v1::Obligation>)>& visit) const override;

  /// Before each checkpoint, what the rows tell must be what the checkpoint would say, or the process stops (H5).  For
  /// tests and simulations: it reads the run again.
  void CheckJournals() { check_journals_ = true; }

  /// More ways to read: all runs, chains, stored batches.
  const ExecutionReader& reader() const { return reader_; }

 private:
  Status AddRows(ExecutionCommit commit, PendingWrite& write) const;
  Status AddTransition(ExecutionCommit& commit, RunTail& tail, PendingWrite& write) const;
  void AddCheckpoint(const ExecutionCommit& commit, RunTail& tail, PendingWrite& write) const;
  Status CheckJournal(const ExecutionCommit& commit, const std::string& notes) const;

  CommitStage& stage_;
  const ExecutionReader reader_;
  bool check_journals_ = false;
};

}  // namespace wfe::storage
