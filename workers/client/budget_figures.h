// How the budgets stand, for people (QF-2, RP-6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "workers/client/service_client.h"

namespace wfe::client {

struct BudgetFigure {
  std::string budget;  ///< "daily", "monthly of AuditedBuildWorkflow"
  std::string period;  ///< "2026-11-26", "2026-11" or a run's id; empty: of each run, and no run was asked about.
  std::optional<Money> limit_usd;  ///< Absent: no limit.
  Money used_usd;
  Money reserved_usd;  ///< For calls under way.
  Money assumed_usd;   ///< Of what is used: for calls whose cost nobody reported.
  int64_t calls = 0;
  int64_t unpriced_calls = 0;
  int warn_at_percent = 0;  ///< 0: no warning.
  std::string on_exceed;    ///< warn, block or defer
  std::optional<std::string> period_end;
  bool from_configuration = false;  ///< Of the server's; nobody set it.

  /// Percent of the limit; 100 for a limit of 0, nothing without a limit.
  std::optional<double> UsedPercent() const;
  bool IsUsedUp() const { return limit_usd && used_usd >= *limit_usd; }
};
WFE_RECORD(BudgetFigure, budget, period, limit_usd, used_usd, reserved_usd, assumed_usd, calls, unpriced_calls,
           warn_at_percent, on_exceed, period_end, from_configuration);

/// "[#####++.....|....]" for a terminal: what is used, what is reserved (+), and where the warning is (|).  Without a
/// limit all of it is dots.
std::string BudgetBar(const BudgetFigure& figure, size_t width);

/// Asks the records service behind `client`; budgets of runs stand as they do for `run_id`.  Blocks.
Result<std::vector<BudgetFigure>> ReadBudgets(ServiceClient& client, const std::string& run_id);

}  // namespace wfe::client
