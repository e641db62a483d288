// Builds whose machines and power fail at every moment there is (EN-5, AB-5, RW-D2).
#include <gmock/gmock.h>

#include "tests/workflows/build_world.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using testing::BuildEnd;
using testing::BuildWorld;
using testing::FakeBuild;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

const std::vector<std::string> kSteps = {"workflow_started",  "scaffold",           "implement_v1",
                                         "initial_verification:fail", "fix_attempt_1", "fix_attempt_1:pass",
                                         "workflow_completed"};

void Script(FakeBuild& build) {
  build.verdicts["initial_verification"] = FakeBuild::Failing("JEST_FAILURE", "log");
  build.workspace = "branch";
}

/// How many activities such a build starts.
int CountActivities() {
  BuildWorld world;
  world.Start();
  Script(world.build());
  int started = 0;
  world.build().on_start = [&](const std::string&, const std::string&) { ++started; };
  EXPECT_EQ(world.Run({}).result.status, "passed");
  return started;
}

TEST(AuditedBuildFaults, HostThatIsLostInAnyStepIsReplacedAndEverythingCountsOnce) {  // RW-D2, EN-5
  const int activities = CountActivities();
  ASSERT_GT(activities, 15);
  for (int lost = 1; lost <= activities; ++lost) {
    BuildWorld world;
    world.Start();
    Script(world.build());
    int started = 0;
    std::string at;
    world.build().on_start = [&](const std::string& activity, const std::string& step) {
      if (++started == lost) at = activity + " " + step;
    };
    world.Submit({});
    ASSERT_TRUE(world.RunUntil([&] { return started >= lost; }));
    SCOPED_TRACE("host lost in activity " + std::to_string(lost) + ": " + at);
    world.ReplaceHost();
    const BuildEnd end = world.Await();
    ASSERT_EQ(end.result.status, "passed");
    // Every step once, in its order, sound, on the machine where the build ended.
    EXPECT_THAT(world.Steps(end), ElementsAreArray(kSteps));
    EXPECT_EQ(end.result.total_tokens, 3000);
    if (end.result.host_changes > 0) {
      EXPECT_EQ(end.result.host_changes, 1);
      EXPECT_TRUE(end.result.working_dir.starts_with("/machine-2/")) << end.result.working_dir;
      int said = 0;
      for (const auto& entry : world.build().traces[end.result.working_dir].entries) {
        if (entry.ext.contains("recovered_from_host")) ++said;
      }
      EXPECT_LE(said, 1);
    }
  }
}

TEST(AuditedBuildFaults, ArmOfAnExperimentIsInEveryEntryAfterItIsDrawnAlsoOnAnotherHost) {  // AB-10
  BuildWorld world;
  world.Start();
  Script(world.build());
  world.build().experiment_arm = "typescript-package-v2-1/variant";
  world.build().on_start = [&](const std::string&, const std::string& step) {
    // A run that another experiment drew for later would say so.
    if (step == "implement_v1") world.build().experiment_arm = "another/control";
  };
  world.Submit({});
  ASSERT_TRUE(world.RunUntil([&] { return world.build().experiment_arm == "another/control"; }));
  world.ReplaceHost();
  const BuildEnd end = world.Await();
  ASSERT_EQ(end.result.status, "passed");
  EXPECT_EQ(end.result.host_changes, 1);
  int said = 0;
  for (const auto& entry : world.build().traces[end.result.working_dir].entries) {
    if (!entry.ext.contains("template_id")) continue;
    EXPECT_EQ(entry.ext.value("experiment_arm", ""), "typescript-package-v2-1/variant") << entry.step_name;
    ++said;
  }
  EXPECT_GE(said, 6);
}

TEST(AuditedBuildFaults, SecondHostThatIsLostOnTheWayIsReplacedToo) {  // RW-D2
  for (const char* const step : {"openWorkspace", "preflightBuild", "installDependencies", "prepareContext",
                                 "logAuditEntry"}) {
    SCOPED_TRACE(step);
    BuildWorld world;
    world.Start();
    Script(world.build());
    world.Submit({});
    ASSERT_TRUE(world.RunUntil([&] { return world.build().checks_run == 1; }));
    bool moving = false;
    world.build().on_start = [&](const std::string& activity, const std::string&) { moving |= activity == step; };
    world.ReplaceHost();
    ASSERT_TRUE(world.RunUntil([&] { return moving; }));
    world.ReplaceHost();
    const BuildEnd end = world.Await();
    EXPECT_EQ(end.result.status, "passed");
    EXPECT_EQ(end.result.host_changes, 2);
    EXPECT_THAT(world.Steps(end), ElementsAreArray(kSteps));
  }
}

TEST(AuditedBuildFaults, TreeOnTheNewHostIsTheOneAfterTheLastStep) {  // RW-D2
  BuildWorld world;
  world.Start();
  Script(world.build());
  world.Submit({});
  ASSERT_TRUE(world.RunUntil([&] { return world.build().checks_run == 1; }));
  world.ReplaceHost();
  const BuildEnd end = world.Await();
  EXPECT_EQ(world.build().restored[end.result.working_dir], "tree-after-implement_v1");
}

TEST(AuditedBuildFaults, BuildWhoseNewHostCannotTakeItStillSaysSo) {  // RW-D2
  BuildWorld world;
  world.Start();
  Script(world.build());
  world.Submit({});
  ASSERT_TRUE(world.RunUntil([&] { return world.build().checks_run == 1; }));
  world.build().failures.emplace("openWorkspace", FakeBuild::Failure("WORKSPACE", "the disk is read-only"));
  world.ReplaceHost();
  const BuildEnd end = world.Await();
  EXPECT_EQ(end.status, "failed");
  EXPECT_EQ(end.failure, "openWorkspace: the disk is read-only");
  EXPECT_EQ(world.build().traces.rbegin()->second.Steps().back(), "workflow_failed");
}

TEST(AuditedBuildFaults, PowerThatGoesAtAnySyncChangesNothing) {  // AB-5
  int syncs = 0;
  {
    BuildWorld world;
    world.Start();
    Script(world.build());
    const int before = world.host().syncs();
    ASSERT_EQ(world.Run({}).result.status, "passed");
    syncs = world.host().syncs() - before;
  }
  ASSERT_GT(syncs, 20);
  for (int cut = 1; cut < syncs; ++cut) {
    SCOPED_TRACE("the power goes after sync " + std::to_string(cut));
    BuildWorld world;
    world.Start();
    Script(world.build());
    world.host().CutPowerAfter(cut);
    world.Submit({});
    const Instant until = world.host().loop().Now() + 1h;
    while (world.host().power() && world.host().loop().RunNextTimer(until)) {
    }
    world.Restart();
    const BuildEnd end = world.Await();
    ASSERT_EQ(end.result.status, "passed");
    EXPECT_EQ(end.result.host_changes, 0);
    EXPECT_EQ(end.result.total_tokens, 3000);
    EXPECT_THAT(world.Steps(end), ElementsAreArray(kSteps));
    EXPECT_THAT(world.build().claims, IsEmpty());
  }
}

}  // namespace
}  // namespace wfe::workflows
