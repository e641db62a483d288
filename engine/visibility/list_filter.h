// The SQL-like filter of list and count requests (S104).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "wfe/engine/v1/state.pb.h"

namespace wfe::visibility {

/// "Running", "TimedOut" and so on, as filters name it; empty for no status at all.
std::string_view StatusName(int status);

/// As ParseIso8601, and with an offset like +02:00 instead of the Z.
std::optional<Instant> ParseTime(std::string text);

/// A condition on visibility records, over WorkflowId, RunId, WorkflowType, TaskQueue, ExecutionStatus, StartTime and
/// CloseTime: `=` `!=` `<` `<=` `>` `>=`, [NOT] IN (…), [NOT] BETWEEN … AND …, [NOT] STARTS_WITH, IS [NOT] NULL,
/// combined by AND, OR, NOT and parentheses.  Keywords in any case; names as they are.  Texts stand in single or double
/// quotes; a time is a text like "2026-11-21T05:15:02Z" (or with an offset) or a number of nanoseconds since 1970. An
/// absent close time makes every comparison with it unknown, as SQL's NULL does.
class ListFilter {
 public:
  /// An empty query matches everything.  INVALID_ARGUMENT names the position of what is wrong, 1-based.
  static Result<ListFilter> Parse(std::string_view query);

  bool Matches(const engine::v1::VisibilityRecord& record) const;

  /// False when no open (no closed) execution can match, so that those rows need not be read.
  bool MayMatchOpen() const { return may_match_open_; }
  bool MayMatchClosed() const { return may_match_closed_; }

  struct Node;

 private:
  std::shared_ptr<const Node> root_;  // shared, since filters are copied into requests; null: everything
  bool may_match_open_ = true;
  bool may_match_closed_ = true;
};

}  // namespace wfe::visibility
