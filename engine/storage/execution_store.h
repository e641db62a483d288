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
#include "engine/base/ids.h"
#include "engine/base/result.h"
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

/// One transition of one execution.
struct ExecutionCommit {
  ExecutionKey key;
  EventBatch events;                          ///< May be empty (bookkeeping only).
  engine::v1::MutableState state;             ///< All but its chain head, which is known here.
  std::optional<engine::v1::CurrentRun> current_run;  ///< When the run starts or closes.
  std::optional<engine::v1::VisibilityRecord> visibility;
  std::vector<RequestIdRow> request_ids;
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

  /// nullopt: no such run.
  virtual Result<std::optional<engine::v1::MutableState>> Load(const ExecutionKey& key) const = 0;
  /// Batches that overlap the range, in order; the caller trims.  Reads at most about `max_bytes`, at least one batch.
  virtual Result<std::vector<EventBatch>> ReadHistory(const ExecutionKey& key, EventRange range,
                                                      int64_t max_bytes = INT64_MAX) const = 0;
  virtual Result<std::optional<engine::v1::CurrentRun>> GetCurrentRun(const WorkflowKey& key) const = 0;
  virtual Result<bool> HasRequestId(const ExecutionKey& key, std::string_view request_id) const = 0;

  /// Makes the commits one atomic batch: new events, states, current-run, request-id and visibility rows.  Returns at
  /// once: they join the next synced group.  `durable` runs on its executor, in commit order, once the commit survives
  /// a crash of the machine.  There is no error to handle: a failed sync stops the process (ARCHITECTURE D5).
  /// Reads see every commit handed in, durable or not; only replies and effects wait.
  virtual void Commit(std::vector<ExecutionCommit> commits, DurableCallback durable) = 0;

  /// Every open execution, for recovery: visits the stored state of each; stops at the first error.
  virtual Status ForEachOpen(const std::function<void(engine::v1::MutableState)>& visit,
                             const UnreadableRun& unreadable) const = 0;
  /// The same by their keys, which costs far less.
  virtual Status ForEachOpenKey(const std::function<void(ExecutionKey)>& visit) const = 0;
};

}  // namespace wfe::storage
