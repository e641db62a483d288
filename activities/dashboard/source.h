// The rows of a dashboard, read from the records service again and again at little cost.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "activities/dashboard/figures.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/records_client.h"

namespace wfe::dashboard {

/// Keeps what cannot change any more: after the first time only the rows of yesterday and today are read.  Not
/// thread-safe; its calls block.
class DashboardSource {
 public:
  /// `records` must outlive this object; `budgets` asks the same service (client::ReadBudgets).
  using BudgetReader = std::function<Result<std::vector<client::BudgetFigure>>()>;
  DashboardSource(client::RecordsClient& records, BudgetReader budgets)
      : records_(records), budgets_(std::move(budgets)) {}

  /// Everything that a dashboard of `window` needs; valid until the next call.
  Result<const DashboardRows*> Read(Instant now, Duration window);

 private:
  template <class Row>
  struct Day {
    std::vector<Row> rows;
    std::vector<std::string> problems;
  };
  template <class Row>
  using Days = std::map<std::string, Day<Row>>;  ///< By "2026-11-26".

  Status ReadCalls(Instant now);
  Status ReadCycles(Instant now, Instant from);
  template <class Row>
  Status ReadDays(std::string_view table, Instant from, Instant now, Days<Row>& days, std::vector<Row>& rows);

  client::RecordsClient& records_;
  const BudgetReader budgets_;
  Days<learning::UsageRow> usage_;
  Days<learning::GenerationReport> reports_;
  Days<learning::CycleRow> cycles_;
  std::optional<int64_t> strange_calls_;  ///< Rows of the ledger that are none; absent: it was not read yet.
  DashboardRows rows_;
};

}  // namespace wfe::dashboard
