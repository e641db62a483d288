// RocksDB's MANIFEST, the list of the files that make up a database.  One that was cut names fewer of them, and what
// they held is gone without a word: so the ledger keeps how far it was written, too (SEC-H4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/result.h"

namespace wfe::storage {

/// "The list was in this file and had so many bytes, durably."  Without a name: there is none, as in a store in memory.
struct CatalogMark {
  std::string name;
  uint64_t bytes = 0;
  friend bool operator==(const CatalogMark&, const CatalogMark&) = default;
};

/// As it is now in `directory`; without a name in a directory that has none yet.
Result<CatalogMark> ReadCatalog(const std::string& directory);
/// The same, after making it durable; `known` need not be synced again.
Result<CatalogMark> SyncCatalog(const std::string& directory, const CatalogMark& known);

/// What is missing, in words; nullopt when `found` reaches at least as far as `mark`.
std::optional<std::string> FindCatalogLoss(const CatalogMark& mark, const CatalogMark& found);

}  // namespace wfe::storage
