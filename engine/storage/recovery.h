// What a store says about itself when it is opened, and whether to believe it.
#pragma once

#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/storage/key_value_store.h"
#include "engine/storage/ledger.h"
#include "wfe/engine/v1/store.pb.h"

namespace wfe::storage {

/// The meta rows; both are absent in a new store.
struct StoredMeta {
  std::optional<engine::v1::StoreIdentityRow> identity;
  std::optional<engine::v1::CommitPositionRow> position;
};

/// Reads them.  FAILED_PRECONDITION when the store's format is newer than this program's.
Result<StoredMeta> ReadMeta(const KeyValueReader& kv, const std::string& name);

/// What is missing, in words; nullopt when the rows reach at least as far as the ledger and agree with it.
std::optional<std::string> FindLoss(const StoredMeta& meta, const std::optional<LedgerMark>& mark);

/// Number of the last commit in the rows; 0 in a new store.
uint64_t RecoveredSequence(const StoredMeta& meta);

}  // namespace wfe::storage
