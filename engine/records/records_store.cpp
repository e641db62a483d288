#include "engine/records/records_store.h"

#include <algorithm>
#include <memory>

#include "engine/base/hash.h"
#include "engine/base/printable.h"
#include "engine/records/budget_store.h"
#include "engine/storage/keys.h"

namespace wfe::records {

namespace {

using storage::Family;
using storage::PendingWrite;
namespace keys = storage::keys;

constexpr std::string_view kMutablePrefix = "mutable_";

Result<std::string> ParseDigest(const std::string& sha256) {
  const auto nibble = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  const Error refusal = InvalidArgument("a blob's name is its SHA-256: 64 lower-case hexadecimal digits");
  if (sha256.size() != 64) return refusal;
  Result<std::string> digest = std::string(32, '\0');
  for (size_t i = 0; i < 32; ++i) {
    const int high = nibble(sha256[2 * i]), low = nibble(sha256[2 * i + 1]);
    if (high < 0 || low < 0) return refusal;
    (*digest)[i] = static_cast<char>(high * 16 + low);
  }
  return digest;
}

Result<bool> Has(const storage::KeyValueReader& rows, Family family, std::string_view key) {
  const auto value = rows.Get(family, key);
  if (value) return true;
  if (value.error().code == StatusCode::kNotFound) return false;
  return value.error();
}

}  // namespace

Result<std::unique_ptr<RecordsStore>> RecordsStore::Open(storage::CommitStage& stage, RecordsLimits limits) {
  auto store = std::unique_ptr<RecordsStore>(new RecordsStore(stage, limits));
  std::vector<std::string> unfinished;
  const auto cursor = stage.Scan(Family::kBlobs, keys::kUploadPrefix, keys::PrefixEnd(keys::kUploadPrefix));
  for (; cursor->Valid(); cursor->Next()) unfinished.emplace_back(cursor->key().substr(keys::kUploadPrefix.size()));
  WFE_RETURN_IF_ERROR(cursor->Finish());
  for (const std::string& digest : unfinished) {
    PendingWrite write;
    WFE_RETURN_IF_ERROR(store->RemovePieces(digest, write));
    WFE_RETURN_IF_ERROR(stage.WaitDurable(stage.Enqueue(std::move(write), {})));
  }
  return store;
}

Result<bool> RecordsStore::PutBlob(const std::string& sha256, int64_t offset, std::string_view data, bool last) {
  WFE_ASSIGN_OR_RETURN(const std::string digest, ParseDigest(sha256));
  const auto size = static_cast<int64_t>(data.size());
  if (offset < 0) return InvalidArgument("blob " + sha256 + ": a piece cannot begin before the blob");
  if (size > limits_.max_piece_bytes) {
    return InvalidArgument("blob " + sha256 + ": a piece holds at most " + std::to_string(limits_.max_piece_bytes) +
                           " bytes");
  }
  if (offset > limits_.max_blob_bytes || offset + size > limits_.max_blob_bytes) {
    return ResourceExhausted("blob " + sha256 + ": a blob holds at most " + std::to_string(limits_.max_blob_bytes) +
                             " bytes");
  }
  if (size == 0 && !last) return InvalidArgument("blob " + sha256 + ": only the last piece may be empty");
  uint64_t sequence = 0;
  bool present = false;
  {
    const std::lock_guard lock(blobs_mutex_);
    WFE_ASSIGN_OR_RETURN(present, Has(stage_, Family::kBlobs, keys::Blob(digest)));
    if (present) {
      sequence = stage_.last_sequence();  // It may be waiting for its sync.
    } else {
      WFE_ASSIGN_OR_RETURN(sequence, AddPiece(digest, sha256, static_cast<uint64_t>(offset), data, last));
    }
  }
  WFE_RETURN_IF_ERROR(stage_.WaitDurable(sequence));
  return present;
}

Result<uint64_t> RecordsStore::AddPiece(const std::string& digest, const std::string& sha256, uint64_t offset,
                                        std::string_view data, bool last) {
  const bool whole = last && offset == 0;
  PendingWrite write;
  WFE_ASSIGN_OR_RETURN(const uint64_t stored_bytes, UploadedBytes(digest));
  uint64_t uploaded = stored_bytes;
  if (!last && offset < uploaded) {
    const auto stored = stage_.Get(Family::kBlobs, keys::BlobPiece(digest, offset));
    if (stored && *stored == data) {
      uploads_[digest] = ++touches_;
      return stage_.last_sequence();  // The answer to the first try was lost.
    }
  }
  if (offset == 0 && uploaded > 0) {
    WFE_RETURN_IF_ERROR(RemovePieces(digest, write));
    uploaded = 0;
  } else if (offset != uploaded) {
    return FailedPrecondition("blob " + sha256 + ": the next piece begins at " + std::to_string(uploaded) +
                              ", not at " + std::to_string(offset) + "; begin again at 0");
  }
  if (last) {
    std::string found;
    if (whole) {
      found = AsBytes(Sha256(data));
    } else {
      WFE_ASSIGN_OR_RETURN(found, HashOf(digest, data));
    }
    if (found != digest) {
      PendingWrite removal;
      uploads_.erase(digest);
      if (stored_bytes > 0) {
        WFE_RETURN_IF_ERROR(RemovePieces(digest, removal));
        stage_.Enqueue(std::move(removal), {});
      }
      return InvalidArgument("blob " + sha256 + ": the bytes that came have the SHA-256 " + ToHex(found));
    }
    std::string total;
    keys::AppendU64(total, offset + data.size());
    write.rows.puts.push_back({Family::kBlobs, keys::Blob(digest), std::move(total)});
    if (!whole) write.rows.deletes.push_back({Family::kBlobs, keys::Upload(digest)});
    uploads_.erase(digest);
  } else {
    WFE_RETURN_IF_ERROR(MakeRoomForUpload(digest));
    uploads_[digest] = ++touches_;
  }
  // A piece that is written anew must not be deleted with the old ones.
  const std::string piece_key = keys::BlobPiece(digest, offset);
  std::erase_if(write.rows.deletes, [&](const auto& gone) {
    return (gone.key == piece_key && !data.empty()) || (!last && gone.key == keys::Upload(digest));
  });
  if (!data.empty()) write.rows.puts.push_back({Family::kBlobs, piece_key, std::string(data)});
  if (!last) write.rows.puts.push_back({Family::kBlobs, keys::Upload(digest), ""});
  return stage_.Enqueue(std::move(write), {});
}

Result<std::string> RecordsStore::HashOf(const std::string& digest, std::string_view data) const {
  Sha256Stream hash;
  const std::string prefix = keys::BlobPiecePrefix(digest);
  const auto cursor = stage_.Scan(Family::kBlobs, prefix, keys::PrefixEnd(prefix));
  for (; cursor->Valid(); cursor->Next()) hash.Update(cursor->value());
  WFE_RETURN_IF_ERROR(cursor->Finish());
  hash.Update(data);
  return std::string(AsBytes(hash.Finish()));
}

Result<uint64_t> RecordsStore::UploadedBytes(const std::string& digest) const {
  const std::string prefix = keys::BlobPiecePrefix(digest);
  const auto cursor = stage_.ScanReverse(Family::kBlobs, prefix, keys::PrefixEnd(prefix));
  uint64_t bytes = 0;
  if (cursor->Valid()) {
    std::string_view offset = cursor->key().substr(prefix.size());
    bytes = keys::TakeU64(offset).value_or(0) + cursor->value().size();
  }
  WFE_RETURN_IF_ERROR(cursor->Finish());
  return bytes;
}

Status RecordsStore::RemovePieces(const std::string& digest, PendingWrite& write) const {
  const std::string prefix = keys::BlobPiecePrefix(digest);
  const auto cursor = stage_.Scan(Family::kBlobs, prefix, keys::PrefixEnd(prefix));
  for (; cursor->Valid(); cursor->Next()) write.rows.deletes.push_back({Family::kBlobs, std::string(cursor->key())});
  write.rows.deletes.push_back({Family::kBlobs, keys::Upload(digest)});
  return cursor->Finish();
}

Status RecordsStore::MakeRoomForUpload(const std::string& digest) {
  if (uploads_.contains(digest) || uploads_.size() < limits_.max_unfinished_uploads) return Ok();
  const auto idle = std::min_element(uploads_.begin(), uploads_.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  PendingWrite write;
  WFE_RETURN_IF_ERROR(RemovePieces(idle->first, write));
  stage_.Enqueue(std::move(write), {});
  uploads_.erase(idle);
  return Ok();
}

Result<BlobPart> RecordsStore::GetBlob(const std::string& sha256, int64_t offset, int64_t max_bytes) const {
  WFE_ASSIGN_OR_RETURN(const std::string digest, ParseDigest(sha256));
  if (offset < 0 || max_bytes < 0) return InvalidArgument("blob " + sha256 + ": negative offset or size");
  const auto header = stage_.Get(Family::kBlobs, keys::Blob(digest));
  if (!header && header.error().code == StatusCode::kNotFound) return NotFound("there is no blob " + sha256);
  if (!header) return header.error();
  std::string_view number = *header;
  const auto total = keys::TakeU64(number);
  if (!total) return DataLoss("the row of blob " + sha256 + " cannot be read");
  BlobPart part;
  part.total_bytes = static_cast<int64_t>(*total);
  if (offset > part.total_bytes) {
    return InvalidArgument("blob " + sha256 + " has " + std::to_string(*total) + " bytes; offset " +
                           std::to_string(offset) + " is behind them");
  }
  const int64_t limit = max_bytes == 0 ? limits_.max_piece_bytes : std::min(max_bytes, limits_.max_piece_bytes);
  const auto wanted = static_cast<size_t>(std::min(limit, part.total_bytes - offset));
  // Pieces as they were put; the one that holds `offset` may begin before it.
  const std::string prefix = keys::BlobPiecePrefix(digest);
  auto at = static_cast<uint64_t>(offset);
  const auto cursor = stage_.ScanReverse(Family::kBlobs, prefix, keys::BlobPiece(digest, at + 1));
  std::string first = cursor->Valid() ? std::string(cursor->key()) : prefix;
  WFE_RETURN_IF_ERROR(cursor->Finish());
  const auto pieces = stage_.Scan(Family::kBlobs, first, keys::PrefixEnd(prefix));
  for (; pieces->Valid() && part.data.size() < wanted; pieces->Next()) {
    std::string_view place = pieces->key().substr(prefix.size());
    const uint64_t begin = keys::TakeU64(place).value_or(0);
    if (begin > at || at - begin > pieces->value().size()) break;
    const std::string_view rest = pieces->value().substr(at - begin);
    part.data += rest.substr(0, wanted - part.data.size());
    at = begin + pieces->value().size();
  }
  WFE_RETURN_IF_ERROR(pieces->Finish());
  if (part.data.size() < wanted) return DataLoss("blob " + sha256 + " has a hole at " + std::to_string(at));
  return part;
}

namespace {

Status CheckTable(std::string_view table, const RecordsLimits& limits) {
  const bool letters =
      std::all_of(table.begin(), table.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  if (table.empty() || table.size() > limits.max_table_bytes || !letters) {
    return InvalidArgument("a table's name has 1 to " + std::to_string(limits.max_table_bytes) +
                           " of the characters a-z and _");
  }
  return Ok();
}

Error ChangedMeanwhile(std::string_view table, std::string_view key) {
  return {StatusCode::kAborted,
          "table " + std::string(table) + ": row " + PrintableText(std::string(key)) + " is another by now; look again",
          {}};
}

Status CheckMutable(std::string_view table) {
  if (table.starts_with(kMutablePrefix)) return Ok();
  return InvalidArgument("the rows of table " + std::string(table) + " are never changed; only those of tables named " +
                         std::string(kMutablePrefix) + "… are");
}

}  // namespace

Status RecordsStore::CheckRow(std::string_view table, std::string_view key, std::string_view value) const {
  WFE_RETURN_IF_ERROR(CheckTable(table, limits_));
  if (table == kBudgetEventsTable) return InvalidArgument("table budget_events is written by the server alone");
  const std::string where = "table " + std::string(table) + ": ";
  if (key.empty() || key.size() > limits_.max_key_bytes) {
    return InvalidArgument(where + "a key has 1 to " + std::to_string(limits_.max_key_bytes) + " bytes");
  }
  if (value.size() > limits_.max_row_bytes) {
    return InvalidArgument(where + "a row has at most " + std::to_string(limits_.max_row_bytes) + " bytes");
  }
  return Ok();
}

Result<bool> RecordsStore::AppendRow(std::string_view table, std::string_view key, std::string_view value) {
  WFE_RETURN_IF_ERROR(CheckRow(table, key, value));
  const std::string row = keys::TablePrefix(table) + std::string(key);
  uint64_t sequence = 0;
  bool present = false;
  {
    const std::lock_guard lock(rows_mutex_);
    WFE_ASSIGN_OR_RETURN(present, Has(stage_, Family::kRows, row));
    if (present) {
      sequence = stage_.last_sequence();  // It may be waiting for its sync.
    } else {
      PendingWrite write;
      write.rows.puts.push_back({Family::kRows, row, std::string(value)});
      sequence = stage_.Enqueue(std::move(write), {});
    }
  }
  WFE_RETURN_IF_ERROR(stage_.WaitDurable(sequence));
  return present;
}

Status RecordsStore::PutRow(std::string_view table, std::string_view key, std::string_view value,
                            std::string_view replaces) {
  WFE_RETURN_IF_ERROR(CheckRow(table, key, value));
  WFE_RETURN_IF_ERROR(CheckMutable(table));
  const std::string row = keys::TablePrefix(table) + std::string(key);
  uint64_t sequence = 0;
  {
    const std::lock_guard lock(rows_mutex_);
    const Result<std::string> stored = stage_.Get(Family::kRows, row);
    if (!stored && stored.error().code != StatusCode::kNotFound) return stored.error();
    if (stored && *stored == value) {
      sequence = stage_.last_sequence();  // It may be waiting for its sync.
    } else if (const std::string known = stored ? std::string(AsBytes(Sha256(*stored))) : ""; known != replaces) {
      return ChangedMeanwhile(table, key);
    } else {
      PendingWrite write;
      write.rows.puts.push_back({Family::kRows, row, std::string(value)});
      sequence = stage_.Enqueue(std::move(write), {});
    }
  }
  return stage_.WaitDurable(sequence);
}

Result<bool> RecordsStore::DeleteRow(std::string_view table, std::string_view key, std::string_view seen) {
  WFE_RETURN_IF_ERROR(CheckRow(table, key, ""));
  WFE_RETURN_IF_ERROR(CheckMutable(table));
  const std::string row = keys::TablePrefix(table) + std::string(key);
  uint64_t sequence = 0;
  bool absent = false;
  {
    const std::lock_guard lock(rows_mutex_);
    const Result<std::string> stored = stage_.Get(Family::kRows, row);
    if (!stored && stored.error().code != StatusCode::kNotFound) return stored.error();
    absent = !stored;
    if (absent) {
      sequence = stage_.last_sequence();
    } else if (AsBytes(Sha256(*stored)) != seen) {
      return ChangedMeanwhile(table, key);
    } else {
      PendingWrite write;
      write.rows.deletes.push_back({Family::kRows, row});
      sequence = stage_.Enqueue(std::move(write), {});
    }
  }
  WFE_RETURN_IF_ERROR(stage_.WaitDurable(sequence));
  return absent;
}

Result<RowPage> RecordsStore::ScanRows(std::string_view table, std::string_view prefix, std::string_view start_after,
                                       int limit) const {
  WFE_RETURN_IF_ERROR(CheckTable(table, limits_));
  if (limit < 0) return InvalidArgument("table " + std::string(table) + ": a negative number of rows");
  const auto wanted =
      static_cast<size_t>(limit == 0 ? limits_.max_rows_per_scan : std::min(limit, limits_.max_rows_per_scan));
  const std::string table_prefix = keys::TablePrefix(table);
  const std::string begin = table_prefix + std::string(prefix);
  const std::string after = start_after.empty() ? "" : table_prefix + std::string(start_after) + '\0';
  RowPage page;
  int64_t bytes = 0;
  const auto cursor = stage_.Scan(Family::kRows, std::max(begin, after), keys::PrefixEnd(begin));
  for (; cursor->Valid(); cursor->Next()) {
    if (page.rows.size() >= wanted || (bytes >= limits_.max_scan_bytes && !page.rows.empty())) {
      page.more = true;
      break;
    }
    page.rows.emplace_back(cursor->key().substr(table_prefix.size()), cursor->value());
    bytes += static_cast<int64_t>(cursor->key().size() + cursor->value().size());
  }
  WFE_RETURN_IF_ERROR(cursor->Finish());
  return page;
}

}  // namespace wfe::records
