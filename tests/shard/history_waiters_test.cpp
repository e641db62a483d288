// Calls that wait for a history to go on.
#include "engine/shard/history_waiters.h"

#include <gmock/gmock.h>

#include <map>
#include <string>

#include "tests/support/event_loop.h"

namespace wfe::shard {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class HistoryWaitersTest : public ::testing::Test {
 protected:
  /// A call named `name` that has seen event `seen`.
  void Wait(const std::string& name, EventId seen, bool close_only = false) {
    HistoryRequest request;
    request.page_token = "token of " + name;
    request.close_event_only = close_only;
    request.deadline = loop_.Now() + 10s;
    request.gone = [this, name] { return gone_ == name; };
    loop_.OnLoop([&] {
      waiters_.Wait(key_, seen, std::move(request), [this, name](Result<HistoryPage> page) {
        EXPECT_TRUE(answers_.emplace(name, std::move(page)).second) << name << " is answered twice";
      });
    });
  }
  /// Names of those that a history up to `last` wakes.
  std::string Ready(EventId last, bool closed = false) {
    std::string names;
    loop_.OnLoop([&] {
      for (const auto& waiter : waiters_.TakeReady(key_, closed, last)) {
        names += waiter->request.page_token.substr(sizeof "token of " - 1);
      }
    });
    return names;
  }

  const ExecutionKey key_{Namespace("ns"), WorkflowId("w"), RunId("r")};
  support::EventLoop loop_;
  Options options_;
  std::string gone_;
  std::map<std::string, Result<HistoryPage>> answers_;
  HistoryWaiters waiters_{options_, loop_, loop_, loop_};
};

TEST_F(HistoryWaitersTest, AHistoryThatGoesOnWakesThoseWhoHaveNotSeenIt) {
  Wait("a", 3);
  Wait("b", 5);
  Wait("c", 3, /*close_only=*/true);
  EXPECT_EQ(Ready(3), "");
  EXPECT_EQ(Ready(4), "a");
  EXPECT_EQ(Ready(6), "b");
  EXPECT_TRUE(waiters_.Has(key_));
  EXPECT_EQ(Ready(7, /*closed=*/true), "c");
  EXPECT_FALSE(waiters_.Has(key_));
  loop_.RunFor(1min);
  EXPECT_TRUE(answers_.empty()) << "the owner answers whom it has taken";
}

TEST_F(HistoryWaitersTest, AnEmptyPageWithItsTokenEndsAWaitThatLastsTooLong) {  // pitfall 1
  Wait("a", 3);
  loop_.RunFor(9s);
  EXPECT_TRUE(answers_.empty());
  loop_.RunFor(2s);
  EXPECT_EQ(answers_.at("a")->next_page_token, "token of a");
  EXPECT_EQ(answers_.at("a")->history, "");
  EXPECT_FALSE(waiters_.Has(key_));
}

TEST_F(HistoryWaitersTest, ARunHasANumberOfThemAndThoseWhoLeftMakeRoom) {
  options_.max_history_waiters_per_run = 2;
  Wait("a", 1);
  Wait("b", 1);
  Wait("c", 1);
  EXPECT_THAT(answers_.at("c").error().message, HasSubstr("too many calls wait"));
  gone_ = "a";
  Wait("d", 1);
  EXPECT_EQ(answers_.at("a").error().code, StatusCode::kCancelled);
  EXPECT_EQ(Ready(2), "bd");
}

TEST_F(HistoryWaitersTest, AFailureAnswersAllOfARunOrAllThereAre) {
  Wait("a", 1);
  Wait("b", 1);
  loop_.OnLoop([&] { waiters_.Fail(key_, DataLoss("gone")); });
  EXPECT_EQ(answers_.at("a").error().message, "gone");
  EXPECT_EQ(answers_.at("b").error().message, "gone");
  Wait("c", 1);
  loop_.OnLoop([&] { waiters_.FailAll(ShuttingDown()); });
  EXPECT_EQ(answers_.at("c").error().code, StatusCode::kUnavailable);
  loop_.RunFor(1min);
}

}  // namespace
}  // namespace wfe::shard
