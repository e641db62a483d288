#include "engine/records/budget_store.h"

#include <utility>

#include "engine/base/serialize.h"
#include "engine/records/budget_rows.h"
#include "engine/storage/keys.h"

namespace wfe::records {
namespace {

using storage::Family;
using storage::PendingWrite;
namespace keys = storage::keys;

constexpr std::string_view kRules = "budget.rules";
constexpr std::string_view kCounters = "budget.counters";
constexpr std::string_view kHolds = "budget.holds";
constexpr std::string_view kCalls = "budget.calls";

std::string RowKey(std::string_view table, std::string_view key) { return keys::TablePrefix(table) + std::string(key); }

/// The row as a message; nullopt when it is not there.
template <class Row>
Result<std::optional<Row>> Read(const storage::KeyValueReader& rows, std::string_view table, std::string_view key) {
  const Result<std::string> bytes = rows.Get(Family::kRows, RowKey(table, key));
  if (!bytes && bytes.error().code == StatusCode::kNotFound) return std::optional<Row>();
  if (!bytes) return bytes.error();
  Row row;
  if (!row.ParseFromString(*bytes)) {
    return DataLoss("the row " + std::string(key) + " of " + std::string(table) + " cannot be read");
  }
  return std::optional<Row>(std::move(row));
}

template <class Row, class Visit>
Status ForEach(const storage::KeyValueReader& rows, std::string_view table, Visit visit) {
  const std::string prefix = keys::TablePrefix(table);
  Status status;
  const auto cursor = rows.Scan(Family::kRows, prefix, keys::PrefixEnd(prefix));
  for (; cursor->Valid() && status; cursor->Next()) {
    Row row;
    const std::string_view value = cursor->value();
    if (!row.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      status = DataLoss("a row of " + std::string(table) + " cannot be read");
    } else {
      status = visit(row);
    }
  }
  WFE_RETURN_IF_ERROR(cursor->Finish());
  return status;
}

}  // namespace

Result<std::unique_ptr<BudgetStore>> BudgetStore::Open(storage::CommitStage& stage, const Clock& clock,
                                                       BudgetOptions options,
                                                       std::function<void(const BudgetEvent&)> tell) {
  auto store = std::unique_ptr<BudgetStore>(new BudgetStore(stage, clock, std::move(options), std::move(tell)));
  WFE_RETURN_IF_ERROR(store->LoadRulesAndHolds());
  return store;
}

Status BudgetStore::LoadRulesAndHolds() {
  for (const BudgetRule& rule : options_.defaults) book_.SetRule(rule, /*is_default=*/true);
  WFE_RETURN_IF_ERROR(ForEach<v1::BudgetRule>(stage_, kRules, [this](const v1::BudgetRule& row) -> Status {
    WFE_ASSIGN_OR_RETURN(BudgetRule rule, FromRow(row));
    book_.SetRule(std::move(rule));
    return Ok();
  }));
  return ForEach<v1::BudgetHoldRow>(stage_, kHolds, [this](const v1::BudgetHoldRow& row) -> Status {
    book_.Restore(FromRow(row));
    return Ok();
  });
}

Status BudgetStore::LoadCounters(const std::vector<std::string>& ids) {
  book_.Trim(options_.max_counters_in_memory);
  for (const std::string& id : ids) {
    if (book_.Knows(id)) continue;
    WFE_ASSIGN_OR_RETURN(const std::optional<v1::BudgetCounterRow> row,
                         Read<v1::BudgetCounterRow>(stage_, kCounters, id));
    book_.Load(id, row ? FromRow(*row) : BudgetCounter());
  }
  return Ok();
}

Result<std::optional<EndedCall>> BudgetStore::FindEnded(const std::string& call_id) const {
  WFE_ASSIGN_OR_RETURN(const std::optional<v1::BudgetCallRow> row, Read<v1::BudgetCallRow>(stage_, kCalls, call_id));
  return row ? std::optional(FromRow(*row)) : std::nullopt;
}

Status BudgetStore::CheckCall(const BudgetCall& call) const {
  constexpr size_t kLongestId = 200;
  constexpr size_t kLongestName = 1000;
  if (call.id.empty() || call.id.size() > kLongestId) {
    return InvalidArgument("a call has an id of 1 to " + std::to_string(kLongestId) + " bytes");
  }
  for (const std::string* name : {&call.workflow_id, &call.run_id, &call.workflow_type, &call.model}) {
    if (name->size() <= kLongestName) continue;
    return InvalidArgument("call " + call.id + ": a name has at most " + std::to_string(kLongestName) + " bytes");
  }
  return Ok();
}

Result<ReserveAnswer> BudgetStore::Reserve(const BudgetCall& call, std::optional<Money> most, Duration lease) {
  WFE_RETURN_IF_ERROR(CheckCall(call));
  if (most && (most->negative() || *most > options_.max_per_call)) {
    return InvalidArgument("call " + call.id + ": from 0 to " + options_.max_per_call.ToString() +
                           " USD can be reserved for one call, not " + most->ToString());
  }
  if (lease <= Duration::zero() || lease > options_.longest_lease) {
    return InvalidArgument("call " + call.id + ": a reservation lasts at most 25 hours");
  }
  BudgetChange change;
  uint64_t sequence = 0;
  Result<ReserveAnswer> answer = ReserveAnswer();
  {
    const std::lock_guard lock(mutex_);
    const Instant now = clock_.Now();
    Expire(now);
    if (book_.holds() >= options_.max_holds && book_.FindHold(call.id) == nullptr) {
      return ResourceExhausted("as many calls as " + std::to_string(options_.max_holds) +
                               " have reserved money at the same time; no more can");
    }
    WFE_RETURN_IF_ERROR(LoadCounters(CountersOf(call, BudgetDay(now))));
    WFE_ASSIGN_OR_RETURN(const std::optional<EndedCall> ended, FindEnded(call.id));
    answer = book_.Reserve(call, most, lease, now, ended, change);
    sequence = Write(change);
  }
  WFE_RETURN_IF_ERROR(WaitAndTell(sequence, change));
  return answer;
}

Result<bool> BudgetStore::Settle(const BudgetCall& call, const SettleOutcome& outcome) {
  WFE_RETURN_IF_ERROR(CheckCall(call));
  if (outcome.cost.negative()) return InvalidArgument("call " + call.id + ": a cost cannot be negative");
  BudgetChange change;
  uint64_t sequence = 0;
  Result<bool> changed = false;
  {
    const std::lock_guard lock(mutex_);
    const Instant now = clock_.Now();
    WFE_ASSIGN_OR_RETURN(const std::optional<EndedCall> ended, FindEnded(call.id));
    const BudgetHold* const hold = book_.FindHold(call.id);
    WFE_RETURN_IF_ERROR(
        LoadCounters(CountersOf(hold != nullptr ? hold->call : call, book_.DayOfSettlement(call, now, ended))));
    changed = book_.Settle(call, outcome, now, ended, change);
    sequence = Write(change);
  }
  WFE_RETURN_IF_ERROR(WaitAndTell(sequence, change));
  return changed;
}

Result<std::vector<BudgetStanding>> BudgetStore::Standings(const std::string& run_id) {
  const std::lock_guard lock(mutex_);
  const Instant now = clock_.Now();
  Expire(now);
  WFE_RETURN_IF_ERROR(LoadCounters(book_.CountersOfStandings(now, run_id)));
  return book_.Standings(now, run_id);
}

Status BudgetStore::Set(const BudgetRule& rule) {
  PendingWrite write;
  uint64_t sequence = 0;
  {
    const std::lock_guard lock(mutex_);
    if (book_.rules() >= options_.max_rules) {
      return ResourceExhausted("there are " + std::to_string(options_.max_rules) + " budgets; no more can be set");
    }
    book_.SetRule(rule);
    write.rows.puts.push_back({Family::kRows, RowKey(kRules, rule.name.Text()), Serialize(ToRow(rule))});
    sequence = stage_.Enqueue(std::move(write), {});
  }
  return stage_.WaitDurable(sequence);
}

Status BudgetStore::Reset(const BudgetName& name) {
  PendingWrite write;
  uint64_t sequence = 0;
  {
    const std::lock_guard lock(mutex_);
    book_.ResetRule(name);
    write.rows.deletes.push_back({Family::kRows, RowKey(kRules, name.Text())});
    sequence = stage_.Enqueue(std::move(write), {});
  }
  return stage_.WaitDurable(sequence);
}

void BudgetStore::Expire(Instant now) {
  BudgetChange change;
  book_.Expire(now, change);
  if (!change.empty()) Write(change);
}

uint64_t BudgetStore::Write(const BudgetChange& change) {
  // What is repeated may be waiting for its sync.
  if (change.empty()) return stage_.last_sequence();
  PendingWrite write;
  const auto put = [&write](std::string_view table, const std::string& key, std::string value) {
    write.rows.puts.push_back({Family::kRows, RowKey(table, key), std::move(value)});
  };
  for (const std::string& id : change.counters) put(kCounters, id, Serialize(ToRow(book_.counter(id))));
  for (const std::string& id : change.held) put(kHolds, id, Serialize(ToRow(*book_.FindHold(id))));
  for (const auto& [id, call] : change.ended) put(kCalls, id, Serialize(ToRow(call)));
  for (const BudgetEvent& event : change.events) put(kBudgetEventsTable, EventKey(event), EventText(event));
  for (const std::string& id : change.released) write.rows.deletes.push_back({Family::kRows, RowKey(kHolds, id)});
  return stage_.Enqueue(std::move(write), {});
}

Status BudgetStore::WaitAndTell(uint64_t sequence, const BudgetChange& change) {
  WFE_RETURN_IF_ERROR(stage_.WaitDurable(sequence));
  if (!tell_) return Ok();
  for (const BudgetEvent& event : change.events) tell_(event);
  return Ok();
}

}  // namespace wfe::records
