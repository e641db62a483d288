// The cost ledger read back: each call once, and sums of calls by what a person asks for.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::agent {

/// How one call ended.
inline constexpr std::string_view kCallDone = "done";      ///< Its answer was used.
inline constexpr std::string_view kCallFailed = "failed";  ///< The service refused or broke off.
inline constexpr std::string_view kCallLost = "lost";      ///< Nobody got its answer: cancelled, or its worker is gone.
inline constexpr std::string_view kCallOpen = "open";      ///< Began lately and may still end.

/// A call that began longer ago and has not ended is lost.
inline constexpr Duration kLongestCall = std::chrono::minutes(35);

/// Folds the ledger's rows into calls.
class CostReport {
 public:
  /// One row of the table, in any order.  INVALID_ARGUMENT when it is none.
  Status Add(const std::string& value);

  struct Filter {
    std::string workflow_id;       ///< Empty: all.
    std::optional<Instant> since;  ///< Calls that began at or after it.
  };
  /// "model", "day", "month", "workflow", "type" (of workflow) or "step".
  struct Group {
    std::string name;
    int64_t calls = 0;
    int64_t failed = 0;
    int64_t lost = 0;
    int64_t open = 0;
    int64_t input_tokens = 0;
    int64_t output_tokens = 0;
    int64_t cached_tokens = 0;
    Money cost_usd;
    int64_t unpriced = 0;   ///< Calls with tokens whose price is unknown: they are not in `cost_usd`.
    int64_t uncounted = 0;  ///< Calls whose tokens nobody reported: lost ones, mostly.
  };
  /// Sorted by name, and the sum of them.  A sum that would not fit stays at the largest amount there is.
  struct Sums {
    std::vector<Group> groups;
    Group total;
  };
  Sums Sum(const Filter& filter, const std::string& by, Instant now) const;

  /// What one call has used of a quota of tokens: input, cached or not, and output.
  struct Use {
    std::string workflow_type;
    std::string workflow_id;
    std::string run_id;
    Instant began{};
    int64_t tokens = 0;
  };
  /// Of every call whose time is known, by id of the call.
  std::vector<Use> Uses() const;

  size_t calls() const { return calls_.size(); }

 private:
  std::map<std::string, nlohmann::json> calls_;  // by id; the row that says more
};

WFE_RECORD(CostReport::Group, name, calls, failed, lost, open, input_tokens, output_tokens, cached_tokens, cost_usd,
           unpriced, uncounted);

}  // namespace wfe::agent
