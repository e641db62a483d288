// Blobs by their SHA-256, and rows of tables, most of which only grow (ARCHITECTURE D7).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/storage/commit_stage.h"

namespace wfe::records {

/// All bounds of the service; the defaults are the configuration's.
struct RecordsLimits {
  int64_t max_blob_bytes = 256 << 20;
  int64_t max_piece_bytes = 2 << 20;  ///< Of one PutBlob or GetBlob; below gRPC's 4 MiB.
  size_t max_key_bytes = 1000;
  size_t max_row_bytes = 1 << 20;
  size_t max_table_bytes = 64;
  int max_rows_per_scan = 1000;
  int64_t max_scan_bytes = 2 << 20;    ///< A page of rows is cut here, after at least one row.
  size_t max_unfinished_uploads = 64;  ///< Beyond it the one idle for longest is forgotten.
};

struct BlobPart {
  std::string data;
  int64_t total_bytes = 0;
};

struct RowPage {
  std::vector<std::pair<std::string, std::string>> rows;
  bool more = false;
};

/// Writes join the engine's groups of commits, and are durable when a call returns; each call may block for one sync.
/// Thread-safe.  `stage` outlives it.
class RecordsStore {
 public:
  /// Forgets the uploads that a stopped process left unfinished; their clients begin again.
  static Result<std::unique_ptr<RecordsStore>> Open(storage::CommitStage& stage, RecordsLimits limits = {});

  /// Adds a piece of the blob with this lower-case hex SHA-256.  Pieces come in order of their offset; a piece that is
  /// there already changes nothing, one at offset 0 begins anew.  `last` ends the blob: now its hash is compared, and
  /// with a mismatch INVALID_ARGUMENT is returned and nothing kept.  True: the blob was complete before.
  Result<bool> PutBlob(const std::string& sha256, int64_t offset, std::string_view data, bool last);
  /// At most `max_bytes` from `offset`; 0: the largest piece.  NOT_FOUND when there is no complete blob.
  Result<BlobPart> GetBlob(const std::string& sha256, int64_t offset, int64_t max_bytes) const;

  /// True: the key was there before, and the row is as it was.
  Result<bool> AppendRow(std::string_view table, std::string_view key, std::string_view value);
  /// Replaces a row of a table whose name begins with "mutable_", or makes it.  `replaces`: the SHA-256 of the value
  /// that the caller has seen, 32 bytes; empty: it saw none.  ABORTED when the row is another by now.  The same value
  /// again changes nothing.
  Status PutRow(std::string_view table, std::string_view key, std::string_view value, std::string_view replaces);
  /// Deletes it, likewise.  True: there was no row any more.
  Result<bool> DeleteRow(std::string_view table, std::string_view key, std::string_view seen);
  /// Rows whose key begins with `prefix`, after `start_after`, by key.  `limit` 0: as many as allowed.
  Result<RowPage> ScanRows(std::string_view table, std::string_view prefix, std::string_view start_after,
                           int limit) const;

  const RecordsLimits& limits() const { return limits_; }

 private:
  RecordsStore(storage::CommitStage& stage, RecordsLimits limits) : stage_(stage), limits_(limits) {}

  Result<uint64_t> AddPiece(const std::string& digest, const std::string& sha256, uint64_t offset,
                            std::string_view data, bool last);
  /// Hash of the pieces that are there, and `data`.
  Result<std::string> HashOf(const std::string& digest, std::string_view data) const;
  Result<uint64_t> UploadedBytes(const std::string& digest) const;
  Status RemovePieces(const std::string& digest, storage::PendingWrite& write) const;
  Status CheckRow(std::string_view table, std::string_view key, std::string_view value) const;
  Status MakeRoomForUpload(const std::string& digest);

  storage::CommitStage& stage_;
  const RecordsLimits limits_;
  // What is read before a write must not change until the write is handed in.  Held for the reads, not for the sync.
  std::mutex blobs_mutex_;
  std::mutex rows_mutex_;
  std::map<std::string, uint64_t> uploads_;  // digest -> when it was last touched; protected by blobs_mutex_
  uint64_t touches_ = 0;                     // protected by blobs_mutex_
};

}  // namespace wfe::records
