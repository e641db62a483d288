#include "engine/storage/durable_execution_store.h"

#include <utility>

#include "engine/base/proto_time.h"
#include "engine/base/serialize.h"
#include "engine/history/nesting.h"
#include "engine/history/note_codec.h"
#include "engine/history/state_codec.h"
#include "engine/storage/keys.h"

namespace wfe::storage {

namespace {


bool IsOpen(temporal::api::enums::v1::WorkflowExecutionStatus status) {
  return status == temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_RUNNING ||
         status == temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_UNSPECIFIED;
}

void AddVisibility(const ExecutionCommit& commit, WriteSet& rows) {
  const auto& record = *commit.visibility;
  const Instant start = FromProto(record.start_time());
  const std::string& ns = commit.key.ns.value();
  const bool open = IsOpen(record.status());
  rows.puts.push_back({Family::kVisibility, keys::Visibility(ns, open, start, record.run_id()), Serialize(record)});
  if (!open) rows.deletes.push_back({Family::kVisibility, keys::Visibility(ns, true, start, record.run_id())});
}

}  // namespace

Result<std::optional<LoadedRun>> DurableExecutionStore::LoadRun(const ExecutionKey& key) const {
  return reader_.LoadRun(key);
}
Result<std::vector<EventBatch>> DurableExecutionStore::ReadHistory(const ExecutionKey& key, EventRange range,
                                                                   int64_t max_bytes) const {
  return reader_.ReadHistory(key, range, max_bytes);
}
Result<std::optional<engine::v1::CurrentRun>> DurableExecutionStore::GetCurrentRun(const WorkflowKey& key) const {
  return reader_.GetCurrentRun(key);
}
Result<bool> DurableExecutionStore::HasRequestId(const ExecutionKey& key, std::string_view request_id) const {
  return reader_.HasRequestId(key, request_id);
}
Status DurableExecutionStore::ForEachOpenKey(const std::function<void(const ExecutionKey&)>& visit) const {
  return reader_.ForEachOpenKey(visit);
}

Status DurableExecutionStore::ForEachOwed(
    const std::function<void(const history::ObligationId&, Result<engine::v1::Obligation>)>& visit) const {
  return reader_.ForEachOwed(visit);
}

Status DurableExecutionStore::AddRows(ExecutionCommit commit, PendingWrite& write) const {
  WriteSet& rows = write.rows;
  if (commit.state != nullptr) {
    RunTail read;
    if (commit.tail == nullptr) {
      WFE_ASSIGN_OR_RETURN(std::optional<LoadedRun> run, reader_.LoadRun(commit.key));
      if (run.has_value()) read = std::move(run->tail);
    }
    WFE_RETURN_IF_ERROR(AddTransition(commit, commit.tail == nullptr ? read : *commit.tail, write));
  }
  if (commit.current_run.has_value()) {
    rows.puts.push_back({Family::kCurrent, keys::Current(commit.key.workflow()), Serialize(*commit.current_run)});
  }
  for (const RequestIdRow& row : commit.request_ids) {
    rows.puts.push_back({Family::kRequest, keys::Request(commit.key, row.request_id), ""});
  }
  for (const std::string& id : commit.forgotten_request_ids) {
    rows.deletes.push_back({Family::kRequest, keys::Request(commit.key, id)});
  }
  if (commit.visibility.has_value()) AddVisibility(commit, rows);
  for (const OwedRow& owed : commit.owed) {
    rows.puts.push_back({Family::kTasks, keys::Task(commit.key, owed.number), Serialize(*owed.obligation)});
  }
  for (const int64_t number : commit.paid) rows.deletes.push_back({Family::kTasks, keys::Task(commit.key, number)});
  return Ok();
}

Status DurableExecutionStore::AddTransition(ExecutionCommit& commit, RunTail& tail, PendingWrite& write) const {
  WriteSet& rows = write.rows;
  const bool is_first = tail.transition == 0;
  ++tail.transition;
  std::string notes = history::EncodeNotes(tail.transition, commit.notes);
  const auto added = static_cast<int64_t>(notes.size() + commit.events.bytes.size());
  const bool closes = !IsOpen(commit.state->folded().status());
  const bool is_checkpoint = is_first || closes || tail.journal_bytes + added > commit.state->SizeBytes();
  if (is_checkpoint && !is_first && check_journals_) WFE_RETURN_IF_ERROR(CheckJournal(commit, notes));
  if (commit.events.count > 0) {
    WFE_CHECK(commit.events.first_event_id == tail.last_event_id + 1,
              commit.key.ToString() + ": events from " + std::to_string(commit.events.first_event_id) +
                  " on cannot follow event " + std::to_string(tail.last_event_id));
    WFE_ASSIGN_OR_RETURN(tail.chain_head, ExtendChain(tail.chain_head, commit.events.bytes));
    tail.last_event_id += commit.events.count;
    StoredBatch batch{0, tail.chain_head, std::move(commit.events), std::move(notes)};
    write.stamped.push_back(rows.puts.size());
    rows.puts.push_back(
        {Family::kHistory, keys::History(commit.key, batch.events.first_event_id), EncodeStoredBatch(batch)});
  } else if (!is_checkpoint) {
    rows.puts.push_back({Family::kState, keys::Journal(commit.key, tail.transition), std::move(notes)});
    tail.journal.push_back(tail.transition);
  }
  tail.journal_bytes += added;
  if (is_checkpoint) AddCheckpoint(commit, tail, write);
  return Ok();
}

void DurableExecutionStore::AddCheckpoint(const ExecutionCommit& commit, RunTail& tail, PendingWrite& write) const {
  WriteSet& rows = write.rows;
  const engine::v1::MutableState row = CheckpointRow(*commit.state, tail);
  const bool open = IsOpen(row.folded().status());
  rows.puts.push_back({Family::kState, keys::State(commit.key, open), Serialize(row)});
  if (!open) rows.deletes.push_back({Family::kState, keys::State(commit.key, true)});
  for (const int64_t covered : tail.journal) {
    rows.deletes.push_back({Family::kState, keys::Journal(commit.key, covered)});
  }
  tail.journal.clear();
  tail.journal_bytes = 0;
  tail.checkpoint = tail.transition;
}

Status DurableExecutionStore::CheckJournal(const ExecutionCommit& commit, const std::string& notes) const {
  WFE_ASSIGN_OR_RETURN(std::optional<LoadedRun> run, reader_.LoadRun(commit.key));
  WFE_CHECK(run.has_value(), commit.key.ToString() + " has no rows");
  temporal::api::history::v1::History parsed;
  WFE_CHECK(history::ParseStored(commit.events.bytes, &parsed), "events are encoded as a History");
  const std::vector<history::HistoryEvent> events(parsed.events().begin(), parsed.events().end());
  WFE_ASSIGN_OR_RETURN(const history::StoredTransition stored, history::DecodeNotes(notes));
  WFE_RETURN_IF_ERROR(history::Replay(run->state, events, stored.notes));
  const auto comparable = [](const history::MutableState& state) {
    engine::v1::MutableState row = history::ToCheckpoint(state);
    row.mutable_bookkeeping()->clear_chain_head();
    return row;
  };
  const engine::v1::MutableState told = comparable(run->state);
  const engine::v1::MutableState meant = comparable(*commit.state);
  WFE_CHECK(Serialize(told) == Serialize(meant), commit.key.ToString() + ": its rows say " + told.ShortDebugString() +
                                                     " and its state is " + meant.ShortDebugString());
  return Ok();
}

void DurableExecutionStore::Commit(std::vector<ExecutionCommit> commits, DurableCallback durable) {
  PendingWrite write;
  for (ExecutionCommit& commit : commits) {
    // A row that cannot be read here was readable when the run was loaded: the disk has failed under us.
    if (const Status added = AddRows(std::move(commit), write); !added) {
      stage_.Fail(added.error());
      return;
    }
  }
  stage_.Enqueue(std::move(write), std::move(durable));
}

}  // namespace wfe::storage
