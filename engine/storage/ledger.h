// The ledger: a note beside the store that says how far it was durable.  A database whose log was deleted or cut looks
// complete to itself; only something outside it can tell (docs/storage.md).
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/base/unique_fd.h"
#include "engine/storage/catalog.h"

namespace wfe::storage {

/// "Commit `sequence` was durable, and the running hash was this."
struct LedgerMark {
  std::string store_id;
  uint64_t sequence = 0;
  std::string running_hash;
  uint64_t epoch = 0;
  bool clean_shutdown = false;
  CatalogMark catalog;  ///< How far the list of the database's files was durable.
  friend bool operator==(const LedgerMark&, const LedgerMark&) = default;
};

/// One writer at a time.
class Ledger {
 public:
  virtual ~Ledger() = default;
  /// The newest mark; nullopt when none was ever written.  DATA_LOSS when there was one and it cannot be read.
  virtual Result<std::optional<LedgerMark>> Read() const = 0;
  /// Durable on return.  The mark before it survives a crash in the middle.
  virtual Status Write(const LedgerMark& mark) = 0;
};

/// For simulations; outlives the simulated process.
class MemoryLedger final : public Ledger {
 public:
  Result<std::optional<LedgerMark>> Read() const override;
  Status Write(const LedgerMark& mark) override;

 private:
  mutable std::mutex mutex_;
  std::optional<LedgerMark> mark_;
};

/// A file with two slots that are written in turn, each with a checksum.
class FileLedger final : public Ledger {
 public:
  /// Opens or creates the file.
  static Result<std::unique_ptr<FileLedger>> Open(const std::string& path);
  FileLedger& operator=(const FileLedger&) = delete;

  Result<std::optional<LedgerMark>> Read() const override;
  Status Write(const LedgerMark& mark) override;

 private:
  FileLedger(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  const std::string path_;
  const UniqueFd fd_;
  uint64_t generation_ = 0;  // of the newest slot; the next goes to the other one
};

}  // namespace wfe::storage
