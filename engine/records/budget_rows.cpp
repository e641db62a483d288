#include "engine/records/budget_rows.h"

#include <nlohmann/json.hpp>

namespace wfe::records {
namespace {

std::optional<Money> MaybeMoney(bool there, int64_t nanos) {
  return there ? std::optional(Money::Nanos(nanos)) : std::nullopt;
}

}  // namespace

int64_t ToMillis(Instant instant) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(instant.time_since_epoch()).count();
}

Instant FromMillis(int64_t millis) {
  // What no clock shows is as good as no time.
  constexpr int64_t kYear2200 = 7'258'118'400'000;
  return Instant(std::chrono::milliseconds(millis < 0 || millis > kYear2200 ? 0 : millis));
}

v1::BudgetRule ToRow(const BudgetRule& rule) {
  v1::BudgetRule row;
  row.set_period(static_cast<v1::BudgetPeriod>(static_cast<int>(rule.name.period) + 1));
  row.set_workflow_type(rule.name.workflow_type);
  if (rule.limit) row.set_limit_nanos(rule.limit->nanos());
  row.set_warn_at_percent(rule.warn_at_percent);
  row.set_on_exceed(static_cast<v1::BudgetOnExceed>(static_cast<int>(rule.on_exceed) + 1));
  return row;
}

Result<BudgetRule> FromRow(const v1::BudgetRule& row) {
  BudgetRule rule;
  if (row.period() < v1::BUDGET_PERIOD_DAY || row.period() > v1::BUDGET_PERIOD_RUN) {
    return InvalidArgument("a budget is of a day, a month or a run");
  }
  rule.name.period = static_cast<BudgetPeriod>(row.period() - 1);
  rule.name.workflow_type = row.workflow_type();
  if (row.workflow_type().size() > 500) return InvalidArgument("a budget's workflow type has at most 500 bytes");
  const std::string where = "the budget \"" + rule.name.Text() + "\": ";
  if (row.has_limit_nanos() && row.limit_nanos() < 0) return InvalidArgument(where + "a limit cannot be negative");
  rule.limit = MaybeMoney(row.has_limit_nanos(), row.limit_nanos());
  if (row.warn_at_percent() < 0 || row.warn_at_percent() > 100) {
    return InvalidArgument(where + "warn_at_percent is from 0 (no warning) to 100");
  }
  rule.warn_at_percent = row.warn_at_percent();
  if (row.on_exceed() < v1::BUDGET_ON_EXCEED_WARN || row.on_exceed() > v1::BUDGET_ON_EXCEED_DEFER) {
    return InvalidArgument(where + "on_exceed is warn, block or defer");
  }
  rule.on_exceed = static_cast<OnExceed>(row.on_exceed() - 1);
  return rule;
}

v1::BudgetCall ToRow(const BudgetCall& call) {
  v1::BudgetCall row;
  row.set_call_id(call.id);
  row.set_workflow_id(call.workflow_id);
  row.set_run_id(call.run_id);
  row.set_workflow_type(call.workflow_type);
  row.set_model(call.model);
  row.set_began_ms(ToMillis(call.began));
  return row;
}

BudgetCall FromRow(const v1::BudgetCall& row) {
  return {.id = row.call_id(),
          .workflow_id = row.workflow_id(),
          .run_id = row.run_id(),
          .workflow_type = row.workflow_type(),
          .model = row.model(),
          .began = FromMillis(row.began_ms())};
}

v1::BudgetHoldRow ToRow(const BudgetHold& hold) {
  v1::BudgetHoldRow row;
  *row.mutable_call() = ToRow(hold.call);
  row.set_day(hold.day);
  if (hold.most) row.set_most_nanos(hold.most->nanos());
  row.set_expires_ms(ToMillis(hold.expires));
  return row;
}

BudgetHold FromRow(const v1::BudgetHoldRow& row) {
  return {.call = FromRow(row.call()),
          .day = row.day(),
          .most = MaybeMoney(row.has_most_nanos(), row.most_nanos()),
          .expires = FromMillis(row.expires_ms())};
}

v1::BudgetCallRow ToRow(const EndedCall& call) {
  v1::BudgetCallRow row;
  row.set_day(call.day);
  row.set_settled(call.settled);
  if (call.cost) row.set_cost_nanos(call.cost->nanos());
  if (call.most) row.set_most_nanos(call.most->nanos());
  return row;
}

EndedCall FromRow(const v1::BudgetCallRow& row) {
  return {.day = row.day(),
          .settled = row.settled(),
          .cost = MaybeMoney(row.has_cost_nanos(), row.cost_nanos()),
          .most = MaybeMoney(row.has_most_nanos(), row.most_nanos())};
}

v1::BudgetCounterRow ToRow(const BudgetCounter& counter) {
  v1::BudgetCounterRow row;
  row.set_used_nanos(counter.used.nanos());
  row.set_assumed_nanos(counter.assumed.nanos());
  row.set_calls(counter.calls);
  row.set_unpriced_calls(counter.unpriced);
  for (const BudgetCounter::Told& told : counter.told) {
    auto& each = *row.add_told();
    each.set_budget(told.budget);
    each.set_exceeded(told.exceeded);
    each.set_limit_nanos(told.limit.nanos());
  }
  return row;
}

BudgetCounter FromRow(const v1::BudgetCounterRow& row) {
  BudgetCounter counter{.used = Money::Nanos(row.used_nanos()),
                        .assumed = Money::Nanos(row.assumed_nanos()),
                        .calls = row.calls(),
                        .unpriced = row.unpriced_calls(),
                        .told = {}};
  for (const auto& told : row.told()) {
    counter.told.push_back(
        {.budget = told.budget(), .exceeded = told.exceeded(), .limit = Money::Nanos(told.limit_nanos())});
  }
  return counter;
}

v1::BudgetStanding ToMessage(const BudgetStanding& standing) {
  v1::BudgetStanding message;
  *message.mutable_rule() = ToRow(standing.rule);
  message.set_name(standing.rule.name.Text());
  message.set_period(standing.period);
  message.set_used_nanos(standing.counter.used.nanos());
  message.set_reserved_nanos(standing.reserved.nanos());
  message.set_assumed_nanos(standing.counter.assumed.nanos());
  message.set_calls(standing.counter.calls);
  message.set_unpriced_calls(standing.counter.unpriced);
  if (standing.period_end) message.set_period_end_ms(ToMillis(*standing.period_end));
  message.set_is_default(standing.is_default);
  return message;
}

std::string EventKey(const BudgetEvent& event) {
  return FormatIso8601Millis(event.time) + "/" + event.budget + "/" + event.period + "/" +
         (event.exceeded ? "exceeded" : "warning");
}

std::string EventText(const BudgetEvent& event) {
  const nlohmann::json row = {{"time", FormatIso8601Millis(event.time)},
                              {"event", event.exceeded ? "budget_exceeded" : "budget_warning"},
                              {"budget", event.budget},
                              {"period", event.period},
                              {"limit_usd", event.limit},
                              {"used_usd", event.used},
                              {"workflow_id", event.call.workflow_id},
                              {"workflow_run_id", event.call.run_id},
                              {"workflow_type", event.call.workflow_type},
                              {"call_id", event.call.id}};
  return row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace wfe::records
