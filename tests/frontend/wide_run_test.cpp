// What a workflow with many things at once costs the whole engine: each as much as one of few.  Counted in bytes that are
// allocated, so that a loaded machine measures the same.
#include <gmock/gmock.h>

#include <cstdlib>
#include <new>

#include "tests/support/engine_fixture.h"

namespace {

thread_local int64_t allocated_bytes = 0;

void* Allocate(std::size_t size) {
  allocated_bytes += static_cast<int64_t>(size);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace wfe {
namespace {

using namespace std::chrono_literals;
using namespace testing::ws;  // NOLINT: the service's messages

class WideRun : public testing::EngineFixture {
 protected:
  /// As the engine is, without the tests' own look at each checkpoint.
  void SetUp() override {
    check_journals_ = false;
    options_.shard.history.max_signals = 100'000;
    EngineFixture::SetUp();
  }

  void KillAndStart() {
    Crash();
    Boot();
  }

  /// A run with `count` activities that wait to be taken.
  void ScheduleMany(const std::string& id, int count) {
    StartWorkflow(id);
    auto completion = Completion(PollWorkflow().Value());
    for (int i = 0; i < count; ++i) {
      auto command = ScheduleActivity(std::to_string(i));
      auto& attributes = *command.mutable_schedule_activity_task_command_attributes();
      *attributes.mutable_input() = Payloads(std::string(200, 'i'));
      *completion.add_commands() = std::move(command);
    }
    Complete(completion).Value();
  }

  int64_t LengthOf(const std::string& id) {
    DescribeWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(id);
    return Send<DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request)
        .Value()
        .workflow_execution_info()
        .history_length();
  }

  /// Takes all of them, completes the first half while the rest is out, and ends the run.
  int64_t CostOfTaking(const std::string& id, int count) {
    const int64_t before = allocated_bytes;
    std::vector<std::string> tokens;
    for (int i = 0; i < count; ++i) {
      const auto activity = PollActivity().Value();
      EXPECT_EQ(activity.activity_id(), std::to_string(i));
      EXPECT_EQ(activity.input().payloads(0).data().size(), 200U);
      tokens.push_back(activity.task_token());
    }
    for (int i = 0; i < count / 2; ++i) CompleteActivity(tokens[static_cast<size_t>(i)]).Value();
    const int64_t cost = allocated_bytes - before;
    TerminateWorkflowExecutionRequest terminate;
    terminate.set_namespace_("default");
    terminate.mutable_workflow_execution()->set_workflow_id(id);
    Send<TerminateWorkflowExecutionResponse>("TerminateWorkflowExecution", terminate).Value();
    return cost;
  }
};

TEST_F(WideRun, TwoThousandActivitiesCostTenTimesWhatTwoHundredCost) {  // R4
  ScheduleMany("warm", 20);
  CostOfTaking("warm", 20);
  ScheduleMany("few", 200);
  const int64_t few = CostOfTaking("few", 200);
  ScheduleMany("many", 2000);
  const int64_t many = CostOfTaking("many", 2000);
  EXPECT_LT(many, 13 * few) << few << " and " << many << " bytes";
  EXPECT_LT(few / 200, 60'000);
}

TEST_F(WideRun, TheSameAfterARestartWhenNothingIsInMemory) {  // R4
  ScheduleMany("warm", 20);
  KillAndStart();
  CostOfTaking("warm", 20);
  ScheduleMany("few", 200);
  KillAndStart();
  const int64_t few = CostOfTaking("few", 200);
  ScheduleMany("many", 2000);
  KillAndStart();
  EXPECT_LT(CostOfTaking("many", 2000), 13 * few);
}

/// A history is nothing that a transition looks at: neither its length nor what is pending beside the change counts.
TEST_F(WideRun, OneMoreOfFiftyThousandEventsCostsWhatOneOfTenCosts) {  // R4, S54
  ScheduleMany("small", 10);
  ScheduleMany("big", 2000);
  for (int i = 0; i < 48'000; ++i) ASSERT_TRUE(Signal("big", "more").Get());
  ASSERT_GT(LengthOf("big"), 50'000);
  KillAndStart();
  const auto cost_of_one = [&](const std::string& id) {
    Signal(id, "warm").Value();  // loads it
    const int64_t before = allocated_bytes;
    Signal(id, "one").Value();
    return allocated_bytes - before;
  };
  const int64_t small = cost_of_one("small");
  EXPECT_LT(cost_of_one("big"), 2 * small);

  const auto events = History("big");
  EXPECT_EQ(static_cast<int64_t>(events.size()), LengthOf("big"));
  EXPECT_EQ(events.back().event_id(), static_cast<int64_t>(events.size()));
  for (int i = 0; i < 10; ++i) PollActivity().Value();
  CompleteActivity(PollActivity().Value().task_token()).Value();

  // Beyond its limit it is ended by name, and nothing that came before is lost.
  int more = 0;
  while (Signal("big", "more").Get()) ASSERT_LT(++more, 2'000);
  EXPECT_THAT(History("big").back().workflow_execution_terminated_event_attributes().reason(),
              ::testing::StartsWith("Workflow history count exceeds limit"));
}

}  // namespace
}  // namespace wfe
