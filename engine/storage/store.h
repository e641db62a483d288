// A store opened by the one process that writes to it: everything the engine needs of storage, and how to start and
// stop it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/base/id_source.h"
#include "engine/base/time.h"
#include "engine/storage/commit_stage.h"
#include "engine/storage/durable_execution_store.h"
#include "engine/storage/key_value_store.h"
#include "engine/storage/ledger.h"
#include "engine/storage/namespace_store.h"
#include "engine/storage/schedule_store.h"

namespace wfe::storage {

/// What tells one store, and one opening of it, from others.
struct StoreIdentity {
  uint64_t epoch = 0;    ///< Raised at every open; part of each task token.
  std::string secret;    ///< 32 random bytes of this store, made at its first open: the key of the tokens' MAC.
  std::string store_id;  ///< A UUID.
};

struct StoreOptions {
  /// Wall time, for the persisted clock (F8).  Outlives the store.
  const Clock* clock = nullptr;
  /// Used during Open only.
  IdSource* ids = nullptr;
  /// True on a real host: commits happen on a thread of the stage.  False: somebody calls stage().RunOnce().
  bool commit_thread = false;
  CommitStageOptions stage;
  /// The operator accepts that the store ends at this commit although the ledger knows of more.  It must be the
  /// sequence that the refused Open named.
  std::optional<uint64_t> accept_data_loss;
  /// What was found missing before the database was opened, and the operator accepts (OpenDirectory).
  std::optional<std::string> accepted_loss;
  /// Named in messages.
  std::string name = "the store";
};

/// Owns the pieces and their order.  Destroyed without Close it leaves as a crash would.
class Store {
 public:
  /// Opens a store over `kv`, a new one when it is empty.  `kv` and `ledger` are shared because a simulation keeps its
  /// disks while the process on top of them comes and goes.
  /// FAILED_PRECONDITION: written by a newer version.  DATA_LOSS: fewer commits than the ledger says were durable.
  static Result<std::unique_ptr<Store>> Open(std::shared_ptr<KeyValueStore> kv, std::shared_ptr<Ledger> ledger,
                                             StoreOptions options);
  /// The same in a folder, which is made when missing (mode 0700): RocksDB in `db/`, the ledger in `ledger`.
  /// FAILED_PRECONDITION also when another process has it open, or others may write to the folder.
  static Result<std::unique_ptr<Store>> OpenDirectory(const std::string& directory, StoreOptions options);
  /// The rows of a folder for tools, beside no running engine; nothing is written.  NOT_FOUND when there is no store.
  static Result<std::unique_ptr<KeyValueReader>> OpenDirectoryReadOnly(const std::string& directory);

  ~Store();

  DurableExecutionStore& executions() { return *executions_; }
  NamespaceStore& namespaces() { return *namespaces_; }
  ScheduleStore& schedules() { return *schedules_; }
  CommitStage& stage() { return *stage_; }
  /// Rows as they are on disk.  Reads through stage() also see what is not written yet.
  KeyValueStore& kv() { return *kv_; }
  Ledger& ledger() { return *ledger_; }
  const StoreIdentity& identity() const { return identity_; }
  /// The newest time the store has seen; a clock over it must not run behind (F8).
  Instant last_known_time() const { return stage_->last_known_time(); }

  /// Clean shutdown: writes what waits, marks the ledger exactly.  Nothing may be committed afterwards.
  Status Close();

 private:
  struct Recovered;
  Store(std::shared_ptr<KeyValueStore> kv, std::shared_ptr<Ledger> ledger)
      : kv_(std::move(kv)), ledger_(std::move(ledger)) {}
  Status Start(const Recovered& recovered, const StoreOptions& options);

  std::shared_ptr<KeyValueStore> kv_;
  std::shared_ptr<Ledger> ledger_;
  std::unique_ptr<CommitStage> stage_;
  std::unique_ptr<DurableExecutionStore> executions_;
  std::unique_ptr<NamespaceStore> namespaces_;
  std::unique_ptr<ScheduleStore> schedules_;
  StoreIdentity identity_;
};

}  // namespace wfe::storage
