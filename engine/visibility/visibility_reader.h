// Lists and counts executions (EN-7).  Their rows are written with the commits; this reads them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/storage/key_value_store.h"
#include "wfe/engine/v1/state.pb.h"

namespace wfe::visibility {

struct ListPage {
  std::vector<engine::v1::VisibilityRecord> records;
  /// Where the next page begins; empty: there is none.
  std::string next_page_token;
};

struct VisibilityLimits {
  /// A page ends, with a token, after this many rows were looked at, however few of them matched.
  int64_t max_scanned_per_page = 100'000;
  /// A count that would look at more rows is refused.
  int64_t max_scanned_per_count = 1'000'000;
};

/// Stateless, so callable from any thread; reads block on the disk.  `rows` outlives it; given the commit stage, lists
/// show what was committed a moment ago, too.
class VisibilityReader {
 public:
  explicit VisibilityReader(const storage::KeyValueReader& rows, VisibilityLimits limits = {})
      : rows_(rows), limits_(limits) {}

  /// Executions that match `query` (ListFilter), the latest start first.  `page_size` is at least 1.
  /// INVALID_ARGUMENT for a query that cannot be read or a token of another query.
  /// A page with more than `max_bytes` of rows ends there: one memo may have as much as a whole answer.
  Result<ListPage> List(std::string_view ns, std::string_view query, int page_size, std::string_view page_token,
                        int64_t max_bytes = INT64_MAX) const;

  /// RESOURCE_EXHAUSTED when there are too many rows to look at.
  Result<int64_t> Count(std::string_view ns, std::string_view query) const;
  using StatusCounts = std::map<temporal::api::enums::v1::WorkflowExecutionStatus, int64_t>;
  /// The same for each status that occurs.
  Result<StatusCounts> CountByStatus(std::string_view ns, std::string_view query) const;

 private:
  const storage::KeyValueReader& rows_;
  const VisibilityLimits limits_;
};

}  // namespace wfe::visibility
