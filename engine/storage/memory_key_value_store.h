// The ordered map in memory, for tests and simulations: it forgets what was not synced, when told to.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "engine/storage/key_value_store.h"

namespace wfe::storage {

/// A store that survives a simulated crash as a disk would: writes since the last sync are lost, or only a prefix of
/// them is kept.  It outlives the simulated process that uses it.  Thread-safe; cursors must not outlive it.
class MemoryKeyValueStore final : public KeyValueStore {
 public:
  MemoryKeyValueStore();
  ~MemoryKeyValueStore() override;

  Result<std::string> Get(Family family, std::string_view key) const override;
  std::unique_ptr<Cursor> Scan(Family family, std::string_view first, std::string_view last) const override;
  std::unique_ptr<Cursor> ScanReverse(Family family, std::string_view first, std::string_view last) const override;
  Status Write(const std::vector<const WriteSet*>& sets, bool sync) override;

  /// The machine loses power: of the writes after the last sync only the first `keep` remain, and are durable now.
  /// A planned fault is forgotten.
  void Crash(size_t keep = 0);
  /// How many writes a crash would put at risk.
  size_t UnsyncedWrites() const;

  /// What is left of a write that was answered with an error: nothing, or an un-synced write that a crash may keep.
  enum class FailedWrite { kLost, kUnsynced };
  /// The n-th Write from now (1 is the next) fails with `error`; it and every later one, until Crash.
  void FailNthWrite(int n, Error error, FailedWrite what = FailedWrite::kLost);

  /// Calls of Write that succeeded.
  uint64_t write_count() const;
  /// Rows in a family.
  size_t RowCount(Family family) const;

 private:
  using Rows = std::map<std::string, std::string, std::less<>>;
  class RowCursor;
  struct Undo {
    Family family;
    std::string key;
    std::optional<std::string> before;
  };
  struct Fault {
    int writes_left;
    Error error;
    FailedWrite what;
  };

  void Apply(const std::vector<const WriteSet*>& sets, bool remember);
  void Set(Family family, const std::string& key, std::optional<std::string> value, std::vector<Undo>* undo);

  mutable std::mutex mutex_;
  // Cursors share the rows; a write while one is alive copies them first.  All below is protected by mutex_.
  std::array<std::shared_ptr<Rows>, kFamilyCount> rows_;
  std::vector<std::vector<Undo>> unsynced_;  // one entry a write, oldest first
  std::optional<Fault> fault_;
  uint64_t write_count_ = 0;
};

}  // namespace wfe::storage
