// Patterns and their occurrences in the records service (RC-8, RC-9).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "activities/patterns/rules/figures.h"
#include "engine/base/result.h"
#include "workers/client/row_store.h"

namespace wfe::patterns {

/// One sentence for each row that cannot be read and was left out.
using PatternProblems = std::vector<std::string>;

/// Callable from any thread; `rows` outlives it.  Of two writers of one pattern neither loses what the other has written.
class PatternStore {
 public:
  explicit PatternStore(RowStore& rows) : rows_(rows) {}

  /// False: it was there.
  Result<bool> Append(const PatternOccurrence& occurrence);
  /// Makes what a pattern says of its occurrences anew, all of them read: right however often anything was repeated.
  Status Refresh(const std::string& signature);

  Result<std::optional<OperationPattern>> Find(const std::string& signature);
  Result<std::vector<OperationPattern>> All(PatternProblems& problems);
  /// Sums of every pattern's occurrences, by signature.
  Result<std::map<std::string, PatternSums>> AllSums(PatternProblems& problems);

  /// Writes what `change` makes of the pattern, decided anew on what another has written in the meantime.  False from
  /// it: there is nothing to change.  NOT_FOUND: no such pattern.
  using Change = std::function<Result<bool>(OperationPattern& pattern)>;
  Result<OperationPattern> Update(const std::string& signature, const Change& change);

 private:
  Result<OperationPattern> Write(const std::string& signature, bool make, const Change& change);
  RowStore& rows_;
};

}  // namespace wfe::patterns
