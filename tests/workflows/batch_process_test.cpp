// BatchProcessWorkflow: batches, order, what fails, what is stopped, what is gone on with, and each document once
// however often server and worker die.
#include <gmock/gmock.h>

#include <cstdlib>
#include <numeric>

#include "tests/simulation/random.h"
#include "tests/workflows/batch_world.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

BatchResult Done(BatchWorld& world) {
  const BatchWorld::End end = world.Await();
  EXPECT_EQ(end.failure, "");
  return end.result.value_or(BatchResult());
}

int64_t TimesIn(const std::string& text, const std::string& part) {
  int64_t times = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

TEST(BatchProcess, FiftyDocumentsMakeFiveBatchesAndAreJoinedInOrder) {  // BP-1
  BatchWorld world(1);
  world.Begin({{"documents", BatchWorld::Documents(50)}});
  const BatchResult result = Done(world);
  EXPECT_EQ(result.state, "done");
  EXPECT_EQ(result.batches, 5);
  EXPECT_EQ(result.done, 50);
  EXPECT_EQ(result.spent.model_calls, 50);
  EXPECT_EQ(result.spent.tokens, 50 * 15);
  EXPECT_THAT(world.calls, SizeIs(50));
  EXPECT_THAT(world.calls, Each(Pair(::testing::_, 1)));
  const std::string all = world.Blob(result.results_blob);
  size_t before = 0;
  for (int64_t i = 0; i < 50; ++i) {
    const size_t at = all.find("## " + BatchWorld::NameOf(i) + "\n\nresult of " + BatchWorld::NameOf(i) + "\n");
    ASSERT_NE(at, std::string::npos) << i;
    EXPECT_GE(at, before);
    before = at;
  }
  const BatchProgress progress = world.Progress();
  EXPECT_EQ(progress.state, "done");
  EXPECT_EQ(progress.batches_over, 5);
  EXPECT_EQ(progress.tally.done, 50);
}

TEST(BatchProcess, NoDocumentsGiveAnEmptyResult) {  // BP-1
  BatchWorld world(2);
  world.Begin({{"documents", json::array()}});
  const BatchResult result = Done(world);
  EXPECT_EQ(result.state, "done");
  EXPECT_EQ(result.documents, 0);
  EXPECT_EQ(result.batches, 0);
  EXPECT_EQ(result.results_blob, "");
  EXPECT_THAT(world.calls, IsEmpty());
}

TEST(BatchProcess, WhatFailsForGoodIsMarkedAndTheRestIsDelivered) {  // BP-2
  BatchWorld world(3);
  bool mended = false;
  world.answer = [&](const std::string& document, int) -> sdk::ActivityResult<agent::CallReply> {
    if (document == "d3" && !mended) return BatchWorld::Fails("AGENT_ERROR", true);
    return BatchWorld::Says("result of " + document);
  };
  json documents = BatchWorld::Documents(25);
  documents[7]["fault"] = "its text is not UTF-8";
  const json input = {{"documents", documents}, {"parallel", 2}};
  world.Begin(input);
  BatchResult result = Done(world);
  EXPECT_EQ(result.state, "incomplete");
  EXPECT_EQ(result.done, 23);
  EXPECT_EQ(result.failed, 2);
  EXPECT_EQ(result.first_fault, "d3: it does not work");
  EXPECT_THAT(world.Blob(result.results_blob), HasSubstr("## d7\n\n(failed: its text is not UTF-8)\n"));
  EXPECT_FALSE(world.calls.contains("d7"));

  mended = true;
  json again = input;
  again["round"] = 2;
  world.Begin(again);
  result = Done(world);
  EXPECT_EQ(result.done, 24);
  EXPECT_EQ(result.failed, 1) << "nothing mends a document that cannot be read";
  EXPECT_EQ(result.kept, 23);
  EXPECT_EQ(result.spent.model_calls, 1);
  EXPECT_EQ(world.calls["d3"], 2);
  EXPECT_EQ(world.calls["d4"], 1);
}

TEST(BatchProcess, WhatMightPassIsTriedAsOftenAsItMay) {  // BP-2
  BatchWorld world(4);
  world.answer = [&](const std::string& document, int call) -> sdk::ActivityResult<agent::CallReply> {
    if (document == "d1" && call < 3) return BatchWorld::Fails("FLAKY", false);
    if (document == "d2") return BatchWorld::Fails("FLAKY", false);
    if (document == "d5" && call < 6) return BatchWorld::Fails("MODEL_UNAVAILABLE", false);
    return BatchWorld::Says("result of " + document);
  };
  world.Begin({{"documents", BatchWorld::Documents(10)}});
  const BatchResult result = Done(world);
  EXPECT_EQ(result.done, 9);
  EXPECT_EQ(result.failed, 1);
  EXPECT_EQ(world.calls["d1"], 3);
  EXPECT_EQ(world.calls["d2"], 3) << "attempts: 3";
  EXPECT_EQ(world.calls["d5"], 6) << "a model that is away is waited for";
  EXPECT_EQ(world.calls["d9"], 1);
}

TEST(BatchProcess, IsStoppedByASignalAndGoesOnInAnotherRound) {  // BP-2
  BatchWorld world(5);
  const json input = {{"documents", BatchWorld::Documents(40)}};
  world.answer = [&](const std::string& document, int) -> sdk::ActivityResult<agent::CallReply> {
    if (document == "d15") return BatchWorld::Fails("MODEL_UNAVAILABLE", false);
    return BatchWorld::Says("result of " + document);
  };
  world.Begin(input);
  world.host().loop().Advance(1min);
  const BatchProgress waiting = world.Progress();
  EXPECT_EQ(waiting.state, "running");
  EXPECT_EQ(waiting.batches_over, 1);
  EXPECT_THAT(waiting.running, ElementsAre(2));
  world.Stop();
  BatchResult result = Done(world);
  EXPECT_EQ(result.state, "stopped");
  EXPECT_EQ(result.done, 15);
  EXPECT_EQ(result.missing, 25);
  world.answer = nullptr;
  json again = input;
  again["round"] = 2;
  world.Begin(again);
  result = Done(world);
  EXPECT_EQ(result.state, "done");
  EXPECT_EQ(result.kept, 15);
  EXPECT_EQ(world.calls["d14"], 1);
}

TEST(BatchProcess, AModelMakesOneTextOfAllResultsInAsManyCallsAsItTakes) {  // BP-1
  BatchWorld world(6);
  world.answer = [&](const std::string& document, int) -> sdk::ActivityResult<agent::CallReply> {
    if (document == "join") return BatchWorld::Says("joined " + std::to_string(world.joins.size()));
    return BatchWorld::Says(document + std::string(30'000, '.'));
  };
  world.Begin({{"documents", BatchWorld::Documents(20)}, {"join", "what is common?"}});
  const BatchResult result = Done(world);
  EXPECT_EQ(result.join_fault, "");
  ASSERT_THAT(world.joins, SizeIs(5)) << "20 x 30 kB are four groups of at most 200 kB, and these one more";
  EXPECT_EQ(world.Blob(result.joined_blob), "joined 5");
  EXPECT_THAT(world.joins[4], HasSubstr("joined 1\njoined 2\njoined 3\njoined 4"));
  EXPECT_EQ(result.spent.model_calls, 25);
}

TEST(BatchProcess, NeverSpendsMoreThanItMay) {
  BatchWorld world(7);
  world.answer = [&](const std::string& document, int) -> sdk::ActivityResult<agent::CallReply> {
    return BatchWorld::Says("result of " + document, 10);
  };
  world.Begin({{"documents", BatchWorld::Documents(60)}, {"parallel", 3}, {"max_cost_usd", 2.0}});
  const BatchResult result = Done(world);
  EXPECT_EQ(result.state, "incomplete");
  EXPECT_GT(result.done, 15);
  EXPECT_LE(result.spent.cost_usd.usd(), 2.0 + 3 * 0.1) << "a call more for each lane: its price is known afterwards";
  EXPECT_THAT(result.first_fault, HasSubstr("budget is used up"));
}

TEST(BatchProcess, BatchThatCannotBeDoneIsReported) {  // BP-2
  BatchWorld world(8);
  world.Begin({{"documents", BatchWorld::Documents(20)}, {"step", {{"activity", "noSuchThing"}}}});
  const BatchResult result = Done(world);
  EXPECT_EQ(result.state, "incomplete");
  EXPECT_EQ(result.missing, 20);
  ASSERT_THAT(result.failed_batches, SizeIs(2));
  EXPECT_THAT(result.failed_batches[0].why, HasSubstr("serves no activity \"noSuchThing\""));
}

TEST(BatchProcess, RefusesInputThatIsNone) {
  BatchWorld world(9);
  world.Begin({{"documents", BatchWorld::Documents(2)}, {"batch_size", 0}});
  EXPECT_THAT(world.Await().failure, HasSubstr("input.batch_size must be from 1 to 1000"));
  world.Begin({{"documents_blob", std::string(64, 'a')}});
  EXPECT_THAT(world.Await().failure, HasSubstr("there is no blob"));
  world.Begin({{"documents_blob", world.Store({{"name", "no array"}})}});
  EXPECT_THAT(world.Await().failure, HasSubstr("is no array"));
  world.Begin({{"documents", BatchWorld::Documents(2)}, {"step", {{"task", ""}}}});
  EXPECT_THAT(world.Await().failure, HasSubstr("input.step.task says what is to be done"));
}

TEST(BatchProcess, EachDocumentHasOneResultHoweverOftenAnythingDies) {  // BP-2, EN-2
  const char* const text = std::getenv("WFE_DOCUMENTS");  // `ctest -R batch_process_long` takes 10000
  const int64_t documents = text == nullptr ? 2'000 : std::strtoll(text, nullptr, 10);
  constexpr int kDeaths = 10;
  BatchWorld world(10);
  simulation::Random random(10);
  world.Begin({{"documents_blob", world.Store(BatchWorld::Documents(documents))},
               {"parallel", 4},
               {"batches_per_run", std::max<int64_t>(4, documents / 10 / 5)}});
  int died_between_documents = 0;
  int deaths = 0;
  for (int death = 0; death < kDeaths; ++death) {
    // Of the records there are three calls for each document; of the store's syncs about one for each batch.
    const auto share = static_cast<uint64_t>(documents) / (kDeaths + 2);
    const bool between = random.Chance(0.5);
    if (between) {
      world.records.DieAfter(static_cast<int64_t>(random.Below(share * 2)));
    } else {
      world.host().CutPowerAfter(1 + static_cast<int>(random.Below(share / 25)));
    }
    for (int i = 0; i < 1'000'000 && !world.records.dead() && world.host().power(); ++i) {
      world.host().loop().Advance(1ms);
    }
    if (!world.records.dead() && world.host().power()) {
      ASSERT_TRUE(world.Outcome().over()) << "nothing moved any more before death " << death;
      break;  // a short job may be over before it dies so often
    }
    if (between) ++died_between_documents;
    ++deaths;
    if (between && random.Chance(0.5)) {
      world.KillWorker();
    } else {
      world.KillServer();
    }
    world.records.Revive();
  }
  EXPECT_GE(deaths, documents == 2'000 || documents == 10'000 ? kDeaths : 1) << "of the suite and of the long test";
  const BatchResult result = Done(world);
  EXPECT_EQ(result.state, "done") << result.first_fault;
  EXPECT_EQ(result.done, documents);
  EXPECT_GE(result.runs, 5) << "it continued as new";
  const auto rows = world.Rows(result.job);
  ASSERT_THAT(rows, SizeIs(static_cast<size_t>(documents)));
  const std::string all = world.Blob(result.results_blob);
  int64_t called = 0;
  for (int64_t i = 0; i < documents; ++i) {
    const std::string name = BatchWorld::NameOf(i);
    ASSERT_EQ(rows[static_cast<size_t>(i)].index, i);
    ASSERT_EQ(TimesIn(all, "result of " + name + "\n"), 1);
    called += world.calls[name];
  }
  // A death between a call and its row costs that call once more (a real one is answered from the worker's journal), at
  // most one for each of the four batches at once.
  EXPECT_LE(called, documents + 4 * died_between_documents);
  EXPECT_EQ(result.spent.model_calls, documents) << "and counts once";
  EXPECT_EQ(world.host().workflow_tasks_failed(), 0U);
  RecordProperty("deaths", deaths);
  RecordProperty("calls", static_cast<int>(called));
  std::printf("%lld documents, %d deaths (%d between documents), %lld calls, %lld runs\n",
              static_cast<long long>(documents), deaths, died_between_documents, static_cast<long long>(called),
              static_cast<long long>(result.runs));
}

}  // namespace
}  // namespace wfe::workflows
