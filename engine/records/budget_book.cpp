#include "engine/records/budget_book.h"

#include <algorithm>

#include "engine/base/check.h"

namespace wfe::records {
namespace {

/// The part of a limit at which a warning is due; exact, and without overflow for up to 100 percent.
Money LevelOf(Money limit, int percent) {
  const int64_t whole = limit.nanos() / 100 * percent;
  return Money::Nanos(whole + (limit.nanos() % 100 * percent + 99) / 100);
}

std::string PeriodOf(const std::string& counter) {
  const std::string rest = counter.substr(counter.find('/') + 1);
  return counter.starts_with("run/") ? rest : rest.substr(0, rest.find('/'));
}

/// The calls' standing in one sentence.
std::string Refusal(const BudgetStanding& budget, std::optional<Money> most, bool busy) {
  const std::string name = budget.rule.name.Text();
  const Money limit = *budget.rule.limit;
  std::string text =
      busy ? "the budget \"" + name + "\" has no room at the moment: " : "the budget \"" + name + "\" is used up: ";
  text += budget.counter.used.ToString() + " of " + limit.ToString() + " USD used in " +
          (budget.rule.name.period == BudgetPeriod::kRun ? "run " + budget.period : budget.period);
  if (busy) text += ", " + budget.reserved.ToString() + " USD reserved for calls under way";
  if (most && budget.counter.used < limit) text += ", and this call may cost up to " + most->ToString() + " USD";
  return text;
}

}  // namespace

void BudgetBook::SetRule(BudgetRule rule, bool is_default) {
  Rules& rules = rules_[rule.name];
  (is_default ? rules.by_default : rules.set) = std::move(rule);
}

void BudgetBook::ResetRule(const BudgetName& name) {
  const auto found = rules_.find(name);
  if (found == rules_.end()) return;
  found->second.set.reset();
  if (!found->second.by_default) rules_.erase(found);
}

void BudgetBook::Restore(BudgetHold hold) {
  for (const std::string& counter : CountersOf(hold.call, hold.day)) {
    Reserved& reserved = reserved_[counter];
    const std::optional<Money> sum = reserved.sum.Plus(hold.most.value_or(Money()));
    WFE_CHECK(sum.has_value(), "reservations are bounded, and so is their number");
    reserved = {.sum = *sum, .calls = reserved.calls + 1};
  }
  by_expiry_.emplace(hold.expires, hold.call.id);
  std::string id = hold.call.id;
  holds_.insert_or_assign(std::move(id), std::move(hold));
}

void BudgetBook::Trim(size_t most) {
  if (counters_.size() <= most) return;
  std::erase_if(counters_, [&](const auto& entry) { return !reserved_.contains(entry.first); });
}

const BudgetHold* BudgetBook::FindHold(const std::string& call_id) const {
  const auto found = holds_.find(call_id);
  return found == holds_.end() ? nullptr : &found->second;
}

CallState BudgetBook::StateOf(const std::string& call_id, const std::optional<EndedCall>& ended) const {
  if (holds_.contains(call_id)) return CallState::kHeld;
  if (!ended) return CallState::kNone;
  return ended->settled ? CallState::kSettled : CallState::kReturned;
}

void BudgetBook::Release(const std::string& call_id, BudgetChange& change) {
  const auto found = holds_.find(call_id);
  WFE_CHECK(found != holds_.end(), "a reservation that is not there is given back");
  const BudgetHold& hold = found->second;
  for (const std::string& counter : CountersOf(hold.call, hold.day)) {
    const auto reserved = reserved_.find(counter);
    reserved->second.sum = *reserved->second.sum.Minus(hold.most.value_or(Money()));
    if (--reserved->second.calls == 0) reserved_.erase(reserved);
  }
  by_expiry_.erase({hold.expires, call_id});
  holds_.erase(found);
  change.released.push_back(call_id);
}

Result<ReserveAnswer> BudgetBook::Reserve(const BudgetCall& call, std::optional<Money> most, Duration lease,
                                          Instant now, const std::optional<EndedCall>& ended, BudgetChange& change) {
  const CallMove& move = MoveOf(StateOf(call.id, ended), CallInput::kReserve);
  if (move.effect == CallEffect::kNothing) return ReserveAnswer();
  if (move.effect == CallEffect::kRefuse) {
    return FailedPrecondition("call " + call.id + " was settled already; another call needs another id");
  }
  const std::string day = BudgetDay(now);
  ReserveAnswer answer = Admit(call, most, now, day, change);
  if (answer.verdict != ReserveAnswer::Verdict::kAdmitted) return answer;
  Restore({.call = call, .day = day, .most = most, .expires = now + lease});
  change.held.push_back(call.id);
  return answer;
}

ReserveAnswer BudgetBook::Admit(const BudgetCall& call, std::optional<Money> most, Instant now, const std::string& day,
                                BudgetChange& change) {
  using Verdict = ReserveAnswer::Verdict;
  ReserveAnswer answer;
  for (const auto& [name, rules] : rules_) {
    const BudgetRule& rule = rules.rule();
    const std::optional<std::string> counter = CounterOf(name, call, day);
    if (!rule.limit || !counter) continue;
    const BudgetStanding standing = StandingOf(rules, *counter, now);
    const Money used = standing.counter.used;
    const Money with_call = used.PlusAtMost(most.value_or(Money()));
    const bool used_up = used >= *rule.limit || with_call > *rule.limit;
    const bool busy = !used_up && with_call.PlusAtMost(standing.reserved) > *rule.limit;
    if (used_up) Tell(rule, *counter, true, call, now, change);
    if (rule.on_exceed == OnExceed::kWarn || (!used_up && !busy)) continue;
    // A run has no next period to wait for.
    const bool waits = rule.on_exceed == OnExceed::kDefer && standing.period_end.has_value();
    const Verdict verdict = busy ? Verdict::kBusy : waits ? Verdict::kDeferred : Verdict::kBlocked;
    if (verdict < answer.verdict) continue;
    if (verdict == Verdict::kDeferred) {
      answer.resumes = std::max(answer.resumes.value_or(*standing.period_end), *standing.period_end);
    }
    answer.verdict = verdict;
    answer.message = Refusal(standing, most, busy);
    answer.budget = standing;
  }
  return answer;
}

void BudgetBook::Tell(const BudgetRule& rule, const std::string& counter, bool exceeded, const BudgetCall& call,
                      Instant now, BudgetChange& change) {
  BudgetCounter& state = counters_[counter];
  const BudgetCounter::Told told{.budget = rule.name.Text(), .exceeded = exceeded, .limit = *rule.limit};
  const auto known = std::find_if(state.told.begin(), state.told.end(), [&](const BudgetCounter::Told& other) {
    return other.budget == told.budget && other.exceeded == exceeded;
  });
  if (known != state.told.end() && known->limit == told.limit) return;
  if (known != state.told.end()) {
    *known = told;
  } else {
    state.told.push_back(told);
  }
  change.counters.insert(counter);
  change.events.push_back({.time = now,
                           .budget = told.budget,
                           .period = PeriodOf(counter),
                           .exceeded = exceeded,
                           .limit = told.limit,
                           .used = state.used,
                           .call = call});
}

std::string BudgetBook::DayOfSettlement(const BudgetCall& call, Instant now,
                                        const std::optional<EndedCall>& ended) const {
  if (const BudgetHold* const hold = FindHold(call.id)) return hold->day;
  if (ended) return ended->day;
  // Never reserved here: by when it began, as far as that can be.
  constexpr Duration kOldest = std::chrono::hours(24 * 400);
  return BudgetDay(call.began <= now && call.began > now - kOldest ? call.began : now);
}

Result<bool> BudgetBook::Settle(const BudgetCall& call, const SettleOutcome& outcome, Instant now,
                                const std::optional<EndedCall>& ended, BudgetChange& change) {
  const bool returned = outcome.kind == SettleOutcome::Kind::kNotMade;
  const CallMove& move = MoveOf(StateOf(call.id, ended), returned ? CallInput::kReturn : CallInput::kSettle);
  if (move.effect == CallEffect::kNothing) return false;
  const BudgetHold* const hold = FindHold(call.id);
  EndedCall end{.day = DayOfSettlement(call, now, ended), .settled = !returned, .cost = {}, .most = {}};
  const std::optional<Money> most = hold != nullptr ? hold->most : ended ? ended->most : std::nullopt;
  if (returned) {
    end.most = most;
  } else {
    // On the counters on which it was reserved, whatever is told now.
    const BudgetCall on = hold != nullptr ? hold->call : call;
    WFE_RETURN_IF_ERROR(Spend(on, end.day, outcome, most, now, end, change));
  }
  if (hold != nullptr) Release(call.id, change);
  change.ended.emplace_back(call.id, std::move(end));
  return true;
}

Status BudgetBook::Spend(const BudgetCall& call, const std::string& day, const SettleOutcome& outcome,
                         std::optional<Money> most, Instant now, EndedCall& end, BudgetChange& change) {
  using Kind = SettleOutcome::Kind;
  if (outcome.kind == Kind::kCost) end.cost = outcome.cost;
  if (outcome.kind == Kind::kUnknown) end.cost = most;
  const Money cost = end.cost.value_or(Money());
  const std::vector<std::string> ids = CountersOf(call, day);
  for (const std::string& id : ids) {
    if (counters_[id].used.Plus(cost)) continue;
    return Error{StatusCode::kOutOfRange, "the sum " + id + " cannot hold " + cost.ToString() + " USD more", {}};
  }
  for (const std::string& id : ids) {
    BudgetCounter& counter = counters_[id];
    counter.used = *counter.used.Plus(cost);
    if (outcome.kind == Kind::kUnknown) counter.assumed = counter.assumed.PlusAtMost(cost);
    ++counter.calls;
    if (!end.cost) ++counter.unpriced;
    change.counters.insert(id);
  }
  for (const auto& [name, rules] : rules_) {
    const BudgetRule& rule = rules.rule();
    const std::optional<std::string> counter = CounterOf(name, call, day);
    if (!rule.limit || !counter || rule.limit->zero()) continue;
    const Money used = counters_[*counter].used;
    if (rule.warn_at_percent > 0 && used >= LevelOf(*rule.limit, rule.warn_at_percent)) {
      Tell(rule, *counter, false, call, now, change);
    }
    if (used >= *rule.limit) Tell(rule, *counter, true, call, now, change);
  }
  return Ok();
}

void BudgetBook::Expire(Instant now, BudgetChange& change) {
  while (!by_expiry_.empty() && by_expiry_.begin()->first <= now) {
    const BudgetHold hold = holds_.at(by_expiry_.begin()->second);
    static_assert(MoveOf(CallState::kHeld, CallInput::kExpire).effect == CallEffect::kGiveBack);
    Release(hold.call.id, change);
    change.ended.emplace_back(hold.call.id,
                              EndedCall{.day = hold.day, .settled = false, .cost = {}, .most = hold.most});
  }
}

BudgetStanding BudgetBook::StandingOf(const Rules& rules, const std::string& counter, Instant now) const {
  BudgetStanding standing{.rule = rules.rule(),
                          .period = PeriodOf(counter),
                          .counter = {},
                          .reserved = {},
                          .period_end = PeriodEnd(rules.rule().name.period, now),
                          .is_default = !rules.set};
  if (const auto found = counters_.find(counter); found != counters_.end()) standing.counter = found->second;
  if (const auto found = reserved_.find(counter); found != reserved_.end()) standing.reserved = found->second.sum;
  return standing;
}

std::vector<std::string> BudgetBook::CountersOfStandings(Instant now, const std::string& run_id) const {
  const std::string day = BudgetDay(now);
  std::set<std::string> counters = {"day/" + day, "month/" + BudgetMonth(day)};
  for (const auto& [name, rules] : rules_) {
    const BudgetCall any{
        .id = {}, .workflow_id = {}, .run_id = run_id, .workflow_type = name.workflow_type, .model = {}};
    if (const auto counter = CounterOf(name, any, day)) counters.insert(*counter);
  }
  return {counters.begin(), counters.end()};
}

std::vector<BudgetStanding> BudgetBook::Standings(Instant now, const std::string& run_id) const {
  std::map<BudgetName, Rules> all = rules_;
  for (const BudgetPeriod period : {BudgetPeriod::kDay, BudgetPeriod::kMonth}) {
    const BudgetName name{.period = period, .workflow_type = {}};
    all.try_emplace(name, Rules{.set = {}, .by_default = BudgetRule{.name = name, .limit = {}}});
  }
  std::vector<BudgetStanding> standings;
  for (const auto& [name, rules] : all) {
    const BudgetCall any{
        .id = {}, .workflow_id = {}, .run_id = run_id, .workflow_type = name.workflow_type, .model = {}};
    const auto counter = CounterOf(name, any, BudgetDay(now));
    if (counter) {
      standings.push_back(StandingOf(rules, *counter, now));
    } else {
      standings.push_back({.rule = rules.rule(),
                           .period = {},
                           .counter = {},
                           .reserved = {},
                           .period_end = {},
                           .is_default = !rules.set});
    }
  }
  return standings;
}

}  // namespace wfe::records
