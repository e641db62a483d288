// H29, H32: runs of one workflow id; then those of several (H41, H42).
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>

#include "engine/lint/family_rules.h"
#include "engine/lint/rule.h"

namespace wfe::lint {
namespace {

void CheckSuccessor(const RunHistory& from, const RunHistory& to, Report& report) {
  const HistoryEvent& end = from.events.back();
  if (to.events.empty() || !to.events.front().has_workflow_execution_started_event_attributes()) {
    return report.Add(end, "the run that follows, " + to.key.run_id.value() + ", does not begin with a start");
  }
  const auto& started = to.events.front().workflow_execution_started_event_attributes();
  const auto& before = from.events.front().workflow_execution_started_event_attributes();
  const std::string name = "run " + to.key.run_id.value() + " ";
  if (started.continued_execution_run_id() != from.key.run_id.value()) {
    report.Add(end, name + "says it continues \"" + started.continued_execution_run_id() + "\"");
  }
  if (started.first_execution_run_id() != before.first_execution_run_id()) {
    report.Add(end, name + "names another first run than this one");
  }
  if (!google::protobuf::util::MessageDifferencer::Equals(started.parent_workflow_execution(),
                                                          before.parent_workflow_execution()) ||
      started.parent_initiated_event_id() != before.parent_initiated_event_id()) {
    report.Add(end, name + "has another parent than this one");
  }
  // Without a command to continue as new, the same input is tried again.
  const bool continued = end.has_workflow_execution_continued_as_new_event_attributes();
  const auto& input = continued ? end.workflow_execution_continued_as_new_event_attributes().input() : before.input();
  const auto& type =
      continued ? end.workflow_execution_continued_as_new_event_attributes().workflow_type() : before.workflow_type();
  if (!google::protobuf::util::MessageDifferencer::Equals(input, started.input())) {
    report.Add(end, name + "has another input than it was given");
  }
  if (type.name() != started.workflow_type().name()) {
    report.Add(end, name + "is of type " + started.workflow_type().name() + ", expected " + type.name());
  }
}

/// Whether it names another run, or another one may name it: by an event of its own, as a child, or in a chain.
bool IsRelated(const RunHistory& run) {
  const auto& started = run.events.front().workflow_execution_started_event_attributes();
  if (started.has_parent_workflow_execution() || !started.continued_execution_run_id().empty()) return true;
  if (!NextRunId(run.events.back()).empty()) return true;
  const auto names_another = [](const HistoryEvent& event) {
    return event.has_start_child_workflow_execution_initiated_event_attributes() ||
           event.has_signal_external_workflow_execution_initiated_event_attributes() ||
           event.has_request_cancel_external_workflow_execution_initiated_event_attributes() ||
           event.workflow_execution_signaled_event_attributes().has_external_workflow_execution() ||
           event.workflow_execution_cancel_requested_event_attributes().has_external_workflow_execution();
  };
  return std::any_of(run.events.begin(), run.events.end(), names_another) ||
         std::any_of(run.buffered.begin(), run.buffered.end(), names_another);
}

}  // namespace

RunHistory ForRulesAcrossRuns(RunHistory run) {
  if (run.events.size() <= 2 || IsRelated(run)) return run;
  run.events[1] = std::move(run.events.back());
  run.events.resize(2);
  return run;
}

std::vector<Finding> LintAcrossRuns(const std::vector<RunHistory>& runs, bool complete) {
  std::vector<Finding> findings;
  Report chain("H29", findings);
  Report current("H32", findings);
  RunsByKey by_key;
  std::map<WorkflowKey, const RunHistory*> open;
  for (const RunHistory& run : runs) by_key.emplace(run.key, &run);
  for (const RunHistory& run : runs) {
    if (run.events.empty()) {
      chain.Add(0, run.key.ToString() + " has no events");
      continue;
    }
    const HistoryEvent& end = run.events.back();
    if (!IsClosing(end.event_type())) {
      const auto [other, inserted] = open.try_emplace(run.key.workflow(), &run);
      if (!inserted)
        current.Add(0, run.key.ToString() + " is open, and so is run " + other->second->key.run_id.value());
      continue;
    }
    const std::string next = NextRunId(end);
    if (next.empty()) {
      if (end.has_workflow_execution_continued_as_new_event_attributes()) chain.Add(end, "it names no new run");
      continue;
    }
    const auto found = by_key.find(ExecutionKey{run.key.ns, run.key.workflow_id, RunId(next)});
    if (found != by_key.end()) {
      CheckSuccessor(run, *found->second, chain);
    } else if (complete) {
      chain.Add(end, "the run that follows, " + next + ", does not exist");
    }
  }
  CheckFamilies(by_key, complete, findings);
  return findings;
}

}  // namespace wfe::lint
