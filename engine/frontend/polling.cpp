#include "engine/frontend/polling.h"

#include "engine/frontend/services.h"

namespace wfe::frontend {

namespace {

// Takes the task at its shard.  `poll` comes back to matching when the task is void, the task does when the caller is
// gone; otherwise the call is answered.
void Take(Services& services, std::shared_ptr<shard::ParkedPoll> poll, matching::TaskRef task, Call call) {
  const WorkflowKey key = task.execution.workflow();
  services.OnShard(key, [&services, poll = std::move(poll), task = std::move(task),
                         call = std::move(call)](shard::Shard& shard) mutable {
    shard::Taker taker;
    taker.identity = poll->identity;
    taker.sticky = poll->sticky;
    taker.gone = [call] { return call.IsCancelled(); };
    auto answered = [&services, poll, task, call](Result<std::string> answer) {
      if (answer) return call.ReplyBytes(*std::move(answer));
      switch (answer.error().code) {
        case StatusCode::kNotFound:  // void: closed, timed out or taken by another
          return services.broker->Again(poll);
        case StatusCode::kCancelled:
          services.broker->PutBack(task, poll->queue);
          return call.ReplyBytes({});
        default:
          return call.Fail(std::move(answer).error());
      }
    };
    switch (task.kind) {
      case matching::TaskKind::kWorkflow:
        return shard.TakeWorkflowTask(task, std::move(taker), std::move(answered));
      case matching::TaskKind::kActivity:
        return shard.TakeActivityTask(task, std::move(taker), std::move(answered));
      case matching::TaskKind::kQuery:
        return shard.TakeQuery(task, std::move(taker), std::move(answered));
    }
  });
}

}  // namespace

void Poll(Services& services, matching::QueueKey queue, bool sticky, std::string identity, std::string worker,
          Call call) {
  const shard::Options& options = services.options.shard;
  const Instant deadline =
      call.WaitUntil(services.WaitClock().Now(), options.long_poll_timeout, options.long_poll_margin);
  auto poll = std::make_shared<shard::ParkedPoll>();
  poll->queue = std::move(queue);
  poll->sticky = sticky;
  poll->deadline = deadline;
  poll->identity = std::move(identity);
  poll->worker = std::move(worker);
  poll->gone = [call] { return call.IsCancelled(); };
  poll->on_task = [&services, weak = std::weak_ptr(poll), call](matching::TaskRef task) {
    // The broker holds the poll while it calls; from here on the task's way does.
    Take(services, weak.lock(), std::move(task), call);
  };
  poll->on_nothing = [call](Status status) {
    if (!status) return call.Fail(std::move(status).error());
    call.ReplyBytes({});
  };
  const matching::PollerId id = services.broker->Poll(std::move(poll));
  // The call may outlive the engine, so it must not keep a plain pointer to it.
  call.transport()->OnCancel([broker = std::weak_ptr(services.broker), id] {
    if (const auto alive = broker.lock()) alive->Forget(id);
  });
}

}  // namespace wfe::frontend
