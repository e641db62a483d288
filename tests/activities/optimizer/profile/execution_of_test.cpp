// What the history of a run says of its steps.
#include <gmock/gmock.h>

#include "activities/graph/recorded_result.h"
#include "activities/optimizer/profile/execution_of.h"
#include "engine/base/usage_meter.h"

namespace wfe::optimizer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using nlohmann::json;
using temporal::api::common::v1::Payloads;
using temporal::api::history::v1::HistoryEvent;

Payloads Encode(const json& value) {
  Payloads payloads;
  auto& payload = *payloads.add_payloads();
  (*payload.mutable_metadata())["encoding"] = "json/plain";
  payload.set_data(value.dump());
  return payloads;
}

/// A history, event by event, each at its millisecond.
class Written {
 public:
  explicit Written(const std::string& type, const json& input = nullptr) {
    auto& a = *At(0).mutable_workflow_execution_started_event_attributes();
    a.mutable_workflow_type()->set_name(type);
    a.set_original_execution_run_id("r1");
    *a.mutable_input() = Encode(input);
  }
  HistoryEvent& At(int64_t ms) {
    HistoryEvent& event = *history.add_events();
    event.set_event_id(history.events_size());
    event.mutable_event_time()->set_seconds(1'800'000'000 + ms / 1000);
    event.mutable_event_time()->set_nanos(static_cast<int32_t>(ms % 1000) * 1'000'000);
    return event;
  }
  int64_t Schedule(int64_t ms, const std::string& id, const std::string& type, const json& input = nullptr) {
    auto& a = *At(ms).mutable_activity_task_scheduled_event_attributes();
    a.set_activity_id(id);
    a.mutable_activity_type()->set_name(type);
    *a.mutable_input() = Encode(input);
    return history.events_size();
  }
  void Begin(int64_t ms, int64_t scheduled, int attempt = 1) {
    auto& a = *At(ms).mutable_activity_task_started_event_attributes();
    a.set_scheduled_event_id(scheduled);
    a.set_attempt(attempt);
  }
  Payloads& Complete(int64_t ms, int64_t scheduled, const json& result) {
    auto& a = *At(ms).mutable_activity_task_completed_event_attributes();
    a.set_scheduled_event_id(scheduled);
    *a.mutable_result() = Encode(result);
    return *a.mutable_result();
  }
  void Fail(int64_t ms, int64_t scheduled, const std::string& type) {
    auto& a = *At(ms).mutable_activity_task_failed_event_attributes();
    a.set_scheduled_event_id(scheduled);
    a.mutable_failure()->mutable_application_failure_info()->set_type(type);
  }
  void End(int64_t ms, const json& result = nullptr) {
    *At(ms).mutable_workflow_execution_completed_event_attributes()->mutable_result() = Encode(result);
  }
  delivery::ExecutionRecord Record(const ExecutionOptions& options = {}) const {
    const auto record = ExecutionOf(history, options);
    EXPECT_TRUE(record.has_value()) << (record ? "" : record.error().ToString());
    return record ? *record : delivery::ExecutionRecord();
  }
  std::string Refusal() const {
    const auto record = ExecutionOf(history, {});
    EXPECT_FALSE(record.has_value());
    return record ? "" : record.error().message;
  }

  temporal::api::history::v1::History history;
};

std::vector<NodeRun> StepsOf(const delivery::ExecutionRecord& record) {
  return record.nodes.get<std::vector<NodeRun>>();
}

TEST(ExecutionOf, AGraphsRunHasItsNodesWithTheirTimesCostsAndTools) {  // PF-4, RC-16
  Written run("GraphWorkflow", {{"graph", {{"id", "release"}}}, {"state", {{"task", "x"}}}});
  const int64_t write = run.Schedule(100, "write", "ask", {{"model", "small"}, {"tool", "pen"}, {"task", "x"}});
  run.Begin(300, write, 2);
  Payloads& result = run.Complete(
      1300, write,
      {{"cost_usd", 0.25}, {"prompt_token_count", 1000}, {"completion_token_count", 200}, {"text", "y"}});
  (*result.mutable_payloads(0)->mutable_metadata())[kCpuNote] = "750.5";
  (*result.mutable_payloads(0)->mutable_metadata())[kMemoryNote] = "64";
  run.End(1500, {{"outputs", {{"quality", 0.75}}}});

  const delivery::ExecutionRecord record = run.Record({.version_id = "release_v3"});
  EXPECT_EQ(record.workflow_id, "release");
  EXPECT_EQ(record.version_id, "release_v3");
  EXPECT_EQ(record.workflow_run_id, "r1");
  EXPECT_EQ(record.started_at, "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(record.duration_ms, 1500);
  EXPECT_EQ(record.tokens, 1200);
  EXPECT_DOUBLE_EQ(record.cost_usd, 0.25);
  EXPECT_TRUE(record.success);
  EXPECT_EQ(record.quality, 0.75);
  EXPECT_EQ(record.input_state["sha256"], graph::InputHash({{"task", "x"}})) << "the state, without the graph";

  const std::vector<NodeRun> steps = StepsOf(record);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].node, "write");
  EXPECT_EQ(steps[0].activity, "ask");
  EXPECT_EQ(steps[0].tool, "pen");
  EXPECT_EQ(steps[0].model, "small");
  EXPECT_EQ(steps[0].start_ms, 100);
  EXPECT_EQ(steps[0].duration_ms, 1200);
  EXPECT_EQ(steps[0].busy_ms, 1000);
  EXPECT_EQ(steps[0].attempts, 2);
  EXPECT_EQ(steps[0].input_tokens, 1000);
  EXPECT_EQ(steps[0].output_tokens, 200);
  EXPECT_EQ(steps[0].cpu_ms, 750.5);
  EXPECT_EQ(steps[0].memory_mb, 64);
  EXPECT_EQ(record.tool_calls[0]["tool"], "pen");
  EXPECT_EQ(record.tool_calls[0]["input_sha256"], steps[0].input_sha256);
}

TEST(ExecutionOf, CallsOfLoopsAndBatchesAreRunsOfTheirNode) {  // PF-4
  Written run("GraphWorkflow", {{"graph", {{"id", "g"}}}});
  for (const char* const id : {"write", "write#2", "write#2.1", "write#2.2"}) {
    run.Complete(20, run.Schedule(10, id, "ask"), 1);
  }
  run.End(30);
  for (const NodeRun& step : StepsOf(run.Record())) EXPECT_EQ(step.node, "write");
}

TEST(ExecutionOf, AWorkflowInCppHasItsActivityTypesAsNodes) {  // GW-3
  Written run("AuditedBuildWorkflow", {{"task", "x"}});
  run.Complete(20, run.Schedule(10, "1", "executeGeminiAgent"), {{"cost", {{"cost_usd", 0.5}, {"tokens", 7}}}});
  run.Complete(40, run.Schedule(30, "2", "executeGeminiAgent"), 1);
  run.End(50);
  const delivery::ExecutionRecord record = run.Record();
  EXPECT_EQ(record.workflow_id, "AuditedBuildWorkflow");
  EXPECT_EQ(record.tokens, 7);
  EXPECT_DOUBLE_EQ(record.cost_usd, 0.5);
  ASSERT_EQ(StepsOf(record).size(), 2U);
  EXPECT_EQ(StepsOf(record)[1].node, "executeGeminiAgent");
}

TEST(ExecutionOf, ChildrenAreStepsToo) {  // PF-4
  Written run("GraphWorkflow", {{"graph", {{"id", "g"}}}});
  auto& a = *run.At(10).mutable_start_child_workflow_execution_initiated_event_attributes();
  a.set_workflow_id("g-7/deploy#2");
  a.mutable_workflow_type()->set_name("Deploy");
  *a.mutable_input() = Encode({{"to", "x"}});
  const int64_t initiated = run.history.events_size();
  run.At(20).mutable_child_workflow_execution_started_event_attributes()->set_initiated_event_id(initiated);
  auto& end = *run.At(50).mutable_child_workflow_execution_failed_event_attributes();
  end.set_initiated_event_id(initiated);
  end.mutable_failure()->mutable_cause()->mutable_application_failure_info()->set_type("NO_ROOM");
  run.End(60);
  const std::vector<NodeRun> steps = StepsOf(run.Record());
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].node, "deploy");
  EXPECT_EQ(steps[0].activity, "Deploy");
  EXPECT_EQ(steps[0].busy_ms, 30);
  EXPECT_EQ(steps[0].error_type, "NO_ROOM");
  EXPECT_FALSE(steps[0].success);
}

TEST(ExecutionOf, WhatCameFromACacheCostsNothing) {  // ST-21, PF-3
  Written run("GraphWorkflow", {{"graph", {{"id", "g"}}}});
  Payloads& result = run.Complete(20, run.Schedule(10, "a", "ask"), {{"cost_usd", 1.0}, {"tokens", 9}});
  (*result.mutable_payloads(0)->mutable_metadata())["wfe-cache"] = "hit";
  run.End(30);
  const delivery::ExecutionRecord record = run.Record();
  EXPECT_TRUE(StepsOf(record)[0].cache_hit);
  EXPECT_EQ(record.cost_usd, 0);
  EXPECT_EQ(record.tokens, 0);
  EXPECT_TRUE(record.tool_calls[0]["cache_hit"].get<bool>());
}

TEST(ExecutionOf, ARunThatFailedHasWhatItDidUntilThen) {  // PF-4
  Written run("W");
  run.Fail(20, run.Schedule(10, "1", "a"), "BROKEN");
  run.Schedule(15, "2", "b");
  run.Schedule(16, "3", "recordRun");
  run.At(40).mutable_workflow_execution_failed_event_attributes()->mutable_failure()->mutable_application_failure_info()
      ->set_type("BROKEN");
  const delivery::ExecutionRecord record = run.Record();
  EXPECT_FALSE(record.success);
  EXPECT_EQ(record.context["error_type"], "BROKEN");
  const std::vector<NodeRun> steps = StepsOf(record);
  ASSERT_EQ(steps.size(), 2U) << "what the optimizer does itself is no step";
  EXPECT_EQ(steps[0].error_type, "BROKEN");
  EXPECT_TRUE(steps[1].cancelled()) << "it was open when the run ended";
  EXPECT_EQ(steps[1].duration_ms, 25);

  Written late("W");
  late.At(90).mutable_workflow_execution_timed_out_event_attributes();
  EXPECT_FALSE(late.Record().success);
  EXPECT_EQ(late.Record().context["error_type"], "TIMED_OUT");
}

TEST(ExecutionOf, RunsThatDoNotSayHowLongTheyTakeHaveOneAnswerEach) {  // PF-4
  EXPECT_EQ(Written("W").Refusal(), "run r1 is still open");
  Written cancelled("W");
  cancelled.At(10).mutable_workflow_execution_canceled_event_attributes();
  EXPECT_EQ(cancelled.Refusal(), "run r1 was cancelled, and does not say how long it takes");
  Written terminated("W");
  terminated.At(10).mutable_workflow_execution_terminated_event_attributes();
  EXPECT_EQ(terminated.Refusal(), "run r1 was terminated, and does not say how long it takes");
  Written continued("W");
  continued.At(10).mutable_workflow_execution_continued_as_new_event_attributes();
  EXPECT_EQ(continued.Refusal(), "run r1 continued as new, and is only a part of an execution");
  Written dry("GraphWorkflow", {{"graph", {{"id", "g"}}}, {"dry_run", {{"missing", "fail"}}}});
  dry.End(10);
  EXPECT_EQ(dry.Refusal(), "run r1 is a dry run: its results were recorded before");
  EXPECT_THAT(ExecutionOf({}, {}).error().message, HasSubstr("does not begin with the beginning"));
}

TEST(ExecutionOf, NotesOfAWorkerThatAreNoNumbersAreNone) {  // PF-4
  for (const char* const text : {"", "x", "1x", "-1", "nan", "inf", "1e99"}) {
    Written run("W");
    Payloads& result = run.Complete(20, run.Schedule(10, "a", "ask"), 1);
    (*result.mutable_payloads(0)->mutable_metadata())[kCpuNote] = text;
    run.End(30);
    EXPECT_FALSE(StepsOf(run.Record())[0].cpu_ms) << text;
  }
}

}  // namespace
}  // namespace wfe::optimizer
