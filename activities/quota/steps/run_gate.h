// The pre-flight of every run that spends (QF-5): asked before each call that is bought, it decides at a run's first one
// and remembers.  One place for builds, graphs, batches, ad-hoc tasks and generations: no workflow has to ask.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "activities/quota/steps/quota_report.h"
#include "workers/client/budget_keeper.h"
#include "workers/client/row_store.h"

namespace wfe::quota {

/// Decisions about runs: key is the run id, value a RunDecision.
inline constexpr std::string_view kQuotaPreflightsTable = "quota_preflights";

enum class PreflightMode {
  kOff,      ///< Nobody asks.
  kTell,     ///< Decisions are made, kept and told of; every run goes on.
  kEnforce,  ///< A throttled run waits, a denied one makes no call.
};
/// nullopt for another word than off, warn and enforce.
std::optional<PreflightMode> ParsePreflightMode(std::string_view word);

struct RunDecision {
  std::string run_id;
  std::string workflow_id;
  std::string workflow_type;
  std::string decision;  ///< kAllow, kWarn, kThrottle or kDeny.
  std::string reason;
  double projected_percent = 0;
  std::string decided_at;  ///< ISO 8601, UTC, as `goes_on_at`.
  std::string goes_on_at;  ///< kThrottle: when the run's calls are made.
  bool enforced = false;   ///< False: it was said and changed nothing.
};
WFE_RECORD(RunDecision, run_id, workflow_id, workflow_type, decision, reason, projected_percent, decided_at, goes_on_at,
           enforced);
constexpr RecordRules RulesOf(const RunDecision*) {
  return {.required = "run_id decision decided_at", .seldom = "goes_on_at"};
}

/// Callable from any thread; a run's first call may wait for the ledger to be read.
class RunGate {
 public:
  struct Setup {
    std::shared_ptr<RowStore> rows;
    std::function<Result<QuotaReport>(Instant now)> report;  ///< What the month's quota is known to be.
    PreflightRules rules;
    PreflightMode mode = PreflightMode::kTell;
    std::shared_ptr<const Clock> clock;  ///< nullptr: the machine's.
    /// Told of every decision that is not "allow", in one sentence.  Empty: nobody.
    std::function<void(const std::string&)> say;
    /// How old a report may be that a decision is made from; older where the ledger is so long that reading it takes more
    /// than a twentieth of this.
    Duration report_age = std::chrono::minutes(1);
  };
  explicit RunGate(Setup setup);

  /// A run may be refused.
  bool enforces() const { return setup_.mode == PreflightMode::kEnforce; }

  /// Whether this call may be made.  A decision is made once for a run, whichever worker asks first, and keeps.
  /// Where decisions are enforced an error means that nothing could be decided, and the caller asks again; where they
  /// are not, the run goes on.
  Result<client::BudgetAnswer> Admit(const client::BudgetedCall& call);

  /// A workflow has asked by itself and does what it was told: it is not asked again.
  Status Note(const client::BudgetedCall& call, const PreflightDecision& decision);

 private:
  Result<RunDecision> DecisionFor(const client::BudgetedCall& call);
  Result<QuotaReport> Report(Instant now);
  Result<RunDecision> Keep(const client::BudgetedCall& call, const PreflightDecision& decision, bool enforced,
                           bool* is_new);

  const Setup setup_;
  std::mutex mutex_;
  std::map<std::string, RunDecision> known_;  // guarded by mutex_
  std::mutex report_mutex_;
  std::optional<QuotaReport> report_;  // guarded by report_mutex_, as the next
  Instant reported_at_{};
  Duration reading_{};  // how long the last one took
};

}  // namespace wfe::quota
