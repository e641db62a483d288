// A build that leaves an audit behind: OptimizationWorkflow as its child (OP-1).
#include <gmock/gmock.h>

#include "tests/workers/history_builder.h"
#include "tests/workflows/fake_build.h"
#include "workflows/audited_build/audited_build.h"
#include "workflows/optimization/optimization.h"

namespace wfe::workflows {
namespace {

using namespace core::testing;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// For activities that are played at once.
class PlayedActivity final : public sdk::ActivityContext {
 public:
  explicit PlayedActivity(sdk::ActivityInfo info) : info_(std::move(info)) {}
  const sdk::ActivityInfo& info() const override { return info_; }
  void Heartbeat(const json&) override {}
  std::optional<json> LastHeartbeatDetails() const override { return std::nullopt; }
  bool IsCancelled() const override { return false; }
  bool WaitForCancel(Duration) override { return false; }

 private:
  const sdk::ActivityInfo info_;
};

class AuditAfterBuild : public ::testing::Test {
 protected:
  AuditAfterBuild() {
    RegisterAuditedBuild(workflows_);
    RegisterOptimization(workflows_);
    build_.Register(activities_, "host-1", "/machine-1");
  }

  void Play(FakeEngine& engine, const temporal::api::command::v1::ScheduleActivityTaskCommandAttributes& a) {
    sdk::ActivityInfo info;
    info.workflow_id = "build-1";
    info.run_id = engine.run_id();
    info.activity_id = a.activity_id();
    info.activity_type = a.activity_type().name();
    PlayedActivity context(info);
    const sdk::ActivityFunction* function = activities_.Find(info.activity_type);
    ASSERT_NE(function, nullptr) << info.activity_type;
    const auto result = (*function)(context, core::DecodePayloads(a.input()).value());
    if (result.failure() != nullptr) {
      engine.FailActivity(a.activity_id(), *result.failure());
    } else {
      engine.CompleteActivity(a.activity_id(), result.value());
    }
  }
  /// Until the build starts its audit or ends; the last command.
  Command Run(const json& audit) {
    AuditedBuildInput input;
    input.task = "Write a library.";
    input.audit = audit;
    engine_.Start(std::string(kAuditedBuildWorkflow), input);
    return GoOn();
  }
  Command GoOn() {
    for (int task = 0; task < 100; ++task) {
      const auto answer = engine_.RunTask(handler_);
      if (answer.commands().empty()) continue;
      for (const Command& command : answer.commands()) {
        if (command.has_schedule_activity_task_command_attributes()) {
          Play(engine_, command.schedule_activity_task_command_attributes());
        } else if (!command.has_start_timer_command_attributes() && !command.has_cancel_timer_command_attributes()) {
          return command;
        }
      }
    }
    ADD_FAILURE() << "the build neither starts an audit nor ends";
    return {};
  }
  static AuditedBuildResult ResultOf(const Command& command) {
    EXPECT_TRUE(command.has_complete_workflow_execution_command_attributes()) << command.ShortDebugString();
    return core::DecodePayloads(command.complete_workflow_execution_command_attributes().result())
        .value()
        .get<AuditedBuildResult>();
  }

  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
  testing::FakeBuild build_;
  core::WorkflowTaskHandler handler_{workflows_, Options()};
  FakeEngine engine_{"run-1", "build-1"};
};

TEST_F(AuditAfterBuild, CompletedBuildStartsAnAuditThatOutlivesIt) {
  const Command command = Run({{"period", "7d"}, {"min_runs", 3}});
  ASSERT_TRUE(command.has_start_child_workflow_execution_command_attributes()) << command.ShortDebugString();
  const auto& a = command.start_child_workflow_execution_command_attributes();
  EXPECT_EQ(a.workflow_type().name(), kOptimizationWorkflow);
  EXPECT_EQ(a.workflow_id(), "build-1-audit");
  EXPECT_EQ(a.parent_close_policy(), enums::PARENT_CLOSE_POLICY_ABANDON);
  // What it is given is what an audit takes.
  EXPECT_EQ(core::DecodePayloads(a.input()).value().get<OptimizationInput>().period, "7d");
  // The child is awaited: one that has not started when its parent closes may never start.
  engine_.StartChild("build-1-audit");
  const AuditedBuildResult result = ResultOf(GoOn());
  EXPECT_EQ(result.status, "passed");
  EXPECT_EQ(result.audit, "build-1-audit");
  ExpectEveryPrefixReplays(engine_, workflows_);
}

TEST_F(AuditAfterBuild, BuildIsNotWorseForAnAuditThatCannotStart) {
  Run(json::object());
  engine_.FailChildStart("build-1-audit", enums::START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS);
  const AuditedBuildResult result = ResultOf(GoOn());
  EXPECT_EQ(result.status, "passed");
  EXPECT_THAT(result.audit, IsEmpty());
  ExpectEveryPrefixReplays(engine_, workflows_);
}

TEST_F(AuditAfterBuild, BuildThatIsAskedForNoneStartsNone) {
  EXPECT_THAT(ResultOf(Run(nullptr)).audit, IsEmpty());
  ExpectEveryPrefixReplays(engine_, workflows_);
}

TEST_F(AuditAfterBuild, WhatIsNoInputOfAnAuditIsRefusedAtOnce) {
  const Command command = Run("nightly");
  ASSERT_TRUE(command.has_fail_workflow_execution_command_attributes()) << command.ShortDebugString();
  EXPECT_THAT(command.fail_workflow_execution_command_attributes().failure().message(),
              HasSubstr("input.audit must be an input of OptimizationWorkflow"));
}

}  // namespace
}  // namespace wfe::workflows
