// Reads of rows not yet written on top of rows that are.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/storage/key_value_store.h"

namespace wfe::storage {

/// A row that waits to be written; no value: it will be deleted.
struct PendingRow {
  std::string key;
  std::optional<std::string> value;
};

/// Walks `base` as it will look once `pending` (ascending keys, within the range of `base`) is written.
std::unique_ptr<Cursor> MergeRows(std::vector<PendingRow> pending, std::unique_ptr<Cursor> base, bool reverse);

}  // namespace wfe::storage
