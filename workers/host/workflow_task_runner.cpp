#include "workers/host/workflow_task_runner.h"

#include <algorithm>

#include "engine/base/proto_time.h"
#include "engine/base/strand.h"
#include "workers/core/failure_codec.h"
#include "workers/core/payload_codec.h"
#include "workers/host/backoff.h"
#include "workers/host/retrying_call.h"

namespace wfe::worker {
namespace {

namespace enums = temporal::api::enums::v1;

constexpr Duration kDefaultTaskTimeout = std::chrono::seconds(10);  // S8

/// How long the server waits for the answer: its Scheduled event says so, when the history at hand holds it.
Duration TimeoutOf(const ws::PollWorkflowTaskQueueResponse& task) {
  const auto& events = task.history().events();
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    if (!event->has_workflow_task_scheduled_event_attributes()) continue;
    const Duration timeout =
        FromProto(event->workflow_task_scheduled_event_attributes().start_to_close_timeout());
    if (timeout > Duration::zero()) return timeout;
  }
  return kDefaultTaskTimeout;
}

std::string NameOf(const ws::PollWorkflowTaskQueueResponse& task) {
  return "workflow " + task.workflow_execution().workflow_id() + ", run " + task.workflow_execution().run_id();
}

std::string SlowCode(const ws::PollWorkflowTaskQueueResponse& task, Duration since) {
  return "the code of " + NameOf(task) + " (" + task.workflow_type().name() + ") has been running for " +
         Seconds(since) + " without yielding; workflow code only decides: what takes time belongs into an activity";
}

}  // namespace

struct WorkflowTaskRunner::Work {
  ws::PollWorkflowTaskQueueResponse task;
  Instant deadline;
  /// While pages are fetched: the events of the task itself, which come last.
  temporal::api::history::v1::History tail;
  std::string page_token;
  bool from_start = false;  // The fetched pages begin with the first event.
  /// Given with the server's acceptance of the answer.
  std::shared_ptr<core::Acknowledgement> answered = std::make_shared<core::Acknowledgement>();
  bool in_code = false;  // Its code runs, or waits to.

  const std::string& run_id() const { return task.workflow_execution().run_id(); }
};

WorkflowTaskRunner::WorkflowTaskRunner(const Environment& environment, std::shared_ptr<TaskHandler> handler,
                                       Options options)
    : environment_(environment), handler_(std::move(handler)), options_(std::move(options)) {}

void WorkflowTaskRunner::Run(ws::PollWorkflowTaskQueueResponse task) {
  const std::shared_ptr<Work> work = MakeWork(std::move(task));
  if (turns_.Take(work->run_id(), work)) return Begin(work);
  Hurry(work->run_id());
}

std::shared_ptr<WorkflowTaskRunner::Work> WorkflowTaskRunner::MakeWork(ws::PollWorkflowTaskQueueResponse task) {
  ++running_;
  auto work = std::make_shared<Work>();
  work->deadline = environment_.clock.Now() + TimeoutOf(task);
  work->task = std::move(task);
  return work;
}

bool WorkflowTaskRunner::Holds(const std::shared_ptr<Work>& work) const { return turns_.Holds(work->run_id(), work); }

void WorkflowTaskRunner::Begin(const std::shared_ptr<Work>& work) {
  if (!work->task.has_query() && environment_.clock.Now() >= work->deadline) {
    // It has waited for its turn until the server gave it up.
    ++stats_.overtaken;
    return Finish(work);
  }
  if (work->task.next_page_token().empty()) return Handle(work);
  work->page_token = work->task.next_page_token();
  FetchPage(work);
}

/// The run's holder is done with it.
void WorkflowTaskRunner::PassOn(const std::string& run_id) {
  const std::shared_ptr<Work> next = turns_.Next(run_id);
  if (next == nullptr) return;
  Begin(next);
  Hurry(run_id);
}

/// Somebody waits for the run: its holder is not waited for without end.
void WorkflowTaskRunner::Hurry(const std::string& run_id) {
  const std::shared_ptr<Work> holder = turns_.Holder(run_id);
  // Code is waited for, however long it takes: it could not run beside itself anyway.
  if (holder == nullptr || holder->in_code || !turns_.Contested(run_id)) return;
  environment_.timers.After(kAnswerPatience, environment_.strand, [weak = weak_from_this(), holder] {
    const auto self = weak.lock();
    if (!self || holder->in_code || !self->Holds(holder) || !self->turns_.Contested(holder->run_id())) return;
    self->Supersede(holder);
  });
}

/// What becomes of the holder's answer is not known, and the next task does not wait for it: the history knows.
void WorkflowTaskRunner::Supersede(const std::shared_ptr<Work>& work) {
  ++stats_.superseded;
  environment_.log(LogLevel::kInfo, "nothing was heard for " + Seconds(kAnswerPatience) + " of the answer for " +
                                        NameOf(work->task) + "; its next task is run from the history");
  Evict(*work);
  PassOn(work->run_id());
}

void WorkflowTaskRunner::Handle(const std::shared_ptr<Work>& work) {
  work->in_code = true;
  auto code = [work, handler = handler_, watch = code_, &clock = environment_.clock] {
    watch->Begin(work.get(), clock.Now());
    core::TaskAnswer answer = handler->Handle(work->task, work->answered);
    watch->End();
    return answer;
  };
  if (environment_.workflow_code == nullptr) return Handled(work, code());
  WatchCode();
  environment_.workflow_code->Post(
      [code = std::move(code), work, weak = weak_from_this(), &strand = environment_.strand]() mutable {
        // Not moved into the post's own frame: what the code held goes on the thread it ran on.
        core::TaskAnswer answer;
        {
          const HandOverScope while_it_may_take_long;
          answer = code();
        }
        strand.Post([weak, work, answer = std::move(answer)]() mutable {
          if (const auto self = weak.lock()) self->Handled(work, std::move(answer));
        });
      });
}

/// Looks now and then whether the code that runs has been running for too long; one timer, however many tasks there are.
void WorkflowTaskRunner::WatchCode() {
  if (std::exchange(watching_, true)) return;
  environment_.timers.After(options_.slow_after / 2, environment_.strand, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->watching_ = false;
    if (self->running_ == 0) return;
    if (const auto slow = self->code_->Slow(self->environment_.clock.Now(), self->options_.slow_after)) {
      ++self->stats_.slow;
      self->environment_.log(LogLevel::kWarning, SlowCode(static_cast<const Work*>(slow->task)->task, slow->since));
    }
    self->WatchCode();
  });
}

void WorkflowTaskRunner::Evict(const Work& work) {
  if (environment_.workflow_code == nullptr) return handler_->Evict(work.run_id());
  environment_.workflow_code->Post([handler = handler_, run_id = work.run_id()] { handler->Evict(run_id); });
}

void WorkflowTaskRunner::Handled(const std::shared_ptr<Work>& work, core::TaskAnswer answer) {
  work->in_code = false;
  // An answer to a query changes nothing, so nobody needs to wait for what becomes of it.
  if (std::holds_alternative<ws::RespondQueryTaskCompletedRequest>(answer)) {
    PassOn(work->run_id());
  } else {
    Hurry(work->run_id());
  }
  if (!std::holds_alternative<core::NeedFullHistory>(answer)) {
    std::visit(
        [&](auto&& request) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(request)>, core::NeedFullHistory>) {
            Answer(work, std::forward<decltype(request)>(request));
          }
        },
        std::move(answer));
    return;
  }
  if (work->from_start) {
    return Refused(work, "Handle", Internal("its whole history is still not enough"));
  }
  work->from_start = true;
  work->tail = std::move(*work->task.mutable_history());
  work->task.clear_history();
  work->page_token.clear();
  FetchPage(work);
}

void WorkflowTaskRunner::FetchPage(const std::shared_ptr<Work>& work) {
  ++stats_.history_fetches;
  auto request = std::make_shared<ws::GetWorkflowExecutionHistoryRequest>();
  request->set_namespace_(options_.ns);
  *request->mutable_execution() = work->task.workflow_execution();
  request->set_next_page_token(work->page_token);
  request->set_skip_archival(true);
  CallMethodWithRetries<ws::GetWorkflowExecutionHistoryResponse>(
      environment_, weak_from_this(), "GetWorkflowExecutionHistory", std::move(request), {.give_up_at = work->deadline},
      [weak = weak_from_this(), work](Result<ws::GetWorkflowExecutionHistoryResponse> page) {
        if (const auto self = weak.lock()) self->PageCame(work, std::move(page));
      });
}

void WorkflowTaskRunner::PageCame(const std::shared_ptr<Work>& work,
                                  Result<ws::GetWorkflowExecutionHistoryResponse> page) {
  if (!Holds(work)) return Finish(work);
  if (!page) return Refused(work, "GetWorkflowExecutionHistory", page.error());
  // The task's own events may be newer than what the server has stored: a started task is stored with its completion.
  auto& events = *work->task.mutable_history()->mutable_events();
  const int64_t tail_begins = work->tail.events().empty() ? INT64_MAX : work->tail.events(0).event_id();
  for (auto& event : *page->mutable_history()->mutable_events()) {
    if (event.event_id() < tail_begins) *events.Add() = std::move(event);
  }
  work->page_token = page->next_page_token();
  if (!work->page_token.empty()) return FetchPage(work);
  for (auto& event : *work->tail.mutable_events()) *events.Add() = std::move(event);
  work->tail.clear_events();
  work->task.clear_next_page_token();
  Handle(work);
}

int WorkflowTaskRunner::LimitEagerActivities(ws::RespondWorkflowTaskCompletedRequest& request) {
  const size_t free = options_.free_activity_slots ? options_.free_activity_slots() : 0;
  size_t asked = 0;
  for (auto& command : *request.mutable_commands()) {
    if (!command.schedule_activity_task_command_attributes().request_eager_execution()) continue;
    if (asked < free) {
      ++asked;
    } else {
      command.mutable_schedule_activity_task_command_attributes()->set_request_eager_execution(false);
    }
  }
  return static_cast<int>(asked);
}

void WorkflowTaskRunner::Answer(const std::shared_ptr<Work>& work, ws::RespondWorkflowTaskCompletedRequest request) {
  request.set_task_token(work->task.task_token());
  request.set_namespace_(options_.ns);
  request.set_identity(options_.identity);
  request.set_return_new_workflow_task(!options_.wants_more || options_.wants_more());
  const int reserved = LimitEagerActivities(request);
  if (reserved > 0) options_.reserve_activity_slots(reserved);
  CallMethodWithRetries<ws::RespondWorkflowTaskCompletedResponse>(
      environment_, weak_from_this(), "RespondWorkflowTaskCompleted",
      std::make_shared<ws::RespondWorkflowTaskCompletedRequest>(std::move(request)), {.give_up_at = work->deadline},
      [weak = weak_from_this(), work, reserved](Result<ws::RespondWorkflowTaskCompletedResponse> response) {
        const auto self = weak.lock();
        if (!self) return;
        if (reserved > 0) self->options_.reserve_activity_slots(-reserved);
        if (!response && IsTooLarge(response.error())) return self->FailTooLarge(work, response.error());
        if (!response) return self->Refused(work, "RespondWorkflowTaskCompleted", response.error());
        self->Accepted(work, *std::move(response));
      });
}

/// Sent again it would be refused again, until the task times out, for ever; so the history says what is wrong.
void WorkflowTaskRunner::FailTooLarge(const std::shared_ptr<Work>& work, const Error& error) {
  ws::RespondWorkflowTaskFailedRequest request;
  request.set_cause(enums::WORKFLOW_TASK_FAILED_CAUSE_GRPC_MESSAGE_TOO_LARGE);
  *request.mutable_failure() =
      core::MakeFailure("the answer of the workflow task is too large for the server: " + error.message, "TooLarge");
  Answer(work, std::move(request));
}

void WorkflowTaskRunner::Accepted(const std::shared_ptr<Work>& work,
                                  ws::RespondWorkflowTaskCompletedResponse response) {
  ++stats_.completed;
  if (response.reset_history_event_id() > 0) {
    // The server dropped a speculative task: what the run has seen since is not in its history.
    if (Holds(work)) Evict(*work);
  } else {
    work->answered->Give();
  }
  for (const auto& activity : response.activity_tasks()) {
    ++stats_.eager_activities;
    options_.on_eager_activity(activity);
  }
  const bool more = !response.workflow_task().task_token().empty();
  if (!Holds(work)) {
    if (more) Run(std::move(*response.mutable_workflow_task()));
    return Finish(work);
  }
  DropOvertaken(*work);
  // Its history is the newest, so it goes before those that wait.
  if (more) turns_.PutFirst(work->run_id(), MakeWork(std::move(*response.mutable_workflow_task())));
  Finish(work);
}

/// Attempts of the task that has just been completed: the server has long given them up.
void WorkflowTaskRunner::DropOvertaken(const Work& work) {
  const auto overtaken = turns_.Drop(work.run_id(), [&](const Work& waiting) {
    return !waiting.task.has_query() && waiting.task.previous_started_event_id() < work.task.started_event_id();
  });
  for (const auto& each : overtaken) {
    ++stats_.overtaken;
    Finish(each);
  }
}

void WorkflowTaskRunner::Answer(const std::shared_ptr<Work>& work, ws::RespondWorkflowTaskFailedRequest request) {
  environment_.log(LogLevel::kWarning, "a workflow task of " + NameOf(work->task) + " (" +
                                           work->task.workflow_type().name() +
                                           ") failed: " + enums::WorkflowTaskFailedCause_Name(request.cause()) + ": " +
                                           request.failure().message());
  request.set_task_token(work->task.task_token());
  request.set_namespace_(options_.ns);
  request.set_identity(options_.identity);
  CallWithRetries(environment_, weak_from_this(), "RespondWorkflowTaskFailed",
                  std::make_shared<ws::RespondWorkflowTaskFailedRequest>(std::move(request)),
                  {.give_up_at = work->deadline}, [weak = weak_from_this(), work](const Result<std::string>& response) {
                    const auto self = weak.lock();
                    if (!self) return;
                    if (!response) return self->Refused(work, "RespondWorkflowTaskFailed", response.error());
                    ++self->stats_.failed;
                    if (self->Holds(work)) self->Evict(*work);
                    self->Finish(work);
                  });
}

void WorkflowTaskRunner::Answer(const std::shared_ptr<Work>& work, ws::RespondQueryTaskCompletedRequest request) {
  request.set_task_token(work->task.task_token());
  request.set_namespace_(options_.ns);
  CallWithRetries(environment_, weak_from_this(), "RespondQueryTaskCompleted",
                  std::make_shared<ws::RespondQueryTaskCompletedRequest>(std::move(request)),
                  {.give_up_at = work->deadline}, [weak = weak_from_this(), work](const Result<std::string>& response) {
                    const auto self = weak.lock();
                    if (!self) return;
                    if (!response && IsTooLarge(response.error())) {
                      // Its caller would wait in vain.  This answer is small, so it is not refused for its size again.
                      ws::RespondQueryTaskCompletedRequest failed;
                      failed.set_completed_type(enums::QUERY_RESULT_TYPE_FAILED);
                      failed.set_error_message("the answer is too large for the server: " + response.error().message);
                      return self->Answer(work, std::move(failed));
                    }
                    // A query changes nothing, so a caller that has gone is all that a refusal can mean.
                    if (response) ++self->stats_.queries;
                    self->Finish(work);
                  });
}

void WorkflowTaskRunner::Refused(const std::shared_ptr<Work>& work, const std::string& method, const Error& error) {
  ++stats_.refused;
  environment_.log(error.code == StatusCode::kNotFound ? LogLevel::kInfo : LogLevel::kWarning,
                   method + " for " + NameOf(work->task) + " did not succeed: " + error.ToString());
  // What the live workflow assumed may not be true; the server offers the task again, and history decides.
  if (Holds(work)) Evict(*work);
  Finish(work);
}

void WorkflowTaskRunner::Finish(const std::shared_ptr<Work>& work) {
  if (Holds(work)) PassOn(work->run_id());
  --running_;
  if (options_.on_slot_freed) options_.on_slot_freed();
}

}  // namespace wfe::worker
