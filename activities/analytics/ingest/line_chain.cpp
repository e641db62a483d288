#include "activities/analytics/ingest/line_chain.h"

#include <algorithm>
#include <array>
#include <optional>

#include "activities/trace/log_entry.h"
#include "engine/base/hash.h"

namespace wfe::analytics {
namespace {

struct Cut {
  size_t begin = 0;
  size_t end = 0;
};

/// The bytes of `"key":"value",` with one of the commas beside it; nullopt when it does not stand in that form.
std::optional<Cut> FindCut(std::string_view line, const char* value_at, std::string_view quoted_key) {
  const size_t value = static_cast<size_t>(value_at - line.data());
  if (value < quoted_key.size() || line.substr(value - quoted_key.size(), quoted_key.size()) != quoted_key) {
    return std::nullopt;
  }
  const size_t quote = line.find('"', value + 1);
  if (quote == std::string_view::npos) return std::nullopt;
  Cut cut{value - quoted_key.size(), quote + 1};
  if (cut.end < line.size() && line[cut.end] == ',') {
    ++cut.end;
  } else if (cut.begin > 0 && line[cut.begin - 1] == ',') {
    --cut.begin;
  } else {
    return std::nullopt;
  }
  return cut;
}

/// The hash over the line's own bytes; empty when the keys to leave out cannot be cut out.
std::string HashOfBytes(std::string_view line, const ChainLink& link, std::string_view previous) {
  const std::optional<Cut> hash = FindCut(line, link.entry_hash_at, "\"entry_hash\":");
  if (!hash) return {};
  std::array<Cut, 2> cuts = {*hash, {line.size(), line.size()}};
  if (link.logged_at_at != nullptr) {
    const std::optional<Cut> logged = FindCut(line, link.logged_at_at, "\"logged_at\":");
    if (!logged) return {};
    cuts[1] = *logged;
    if (cuts[1].begin < cuts[0].begin) std::swap(cuts[0], cuts[1]);
    if (cuts[1].begin < cuts[0].end) return {};
  }
  return ToHex(Sha256({previous, line.substr(0, cuts[0].begin), line.substr(cuts[0].end, cuts[1].begin - cuts[0].end),
                       line.substr(cuts[1].end)}));
}

}  // namespace

std::string FollowChain(std::string_view line, const ChainLink& link, ChainEnd& end) {
  const std::string run = "run " + std::string(link.run);
  if (link.entry_hash.empty()) {
    // A trace without any chain is of another writer, and sound.
    if (end.seq == 0 && link.seq <= 0) return {};
    return "the entry is not part of the hash chain of " + run + " (no ext.entry_hash)";
  }
  std::string problem;
  if (link.seq != end.seq + 1) {
    problem =
        "ext.seq is " + std::to_string(link.seq) + " where " + run + " continues with " + std::to_string(end.seq + 1);
  } else if (HashOfBytes(line, link, end.last_hash) != link.entry_hash) {
    const Result<trace::LogEntry> entry = trace::ParseLogEntry(line);
    if (!entry || trace::ComputeEntryHash(*entry, end.last_hash) != link.entry_hash) {
      problem = "ext.entry_hash does not match: entry " + std::to_string(link.seq) + " of " + run +
                " or the one before it was changed";
    } else if (trace::SerializeLogEntry(*entry) != line) {
      problem = "the line is not in the form this program writes: its bytes were changed";
    }
  }
  // Go on from what stands there, so that one bad entry is named once and not with everything after it.
  end.seq = link.seq;
  end.last_hash = link.entry_hash;
  return problem;
}

}  // namespace wfe::analytics
