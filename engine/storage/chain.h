// The hash chain over a run's stored event bytes (H4), and how a batch of events lies in its row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/hash.h"
#include "engine/base/result.h"
#include "engine/storage/execution_store.h"

namespace wfe::storage {

/// history::ChainNext over every event of a serialized History.  INVALID_ARGUMENT when the bytes are no sequence of
/// events; the message says at which of them.
Result<Sha256Digest> ExtendChain(Sha256Digest head, std::string_view history_bytes);
/// A stored head as a digest; an empty one is the start of the chain.  DATA_LOSS for any other length.
Result<Sha256Digest> ParseHead(std::string_view head);

/// The events of a serialized History, as views into it.
Result<std::vector<std::string_view>> SplitHistory(std::string_view history_bytes);

/// One row of the family "history".
struct StoredBatch {
  uint64_t commit_sequence = 0;
  Sha256Digest chain_head{};  ///< After the batch's last event.
  EventBatch events;
  /// history::EncodeNotes: what the transition changed beside its events.  Empty in rows of format 2 and older, and in
  /// some that were written together with a checkpoint.
  std::string notes;
};

/// The row's value.  Its first 8 bytes are the commit sequence, so that a commit can fill it in late.
std::string EncodeStoredBatch(const StoredBatch& batch);
/// DATA_LOSS when the value is not what EncodeStoredBatch writes.
Result<StoredBatch> DecodeStoredBatch(EventId first_event_id, std::string_view value);

}  // namespace wfe::storage
