// A start over many open runs: they are taken up again in turns, and whoever asks for one earlier finds it whole.
#include <gmock/gmock.h>

#include "tests/support/engine_fixture.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages
using ::testing::IsEmpty;

class Recovery : public testing::EngineFixture {
 protected:
  static constexpr int kRuns = 400;  // more than one turn of each shard

  /// Runs whose first task comes in an hour.
  void StartMany() {
    for (int i = 0; i < kRuns; ++i) {
      auto request = StartRequest("w" + std::to_string(1000 + i));
      request.mutable_workflow_start_delay()->set_seconds(3600);
      Send<StartWorkflowExecutionResponse>("StartWorkflowExecution", request).Value();
    }
  }

  /// Dispatches without letting anything run.
  template <class Request>
  std::shared_ptr<testing::TestCall> Dispatch(const std::string& method, const Request& request) {
    auto call = std::make_shared<testing::TestCall>(loop_.Now() + 70s);
    engine_->dispatcher().Dispatch(kService, method, request.SerializeAsString(), call);
    return call;
  }

  void DamageState(const std::string& workflow_id) {
    auto cursor = disk_->Scan(storage::Family::kState, "o", "p");
    storage::WriteSet damage;
    for (; cursor->Valid(); cursor->Next()) {
      if (cursor->key().find(workflow_id) == std::string_view::npos) continue;
      damage.puts.push_back({storage::Family::kState, std::string(cursor->key()), "\xff"});
    }
    ASSERT_TRUE(cursor->Finish().has_value());
    ASSERT_EQ(damage.puts.size(), 1U);
    ASSERT_TRUE(disk_->Write({&damage}, true).has_value());
  }

  frontend::DerivedReport Derived() {
    std::optional<frontend::DerivedReport> report;
    engine_->CheckDerived([&](Result<frontend::DerivedReport> checked) { report = checked.value(); });
    loop_.RunReady();
    return report.value();
  }
};

TEST_F(Recovery, ACallIsServedBeforeTheLastRunIsTakenUpAgain) {
  StartMany();
  StartWorkflow("zzz");
  StartWorkflow("damaged-too");
  Crash();
  DamageState("w1399");
  DamageState("zzz");
  BootAndWait();
  DescribeWorkflowExecutionRequest describe;
  describe.set_namespace_("default");
  describe.mutable_execution()->set_workflow_id("w1398");
  const auto call = Dispatch("DescribeWorkflowExecution", describe);
  bool served_first = false;
  for (auto& strand : shard_strands_) {
    strand.Post([&] { served_first = call->reply().has_value() && log_.warnings().empty(); });
  }
  loop_.RunReady();
  EXPECT_TRUE(served_first);
  EXPECT_EQ(log_.warnings().size(), 2U) << "the others are named when their turn comes";
}

TEST_F(Recovery, ARunThatIsAskedForEarlyIsTakenUpThenAndWhatWasBufferedComesFirst) {  // S61
  StartMany();
  StartWorkflow("zzz");
  PollWorkflow().Value();
  Signal("zzz", "first").Value();
  Crash();
  BootAndWait();
  SignalWorkflowExecutionRequest signal;
  signal.set_namespace_("default");
  signal.mutable_workflow_execution()->set_workflow_id("zzz");
  signal.set_signal_name("second");
  const auto call = Dispatch("SignalWorkflowExecution", signal);
  loop_.RunReady();
  ASSERT_TRUE(call->reply().has_value() && call->reply()->has_value());
  std::vector<std::string> names;
  for (const auto& event : History("zzz")) {
    if (event.has_workflow_execution_signaled_event_attributes()) {
      names.push_back(event.workflow_execution_signaled_event_attributes().signal_name());
    }
  }
  EXPECT_THAT(names, ::testing::ElementsAre("first", "second"));
  EXPECT_EQ(PollWorkflow().Value().workflow_execution().workflow_id(), "zzz");
  EXPECT_FALSE(PollWorkflow().done()) << "it is offered once";
}

TEST_F(Recovery, TheIndexIsComparedWhenAllRunsAreTakenUpAgain) {  // H21
  StartMany();
  Crash();
  BootAndWait();
  const frontend::DerivedReport report = Derived();
  EXPECT_EQ(report.open_executions, kRuns);
  EXPECT_TRUE(report.clean());
}

TEST_F(Recovery, EveryRunIsTakenUpAgain) {  // H33
  StartMany();
  Crash();
  Boot();
  EXPECT_THAT(log_.warnings(), IsEmpty());
  loop_.Advance(1h + 1s);
  std::set<std::string> offered;
  for (int i = 0; i < kRuns; ++i) offered.insert(PollWorkflow().Value().workflow_execution().workflow_id());
  EXPECT_EQ(offered.size(), static_cast<size_t>(kRuns));
}

TEST_F(Recovery, AStopDoesNotWaitForTheRunsThatAreLeft) {
  StartMany();
  Crash();
  BootAndWait();
  bool stopped = false;
  engine_->Stop([&] { stopped = true; });
  loop_.RunReady();
  EXPECT_TRUE(stopped);
  Crash();
  Boot();
  EXPECT_EQ(Derived().open_executions, kRuns);
}

}  // namespace
}  // namespace wfe
