// A whole store as text, one row a line, so that stores written by older versions can lie among the test data.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/storage/ledger.h"
#include "engine/storage/memory_key_value_store.h"

namespace wfe::testing {

/// "clock NANOSECONDS", "ledger STORE_ID SEQUENCE RUNNING_HASH EPOCH", then "FAMILY KEY VALUE" for each row; bytes in
/// hexadecimal, "-" for none.
std::string DumpRows(const storage::KeyValueReader& rows, const storage::LedgerMark& mark, Instant now);

/// Puts back what DumpRows wrote; gives the time it was written at.
Result<Instant> LoadRows(const std::string& text, storage::KeyValueStore& rows, storage::Ledger& ledger);

}  // namespace wfe::testing
