// What this machine can do at most, measured in the same run as the engine.
#pragma once

#include "engine/base/result.h"
#include "tools/bench/bench.h"

namespace wfe::bench {

struct Limits {
  double fdatasync_ms = 0;           ///< Median of appending 4 KiB and syncing it.
  double rocksdb_batches_per_s = 0;  ///< Synced batches of two rows, one after the other.
  double grpc_echo_per_s = 0;        ///< Unary calls of this program's own server and client, 128 callers.
  double grpc_echo_ms = 0;           ///< The median of one caller.
};

/// Measures in `directory` for about four seconds.
Result<Limits> MeasureLimits(const std::string& directory, std::vector<Figure>& figures);

}  // namespace wfe::bench
