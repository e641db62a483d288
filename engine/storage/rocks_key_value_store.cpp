#include "engine/storage/rocks_key_value_store.h"

#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <filesystem>
#include <mutex>
#include <utility>

namespace wfe::storage {

struct RocksKeyValueStore::Impl {
  std::string directory;
  std::unique_ptr<rocksdb::DB> db;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> families{};
  std::mutex catalog_mutex;
  CatalogMark catalog;  // as it was last synced; guarded by catalog_mutex

  rocksdb::ColumnFamilyHandle* Handle(Family family) const { return families[static_cast<size_t>(family)]; }
  ~Impl() {
    for (auto* family : families) {
      if (family != nullptr) db->DestroyColumnFamilyHandle(family);
    }
  }
};

namespace {

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

Error ToError(const rocksdb::Status& status, const std::string& directory) {
  const std::string message = "the database in " + directory + ": " + status.ToString();
  if (status.IsCorruption()) return DataLoss(message);
  if (status.IsNoSpace() || status.IsMemoryLimit()) return ResourceExhausted(message);
  if (status.IsInvalidArgument()) return FailedPrecondition(message);
  return Unavailable(message);
}

Error OpenError(const rocksdb::Status& status, const std::string& directory) {
  // RocksDB has no code for a lock that is taken; both of its messages speak of the LOCK file.
  if (status.IsIOError() && status.ToString().find("LOCK") != std::string::npos &&
      status.ToString().find("lock") != std::string::npos) {
    return FailedPrecondition("the store in " + directory + " is in use: another engine has it open");
  }
  return ToError(status, directory);
}

rocksdb::DBOptions DatabaseOptions() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  // A flipped bit is refused, a cut-off last record (an unacknowledged one, if the disk is honest) is not.  The default
  // mode would drop everything behind the damage and say OK.  What this mode cannot see, the ledger does.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.max_background_jobs = 2;
  options.bytes_per_sync = 1 << 20;
  // Sleeping executions should cost disk and not memory; larger buffers were not measurably faster.
  options.db_write_buffer_size = 16u << 20;
  options.keep_log_file_num = 4;
  options.max_log_file_size = 8u << 20;
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.force_consistency_checks = true;
  return options;
}

class RocksCursor final : public Cursor {
 public:
  RocksCursor(const std::string& directory, rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family,
              std::string_view first, std::string_view last, bool reverse)
      : directory_(directory), first_(first), last_(last), reverse_(reverse) {
    lower_ = first_;
    upper_ = last_;
    rocksdb::ReadOptions options;
    options.iterate_lower_bound = &lower_;
    if (!last_.empty()) options.iterate_upper_bound = &upper_;
    empty_range_ = !last_.empty() && last_ <= first_;
    iterator_.reset(db.NewIterator(options, family));
    if (empty_range_) return;
    if (reverse_) {
      iterator_->SeekToLast();
    } else {
      iterator_->SeekToFirst();
    }
  }

  bool Valid() const override { return !empty_range_ && iterator_->Valid(); }
  std::string_view key() const override { return ToView(iterator_->key()); }
  std::string_view value() const override { return ToView(iterator_->value()); }
  void Next() override {
    WFE_CHECK(Valid());
    if (reverse_) {
      iterator_->Prev();
    } else {
      iterator_->Next();
    }
  }

 protected:
  Status Outcome() override {
    if (!iterator_->status().ok()) return ToError(iterator_->status(), directory_);
    return Ok();
  }

 private:
  const std::string& directory_;
  const std::string first_, last_;
  const bool reverse_;
  rocksdb::Slice lower_, upper_;  // the iterator keeps pointers to these
  bool empty_range_ = false;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace

RocksKeyValueStore::RocksKeyValueStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksKeyValueStore::~RocksKeyValueStore() = default;

Result<std::unique_ptr<RocksKeyValueStore>> RocksKeyValueStore::OpenAs(const std::string& directory, bool read_only) {
  const auto cache = rocksdb::NewLRUCache(64u << 20);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {
      {rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions()}};
  for (int i = 0; i < kFamilyCount; ++i) {
    descriptors.emplace_back(std::string(FamilyName(static_cast<Family>(i))), FamilyOptions(cache));
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened =
      read_only ? rocksdb::DB::OpenForReadOnly(DatabaseOptions(), directory, descriptors, &handles, &db)
                : rocksdb::DB::Open(DatabaseOptions(), directory, descriptors, &handles, &db);
  if (!opened.ok()) return OpenError(opened, directory);
  auto impl = std::make_unique<Impl>();
  impl->directory = directory;
  impl->db.reset(db);
  db->DestroyColumnFamilyHandle(handles[0]);
  for (size_t i = 0; i < kFamilyCount; ++i) impl->families[i] = handles[i + 1];
  return std::unique_ptr<RocksKeyValueStore>(new RocksKeyValueStore(std::move(impl)));
}

Result<std::unique_ptr<RocksKeyValueStore>> RocksKeyValueStore::Open(const std::string& directory) {
  return OpenAs(directory, false);
}

Result<std::unique_ptr<RocksKeyValueStore>> RocksKeyValueStore::OpenReadOnly(const std::string& directory) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(directory, ignored) || std::filesystem::is_empty(directory, ignored)) {
    return NotFound("there is no store in " + directory);
  }
  return OpenAs(directory, true);
}

Result<std::string> RocksKeyValueStore::Get(Family family, std::string_view key) const {
  std::string value;
  const rocksdb::Status status = impl_->db->Get(rocksdb::ReadOptions(), impl_->Handle(family), ToSlice(key), &value);
  if (status.IsNotFound()) return NotFound("no such row in family " + std::string(FamilyName(family)));
  if (!status.ok()) return ToError(status, impl_->directory);
  return value;
}

std::unique_ptr<Cursor> RocksKeyValueStore::Scan(Family family, std::string_view first, std::string_view last) const {
  return std::make_unique<RocksCursor>(impl_->directory, *impl_->db, impl_->Handle(family), first, last, false);
}

std::unique_ptr<Cursor> RocksKeyValueStore::ScanReverse(Family family, std::string_view first,
                                                        std::string_view last) const {
  return std::make_unique<RocksCursor>(impl_->directory, *impl_->db, impl_->Handle(family), first, last, true);
}

Status RocksKeyValueStore::Write(const std::vector<const WriteSet*>& sets, bool sync) {
  rocksdb::WriteBatch batch;
  for (const WriteSet* set : sets) {
    for (const Put& put : set->puts) {
      if (const auto status = batch.Put(impl_->Handle(put.family), put.key, put.value); !status.ok()) {
        return ToError(status, impl_->directory);
      }
    }
    for (const Delete& gone : set->deletes) {
      if (const auto status = batch.Delete(impl_->Handle(gone.family), gone.key); !status.ok()) {
        return ToError(status, impl_->directory);
      }
    }
  }
  rocksdb::WriteOptions options;
  options.sync = sync;
  const rocksdb::Status status = impl_->db->Write(options, &batch);
  if (!status.ok()) return ToError(status, impl_->directory);
  return Ok();
}

Result<CatalogMark> RocksKeyValueStore::Catalog() {
  const std::lock_guard lock(impl_->catalog_mutex);
  WFE_ASSIGN_OR_RETURN(impl_->catalog, SyncCatalog(impl_->directory, impl_->catalog));
  return impl_->catalog;
}

Status RocksKeyValueStore::Flush() {
  const std::vector<rocksdb::ColumnFamilyHandle*> families(impl_->families.begin(), impl_->families.end());
  const rocksdb::Status status = impl_->db->Flush(rocksdb::FlushOptions(), families);
  if (!status.ok()) return ToError(status, impl_->directory);
  return Ok();
}

}  // namespace wfe::storage
