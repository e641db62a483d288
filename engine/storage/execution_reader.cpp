#include "engine/storage/execution_reader.h"

#include <algorithm>

#include "engine/history/chain.h"
#include "engine/history/nesting.h"
#include "engine/history/note_codec.h"
#include "engine/history/state_codec.h"
#include "engine/storage/keys.h"

namespace wfe::storage {

namespace {

/// nullopt instead of NOT_FOUND.
Result<std::optional<std::string>> Find(const KeyValueReader& rows, Family family, std::string_view key) {
  auto value = rows.Get(family, key);
  if (value) return std::optional<std::string>(*std::move(value));
  if (value.error().code == StatusCode::kNotFound) return std::optional<std::string>();
  return std::move(value).error();
}

template <class Message>
Result<Message> Parse(std::string_view bytes, const std::string& what) {
  Message message;
  if (!history::ParseStored(bytes, &message)) return DataLoss(what + " cannot be read");
  return message;
}

/// Calls `visit` on rows until it is done or fails; the cursor's own error comes first.
template <class Visit>
Status Walk(std::unique_ptr<Cursor> cursor, Visit visit) {
  Status status;
  bool more = true;
  while (more && status && cursor->Valid()) {
    status = visit(cursor->key(), cursor->value(), more);
    if (more && status) cursor->Next();
  }
  WFE_RETURN_IF_ERROR(cursor->Finish());
  return status;
}

/// A transition after the checkpoint.
struct Later {
  history::StoredTransition transition;
  std::vector<history::HistoryEvent> events;
  Sha256Digest chain_head{};  ///< Of one with events.
  int64_t bytes = 0;          ///< As DurableExecutionStore counts them.
};

Result<Later> ParseBatch(EventId first, std::string_view value) {
  WFE_ASSIGN_OR_RETURN(StoredBatch batch, DecodeStoredBatch(first, value));
  if (batch.notes.empty()) return DataLoss("event " + std::to_string(first) + " is newer than the state");
  Later later;
  WFE_ASSIGN_OR_RETURN(later.transition, history::DecodeNotes(batch.notes));
  WFE_ASSIGN_OR_RETURN(const auto events, SplitHistory(batch.events.bytes));
  for (const std::string_view bytes : events) {
    auto& event = later.events.emplace_back();
    if (history::ParseStored(bytes, &event)) continue;
    return DataLoss("an event after event " + std::to_string(first) + " cannot be read");
  }
  later.chain_head = batch.chain_head;
  later.bytes = static_cast<int64_t>(batch.notes.size() + batch.events.bytes.size());
  return later;
}

}  // namespace

engine::v1::MutableState CheckpointRow(const history::MutableState& state, const RunTail& tail) {
  engine::v1::MutableState row = history::ToCheckpoint(state);
  row.set_transition(tail.transition);
  row.mutable_bookkeeping()->set_chain_head(AsBytes(tail.chain_head).data(), tail.chain_head.size());
  return row;
}

Result<LoadedRun> ExecutionReader::ReadRun(const ExecutionKey& key, bool open, std::string_view checkpoint) const {
  WFE_ASSIGN_OR_RETURN(auto row, Parse<engine::v1::MutableState>(checkpoint, "the state of " + key.ToString()));
  LoadedRun run;
  RunTail& tail = run.tail;
  tail.checkpoint = tail.transition = row.transition();
  WFE_ASSIGN_OR_RETURN(tail.chain_head, ParseHead(row.bookkeeping().chain_head()));
  WFE_ASSIGN_OR_RETURN(run.state, history::FromCheckpoint(std::move(row)));
  tail.last_event_id = run.state.folded().next_event_id() - 1;
  if (!open) return run;  // a closed run's checkpoint is its end

  const auto damaged = [&](const Error& error) { return DataLoss(key.ToString() + ": " + error.message); };
  std::vector<Later> later;
  const std::string journal = keys::JournalPrefix(key);
  WFE_RETURN_IF_ERROR(Walk(
      rows_.Scan(Family::kState, keys::Journal(key, tail.transition + 1), keys::PrefixEnd(journal)),
      [&](std::string_view row_key, std::string_view value, bool&) -> Status {
        auto transition = history::DecodeNotes(value);
        if (!transition) return damaged(transition.error());
        if (keys::ParseJournalTransition(row_key) != transition->number) {
          return damaged(DataLoss("a journal row lies under the key of another one"));
        }
        tail.journal.push_back(transition->number);
        Later& added = later.emplace_back();
        added.transition = *std::move(transition);
        added.bytes = static_cast<int64_t>(value.size());
        return Ok();
      }));
  const size_t without_events = later.size();
  WFE_RETURN_IF_ERROR(Walk(rows_.Scan(Family::kHistory, keys::History(key, tail.last_event_id + 1),
                                      keys::PrefixEnd(keys::HistoryPrefix(key))),
                           [&](std::string_view row_key, std::string_view value, bool&) -> Status {
                             auto batch = ParseBatch(keys::ParseHistoryFirst(row_key).value_or(0), value);
                             if (!batch) return damaged(batch.error());
                             later.push_back(*std::move(batch));
                             return Ok();
                           }));
  // Two sorted lists, by number.
  std::inplace_merge(later.begin(), later.begin() + static_cast<std::ptrdiff_t>(without_events), later.end(),
                     [](const Later& a, const Later& b) { return a.transition.number < b.transition.number; });
  for (const Later& next : later) {
    if (next.transition.number != tail.transition + 1) {
      return damaged(DataLoss("transition " + std::to_string(tail.transition + 1) + " is missing from the store"));
    }
    const Status replayed = history::Replay(run.state, next.events, next.transition.notes);
    if (!replayed) {
      return damaged(DataLoss("transition " + std::to_string(next.transition.number) +
                              " does not follow on the state: " + replayed.error().message));
    }
    ++tail.transition;
    tail.journal_bytes += next.bytes;
    if (!next.events.empty()) tail.chain_head = next.chain_head;
  }
  tail.last_event_id = run.state.folded().next_event_id() - 1;
  return run;
}

Result<std::optional<LoadedRun>> ExecutionReader::LoadRun(const ExecutionKey& key) const {
  for (const bool open : {true, false}) {
    WFE_ASSIGN_OR_RETURN(const auto value, Find(rows_, Family::kState, keys::State(key, open)));
    if (!value.has_value()) continue;
    WFE_ASSIGN_OR_RETURN(LoadedRun run, ReadRun(key, open, *value));
    return std::optional(std::move(run));
  }
  return std::optional<LoadedRun>();
}

Result<std::optional<engine::v1::MutableState>> ExecutionReader::Load(const ExecutionKey& key) const {
  WFE_ASSIGN_OR_RETURN(const auto run, LoadRun(key));
  if (!run.has_value()) return std::optional<engine::v1::MutableState>();
  return std::optional(CheckpointRow(run->state, run->tail));
}

Result<std::vector<EventBatch>> ExecutionReader::ReadHistory(const ExecutionKey& key, EventRange range,
                                                             int64_t max_bytes) const {
  const std::string prefix = keys::HistoryPrefix(key);
  std::vector<EventBatch> batches;
  int64_t bytes = 0;
  // The batch that holds range.first may begin before it, and often it is all that is wanted.
  std::string first = prefix;
  if (range.first > 1) {
    EventId next = range.first;
    const auto visit_first = [&](std::string_view row, std::string_view value, bool& more) -> Status {
      more = false;
      const EventId id = keys::ParseHistoryFirst(row).value_or(0);
      WFE_ASSIGN_OR_RETURN(StoredBatch batch, DecodeStoredBatch(id, value));
      next = id + batch.events.count;
      if (next <= range.first) return Ok();
      bytes += static_cast<int64_t>(batch.events.bytes.size());
      batches.push_back(std::move(batch.events));
      return Ok();
    };
    WFE_RETURN_IF_ERROR(
        Walk(rows_.ScanReverse(Family::kHistory, prefix, keys::History(key, range.first + 1)), visit_first));
    if (!batches.empty() && (next > range.last || bytes >= max_bytes)) return batches;
    first = keys::History(key, std::max(next, range.first));
  }
  const auto visit = [&](std::string_view row, std::string_view value, bool& more) -> Status {
    const EventId id = keys::ParseHistoryFirst(row).value_or(0);
    if (id > range.last || (!batches.empty() && bytes >= max_bytes)) {
      more = false;
      return Ok();
    }
    WFE_ASSIGN_OR_RETURN(StoredBatch batch, DecodeStoredBatch(id, value));
    if (id + batch.events.count <= range.first) return Ok();
    bytes += static_cast<int64_t>(batch.events.bytes.size());
    batches.push_back(std::move(batch.events));
    return Ok();
  };
  WFE_RETURN_IF_ERROR(Walk(rows_.Scan(Family::kHistory, first, keys::PrefixEnd(prefix)), visit));
  return batches;
}

Result<std::optional<engine::v1::CurrentRun>> ExecutionReader::GetCurrentRun(const WorkflowKey& key) const {
  WFE_ASSIGN_OR_RETURN(const auto value, Find(rows_, Family::kCurrent, keys::Current(key)));
  if (!value.has_value()) return std::optional<engine::v1::CurrentRun>();
  WFE_ASSIGN_OR_RETURN(auto run,
                       Parse<engine::v1::CurrentRun>(*value, "the current run of " + key.workflow_id.value()));
  return std::optional(std::move(run));
}

Result<bool> ExecutionReader::HasRequestId(const ExecutionKey& key, std::string_view request_id) const {
  WFE_ASSIGN_OR_RETURN(const auto value, Find(rows_, Family::kRequest, keys::Request(key, request_id)));
  return value.has_value();
}

Status ExecutionReader::ForEachState(
    bool open, const std::function<Status(const ExecutionKey& key, std::string_view value)>& visit) const {
  const std::string prefix(open ? keys::kOpenPrefix : keys::kClosedPrefix);
  return Walk(rows_.Scan(Family::kState, prefix, keys::PrefixEnd(prefix)),
              [&](std::string_view row, std::string_view value, bool&) -> Status {
                const auto key = keys::ParseState(row);
                if (!key) return DataLoss("a key of the family state cannot be read");
                return visit(*key, value);
              });
}

Status ExecutionReader::ForEachOpenKey(const std::function<void(const ExecutionKey&)>& visit) const {
  return ForEachState(true, [&](const ExecutionKey& key, std::string_view) -> Status {
    visit(key);
    return Ok();
  });
}

Status ExecutionReader::ForEachOwed(
    const std::function<void(const history::ObligationId&, Result<engine::v1::Obligation>)>& visit) const {
  return Walk(rows_.Scan(Family::kTasks, "", ""), [&](std::string_view row, std::string_view value, bool&) -> Status {
    auto key = keys::ParseTask(row);
    if (!key) return DataLoss("a key of the family tasks cannot be read");
    const history::ObligationId id{std::move(key->first), key->second};
    auto obligation = Parse<engine::v1::Obligation>(value, "what " + id.owner.ToString() + " owes");
    if (obligation && obligation->duty_case() == engine::v1::Obligation::DUTY_NOT_SET) {
      obligation = DataLoss("what " + id.owner.ToString() + " owes is of a kind that this version does not know");
    }
    visit(id, std::move(obligation));
    return Ok();
  });
}

Status ExecutionReader::ForEachExecution(const std::function<Status(const ExecutionKey&, bool open)>& visit) const {
  for (const bool open : {true, false}) {
    WFE_RETURN_IF_ERROR(
        ForEachState(open, [&](const ExecutionKey& key, std::string_view) { return visit(key, open); }));
  }
  return Ok();
}

Result<std::vector<std::string>> ExecutionReader::ListRequestIds(const ExecutionKey& key) const {
  const std::string prefix = keys::HistoryPrefix(key);  // The same three ids come first.
  std::vector<std::string> ids;
  const auto visit = [&](std::string_view row, std::string_view, bool&) -> Status {
    row.remove_prefix(prefix.size());
    auto id = keys::TakeText(row);
    if (!id) return DataLoss("a request id of " + key.ToString() + " cannot be read");
    ids.push_back(*std::move(id));
    return Ok();
  };
  WFE_RETURN_IF_ERROR(Walk(rows_.Scan(Family::kRequest, prefix, keys::PrefixEnd(prefix)), visit));
  return ids;
}

Result<std::vector<StoredBatch>> ExecutionReader::ReadStoredBatches(const ExecutionKey& key) const {
  const std::string prefix = keys::HistoryPrefix(key);
  std::vector<StoredBatch> batches;
  const auto visit = [&](std::string_view row, std::string_view value, bool&) -> Status {
    WFE_ASSIGN_OR_RETURN(auto batch, DecodeStoredBatch(keys::ParseHistoryFirst(row).value_or(0), value));
    batches.push_back(std::move(batch));
    return Ok();
  };
  WFE_RETURN_IF_ERROR(Walk(rows_.Scan(Family::kHistory, prefix, keys::PrefixEnd(prefix)), visit));
  return batches;
}

Result<std::vector<std::string>> ExecutionReader::ReadJournal(const ExecutionKey& key) const {
  const std::string prefix = keys::JournalPrefix(key);
  std::vector<std::string> rows;
  WFE_RETURN_IF_ERROR(Walk(rows_.Scan(Family::kState, prefix, keys::PrefixEnd(prefix)),
                           [&](std::string_view, std::string_view value, bool&) -> Status {
                             rows.emplace_back(value);
                             return Ok();
                           }));
  return rows;
}

Result<EventId> ExecutionReader::LastEventId(const ExecutionKey& key) const {
  const std::string prefix = keys::HistoryPrefix(key);
  EventId last = 0;
  const auto visit = [&](std::string_view row, std::string_view value, bool& more) -> Status {
    WFE_ASSIGN_OR_RETURN(const auto batch, DecodeStoredBatch(keys::ParseHistoryFirst(row).value_or(0), value));
    last = batch.events.first_event_id + batch.events.count - 1;
    more = false;
    return Ok();
  };
  WFE_RETURN_IF_ERROR(Walk(rows_.ScanReverse(Family::kHistory, prefix, keys::PrefixEnd(prefix)), visit));
  return last;
}

namespace {

/// Empty when the batch continues the chain; else what is wrong with it.
std::string ProblemOf(const StoredBatch& batch, EventId expected_first, Sha256Digest& head) {
  if (batch.events.first_event_id != expected_first) {
    return "event " + std::to_string(expected_first) + " is missing";
  }
  const auto events = SplitHistory(batch.events.bytes);
  if (!events) return events.error().message;
  if (events->size() != static_cast<size_t>(batch.events.count)) return "the batch holds another number of events";
  EventId id = expected_first;
  for (const std::string_view bytes : *events) {
    temporal::api::history::v1::HistoryEvent event;
    if (!history::ParseStored(bytes, &event)) return "an event cannot be read";
    if (event.event_id() != id++) return "an event has the wrong id";
    head = history::ChainNext(head, bytes);
  }
  if (head != batch.chain_head) return "the events do not hash to the head stored with them";
  if (!batch.notes.empty() && !history::DecodeNotes(batch.notes)) return "the notes beside the events cannot be read";
  return "";
}

}  // namespace

Result<bool> ExecutionReader::HasJournalRows(const ExecutionKey& key, int64_t first, int64_t last) const {
  bool found = false;
  WFE_RETURN_IF_ERROR(Walk(rows_.Scan(Family::kState, keys::Journal(key, first), keys::Journal(key, last + 1)),
                           [&](std::string_view, std::string_view, bool& more) {
                             found = true;
                             more = false;
                             return Ok();
                           }));
  return found;
}

Result<ChainReport> ExecutionReader::VerifyChain(const ExecutionKey& key) const {
  WFE_ASSIGN_OR_RETURN(const auto open, Find(rows_, Family::kState, keys::State(key, true)));
  WFE_ASSIGN_OR_RETURN(const auto closed, Find(rows_, Family::kState, keys::State(key, false)));
  if (!open.has_value() && !closed.has_value()) return NotFound(key.ToString() + " is not in the store");
  const std::string prefix = keys::HistoryPrefix(key);
  ChainReport report;
  Sha256Digest head = history::kChainStart;
  int64_t bytes = 0;
  const auto visit = [&](std::string_view row, std::string_view value, bool& more) -> Status {
    const EventId expected = report.events + 1;
    auto batch = DecodeStoredBatch(keys::ParseHistoryFirst(row).value_or(0), value);
    report.problem = batch ? ProblemOf(*batch, expected, head) : batch.error().message;
    if (!report.problem.empty()) {
      report.first_bad = expected;
      more = false;
      return Ok();
    }
    report.events += batch->events.count;
    bytes += static_cast<int64_t>(batch->events.bytes.size());
    return Ok();
  };
  WFE_RETURN_IF_ERROR(Walk(rows_.Scan(Family::kHistory, prefix, keys::PrefixEnd(prefix)), visit));
  if (!report.ok()) return report;

  const auto broken = [&](std::string problem) {
    report.first_bad = report.events + 1;
    report.problem = std::move(problem);
    return report;
  };
  const auto run = ReadRun(key, open.has_value(), open.has_value() ? *open : *closed);
  if (!run) return broken(run.error().message);
  if (run->tail.chain_head != head) {
    return broken("the history ends before or elsewhere than the head in the run's state");
  }
  if (const int64_t stated = run->state.bookkeeping().history_size_bytes(); stated != bytes) {
    return broken("the history has " + std::to_string(bytes) + " bytes, the run's state says " +
                  std::to_string(stated));
  }
  // A closed run has no journal, an open one none but what was read.
  WFE_ASSIGN_OR_RETURN(const bool left_over,
                       HasJournalRows(key, 0, open.has_value() ? run->tail.checkpoint : INT64_MAX - 1));
  if (left_over) return broken("a journal row is left that the run's state covers");
  return report;
}

}  // namespace wfe::storage
