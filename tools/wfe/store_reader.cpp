#include "tools/wfe/store_reader.h"

#include "engine/history/decide.h"
#include "engine/history/nesting.h"
#include "engine/history/rebuild.h"
#include "engine/storage/store.h"

namespace wfe::cli {

Result<std::unique_ptr<StoreReader>> StoreReader::Open(const std::string& directory) {
  WFE_ASSIGN_OR_RETURN(auto rows, storage::Store::OpenDirectoryReadOnly(directory));
  return std::unique_ptr<StoreReader>(new StoreReader(std::move(rows)));
}

Result<ExecutionKey> StoreReader::FindKey(const std::string& ns, const std::string& name,
                                          const std::string& run_id) const {
  if (!run_id.empty()) return ExecutionKey{Namespace(ns), WorkflowId(name), RunId(run_id)};
  WFE_ASSIGN_OR_RETURN(const auto current, reader_.GetCurrentRun({Namespace(ns), WorkflowId(name)}));
  if (current) return ExecutionKey{Namespace(ns), WorkflowId(name), RunId(current->run_id())};
  std::optional<ExecutionKey> found;
  WFE_RETURN_IF_ERROR(reader_.ForEachExecution([&](const ExecutionKey& key, bool) {
    if (key.ns.value() == ns && key.run_id.value() == name) found = key;
    return Ok();
  }));
  if (!found) return NotFound("the store has no workflow and no run called " + name + " in namespace " + ns);
  return *std::move(found);
}

Result<StoredHistory> StoreReader::Find(const std::string& ns, const std::string& name,
                                        const std::string& run_id) const {
  WFE_ASSIGN_OR_RETURN(const ExecutionKey key, FindKey(ns, name, run_id));
  return Read(key);
}

Status StoreReader::ForEach(const std::function<void(const StoredHistory&)>& visit,
                            const storage::UnreadableRun& unreadable) const {
  return reader_.ForEachExecution([&](const ExecutionKey& key, bool) -> Status {
    const Result<StoredHistory> stored = Read(key);
    if (stored) {
      visit(*stored);
    } else if (stored.error().code == StatusCode::kDataLoss) {
      unreadable(key, stored.error());
    } else {
      return stored.error();
    }
    return Ok();
  });
}

Status StoreReader::ForEachOwed(const std::function<void(Result<lint::OwedObligation>)>& visit) const {
  return reader_.ForEachOwed([&](const history::ObligationId& id, Result<engine::v1::Obligation> obligation) {
    if (!obligation) return visit(std::move(obligation).error());
    visit(lint::OwedObligation{id.owner, *std::move(obligation)});
  });
}

Status StoreReader::ForEachSchedule(const std::function<void(const engine::v1::ScheduleRow&)>& visit) const {
  return storage::ForEachSchedule(*rows_, [&visit](const engine::v1::ScheduleRow& row) -> Status {
    visit(row);
    return Ok();
  });
}

Result<StoredHistory> StoreReader::Read(const ExecutionKey& key) const {
  WFE_ASSIGN_OR_RETURN(auto state, reader_.Load(key));
  if (!state) return NotFound("the store has no " + key.ToString());
  StoredHistory stored;
  stored.target = {key.workflow_id.value(), key.run_id.value()};
  stored.run.key = key;
  stored.run.state = *std::move(state);
  WFE_ASSIGN_OR_RETURN(stored.chain, reader_.VerifyChain(key));
  WFE_ASSIGN_OR_RETURN(auto batches, reader_.ReadStoredBatches(key));
  for (storage::StoredBatch& batch : batches) {
    storage::EventBatch& events = batch.events;
    if (!history::MergeStored(events.bytes, &stored.history)) {
      return DataLoss("the events from " + std::to_string(events.first_event_id) + " of " + key.ToString() +
                      " cannot be read");
    }
    stored.run.batches.push_back(
        {events.first_event_id, events.count, std::move(events.bytes), std::move(batch.notes)});
  }
  WFE_ASSIGN_OR_RETURN(stored.run.journal, reader_.ReadJournal(key));
  WFE_ASSIGN_OR_RETURN(stored.run.request_ids, reader_.ListRequestIds(key));
  return stored;
}

std::vector<lint::Finding> StoredHistory::Lint() const {
  lint::StoreLintOptions options;
  options.fold = &history::Fold;
  options.rebuild = &history::Rebuild;
  return lint::LintStored(run, options);
}

}  // namespace wfe::cli
