#include <gmock/gmock.h>

#include "tests/workers/history_builder.h"

namespace wfe::core::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr sdk::ActivityType<std::string, std::string> kOld{"old"};
constexpr sdk::ActivityType<std::string, std::string> kNew{"new"};

int side_effect_calls = 0;

sdk::Task<json> Effects(sdk::WorkflowContext& ctx) {
  int first = ctx.SideEffect([] { return ++side_effect_calls; });
  co_await ctx.Sleep(1s);
  std::string second = ctx.SideEffect([] { return "call " + std::to_string(++side_effect_calls); });
  co_await ctx.Sleep(1s);
  json seen = {first, second};
  co_return seen;
}

sdk::Task<json> Ids(sdk::WorkflowContext& ctx) {
  json seen = {ctx.NewUuid(), ctx.Random()};
  co_await ctx.Sleep(1s);
  seen.push_back(ctx.NewUuid());
  co_return seen;
}

sdk::Task<std::string> Unpatched(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  co_await ctx.Sleep(1s);
  std::string result = co_await ctx.Activity(kOld, input, {.start_to_close = 1s});
  co_return result;
}

sdk::Task<std::string> Patched(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  std::string result;
  co_await ctx.Sleep(1s);
  if (ctx.Patched("use-new")) {
    result = co_await ctx.Activity(kNew, input, {.start_to_close = 1s});
  } else {
    result = co_await ctx.Activity(kOld, input, {.start_to_close = 1s});
  }
  if (ctx.Patched("use-new")) result += "!";
  co_return result;
}

sdk::Task<std::string> Deprecated(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  co_await ctx.Sleep(1s);
  ctx.DeprecatePatch("use-new");
  std::string result = co_await ctx.Activity(kNew, input, {.start_to_close = 1s});
  co_return result + "!";
}

sdk::Task<std::string> Cleaned(sdk::WorkflowContext& ctx) {
  std::string input = "x";
  co_await ctx.Sleep(1s);
  std::string result = co_await ctx.Activity(kNew, input, {.start_to_close = 1s});
  co_return result + "!";
}

sdk::Task<void> Memo(sdk::WorkflowContext& ctx) {
  ctx.UpsertMemo({{"progress", 50}, {"gone", nullptr}});
  co_await ctx.Sleep(1s);
}

sdk::WorkflowRegistry Only(sdk::Task<std::string> (*function)(sdk::WorkflowContext&)) {
  sdk::WorkflowRegistry registry;
  registry.Register("W", function);
  return registry;
}

/// One run of "W": sleep, one activity, end.
FakeEngine Record(const sdk::WorkflowRegistry& registry) {
  WorkflowTaskHandler handler(registry, Options());
  FakeEngine engine;
  engine.Start("W");
  engine.RunTask(handler);
  engine.FireTimer("1");
  engine.RunTask(handler);
  engine.CompleteActivity("1", "r");
  engine.RunTask(handler);
  return engine;
}

class CoreVersion : public ::testing::Test {
 protected:
  CoreVersion() {
    registry.Register("Effects", &Effects);
    registry.Register("Ids", &Ids);
    registry.Register("Memo", &Memo);
  }
  sdk::WorkflowRegistry registry;
  WorkflowTaskHandler handler{registry, Options()};
  FakeEngine engine;
};

TEST_F(CoreVersion, SideEffectHappensOnceAndReplaysFromItsMarker) {
  side_effect_calls = 0;
  engine.Start("Effects");
  EXPECT_THAT(Commands(engine.RunTask(handler)), ElementsAre("RecordMarker SideEffect", "StartTimer 1"));
  engine.FireTimer("1");
  handler.Evict(engine.run_id());
  EXPECT_THAT(Commands(engine.RunTask(handler, /*sticky=*/false)),
              ElementsAre("RecordMarker SideEffect", "StartTimer 2"));
  EXPECT_EQ(side_effect_calls, 2);
  engine.FireTimer("2");
  handler.Evict(engine.run_id());
  EXPECT_THAT(Commands(engine.RunTask(handler, /*sticky=*/false)),
              ElementsAre("CompleteWorkflowExecution [1,\"call 2\"]"));
  EXPECT_EQ(side_effect_calls, 2);
  EXPECT_TRUE(Replay(engine.history(), registry).deterministic());
  EXPECT_EQ(side_effect_calls, 2);
}

TEST_F(CoreVersion, RandomAndUuidRepeatForARunAndDifferBetweenRuns) {
  engine.Start("Ids");
  engine.RunTask(handler);
  handler.Evict(engine.run_id());
  engine.FireTimer("1");
  const auto first = Commands(engine.RunTask(handler, /*sticky=*/false));

  WorkflowTaskHandler other_handler(registry, Options());
  FakeEngine same("run-1");
  same.Start("Ids");
  same.RunTask(other_handler);
  same.FireTimer("1");
  EXPECT_EQ(Commands(same.RunTask(other_handler)), first);

  FakeEngine different("run-2");
  different.Start("Ids");
  different.RunTask(other_handler);
  different.FireTimer("1");
  EXPECT_NE(Commands(different.RunTask(other_handler)), first);
}

// S102
TEST_F(CoreVersion, PatchWritesCoresMarkerAndTheChangeVersionAttribute) {
  const auto patched = Only(&Patched);
  WorkflowTaskHandler h(patched, Options());
  engine.Start("W");
  engine.RunTask(h);
  engine.FireTimer("1");
  const auto answer = engine.RunTask(h);
  EXPECT_THAT(Commands(answer),
              ElementsAre("RecordMarker core_patch", "UpsertWorkflowSearchAttributes", "ScheduleActivityTask new #1"));
  const auto& marker = answer.commands(0).record_marker_command_attributes();
  EXPECT_EQ(json::parse(marker.details().at("patch-data").payloads(0).data()),
            json({{"id", "use-new"}, {"deprecated", false}}));
  const auto& versions =
      answer.commands(1).upsert_workflow_search_attributes_command_attributes().search_attributes().indexed_fields().at(
          "TemporalChangeVersion");
  EXPECT_EQ(versions.data(), "[\"use-new\"]");
  EXPECT_EQ(versions.metadata().at("type"), "KeywordList");
  engine.CompleteActivity("1", "r");
  EXPECT_THAT(Commands(engine.RunTask(h)), ElementsAre("CompleteWorkflowExecution \"r!\""));
  ExpectEveryPrefixReplays(engine, patched);
}

TEST_F(CoreVersion, OldRunGoesOnOnTheOldPathUnderPatchedCode) {
  const FakeEngine old = Record(Only(&Unpatched));
  const ReplayReport report = Replay(old.history(), Only(&Patched));
  EXPECT_TRUE(report.deterministic()) << report.ToString();
}

TEST_F(CoreVersion, FirstAnswerStandsForARunThatIsLiveWhenThePatchArrives) {
  const auto unpatched = Only(&Unpatched);
  const auto patched = Only(&Patched);
  WorkflowTaskHandler before(unpatched, Options());
  engine.Start("W");
  engine.RunTask(before);
  engine.FireTimer("1");
  EXPECT_THAT(Commands(engine.RunTask(before)), ElementsAre("ScheduleActivityTask old #1"));
  engine.CompleteActivity("1", "r");
  WorkflowTaskHandler after(patched, Options());
  EXPECT_THAT(Commands(engine.RunTask(after, /*sticky=*/false)), ElementsAre("CompleteWorkflowExecution \"r\""))
      << "the second question is asked when the code is live, but it was answered before";
}

TEST_F(CoreVersion, DeprecatedPatchReplaysPatchedRunsAndItsOwn) {
  const auto deprecated = Only(&Deprecated);
  const FakeEngine patched = Record(Only(&Patched));
  EXPECT_TRUE(Replay(patched.history(), deprecated).deterministic())
      << Replay(patched.history(), deprecated).ToString();
  const FakeEngine own = Record(deprecated);
  ExpectEveryPrefixReplays(own, deprecated);
  EXPECT_TRUE(Replay(own.history(), Only(&Patched)).deterministic());
  // The last step: the mark goes, and only runs with a deprecated one may be left.
  EXPECT_TRUE(Replay(own.history(), Only(&Cleaned)).deterministic())
      << Replay(own.history(), Only(&Cleaned)).ToString();
  EXPECT_FALSE(Replay(patched.history(), Only(&Cleaned)).deterministic());
}

TEST_F(CoreVersion, PatchedHistoryWithoutTheSearchAttributeReplays) {
  const FakeEngine recorded = Record(Only(&Patched));
  History without;
  for (const HistoryEvent& event : recorded.history().events()) {
    if (event.has_upsert_workflow_search_attributes_event_attributes()) continue;
    *without.add_events() = event;
  }
  // As another SDK would have written it: ids without a gap, references moved along.
  int64_t id = 0;
  int64_t scheduled = 0;
  for (HistoryEvent& event : *without.mutable_events()) {
    event.set_event_id(++id);
    if (event.has_activity_task_scheduled_event_attributes()) scheduled = id;
    if (event.has_activity_task_completed_event_attributes()) {
      event.mutable_activity_task_completed_event_attributes()->set_scheduled_event_id(scheduled);
    }
  }
  const ReplayReport report = Replay(without, Only(&Patched));
  EXPECT_TRUE(report.deterministic()) << report.ToString();
}

TEST_F(CoreVersion, MarkersOfEarlyCoreVersionsAreRead) {
  FakeEngine recorded = Record(Only(&Patched));
  for (HistoryEvent& event : *recorded.mutable_history().mutable_events()) {
    if (!event.has_marker_recorded_event_attributes()) continue;
    auto& details = *event.mutable_marker_recorded_event_attributes()->mutable_details();
    details.clear();
    details["patch_id"].add_payloads()->set_data("use-new");
    details["deprecated"].add_payloads()->set_data(std::string(1, '\0'));
  }
  const ReplayReport report = Replay(recorded.history(), Only(&Patched));
  EXPECT_TRUE(report.deterministic()) << report.ToString();
}

TEST_F(CoreVersion, MemoUpsertIsACommandAndReplays) {
  engine.Start("Memo");
  const auto answer = engine.RunTask(handler);
  EXPECT_THAT(Commands(answer), ElementsAre("ModifyWorkflowProperties", "StartTimer 1"));
  const auto& fields = answer.commands(0).modify_workflow_properties_command_attributes().upserted_memo().fields();
  EXPECT_EQ(fields.at("progress").data(), "50");
  EXPECT_EQ(fields.at("gone").metadata().at("encoding"), "binary/null");
  ExpectEveryPrefixReplays(engine, registry);
}

}  // namespace
}  // namespace wfe::core::testing
