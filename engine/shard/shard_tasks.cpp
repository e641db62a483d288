// Handing out tasks and taking their answers.
#include <algorithm>

#include "engine/base/proto_time.h"
#include "engine/base/serialize.h"
#include "engine/history/workflow_task.h"
#include "engine/shard/activity_answer.h"
#include "engine/shard/answers.h"
#include "engine/shard/shard_private.h"
#include "temporal/api/enums/v1/task_queue.pb.h"

namespace wfe::shard {

namespace enums = temporal::api::enums::v1;

namespace {

// Sub-messages that are spliced in as bytes.
constexpr int kPollHistory = ws::PollWorkflowTaskQueueResponse::kHistoryFieldNumber;
constexpr int kCompletedWorkflowTask = ws::RespondWorkflowTaskCompletedResponse::kWorkflowTaskFieldNumber;
constexpr int kCompletedActivityTasks = ws::RespondWorkflowTaskCompletedResponse::kActivityTasksFieldNumber;

}  // namespace

ws::PollWorkflowTaskQueueResponse PollAnswerFor(const Execution& execution) {
  const engine::v1::Folded& folded = execution.state.folded();
  ws::PollWorkflowTaskQueueResponse response;
  response.mutable_workflow_execution()->set_workflow_id(execution.key.workflow_id.value());
  response.mutable_workflow_execution()->set_run_id(execution.key.run_id.value());
  *response.mutable_workflow_type() = folded.workflow_type();
  response.set_previous_started_event_id(folded.last_completed_started_event_id());
  response.mutable_workflow_execution_task_queue()->set_name(folded.task_queue());
  response.mutable_workflow_execution_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  return response;
}

// --- Workflow tasks.

void Shard::TakeWorkflowTask(const matching::TaskRef& task, Taker taker, Callback<std::string> done) {
  Result<Execution*> loaded = Require(task.execution);
  if (!loaded) return done(std::move(loaded).error());
  if (taker.gone && taker.gone()) return done(Cancelled("the poller is gone"));
  Result<std::string> answer =
      BeginWorkflowTask(**loaded, task.scheduled_event_id, task.attempt, taker.identity, taker.sticky);
  if (!answer) return done(std::move(answer).error());
  AnswerDurably<std::string>(**loaded, std::move(done), std::move(answer));
}

Result<std::string> Shard::BeginWorkflowTask(Execution& execution, EventId scheduled_event_id, int32_t attempt,
                                             const std::string& identity, bool partial_history) {
  history::WorkflowTaskStarted input;
  input.scheduled_event_id = scheduled_event_id;
  input.attempt = attempt;
  input.identity = identity;
  input.request_id = host_.ids.NewUuid();
  WFE_ASSIGN_OR_RETURN(history::Transition transition, Decide(execution, input));
  Carry(execution, std::move(transition));
  return WorkflowTaskAnswer(execution, partial_history);
}

Result<std::string> Shard::WorkflowTaskAnswer(Execution& execution, bool partial_history) {
  const history::MutableState& state = execution.state;
  const engine::v1::Folded& folded = state.folded();
  WFE_CHECK(state.workflow_task().started.has_value());
  const history::StartedWorkflowTask& task = *state.workflow_task().started;

  ws::PollWorkflowTaskQueueResponse response = PollAnswerFor(execution);
  engine::v1::TaskToken token = TokenFor(execution.key, engine::v1::TaskToken::KIND_WORKFLOW_TASK);
  token.set_scheduled_event_id(task.scheduled_event_id);
  token.set_started_event_id(task.started_event_id);
  token.set_attempt(task.attempt);
  response.set_task_token(host_.tokens.Seal(std::move(token)));
  response.set_started_event_id(task.started_event_id);
  response.set_attempt(task.attempt);
  *response.mutable_scheduled_time() = ToProto(state.workflow_task().scheduled_time);
  *response.mutable_started_time() = ToProto(task.started_time);
  queries_.Attach(execution.key, task, &response);

  const EventId first = partial_history ? folded.last_completed_started_event_id() + 1 : 1;
  WFE_ASSIGN_OR_RETURN(TaskPage page, TaskHistory(execution, first, EndOfStoredTaskEvents(state)));
  response.set_next_page_token(std::move(page.next_page_token));
  std::string bytes = Serialize(response);
  AppendField(bytes, kPollHistory, page.history);
  return bytes;
}

Result<Shard::TaskPage> Shard::TaskHistory(Execution& execution, EventId first, EventId end) {
  TaskPage page;
  EventId next = first;
  if (next < end) {
    WFE_ASSIGN_OR_RETURN(page.history, ReadEvents(execution, first, end, INT32_MAX, &next));
  }
  const std::optional<history::StartedWorkflowTask>& task = execution.state.workflow_task().started;
  if (next >= end) {
    if (!task) return page;
    for (const history::HistoryEvent& event : history::StartedTaskEvents(execution.state)) {
      AppendField(page.history, 1, Serialize(event));
    }
    return page;
  }
  engine::v1::HistoryPageToken token;
  token.set_run_id(execution.key.run_id.value());
  token.set_next_event_id(next);
  token.set_end_event_id(end);
  if (task) {
    token.set_started_event_id(task->started_event_id);
    token.set_attempt(task->attempt);
  }
  page.next_page_token = Serialize(token);
  return page;
}

void Shard::CompleteWorkflowTask(const engine::v1::TaskToken& token, ws::RespondWorkflowTaskCompletedRequest request,
                                 Callback<std::string> done) {
  Result<Execution*> loaded = Require(KeyOf(token));
  if (!loaded) return done(std::move(loaded).error());
  Execution& execution = **loaded;

  const bool return_new_task = request.return_new_workflow_task();
  ws::RespondWorkflowTaskCompletedRequest queries;  // only its query results: the rest goes into the decision
  queries.mutable_query_results()->swap(*request.mutable_query_results());

  history::WorkflowTaskCompleted input;
  input.started_event_id = token.started_event_id();
  input.attempt = token.attempt();
  input.request = std::move(request);
  input.allow_eager_activities = options_.eager_activities;
  input.new_run_id = host_.ids.NewUuid();
  history::Input decided(std::move(input));
  if (Status brought = BringFirstEvent(execution, decided); !brought) return done(std::move(brought).error());
  std::optional<history::StartedWorkflowTask> held = execution.state.workflow_task().started;
  Result<history::Transition> transition = Decide(execution, decided);
  if (!transition) {
    return AnswerDurably<std::string>(execution, std::move(done), std::move(transition).error());
  }
  std::optional<std::string> refusal;
  if (transition->refused.has_value()) {
    const history::WorkflowTaskFailed instead = *std::move(transition->refused);
    refusal = instead.failure.message();
    Reload(execution, std::move(held));
    transition = Decide(execution, instead);
    WFE_CHECK(transition.has_value(), "whoever may complete a workflow task may fail it");
  }

  // What goes back with the reply does not go through matching (R2).
  std::vector<EventId> eager;
  std::optional<history::OfferWorkflowTask> next_task;
  const bool give_next = return_new_task && transition->new_workflow_task_scheduled && !refusal;
  std::erase_if(transition->effects, [&](const history::Effect& effect) {
    if (const auto* deliver = std::get_if<history::DeliverEagerActivity>(&effect)) {
      eager.push_back(deliver->scheduled_event_id);
      return true;
    }
    const auto* offer = std::get_if<history::OfferWorkflowTask>(&effect);
    if (!offer || !give_next) return false;
    next_task = *offer;
    return true;
  });

  QueryBook::Answers answers;
  if (!refusal) answers = queries_.TakeAnswers(execution.key, queries);
  Carry(execution, *std::move(transition));
  for (auto& [id, answer] : answers) {
    gate_.WhenDurable(execution.last_commit,
                      [this, key = execution.key, query = std::move(id), told = std::move(answer)]() mutable {
                        queries_.Finish(key, query, std::move(told));
                      });
  }

  std::string response;
  if (next_task) {
    const auto& input_back = std::get<history::WorkflowTaskCompleted>(decided);
    // The worker that completed the task has the run in its cache exactly when it asked for a sticky queue.
    Result<std::string> task =
        BeginWorkflowTask(execution, next_task->scheduled_event_id, next_task->attempt, input_back.request.identity(),
                          execution.state.bookkeeping().has_sticky());
    WFE_CHECK(task.has_value(), "a workflow task that was just scheduled cannot be started");
    AppendField(response, kCompletedWorkflowTask, *task);
  }
  for (const EventId scheduled : eager) {
    Result<std::string> activity = ActivityTaskAnswer(execution, scheduled);
    if (!activity) return done(std::move(activity).error());
    AppendField(response, kCompletedActivityTasks, *activity);
  }
  if (refusal) return AnswerDurably<std::string>(execution, std::move(done), InvalidArgument(*refusal));
  AnswerDurably<std::string>(execution, std::move(done), std::move(response));
}

void Shard::FailWorkflowTask(const engine::v1::TaskToken& token, ws::RespondWorkflowTaskFailedRequest request,
                             Callback<MutateOutcome> done) {
  history::WorkflowTaskFailed input;
  input.started_event_id = token.started_event_id();
  input.attempt = token.attempt();
  input.cause = request.cause();
  input.failure = std::move(*request.mutable_failure());
  input.identity = request.identity();
  input.binary_checksum = request.binary_checksum();
  const ExecutionKey key = KeyOf(token);
  Mutate({key.workflow(), key.run_id, {}}, std::move(input), std::move(done));
}

// --- Activity tasks.

void Shard::TakeActivityTask(const matching::TaskRef& task, Taker taker, Callback<std::string> done) {
  Result<Execution*> loaded = Require(task.execution);
  if (!loaded) return done(std::move(loaded).error());
  Execution& execution = **loaded;
  if (taker.gone && taker.gone()) return done(Cancelled("the poller is gone"));
  history::ActivityTaskStarted input;
  input.scheduled_event_id = task.scheduled_event_id;
  input.attempt = task.attempt;
  input.identity = taker.identity;
  input.request_id = host_.ids.NewUuid();
  Result<history::Transition> transition = Decide(execution, input);
  if (!transition) return done(std::move(transition).error());
  Carry(execution, *std::move(transition));
  Result<std::string> answer = ActivityTaskAnswer(execution, task.scheduled_event_id);
  if (!answer) return done(std::move(answer).error());
  AnswerDurably<std::string>(execution, std::move(done), std::move(answer));
}

Result<std::string> Shard::ActivityTaskAnswer(Execution& execution, EventId scheduled_event_id) {
  const auto activity = execution.state.activities().find(scheduled_event_id);
  WFE_CHECK(activity != execution.state.activities().end(), "an activity was started that is not pending");
  engine::v1::TaskToken token = TokenFor(execution.key, engine::v1::TaskToken::KIND_ACTIVITY);
  token.set_scheduled_event_id(scheduled_event_id);
  token.set_attempt(activity->second.attempt.attempt());
  token.set_activity_id(activity->second.scheduled.activity_id());
  // The input stays in the event.
  WFE_ASSIGN_OR_RETURN(const std::string_view event, ScheduledEvent(execution, scheduled_event_id));
  return ActivityAnswer(execution.state, activity->second, event, host_.tokens.Seal(std::move(token)));
}

Result<std::string_view> Shard::ScheduledEvent(Execution& execution, EventId id) {
  for (const HistoryTail* events : {&execution.tail, &execution.scheduled}) {
    if (events->Covers(id) && events->Covers(id + 1)) return StripField(events->Range(id, id + 1));
  }
  // Activities that were scheduled together are taken one after the other: their batch is read once.
  WFE_ASSIGN_OR_RETURN(const std::vector<storage::EventBatch> batches,
                       host_.store.ReadHistory(execution.key, {id, id}));
  execution.scheduled.Clear();
  for (const storage::EventBatch& batch : batches) {
    execution.scheduled.Append(batch.first_event_id, batch.count, batch.bytes);
  }
  cache_.Weigh(execution);
  if (!execution.scheduled.Covers(id) || !execution.scheduled.Covers(id + 1)) {
    return DataLoss("event " + std::to_string(id) + " of " + execution.key.ToString() + " is missing from the store");
  }
  return StripField(execution.scheduled.Range(id, id + 1));
}

}  // namespace wfe::shard
