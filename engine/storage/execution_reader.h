// Executions out of rows: what the engine reads through the commit stage and tools read from a store at rest.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/storage/chain.h"
#include "engine/storage/execution_store.h"
#include "engine/storage/key_value_store.h"

namespace wfe::storage {

/// What VerifyChain found.
struct ChainReport {
  int64_t events = 0;     ///< That are in order, from the first one on.
  EventId first_bad = 0;  ///< The first event of the first batch that is not; 0: all are.
  std::string problem;    ///< Why.
  bool ok() const { return first_bad == 0; }
};

/// What is stored of a run whose rows end with `tail`, in one row.
engine::v1::MutableState CheckpointRow(const history::MutableState& state, const RunTail& tail);

/// Reads only.  Stateless, so callable from any thread; `rows` outlives it.
class ExecutionReader {
 public:
  explicit ExecutionReader(const KeyValueReader& rows) : rows_(rows) {}

  /// The checkpoint and what happened since (ExecutionStore::LoadRun).
  Result<std::optional<LoadedRun>> LoadRun(const ExecutionKey& key) const;
  /// The same in the form of a checkpoint that holds all of it, with the chain's head.
  Result<std::optional<engine::v1::MutableState>> Load(const ExecutionKey& key) const;
  Result<std::vector<EventBatch>> ReadHistory(const ExecutionKey& key, EventRange range, int64_t max_bytes) const;
  Result<std::optional<engine::v1::CurrentRun>> GetCurrentRun(const WorkflowKey& key) const;
  Result<bool> HasRequestId(const ExecutionKey& key, std::string_view request_id) const;
  Status ForEachOpenKey(const std::function<void(const ExecutionKey&)>& visit) const;
  Status ForEachOwed(
      const std::function<void(const history::ObligationId&, Result<engine::v1::Obligation>)>& visit) const;

  /// Every run, open ones first; stops at the first error, the visitor's too.
  Status ForEachExecution(const std::function<Status(const ExecutionKey&, bool open)>& visit) const;
  /// The run's journal rows, the notes of transitions without events since its checkpoint, as they are stored (H5).
  Result<std::vector<std::string>> ReadJournal(const ExecutionKey& key) const;
  /// Every request id row of a run.
  Result<std::vector<std::string>> ListRequestIds(const ExecutionKey& key) const;
  /// The run's batches as they are stored, with the commit that wrote each (H3).
  Result<std::vector<StoredBatch>> ReadStoredBatches(const ExecutionKey& key) const;
  /// Recomputes the hash chain of the run from the stored bytes and compares it with every stored head, the event ids
  /// and sizes with what is recorded (H4, H6); the journal must continue the checkpoint, and no row of it may be left
  /// from before (H5).  NOT_FOUND when there is no such run; an error when its rows cannot be walked.
  Result<ChainReport> VerifyChain(const ExecutionKey& key) const;

  /// The id of the run's last stored event; 0 when it has none.
  Result<EventId> LastEventId(const ExecutionKey& key) const;

 private:
  Status ForEachState(bool open,
                      const std::function<Status(const ExecutionKey& key, std::string_view value)>& visit) const;
  /// The run whose checkpoint has these bytes.
  Result<LoadedRun> ReadRun(const ExecutionKey& key, bool open, std::string_view checkpoint) const;
  Result<bool> HasJournalRows(const ExecutionKey& key, int64_t first, int64_t last) const;

  const KeyValueReader& rows_;
};

}  // namespace wfe::storage
