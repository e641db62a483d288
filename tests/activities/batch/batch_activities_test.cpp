// The activities of batches by themselves: results that two attempts write, steps of any activity, long texts.
#include <gmock/gmock.h>

#include "activities/batch/document_list.h"
#include "activities/batch/register.h"
#include "tools/demo/memory_records.h"

namespace wfe::batch {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class Context final : public sdk::ActivityContext {
 public:
  Context() {
    info_.run_id = "run-1";
    info_.activity_id = "7";
  }
  const sdk::ActivityInfo& info() const override { return info_; }
  void Heartbeat(const json& details) override { heartbeats.push_back(details); }
  std::optional<json> LastHeartbeatDetails() const override { return std::nullopt; }
  bool IsCancelled() const override { return cancelled; }
  bool WaitForCancel(Duration) override { return cancelled; }

  std::vector<json> heartbeats;
  bool cancelled = false;

 private:
  sdk::ActivityInfo info_;
};

class BatchActivities : public ::testing::Test {
 protected:
  BatchActivities() {
    steps_.RegisterErased("measure", [this](sdk::ActivityContext& context, const json& input) {
      tokens.push_back(context.info().IdempotencyToken());
      given = input;
      return sdk::ActivityResult<json>(json{{"bytes", input.at("source").get<std::string>().size()}});
    });
    config_ = {.records = records_,
               .step = [this](const std::string& name) { return steps_.Find(name); },
               .lists = std::make_shared<ListCache>()};
  }
  ProcessBatchInput Ask(const DocumentList& documents) {
    ProcessBatchInput ask;
    ask.job = "j";
    ask.documents_blob = *StoreDocumentList(*records_, documents);
    ask.count = static_cast<int64_t>(documents.size());
    ask.step.activity = "measure";
    ask.step.parameters = {{"source", "{text}"}, {"options", {{"of", "{name}"}, {"as", "it {text} is"}}}};
    return ask;
  }

  demo::MemoryRecords service_;
  std::shared_ptr<client::RecordsClient> records_ = std::make_shared<client::RecordsClient>(service_);
  sdk::ActivityRegistry steps_;
  BatchConfig config_;
  Context context_;
  json given;
  std::vector<std::string> tokens;
};

TEST_F(BatchActivities, AnyActivityIsAStep) {  // BP-1
  const DocumentList documents = {{.name = "a", .text = "four"}, {.name = "b", .text = "seven.."}};
  const auto done = ProcessBatch(config_, context_, Ask(documents));
  ASSERT_TRUE(done.has_value()) << done.failure()->message;
  EXPECT_EQ(done.value().tally.done, 2);
  EXPECT_EQ(done.value().headline, "batch 1/1: 2 documents");
  EXPECT_EQ(given, json({{"source", "seven.."}, {"options", {{"of", "b"}, {"as", "it {text} is"}}}}));
  EXPECT_EQ(tokens, (std::vector<std::string>{"run-1/7/0", "run-1/7/1"}));
  EXPECT_EQ(context_.heartbeats.size(), 2U);
  ResultStore store = config_.results();
  EXPECT_EQ((*store.Find("j", 1))->row.text, "{\n  \"bytes\": 7\n}");
}

TEST_F(BatchActivities, WhatIsDoneIsNotDoneAgain) {  // BP-2
  const ProcessBatchInput ask = Ask({{.name = "a", .text = "four"}});
  ASSERT_TRUE(ProcessBatch(config_, context_, ask).has_value());
  const auto again = ProcessBatch(config_, context_, ask);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again.value().tally.done, 1);
  EXPECT_EQ(tokens.size(), 1U);
  EXPECT_EQ(context_.heartbeats.size(), 1U);
}

TEST_F(BatchActivities, MarksWhatCannotBeReadAndGoesOn) {
  DocumentList documents = {{.name = "latin", .text = ""}, {.name = "gone", .text = ""}, {.name = "good", .text = "x"}};
  documents[0].blob = *records_->Put("caf\xE9");
  documents[1].blob = std::string(64, 'b');
  const auto done = ProcessBatch(config_, context_, Ask(documents));
  ASSERT_TRUE(done.has_value()) << done.failure()->message;
  EXPECT_EQ(done.value().tally.failed, 2);
  EXPECT_EQ(done.value().tally.done, 1);
  EXPECT_EQ(done.value().tally.first_fault, "latin: its text is not UTF-8");
  ResultStore store = config_.results();
  EXPECT_EQ((*store.Find("j", 1))->row.fault, "its text is not stored any more");
}

TEST_F(BatchActivities, ResultOfTheFasterAttemptStays) {  // BP-2
  ResultStore store = config_.results();
  ResultRow row{.index = 3, .name = "d", .status = std::string(kDocumentDone)};
  ASSERT_TRUE(store.Put("j", row, "first", std::nullopt).has_value());
  const auto second = store.Put("j", row, "second", std::nullopt);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->text, "first");
}

TEST_F(BatchActivities, LongResultsStandInBlobs) {
  ResultStore store = config_.results();
  const std::string text(100'000, 'x');
  ASSERT_TRUE(store.Put("j", {.index = 0, .status = std::string(kDocumentDone)}, text, std::nullopt).has_value());
  const auto seen = store.Find("j", 0);
  ASSERT_TRUE(seen && *seen);
  EXPECT_LT((*seen)->stored.size(), 500U);
  EXPECT_EQ(*store.TextOf((*seen)->row), text);
}

TEST_F(BatchActivities, StopsBetweenDocumentsWhenCancelled) {
  context_.cancelled = true;
  const auto done = ProcessBatch(config_, context_, Ask({{.name = "a", .text = "four"}}));
  EXPECT_NE(done.cancelled(), nullptr);
  EXPECT_TRUE(tokens.empty());
}

TEST(BatchTally, CountsWhatAToolAnsweredAndNoCallForIt) {  // PD-6
  ResultRow by_tool;
  by_tool.status = kDocumentDone;
  by_tool.tool_id = "upper";
  ResultRow by_model;
  by_model.status = kDocumentDone;
  by_model.called = true;
  Tally tally;
  tally.Add(by_tool);
  tally.Add(by_model);
  Tally all;
  all.Add(tally);
  EXPECT_EQ(all.tool_answers, 1);
  EXPECT_EQ(all.model_calls, 1);
  EXPECT_EQ(all.done, 2);
}

TEST_F(BatchActivities, PlansTheSameJobForTheSameWork) {
  PlanBatchInput ask{.workflow_id = "w", .documents = {{.name = "a", .text = "x"}}};
  ask.input = json::object();
  const auto first = PlanBatch(config_, context_, ask);
  ASSERT_TRUE(first.has_value()) << first.failure()->message;
  EXPECT_EQ(PlanBatch(config_, context_, ask).value().job, first.value().job);
  ask.step.task = "another";
  EXPECT_NE(PlanBatch(config_, context_, ask).value().job, first.value().job);
  ask.documents_blob = *records_->Put("[[[");
  const auto none = PlanBatch(config_, context_, ask);
  ASSERT_NE(none.failure(), nullptr);
  EXPECT_TRUE(none.failure()->non_retryable);
  EXPECT_THAT(none.failure()->message, HasSubstr("is not JSON"));
}

}  // namespace
}  // namespace wfe::batch
