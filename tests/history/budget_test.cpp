// What a transition may cost: its change, however much is pending beside it.  Counted in allocations, so that a loaded
// machine measures the same.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "engine/history/decide.h"
#include "tests/history/wide_run.h"

namespace {

thread_local int64_t allocations = 0;

void* Allocate(std::size_t size) {
  ++allocations;
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

namespace wfe::history {
namespace {

using namespace std::chrono_literals;

/// A wide run that counts.
class CountedRun : public WideRun {
 public:
  using WideRun::WideRun;
  int64_t CostOf(const Input& input) {
    const int64_t before = allocations;
    const Transition transition = Do(input);
    return allocations - before;
  }
};

ActivityTaskCompleted Completed(EventId scheduled) { return {{scheduled, 1, {}}, Text("ok"), "worker"}; }

struct OneOfMany {
  int64_t start = 0, heartbeat = 0, complete = 0, refuse = 0;
};

OneOfMany CostOfOne(int pending) {
  CountedRun run(ManyActivities(pending));
  const EventId scheduled = kFirstScheduled + pending / 2;
  OneOfMany cost;
  cost.start = run.CostOf(ActivityTaskStarted{scheduled, 1, "worker", "poll"});
  cost.heartbeat = run.CostOf(ActivityHeartbeat{{scheduled, 1, {}}, Text("half"), "worker"});
  cost.complete = run.CostOf(Completed(scheduled));
  const int64_t before = allocations;
  EXPECT_FALSE(Decide(std::move(run.state), Completed(scheduled), run.now, run.limits).has_value());
  cost.refuse = allocations - before;
  return cost;
}

TEST(Budget, OneOfTwoThousandActivitiesCostsWhatOneOfTwoCosts) {
  CostOfOne(2);  // what is made once
  const OneOfMany few = CostOfOne(2);
  const OneOfMany many = CostOfOne(2000);
  EXPECT_LE(many.start, few.start + 2);
  EXPECT_LE(many.heartbeat, few.heartbeat + 2);
  EXPECT_LE(many.complete, few.complete + 2);
  EXPECT_LE(many.refuse, few.refuse + 2);
  EXPECT_LE(many.start, 40);
  EXPECT_LE(many.heartbeat, 40);
  EXPECT_LE(many.complete, 100);
}

int64_t CostOfFanOut(int count) {
  const int64_t before = allocations;
  CountedRun run(ManyActivities(count));
  for (EventId scheduled = kFirstScheduled; scheduled < kFirstScheduled + count; ++scheduled) {
    run.Do(ActivityTaskStarted{scheduled, 1, "worker", "poll"});
  }
  for (EventId scheduled = kFirstScheduled; scheduled < kFirstScheduled + count; ++scheduled) {
    run.Do(Completed(scheduled));
  }
  EXPECT_TRUE(run.state.activities().empty());
  return allocations - before;
}

TEST(Budget, ParallelActivitiesCostLinearly) {
  const int64_t few = CostOfFanOut(200);
  EXPECT_LT(CostOfFanOut(2000), 15 * few);
}

struct Fired {
  int64_t cost = 0;
  int ticks = 0;
};

/// All timers are due at once, while a worker holds the next workflow task.
Fired CostOfTimersBehindATask(int count) {
  CountedRun run(ManyTimers(count, 5s));
  run.Do(SignalReceived{.signal_name = "s"});
  run.TakeTask();
  run.now += 5s;
  const int64_t before = allocations;
  Fired fired;
  for (; *NextDeadline(run.state) <= run.now; ++fired.ticks) run.Do(Tick{});
  EXPECT_EQ(run.state.buffer().events.size(), static_cast<size_t>(count));
  run.Do(WorkflowTaskCompleted{.started_event_id = run.state.workflow_task().started->started_event_id, .attempt = 1});
  EXPECT_TRUE(run.state.timers().empty());
  fired.cost = allocations - before;
  return fired;
}

TEST(Budget, TimersDueAtOnceBehindAHeldTaskCostLinearlyAndGiveOthersATurn) {  // F16
  const Fired few = CostOfTimersBehindATask(200);
  const Fired many = CostOfTimersBehindATask(2000);
  EXPECT_LT(many.cost, 15 * few.cost);
  EXPECT_EQ(few.ticks, 1);
  EXPECT_EQ(many.ticks, 8);  // at most 256 things in one
}

TEST(Budget, AStateIsMovedThroughATransitionNotCopied) {
  CountedRun run(ManyActivities(2000));
  const OpenActivity* const somewhere = &run.state.activities().rbegin()->second;
  run.Do(SignalReceived{.signal_name = "s"});
  EXPECT_EQ(&run.state.activities().rbegin()->second, somewhere);
}

}  // namespace
}  // namespace wfe::history
