// What must survive a crash, spoken of as executions: one Commit is one atomic batch, acknowledged when it is durable.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/executor.h"
#include "engine/base/function.h"
#include "engine/base/hash.h"
#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/history/obligations.h"
#include "engine/history/transition.h"
#include "engine/storage/key_value_store.h"
#include "wfe/engine/v1/state.pb.h"

namespace wfe::storage {

/// Events [first, last], both included.
struct EventRange {
  EventId first = 1;
  EventId last = INT64_MAX;
};

/// Events encoded once (design rule R4): `bytes` is a serialized temporal.api.history.v1.History, that is, each event
/// length-delimited under field 1, so batches concatenate into a longer History and splice into poll answers.
struct EventBatch {
  EventId first_event_id = 0;
  int32_t count = 0;
  std::string bytes;

  static EventBatch Encode(const std::vector<temporal::api::history::v1::HistoryEvent>& events);
};

/// A signal's or other request's id, so that a repeated call changes nothing (S61).
struct RequestIdRow {
  std::string request_id;
};

/// What a run owes to another one, and its number (history::ObligationNumber).
struct OwedRow {
  int64_t number = 0;
  std::shared_ptr<const engine::v1::Obligation> obligation;
};

/// Where the rows of a run end: what a commit needs to go on behind them.  Kept by whoever keeps the run's state.
struct RunTail {
  EventId last_event_id = 0;
  Sha256Digest chain_head{};     ///< After that event.
  int64_t transition = 0;        ///< The run's last stored one; 0 before the first.
  int64_t checkpoint = 0;        ///< The last one that is in the checkpoint.
  int64_t journal_bytes = 0;     ///< Written since.
  std::vector<int64_t> journal;  ///< The transitions since the checkpoint that have a row of their own.
};

/// A run as its rows tell it.
struct LoadedRun {
  history::MutableState state;
  RunTail tail;
};

/// One transition of one execution.
struct ExecutionCommit {
  ExecutionKey key;
  EventBatch events;                       ///< May be empty.
  std::vector<history::PlacedNote> notes;  ///< The transition's.
  /// Lent for the call: the state after the transition, which becomes the run's checkpoint when one is due.  Null:
  /// nothing of the run itself changes.
  const history::MutableState* state = nullptr;
  /// Lent for the call, which brings it forward.  Null: it is read from the rows.
  RunTail* tail = nullptr;
  std::optional<engine::v1::CurrentRun> current_run;  ///< When the run starts or closes.
  std::optional<engine::v1::VisibilityRecord> visibility;
  std::vector<RequestIdRow> request_ids;
  std::vector<std::string> forgotten_request_ids;  ///< Whose rows go.
  std::vector<OwedRow> owed;
  std::vector<int64_t> paid;  ///< Numbers of obligations of this run that are settled.
};

/// Runs on `executor` in commit order.
struct DurableCallback {
  Executor* executor = nullptr;
  Function<void()> run;
};

/// Told of a run whose state cannot be read.  It is left alone by name; it must not keep others from being served (F6).
using UnreadableRun = std::function<void(const ExecutionKey&, const Error&)>;

class ExecutionStore {
 public:
  virtual ~ExecutionStore() = default;

  /// The checkpoint, and what happened since.  nullopt: no such run.  DATA_LOSS, naming the run, when a row is missing
  /// or cannot be read.
  virtual Result<std::optional<LoadedRun>> LoadRun(const ExecutionKey& key) const = 0;
  /// Batches that overlap the range, in order; the caller trims.  Reads at most about `max_bytes`, at least one batch.
  virtual Result<std::vector<EventBatch>> ReadHistory(const ExecutionKey& key, EventRange range,
                                                      int64_t max_bytes = INT64_MAX) const = 0;
  virtual Result<std::optional<engine::v1::CurrentRun>> GetCurrentRun(const WorkflowKey& key) const = 0;
  virtual Result<bool> HasRequestId(const ExecutionKey& key, std::string_view request_id) const = 0;

  /// Makes the commits one atomic batch: new events, states, current-run, request-id and visibility rows,
  /// and what is owed and paid.  Returns at
  /// once: they join the next synced group.  `durable` runs on its executor, in commit order, once the commit survives
  /// a crash of the machine.  There is no error to handle: a failed sync stops the process (ARCHITECTURE D5).
  /// Reads see every commit handed in, durable or not; only replies and effects wait.
  virtual void Commit(std::vector<ExecutionCommit> commits, DurableCallback durable) = 0;

  /// The keys of all open executions, for recovery.
  virtual Status ForEachOpenKey(const std::function<void(const ExecutionKey&)>& visit) const = 0;
  /// Everything that is owed, by who owes it, in the order of its numbers.  One that cannot be read is visited with the
  /// error.
  virtual Status ForEachOwed(
      const std::function<void(const history::ObligationId&, Result<engine::v1::Obligation>)>& visit) const = 0;
};

}  // namespace wfe::storage
