#include "engine/matching/matcher.h"

#include <gmock/gmock.h>

namespace wfe::matching {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Instant At(int seconds) { return Instant(std::chrono::seconds(seconds)); }

ExecutionKey Execution(const std::string& workflow) { return {Namespace("ns"), WorkflowId(workflow), RunId("r")}; }
TaskRef Task(const std::string& workflow, int32_t attempt = 1) {
  return {Execution(workflow), TaskKind::kWorkflow, 2, attempt, {}};
}
TaskRef Activity(const std::string& workflow, EventId id) {
  return {Execution(workflow), TaskKind::kActivity, id, 1, {}};
}
TaskRef QueryOf(const std::string& workflow, const std::string& id) {
  return {Execution(workflow), TaskKind::kQuery, 0, 1, id};
}
QueueKey Queue(const std::string& name) { return {Namespace("ns"), QueueType::kWorkflow, name}; }

class MatcherTest : public ::testing::Test {
 protected:
  std::optional<Match> Poll(const QueueKey& queue, PollerId poller, int now = 0, int deadline = 60) {
    return matcher_.Poll(poller, queue, At(deadline), At(now), "worker").value();
  }
  std::optional<Match> Offer(TaskRef task, const QueueKey& queue, int now = 0) {
    return matcher_.Offer(std::move(task), queue, std::nullopt, At(now)).match;
  }
  std::optional<Match> OfferSticky(TaskRef task, int now) {
    return matcher_.Offer(std::move(task), Queue("sticky"), "normal", At(now)).match;
  }
  MatcherLimits limits_{.max_pollers = 4, .max_pollers_per_queue = 2, .max_backlog_per_queue = 4};
  Matcher matcher_{limits_};
};

TEST_F(MatcherTest, QueuesDifferByNamespaceTypeAndName) {
  Offer(Task("w"), Queue("q"));
  EXPECT_FALSE(Poll(Queue("other"), 1));
  EXPECT_FALSE(Poll({Namespace("else"), QueueType::kWorkflow, "q"}, 2));
  EXPECT_FALSE(Poll({Namespace("ns"), QueueType::kActivity, "q"}, 3));
  EXPECT_TRUE(Poll(Queue("q"), 4));
}

TEST_F(MatcherTest, AStickyTaskWaitsForAWorkerThatPolledLately) {  // S45, S67
  Poll(Queue("sticky"), 1, 0);
  matcher_.Forget(1);
  EXPECT_FALSE(OfferSticky(Task("w"), 5));
  EXPECT_EQ(matcher_.Backlog(Queue("sticky")), 1);
  EXPECT_FALSE(OfferSticky(Task("x"), 20));
  EXPECT_EQ(matcher_.Backlog(Queue("normal")), 1) << "nobody polled the sticky queue for 10 s";
}

TEST_F(MatcherTest, AnOfferOnAnotherQueueReplacesTheOlderOne) {
  Poll(Queue("sticky"), 1, 0);
  matcher_.Forget(1);
  OfferSticky(Task("w"), 1);
  Offer(Task("w", 2), Queue("normal"), 11);
  EXPECT_EQ(matcher_.Backlog(Queue("sticky")), 0);
  EXPECT_EQ(Poll(Queue("normal"), 2)->task, Task("w", 2));
}

TEST_F(MatcherTest, AClosedRunLosesItsTasksButNotItsQueries) {  // S68
  Offer(Task("w"), Queue("q"));
  Offer(QueryOf("w", "q1"), Queue("q"));
  Offer(Activity("w", 5), {Namespace("ns"), QueueType::kActivity, "q"});
  Offer(Task("other"), Queue("q"));
  matcher_.WithdrawExecution(Execution("w"));
  EXPECT_EQ(matcher_.Backlog({Namespace("ns"), QueueType::kActivity, "q"}), 0);
  EXPECT_EQ(Poll(Queue("q"), 1)->task, QueryOf("w", "q1"));
  EXPECT_EQ(Poll(Queue("q"), 2)->task, Task("other"));
}

TEST_F(MatcherTest, OneTaskIsWithdrawnAlone) {
  const QueueKey queue{Namespace("ns"), QueueType::kActivity, "q"};
  Offer(Activity("w", 5), queue);
  Offer(Activity("w", 6), queue);
  matcher_.Withdraw(Activity("w", 5).identity());
  EXPECT_EQ(Poll(queue, 1)->task, Activity("w", 6));
  matcher_.Withdraw(Activity("w", 6).identity());
}

TEST_F(MatcherTest, ATaskTakenFromAQueueIsNotHeldAgainstALaterOffer) {
  Offer(Task("w"), Queue("q"));
  EXPECT_TRUE(Poll(Queue("q"), 1));
  Offer(Task("w"), Queue("p"));
  EXPECT_TRUE(Poll(Queue("p"), 2));
}

TEST_F(MatcherTest, PollersBeyondTheLimitsAreRefused) {  // F17
  Poll(Queue("a"), 1);
  Poll(Queue("a"), 2);
  EXPECT_EQ(matcher_.Poll(3, Queue("a"), At(60), At(0), "w").error().code, StatusCode::kResourceExhausted);
  Poll(Queue("b"), 4);
  Poll(Queue("b"), 5);
  EXPECT_EQ(matcher_.Poll(6, Queue("c"), At(60), At(0), "w").error().code, StatusCode::kResourceExhausted);
  matcher_.Forget(1);
  EXPECT_FALSE(Poll(Queue("c"), 7));
}

TEST_F(MatcherTest, AFullBacklogRefusesAndSaysWhenItHasRoom) {  // F17
  for (int i = 0; i < 4; ++i) Offer(Task(std::to_string(i)), Queue("q"));
  EXPECT_TRUE(matcher_.Offer(Task("5"), Queue("q"), std::nullopt, At(0)).refused);
  EXPECT_THAT(matcher_.TakeDrained(), IsEmpty());
  Poll(Queue("q"), 1);
  EXPECT_THAT(matcher_.TakeDrained(), IsEmpty());
  Poll(Queue("q"), 2);
  EXPECT_THAT(matcher_.TakeDrained(), ElementsAre(Queue("q")));
  EXPECT_THAT(matcher_.TakeDrained(), IsEmpty());
}

TEST_F(MatcherTest, ExpiryFollowsTheDeadlinesOverAllQueues) {
  Poll(Queue("a"), 1, 0, 30);
  Poll(Queue("b"), 2, 0, 10);
  EXPECT_EQ(matcher_.NextExpiry(), At(10));
  EXPECT_THAT(matcher_.Expire(At(10)), ElementsAre(2));
  EXPECT_EQ(matcher_.NextExpiry(), At(30));
  EXPECT_TRUE(Offer(Task("w"), Queue("a")));
  EXPECT_EQ(matcher_.NextExpiry(), std::nullopt);
}

TEST_F(MatcherTest, IdleQueuesAreForgotten) {
  Poll(Queue("gone"), 1, 0, 10);
  Offer(Task("w"), Queue("kept"));
  matcher_.Expire(At(10));
  EXPECT_EQ(matcher_.queue_count(), 2U);
  matcher_.Expire(At(10 + 300));
  EXPECT_EQ(matcher_.queue_count(), 1U);
}

TEST_F(MatcherTest, PollersOfOneQueueExpireAtTheirOwnDeadlines) {
  Poll(Queue("a"), 1, 0, 30);
  Poll(Queue("a"), 2, 0, 10);
  EXPECT_THAT(matcher_.Expire(At(9)), IsEmpty());
  EXPECT_THAT(matcher_.Expire(At(10)), ElementsAre(2));
  EXPECT_EQ(Offer(Task("w"), Queue("a"))->poller, 1U);
}

TEST(MatcherSize, TasksOfOneWideRunCostTheSameHoweverManyWait) {
  constexpr int kTasks = 2000;
  const QueueKey queue{Namespace("ns"), QueueType::kActivity, "q"};
  const QueueKey other{Namespace("ns"), QueueType::kActivity, "other"};
  Matcher matcher({.max_backlog_per_queue = kTasks});
  for (EventId id = 1; id <= kTasks; ++id) matcher.Offer(Activity("w", id), queue, std::nullopt, At(0));
  for (EventId id = 1; id <= kTasks; ++id) matcher.Offer(Activity("w", id), queue, std::nullopt, At(0));
  for (EventId id = 1; id <= kTasks; id += 2) matcher.Offer(Activity("w", id), other, std::nullopt, At(1));
  EXPECT_EQ(matcher.Backlog(other), kTasks / 2);
  for (EventId id = 1; id <= kTasks; id += 4) matcher.Withdraw(Activity("w", id).identity());
  PollerId poller = 0;
  while (matcher.Backlog(queue) > 0) ASSERT_TRUE(matcher.Poll(++poller, queue, At(60), At(1), "w").value());
  EXPECT_EQ(poller, static_cast<PollerId>(kTasks / 2));
  matcher.WithdrawExecution(Execution("w"));
  EXPECT_EQ(matcher.Backlog(other), 0);
  EXPECT_LT(matcher.compares(), 10 * kTasks);
}

TEST(MatcherSize, AHundredThousandPollersAreBounded) {
  constexpr int kPollers = 100'000;
  Matcher matcher({.max_pollers = 20'000, .max_pollers_per_queue = 2'000, .max_queues = 100});
  int waiting = 0;
  for (int i = 0; i < kPollers; ++i) {
    // Every second one names a queue of its own.
    const QueueKey queue = Queue(i % 2 == 0 ? "shared" + std::to_string(i % 32) : "own" + std::to_string(i));
    const auto polled = matcher.Poll(static_cast<PollerId>(i + 1), queue, At(60 + i % 7), At(0), "w");
    if (polled) {
      ++waiting;
      continue;
    }
    EXPECT_EQ(polled.error().code, StatusCode::kResourceExhausted);
  }
  EXPECT_EQ(waiting, 20'000);
  EXPECT_EQ(matcher.waiting(), 20'000U);
  EXPECT_LE(matcher.queue_count(), 100U);
  EXPECT_EQ(matcher.Expire(At(70)).size(), 20'000U);
  EXPECT_EQ(matcher.waiting(), 0U);
  matcher.Expire(At(1000));
  EXPECT_EQ(matcher.queue_count(), 0U);
}

TEST(MatcherSize, APollOpensNoQueueBeyondTheLimitAndAnOfferDoes) {
  Matcher matcher({.max_queues = 2});
  EXPECT_TRUE(matcher.Poll(1, Queue("a"), At(60), At(0), "w").has_value());
  matcher.Offer(Task("w"), Queue("b"), std::nullopt, At(0));
  const auto refused = matcher.Poll(2, Queue("c"), At(60), At(0), "w");
  EXPECT_EQ(refused.error().code, StatusCode::kResourceExhausted);
  EXPECT_EQ(refused.error().message, "too many task queues are in use (2), so task queue c cannot be polled");
  matcher.Offer(Task("x"), Queue("d"), std::nullopt, At(0));
  EXPECT_EQ(matcher.Poll(3, Queue("d"), At(60), At(0), "w").value()->task, Task("x"));
}

TEST_F(MatcherTest, AWorkersGoodbyeMovesItsTasks) {  // pitfall 7
  Poll(Queue("sticky"), 1, 0);
  matcher_.Forget(1);
  OfferSticky(Task("w"), 1);
  OfferSticky(Task("x"), 1);
  Poll(Queue("normal"), 2, 1);
  const Matcher::Drained drained = matcher_.DrainSticky(Queue("sticky"));
  ASSERT_EQ(drained.matches.size(), 1U);
  EXPECT_EQ(drained.matches[0].task, Task("w"));
  EXPECT_EQ(drained.matches[0].poller, 2U);
  EXPECT_EQ(matcher_.Backlog(Queue("normal")), 1);
  OfferSticky(Task("y"), 2);
  EXPECT_EQ(matcher_.Backlog(Queue("normal")), 2) << "the sticky queue is gone";
}

TEST_F(MatcherTest, AWorkersGoodbyeAnswersItsOwnPolls) {
  Poll(Queue("sticky"), 1);
  Poll(Queue("sticky"), 2);
  EXPECT_THAT(matcher_.DrainSticky(Queue("sticky")).pollers, ElementsAre(1, 2));
  EXPECT_EQ(matcher_.waiting(), 0U);
}

TEST_F(MatcherTest, ShutdownTakesEveryPoller) {
  Poll(Queue("a"), 1, 0, 20);
  Poll(Queue("b"), 2, 0, 10);
  EXPECT_THAT(matcher_.TakeAllPollers(), ElementsAre(2, 1));
  EXPECT_EQ(matcher_.waiting(), 0U);
  EXPECT_FALSE(Offer(Task("w"), Queue("a")));
}

}  // namespace
}  // namespace wfe::matching
