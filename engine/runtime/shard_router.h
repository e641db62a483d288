// The shards of one process, reached from one of their strands.
#pragma once

#include <memory>

#include "engine/base/executor.h"
#include "engine/runtime/fwd.h"
#include "engine/shard/router.h"

namespace wfe::runtime {

/// Posts to the strand of the shard that owns the workflow id, and the answer back to its own.
class ShardRouter final : public shard::Router {
 public:
  /// `services` and `strand` outlive it.
  ShardRouter(Services& services, Executor& strand) : services_(services), strand_(strand) {}

  void Start(shard::ws::StartWorkflowExecutionRequest request, shard::Callback<shard::StartOutcome> done) override;
  void Mutate(shard::Target target, history::Input input, shard::Callback<shard::MutateOutcome> done) override;
  void WatchChain(shard::Target target, shard::Callback<shard::ChainEnd> done) override;
  void Deliver(history::ObligationId id, std::shared_ptr<const history::Obligation> obligation,
               shard::Callback<history::Refusal> done) override;
  void Forget(const WorkflowKey& receiver, history::ObligationId id) override;

 private:
  Services& services_;
  Executor& strand_;
};

}  // namespace wfe::runtime
