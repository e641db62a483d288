// Decides about budgets (QF-2): what a call may reserve, what its end means.  Plain data and decisions: no clock, no
// disk, no threads; BudgetStore owns one and writes what changed.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/records/budget.h"

namespace wfe::records {

/// How a budget stands in one of its periods.
struct BudgetStanding {
  BudgetRule rule;
  std::string period;  ///< "2026-11-26", "2026-11", or a run id; empty: a budget per run, of no run in particular.
  BudgetCounter counter;
  Money reserved;
  std::optional<Instant> period_end;
  bool is_default = false;  ///< From the server's configuration.
};

struct ReserveAnswer {
  enum class Verdict { kAdmitted, kBusy, kDeferred, kBlocked };
  Verdict verdict = Verdict::kAdmitted;
  std::optional<BudgetStanding> budget;  ///< That refused.
  std::string message;                   ///< For people; empty when admitted.
  std::optional<Instant> resumes;        ///< kDeferred.
};

/// Told once in a period: a budget has reached its level of warning, or is used up.
struct BudgetEvent {
  Instant time{};
  std::string budget;
  std::string period;
  bool exceeded = false;
  Money limit;
  Money used;
  BudgetCall call;  ///< That brought it there.
};

/// What a decision has changed, to be written in one batch.
struct BudgetChange {
  std::set<std::string> counters;
  std::vector<std::string> held;      ///< Ids of new holds.
  std::vector<std::string> released;  ///< Ids of holds that are gone.
  std::vector<std::pair<std::string, EndedCall>> ended;
  std::vector<BudgetEvent> events;
  bool empty() const { return counters.empty() && held.empty() && released.empty() && ended.empty(); }
};

class BudgetBook {
 public:
  /// `is_default`: only where no rule of this name is set.
  void SetRule(BudgetRule rule, bool is_default = false);
  /// Back to the default, if there is one.
  void ResetRule(const BudgetName& name);
  size_t rules() const { return rules_.size(); }

  /// What the disk has.  A decision about a call needs all counters of CountersOf that exist.
  bool Knows(const std::string& counter) const { return counters_.contains(counter); }
  void Load(const std::string& counter, BudgetCounter value) { counters_[counter] = std::move(value); }
  void Restore(BudgetHold hold);
  /// Forgets counters that nothing is reserved on, when there are more than `most` of them.
  void Trim(size_t most);

  const BudgetHold* FindHold(const std::string& call_id) const;
  const BudgetCounter& counter(const std::string& id) const { return counters_.at(id); }
  size_t holds() const { return holds_.size(); }

  /// `most`: the largest possible cost; nullopt: the model has no price, and only a budget that is used up refuses.
  /// `ended`: what the disk has of this call.  FAILED_PRECONDITION: it was settled.
  Result<ReserveAnswer> Reserve(const BudgetCall& call, std::optional<Money> most, Duration lease, Instant now,
                                const std::optional<EndedCall>& ended, BudgetChange& change);
  /// False: nothing changed, it was told before.  OUT_OF_RANGE: the sum would not fit; nothing changed either.
  Result<bool> Settle(const BudgetCall& call, const SettleOutcome& outcome, Instant now,
                      const std::optional<EndedCall>& ended, BudgetChange& change);
  /// Gives back what was reserved for calls of which nobody has heard.
  void Expire(Instant now, BudgetChange& change);

  /// The day on whose counters a settlement of the call is.
  std::string DayOfSettlement(const BudgetCall& call, Instant now, const std::optional<EndedCall>& ended) const;
  /// The counters that Standings looks at.
  std::vector<std::string> CountersOfStandings(Instant now, const std::string& run_id) const;
  /// Every budget as it stands now, by name; the daily and monthly ones of everything also without a limit.
  std::vector<BudgetStanding> Standings(Instant now, const std::string& run_id) const;

 private:
  struct Rules {
    std::optional<BudgetRule> set;
    std::optional<BudgetRule> by_default;
    const BudgetRule& rule() const { return set ? *set : *by_default; }
  };

  CallState StateOf(const std::string& call_id, const std::optional<EndedCall>& ended) const;
  BudgetStanding StandingOf(const Rules& rules, const std::string& counter, Instant now) const;
  ReserveAnswer Admit(const BudgetCall& call, std::optional<Money> most, Instant now, const std::string& day,
                      BudgetChange& change);
  void Tell(const BudgetRule& rule, const std::string& counter, bool exceeded, const BudgetCall& call, Instant now,
            BudgetChange& change);
  Status Spend(const BudgetCall& call, const std::string& day, const SettleOutcome& outcome, std::optional<Money> most,
               Instant now, EndedCall& end, BudgetChange& change);
  void Release(const std::string& call_id, BudgetChange& change);

  std::map<BudgetName, Rules> rules_;
  std::map<std::string, BudgetCounter> counters_;
  struct Reserved {
    Money sum;
    int64_t calls = 0;
  };
  std::map<std::string, Reserved> reserved_;  // by counter: what its holds come to
  std::map<std::string, BudgetHold> holds_;   // by call
  std::set<std::pair<Instant, std::string>> by_expiry_;
};

}  // namespace wfe::records
