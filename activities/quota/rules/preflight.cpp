#include "activities/quota/rules/preflight.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "activities/quota/rules/daily_series.h"

namespace wfe::quota {
namespace {

constexpr double kLeastDelay = 60;
constexpr double kMostDelay = 86'400;
/// Of a run of which nothing is known: a hundredth of what is left.
constexpr double kUnknownShare = 0.01;

std::string PercentText(double percent) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", std::min(percent, 99'999.9));
  return text;
}

int64_t DelayOf(const PreflightFacts& facts, Instant now) {
  const auto left = static_cast<double>(std::max<int64_t>(1, *facts.quota - facts.used));
  const auto wanted = static_cast<double>(facts.run_budget);
  const double share = wanted > 0 ? std::min(1.0, wanted / left) : kUnknownShare;
  const Day today = std::chrono::floor<std::chrono::days>(now);
  const double to_end = std::chrono::duration<double>(Instant(NextMonth(today)) - now).count();
  const double delay = std::clamp(share * to_end, kLeastDelay, kMostDelay);
  return static_cast<int64_t>(std::llround(delay));
}

}  // namespace

PreflightDecision DecidePreflight(const PreflightFacts& facts, const PreflightRules& rules, Instant now) {
  if (!facts.quota) return {.decision = std::string(kAllow), .reason = "there is no quota"};
  if (*facts.quota <= 0) {
    return {.decision = std::string(kDeny), .reason = "the quota is 0: it buys nothing", .projected_percent = 100};
  }
  const auto quota = static_cast<double>(*facts.quota);
  const double projected = 100 * (static_cast<double>(facts.used) + static_cast<double>(facts.run_budget)) / quota;
  const double forecast = facts.expected ? 100 * static_cast<double>(*facts.expected) / quota : 0;
  PreflightDecision made;
  made.projected_percent = projected;
  const std::string with_run = "with this run " + PercentText(projected) + " of the month's quota is used";
  const auto says = [&](std::string_view decision, std::string reason) {
    made.decision = decision;
    made.reason = std::move(reason);
    return made;
  };
  // Without knowing what the run may use, a quota that is used up still denies.
  if (projected > static_cast<double>(rules.deny_at_percent) ||
      (facts.run_budget == 0 && projected >= static_cast<double>(rules.deny_at_percent))) {
    return says(kDeny, with_run + ", and " + std::to_string(rules.deny_at_percent) + " % is all there is");
  }
  if (projected >= static_cast<double>(rules.throttle_at_percent)) {
    made.delay_s = DelayOf(facts, now);
    return says(kThrottle, with_run);
  }
  if (forecast >= static_cast<double>(rules.deny_at_percent) && facts.today >= facts.plan_today) {
    made.delay_s = DelayOf(facts, now);
    return says(kThrottle, "the month is on its way to " + PercentText(forecast) +
                               " of its quota, and today has used what it may");
  }
  if (projected >= static_cast<double>(rules.warn_at_percent)) return says(kWarn, with_run);
  if (forecast >= static_cast<double>(rules.warn_at_percent)) {
    return says(kWarn, "the month is on its way to " + PercentText(forecast) + " of its quota");
  }
  return says(kAllow, with_run);
}

}  // namespace wfe::quota
