// The hash chain over the lines of a run (TR-9), followed on the bytes of the lines.
#pragma once

#include <string>
#include <string_view>

namespace wfe::analytics {

/// The end of a run's chain within one file.
struct ChainEnd {
  int64_t seq = 0;
  std::string last_hash;  ///< 64 hex digits; empty before the first.
};

/// What a line says of its place in the chain.  Views are empty where the line has no such key.
struct ChainLink {
  std::string_view run;
  int64_t seq = 0;
  std::string_view entry_hash;
  /// Where the values of ext.entry_hash and ext.logged_at begin in the line (their opening quote).
  const char* entry_hash_at = nullptr;
  const char* logged_at_at = nullptr;
};

/// "" or what is wrong with the line as the next of its run; moves `end` on.  Hashes the bytes as they stand, without
/// the two keys that the hash leaves out; only where that does not fit is the line taken apart and written anew.
std::string FollowChain(std::string_view line, const ChainLink& link, ChainEnd& end);

}  // namespace wfe::analytics
