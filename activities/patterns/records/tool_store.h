// Tools, their calls and what they saved, in the records service (RC-10, RC-11, RC-13).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activities/patterns/records/pattern_store.h"
#include "engine/base/time.h"

namespace wfe::patterns {

/// Callable from any thread; `rows` outlives it.
class ToolStore {
 public:
  explicit ToolStore(RowStore& rows) : rows_(rows) {}

  /// Registers a tool, or replaces what it is; what is known of its calls stays.  INVALID_ARGUMENT: it is none.
  Result<Tool> Register(Tool tool, Instant now);
  Result<std::optional<Tool>> Find(const std::string& tool_id);
  Result<std::vector<Tool>> All(PatternProblems& problems);

  /// Keeps a call under its key, and a saving where it did what an agent would have done; a pattern whose tool fails too
  /// often is retired (PD-7).  Repeating it changes nothing.
  Status Note(const std::string& key, const ToolCall& call, const std::optional<Saving>& saving, Instant now);
  /// A check after them has failed: the calls of a run that succeeded count as failures, and what they saved is taken
  /// back.  How many there were.
  Result<int64_t> Refute(const std::string& run_id, const std::string& why, Instant now);
  /// Calls by key; those that were refuted are failures.
  Result<std::vector<ToolCall>> Calls(PatternProblems& problems);
  Result<std::vector<Saving>> Savings(PatternProblems& problems);

 private:
  Status CountCall(const ToolCall& call, int64_t calls, int64_t successes, Instant now);
  RowStore& rows_;
};

}  // namespace wfe::patterns
