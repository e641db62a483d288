#include "tests/history/script.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "engine/base/proto_time.h"
#include "engine/history/names.h"

namespace wfe::history {
namespace {

/// "1500ms", "10s", "2m", "1h".
Duration ParseTime(const std::string& text) {
  size_t end = 0;
  const int64_t number = std::stoll(text, &end);
  const std::string unit = text.substr(end);
  if (unit == "ms") return std::chrono::milliseconds(number);
  if (unit == "s") return std::chrono::seconds(number);
  if (unit == "m") return std::chrono::minutes(number);
  if (unit == "h") return std::chrono::hours(number);
  throw std::invalid_argument("no such unit of time: " + text);
}

std::string FormatTime(Duration time) {
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  std::string text = (millis < 0 ? "-" : "+") + std::to_string(std::abs(millis) / 1000);
  if (millis % 1000 != 0) {
    std::string fraction = std::to_string(1000 + std::abs(millis) % 1000).substr(1);
    while (fraction.back() == '0') fraction.pop_back();
    text += "." + fraction;
  }
  return text + "s";
}

std::string Json(const google::protobuf::Message& message) {
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  EXPECT_TRUE(status.ok());
  return json;
}

/// The one attributes message of the event.
const google::protobuf::Message& Attributes(const HistoryEvent& event) {
  const auto* reflection = event.GetReflection();
  const auto* oneof = event.GetDescriptor()->FindOneofByName("attributes");
  const auto* field = reflection->GetOneofFieldDescriptor(event, oneof);
  return reflection->GetMessage(event, field);
}

std::string Show(const Execution& execution, const std::vector<HistoryEvent>& events) {
  const Instant zero{std::chrono::seconds(1'700'000'000)};
  (void)execution;
  std::string text;
  for (const HistoryEvent& event : events) {
    text += std::to_string(event.event_id()) + " " + FormatTime(FromProto(event.event_time()) - zero) + " " +
            TypeName(event) + " " + Json(Attributes(event)) + "\n";
  }
  return text;
}

struct ShowEffect {
  std::string operator()(const OfferWorkflowTask& offer) const {
    return "-> offer workflow task " + std::to_string(offer.scheduled_event_id) + " attempt " +
           std::to_string(offer.attempt) + " on " + offer.queue + (offer.sticky ? " (sticky)" : "");
  }
  std::string operator()(const OfferActivityTask& offer) const {
    return "-> offer activity " + std::to_string(offer.scheduled_event_id) + " attempt " +
           std::to_string(offer.attempt) + " on " + offer.queue;
  }
  std::string operator()(const DeliverEagerActivity& eager) const {
    return "-> deliver activity " + std::to_string(eager.scheduled_event_id) + " attempt " +
           std::to_string(eager.attempt);
  }
  std::string operator()(const RunClosed& closed) const {
    return "-> run closed" + (closed.new_run_id.empty() ? "" : ", followed by " + closed.new_run_id);
  }
};

std::string ShowEffects(const std::vector<Effect>& effects) {
  std::string text;
  for (const Effect& effect : effects) text += std::visit(ShowEffect{}, effect) + "\n";
  return text;
}

std::string ShowStep(const Execution& execution) {
  if (execution.error().has_value()) return execution.error()->ToString() + "\n";
  const Transition& last = execution.last();
  std::string text = Show(execution, last.events);
  if (!execution.refusal().empty()) text += "refused: " + execution.refusal() + "\n";
  if (last.cancel_requested) text += "cancel requested\n";
  for (const Obligation& owed : last.owed) text += "owes " + Json(owed) + "\n";
  text += ShowEffects(last.effects);
  if (last.new_run != nullptr) {
    text += "new run:\n" + Show(execution, last.new_run->events) + ShowEffects(last.new_run->effects);
  }
  if (!last.needs_commit) text += "nothing to commit\n";
  for (const HistoryEvent& event : execution.state().buffer().events) {
    text += "buffered: " + TypeName(event) + "\n";
  }
  if (const auto deadline = NextDeadline(execution.state())) {
    text += "next deadline " + FormatTime(*deadline - Instant(std::chrono::seconds(1'700'000'000))) + "\n";
  }
  return text;
}

void SetRetry(const Words& words, common::RetryPolicy& policy) {
  if (words.Has("max_attempts")) policy.set_maximum_attempts(std::stoi(words.Get("max_attempts")));
  if (const auto initial = words.Time("initial")) *policy.mutable_initial_interval() = ToProto(*initial);
  if (words.Has("coefficient")) policy.set_backoff_coefficient(std::stod(words.Get("coefficient")));
  if (words.Has("non_retryable")) policy.add_non_retryable_error_types(words.Get("non_retryable"));
}

bool NamesRetry(const Words& words) {
  return words.Has("max_attempts") || words.Has("initial") || words.Has("coefficient") || words.Has("non_retryable");
}

command::Command ParseCommand(const std::string& line) {
  const Words words = Split(line);
  command::Command made;
  if (words.verb == "activity") {
    made = Schedule(words.Bare(0), words.Time("start_to_close").value_or(Duration::zero()));
    auto& attributes = *made.mutable_schedule_activity_task_command_attributes();
    if (auto t = words.Time("schedule_to_close")) *attributes.mutable_schedule_to_close_timeout() = ToProto(*t);
    if (auto t = words.Time("schedule_to_start")) *attributes.mutable_schedule_to_start_timeout() = ToProto(*t);
    if (auto t = words.Time("heartbeat")) *attributes.mutable_heartbeat_timeout() = ToProto(*t);
    if (NamesRetry(words)) SetRetry(words, *attributes.mutable_retry_policy());
    if (words.Has("queue")) attributes.mutable_task_queue()->set_name(words.Get("queue"));
    attributes.set_request_eager_execution(words.Has("eager"));
  } else if (words.verb == "cancel-activity") {
    made = CancelActivity(std::stoll(words.Bare(0)));
  } else if (words.verb == "timer") {
    made = Timer(words.Bare(0), ParseTime(words.Bare(1)));
  } else if (words.verb == "cancel-timer") {
    made = CancelTimer(words.Bare(0));
  } else if (words.verb == "complete") {
    made = Complete();
  } else if (words.verb == "fail") {
    made = Fail(words.Bare(0));
    made.mutable_fail_workflow_execution_command_attributes()
        ->mutable_failure()
        ->mutable_application_failure_info()
        ->set_non_retryable(words.Has("final"));
  } else if (words.verb == "cancel") {
    made = CancelRun();
  } else if (words.verb == "continue-as-new") {
    made = ContinueAsNew();
    auto& attributes = *made.mutable_continue_as_new_workflow_execution_command_attributes();
    if (auto t = words.Time("backoff")) *attributes.mutable_backoff_start_interval() = ToProto(*t);
    attributes.set_cron_schedule(words.Get("cron"));
  } else if (words.verb == "marker") {
    made = Marker(words.Bare(0));
  } else if (words.verb == "upsert") {
    made.set_command_type(enums::COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES);
    auto& fields = *made.mutable_upsert_workflow_search_attributes_command_attributes()
                        ->mutable_search_attributes()
                        ->mutable_indexed_fields();
    for (const auto& [key, value] : words.named) fields[key] = Text(value).payloads(0);
  } else if (words.verb == "memo") {
    made.set_command_type(enums::COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES);
    auto& fields =
        *made.mutable_modify_workflow_properties_command_attributes()->mutable_upserted_memo()->mutable_fields();
    for (const auto& [key, value] : words.named) fields[key] = Text(value).payloads(0);
  } else if (words.verb == "child") {
    made = StartChild(words.Bare(0));
    auto& attributes = *made.mutable_start_child_workflow_execution_command_attributes();
    if (words.Get("policy") == "abandon") attributes.set_parent_close_policy(enums::PARENT_CLOSE_POLICY_ABANDON);
    if (words.Get("policy") == "cancel") attributes.set_parent_close_policy(enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL);
    if (words.Has("queue")) attributes.mutable_task_queue()->set_name(words.Get("queue"));
    if (words.Has("cron")) attributes.set_cron_schedule(words.Get("cron"));
    if (auto t = words.Time("run_timeout")) *attributes.mutable_workflow_run_timeout() = ToProto(*t);
    if (auto t = words.Time("execution_timeout")) *attributes.mutable_workflow_execution_timeout() = ToProto(*t);
    if (NamesRetry(words)) SetRetry(words, *attributes.mutable_retry_policy());
    if (words.Has("untyped")) attributes.clear_workflow_type();
  } else if (words.verb == "signal-workflow") {
    made = SignalWorkflow(words.Bare(0), words.Get("name", "go"));
    made.mutable_signal_external_workflow_execution_command_attributes()->set_child_workflow_only(words.Has("child"));
  } else if (words.verb == "cancel-workflow") {
    made = CancelWorkflow(words.Bare(0));
    auto& attributes = *made.mutable_request_cancel_external_workflow_execution_command_attributes();
    attributes.set_child_workflow_only(words.Has("child"));
    attributes.set_reason(words.Get("reason"));
  } else if (words.verb == "protocol-message") {
    made.set_command_type(enums::COMMAND_TYPE_PROTOCOL_MESSAGE);
  } else {
    throw std::invalid_argument("no such command: " + line);
  }
  if (words.Has("summary")) made.mutable_user_metadata()->mutable_summary()->set_data(words.Get("summary"));
  return made;
}

void SetLimit(Limits& limits, const std::string& key, int64_t value) {
  static const std::map<std::string, int64_t Limits::*> kLimits = {
      {"max_signals", &Limits::max_signals},
      {"max_history_events", &Limits::max_history_events},
      {"max_pending_activities", &Limits::max_pending_activities},
      {"max_pending_timers", &Limits::max_pending_timers},
      {"max_pending_children", &Limits::max_pending_children},
      {"max_pending_externals", &Limits::max_pending_externals},
      {"max_buffered_events", &Limits::max_buffered_events},
      {"max_payload_bytes", &Limits::max_payload_bytes},
      {"max_search_attributes", &Limits::max_search_attributes},
      {"max_search_attribute_bytes", &Limits::max_search_attribute_bytes},
      {"max_search_attributes_bytes", &Limits::max_search_attributes_bytes},
      {"max_state_bytes", &Limits::max_state_bytes},
      {"max_summary_bytes", &Limits::max_summary_bytes},
      {"suggest_continue_as_new_events", &Limits::suggest_continue_as_new_events},
  };
  const auto found = kLimits.find(key);
  if (found == kLimits.end()) throw std::invalid_argument("no such limit: " + key);
  limits.*found->second = value;
}

void DoStart(Execution& execution, const Words& words) {
  auto& request = execution.start_input.request;
  if (auto t = words.Time("run_timeout")) *request.mutable_workflow_run_timeout() = ToProto(*t);
  if (auto t = words.Time("execution_timeout")) *request.mutable_workflow_execution_timeout() = ToProto(*t);
  if (auto t = words.Time("task_timeout")) *request.mutable_workflow_task_timeout() = ToProto(*t);
  if (auto t = words.Time("delay")) *request.mutable_workflow_start_delay() = ToProto(*t);
  if (auto t = words.Time("backoff")) {
    execution.start_input.first_task_backoff = *t;
    execution.start_input.continued_from_run_id = "run-0";
    execution.start_input.first_execution_run_id = "run-0";
  }
  if (words.Has("cron")) request.set_cron_schedule(words.Get("cron"));
  if (words.Has("parent")) {
    engine::v1::Parent& parent = execution.start_input.parent.emplace();
    parent.set_namespace_("default");
    parent.set_workflow_id(words.Get("parent"));
    parent.set_run_id("run-of-parent");
    parent.set_initiated_event_id(5);
    execution.start_input.root.set_workflow_id("top");
    execution.start_input.root.set_run_id("run-of-top");
  }
  if (NamesRetry(words)) SetRetry(words, *request.mutable_retry_policy());
  if (words.Has("memo")) (*request.mutable_memo()->mutable_fields())["note"] = Text(words.Get("memo")).payloads(0);
  execution.Start();
}

void DoComplete(Execution& execution, const Words& words, const std::vector<std::string>& commands) {
  WorkflowTaskCompleted completed = execution.Completion();
  if (words.Has("started")) completed.started_event_id = std::stoll(words.Get("started"));
  if (words.Has("sticky")) {
    auto& sticky = *completed.request.mutable_sticky_attributes();
    sticky.mutable_worker_task_queue()->set_name(words.Get("sticky"));
    *sticky.mutable_schedule_to_start_timeout() = ToProto(std::chrono::seconds(10));
  }
  completed.request.set_force_create_new_workflow_task(words.Has("force"));
  completed.allow_eager_activities = !words.Has("no_eager");
  for (const std::string& line : commands) *completed.request.add_commands() = ParseCommand(line);
  execution.Do(completed);
}

/// An activity is named by its scheduled event, or by `id=`.
ActivityRef Ref(const Execution& execution, const Words& words) {
  if (words.Has("id")) {
    ActivityRef ref;
    ref.activity_id = words.Get("id");
    return ref;
  }
  ActivityRef ref = execution.Activity(std::stoll(words.Bare(0)));
  if (words.Has("attempt")) ref.attempt = std::stoi(words.Get("attempt"));
  return ref;
}

bool DoActivity(Execution& execution, const Words& words) {
  if (words.verb == "start-activity") {
    execution.StartActivity(std::stoll(words.Bare(0)));
  } else if (words.verb == "complete-activity") {
    execution.Do(ActivityTaskCompleted{.activity = Ref(execution, words), .result = Text("ok"), .identity = "worker"});
  } else if (words.verb == "fail-activity") {
    ActivityTaskFailed failed;
    failed.activity = Ref(execution, words);
    failed.identity = "worker";
    failed.failure.set_message(words.Get("message", "no luck"));
    auto& info = *failed.failure.mutable_application_failure_info();
    info.set_type(words.Get("type", "Unlucky"));
    info.set_non_retryable(words.Has("final"));
    if (auto t = words.Time("next")) *info.mutable_next_retry_delay() = ToProto(*t);
    execution.Do(failed);
  } else if (words.verb == "cancel-activity") {
    execution.Do(ActivityTaskCanceled{.activity = Ref(execution, words), .details = {}, .identity = "worker"});
  } else if (words.verb == "heartbeat") {
    execution.Do(ActivityHeartbeat{
        .activity = Ref(execution, words), .details = Text(words.Get("details", "alive")), .identity = "worker"});
  } else {
    return false;
  }
  return true;
}

/// Obligations are named by their place among all of the run, from 1.
bool DoObligation(Execution& execution, const Words& words) {
  if (words.verb == "answer") {
    static const std::map<std::string, Refusal> kRefusals = {{"", Refusal::kNone},
                                                             {"not-found", Refusal::kNotFound},
                                                             {"exists", Refusal::kAlreadyExists},
                                                             {"no-namespace", Refusal::kNamespaceNotFound},
                                                             {"too-many", Refusal::kTooManySignals}};
    execution.Answer(std::stoul(words.Bare(0)) - 1, kRefusals.at(words.Get("refused")));
  } else if (words.verb == "end-child") {
    static const std::map<std::string, enums::WorkflowExecutionStatus> kEnds = {
        {"completed", enums::WORKFLOW_EXECUTION_STATUS_COMPLETED},
        {"failed", enums::WORKFLOW_EXECUTION_STATUS_FAILED},
        {"canceled", enums::WORKFLOW_EXECUTION_STATUS_CANCELED},
        {"timed-out", enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT},
        {"terminated", enums::WORKFLOW_EXECUTION_STATUS_TERMINATED}};
    execution.EndChild(std::stoul(words.Bare(0)) - 1, kEnds.at(words.Bare(1)));
  } else {
    return false;
  }
  return true;
}

void DoVerb(Execution& execution, const Words& words, const std::vector<std::string>& commands) {
  if (words.verb == "start") return DoStart(execution, words);
  if (words.verb == "poll") return void(execution.StartTask());
  if (words.verb == "complete") return DoComplete(execution, words, commands);
  if (words.verb == "fail") return void(execution.Do(execution.TaskFailure()));
  if (words.verb == "tick") return void(execution.Tick(ParseTime(words.Bare(0))));
  if (words.verb == "tick-next") return void(execution.TickNext());
  if (words.verb == "recover") return void(execution.Do(Recovered{}));
  if (words.verb == "sticky-cleared") return void(execution.Do(StickyCleared{words.Get("queue")}));
  if (words.verb == "signal") {
    SignalReceived signal;
    signal.signal_name = words.Bare(0);
    signal.identity = "client";
    return void(execution.Do(signal));
  }
  if (words.verb == "request-cancel") return void(execution.Do(CancelRequested{"enough", "client", "c1"}));
  if (words.verb == "terminate") return void(execution.Do(TerminateRequested{"stop it", {}, "client"}));
  if (DoObligation(execution, words)) return;
  if (DoActivity(execution, words)) return;
  throw std::invalid_argument("no such input: " + words.verb);
}

}  // namespace

bool Words::Has(const std::string& flag) const {
  return named.contains(flag) || std::find(bare.begin(), bare.end(), flag) != bare.end();
}

std::string Words::Get(const std::string& key, const std::string& otherwise) const {
  const auto found = named.find(key);
  return found == named.end() ? otherwise : found->second;
}

std::optional<Duration> Words::Time(const std::string& key) const {
  const auto found = named.find(key);
  if (found == named.end()) return std::nullopt;
  return ParseTime(found->second);
}

std::string Words::Bare(size_t i) const {
  if (i >= bare.size()) throw std::invalid_argument("too few words after " + verb);
  return bare[i];
}

Words Split(const std::string& line) {
  Words words;
  std::istringstream in(line);
  in >> words.verb;
  for (std::string word; in >> word;) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) {
      words.bare.push_back(word);
    } else {
      words.named[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  return words;
}

std::vector<Step> ParseScript(const std::string& text) {
  std::vector<Step> steps;
  std::istringstream in(text);
  Step step;
  bool in_output = false;
  const auto finish = [&] {
    if (!step.input.empty()) steps.push_back(std::exchange(step, Step()));
    in_output = false;
  };
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) {
      finish();
    } else if (in_output) {
      step.expected += line + "\n";
    } else if (line == "----") {
      in_output = true;
    } else if (line[0] == '#') {
      step.comment += line + "\n";
    } else {
      step.input.push_back(line);
    }
  }
  finish();
  return steps;
}

std::string WriteScript(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) {
    if (!text.empty()) text += "\n";
    text += step.comment;
    for (const std::string& line : step.input) text += line + "\n";
    text += "----\n" + step.expected;
  }
  return text;
}

std::string RunStep(Execution& execution, const Step& step) {
  std::string output;
  for (size_t i = 0; i < step.input.size(); ++i) {
    const Words words = Split(step.input[i]);
    std::vector<std::string> commands;
    while (i + 1 < step.input.size() && step.input[i + 1][0] == ' ') commands.push_back(step.input[++i]);
    if (words.verb == "limit") {
      for (const auto& [key, value] : words.named) SetLimit(execution.limits, key, std::stoll(value));
      continue;
    }
    if (words.verb == "wait") {
      execution.now += ParseTime(words.Bare(0));
      continue;
    }
    DoVerb(execution, words, commands);
    output += ShowStep(execution);
  }
  return output;
}

}  // namespace wfe::history
