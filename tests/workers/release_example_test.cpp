// The example of docs/sdk.md does what the page says.
#include <gmock/gmock.h>

#include "tests/workers/history_builder.h"

#define main ReleaseMain
#include "docs/examples/release/main.cpp"
#undef main

namespace wfe::core::testing {
namespace {

using ::testing::ElementsAre;

class ReleaseExample : public ::testing::Test {
 protected:
  ReleaseExample() {
    registry.Register(kRelease, &Release);
    engine.Start("Release", ReleaseInput{.version = "7", .packages = {"core", "docs"}});
    EXPECT_THAT(Task(), ElementsAre("StartChildWorkflowExecution Package #package-core-7",
                                    "StartChildWorkflowExecution Package #package-docs-7"));
    engine.StartChild("package-core-7");
    engine.StartChild("package-docs-7");
    engine.CompleteChild("package-docs-7", "docs-7.tar");
  }
  std::vector<std::string> Task() { return Commands(engine.RunTask(handler)); }

  sdk::WorkflowRegistry registry;
  WorkflowTaskHandler handler{registry, Options()};
  FakeEngine engine;
};

TEST_F(ReleaseExample, EveryPackageIsMadeByAChildAndTheAnnouncerIsTold) {
  engine.CompleteChild("package-core-7", "core-7.tar");
  EXPECT_THAT(Task(), ElementsAre("SignalExternal released #announcer [\"core-7.tar\",\"docs-7.tar\"]"));
  engine.DeliverSignal("announcer");
  EXPECT_THAT(Task(), ElementsAre("CompleteWorkflowExecution "
                                  "{\"announced\":true,\"files\":[\"core-7.tar\",\"docs-7.tar\"]}"));
  ExpectEveryPrefixReplays(engine, registry);
}

TEST_F(ReleaseExample, PackageThatFailsFailsTheReleaseUnderItsName) {
  engine.FailChild("package-core-7", {.message = "no compiler", .type = "TOOLS"});
  EXPECT_THAT(Task(), ElementsAre("FailWorkflowExecution child workflow Package (id package-core-7) failed: "
                                  "no compiler [TOOLS]"));
}

}  // namespace
}  // namespace wfe::core::testing
