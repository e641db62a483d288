#include "workers/host/worker.h"

#include <algorithm>

#include <optional>

#include "engine/base/check.h"
#include "workers/host/activity_runner.h"
#include "workers/host/backoff.h"
#include "workers/host/poller.h"
#include "workers/host/retrying_call.h"
#include "workers/sdk/workflow_registry.h"

namespace wfe::worker {
namespace {

namespace enums = temporal::api::enums::v1;

class CoreHandler final : public TaskHandler {
 public:
  CoreHandler(const sdk::WorkflowRegistry& registry, core::HandlerOptions options)
      : handler_(registry, std::move(options)) {}
  core::TaskAnswer Handle(const ws::PollWorkflowTaskQueueResponse& task,
                          std::shared_ptr<const core::Acknowledgement> answered) override {
    return handler_.Handle(task, std::move(answered));
  }
  void Evict(const std::string& run_id) override { handler_.Evict(run_id); }

 private:
  core::WorkflowTaskHandler handler_;
};

}  // namespace

class Worker::Impl : public std::enable_shared_from_this<Worker::Impl> {
 public:
  Impl(Environment environment, ActivityExecutor& executor, const sdk::WorkflowRegistry& workflows,
       const sdk::ActivityRegistry& activities, WorkerOptions options, std::unique_ptr<TaskHandler> handler)
      : environment_(std::move(environment)),
        executor_(executor),
        workflows_(workflows),
        activities_(activities),
        options_(std::move(options)),
        handler_(std::move(handler)) {
    WFE_CHECK(!options_.task_queue.empty(), "a worker needs a task queue");
    if (!environment_.log) environment_.log = [](LogLevel, std::string_view) {};
    instance_ = environment_.ids.NewUuid();
    if (options_.max_cached_workflows > 0 && HasWorkflows()) sticky_queue_ = options_.identity + "-" + instance_;
  }

  void Init();
  void Start();
  void Shutdown(Function<void()> done);
  WorkerState state() const { return state_; }
  WorkerStats stats() const;
  const std::string& sticky_queue() const { return sticky_queue_; }

 private:
  bool HasWorkflows() const { return handler_ != nullptr || !workflows_.empty(); }
  void CheckServer();
  void CheckNamespace(const std::string& version);
  void TryAgain(const std::string& trouble, const std::optional<Error>& why);
  void StartPolling(const std::string& version);
  void AddWorkflowPollers(const std::string& queue, bool sticky, size_t count);
  void AddActivityPollers(const std::string& queue, size_t count);
  void AddPollers(Poller::Options options, size_t count);
  void WakePollers();
  size_t FreeActivitySlots() const;
  size_t EagerActivitySlots() const;
  void TellServer();
  void AfterChange();
  void StopNow();

  Environment environment_;
  ActivityExecutor& executor_;
  const sdk::WorkflowRegistry& workflows_;
  const sdk::ActivityRegistry& activities_;
  WorkerOptions options_;
  std::shared_ptr<TaskHandler> handler_;
  std::string instance_;
  std::string sticky_queue_;

  WorkerState state_ = WorkerState::kNew;
  std::string trouble_;  // What was said last while connecting.
  Backoff connect_backoff_{std::chrono::milliseconds(200), std::chrono::seconds(10)};
  std::shared_ptr<WorkflowTaskRunner> workflow_tasks_;
  std::shared_ptr<ActivityRunner> activity_tasks_;
  std::vector<std::shared_ptr<Poller>> pollers_;
  int eager_slots_ = 0;  // Set aside for activities that answers under way may bring.
  Function<void()> stopped_;
  bool server_told_ = false;
};

void Worker::Impl::Init() {
  const std::weak_ptr<Impl> weak = weak_from_this();
  if (handler_ == nullptr && HasWorkflows()) {
    core::HandlerOptions handler_options;
    handler_options.ns = options_.ns;
    handler_options.identity = options_.identity;
    handler_options.build_id = options_.build_id;
    handler_options.max_cached_workflows = options_.max_cached_workflows;
    handler_options.sticky_queue = sticky_queue_;
    handler_options.request_eager_activities = options_.eager_activities && !activities_.empty();
    handler_options.activity_queue = activities_.empty() ? "" : options_.task_queue;
    handler_options.log = [log = environment_.log, &strand = environment_.strand](
                              sdk::LogLevel level, const sdk::WorkflowInfo& info, std::string_view text) {
      if (level == sdk::LogLevel::kDebug) return;
      // Workflow code may run on a thread of its own; the log is called on the strand.
      strand.Post([log, level, line = "workflow " + info.workflow_id + ", run " + info.run_id + ": " + std::string(text)] {
        log(level == sdk::LogLevel::kInfo      ? LogLevel::kInfo
            : level == sdk::LogLevel::kWarning ? LogLevel::kWarning
                                               : LogLevel::kError,
            line);
      });
    };
    handler_ = std::make_shared<CoreHandler>(workflows_, std::move(handler_options));
  }
  const auto changed = [weak] {
    if (const auto self = weak.lock()) self->AfterChange();
  };
  activity_tasks_ = std::make_shared<ActivityRunner>(
      environment_, executor_, activities_,
      ActivityRunner::Options{.ns = options_.ns,
                              .identity = options_.identity,
                              .max_heartbeat_interval = options_.max_heartbeat_interval,
                              .default_heartbeat_interval = options_.default_heartbeat_interval,
                              .on_completion_acknowledged = options_.on_completion_acknowledged,
                              .result_cache = options_.result_cache,
                              .measures_usage = options_.measures_usage,
                              .on_slot_freed = changed});
  if (handler_ == nullptr) return;
  workflow_tasks_ = std::make_shared<WorkflowTaskRunner>(
      environment_, handler_,
      WorkflowTaskRunner::Options{.ns = options_.ns,
                                  .identity = options_.identity,
                                  .free_activity_slots =
                                      [weak] {
                                        const auto self = weak.lock();
                                        return self ? self->EagerActivitySlots() : 0;
                                      },
                                  .on_eager_activity =
                                      [weak](const ws::PollActivityTaskQueueResponse& task) {
                                        const auto self = weak.lock();
                                        if (self) self->activity_tasks_->Run(task, self->options_.task_queue);
                                      },
                                  .reserve_activity_slots =
                                      [weak](int slots) {
                                        if (const auto self = weak.lock()) self->eager_slots_ += slots;
                                      },
                                  .on_slot_freed = changed,
                                  .wants_more =
                                      [weak] {
                                        const auto self = weak.lock();
                                        return self && self->state_ == WorkerState::kRunning;
                                      },
                                  .slow_after = options_.slow_workflow_code});
}

void Worker::Impl::Start() {
  WFE_CHECK(environment_.strand.OnStrand());
  WFE_CHECK(state_ == WorkerState::kNew, "a worker starts once");
  state_ = WorkerState::kConnecting;
  CheckServer();
}

void Worker::Impl::CheckServer() {
  if (state_ != WorkerState::kConnecting) return;
  client::CallMethod<ws::GetSystemInfoResponse>(
      environment_.client, client::kWorkflowService, "GetSystemInfo", ws::GetSystemInfoRequest(),
      // Once it has said that nobody is there it waits for somebody.
      {.timeout = std::chrono::seconds(10),
       .executor = &environment_.strand,
       .waits_for_connection = !trouble_.empty()},
      [weak = weak_from_this()](Result<ws::GetSystemInfoResponse> info) {
        const auto self = weak.lock();
        if (!self || self->state_ != WorkerState::kConnecting) return;
        if (!info) return self->TryAgain("the server cannot be reached", info.error());
        self->CheckNamespace(info->server_version());
      });
}

void Worker::Impl::CheckNamespace(const std::string& version) {
  ws::DescribeNamespaceRequest request;
  request.set_namespace_(options_.ns);
  client::CallMethod<ws::DescribeNamespaceResponse>(
      environment_.client, client::kWorkflowService, "DescribeNamespace", request,
      {.timeout = std::chrono::seconds(10), .executor = &environment_.strand},
      [weak = weak_from_this(), version](const Result<ws::DescribeNamespaceResponse>& found) {
        const auto self = weak.lock();
        if (!self || self->state_ != WorkerState::kConnecting) return;
        if (found) return self->StartPolling(version);
        if (found.error().code == StatusCode::kNotFound) {
          return self->TryAgain("namespace " + self->options_.ns + " does not exist on the server", std::nullopt);
        }
        self->TryAgain("namespace " + self->options_.ns + " cannot be described", found.error());
      });
}

void Worker::Impl::TryAgain(const std::string& trouble, const std::optional<Error>& why) {
  // Said once, however its reason is worded next time.
  if (trouble_ != trouble) {
    trouble_ = trouble;
    environment_.log(LogLevel::kError, "worker " + options_.identity + " waits: " + trouble +
                                           (why ? " (" + why->ToString() + ")" : ""));
  }
  environment_.timers.After(connect_backoff_.Next(environment_.ids), environment_.strand, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->CheckServer();
  });
}

void Worker::Impl::StartPolling(const std::string& version) {
  state_ = WorkerState::kRunning;
  environment_.log(LogLevel::kInfo, "worker " + options_.identity + " serves queue " + options_.task_queue +
                                        " of namespace " + options_.ns + ", server " + version);
  if (workflow_tasks_ != nullptr) {
    if (!sticky_queue_.empty()) AddWorkflowPollers(sticky_queue_, true, options_.sticky_pollers);
    AddWorkflowPollers(options_.task_queue, false, options_.workflow_pollers);
  }
  if (!activities_.empty()) {
    AddActivityPollers(options_.task_queue, options_.activity_pollers);
    for (const std::string& queue : options_.extra_activity_queues)
      AddActivityPollers(queue, options_.activity_pollers);
  }
  WakePollers();
}

void Worker::Impl::AddWorkflowPollers(const std::string& queue, bool sticky, size_t count) {
  auto request = std::make_shared<ws::PollWorkflowTaskQueueRequest>();
  request->set_namespace_(options_.ns);
  request->mutable_task_queue()->set_name(queue);
  request->mutable_task_queue()->set_kind(sticky ? enums::TASK_QUEUE_KIND_STICKY : enums::TASK_QUEUE_KIND_NORMAL);
  if (sticky) request->mutable_task_queue()->set_normal_name(options_.task_queue);
  request->set_identity(options_.identity);
  request->set_binary_checksum(options_.build_id);
  request->set_worker_instance_key(instance_);
  const std::weak_ptr<Impl> weak = weak_from_this();
  AddPollers({.method = "PollWorkflowTaskQueue",
              .description = "workflow tasks of queue " + queue,
              .request = std::move(request),
              .may_poll =
                  [weak](size_t polls_out) {
                    const auto self = weak.lock();
                    return self && self->state_ == WorkerState::kRunning &&
                           self->workflow_tasks_->running() + polls_out < self->options_.max_concurrent_workflow_tasks;
                  },
              .on_answer =
                  [weak](const std::string& bytes) {
                    const auto self = weak.lock();
                    ws::PollWorkflowTaskQueueResponse task;
                    if (!self || !task.ParseFromString(bytes) || task.task_token().empty()) return false;
                    self->workflow_tasks_->Run(std::move(task));
                    return true;
                  }},
             count);
}

void Worker::Impl::AddActivityPollers(const std::string& queue, size_t count) {
  auto request = std::make_shared<ws::PollActivityTaskQueueRequest>();
  request->set_namespace_(options_.ns);
  request->mutable_task_queue()->set_name(queue);
  request->mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  request->set_identity(options_.identity);
  request->set_worker_instance_key(instance_);
  const std::weak_ptr<Impl> weak = weak_from_this();
  AddPollers({.method = "PollActivityTaskQueue",
              .description = "activity tasks of queue " + queue,
              .request = std::move(request),
              .may_poll =
                  [weak](size_t polls_out) {
                    // A poll out may bring a task, so it counts; per queue, or one queue could starve another.
                    const auto self = weak.lock();
                    return self && self->state_ == WorkerState::kRunning && self->FreeActivitySlots() > polls_out;
                  },
              .on_answer =
                  [weak, queue](const std::string& bytes) {
                    const auto self = weak.lock();
                    ws::PollActivityTaskQueueResponse task;
                    if (!self || !task.ParseFromString(bytes) || task.task_token().empty()) return false;
                    self->activity_tasks_->Run(task, queue);
                    return true;
                  }},
             count);
}

void Worker::Impl::AddPollers(Poller::Options options, size_t count) {
  options.on_stopped = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->AfterChange();
  };
  for (size_t i = 0; i < count; ++i) pollers_.push_back(std::make_shared<Poller>(environment_, options));
}

void Worker::Impl::WakePollers() {
  for (const auto& poller : pollers_) poller->Wake();
}

size_t Worker::Impl::FreeActivitySlots() const {
  const size_t used = activity_tasks_->running() + static_cast<size_t>(eager_slots_);
  return used < options_.max_concurrent_activities ? options_.max_concurrent_activities - used : 0;
}

/// Not all of the free ones: an answer comes by a slot before any poll does, so that under load tasks which wait in a
/// queue, such as those of a host's own, would never be polled for.
size_t Worker::Impl::EagerActivitySlots() const {
  const size_t slots = options_.max_concurrent_activities;
  const size_t kept = slots > 1 ? std::max<size_t>(1, slots / 8) : 0;
  const size_t free = FreeActivitySlots();
  return free > kept ? free - kept : 0;
}

void Worker::Impl::Shutdown(Function<void()> done) {
  WFE_CHECK(environment_.strand.OnStrand());
  WFE_CHECK(state_ != WorkerState::kDraining && state_ != WorkerState::kStopped, "a worker is shut down once");
  const bool was_running = state_ == WorkerState::kRunning;
  state_ = WorkerState::kDraining;
  stopped_ = std::move(done);
  for (const auto& poller : pollers_) poller->Stop();
  environment_.log(LogLevel::kInfo, "worker " + options_.identity + " drains: " +
                                        std::to_string(activity_tasks_->running()) + " activities are running");
  environment_.timers.After(options_.drain_timeout, environment_.strand, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && self->state_ == WorkerState::kDraining) self->activity_tasks_->CancelAll(CancelReason::kWorkerStopping);
  });
  environment_.timers.After(
      options_.drain_timeout + options_.cancel_grace, environment_.strand, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || self->state_ != WorkerState::kDraining) return;
        self->environment_.log(LogLevel::kWarning, "worker " + self->options_.identity + " stops with " +
                                                       std::to_string(self->activity_tasks_->running()) +
                                                       " activities unfinished");
        self->StopNow();
      });
  if (was_running) return TellServer();
  server_told_ = true;
  AfterChange();
}

/// The server then offers this worker's workflows on the ordinary queue at once (pitfall: else after 10 s each, S45).
void Worker::Impl::TellServer() {
  ws::ShutdownWorkerRequest request;
  request.set_namespace_(options_.ns);
  request.set_sticky_task_queue(sticky_queue_);
  request.set_identity(options_.identity);
  request.set_reason("graceful shutdown");
  request.set_worker_instance_key(instance_);
  request.set_task_queue(options_.task_queue);
  environment_.client.Call(client::kWorkflowService, "ShutdownWorker", request,
                           {.timeout = std::chrono::seconds(5), .executor = &environment_.strand},
                           [weak = weak_from_this()](const Result<std::string>& answer) {
                             const auto self = weak.lock();
                             if (!self) return;
                             // Older servers do not know it, and one that is gone does not need it.
                             if (!answer && answer.error().code != StatusCode::kUnimplemented) {
                               self->environment_.log(LogLevel::kWarning,
                                                      "ShutdownWorker did not succeed: " + answer.error().ToString());
                             }
                             self->server_told_ = true;
                             self->AfterChange();
                           });
}

void Worker::Impl::AfterChange() {
  if (state_ == WorkerState::kRunning) return WakePollers();
  if (state_ != WorkerState::kDraining || !server_told_) return;
  for (const auto& poller : pollers_) {
    // A task may be on its way to a cancelled poll; the server believes that it was delivered.
    if (poller->polling()) return;
  }
  if (activity_tasks_->running() > 0 || (workflow_tasks_ != nullptr && workflow_tasks_->running() > 0)) return;
  StopNow();
}

void Worker::Impl::StopNow() {
  state_ = WorkerState::kStopped;
  environment_.log(LogLevel::kInfo, "worker " + options_.identity + " has stopped");
  if (stopped_) environment_.strand.Post(std::move(stopped_));
}

WorkerStats Worker::Impl::stats() const {
  WorkerStats stats;
  if (workflow_tasks_ != nullptr) {
    const auto& workflow = workflow_tasks_->stats();
    stats.workflow_tasks_completed = workflow.completed;
    stats.workflow_tasks_failed = workflow.failed;
    stats.workflow_tasks_refused = workflow.refused;
    stats.queries_answered = workflow.queries;
    stats.history_fetches = workflow.history_fetches;
    stats.eager_activities = workflow.eager_activities;
    stats.slow_workflow_tasks = workflow.slow;
    stats.running_workflow_tasks = workflow_tasks_->running();
  }
  const auto& activity = activity_tasks_->stats();
  stats.activities_completed = activity.completed;
  stats.activities_failed = activity.failed;
  stats.activities_cancelled = activity.cancelled;
  stats.activities_refused = activity.refused;
  stats.activities_from_cache = activity.from_cache;
  stats.silent_activities = activity.silent;
  stats.running_activities = activity_tasks_->running();
  return stats;
}

Worker::Worker(Environment environment, ActivityExecutor& executor, const sdk::WorkflowRegistry& workflows,
               const sdk::ActivityRegistry& activities, WorkerOptions options, std::unique_ptr<TaskHandler> handler)
    : impl_(std::make_shared<Impl>(std::move(environment), executor, workflows, activities, std::move(options),
                                   std::move(handler))) {
  impl_->Init();
}
Worker::~Worker() = default;
void Worker::Start() { impl_->Start(); }
void Worker::Shutdown(Function<void()> done) { impl_->Shutdown(std::move(done)); }
WorkerState Worker::state() const { return impl_->state(); }
WorkerStats Worker::stats() const { return impl_->stats(); }
const std::string& Worker::sticky_queue() const { return impl_->sticky_queue(); }

}  // namespace wfe::worker
