// H37: a schedule against the runs it started.
#include <set>

#include "engine/base/proto_time.h"
#include "engine/lint/lint.h"
#include "engine/schedules/machine.h"

namespace wfe::lint {

namespace {

/// The run was started by this schedule, not continued or retried from one that was.
bool StartedBy(const engine::v1::ScheduleRow& row, const RunHistory& run) {
  if (run.key.ns.value() != row.namespace_() || run.events.empty()) return false;
  const auto& started = run.events.front().workflow_execution_started_event_attributes();
  if (started.first_execution_run_id() != run.key.run_id.value()) return false;
  if (started.identity() != "wfe-schedule " + row.schedule_id()) return false;
  return FromProto(run.events.front().event_time()) >= FromProto(row.info().create_time());
}

}  // namespace

std::vector<Finding> LintSchedule(const engine::v1::ScheduleRow& row, const std::vector<RunHistory>& runs) {
  std::vector<Finding> findings;
  const auto problem = schedules::CheckRow(row, schedules::Limits());
  if (problem) findings.push_back({"H37", 0, *problem});

  int64_t started = 0;
  std::set<std::string> first_runs;
  for (const RunHistory& run : runs) {
    if (!StartedBy(row, run)) continue;
    ++started;
    first_runs.insert(run.key.run_id.value());
  }
  // A start whose answer is not recorded yet may have happened or not.
  const int64_t recorded = row.info().action_count();
  if (started < recorded || started > recorded + row.starting_size()) {
    findings.push_back({"H37", 0,
                        "schedule " + row.schedule_id() + " took " + std::to_string(recorded) + " actions and has " +
                            std::to_string(row.starting_size()) + " under way, but started " + std::to_string(started) +
                            " workflows"});
  }
  for (const auto& action : row.running()) {
    if (first_runs.contains(action.first_run_id())) continue;
    findings.push_back(
        {"H37", 0,
         "schedule " + row.schedule_id() + " follows run " + action.first_run_id() + ", which it did not start"});
  }
  return findings;
}

}  // namespace wfe::lint
