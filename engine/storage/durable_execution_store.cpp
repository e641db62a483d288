#include "engine/storage/durable_execution_store.h"

#include <utility>

#include "engine/base/serialize.h"
#include "engine/history/proto_time.h"
#include "engine/storage/keys.h"

namespace wfe::storage {

namespace {

constexpr size_t kTailsPerGeneration = 4096;

bool IsOpen(temporal::api::enums::v1::WorkflowExecutionStatus status) {
  return status == temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_RUNNING ||
         status == temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_UNSPECIFIED;
}

void AddVisibility(const ExecutionCommit& commit, WriteSet& rows) {
  const auto& record = *commit.visibility;
  const Instant start = history::FromProto(record.start_time());
  const std::string& ns = commit.key.ns.value();
  const bool open = IsOpen(record.status());
  rows.puts.push_back({Family::kVisibility, keys::Visibility(ns, open, start, record.run_id()), Serialize(record)});
  if (!open) rows.deletes.push_back({Family::kVisibility, keys::Visibility(ns, true, start, record.run_id())});
}

}  // namespace

Result<std::optional<engine::v1::MutableState>> DurableExecutionStore::Load(const ExecutionKey& key) const {
  return reader_.Load(key);
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
Status DurableExecutionStore::ForEachOpen(const std::function<void(engine::v1::MutableState)>& visit,
                                          const UnreadableRun& unreadable) const {
  return reader_.ForEachOpen(visit, unreadable);
}

Result<DurableExecutionStore::Tail> DurableExecutionStore::TailOf(const ExecutionKey& key) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = young_.find(key); found != young_.end()) return found->second;
    if (const auto found = old_.find(key); found != old_.end()) return found->second;
  }
  Tail tail;
  WFE_ASSIGN_OR_RETURN(const auto state, reader_.Load(key));
  if (!state.has_value()) return tail;
  WFE_ASSIGN_OR_RETURN(tail.last_event_id, reader_.LastEventId(key));
  WFE_ASSIGN_OR_RETURN(tail.chain_head, ParseHead(state->bookkeeping().chain_head()));
  return tail;
}

void DurableExecutionStore::Remember(const ExecutionKey& key, const Tail& tail, bool open) {
  const std::lock_guard lock(mutex_);
  if (!open) {
    young_.erase(key);
    old_.erase(key);
    return;
  }
  if (young_.size() >= kTailsPerGeneration) {
    old_ = std::move(young_);
    young_.clear();
  }
  young_.insert_or_assign(key, tail);
}

Status DurableExecutionStore::AddRows(ExecutionCommit commit, PendingWrite& write) {
  WFE_ASSIGN_OR_RETURN(Tail tail, TailOf(commit.key));
  WriteSet& rows = write.rows;
  if (commit.events.count > 0) {
    WFE_CHECK(commit.events.first_event_id == tail.last_event_id + 1,
              commit.key.ToString() + ": events from " + std::to_string(commit.events.first_event_id) +
                  " on cannot follow event " + std::to_string(tail.last_event_id));
    WFE_ASSIGN_OR_RETURN(tail.chain_head, ExtendChain(tail.chain_head, commit.events.bytes));
    tail.last_event_id += commit.events.count;
    StoredBatch batch{0, tail.chain_head, std::move(commit.events)};
    write.stamped.push_back(rows.puts.size());
    rows.puts.push_back(
        {Family::kHistory, keys::History(commit.key, batch.events.first_event_id), EncodeStoredBatch(batch)});
  }
  commit.state.mutable_bookkeeping()->set_chain_head(AsBytes(tail.chain_head).data(), tail.chain_head.size());
  const bool open = IsOpen(commit.state.folded().status());
  rows.puts.push_back({Family::kState, keys::State(commit.key, open), Serialize(commit.state)});
  if (!open) rows.deletes.push_back({Family::kState, keys::State(commit.key, true)});
  if (commit.current_run.has_value()) {
    rows.puts.push_back({Family::kCurrent, keys::Current(commit.key.workflow()), Serialize(*commit.current_run)});
  }
  for (const RequestIdRow& row : commit.request_ids) {
    rows.puts.push_back({Family::kRequest, keys::Request(commit.key, row.request_id), ""});
  }
  if (commit.visibility.has_value()) AddVisibility(commit, rows);
  Remember(commit.key, tail, open);
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
