// H9, H10, H25: what a worker commanded and what was written for it.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/base/parse_json.h"

#include "engine/lint/rule.h"

namespace wfe::lint {
namespace {

namespace enums = temporal::api::enums::v1;

bool InOneBatch(const HistoryView& history, EventId completed, EventId command) {
  const auto& starts = history.options().batch_starts;
  const auto next_batch = std::upper_bound(starts.begin(), starts.end(), completed);
  return next_batch == starts.end() || *next_batch > command;
}

void CommandsFollowTheirCompletion(const HistoryView& history, Report& report) {
  EventId block = 0;  // The completion whose commands may still come.
  for (const HistoryEvent& event : history.events()) {
    if (event.has_workflow_task_completed_event_attributes()) {
      block = event.event_id();
      continue;
    }
    const auto completed = CommandedBy(event);
    if (!completed) {
      if (!MayStandAmongCommands(event.event_type())) block = 0;
      continue;
    }
    if (history.FindEarlier(*completed, enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED, event) == nullptr) {
      report.Add(event,
                 "event " + std::to_string(*completed) + ", which it names, is no earlier WORKFLOW_TASK_COMPLETED");
    } else if (*completed != block) {
      report.Add(event, "it does not follow the completion it names, event " + std::to_string(*completed));
    } else if (!InOneBatch(history, *completed, event.event_id())) {
      report.Add(event, "it is in another commit than its completion, event " + std::to_string(*completed));
    }
  }
}

/// The event a command writes; UNSPECIFIED for a protocol message, which writes an update's event.
EventType EventOfCommand(enums::CommandType command) {
  switch (command) {
    case enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK:
      return enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED;
    case enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK:
      return enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED;
    case enums::COMMAND_TYPE_START_TIMER:
      return enums::EVENT_TYPE_TIMER_STARTED;
    case enums::COMMAND_TYPE_CANCEL_TIMER:
      return enums::EVENT_TYPE_TIMER_CANCELED;
    case enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION:
      return enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED;
    case enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION:
      return enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED;
    case enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION:
      return enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED;
    case enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION:
      return enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW;
    case enums::COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION:
      return enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED;
    case enums::COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION:
      return enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED;
    case enums::COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION:
      return enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED;
    case enums::COMMAND_TYPE_RECORD_MARKER:
      return enums::EVENT_TYPE_MARKER_RECORDED;
    case enums::COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
      return enums::EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES;
    case enums::COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES:
      return enums::EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED;
    case enums::COMMAND_TYPE_SCHEDULE_NEXUS_OPERATION:
      return enums::EVENT_TYPE_NEXUS_OPERATION_SCHEDULED;
    case enums::COMMAND_TYPE_REQUEST_CANCEL_NEXUS_OPERATION:
      return enums::EVENT_TYPE_NEXUS_OPERATION_CANCEL_REQUESTED;
    default:
      return enums::EVENT_TYPE_UNSPECIFIED;
  }
}

/// The types expected for a list of commands: nothing after the first that closes.
std::vector<EventType> ExpectedEvents(const RecordedCommands& commands) {
  std::vector<EventType> expected;
  for (const auto command : commands.types) {
    const EventType type = EventOfCommand(command);
    if (type == enums::EVENT_TYPE_UNSPECIFIED) continue;
    expected.push_back(type);
    if (IsClosing(type)) break;
  }
  return expected;
}

void OneEventPerCommand(const HistoryView& history, Report& report) {
  for (const RecordedCommands& commands : history.options().commands) {
    std::vector<EventType> written;
    for (const HistoryEvent& event : history.events()) {
      if (CommandedBy(event) == commands.workflow_task_completed_event_id) written.push_back(event.event_type());
    }
    const std::vector<EventType> expected = ExpectedEvents(commands);
    const auto [in_history, in_commands] =
        std::mismatch(written.begin(), written.end(), expected.begin(), expected.end());
    if (in_history == written.end() && in_commands == expected.end()) continue;
    report.Add(commands.workflow_task_completed_event_id,
               "command " + std::to_string(in_commands - expected.begin() + 1) + " of this completion: expected " +
                   (in_commands == expected.end() ? "no further event" : std::string(TypeName(*in_commands))) +
                   ", found " + (in_history == written.end() ? "none" : std::string(TypeName(*in_history))));
  }
}

/// A versioning marker's change and what it decided; nullopt for other markers and for forms we do not know.
struct Change {
  std::string id;
  std::string decision;
};

std::optional<std::string> FirstPayload(const HistoryEvent& event, const std::string& key) {
  const auto& details = event.marker_recorded_event_attributes().details();
  const auto found = details.find(key);
  if (found == details.end() || found->second.payloads().empty()) return std::nullopt;
  return found->second.payloads(0).data();
}

std::optional<Change> ChangeOf(const HistoryEvent& event) {
  const std::string& name = event.marker_recorded_event_attributes().marker_name();
  if (name == "Version") {  // temporalio/sdk-go
    const auto id = FirstPayload(event, "change-id");
    const auto version = FirstPayload(event, "version");
    if (id && version) return Change{*id, *version};
  }
  if (name == "core_patch") {  // temporalio/sdk-core: first two payloads, later one JSON object
    const auto id = FirstPayload(event, "patch_id");
    if (id) return Change{*id, FirstPayload(event, "deprecated").value_or("")};
    const auto data = FirstPayload(event, "patch-data");
    if (!data) return std::nullopt;
    const auto json = ParseJson(*data);
    if (!json.is_object() || !json.contains("id") || !json["id"].is_string()) return std::nullopt;
    return Change{json["id"].get<std::string>(), json.contains("deprecated") ? json["deprecated"].dump() : ""};
  }
  return std::nullopt;
}

void ChangesAreDecidedOnce(const HistoryView& history, Report& report) {
  std::map<std::string, std::pair<EventId, std::string>> decided;
  for (const HistoryEvent& event : history.events()) {
    if (!event.has_marker_recorded_event_attributes()) continue;
    const auto change = ChangeOf(event);
    if (!change) continue;
    const auto [known, inserted] = decided.try_emplace(change->id, event.event_id(), change->decision);
    if (!inserted && known->second.second != change->decision) {
      report.Add(event,
                 "change " + change->id + " was decided differently at event " + std::to_string(known->second.first));
    }
  }
}

constexpr auto kCommandRules = std::to_array<Rule>({
    {"H9", "a command's event follows the WorkflowTaskCompleted it names, in the same commit",
     CommandsFollowTheirCompletion},
    {"H10", "each command gives exactly one event, in order", OneEventPerCommand},
    {"H25", "a change id is decided once in a run", ChangesAreDecidedOnce},
});

}  // namespace

std::span<const Rule> CommandRules() { return kCommandRules; }

}  // namespace wfe::lint
