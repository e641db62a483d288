// The ordered map that everything is kept in: RocksDB on a real host, memory in tests and simulations.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/storage/catalog.h"

namespace wfe::storage {

/// Column families; the number is part of nothing stored, the name is.
enum class Family : uint8_t { kMeta, kState, kHistory, kCurrent, kRequest, kVisibility, kBlobs, kRows, kTasks };
inline constexpr int kFamilyCount = 9;
std::string_view FamilyName(Family family);

struct Put {
  Family family;
  std::string key;
  std::string value;
};
struct Delete {
  Family family;
  std::string key;
};

/// Rows to write, all or nothing.
struct WriteSet {
  std::vector<Put> puts;
  std::vector<Delete> deletes;
  bool empty() const { return puts.empty() && deletes.empty(); }
};

/// Walks rows in key order.  The end of a damaged file looks like the end of the range, and only Finish tells: so the
/// walk is not over until it was called, and the destructor CHECKs that (ARCHITECTURE D6).
class Cursor {
 public:
  virtual ~Cursor();
  virtual bool Valid() const = 0;
  virtual std::string_view key() const = 0;    ///< Valid until Next.
  virtual std::string_view value() const = 0;  ///< Valid until Next.
  virtual void Next() = 0;
  /// Must be called exactly once, at the end or when leaving early.
  [[nodiscard]] Status Finish();

 protected:
  /// What went wrong on the way, if anything did.
  virtual Status Outcome() = 0;

 private:
  bool finished_ = false;
};

/// The reading half, which tools and views over un-written rows offer too.
class KeyValueReader {
 public:
  virtual ~KeyValueReader() = default;
  /// NOT_FOUND is the absence of the key, any other error is the disk's.  Thread-safe.
  virtual Result<std::string> Get(Family family, std::string_view key) const = 0;
  /// Rows with first <= key < last, ascending; an empty `last` means to the end.  Sees a snapshot.  Thread-safe.
  virtual std::unique_ptr<Cursor> Scan(Family family, std::string_view first, std::string_view last) const = 0;
  /// Rows descending from the last key < `last`, down to `first`.
  virtual std::unique_ptr<Cursor> ScanReverse(Family family, std::string_view first, std::string_view last) const = 0;
};

class KeyValueStore : public KeyValueReader {
 public:
  /// Writes the sets in order as one atomic batch and, with `sync`, makes it and everything before it durable.
  virtual Status Write(const std::vector<const WriteSet*>& sets, bool sync) = 0;
  /// How far the list of the database's files is durable; for the ledger.
  virtual Result<CatalogMark> Catalog() { return CatalogMark{}; }
};

}  // namespace wfe::storage
