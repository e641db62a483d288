// The hash chain over one run's stored event bytes (lint rule H4), in one place: the store extends it, the linter
// recomputes it.
#pragma once

#include <string_view>

#include "engine/base/hash.h"

namespace wfe::history {

/// The chain before the first event: 32 zero bytes.
inline constexpr Sha256Digest kChainStart{};

/// h(n) = SHA-256(h(n-1) || bytes of event n).  `event_bytes` is the serialized HistoryEvent as it is stored, without
/// the tag and length it has inside a History; never a re-encoding.
inline Sha256Digest ChainNext(const Sha256Digest& previous, std::string_view event_bytes) {
  return Sha256({AsBytes(previous), event_bytes});
}

}  // namespace wfe::history
