#include "tools/bench/million_store.h"

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>

#include "engine/base/id_source.h"
#include "engine/base/serialize.h"
#include "engine/base/strand.h"
#include "engine/base/thread_loop.h"
#include "engine/frontend/engine.h"
#include "engine/storage/store.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"

namespace wfe::bench {
namespace {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;

constexpr std::string_view kService = "temporal.api.workflowservice.v1.WorkflowService";
constexpr int kCallsAtOnce = 256;

/// Hands the answer to a function, on the engine's thread.
class FillCall final : public frontend::ServerCall {
 public:
  explicit FillCall(Function<void(Result<std::string>)> done) : done_(std::move(done)) {}
  Instant Deadline() const override { return Instant::max(); }
  bool IsCancelled() const override { return false; }
  void OnCancel(Function<void()>) override {}
  void Reply(Result<std::string> response) override { done_(std::move(response)); }

 private:
  Function<void(Result<std::string>)> done_;
};

/// An engine over a store in a folder, on two threads of its own.
class FillEngine {
 public:
  Status Start(const std::string& directory) {
    storage::StoreOptions options;
    options.clock = &clock_;
    options.ids = &ids_;
    options.commit_thread = true;
    WFE_ASSIGN_OR_RETURN(store_, storage::Store::OpenDirectory(directory, options));
    std::vector<Executor*> shards;
    for (int i = 0; i < 4; ++i) shards.push_back(&strands_.emplace_back(loops_[i % 2]));
    const frontend::EngineHost host{.clock = clock_,
                                    .ids = ids_,
                                    .timers = loops_[0],
                                    .shard_executors = shards,
                                    .matching_executor = strands_.emplace_back(loops_[0]),
                                    .blocking_executor = strands_.emplace_back(loops_[1]),
                                    .store = *store_};
    engine_ = std::make_unique<frontend::Engine>(frontend::EngineOptions(), host);
    return engine_->Start();
  }

  Status Stop() {
    if (!engine_) return Ok();
    std::promise<void> stopped;
    engine_->Stop([&stopped] { stopped.set_value(); });
    stopped.get_future().wait();
    for (Strand& strand : strands_) strand.Close();
    engine_.reset();
    return store_->Close();
  }

  template <class Request>
  void Call(std::string_view method, const Request& request, Function<void(Result<std::string>)> done) {
    engine_->dispatcher().Dispatch(kService, method, Serialize(request),
                                   std::make_shared<FillCall>(std::move(done)));
  }

 private:
  SystemClock clock_;
  SystemIdSource ids_;
  ThreadLoop loops_[2];
  std::deque<Strand> strands_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<frontend::Engine> engine_;
};

/// How a run is left.
enum class Ending { kCompleted, kTimer, kActivity, kSignal, kWorkflowTask };

class Filler {
 public:
  explicit Filler(FillEngine& engine) : engine_(engine) {}

  /// Waits while too many runs are under way.  False when one has failed.
  bool Add(int64_t number, Ending ending) {
    {
      std::unique_lock lock(mutex_);
      ended_.wait(lock, [this] { return under_way_ < kCallsAtOnce; });
      if (!failure_) return false;
      ++under_way_;
    }
    ws::StartWorkflowExecutionRequest start;
    start.set_namespace_("default");
    start.set_workflow_id("order-" + std::to_string(number));
    start.mutable_workflow_type()->set_name("Order");
    start.mutable_task_queue()->set_name(std::string(kUnservedQueue));
    start.set_identity("bench");
    start.set_request_id(start.workflow_id());
    start.mutable_input()->add_payloads()->set_data(std::string(100, 'i'));
    start.set_request_eager_execution(ending != Ending::kWorkflowTask);
    engine_.Call("StartWorkflowExecution", start, [this, ending](const Result<std::string>& answer) {
      if (!answer) return Ended(answer.error());
      if (ending == Ending::kWorkflowTask) return Ended(Ok());
      ws::StartWorkflowExecutionResponse started;
      if (!started.ParseFromString(*answer) || !started.has_eager_workflow_task()) {
        return Ended(Internal("a start came back without its workflow task"));
      }
      Complete(started.eager_workflow_task(), ending);
    });
    return true;
  }

  Status Wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return under_way_ == 0; });
    return failure_;
  }

 private:
  void Complete(const ws::PollWorkflowTaskQueueResponse& task, Ending ending) {
    ws::RespondWorkflowTaskCompletedRequest completion;
    completion.set_namespace_("default");
    completion.set_task_token(task.task_token());
    completion.set_identity("bench");
    if (ending == Ending::kCompleted) {
      auto& command = *completion.add_commands();
      command.set_command_type(enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION);
      auto& attributes = *command.mutable_complete_workflow_execution_command_attributes();
      attributes.mutable_result()->add_payloads()->set_data(std::string(100, 'r'));
    } else if (ending == Ending::kTimer) {
      auto& command = *completion.add_commands();
      command.set_command_type(enums::COMMAND_TYPE_START_TIMER);
      auto& attributes = *command.mutable_start_timer_command_attributes();
      attributes.set_timer_id("1");
      attributes.mutable_start_to_fire_timeout()->set_seconds(86'400);
    } else if (ending == Ending::kActivity) {
      auto& command = *completion.add_commands();
      command.set_command_type(enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK);
      auto& attributes = *command.mutable_schedule_activity_task_command_attributes();
      attributes.set_activity_id("1");
      attributes.mutable_activity_type()->set_name("charge");
      attributes.mutable_task_queue()->set_name(std::string(kUnservedQueue));
      attributes.mutable_input()->add_payloads()->set_data(std::string(100, 'a'));
      attributes.mutable_start_to_close_timeout()->set_seconds(3600);
    }
    engine_.Call("RespondWorkflowTaskCompleted", completion, [this](const Result<std::string>& answer) {
      Ended(answer ? Ok() : Status(answer.error()));
    });
  }

  void Ended(Status status) {
    const std::lock_guard lock(mutex_);
    --under_way_;
    if (failure_ && !status) failure_ = std::move(status);
    ended_.notify_all();
  }

  FillEngine& engine_;
  std::mutex mutex_;
  std::condition_variable ended_;
  int under_way_ = 0;  // guarded by mutex_
  Status failure_;     // the first one; the same
};

}  // namespace

Status FillStore(const std::string& directory, const MillionRuns& runs,
                 const std::function<void(const std::string&)>& progress) {
  constexpr Ending kOpenOnes[] = {Ending::kTimer, Ending::kActivity, Ending::kSignal, Ending::kWorkflowTask};
  FillEngine engine;
  WFE_RETURN_IF_ERROR(engine.Start(directory));
  Filler filler(engine);
  const int64_t all = runs.closed + runs.open;
  int64_t open = 0;
  for (int64_t number = 0; number < all; ++number) {
    // The open runs lie evenly among all, and the last run is one.
    const bool is_open = (number + 1) * runs.open / all > open;
    if (!filler.Add(number, is_open ? kOpenOnes[open % 4] : Ending::kCompleted)) break;
    if (is_open) ++open;
    if ((number + 1) % 100'000 == 0) progress("million: " + std::to_string(number + 1) + " runs written");
  }
  Status filled = filler.Wait();
  Status stopped = engine.Stop();
  return filled ? std::move(stopped) : std::move(filled);
}

}  // namespace wfe::bench
