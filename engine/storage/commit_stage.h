// The one place where rows are written: merges everything that waits into one synced write, then lets the
// acknowledgements go (ARCHITECTURE D5).
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/hash.h"
#include "engine/base/metrics.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/storage/execution_store.h"
#include "engine/storage/key_value_store.h"
#include "engine/storage/ledger.h"
#include "engine/storage/merged_view.h"

namespace wfe::storage {

/// How far the store has come: the number of the last commit, and a hash over every row written up to it.
struct CommitPosition {
  uint64_t sequence = 0;
  std::string running_hash;
  friend bool operator==(const CommitPosition&, const CommitPosition&) = default;
};

/// What to do when a write or a sync failed.  The process must not go on: what it believes and what is on disk differ.
using FatalHandler = std::function<void(const Error&)>;

/// Says what happened on stderr and leaves at once with kStorageFailedExitCode; nothing is flushed, nothing is
/// answered.
void ExitOnStorageFailure(const Error& error);
inline constexpr int kStorageFailedExitCode = 74;  // EX_IOERR

struct CommitStageOptions {
  /// How often the ledger is brought up to date while the store is busy.
  Duration ledger_interval = std::chrono::seconds(1);
  /// One group is cut here; what is left goes into the next.
  size_t max_group_bytes = 16u << 20;
  FatalHandler fatal = ExitOnStorageFailure;
  /// Gets the number of commits of each group; null: nobody looks.
  Histogram* group_sizes = nullptr;
};

/// The rows of one commit.
struct PendingWrite {
  WriteSet rows;
  /// Indexes into rows.puts of values that begin with room for the commit's sequence number.
  std::vector<size_t> stamped;
};

/// Takes commits from any thread and numbers them.  Until a commit is written its rows lie in an overlay, so that
/// reads through the stage see it at once.
///
/// A group forms by itself: while one is being written, the next one gathers.  A commit that comes alone never waits; after
/// a group of several the thread of a real host pauses for a moment, see PauseAfter (rule R3).  On a real host Start()
/// makes that thread; in simulations and tests the owner calls RunOnce.
///
/// The first failed write or sync ends it: the fatal handler is called, nothing is acknowledged ever again.
///
/// Thread-safe.  `kv`, `ledger` and `clock` outlive it.
class CommitStage final : public KeyValueReader {
 public:
  CommitStage(KeyValueStore& kv, Ledger& ledger, const Clock& clock, CommitStageOptions options);
  /// Without Stop it leaves as a crash would: what waits is dropped, unacknowledged.
  ~CommitStage() override;

  /// Sets where the store stands; before anything else.  `mark` is what the ledger says.
  void Begin(CommitPosition position, LedgerMark mark, Instant last_known_time);

  /// Starts the threads of a real host.  Without it, RunOnce does the work.
  void Start();
  /// Clean shutdown: writes what waits, brings the ledger up to date exactly, and marks it clean.
  Status Stop();

  /// Queues a commit and returns its sequence number.  Its rows are hashed here, on the caller's thread: the committing
  /// one only chains what came of it.  `durable` runs when it and all before it survive a crash of the
  /// machine; with no executor it runs on the committing thread.  After a failure: does nothing.
  uint64_t Enqueue(PendingWrite write, DurableCallback durable);
  /// Blocks until commit `sequence` is durable: one sync.  Without Start it does the committing itself.
  /// UNAVAILABLE once the stage has failed.
  Status WaitDurable(uint64_t sequence);
  /// Writes one group, when anything waits; returns the number of commits in it.  Not beside Start.
  size_t RunOnce();

  /// How long the next group may gather after one of `group_size` commits, unless as many wait before: nothing after a
  /// single one, 100 us for each of its neighbours, 2 ms at most.  Under load a processor's time goes into waking threads
  /// and sending frames, once for each group; larger groups make all of them faster than any of them is late.
  static Duration PauseAfter(size_t group_size);

  /// Brings the ledger up to date now.  After a failed write of it the stage has failed.
  void MarkLedger();
  /// Gives up as after a failed write.  For errors found on the way to a commit.
  void Fail(const Error& error);

  bool failed() const;
  /// Commits that are not durable yet; what back-pressure looks at.
  size_t pending_commits() const { return pending_commits_.load(std::memory_order_relaxed); }
  /// The bytes of their rows.
  size_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }
  /// Number of the last commit handed in.
  uint64_t last_sequence() const;
  CommitPosition durable_position() const;
  /// The newest time that was written with a commit: a clock of this store must not run behind it (F8).
  Instant last_known_time() const;

  struct Stats {
    uint64_t commits = 0;
    uint64_t groups = 0;
    uint64_t rows = 0;
    uint64_t bytes = 0;
  };
  Stats stats() const;

  // Reads that see every commit handed in, durable or not.
  Result<std::string> Get(Family family, std::string_view key) const override;
  std::unique_ptr<Cursor> Scan(Family family, std::string_view first, std::string_view last) const override;
  std::unique_ptr<Cursor> ScanReverse(Family family, std::string_view first, std::string_view last) const override;

 private:
  struct Commit {
    uint64_t sequence;
    WriteSet rows;
    DurableCallback durable;
    size_t bytes = 0;       // of the rows
    Sha256Digest digest{};  // of the rows
  };
  struct OverlayRow {
    uint64_t sequence;
    const std::string* value;  // inside the Commit that wrote it last; null: deleted
  };
  using Group = std::vector<std::unique_ptr<Commit>>;

  void CommitLoop();
  void LedgerLoop();
  std::unique_lock<std::mutex> Lock() const { return std::unique_lock(mutex_); }
  Group TakeGroup();
  WriteSet PositionRows(const Group& group, CommitPosition& position, Instant now);
  void Overlay(Family family, std::string_view key, OverlayRow row);
  void ForgetOverlay(const Group& group);
  void Release(const Group& group);
  Status WriteMark(bool clean_shutdown);
  std::vector<PendingRow> PendingIn(Family family, std::string_view first, std::string_view last) const;

  KeyValueStore& kv_;
  Ledger& ledger_;
  const Clock& clock_;
  const CommitStageOptions options_;

  std::mutex run_mutex_;     // held by whoever writes a group; taken before mutex_
  std::mutex ledger_mutex_;  // held by whoever writes the ledger; taken before mutex_

  mutable std::mutex mutex_;
  std::condition_variable work_;     // something waits, or stop
  std::condition_variable durable_;  // a group became durable, or failure
  std::condition_variable ledger_wake_;
  // Protected by mutex_:
  std::deque<std::unique_ptr<Commit>> queue_;
  size_t wanted_ = 1;  // the committing thread wakes when so many wait
  std::array<std::map<std::string_view, OverlayRow>, kFamilyCount> overlay_;  // keys inside the Commits, too
  uint64_t last_sequence_ = 0;
  CommitPosition position_;               // durable
  std::array<CommitPosition, 2> marked_;  // the last two positions that were meant for the ledger, newest first
  LedgerMark mark_;
  Instant last_marked_at_{};
  Instant last_known_time_{};
  Stats stats_;
  bool failed_ = false;
  bool draining_ = false;
  bool abandoned_ = false;

  // Written under mutex_, read by anybody: asked for at each call.
  std::atomic<size_t> pending_commits_ = 0;
  std::atomic<size_t> pending_bytes_ = 0;

  std::thread commit_thread_;
  std::thread ledger_thread_;
};

}  // namespace wfe::storage
