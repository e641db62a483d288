// The ExecutionStore over any key-value store.
#pragma once

#include <mutex>
#include <unordered_map>

#include "engine/storage/commit_stage.h"
#include "engine/storage/execution_reader.h"
#include "engine/storage/execution_store.h"

namespace wfe::storage {

/// Turns commits into rows (keys.h) on the caller's thread and hands them to the commit stage.
/// Thread-safe, but the commits of one run must come from one thread at a time, as they do from its shard.
class DurableExecutionStore final : public ExecutionStore {
 public:
  /// `stage` outlives the store.
  explicit DurableExecutionStore(CommitStage& stage) : stage_(stage), reader_(stage) {}

  Result<std::optional<engine::v1::MutableState>> Load(const ExecutionKey& key) const override;
  Result<std::vector<EventBatch>> ReadHistory(const ExecutionKey& key, EventRange range,
                                              int64_t max_bytes = INT64_MAX) const override;
  Result<std::optional<engine::v1::CurrentRun>> GetCurrentRun(const WorkflowKey& key) const override;
  Result<bool> HasRequestId(const ExecutionKey& key, std::string_view request_id) const override;
  /// CHECKs that each batch of events continues the stored history.
  void Commit(std::vector<ExecutionCommit> commits, DurableCallback durable) override;
  Status ForEachOpen(const std::function<void(engine::v1::MutableState)>& visit,
                     const UnreadableRun& unreadable) const override;
  Status ForEachOpenKey(const std::function<void(ExecutionKey)>& visit) const override {
    return reader_.ForEachOpenKey(visit);
  }

  /// More ways to read: all runs, chains, stored batches.
  const ExecutionReader& reader() const { return reader_; }

 private:
  /// Where a run's history ends.  Kept for live runs, so that a commit reads nothing; the rows know it too.
  struct Tail {
    EventId last_event_id = 0;
    Sha256Digest chain_head{};
  };

  Result<Tail> TailOf(const ExecutionKey& key);
  void Remember(const ExecutionKey& key, const Tail& tail, bool open);
  Status AddRows(ExecutionCommit commit, PendingWrite& write);

  CommitStage& stage_;
  const ExecutionReader reader_;
  std::mutex mutex_;
  // Two generations: when the young one is full it becomes the old one, and what nobody used is forgotten.
  std::unordered_map<ExecutionKey, Tail> young_, old_;  // protected by mutex_
};

}  // namespace wfe::storage
