// Starting, signalling and steering runs.
#include "engine/base/proto_time.h"
#include "engine/base/serialize.h"
#include "engine/shard/answers.h"
#include "engine/shard/shard_private.h"
#include "temporal/api/enums/v1/workflow.pb.h"
#include "temporal/api/errordetails/v1/message.pb.h"

namespace wfe::shard {

namespace enums = temporal::api::enums::v1;

namespace {

Error AlreadyStarted(const std::string& workflow_id, const engine::v1::CurrentRun& current, bool running) {
  temporal::api::errordetails::v1::WorkflowExecutionAlreadyStartedFailure failure;
  failure.set_start_request_id(current.create_request_id());
  failure.set_run_id(current.run_id());
  failure.set_first_execution_run_id(current.first_execution_run_id());
  Error error =
      AlreadyExists("Workflow execution " +
                    std::string(running ? "is already running" : "already finished, and its id may not be reused") +
                    ". WorkflowId: " + workflow_id + ", RunId: " + current.run_id() + ".");
  error.details.push_back({failure.GetTypeName(), Serialize(failure)});
  return error;
}

/// Policies that contradict each other, in Temporal's words (WIRE-F11).
Status CheckPolicies(const ws::StartWorkflowExecutionRequest& request, bool with_signal) {
  const auto reuse = request.workflow_id_reuse_policy();
  const auto conflict = request.workflow_id_conflict_policy();
  const std::string reuse_name = enums::WorkflowIdReusePolicy_Name(reuse);
  if (with_signal && conflict == enums::WORKFLOW_ID_CONFLICT_POLICY_FAIL) {
    return InvalidArgument("Invalid WorkflowIDConflictPolicy: WORKFLOW_ID_CONFLICT_POLICY_FAIL is not supported for this "
                           "operation.");
  }
  if (reuse == enums::WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING &&
      conflict != enums::WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED) {
    return InvalidArgument("Invalid WorkflowIDReusePolicy: " + reuse_name +
                           " cannot be used together with a WorkflowIDConflictPolicy");
  }
  if (reuse == enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE &&
      conflict == enums::WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING) {
    return InvalidArgument("Invalid WorkflowIDReusePolicy: " + reuse_name +
                           " cannot be used together with WorkflowIdConflictPolicy "
                           "WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING");
  }
  return Ok();
}

bool EndedWell(enums::WorkflowExecutionStatus status) {
  return status == enums::WORKFLOW_EXECUTION_STATUS_COMPLETED ||
         status == enums::WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW;
}

}  // namespace

Result<Shard::StartPlan> Shard::PlanStart(ws::StartWorkflowExecutionRequest& request, bool with_signal) {
  WFE_RETURN_IF_ERROR(CheckPolicies(request, with_signal));
  // S4: the deprecated policy means "whatever ended may be followed, what runs is terminated".
  if (request.workflow_id_reuse_policy() == enums::WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING) {
    request.set_workflow_id_reuse_policy(enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE);
    request.set_workflow_id_conflict_policy(enums::WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING);
  }
  StartPlan plan;
  const WorkflowKey workflow{Namespace(request.namespace_()), WorkflowId(request.workflow_id())};
  WFE_ASSIGN_OR_RETURN(plan.current, host_.store.GetCurrentRun(workflow));
  if (!plan.current) return plan;

  const engine::v1::CurrentRun& current = *plan.current;
  const bool running = current.status() == enums::WORKFLOW_EXECUTION_STATUS_RUNNING;
  const bool repeated = !request.request_id().empty() && current.create_request_id() == request.request_id();
  if (running) {
    if (repeated && !with_signal) {
      plan.kind = StartPlan::Kind::kUseExisting;
      return plan;
    }
    switch (request.workflow_id_conflict_policy()) {
      case enums::WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING:
        plan.kind = StartPlan::Kind::kUseExisting;
        return plan;
      case enums::WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING:
        plan.kind = StartPlan::Kind::kReplaceRunning;
        return plan;
      default:
        if (with_signal) {  // S2
          plan.kind = StartPlan::Kind::kUseExisting;
          return plan;
        }
        return AlreadyStarted(request.workflow_id(), current, running);
    }
  }
  if (repeated) {
    plan.kind = StartPlan::Kind::kUseExisting;
    return plan;
  }
  switch (request.workflow_id_reuse_policy()) {
    case enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE:
      return AlreadyStarted(request.workflow_id(), current, running);
    case enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY:
      if (EndedWell(current.status())) return AlreadyStarted(request.workflow_id(), current, running);
      return plan;
    default:
      return plan;  // S1
  }
}

void Shard::Start(ws::StartWorkflowExecutionRequest request, Callback<StartOutcome> done) {
  if (Status serving = Serving(); !serving) return done(std::move(serving).error());
  Result<StartPlan> plan = PlanStart(request, /*with_signal=*/false);
  if (!plan) return gate_.Answer<StartOutcome>(gate_.handed_in(), std::move(done), std::move(plan).error());
  FinishStart(*std::move(plan), std::move(request), std::nullopt, std::move(done));
}

void Shard::SignalWithStart(ws::StartWorkflowExecutionRequest start, history::SignalReceived signal,
                            Callback<StartOutcome> done) {
  if (Status serving = Serving(); !serving) return done(std::move(serving).error());
  Result<StartPlan> plan = PlanStart(start, /*with_signal=*/true);
  if (!plan) return gate_.Answer<StartOutcome>(gate_.handed_in(), std::move(done), std::move(plan).error());
  if (plan->kind == StartPlan::Kind::kUseExisting &&
      plan->current->status() == enums::WORKFLOW_EXECUTION_STATUS_RUNNING) {
    const Target target{
        {Namespace(start.namespace_()), WorkflowId(start.workflow_id())}, RunId(plan->current->run_id()), {}};
    auto answered = [done = std::move(done), current = *plan->current](Result<MutateOutcome> outcome) mutable {
      if (!outcome) return done(std::move(outcome).error());
      StartOutcome existing;
      existing.run_id = current.run_id();
      existing.first_execution_run_id = current.first_execution_run_id();
      existing.status = current.status();
      done(std::move(existing));
    };
    return Signal(target, std::move(signal), std::move(answered));
  }
  FinishStart(*std::move(plan), std::move(start), std::move(signal), std::move(done));
}

void Shard::FinishStart(StartPlan plan, ws::StartWorkflowExecutionRequest request,
                        std::optional<history::SignalReceived> signal, Callback<StartOutcome> done) {
  if (plan.kind == StartPlan::Kind::kUseExisting) {
    StartOutcome existing;
    existing.run_id = plan.current->run_id();
    existing.first_execution_run_id = plan.current->first_execution_run_id();
    existing.started = plan.current->create_request_id() == request.request_id() && !request.request_id().empty();
    existing.status = plan.current->status();
    return gate_.Answer<StartOutcome>(gate_.handed_in(), std::move(done), std::move(existing));
  }

  history::StartInput input;
  input.key = {Namespace(request.namespace_()), WorkflowId(request.workflow_id()),
               RunId(host_.ids.NewRunId(host_.clock.Now()))};
  input.request = std::move(request);
  StartRun(plan, std::move(input), std::move(signal), std::move(done));
}

void Shard::StartRun(const StartPlan& plan, history::StartInput input, std::optional<history::SignalReceived> signal,
                     Callback<StartOutcome> done) {
  const Instant now = host_.clock.Now();
  const bool eager = input.request.request_eager_execution() && !input.request.has_workflow_start_delay();
  input.request.set_request_eager_execution(eager);
  Result<history::Transition> start = history::DecideStart(input, now, options_.history);
  if (!start) return done(std::move(start).error());

  std::vector<std::string> request_ids;
  if (signal) {
    // One commit for both: the signal is decided on the state that the start leaves behind.
    if (!signal->request_id.empty()) request_ids.push_back(signal->request_id);
    Result<history::Transition> signalled =
        history::Decide(std::move(start->next), *std::move(signal), now, options_.history);
    if (!signalled) return done(std::move(signalled).error());
    *start = history::Joined(*std::move(start), *std::move(signalled));
  }

  // S5: there are never two open runs of one id, so the end of the old one and the new one are one commit.
  std::optional<history::Transition> ended;
  Execution* old = nullptr;
  if (plan.kind == StartPlan::Kind::kReplaceRunning) {
    Result<Execution*> running = Load({input.key.ns, input.key.workflow_id, RunId(plan.current->run_id())});
    if (!running) return done(std::move(running).error());
    old = *running;
    history::TerminateRequested terminate;
    terminate.reason = "TerminateIfRunning WorkflowIdReusePolicy";
    terminate.identity = "history-service";
    Result<history::Transition> decided = Decide(*old, std::move(terminate));
    if (!decided) return done(std::move(decided).error());
    ended = *std::move(decided);
  }

  // An eager first task goes out with the reply instead of through matching (S12).
  std::optional<history::OfferWorkflowTask> first_task;
  if (eager) {
    std::erase_if(start->effects, [&](const history::Effect& effect) {
      const auto* offer = std::get_if<history::OfferWorkflowTask>(&effect);
      if (offer) first_task = *offer;
      return offer != nullptr;
    });
  }

  Execution& execution = Insert(input.key, storage::LoadedRun());
  std::vector<Step> steps;
  if (ended) steps.push_back({.execution = old, .transition = &*ended, .request_ids = {}, .is_current = false});
  steps.push_back({.execution = &execution,
                   .transition = &*start,
                   .request_ids = std::move(request_ids),
                   .is_current = true,
                   .create_request_id = input.request.request_id()});
  Carry(std::move(steps));

  StartOutcome outcome;
  outcome.run_id = input.key.run_id.value();
  outcome.first_execution_run_id = execution.state.folded().first_execution_run_id();
  outcome.started = true;
  outcome.status = execution.state.folded().status();
  if (first_task) {
    Result<std::string> task = BeginWorkflowTask(execution, first_task->scheduled_event_id, first_task->attempt,
                                                 input.request.identity(), /*partial_history=*/false);
    WFE_CHECK(task.has_value(), "the first workflow task of a run cannot be started");
    outcome.eager_workflow_task = *std::move(task);
  }
  AnswerDurably<StartOutcome>(execution, std::move(done), std::move(outcome));
}

void Shard::Signal(const Target& target, history::SignalReceived signal, Callback<MutateOutcome> done) {
  Result<Execution*> loaded = Require(target);
  if (!loaded) return done(std::move(loaded).error());
  Execution& execution = **loaded;
  std::vector<std::string> request_ids;
  if (!signal.request_id.empty()) {
    // S61: the same call again changes nothing, even when the run has closed since.
    Result<bool> known = host_.store.HasRequestId(execution.key, signal.request_id);
    if (!known) return done(std::move(known).error());
    if (*known) {
      MutateOutcome outcome{.run_id = execution.key.run_id.value(), .cancel_requested = false};
      return AnswerDurably<MutateOutcome>(execution, std::move(done), std::move(outcome));
    }
    request_ids.push_back(signal.request_id);
  }
  TakeInput(execution, std::move(signal), std::move(request_ids), std::move(done));
}

Status Shard::CheckChain(const Execution& execution, const Target& target) {
  // A closed run is answered as closed, of whatever chain it is.
  if (target.first_execution_run_id.empty() || !execution.state.IsOpen() ||
      execution.state.folded().first_execution_run_id() == target.first_execution_run_id) {
    return Ok();
  }
  return NotFound("workflow execution not found: " + execution.key.ToString() + " does not belong to the chain of run " +
                  target.first_execution_run_id);
}

void Shard::Mutate(const Target& target, history::Input input, Callback<MutateOutcome> done) {
  Result<Execution*> loaded = Require(target);
  if (!loaded) return done(std::move(loaded).error());
  Execution& execution = **loaded;
  if (Status same = CheckChain(execution, target); !same) return done(std::move(same).error());
  TakeInput(execution, input, {}, std::move(done));
}

void Shard::TakeInput(Execution& execution, const history::Input& input, std::vector<std::string> request_ids,
                      Callback<MutateOutcome> done) {
  Result<history::Transition> transition = Decide(execution, input);
  if (!transition) {
    return AnswerDurably<MutateOutcome>(execution, std::move(done), std::move(transition).error());
  }
  MutateOutcome outcome{.run_id = execution.key.run_id.value(), .cancel_requested = transition->cancel_requested};
  Carry(execution, *std::move(transition), std::move(request_ids));
  AnswerDurably<MutateOutcome>(execution, std::move(done), std::move(outcome));
}

void Shard::Describe(const Target& target, Callback<std::string> done) {
  Result<Execution*> loaded = Require(target);
  if (!loaded) return done(std::move(loaded).error());
  AnswerDurably<std::string>(**loaded, std::move(done),
                             Serialize(DescribeAnswer((*loaded)->state, host_.clock.Now())));
}

}  // namespace wfe::shard
