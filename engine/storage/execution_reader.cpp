#include "engine/storage/execution_reader.h"

#include "engine/history/chain.h"
#include "engine/history/nesting.h"
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

}  // namespace

Result<std::optional<engine::v1::MutableState>> ExecutionReader::Load(const ExecutionKey& key) const {
  for (const bool open : {true, false}) {
    WFE_ASSIGN_OR_RETURN(const auto value, Find(rows_, Family::kState, keys::State(key, open)));
    if (!value.has_value()) continue;
    WFE_ASSIGN_OR_RETURN(auto state, Parse<engine::v1::MutableState>(*value, "the state of " + key.ToString()));
    return std::optional(std::move(state));
  }
  return std::optional<engine::v1::MutableState>();
}

Result<std::vector<EventBatch>> ExecutionReader::ReadHistory(const ExecutionKey& key, EventRange range,
                                                             int64_t max_bytes) const {
  const std::string prefix = keys::HistoryPrefix(key);
  // The batch that holds range.first may begin before it.
  std::string first = prefix;
  if (range.first > 1) {
    const auto find_first = [&](std::string_view row, std::string_view, bool& more) {
      first = row;
      more = false;
      return Ok();
    };
    WFE_RETURN_IF_ERROR(
        Walk(rows_.ScanReverse(Family::kHistory, prefix, keys::History(key, range.first + 1)), find_first));
  }
  std::vector<EventBatch> batches;
  int64_t bytes = 0;
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
    bool open, const std::function<Status(std::string_view key, std::string_view value)>& visit) const {
  const std::string prefix(open ? keys::kOpenPrefix : keys::kClosedPrefix);
  return Walk(rows_.Scan(Family::kState, prefix, keys::PrefixEnd(prefix)),
              [&](std::string_view key, std::string_view value, bool&) { return visit(key, value); });
}

Status ExecutionReader::ForEachOpen(const std::function<void(engine::v1::MutableState)>& visit,
                                    const UnreadableRun& unreadable) const {
  return ForEachState(true, [&](std::string_view key, std::string_view value) -> Status {
    const auto parsed = keys::ParseState(key);
    if (!parsed) return DataLoss("a key of the family state cannot be read");
    auto state = Parse<engine::v1::MutableState>(value, "the state of " + parsed->ToString());
    if (state) {
      visit(*std::move(state));
    } else {
      unreadable(*parsed, state.error());
    }
    return Ok();
  });
}

Status ExecutionReader::ForEachOpenKey(const std::function<void(ExecutionKey)>& visit) const {
  return ForEachState(true, [&](std::string_view key, std::string_view) -> Status {
    auto parsed = keys::ParseState(key);
    if (!parsed) return DataLoss("a key of the family state cannot be read");
    visit(*std::move(parsed));
    return Ok();
  });
}

Status ExecutionReader::ForEachExecution(const std::function<Status(const ExecutionKey&, bool open)>& visit) const {
  for (const bool open : {true, false}) {
    WFE_RETURN_IF_ERROR(ForEachState(open, [&](std::string_view key, std::string_view) -> Status {
      const auto parsed = keys::ParseState(key);
      if (!parsed) return DataLoss("a key of the family state cannot be read");
      return visit(*parsed, open);
    }));
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
  return "";
}

}  // namespace

Result<ChainReport> ExecutionReader::VerifyChain(const ExecutionKey& key) const {
  WFE_ASSIGN_OR_RETURN(const auto state, Load(key));
  if (!state.has_value()) return NotFound(key.ToString() + " is not in the store");
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
  const auto& bookkeeping = state->bookkeeping();
  const auto stored_head = ParseHead(bookkeeping.chain_head());
  if (!stored_head || *stored_head != head) {
    report.first_bad = report.events + 1;
    report.problem = "the history ends before or elsewhere than the head in the run's state";
  } else if (bookkeeping.history_size_bytes() != bytes) {
    report.first_bad = report.events + 1;
    report.problem = "the history has " + std::to_string(bytes) + " bytes, the run's state says " +
                     std::to_string(bookkeeping.history_size_bytes());
  }
  return report;
}

}  // namespace wfe::storage
