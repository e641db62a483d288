#include "engine/storage/recovery.h"

#include "engine/base/hash.h"
#include "engine/storage/keys.h"

namespace wfe::storage {

namespace {

template <class Message>
Result<std::optional<Message>> ReadRow(const KeyValueReader& kv, std::string_view key, const std::string& name) {
  const auto value = kv.Get(Family::kMeta, key);
  if (!value && value.error().code == StatusCode::kNotFound) return std::optional<Message>();
  if (!value) return value.error();
  Message message;
  if (!message.ParseFromString(*value)) return DataLoss(name + ": its " + std::string(key) + " row cannot be read");
  return std::optional<Message>(std::move(message));
}

}  // namespace

Result<StoredMeta> ReadMeta(const KeyValueReader& kv, const std::string& name) {
  const auto format = kv.Get(Family::kMeta, keys::kFormat);
  if (!format && format.error().code != StatusCode::kNotFound) return format.error();
  if (format) {
    std::string_view bytes = *format;
    const auto version = keys::TakeU64(bytes);
    if (!version || *version == 0) return DataLoss(name + ": its format row cannot be read");
    if (*version > keys::kFormatVersion) {
      return FailedPrecondition(name + " has format " + std::to_string(*version) +
                                ", written by a newer version; this one knows formats up to " +
                                std::to_string(keys::kFormatVersion));
    }
  }
  StoredMeta meta;
  WFE_ASSIGN_OR_RETURN(meta.identity, ReadRow<engine::v1::StoreIdentityRow>(kv, keys::kIdentity, name));
  WFE_ASSIGN_OR_RETURN(meta.position, ReadRow<engine::v1::CommitPositionRow>(kv, keys::kPosition, name));
  return meta;
}

uint64_t RecoveredSequence(const StoredMeta& meta) { return meta.position ? meta.position->sequence() : 0; }

std::optional<std::string> FindLoss(const StoredMeta& meta, const std::optional<LedgerMark>& mark) {
  const uint64_t recovered = RecoveredSequence(meta);
  if (!mark.has_value()) {
    if (!meta.identity.has_value()) return std::nullopt;
    return "its ledger is missing, so nothing can vouch for the " + std::to_string(recovered) + " commits found";
  }
  if (recovered < mark->sequence) {
    return "it ends at commit " + std::to_string(recovered) + " but commit " + std::to_string(mark->sequence) +
           " was durable: " + std::to_string(mark->sequence - recovered) + " commits are missing";
  }
  if (!meta.identity.has_value()) return std::nullopt;  // A first open that got as far as the ledger.
  if (meta.identity->store_id() != mark->store_id) {
    return "its ledger belongs to another store (" + mark->store_id + ", not " + meta.identity->store_id() + ")";
  }
  if (recovered == mark->sequence && meta.position.has_value()) {
    if (meta.position->running_hash() == mark->running_hash) return std::nullopt;
    return "commit " + std::to_string(recovered) + " is not the one that the ledger knows";
  }
  for (const auto& known : meta.position->known()) {
    if (known.sequence() != mark->sequence) continue;
    if (known.running_hash() == mark->running_hash) return std::nullopt;
    return "commit " + std::to_string(mark->sequence) + " is not the one that the ledger knows";
  }
  return "it ends at commit " + std::to_string(recovered) + ", which does not know commit " +
         std::to_string(mark->sequence) + " of the ledger: one of the two was restored without the other";
}

}  // namespace wfe::storage
