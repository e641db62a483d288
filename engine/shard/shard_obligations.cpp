// What runs owe each other: received from any shard, and acknowledged by their own.
#include "engine/shard/shard_private.h"

namespace wfe::shard {
namespace {

using history::Obligation;
using history::ObligationId;
using history::Refusal;

/// Which obligations a workflow id has had is kept beside its runs: the one that took it may have been followed by
/// another when it comes again.
ExecutionKey InboxOf(const WorkflowKey& receiver) { return {receiver.ns, receiver.workflow_id, RunId()}; }

/// Kept in its inbox; of the others the state of the run, or the run itself, tells that they have been here.
bool IsKeptInInbox(const Obligation& obligation) {
  return obligation.has_signal() || obligation.has_cancel() || obligation.has_close_child();
}

/// A refusal of Decide, in the words of an answer; UNAVAILABLE and the like stay errors.
Result<Refusal> AnswerFor(Error error, bool is_signal) {
  if (error.code == StatusCode::kNotFound) return Refusal::kNotFound;
  if (error.code == StatusCode::kInvalidArgument && is_signal) return Refusal::kTooManySignals;  // S62
  return error;
}

}  // namespace

void Shard::Connect(Router& router, std::vector<std::pair<ObligationId, Outbox::Duty>> owed) {
  WFE_CHECK(host_.executor.OnStrand());
  router_ = &router;
  for (auto& [id, duty] : owed) outbox_.Add(std::move(id), std::move(duty));
  outbox_.Connect(router);
}

bool Shard::IsOpen(const ExecutionKey& key) const {
  std::optional<history::MutableState> read;
  const history::MutableState* state = Peek(key, read);
  return state != nullptr && state->IsOpen();
}

// --- At the run that is owed to.

void Shard::Receive(const ObligationId& id, const Outbox::Duty& duty, Callback<Refusal> done) {
  WFE_CHECK(host_.executor.OnStrand());
  if (stopped_) return done(ShuttingDown());
  const WorkflowKey receiver = history::ReceiverOf(*duty);
  switch (duty->duty_case()) {
    case Obligation::kStartChild:
      return ReceiveStart(id, duty->start_child(), std::move(done));
    case Obligation::kSignal: {
      const RunId run(duty->signal().initiated().workflow_execution().run_id());
      return ReceiveInput(id, {receiver, run, {}}, history::ExternalSignal(id, duty->signal()), std::move(done));
    }
    case Obligation::kCancel: {
      const RunId run(duty->cancel().initiated().workflow_execution().run_id());
      return ReceiveInput(id, {receiver, run, {}}, history::ExternalCancel(id, duty->cancel()), std::move(done));
    }
    case Obligation::kCloseChild:
      return ReceiveInput(id, {receiver, RunId(), duty->close_child().first_run_id()},
                          history::ChildClosing(id, duty->close_child()), std::move(done));
    case Obligation::kChildClosed:
      return ReceiveChildEnd(duty, std::move(done));
    case Obligation::DUTY_NOT_SET:
      break;
  }
  WFE_CHECK(false, "an obligation has a duty");
}

void Shard::ReceiveStart(const ObligationId& id, const Obligation::StartChild& start, Callback<Refusal> done) {
  history::StartInput input = history::ChildStart(id.owner, start);
  const auto before = host_.store.LoadRun(input.key);
  if (!before) return done(before.error());
  if (before->has_value()) {  // it has come before
    return gate_.Answer<Refusal>(gate_.handed_in(), std::move(done), Refusal::kNone);
  }
  Result<StartPlan> plan = PlanStart(input.request, /*with_signal=*/false);
  if (!plan && plan.error().code == StatusCode::kAlreadyExists) {
    return gate_.Answer<Refusal>(gate_.handed_in(), std::move(done), Refusal::kAlreadyExists);
  }
  if (!plan) return done(std::move(plan).error());
  StartRun(*plan, std::move(input), std::nullopt, [done = std::move(done)](Result<StartOutcome> outcome) mutable {
    if (!outcome) return done(std::move(outcome).error());
    done(Refusal::kNone);
  });
}

void Shard::ReceiveInput(const ObligationId& id, const Target& target, history::Input input, Callback<Refusal> done) {
  const auto answer = [&](Refusal refusal) {
    gate_.Answer<Refusal>(gate_.handed_in(), std::move(done), refusal);
  };
  const ExecutionKey inbox = InboxOf(target.workflow);
  const std::string request_id = id.ToString();
  const Result<bool> known = host_.store.HasRequestId(inbox, request_id);
  if (!known) return done(known.error());
  if (*known) return answer(Refusal::kNone);
  // A workflow reaches others, never itself.
  if (target.workflow == id.owner.workflow() && (target.run_id.empty() || target.run_id == id.owner.run_id)) {
    return answer(Refusal::kNotFound);
  }
  const bool is_signal = std::holds_alternative<history::SignalReceived>(input);
  const auto refuse = [&](Error error) {
    const Result<Refusal> refusal = AnswerFor(std::move(error), is_signal);
    if (!refusal) return done(refusal.error());
    answer(*refusal);
  };
  Result<ExecutionKey> key = Resolve(target);
  if (!key) return refuse(std::move(key).error());
  Result<Execution*> loaded = Load(*key);
  if (!loaded) return refuse(std::move(loaded).error());
  Execution& execution = **loaded;
  if (Status same = CheckChain(execution, target); !same) return refuse(std::move(same).error());
  Result<history::Transition> transition = Decide(execution, input);
  if (!transition) return refuse(std::move(transition).error());
  // In the same commit: that it was here.
  ExecutionKey inbox_key = inbox;
  Carry(execution, *std::move(transition), {}, Receipt{std::move(inbox_key), request_id});
  answer(Refusal::kNone);
}

void Shard::ReceiveChildEnd(const Outbox::Duty& duty, Callback<Refusal> done) {
  const engine::v1::Parent& parent = duty->child_closed().parent();
  const Target target{history::ReceiverOf(*duty), RunId(parent.run_id()), {}};
  Mutate(target, history::ChildEnded{duty}, [done = std::move(done)](Result<MutateOutcome> outcome) mutable {
    // A parent that is gone need not know.
    if (!outcome && outcome.error().code != StatusCode::kNotFound) return done(std::move(outcome).error());
    done(Refusal::kNone);
  });
}

void Shard::Forget(const WorkflowKey& receiver, const ObligationId& id) {
  WFE_CHECK(host_.executor.OnStrand());
  to_forget_.emplace_back(InboxOf(receiver), id.ToString());
}

// --- At the run that owes.

void Shard::Acknowledge(const ObligationId& id, const Outbox::Duty& duty, std::optional<Refusal> answer) {
  if (stopped_) return;
  if (!answer.has_value() || !history::IsAnswered(*duty)) {
    Settle(id);
    return ForgetWhenDurable(id, duty);
  }
  Result<Execution*> loaded = Load(id.owner);
  if (!loaded && loaded.error().code == StatusCode::kNotFound) return Settle(id);
  if (!loaded) return LeaveAlone(id.owner, loaded.error());  // its row stays, and so does the duty
  Execution& execution = **loaded;
  Result<history::Transition> transition = Decide(execution, history::ObligationAnswered{duty, *answer});
  WFE_CHECK(transition.has_value(), "an answer is never refused");
  std::vector<Step> steps;
  steps.push_back({.execution = &execution, .transition = &*transition, .request_ids = {}, .paid = {id.number}});
  Carry(std::move(steps));
  ForgetWhenDurable(id, duty);
}

void Shard::Settle(const ObligationId& id) {
  storage::ExecutionCommit commit;
  commit.key = id.owner;
  commit.paid.push_back(id.number);
  std::vector<storage::ExecutionCommit> commits;
  commits.push_back(std::move(commit));
  Commit(std::move(commits));
}

void Shard::ForgetWhenDurable(const ObligationId& id, const Outbox::Duty& duty) {
  if (!IsKeptInInbox(*duty)) return;
  gate_.WhenAllDurable([this, id, receiver = history::ReceiverOf(*duty)] { router_->Forget(receiver, id); });
}

}  // namespace wfe::shard
