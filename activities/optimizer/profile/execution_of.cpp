#include "activities/optimizer/profile/execution_of.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "activities/graph/recorded_result.h"
#include "activities/graph/records/payload_value.h"
#include "activities/graph/result_cost.h"
#include "engine/base/proto_time.h"
#include "engine/base/usage_meter.h"

namespace wfe::optimizer {
namespace {

using nlohmann::json;
using temporal::api::common::v1::Payloads;
using temporal::api::failure::v1::Failure;
using temporal::api::history::v1::History;
using temporal::api::history::v1::HistoryEvent;

int64_t MillisecondsOf(Instant instant) {
  return std::chrono::floor<std::chrono::milliseconds>(instant.time_since_epoch()).count();
}

/// "write" of "write", "write#2" and "write#2.7"; of a child's id only what its run has added counts.
std::string NodeOfCall(std::string_view id) {
  if (const size_t slash = id.rfind('/'); slash != std::string_view::npos) id.remove_prefix(slash + 1);
  return std::string(id.substr(0, id.find('#')));
}

bool IsOfOptimizer(std::string_view type) {
  return type == "chooseVersion" || type == "recordRun" || type == "recordExecution";
}

/// The type that the failure itself has, or the one of what it was caused by.
std::string ErrorTypeOf(const Failure& failure) {
  const Failure* at = &failure;
  for (int depth = 0; depth < 20; ++depth) {
    if (at->has_application_failure_info() && !at->application_failure_info().type().empty()) {
      return at->application_failure_info().type();
    }
    if (at->has_timeout_failure_info()) return "TIMED_OUT";
    if (at->has_canceled_failure_info()) return std::string(kRunCancelled);
    if (at->has_terminated_failure_info()) return "TERMINATED";
    if (!at->has_cause()) break;
    at = &at->cause();
  }
  return "unknown";
}

std::optional<double> NumberNote(const Payloads& payloads, const char* name) {
  const std::string text = graph::NoteOn(payloads, name);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !(number >= 0 && number < 1e12)) return std::nullopt;
  return number;
}

std::string MemberText(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Reads the events of one run, in their order.
/// What a step took is not what it gave: the same answer in another time is the same.
std::string HashOfOutput(json value) {
  if (value.is_object()) {
    for (const char* measured : {"duration_ms", "latency_ms"}) value.erase(measured);
  }
  return graph::InputHash(value);
}

class StepReader {
 public:
  StepReader(const HistoryEvent& started, bool is_graph) : is_graph_(is_graph) {
    begun_ms_ = MillisecondsOf(FromProto(started.event_time()));
  }

  void Read(const HistoryEvent& event) {
    const int64_t at = MillisecondsOf(FromProto(event.event_time())) - begun_ms_;
    using enum HistoryEvent::AttributesCase;
    switch (event.attributes_case()) {
      case kActivityTaskScheduledEventAttributes: {
        const auto& a = event.activity_task_scheduled_event_attributes();
        if (IsOfOptimizer(a.activity_type().name())) break;
        Open(event.event_id(), a.activity_id(), a.activity_type().name(), a.input(), at);
        break;
      }
      case kActivityTaskStartedEventAttributes: {
        const auto& a = event.activity_task_started_event_attributes();
        Began(a.scheduled_event_id(), at, std::max(1, a.attempt()));
        break;
      }
      case kActivityTaskCompletedEventAttributes: {
        const auto& a = event.activity_task_completed_event_attributes();
        EndedWell(a.scheduled_event_id(), a.result(), at);
        break;
      }
      case kActivityTaskFailedEventAttributes: {
        const auto& a = event.activity_task_failed_event_attributes();
        EndedBadly(a.scheduled_event_id(), ErrorTypeOf(a.failure()), at);
        break;
      }
      case kActivityTaskTimedOutEventAttributes:
        EndedBadly(event.activity_task_timed_out_event_attributes().scheduled_event_id(), "TIMED_OUT", at);
        break;
      case kActivityTaskCanceledEventAttributes:
        EndedBadly(event.activity_task_canceled_event_attributes().scheduled_event_id(), std::string(kRunCancelled),
                   at);
        break;
      default:
        ReadChild(event, at);
    }
  }

  /// What is open now ended with the run, at `at`, and nobody knows how it would have ended.
  std::vector<NodeRun> Finish(int64_t at) {
    for (const auto& [event, step] : open_) {
      NodeRun& run = steps_[step];
      run.duration_ms = std::max<int64_t>(0, at - run.start_ms);
      run.success = false;
      run.error_type = kRunCancelled;
    }
    return std::move(steps_);
  }

  int64_t tokens() const { return tokens_; }
  Money cost() const { return cost_; }

 private:
  void ReadChild(const HistoryEvent& event, int64_t at) {
    using enum HistoryEvent::AttributesCase;
    switch (event.attributes_case()) {
      case kStartChildWorkflowExecutionInitiatedEventAttributes: {
        const auto& a = event.start_child_workflow_execution_initiated_event_attributes();
        Open(event.event_id(), a.workflow_id(), a.workflow_type().name(), a.input(), at);
        break;
      }
      case kStartChildWorkflowExecutionFailedEventAttributes:
        EndedBadly(event.start_child_workflow_execution_failed_event_attributes().initiated_event_id(), "NOT_STARTED",
                   at);
        break;
      case kChildWorkflowExecutionStartedEventAttributes:
        Began(event.child_workflow_execution_started_event_attributes().initiated_event_id(), at, 1);
        break;
      case kChildWorkflowExecutionCompletedEventAttributes: {
        const auto& a = event.child_workflow_execution_completed_event_attributes();
        EndedWell(a.initiated_event_id(), a.result(), at);
        break;
      }
      case kChildWorkflowExecutionFailedEventAttributes: {
        const auto& a = event.child_workflow_execution_failed_event_attributes();
        EndedBadly(a.initiated_event_id(), ErrorTypeOf(a.failure()), at);
        break;
      }
      case kChildWorkflowExecutionTimedOutEventAttributes:
        EndedBadly(event.child_workflow_execution_timed_out_event_attributes().initiated_event_id(), "TIMED_OUT", at);
        break;
      case kChildWorkflowExecutionCanceledEventAttributes:
        EndedBadly(event.child_workflow_execution_canceled_event_attributes().initiated_event_id(),
                   std::string(kRunCancelled), at);
        break;
      case kChildWorkflowExecutionTerminatedEventAttributes:
        EndedBadly(event.child_workflow_execution_terminated_event_attributes().initiated_event_id(), "TERMINATED", at);
        break;
      default:
        break;
    }
  }

  void Open(int64_t event, const std::string& id, const std::string& type, const Payloads& input, int64_t at) {
    NodeRun& step = steps_.emplace_back();
    step.node = is_graph_ ? NodeOfCall(id) : type;
    step.activity = type;
    step.start_ms = at;
    begun_.push_back(at);
    const std::optional<json> value = graph::ValueOf(input);
    if (value) {
      step.input_sha256 = graph::InputHash(*value);
      if (value->is_object()) {
        step.tool = MemberText(*value, "tool");
        step.model = MemberText(*value, "model");
      }
    }
    open_[event] = steps_.size() - 1;
  }

  void Began(int64_t event, int64_t at, int attempt) {
    const auto found = open_.find(event);
    if (found == open_.end()) return;
    begun_[found->second] = at;
    steps_[found->second].attempts = attempt;
  }

  NodeRun* Close(int64_t event, int64_t at) {
    const auto found = open_.find(event);
    if (found == open_.end()) return nullptr;
    NodeRun& step = steps_[found->second];
    step.duration_ms = std::max<int64_t>(0, at - step.start_ms);
    step.busy_ms = std::max<int64_t>(0, at - begun_[found->second]);
    open_.erase(found);
    return &step;
  }

  void EndedBadly(int64_t event, std::string error_type, int64_t at) {
    NodeRun* step = Close(event, at);
    if (step == nullptr) return;
    step->success = false;
    step->error_type = std::move(error_type);
  }

  void EndedWell(int64_t event, const Payloads& result, int64_t at) {
    NodeRun* step = Close(event, at);
    if (step == nullptr) return;
    const std::optional<json> value = graph::ValueOf(result);
    if (value) step->output_sha256 = HashOfOutput(*value);
    step->cache_hit = graph::NoteOn(result, "wfe-cache") == "hit";
    step->cpu_ms = NumberNote(result, kCpuNote);
    step->memory_mb = NumberNote(result, kMemoryNote);
    if (!value || step->cache_hit) return;  // what came from a cache was paid before
    const graph::ResultCost cost = graph::CostOf(*value);
    step->cost_usd = cost.cost_usd.usd();
    step->input_tokens = cost.input_tokens;
    step->output_tokens = cost.output_tokens;
    tokens_ += cost.tokens;
    cost_ = cost_.PlusAtMost(cost.cost_usd);
  }

  const bool is_graph_;
  int64_t begun_ms_ = 0;
  std::vector<NodeRun> steps_;
  std::vector<int64_t> begun_;                // by step: when its last attempt began
  std::unordered_map<int64_t, size_t> open_;  // by the event that opened it
  int64_t tokens_ = 0;
  Money cost_;
};

/// How the run ended, as its last event says; an error: none that counts.
Result<RunEnd> EndOfRun(const HistoryEvent& last, const std::string& run) {
  RunEnd end{.at = FromProto(last.event_time()), .success = false, .error_type = {}};
  using enum HistoryEvent::AttributesCase;
  switch (last.attributes_case()) {
    case kWorkflowExecutionCompletedEventAttributes:
      end.success = true;
      return end;
    case kWorkflowExecutionFailedEventAttributes:
      end.error_type = ErrorTypeOf(last.workflow_execution_failed_event_attributes().failure());
      return end;
    case kWorkflowExecutionTimedOutEventAttributes:
      end.error_type = "TIMED_OUT";
      return end;
    case kWorkflowExecutionCanceledEventAttributes:
      return FailedPrecondition(run + " was cancelled, and does not say how long it takes");
    case kWorkflowExecutionTerminatedEventAttributes:
      return FailedPrecondition(run + " was terminated, and does not say how long it takes");
    case kWorkflowExecutionContinuedAsNewEventAttributes:
      return FailedPrecondition(run + " continued as new, and is only a part of an execution");
    default:
      return FailedPrecondition(run + " is still open");
  }
}

/// What the input of a run is to be known by.
json InputStateOf(const json& input) {
  const std::string text = input.dump(-1, ' ', false, json::error_handler_t::replace);
  return {{"sha256", graph::InputHash(input)}, {"bytes", text.size()}};
}

/// The input that the definition gets; of a run of a graph that is the state, and `graph` is what the graph is called.
struct RunInput {
  json value;
  std::string graph;
  bool dry_run = false;
};
RunInput InputOfRun(const std::optional<json>& value, bool is_graph) {
  if (!value) return {};
  if (!is_graph || !value->is_object()) return {.value = *value, .graph = {}};
  RunInput input{.value = value->value("state", json::object()), .graph = {}};
  if (const auto graph = value->find("graph"); graph != value->end() && graph->is_object()) {
    input.graph = MemberText(*graph, "id");
  } else {
    input.graph = MemberText(*value, "workflow_id");  // of a managed one
  }
  const auto dry_run = value->find("dry_run");
  input.dry_run = dry_run != value->end() && !dry_run->is_null();
  return input;
}

/// What the result says of its own quality: "quality", from 0 to 1, at the top or among the outputs of a graph.
std::optional<double> QualityOf(const HistoryEvent& last) {
  if (!last.has_workflow_execution_completed_event_attributes()) return std::nullopt;
  const std::optional<json> result = graph::ValueOf(last.workflow_execution_completed_event_attributes().result());
  if (!result || !result->is_object()) return std::nullopt;
  for (const json& said : {*result, result->value("outputs", json::object())}) {
    if (!said.is_object()) continue;
    const auto quality = said.find("quality");
    if (quality == said.end() || !quality->is_number()) continue;
    const auto number = quality->get<double>();
    if (number >= 0 && number <= 1) return number;
  }
  return std::nullopt;
}

/// The same steps as short as a table of tool calls needs them.
json ToolCallsOf(const std::vector<NodeRun>& steps) {
  json calls = json::array();
  for (const NodeRun& step : steps) {
    json call = {{"node", step.node}, {"tool", step.ToolId()}, {"input_sha256", step.input_sha256}};
    if (!step.output_sha256.empty()) call["output_sha256"] = step.output_sha256;
    if (step.cache_hit) call["cache_hit"] = true;
    calls.push_back(std::move(call));
  }
  return calls;
}

}  // namespace

Result<delivery::ExecutionRecord> ExecutionOf(const History& history, const ExecutionOptions& options) {
  if (history.events_size() == 0 || !history.events(0).has_workflow_execution_started_event_attributes()) {
    return InvalidArgument("the history does not begin with the beginning of a run");
  }
  const HistoryEvent& first = history.events(0);
  const HistoryEvent& last = history.events(history.events_size() - 1);
  const auto& started = first.workflow_execution_started_event_attributes();
  const std::string& type = started.workflow_type().name();
  const bool is_graph = type == kGraphRunType;

  delivery::ExecutionRecord record;
  record.workflow_run_id = options.run_id.empty() ? started.original_execution_run_id() : options.run_id;
  const std::string run = "run " + record.workflow_run_id;
  const RunInput input = InputOfRun(graph::ValueOf(started.input()), is_graph);
  if (input.dry_run) return FailedPrecondition(run + " is a dry run: its results were recorded before");
  WFE_ASSIGN_OR_RETURN(const RunEnd end, options.end ? Result<RunEnd>(*options.end) : EndOfRun(last, run));

  StepReader reader(first, is_graph);
  for (const HistoryEvent& event : history.events()) reader.Read(event);
  const Instant begun = FromProto(first.event_time());
  const int64_t duration_ms = std::max<int64_t>(0, MillisecondsOf(end.at) - MillisecondsOf(begun));
  const std::vector<NodeRun> steps = reader.Finish(duration_ms);

  record.workflow_id = !options.workflow_id.empty() ? options.workflow_id : !input.graph.empty() ? input.graph : type;
  record.version_id = options.version_id;
  record.input_state = InputStateOf(input.value);
  record.context = {{"workflow_type", type}};
  if (!end.success) record.context["error_type"] = end.error_type.empty() ? "unknown" : end.error_type;
  record.nodes = steps;
  record.tool_calls = ToolCallsOf(steps);
  record.started_at = FormatIso8601Millis(begun);
  record.duration_ms = duration_ms;
  record.tokens = reader.tokens();
  record.cost_usd = reader.cost().usd();
  record.success = end.success;
  record.quality = QualityOf(last);
  return record;
}

}  // namespace wfe::optimizer
