#include "activities/quota/steps/run_gate.h"

#include <algorithm>
#include <utility>

#include "engine/base/parse_json.h"

namespace wfe::quota {
namespace {

using client::BudgetAnswer;

/// Runs that a worker remembers; others are read again.
constexpr size_t kMostKnownRuns = 10'000;
/// A long ledger is read again when it has been of use for so many times the time that reading it takes.
constexpr int kReadingShare = 20;

Result<RunDecision> ReadDecision(const std::string& run_id, const std::string& value) {
  const nlohmann::json row = ParseJson(value, kMaxStoredJsonDepth);
  try {
    return row.get<RunDecision>();
  } catch (const nlohmann::json::exception& e) {
    return DataLoss("row " + run_id + " of table " + std::string(kQuotaPreflightsTable) +
                    " cannot be read: " + JsonErrorText(e));
  }
}

BudgetAnswer AnswerOf(const RunDecision& decision, Instant now) {
  if (!decision.enforced) return {};
  if (decision.decision == kDeny) {
    return {.verdict = BudgetAnswer::Verdict::kBlocked,
            .budget = "quota",
            .message = "the month's quota of tokens denies this run: " + decision.reason +
                       "; `wfe quota forecast` shows the month, [quota] of wfe.toml has its limits",
            .resumes = {}};
  }
  if (decision.decision != kThrottle) return {};
  const std::optional<Instant> goes_on = ParseIso8601(decision.goes_on_at);
  if (!goes_on || *goes_on <= now) return {};
  return {.verdict = BudgetAnswer::Verdict::kDeferred,
          .budget = "quota",
          .message = "the month's quota of tokens delays this run: " + decision.reason,
          .resumes = goes_on};
}

}  // namespace

std::optional<PreflightMode> ParsePreflightMode(std::string_view word) {
  if (word == "off") return PreflightMode::kOff;
  if (word == "warn") return PreflightMode::kTell;
  if (word == "enforce") return PreflightMode::kEnforce;
  return std::nullopt;
}

RunGate::RunGate(Setup setup)
    : setup_([](Setup given) {
        if (!given.clock) given.clock = std::make_shared<SystemClock>();
        return given;
      }(std::move(setup))) {}

Result<QuotaReport> RunGate::Report(Instant now) {
  const std::lock_guard lock(report_mutex_);
  if (report_ && now >= reported_at_ && now - reported_at_ < std::max(setup_.report_age, kReadingShare * reading_)) {
    return *report_;
  }
  const auto begun = std::chrono::steady_clock::now();
  WFE_ASSIGN_OR_RETURN(report_, setup_.report(now));
  reading_ = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begun);
  reported_at_ = now;
  return *report_;
}

Result<RunDecision> RunGate::Keep(const client::BudgetedCall& call, const PreflightDecision& made, bool enforced,
                                  bool* is_new) {
  const Instant now = setup_.clock->Now();
  RunDecision row{.run_id = call.run_id,
                  .workflow_id = call.workflow_id,
                  .workflow_type = call.workflow_type,
                  .decision = made.decision,
                  .reason = made.reason,
                  .projected_percent = made.projected_percent,
                  .decided_at = FormatIso8601Millis(now),
                  .goes_on_at = {},
                  .enforced = enforced};
  if (made.decision == kThrottle) row.goes_on_at = FormatIso8601Millis(now + std::chrono::seconds(made.delay_s));
  const std::string table(kQuotaPreflightsTable);
  WFE_ASSIGN_OR_RETURN(const bool kept, setup_.rows->AppendRow(table, call.run_id, nlohmann::json(row).dump()));
  *is_new = kept;
  if (!kept) {  // another worker was first
    WFE_ASSIGN_OR_RETURN(const std::optional<std::string> first, setup_.rows->GetRow(table, call.run_id));
    if (first) {
      WFE_ASSIGN_OR_RETURN(row, ReadDecision(call.run_id, *first));
    }
  }
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMostKnownRuns) known_.clear();
  known_[call.run_id] = row;
  return row;
}

Result<RunDecision> RunGate::DecisionFor(const client::BudgetedCall& call) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(call.run_id); found != known_.end()) return found->second;
  }
  WFE_ASSIGN_OR_RETURN(const std::optional<std::string> kept,
                       setup_.rows->GetRow(std::string(kQuotaPreflightsTable), call.run_id));
  if (kept) {
    WFE_ASSIGN_OR_RETURN(RunDecision decision, ReadDecision(call.run_id, *kept));
    const std::lock_guard lock(mutex_);
    return known_.insert_or_assign(call.run_id, std::move(decision)).first->second;
  }
  const Instant now = setup_.clock->Now();
  WFE_ASSIGN_OR_RETURN(const QuotaReport report, Report(now));
  const PreflightDecision made = DecidePreflight(FactsOf(report, call.workflow_type), setup_.rules, now);
  bool is_new = false;
  WFE_ASSIGN_OR_RETURN(RunDecision decision,
                       Keep(call, made, setup_.mode == PreflightMode::kEnforce, &is_new));
  if (is_new && decision.decision != kAllow && setup_.say) {
    setup_.say("quota: " + decision.decision + " for run " + call.run_id + " of " + call.workflow_type + ": " +
               decision.reason + (decision.enforced ? "" : " (it goes on: quota.preflight is warn)"));
  }
  return decision;
}

Result<BudgetAnswer> RunGate::Admit(const client::BudgetedCall& call) {
  if (setup_.mode == PreflightMode::kOff || call.run_id.empty()) return BudgetAnswer();
  const Result<RunDecision> decision = DecisionFor(call);
  if (decision) return AnswerOf(*decision, setup_.clock->Now());
  if (setup_.mode == PreflightMode::kTell) return BudgetAnswer();
  return decision.error();
}

Status RunGate::Note(const client::BudgetedCall& call, const PreflightDecision& decision) {
  bool is_new = false;
  // It waits by itself; only a refusal has to hold for whatever it does next.
  WFE_RETURN_IF_ERROR(Keep(call, decision, decision.decision == kDeny, &is_new));
  return Ok();
}

}  // namespace wfe::quota
