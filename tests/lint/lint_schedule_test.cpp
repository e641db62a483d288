// H37: a schedule against the runs it started.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/lint/lint.h"

namespace wfe::lint {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

engine::v1::ScheduleRow Row(int64_t actions) {
  engine::v1::ScheduleRow row;
  row.set_namespace_("default");
  row.set_schedule_id("s");
  row.mutable_info()->set_action_count(actions);
  row.set_times_due(actions);
  return row;
}

RunHistory StartedRun(const std::string& run_id, const std::string& first_run_id, const std::string& identity) {
  RunHistory run{{Namespace("default"), WorkflowId("w-" + run_id), RunId(run_id)}, {}};
  auto& started = *run.events.emplace_back().mutable_workflow_execution_started_event_attributes();
  started.set_first_execution_run_id(first_run_id);
  started.set_identity(identity);
  return run;
}

const std::string kBySchedule = "wfe-schedule s";

TEST(ScheduleRules, ActionsThatAreThereOnceAreClean) {
  EXPECT_THAT(LintSchedule(Row(2), {StartedRun("1", "1", kBySchedule), StartedRun("2", "2", kBySchedule),
                                    StartedRun("3", "3", "client")}),
              IsEmpty());
  EXPECT_THAT(LintSchedule(Row(1), {StartedRun("1", "1", kBySchedule), StartedRun("2", "1", kBySchedule)}), IsEmpty())
      << "a run that continues another is no action of its own";
}

TEST(ScheduleRules, AnActionTooFewOrTooManyIsFound) {
  EXPECT_THAT(LintSchedule(Row(2), {StartedRun("1", "1", kBySchedule)}), SizeIs(1));
  EXPECT_THAT(LintSchedule(Row(1), {StartedRun("1", "1", kBySchedule), StartedRun("2", "2", kBySchedule)}), SizeIs(1));
}

TEST(ScheduleRules, AStartUnderWayMayHaveHappenedOrNot) {
  auto row = Row(0);
  row.set_times_due(1);
  row.set_last_start_number(1);
  row.add_starting()->set_number(1);
  EXPECT_THAT(LintSchedule(row, {}), IsEmpty());
  EXPECT_THAT(LintSchedule(row, {StartedRun("1", "1", kBySchedule)}), IsEmpty());
}

TEST(ScheduleRules, ATimeThatWentNowhereIsFound) {
  auto row = Row(1);
  row.set_times_due(2);
  EXPECT_THAT(LintSchedule(row, {StartedRun("1", "1", kBySchedule)}), SizeIs(1));
}

TEST(ScheduleRules, AnActionThatWasNeverStartedIsNotFollowed) {
  auto row = Row(1);
  row.add_running()->set_first_run_id("other");
  EXPECT_THAT(LintSchedule(row, {StartedRun("1", "1", kBySchedule)}), SizeIs(1));
}

}  // namespace
}  // namespace wfe::lint
