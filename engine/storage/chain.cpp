#include "engine/storage/chain.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/base/serialize.h"
#include "engine/history/chain.h"
#include "engine/history/framing.h"
#include "engine/storage/keys.h"

namespace wfe::storage {

namespace {

constexpr size_t kHeadBytes = 32;
/// In the count's place: notes stand between the head and the events, after their length.
constexpr uint64_t kHasNotes = uint64_t{1} << 63;

}  // namespace

EventBatch EventBatch::Encode(const std::vector<temporal::api::history::v1::HistoryEvent>& events) {
  EventBatch batch;
  if (events.empty()) return batch;
  batch.first_event_id = events.front().event_id();
  batch.count = static_cast<int32_t>(events.size());
  for (const auto& event : events) AppendSubMessage(history::kEventField, event, &batch.bytes);
  return batch;
}

Result<std::vector<std::string_view>> SplitHistory(std::string_view history_bytes) {
  std::vector<std::string_view> events;
  while (!history_bytes.empty()) {
    const auto event = history::TakeEvent(history_bytes);
    if (!event) return InvalidArgument("no event at position " + std::to_string(events.size()) + " of a batch");
    events.push_back(*event);
  }
  return events;
}

Result<Sha256Digest> ExtendChain(Sha256Digest head, std::string_view history_bytes) {
  WFE_ASSIGN_OR_RETURN(const auto events, SplitHistory(history_bytes));
  for (const std::string_view event : events) head = history::ChainNext(head, event);
  return head;
}

Result<Sha256Digest> ParseHead(std::string_view head) {
  if (head.empty()) return history::kChainStart;
  Sha256Digest digest{};
  if (head.size() != digest.size()) return DataLoss("a chain head of " + std::to_string(head.size()) + " bytes");
  std::copy(head.begin(), head.end(), digest.begin());
  return digest;
}

std::string EncodeStoredBatch(const StoredBatch& batch) {
  std::string value;
  value.reserve(24 + kHeadBytes + batch.notes.size() + batch.events.bytes.size());
  keys::AppendU64(value, batch.commit_sequence);
  const uint64_t has_notes = batch.notes.empty() ? 0 : kHasNotes;
  keys::AppendU64(value, static_cast<uint64_t>(batch.events.count) | has_notes);
  value += AsBytes(batch.chain_head);
  if (has_notes != 0) {
    keys::AppendU64(value, batch.notes.size());
    value += batch.notes;
  }
  value += batch.events.bytes;
  return value;
}

Result<StoredBatch> DecodeStoredBatch(EventId first_event_id, std::string_view value) {
  const auto sequence = keys::TakeU64(value);
  const auto damaged = [&] {
    return DataLoss("the history row of event " + std::to_string(first_event_id) + " is damaged");
  };
  auto count = keys::TakeU64(value);
  if (!sequence || !count || value.size() < kHeadBytes) return damaged();
  const bool has_notes = (*count & kHasNotes) != 0;
  *count &= ~kHasNotes;
  if (*count == 0 || *count > INT32_MAX) return damaged();
  StoredBatch batch;
  batch.commit_sequence = *sequence;
  WFE_ASSIGN_OR_RETURN(batch.chain_head, ParseHead(value.substr(0, kHeadBytes)));
  batch.events.first_event_id = first_event_id;
  batch.events.count = static_cast<int32_t>(*count);
  value.remove_prefix(kHeadBytes);
  if (has_notes) {
    const auto length = keys::TakeU64(value);
    if (!length || *length > value.size()) return damaged();
    batch.notes = value.substr(0, *length);
    value.remove_prefix(*length);
  }
  batch.events.bytes = value;
  return batch;
}

}  // namespace wfe::storage
