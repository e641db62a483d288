#include "engine/storage/chain.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/base/serialize.h"
#include "engine/history/chain.h"
#include "engine/storage/keys.h"

namespace wfe::storage {

namespace {

// Field 1, length-delimited: an event inside a temporal.api.history.v1.History.
constexpr int kEventField = 1;
constexpr uint8_t kEventTag = 0x0a;
constexpr size_t kHeadBytes = 32;
/// In the count's place: notes stand between the head and the events, after their length.
constexpr uint64_t kHasNotes = uint64_t{1} << 63;

}  // namespace

EventBatch EventBatch::Encode(const std::vector<temporal::api::history::v1::HistoryEvent>& events) {
  EventBatch batch;
  if (events.empty()) return batch;
  batch.first_event_id = events.front().event_id();
  batch.count = static_cast<int32_t>(events.size());
  for (const auto& event : events) AppendSubMessage(kEventField, event, &batch.bytes);
  return batch;
}

Result<std::vector<std::string_view>> SplitHistory(std::string_view history_bytes) {
  std::vector<std::string_view> events;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(history_bytes.data()),
                                            static_cast<int>(history_bytes.size()));
  const auto fail = [&] {
    return InvalidArgument("no event at position " + std::to_string(events.size()) + " of a batch");
  };
  while (static_cast<size_t>(in.CurrentPosition()) < history_bytes.size()) {
    uint32_t tag = 0, length = 0;
    if (!in.ReadVarint32(&tag) || tag != kEventTag || !in.ReadVarint32(&length)) return fail();
    const auto begin = static_cast<size_t>(in.CurrentPosition());
    if (length > history_bytes.size() - begin) return fail();
    events.push_back(history_bytes.substr(begin, length));
    in.Skip(static_cast<int>(length));
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
