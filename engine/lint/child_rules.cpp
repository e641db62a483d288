// H23, H39: a parent's children, and what a run says of its parent.
#include <array>
#include <map>
#include <set>

#include "engine/lint/child_events.h"
#include "engine/lint/rule.h"

namespace wfe::lint {
namespace {

struct Child {
  const temporal::api::history::v1::StartChildWorkflowExecutionInitiatedEventAttributes* initiated = nullptr;
  EventId started = 0;
  bool over = false;
};

std::string Quoted(const std::string& text) { return '"' + text + '"'; }

/// An event names the child as it was initiated: namespace, id, type.
void CheckNames(const HistoryEvent& event, const ChildEvent& told, const Child& child, Report& report) {
  const std::string initiated = "event " + std::to_string(told.initiated_event_id) + " initiated ";
  if (told.workflow_id != child.initiated->workflow_id()) {
    report.Add(event, "it is about child " + told.workflow_id + ", " + initiated + child.initiated->workflow_id());
  }
  if (told.workflow_type != child.initiated->workflow_type().name()) {
    report.Add(event, "it is about a child of type " + Quoted(told.workflow_type) + ", " + initiated + "one of type " +
                          Quoted(child.initiated->workflow_type().name()));
  }
  // An empty namespace in a command means the parent's own, which the outcome may spell out.
  if (!child.initiated->namespace_().empty() && told.ns != child.initiated->namespace_()) {
    report.Add(event, "it is about a child in namespace " + Quoted(told.ns) + ", " + initiated + "one in " +
                          Quoted(child.initiated->namespace_()));
  }
}

void ChildrenStartThenClose(const HistoryView& history, Report& report) {
  std::map<EventId, Child> children;
  std::set<std::string> runs;
  for (const HistoryEvent& event : history.events()) {
    if (event.has_start_child_workflow_execution_initiated_event_attributes()) {
      children[event.event_id()].initiated = &event.start_child_workflow_execution_initiated_event_attributes();
      continue;
    }
    const auto told = ChildEventOf(event);
    if (!told) continue;
    const auto found = children.find(told->initiated_event_id);
    if (found == children.end()) {
      report.Add(event, "event " + std::to_string(told->initiated_event_id) + " did not initiate a child");
      continue;
    }
    Child& child = found->second;
    CheckNames(event, *told, child, report);
    if (child.over) report.Add(event, "the child was over before");
    const bool starts = event.has_child_workflow_execution_started_event_attributes();
    if ((starts || told->started_event_id) && told->run_id.empty()) report.Add(event, "it names no run of the child");
    if (starts) {
      if (child.started != 0) report.Add(event, "the child started at event " + std::to_string(child.started));
      if (!runs.insert(told->run_id).second) report.Add(event, "run " + told->run_id + " is another child's");
      child.started = event.event_id();
      continue;
    }
    if (told->started_event_id && (child.started == 0 || *told->started_event_id != child.started)) {
      report.Add(event, "it names event " + std::to_string(*told->started_event_id) + " as started, that is event " +
                            std::to_string(child.started));
    }
    if (!told->started_event_id && child.started != 0) report.Add(event, "the child had started");
    child.over = true;
  }
}

bool Named(const temporal::api::common::v1::WorkflowExecution& execution) {
  return !execution.workflow_id().empty() && !execution.run_id().empty();
}

void ParentsAreNamedInFull(const HistoryView& history, Report& report) {
  if (history.events().empty() || !history.events().front().has_workflow_execution_started_event_attributes()) return;
  const HistoryEvent& first = history.events().front();
  const auto& started = first.workflow_execution_started_event_attributes();
  const bool has_parent = started.has_parent_workflow_execution();
  if (!has_parent) {
    if (started.parent_initiated_event_id() != 0 || !started.parent_workflow_namespace().empty()) {
      report.Add(first, "it tells of a parent that it does not name");
    }
  } else {
    if (!Named(started.parent_workflow_execution())) report.Add(first, "its parent has no workflow id or no run id");
    if (started.parent_workflow_namespace().empty()) report.Add(first, "its parent has no namespace");
    if (started.parent_initiated_event_id() <= 0) report.Add(first, "no event of its parent asked for it");
  }
  // Servers before 1.24 do not tell the root.
  if (started.has_root_workflow_execution()) {
    if (!Named(started.root_workflow_execution())) report.Add(first, "its root has no workflow id or no run id");
  } else if (has_parent && !history.options().foreign) {
    report.Add(first, "it has a parent and no root");
  }
}

constexpr auto kChildRules = std::to_array<Rule>({
    {"H23", "a child is initiated, starts, and closes once, under the same names", ChildrenStartThenClose},
    {"H39", "a run says all of its parent or nothing", ParentsAreNamedInFull},
});

}  // namespace

std::span<const Rule> ChildRules() { return kChildRules; }

}  // namespace wfe::lint
