// RocksDB as the ordered map.
#pragma once

#include <memory>
#include <string>

#include "engine/storage/key_value_store.h"

namespace wfe::storage {

/// A RocksDB database with one column family per Family.  Set up so that damage is refused rather than dropped
/// (docs/storage.md has the measurements).  Thread-safe.
class RocksKeyValueStore final : public KeyValueStore {
 public:
  /// Opens or makes the database in `directory`.  FAILED_PRECONDITION when it is open already, here or in another
  /// process; DATA_LOSS when it is damaged.
  static Result<std::unique_ptr<RocksKeyValueStore>> Open(const std::string& directory);
  /// Opens what is there, for tools; Write fails.  NOT_FOUND when there is no database in `directory`.
  static Result<std::unique_ptr<RocksKeyValueStore>> OpenReadOnly(const std::string& directory);
  ~RocksKeyValueStore() override;

  Result<std::string> Get(Family family, std::string_view key) const override;
  std::unique_ptr<Cursor> Scan(Family family, std::string_view first, std::string_view last) const override;
  std::unique_ptr<Cursor> ScanReverse(Family family, std::string_view first, std::string_view last) const override;
  Status Write(const std::vector<const WriteSet*>& sets, bool sync) override;
  Result<CatalogMark> Catalog() override;

  /// Moves what is only in the log to table files, as a long-running store does by itself.
  Status Flush();

 private:
  struct Impl;
  explicit RocksKeyValueStore(std::unique_ptr<Impl> impl);
  static Result<std::unique_ptr<RocksKeyValueStore>> OpenAs(const std::string& directory, bool read_only);

  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::storage
