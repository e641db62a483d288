// Waiting for the end of a workflow, whatever number of runs it takes.
#include "engine/history/nesting.h"
#include "engine/shard/shard_private.h"
#include "temporal/api/enums/v1/workflow.pb.h"

namespace wfe::shard {

namespace enums = temporal::api::enums::v1;

Result<ExecutionKey> Shard::LastOfChain(const Target& target) {
  const WorkflowKey& workflow = target.workflow;
  WFE_ASSIGN_OR_RETURN(const auto current, host_.store.GetCurrentRun(workflow));
  if (current && current->first_execution_run_id() == target.first_execution_run_id) {
    return ExecutionKey{workflow.ns, workflow.workflow_id, RunId(current->run_id())};
  }
  // Another chain has begun under this id since, so this one is over.
  ExecutionKey key{workflow.ns, workflow.workflow_id, RunId(target.first_execution_run_id)};
  for (;;) {
    WFE_ASSIGN_OR_RETURN(Execution* const execution, Load(key));
    const std::string& next = execution->state.folded().new_run_id();
    if (next.empty()) return key;
    key.run_id = RunId(next);
  }
}

Result<ChainEnd> Shard::ReadChainEnd(Execution& execution) {
  ChainEnd end;
  end.status = execution.state.folded().status();
  const EventId past_last = execution.state.folded().next_event_id();
  EventId next = 0;
  WFE_ASSIGN_OR_RETURN(const std::string bytes, ReadEvents(execution, past_last - 1, past_last, 1, &next));
  temporal::api::history::v1::History last_events;
  if (!history::ParseStored(bytes, &last_events) || last_events.events_size() != 1) {
    return DataLoss("the last event of " + execution.key.ToString() + " cannot be read");
  }
  const history::HistoryEvent& last = last_events.events(0);
  if (last.has_workflow_execution_completed_event_attributes()) {
    end.result = last.workflow_execution_completed_event_attributes().result();
  } else if (last.has_workflow_execution_failed_event_attributes()) {
    end.failure = last.workflow_execution_failed_event_attributes().failure();
  } else if (last.has_workflow_execution_timed_out_event_attributes()) {
    end.failure.set_message("workflow timed out");
    end.failure.mutable_timeout_failure_info()->set_timeout_type(enums::TIMEOUT_TYPE_START_TO_CLOSE);
  }
  return end;
}

void Shard::WatchChain(const Target& target, Callback<ChainEnd> done) {
  if (Status serving = Serving(); !serving) return done(std::move(serving).error());
  Result<ExecutionKey> key = LastOfChain(target);
  if (!key) return done(std::move(key).error());
  Result<Execution*> execution = Load(*key);
  if (!execution) return done(std::move(execution).error());
  if ((*execution)->state.IsOpen()) {
    chain_watchers_.Add(target.workflow, std::make_unique<ChainWatcher>(ChainWatcher{target, std::move(done)}));
    return;
  }
  AnswerDurably<ChainEnd>(**execution, std::move(done), ReadChainEnd(**execution));
}

void Shard::WakeChainWatchers(const WorkflowKey& workflow) {
  for (auto& watcher : chain_watchers_.Take(workflow)) WatchChain(watcher->target, std::move(watcher->done));
}

}  // namespace wfe::shard
