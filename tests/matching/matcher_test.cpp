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
