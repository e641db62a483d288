// Budgets on the disk (QF-2): one BudgetBook, whose changes join the engine's groups of commits.
//   table               key               value
//   "budget.rules"      name              wfe.records.v1.BudgetRule that somebody has set
//   "budget.counters"   see CountersOf    BudgetCounterRow
//   "budget.holds"      call id           BudgetHoldRow of a reservation that is open
//   "budget.calls"      call id           BudgetCallRow of a call that has ended; kept as long as the cost ledger
//   "budget_events"     time, budget …    JSON for people: what was told, once in a period
// Names with a dot are no tables of the records service: nobody reads or writes them but this.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/records/budget_book.h"
#include "engine/storage/commit_stage.h"

namespace wfe::records {

struct BudgetOptions {
  std::vector<BudgetRule> defaults;  ///< Where nobody has set another.
  size_t max_rules = 1000;
  size_t max_holds = 100'000;
  size_t max_counters_in_memory = 10'000;
  Money max_per_call = Money::Usd(10'000);
  Duration longest_lease = std::chrono::hours(25);
};

inline constexpr std::string_view kBudgetEventsTable = "budget_events";

/// Every write is durable when its call returns, which may block for one sync.  Thread-safe.
class BudgetStore {
 public:
  /// `stage` and `clock` outlive it.  `tell` is called for each event once it is durable, on the calling thread.
  static Result<std::unique_ptr<BudgetStore>> Open(storage::CommitStage& stage, const Clock& clock,
                                                   BudgetOptions options,
                                                   std::function<void(const BudgetEvent&)> tell = {});

  Result<ReserveAnswer> Reserve(const BudgetCall& call, std::optional<Money> most, Duration lease);
  Result<bool> Settle(const BudgetCall& call, const SettleOutcome& outcome);
  Result<std::vector<BudgetStanding>> Standings(const std::string& run_id);
  Status Set(const BudgetRule& rule);
  Status Reset(const BudgetName& name);

 private:
  BudgetStore(storage::CommitStage& stage, const Clock& clock, BudgetOptions options,
              std::function<void(const BudgetEvent&)> tell)
      : stage_(stage), clock_(clock), options_(std::move(options)), tell_(std::move(tell)) {}

  Status LoadRulesAndHolds();
  Status LoadCounters(const std::vector<std::string>& ids);
  Result<std::optional<EndedCall>> FindEnded(const std::string& call_id) const;
  /// With mutex_ held: what ran out is given back, and handed in.
  void Expire(Instant now);
  Status CheckCall(const BudgetCall& call) const;
  /// Hands in what changed; the sequence number to wait for.
  uint64_t Write(const BudgetChange& change);
  Status WaitAndTell(uint64_t sequence, const BudgetChange& change);

  storage::CommitStage& stage_;
  const Clock& clock_;
  const BudgetOptions options_;
  const std::function<void(const BudgetEvent&)> tell_;
  std::mutex mutex_;  // held for a decision and while it is handed in, not for its sync
  BudgetBook book_;   // protected by mutex_
};

}  // namespace wfe::records
