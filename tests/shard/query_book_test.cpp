// How far queries are on their way (S64 to S68).
#include "engine/shard/query_book.h"

#include <gmock/gmock.h>

#include <map>
#include <string>

#include "temporal/api/enums/v1/query.pb.h"
#include "tests/shard/held_run.h"
#include "tests/support/event_loop.h"

namespace wfe::shard {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
namespace enums = temporal::api::enums::v1;
namespace ws = temporal::api::workflowservice::v1;

class Withdrawals final : public TaskSink {
 public:
  void Offer(std::vector<Offered>) override {}
  void OfferIfPolled(matching::TaskRef, matching::QueueKey, std::optional<std::string>, Function<void()>) override {}
  void Withdraw(matching::TaskIdentity task) override { withdrawn.push_back(task.query_id); }
  void WithdrawExecution(ExecutionKey) override {}

  std::vector<std::string> withdrawn;
};

class QueryBookTest : public ::testing::Test {
 protected:
  /// Asks what is called `name`; empty when it is refused.
  std::string Ask(const std::string& name, bool rides = false) {
    if (Status room = book_.CheckRoom(key_, rides); !room) {
      answers_.emplace(name, room.error());
      return {};
    }
    QueryRequest request;
    request.query.set_query_type(name);
    request.deadline = loop_.Now() + 10s;
    request.gone = [this, name] { return gone_ == name; };
    return book_
        .Add(key_, std::move(request),
             [this, name](Result<std::string> answer) {
               EXPECT_TRUE(answers_.emplace(name, std::move(answer)).second) << name << " is answered twice";
             })
        .id;
  }
  ws::PollWorkflowTaskQueueResponse Attach(EventId started) {
    ws::PollWorkflowTaskQueueResponse response;
    book_.Attach(key_, *HeldRun(started).workflow_task().started, &response);
    return response;
  }

  const ExecutionKey key_{Namespace("ns"), WorkflowId("w"), RunId("r")};
  support::EventLoop loop_;
  Options options_;
  Withdrawals sink_;
  std::string gone_;
  std::map<std::string, Result<std::string>> answers_;
  QueryBook book_{options_, loop_, loop_, loop_, sink_};
};

TEST_F(QueryBookTest, AQueryOfAnIdleRunIsOfferedOnceAndWithdrawnWithItsAnswer) {
  const std::string id = Ask("a");
  const history::MutableState idle;
  EXPECT_THAT(book_.Reconcile(key_, idle), ElementsAre(id));
  EXPECT_THAT(book_.Reconcile(key_, idle), IsEmpty()) << "it is on its way";
  book_.Finish(key_, id, std::string("42"));
  EXPECT_EQ(*answers_.at("a"), "42");
  EXPECT_THAT(sink_.withdrawn, ElementsAre(id));
  EXPECT_EQ(book_.Find(key_, id), nullptr);
  book_.Finish(key_, id, std::string("late"));  // harmless
}

TEST_F(QueryBookTest, AQueryRidesOnTheTaskThatTakesItAndIsAnsweredByItsCompletion) {  // pitfall 2
  const std::string id = Ask("a", /*rides=*/true);
  EXPECT_EQ(Attach(3).queries().at(id).query_type(), "a");
  EXPECT_TRUE(Attach(3).queries().empty()) << "it rides on one task";
  ws::RespondWorkflowTaskCompletedRequest completed;
  auto& result = (*completed.mutable_query_results())[id];
  result.set_result_type(enums::QUERY_RESULT_TYPE_ANSWERED);
  result.mutable_answer()->add_payloads()->set_data("42");
  (*completed.mutable_query_results())["unknown"].set_result_type(enums::QUERY_RESULT_TYPE_ANSWERED);
  QueryBook::Answers answers = book_.TakeAnswers(key_, completed);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].first, id);
  EXPECT_TRUE(answers_.empty()) << "the owner tells the answer when the completion is durable";
  EXPECT_THAT(book_.Reconcile(key_, history::MutableState()), IsEmpty()) << "and it is not offered meanwhile";
  book_.Finish(key_, answers[0].first, std::move(answers[0].second));
  EXPECT_THAT(*answers_.at("a"), HasSubstr("42"));
  EXPECT_THAT(sink_.withdrawn, IsEmpty());
}

TEST_F(QueryBookTest, ATaskThatEndsWithoutAnAnswerGivesItsQueriesBack) {
  const std::string id = Ask("a", /*rides=*/true);
  Attach(3);
  EXPECT_THAT(book_.Reconcile(key_, HeldRun(3)), IsEmpty());
  EXPECT_TRUE(Attach(3).queries().empty());
  EXPECT_THAT(book_.Reconcile(key_, history::MutableState()), ElementsAre(id)) << "no task is pending";
}

TEST_F(QueryBookTest, TheNextTaskTakesWhatTheLastOneDidNotAnswer) {
  const std::string id = Ask("a", /*rides=*/true);
  Attach(3);
  EXPECT_THAT(book_.Reconcile(key_, HeldRun(6)), IsEmpty());
  EXPECT_TRUE(Attach(6).queries().contains(id));
}

TEST_F(QueryBookTest, ATaskThatFailsAgainAndAgainAnswersNoQuery) {  // S67
  Ask("a", /*rides=*/true);
  options_.query_max_workflow_task_attempt = 1;
  EXPECT_THAT(book_.Reconcile(key_, HeldRun(3)), IsEmpty());
  EXPECT_EQ(answers_.at("a").error().code, StatusCode::kFailedPrecondition);
}

TEST_F(QueryBookTest, AnAnswerThatIsTooLargeFailsTheQueryAsSDKsKnowIt) {  // WIRE-F15
  temporal::api::common::v1::Payloads big;
  big.add_payloads()->set_data(std::string(100, 'x'));
  EXPECT_TRUE(QueryResult(big, 1000));
  EXPECT_EQ(QueryResult(big, 50).error().message, "Blob data size exceeds limit.");
}

TEST_F(QueryBookTest, WhoeverIsNotAnsweredInTimeIsTold) {
  Ask("a");
  loop_.RunFor(9s);
  EXPECT_TRUE(answers_.empty());
  loop_.RunFor(2s);
  EXPECT_EQ(answers_.at("a").error().code, StatusCode::kDeadlineExceeded);
}

TEST_F(QueryBookTest, OneQueryWaitsBehindATaskAndACallerThatLeftMakesRoom) {  // S65
  Ask("a", /*rides=*/true);
  EXPECT_EQ(Ask("b", /*rides=*/true), "");
  EXPECT_THAT(answers_.at("b").error().message, HasSubstr("consistent query buffer is full"));
  gone_ = "a";
  EXPECT_THAT(Ask("c", /*rides=*/true), Not(IsEmpty()));
  EXPECT_EQ(answers_.at("a").error().code, StatusCode::kCancelled);
}

TEST_F(QueryBookTest, WhatWaitsHasANumberForARunAndForAll) {  // SEC-M1
  options_.max_queries_per_run = 2;
  Ask("a");
  Ask("b");
  EXPECT_EQ(Ask("c"), "");
  EXPECT_THAT(answers_.at("c").error().message, HasSubstr("max_queries_per_run"));
  options_.max_queries_per_run = 100;
  options_.max_queries = 2;
  EXPECT_EQ(Ask("d"), "");
  EXPECT_THAT(answers_.at("d").error().message, HasSubstr("(max_queries)"));
  book_.FailAll(ShuttingDown());
  EXPECT_EQ(answers_.at("a").error().code, StatusCode::kUnavailable);
  EXPECT_THAT(Ask("e"), Not(IsEmpty()));
}

}  // namespace
}  // namespace wfe::shard
