#include "engine/runtime/task_delivery.h"

#include "engine/runtime/services.h"

namespace wfe::runtime {

namespace {

// Takes the task at its shard.  `poll` comes back to matching when the task is void, the task does when the caller is
// gone; otherwise the caller is answered.
void Take(Services& services, std::shared_ptr<ParkedPoll> poll, matching::TaskRef task,
          std::shared_ptr<Poller> poller) {
  const WorkflowKey key = task.execution.workflow();
  services.OnShard(key, [&services, poll = std::move(poll), task = std::move(task),
                         poller = std::move(poller)](shard::Shard& shard) mutable {
    shard::Taker taker;
    taker.identity = poll->identity;
    taker.sticky = poll->sticky;
    taker.gone = [poller] { return poller->Gone(); };
    auto answered = [&services, poll, task, poller](Result<std::string> answer) {
      if (answer) return poller->Answer(std::move(answer));
      switch (answer.error().code) {
        case StatusCode::kNotFound:  // void: closed, timed out or taken by another
          return services.broker->Again(poll);
        case StatusCode::kCancelled:
          services.broker->PutBack(task, poll->queue);
          return poller->Answer(std::string());
        default:
          return poller->Answer(std::move(answer));
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

void Poll(Services& services, TaskPoll wanted, std::shared_ptr<Poller> poller) {
  auto poll = std::make_shared<ParkedPoll>();
  poll->queue = std::move(wanted.queue);
  poll->sticky = wanted.sticky;
  poll->deadline = wanted.deadline;
  poll->identity = std::move(wanted.identity);
  poll->worker = std::move(wanted.worker);
  poll->gone = [poller] { return poller->Gone(); };
  poll->on_task = [&services, weak = std::weak_ptr(poll), poller](matching::TaskRef task) {
    // The broker holds the poll while it calls; from here on the task's way does.
    Take(services, weak.lock(), std::move(task), poller);
  };
  poll->on_nothing = [poller](Status status) {
    if (!status) return poller->Answer(std::move(status).error());
    poller->Answer(std::string());
  };
  const matching::PollerId id = services.broker->Poll(std::move(poll));
  // The caller may outlive the engine, so it must not keep a plain pointer to it.
  poller->OnGone([broker = std::weak_ptr(services.broker), id] {
    if (const auto alive = broker.lock()) alive->Forget(id);
  });
}

}  // namespace wfe::runtime
