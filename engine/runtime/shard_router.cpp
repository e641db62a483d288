#include "engine/runtime/shard_router.h"

#include <utility>

#include "engine/runtime/services.h"

namespace wfe::runtime {
namespace {

/// `done`, posted to `strand` with its answer.
template <class T>
shard::Callback<T> AnsweredOn(Executor& strand, shard::Callback<T> done) {
  return [&strand, done = std::move(done)](Result<T> answer) mutable {
    strand.Post([done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
  };
}

}  // namespace

void ShardRouter::Start(shard::ws::StartWorkflowExecutionRequest request, shard::Callback<shard::StartOutcome> done) {
  const WorkflowKey key{Namespace(request.namespace_()), WorkflowId(request.workflow_id())};
  services_.OnShard(key, [request = std::move(request), done = AnsweredOn(strand_, std::move(done))](
                             shard::Shard& shard) mutable { shard.Start(std::move(request), std::move(done)); });
}

void ShardRouter::Mutate(shard::Target target, history::Input input, shard::Callback<shard::MutateOutcome> done) {
  const WorkflowKey key = target.workflow;
  services_.OnShard(
      key, [target = std::move(target), input = std::move(input), done = AnsweredOn(strand_, std::move(done))](
               shard::Shard& shard) mutable { shard.Mutate(target, std::move(input), std::move(done)); });
}

void ShardRouter::WatchChain(shard::Target target, shard::Callback<shard::ChainEnd> done) {
  const WorkflowKey key = target.workflow;
  services_.OnShard(key, [target = std::move(target), done = AnsweredOn(strand_, std::move(done))](
                             shard::Shard& shard) mutable { shard.WatchChain(target, std::move(done)); });
}

void ShardRouter::Deliver(history::ObligationId id, std::shared_ptr<const history::Obligation> obligation,
                          shard::Callback<history::Refusal> done) {
  const WorkflowKey receiver = history::ReceiverOf(*obligation);
  shard::Callback<history::Refusal> answered = AnsweredOn(strand_, std::move(done));
  if (!services_.namespaces.Exists(receiver.ns.value())) return answered(history::Refusal::kNamespaceNotFound);
  services_.OnShard(receiver, [id = std::move(id), obligation = std::move(obligation),
                               answered = std::move(answered)](shard::Shard& shard) mutable {
    shard.Receive(id, obligation, std::move(answered));
  });
}

void ShardRouter::Forget(const WorkflowKey& receiver, history::ObligationId id) {
  services_.OnShard(receiver, [receiver, id = std::move(id)](shard::Shard& shard) { shard.Forget(receiver, id); });
}

}  // namespace wfe::runtime
