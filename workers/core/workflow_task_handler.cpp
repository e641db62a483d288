#include "workers/core/workflow_task_handler.h"

#include <optional>
#include <utility>

#include "engine/base/proto_time.h"
#include "engine/base/serialize.h"
#include "workers/core/builtin_queries.h"
#include "workers/core/failure_codec.h"
#include "workers/core/payload_codec.h"
#include "workers/core/run_cache.h"
#include "workers/core/update_rejection.h"
#include "workers/core/workflow_machine.h"

namespace wfe::core {

namespace {

constexpr const char* kSdkName = "wfe-cpp";
constexpr const char* kSdkVersion = "0.1.0";

/// Where in the task's history the machine goes on; nullopt: this task does not continue that machine.
std::optional<int> Continuation(const WorkflowMachine& machine, const ws::PollWorkflowTaskQueueResponse& task) {
  // A task that was answered, but whose answer never counted, shows as another previous task.
  const bool query_without_id = task.has_query() && task.previous_started_event_id() == 0;
  if (!query_without_id && task.previous_started_event_id() != machine.last_run_task()) return std::nullopt;
  const auto& events = task.history().events();
  for (int i = 0; i < events.size(); ++i) {
    // The same task may have been run by somebody else, too, and it is their answer that counted.
    if (events[i].event_id() == machine.last_run_task() && !machine.IsLastRunTask(events[i])) return std::nullopt;
    if (events[i].event_id() == machine.last_event_id() + 1) return i;
  }
  // Nothing new: right for a query, and for nothing else.
  const bool up_to_date = events.empty() || events[events.size() - 1].event_id() == machine.last_event_id();
  if (task.has_query() && up_to_date) return events.size();
  return std::nullopt;
}

}  // namespace

class WorkflowTaskHandler::Impl {
 public:
  Impl(const sdk::WorkflowRegistry& registry, HandlerOptions options)
      : registry_(registry), options_(std::move(options)), cache_(options_.max_cached_workflows) {}

  TaskAnswer Handle(const ws::PollWorkflowTaskQueueResponse& task, std::shared_ptr<const Acknowledgement> answered) {
    const std::string& run_id = task.workflow_execution().run_id();
    const bool live = !task.has_query();
    if (!IsComplete(task)) return NeedFullHistory{};
    RunCache::Entry run = cache_.Take(run_id);
    int first = 0;
    bool replayed = false;
    if (run.machine != nullptr) {
      const std::optional<int> next = run.Trusted() ? Continuation(*run.machine, task) : std::nullopt;
      if (next.has_value()) {
        first = *next;
        ++stats_.sticky_hits;
      } else {
        run = {};
      }
    }
    if (run.machine == nullptr) {
      const auto& events = task.history().events();
      if (events.empty() || events[0].event_id() != 1) return NeedFullHistory{};
      run.machine = std::make_unique<WorkflowMachine>(registry_, OptionsFor(task));
      replayed = true;
      if (task.previous_started_event_id() != 0 || !live) ++stats_.replays;
    }
    WorkflowMachine* const machine = run.machine.get();
    if (const std::optional<Stop> stop = machine->Feed(task.history().events(), first, live)) {
      return live ? TaskAnswer(Fail(task, *stop)) : TaskAnswer(FailQuery(task, *stop));
    }
    TaskAnswer answer = live ? AnswerTask(task, *machine, replayed) : TaskAnswer(AnswerQuery(task, *machine));
    if (std::holds_alternative<ws::RespondWorkflowTaskFailedRequest>(answer)) return answer;
    // A query may have shown events of a task that is not ours to run.
    const bool reusable = live || task.history().events().empty() || !EndsInOpenTask(task);
    // Whoever gives none does not say whether the answer counted.
    if (live) run.answered = answered != nullptr ? std::move(answered) : std::make_shared<Acknowledgement>();
    if (!machine->closed() && !machine->ended() && reusable) {
      stats_.forced_evictions += cache_.Put(run_id, std::move(run));
    }
    return answer;
  }

  void Evict(const std::string& run_id) { cache_.Take(run_id); }

  Stats stats() const {
    Stats stats = stats_;
    stats.cached = cache_.size();
    return stats;
  }

 private:
  static bool EndsInOpenTask(const ws::PollWorkflowTaskQueueResponse& task) {
    const auto& events = task.history().events();
    return events[events.size() - 1].event_type() == temporal::api::enums::v1::EVENT_TYPE_WORKFLOW_TASK_STARTED;
  }

  /// All events that the answer may depend on are there.
  static bool IsComplete(const ws::PollWorkflowTaskQueueResponse& task) {
    const auto& events = task.history().events();
    if (task.has_query()) return task.next_page_token().empty();
    return !events.empty() && events[events.size() - 1].event_id() == task.started_event_id();
  }

  MachineOptions OptionsFor(const ws::PollWorkflowTaskQueueResponse& task) const {
    return {.ns = options_.ns,
            .workflow_id = task.workflow_execution().workflow_id(),
            .run_id = task.workflow_execution().run_id(),
            .only_replay = false,
            .eager_activity_queue = options_.request_eager_activities ? options_.activity_queue : "",
            .log = options_.log};
  }

  TaskAnswer AnswerTask(const ws::PollWorkflowTaskQueueResponse& task, WorkflowMachine& machine, bool replayed) const {
    Result<std::vector<command_pb::Command>> commands = machine.Commands();
    if (!commands.has_value()) {
      return Fail(task, TaskFailure{.type = "UnencodableValue", .message = commands.error().message});
    }
    ws::RespondWorkflowTaskCompletedRequest answer;
    answer.set_task_token(task.task_token());
    answer.set_identity(options_.identity);
    answer.set_namespace_(options_.ns);
    answer.set_binary_checksum(options_.build_id);
    answer.set_return_new_workflow_task(true);
    for (command_pb::Command& command : commands.value()) *answer.add_commands() = std::move(command);
    if (!options_.sticky_queue.empty() && options_.max_cached_workflows > 0) {
      auto& sticky = *answer.mutable_sticky_attributes();
      sticky.mutable_worker_task_queue()->set_name(options_.sticky_queue);
      sticky.mutable_worker_task_queue()->set_kind(temporal::api::enums::v1::TASK_QUEUE_KIND_STICKY);
      sticky.mutable_worker_task_queue()->set_normal_name(machine.info().task_queue);
      *sticky.mutable_schedule_to_start_timeout() = ToProto(options_.sticky_schedule_to_start_timeout);
    }
    if (replayed) {  // once per worker that serves the run: it is stored in every event that carries it
      answer.mutable_sdk_metadata()->set_sdk_name(kSdkName);
      answer.mutable_sdk_metadata()->set_sdk_version(kSdkVersion);
    }
    for (const auto* const entry : InOrder(task.queries())) {
      (*answer.mutable_query_results())[entry->first] = RunQuery(machine, entry->second);
    }
    RejectUpdates(task, answer);
    return answer;
  }

  ws::RespondWorkflowTaskFailedRequest Fail(const ws::PollWorkflowTaskQueueResponse& task, const Stop& stop) const {
    ws::RespondWorkflowTaskFailedRequest answer;
    answer.set_task_token(task.task_token());
    answer.set_identity(options_.identity);
    answer.set_namespace_(options_.ns);
    answer.set_binary_checksum(options_.build_id);
    const auto [cause, failure] = Explain(stop);
    answer.set_cause(cause);
    *answer.mutable_failure() = failure;
    return answer;
  }

  static std::pair<enums::WorkflowTaskFailedCause, failure_pb::Failure> Explain(const Stop& stop) {
    if (const auto* divergence = std::get_if<Divergence>(&stop)) {
      return {enums::WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
              MakeFailure(divergence->ToString(), "NonDeterministicError")};
    }
    const auto& failure = std::get<TaskFailure>(stop);
    return {failure.cause, MakeFailure(failure.message, failure.type)};
  }

  static temporal::api::query::v1::WorkflowQueryResult RunQuery(WorkflowMachine& machine,
                                                                const temporal::api::query::v1::WorkflowQuery& query) {
    temporal::api::query::v1::WorkflowQueryResult result;
    if (auto built_in = AnswerBuiltInQuery(machine, query.query_type())) {
      if (!built_in->has_value()) return FailedQuery(built_in->error().message);
      result.set_result_type(enums::QUERY_RESULT_TYPE_ANSWERED);
      *result.mutable_answer() = *std::move(*built_in);
      return result;
    }
    const Result<nlohmann::json> input = DecodePayloads(query.query_args());
    Result<nlohmann::json> answer =
        input.has_value() ? machine.Query(query.query_type(), input.value()) : Result<nlohmann::json>(input.error());
    if (answer.has_value()) {
      try {
        *result.mutable_answer() = EncodePayloads(answer.value());
        result.set_result_type(enums::QUERY_RESULT_TYPE_ANSWERED);
      } catch (const nlohmann::json::exception& e) {
        answer = InvalidArgument("the answer to " + query.query_type() + " is not JSON: " + e.what());
      }
    }
    return answer.has_value() ? result : FailedQuery(answer.error().message);
  }

  static temporal::api::query::v1::WorkflowQueryResult FailedQuery(const std::string& message) {
    temporal::api::query::v1::WorkflowQueryResult result;
    result.set_result_type(enums::QUERY_RESULT_TYPE_FAILED);
    result.set_error_message(message);
    *result.mutable_failure() = MakeFailure(message, "QueryFailed");
    return result;
  }

  ws::RespondQueryTaskCompletedRequest QueryAnswer(const ws::PollWorkflowTaskQueueResponse& task) const {
    ws::RespondQueryTaskCompletedRequest answer;
    answer.set_task_token(task.task_token());
    answer.set_namespace_(options_.ns);
    answer.set_poller_group_id(task.poller_group_id());
    return answer;
  }

  ws::RespondQueryTaskCompletedRequest AnswerQuery(const ws::PollWorkflowTaskQueueResponse& task,
                                                   WorkflowMachine& machine) const {
    ws::RespondQueryTaskCompletedRequest answer = QueryAnswer(task);
    temporal::api::query::v1::WorkflowQueryResult result = RunQuery(machine, task.query());
    answer.set_completed_type(result.result_type());
    if (result.has_answer()) *answer.mutable_query_result() = result.answer();
    answer.set_error_message(result.error_message());
    if (result.has_failure()) *answer.mutable_failure() = result.failure();
    return answer;
  }

  ws::RespondQueryTaskCompletedRequest FailQuery(const ws::PollWorkflowTaskQueueResponse& task,
                                                 const Stop& stop) const {
    ws::RespondQueryTaskCompletedRequest answer = QueryAnswer(task);
    const auto [cause, failure] = Explain(stop);
    answer.set_completed_type(enums::QUERY_RESULT_TYPE_FAILED);
    answer.set_error_message(failure.message());
    answer.set_cause(cause);
    *answer.mutable_failure() = failure;
    return answer;
  }

  const sdk::WorkflowRegistry& registry_;
  const HandlerOptions options_;
  RunCache cache_;
  Stats stats_;
};

WorkflowTaskHandler::WorkflowTaskHandler(const sdk::WorkflowRegistry& registry, HandlerOptions options)
    : impl_(std::make_unique<Impl>(registry, std::move(options))) {}
WorkflowTaskHandler::~WorkflowTaskHandler() = default;
TaskAnswer WorkflowTaskHandler::Handle(const ws::PollWorkflowTaskQueueResponse& task,
                                       std::shared_ptr<const Acknowledgement> answered) {
  return impl_->Handle(task, std::move(answered));
}
void WorkflowTaskHandler::Evict(const std::string& run_id) { impl_->Evict(run_id); }
WorkflowTaskHandler::Stats WorkflowTaskHandler::stats() const { return impl_->stats(); }

}  // namespace wfe::core
