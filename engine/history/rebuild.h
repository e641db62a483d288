// A run from its first event on: what its rows say, if they reach back so far.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "temporal/api/history/v1/message.pb.h"
#include "wfe/engine/v1/state.pb.h"

namespace wfe::history {

/// One transition as it is stored.
struct StoredStep {
  std::vector<temporal::api::history::v1::HistoryEvent> events;  ///< May be empty.
  std::string notes;                                             ///< EncodeNotes; empty: not kept.
};

/// The state after `steps`, in any order, when they are all transitions of the run up to `last`, in the form of a
/// checkpoint; nullopt when some were not kept: a checkpoint deletes what it covers, and up to format 2 there were none.
/// DATA_LOSS when a step cannot be read or does not follow on the one before it.
Result<std::optional<engine::v1::MutableState>> Rebuild(const ExecutionKey& key, const std::vector<StoredStep>& steps,
                                                        int64_t last);

}  // namespace wfe::history
