// Whether a workflow may begin to spend tokens (QF-5).  A pure decision: the same facts give the same answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/record_json.h"
#include "engine/base/time.h"

namespace wfe::quota {

inline constexpr std::string_view kAllow = "allow";
inline constexpr std::string_view kWarn = "warn";
inline constexpr std::string_view kThrottle = "throttle";
inline constexpr std::string_view kDeny = "deny";

/// Percent of the quota.  Source: QF-5.
struct PreflightRules {
  int64_t warn_at_percent = 80;
  int64_t throttle_at_percent = 95;
  int64_t deny_at_percent = 100;
};
WFE_RECORD(PreflightRules, warn_at_percent, throttle_at_percent, deny_at_percent);

/// Source: QF-3.
inline constexpr int64_t kDefaultMonthlyTokens = 300'000'000;

/// What a worker or a command goes by.
struct QuotaRules {
  std::optional<int64_t> monthly_tokens = kDefaultMonthlyTokens;  ///< nullopt: there is no quota.
  PreflightRules preflight;
};

struct PreflightFacts {
  std::string workflow_type;
  std::optional<int64_t> quota;  ///< Of the month; nullopt: none, and everything is allowed.
  int64_t used = 0;              ///< Of the month so far.
  int64_t run_budget = 0;        ///< What the run may use; 0: not known.
  std::optional<int64_t> expected;  ///< Forecast for the month's end; nullopt: there is no forecast.
  int64_t today = 0;                ///< Used today.
  int64_t plan_today = 0;           ///< What today may use so that the quota lasts.
};

struct PreflightDecision {
  std::string decision;  ///< kAllow, kWarn, kThrottle or kDeny.
  std::string reason;    ///< A sentence.
  int64_t delay_s = 0;   ///< kThrottle: how long to wait before the run begins.
  double projected_percent = 0;  ///< Of the quota, with this run; of a quota of 0: 100.
};
WFE_RECORD(PreflightDecision, decision, reason, delay_s, projected_percent);

/// "Projected" is what is used plus what this run may use: certain enough to deny and to delay by.  The forecast of the
/// month is an opinion about later runs: it warns, and delays once today has used what it may.
///   deny      projected > deny_at_percent; or a quota of 0
///   throttle  projected >= throttle_at_percent; or the forecast is past deny_at_percent and today's plan is used up
///   warn      projected or forecast >= warn_at_percent
/// A delay spreads what is left over the month: the run's share of the tokens that are left, of the time that is left,
/// from a minute to a day.
PreflightDecision DecidePreflight(const PreflightFacts& facts, const PreflightRules& rules, Instant now);

}  // namespace wfe::quota
