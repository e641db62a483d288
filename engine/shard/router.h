// How those who live on one strand reach the executions of all shards: the outbox of a shard, schedules, batch jobs.
#pragma once

#include <memory>

#include "engine/history/obligations.h"
#include "engine/shard/callback.h"
#include "engine/shard/requests.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"

namespace wfe::shard {

namespace ws = temporal::api::workflowservice::v1;

/// Belongs to one strand: called there, and every callback runs there.
class Router {
 public:
  virtual ~Router() = default;
  virtual void Start(ws::StartWorkflowExecutionRequest request, Callback<StartOutcome> done) = 0;
  virtual void Mutate(Target target, history::Input input, Callback<MutateOutcome> done) = 0;
  virtual void WatchChain(Target target, Callback<ChainEnd> done) = 0;
  /// Brings the obligation to whom it is owed (Shard::Receive).
  virtual void Deliver(history::ObligationId id, std::shared_ptr<const history::Obligation> obligation,
                       Callback<history::Refusal> done) = 0;
  /// The obligation is settled for good: the receiver need not know it any more.
  virtual void Forget(const WorkflowKey& receiver, history::ObligationId id) = 0;
};

}  // namespace wfe::shard
