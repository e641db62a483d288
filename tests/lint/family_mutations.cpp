#include "tests/lint/mutation_tools.h"

namespace wfe::lint {
namespace {

constexpr auto kOutcomesOfChildren = {
    enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED,
    enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED, enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT,
    enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED};
constexpr auto kOutcomesOfRequests = {enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED,
                                      enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED,
                                      enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED,
                                      enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED};
constexpr auto kCommands = {enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED,
                            enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED,
                            enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED};

void Retargeted(std::vector<Mutation>& mutations, enums::EventType type, const std::string& field) {
  mutations.push_back(Retarget(type, field, 1000));
  mutations.push_back(Retarget(type, field, -1));
}

/// Some message of the event's attributes has one text field changed: {"workflow_execution", "run_id"}.
Mutation Rename(enums::EventType type, const std::string& message, const std::string& field, const std::string& to) {
  return {enums::EventType_Name(type) + "." + message + "." + field + " is \"" + to + "\"",
          [=](Events& events, Random& random) {
            const auto at = PickType(events, random, type);
            if (!at) return false;
            auto* attributes = Attributes(events[*at]);
            const auto* part = attributes->GetDescriptor()->FindFieldByName(message);
            if (!attributes->GetReflection()->HasField(*attributes, part)) return false;
            auto* inner = attributes->GetReflection()->MutableMessage(attributes, part);
            inner->GetReflection()->SetString(inner, inner->GetDescriptor()->FindFieldByName(field), to);
            return true;
          }};
}

/// The start of a run with a parent loses one of the fields that tell of it.
Mutation ForgetsOfItsParent(const std::string& field) {
  return {"a run forgets the " + field + " of its parent", [=](Events& events, Random&) {
            auto& start = *events.front().mutable_workflow_execution_started_event_attributes();
            if (!start.has_parent_workflow_execution()) return false;
            start.GetReflection()->ClearField(&start, start.GetDescriptor()->FindFieldByName(field));
            return true;
          }};
}

}  // namespace

void AddFamilyMutations(std::vector<Mutation>& mutations) {
  const auto started = enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED;
  const auto asked = enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED;
  Retargeted(mutations, started, "initiated_event_id");
  Retargeted(mutations, enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED, "initiated_event_id");
  for (const auto type : kOutcomesOfChildren) {
    Retargeted(mutations, type, "initiated_event_id");
    Retargeted(mutations, type, "started_event_id");
    mutations.push_back(Duplicate(type));
    mutations.push_back(Rename(type, "workflow_execution", "workflow_id", "other"));
    mutations.push_back(Rename(type, "workflow_execution", "run_id", ""));
    mutations.push_back(Rename(type, "workflow_type", "name", "Other"));
  }
  for (const auto type : kOutcomesOfRequests) {
    Retargeted(mutations, type, "initiated_event_id");
    mutations.push_back(Duplicate(type));
    mutations.push_back(Rename(type, "workflow_execution", "workflow_id", "other"));
    mutations.push_back(Rename(type, "workflow_execution", "run_id", "other"));
  }
  for (const auto type : kCommands) Retargeted(mutations, type, "workflow_task_completed_event_id");
  mutations.push_back(Duplicate(started));
  mutations.push_back(Duplicate(enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED));
  mutations.push_back(Duplicate(asked));
  mutations.push_back(Rename(started, "workflow_execution", "workflow_id", "other"));
  mutations.push_back(Rename(started, "workflow_execution", "run_id", ""));
  mutations.push_back(Rename(started, "workflow_type", "name", "Other"));
  mutations.push_back(Rename(asked, "external_workflow_execution", "run_id", ""));
  for (const auto field : {"parent_workflow_execution", "parent_workflow_namespace", "parent_initiated_event_id",
                           "root_workflow_execution"}) {
    mutations.push_back(ForgetsOfItsParent(field));
  }
}

}  // namespace wfe::lint
