#include "tests/history/wide_run.h"

#include "engine/history/names.h"

namespace wfe::history {

WideRun::WideRun(const std::vector<command::Command>& commands) {
  limits.max_buffered_events = 1'000'000;
  StartInput start;
  start.key = {Namespace("default"), WorkflowId("w1"), RunId("run-1")};
  start.request.set_workflow_id("w1");
  start.request.mutable_workflow_type()->set_name("Wide");
  start.request.mutable_task_queue()->set_name("tq");
  made = Keep(DecideStart(start, now, limits));
  TakeTask();
  WorkflowTaskCompleted completed{.started_event_id = 3, .attempt = 1};
  for (const auto& command : commands) *completed.request.add_commands() = command;
  made = Joined(std::move(made), Do(completed));
}

Transition WideRun::Do(const Input& input) { return Keep(Decide(std::move(state), input, now, limits)); }

void WideRun::TakeTask() { Do(WorkflowTaskStarted{state.workflow_task().scheduled_event_id, 1, "worker", "poll"}); }

Transition WideRun::Keep(Result<Transition> result) {
  WFE_CHECK(result.has_value() && !result->refused.has_value());
  state = std::move(result->next);
  return *std::move(result);
}

std::vector<command::Command> ManyActivities(int count) {
  std::vector<command::Command> commands;
  for (int i = 0; i < count; ++i) commands.push_back(Schedule("a" + std::to_string(i), std::chrono::hours(1)));
  return commands;
}

std::vector<command::Command> ManyTimers(int count, Duration duration) {
  std::vector<command::Command> commands;
  for (int i = 0; i < count; ++i) commands.push_back(Timer("t" + std::to_string(i), duration));
  return commands;
}

}  // namespace wfe::history
