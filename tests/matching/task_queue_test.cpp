#include "engine/matching/task_queue.h"

#include <gmock/gmock.h>

namespace wfe::matching {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

Instant At(int seconds) { return Instant(std::chrono::seconds(seconds)); }

TaskRef Task(const std::string& workflow, int32_t attempt = 1) {
  return {{Namespace("ns"), WorkflowId(workflow), RunId("r")}, TaskKind::kWorkflow, 2, attempt, {}};
}

std::optional<Match> Poll(TaskQueue& queue, PollerId poller) {
  return queue.Poll(poller, At(0), "worker");
}

TEST(TaskQueue, TasksAreTakenFirstInFirstOut) {
  TaskQueue queue;
  EXPECT_FALSE(queue.Offer(Task("a")));
  EXPECT_FALSE(queue.Offer(Task("b")));
  EXPECT_EQ(queue.backlog(), 2U);
  EXPECT_EQ(Poll(queue, 1)->task, Task("a"));
  EXPECT_EQ(Poll(queue, 2)->task, Task("b"));
  EXPECT_FALSE(Poll(queue, 3));
}

TEST(TaskQueue, TheLongestWaitingPollerGetsTheTask) {
  TaskQueue queue;
  EXPECT_FALSE(Poll(queue, 1));
  EXPECT_FALSE(Poll(queue, 2));
  EXPECT_EQ(queue.Offer(Task("a"))->poller, 1U);
  EXPECT_EQ(queue.Offer(Task("b"))->poller, 2U);
  EXPECT_FALSE(queue.Offer(Task("c")));
}

TEST(TaskQueue, AForgottenPollerNeverGetsATask) {  // pitfall 19
  TaskQueue queue;
  Poll(queue, 1);
  Poll(queue, 2);
  EXPECT_TRUE(queue.Forget(1));
  EXPECT_FALSE(queue.Forget(1));
  EXPECT_EQ(queue.Offer(Task("a"))->poller, 2U);
}

TEST(TaskQueue, ATaskPutBackComesBeforeTheOthers) {
  TaskQueue queue;
  queue.Offer(Task("a"));
  queue.Offer(Task("b"));
  const auto match = Poll(queue, 1);
  queue.PutBack(match->task);
  EXPECT_EQ(Poll(queue, 2)->task, Task("a"));
}

TEST(TaskQueue, APollerThatGotAVoidTaskWaitsAheadOfOthers) {
  TaskQueue queue;
  Poll(queue, 1);
  Poll(queue, 2);
  queue.Offer(Task("void"));
  EXPECT_FALSE(queue.PollAgain(1, At(0), "worker"));
  EXPECT_EQ(queue.Offer(Task("a"))->poller, 1U);
}

TEST(TaskQueue, APollerWhoseTimeIsUpWasThereUntilThen) {
  TaskQueue queue;
  Poll(queue, 1);
  Poll(queue, 2);
  EXPECT_TRUE(queue.Expire(2, At(10)));
  EXPECT_FALSE(queue.Expire(2, At(10)));
  EXPECT_EQ(queue.last_poll(), At(10));
  EXPECT_EQ(queue.Offer(Task("a"))->poller, 1U);
}

TEST(TaskQueue, TakenPollersGetNoTask) {
  TaskQueue queue;
  Poll(queue, 2);
  Poll(queue, 1);
  EXPECT_THAT(queue.TakePollers(), ElementsAre(2, 1));
  EXPECT_EQ(queue.waiting(), 0U);
  EXPECT_FALSE(queue.Offer(Task("a")));
}

TEST(TaskQueue, TheSameTaskTwiceIsOneTask) {
  TaskQueue queue;
  queue.Offer(Task("a"));
  queue.Offer(Task("b"));
  queue.Offer(Task("a"));
  EXPECT_EQ(queue.backlog(), 2U);
}

TEST(TaskQueue, ANewerAttemptTakesThePlaceOfTheOlder) {
  TaskQueue queue;
  queue.Offer(Task("a", 2));
  queue.Offer(Task("b"));
  queue.Offer(Task("a", 3));
  queue.Offer(Task("a", 1));
  EXPECT_EQ(Poll(queue, 1)->task, Task("a", 3));
  EXPECT_EQ(Poll(queue, 2)->task, Task("b"));
}

TEST(TaskQueue, AWithdrawnTaskIsNotHandedOut) {
  TaskQueue queue;
  queue.Offer(Task("a"));
  queue.Offer(Task("b"));
  EXPECT_TRUE(queue.Withdraw(Task("a").identity()));
  EXPECT_FALSE(queue.Withdraw(Task("a").identity()));
  EXPECT_EQ(Poll(queue, 1)->task, Task("b"));
}

TEST(TaskQueue, RemembersWhoPolledLately) {  // S67
  TaskQueue queue;
  EXPECT_FALSE(queue.HasPoller(At(0), 10s));
  queue.Poll(1, At(5), "one");
  EXPECT_TRUE(queue.HasPoller(At(50), 10s)) << "it waits still";
  queue.Expire(1, At(5));
  EXPECT_TRUE(queue.HasPoller(At(14), 10s));
  EXPECT_FALSE(queue.HasPoller(At(15), 10s));
  queue.Poll(2, At(20), "two");
  ASSERT_EQ(queue.seen().size(), 2U);
  EXPECT_EQ(queue.seen().front().identity, "two");
}

TEST(TaskQueue, WhoeverLeftWhileItWaitedIsNotSeenUnlessItWaitsInAnotherPoll) {  // S67
  TaskQueue queue;
  queue.Poll(1, At(1), "one");
  queue.Poll(2, At(2), "one");
  queue.Poll(3, At(3), "two");
  queue.Forget(1);
  EXPECT_EQ(queue.seen().size(), 2U) << "its other poll waits";
  queue.Forget(2);
  ASSERT_EQ(queue.seen().size(), 1U);
  EXPECT_EQ(queue.seen().front().identity, "two");
  EXPECT_TRUE(queue.Offer(Task("a")));
  queue.Forget(3);
  EXPECT_EQ(queue.seen().size(), 1U) << "it did not leave: it got a task";
  queue.Poll(4, At(4), "one");
  EXPECT_EQ(queue.seen().front().identity, "one") << "it came again";
}

}  // namespace
}  // namespace wfe::matching
