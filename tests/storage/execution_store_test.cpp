// The ExecutionStore over rows: what a commit writes, and what is read back.
#include <gmock/gmock.h>

#include "engine/history/chain.h"
#include "engine/storage/keys.h"
#include "tests/storage/storage_test_support.h"

namespace wfe::storage {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ExecutionStoreTest : public testing::Test {
 protected:
  DurableExecutionStore& executions() { return store_->executions(); }
  void Commit(ExecutionCommit commit) { executions().Commit(One(std::move(commit)), {}); }
  void Sync() {
    while (store_->stage().RunOnce() > 0) {
    }
  }
  std::vector<std::string> Open() {
    std::vector<std::string> ids;
    EXPECT_TRUE(executions()
                    .ForEachOpenKey([&](const ExecutionKey& key) { ids.push_back(key.workflow_id.value()); })
                    .has_value());
    return ids;
  }
  std::vector<EventId> Firsts(EventRange range, int64_t max_bytes = INT64_MAX) {
    std::vector<EventId> firsts;
    const auto batches = executions().ReadHistory(Key("w"), range, max_bytes).value();
    for (const auto& batch : batches) firsts.push_back(batch.first_event_id);
    return firsts;
  }

  MemoryMachine machine_;
  std::unique_ptr<Store> store_ = machine_.Start();
};

TEST_F(ExecutionStoreTest, ACommitIsReadBackBeforeAndAfterItIsDurable) {
  ExecutionCommit commit = CommitOf(Key("w"), 1, 3);
  commit.current_run.emplace().set_run_id("r1");
  commit.request_ids.push_back({"q1"});
  Commit(std::move(commit));
  for (const bool durable : {false, true}) {
    SCOPED_TRACE(durable);
    if (durable) Sync();
    const auto state = executions().reader().Load(Key("w")).value();
    ASSERT_TRUE(state.has_value());
    EXPECT_EQ(state->folded().next_event_id(), 4);
    const auto batches = executions().ReadHistory(Key("w"), {}).value();
    ASSERT_EQ(batches.size(), 1u);
    EXPECT_EQ(batches[0].count, 3);
    EXPECT_EQ(batches[0].bytes, Events(1, 3).bytes);
    EXPECT_EQ(executions().GetCurrentRun(Key("w").workflow()).value()->run_id(), "r1");
    EXPECT_TRUE(executions().HasRequestId(Key("w"), "q1").value());
    EXPECT_FALSE(executions().HasRequestId(Key("w"), "q2").value());
    EXPECT_THAT(Open(), ElementsAre("w"));
  }
  EXPECT_EQ(executions().reader().Load(Key("other")).value(), std::nullopt);
  EXPECT_FALSE(executions().GetCurrentRun(Key("other").workflow()).value().has_value());
  EXPECT_THAT(executions().ReadHistory(Key("w", "r2"), {}).value(), IsEmpty());
}

TEST_F(ExecutionStoreTest, AnOrdinaryTransitionWritesOneRow) {  // design rule R3
  Commit(CommitOf(Key("w"), 1, 3));
  Sync();
  EventId next = 4;
  for (const int events : {1, 0}) {
    const auto before = store_->stage().stats().rows;
    Commit(CommitOf(Key("w"), next, events));
    Sync();
    EXPECT_EQ(store_->stage().stats().rows - before, 1u + 1u);  // and one of the group
    next += events;
    Commit(CommitOf(Key("w"), next, 20));  // so much that it brings a checkpoint
    Sync();
    next += 20;
  }
}

TEST_F(ExecutionStoreTest, TheStateCarriesTheChainHead) {  // H4
  Commit(CommitOf(Key("w"), 1, 2));
  Commit(CommitOf(Key("w"), 3, 1));
  Commit(CommitOf(Key("w"), 4, 0));  // bookkeeping only
  Sha256Digest head = history::kChainStart;
  for (const auto& batch : {Events(1, 2), Events(3, 1)}) {
    const auto events = SplitHistory(batch.bytes).value();
    for (const auto event : events) head = history::ChainNext(head, event);
  }
  const auto state = executions().reader().Load(Key("w")).value();
  EXPECT_EQ(state->bookkeeping().chain_head(), AsBytes(head));
}

TEST_F(ExecutionStoreTest, TheChainGoesOnAfterARestart) {
  Commit(CommitOf(Key("w"), 1, 2));
  ASSERT_TRUE(store_->Close().has_value());
  store_ = machine_.Start();
  Commit(CommitOf(Key("w"), 3, 2));
  const auto report = executions().reader().VerifyChain(Key("w")).value();
  EXPECT_TRUE(report.ok()) << report.problem;
  EXPECT_EQ(report.events, 4);
}

TEST_F(ExecutionStoreTest, ARangeIsReadFromTheBatchThatHoldsItsFirstEvent) {
  Commit(CommitOf(Key("w"), 1, 3));
  Commit(CommitOf(Key("w"), 4, 2));
  Sync();
  Commit(CommitOf(Key("w"), 6, 1));  // this one waits
  EXPECT_THAT(Firsts({}), ElementsAre(1, 4, 6));
  EXPECT_THAT(Firsts({3, 4}), ElementsAre(1, 4));
  EXPECT_THAT(Firsts({4, 5}), ElementsAre(4));
  EXPECT_THAT(Firsts({5, 100}), ElementsAre(4, 6));
  EXPECT_THAT(Firsts({7, 100}), IsEmpty());
  EXPECT_THAT(Firsts({1, 100}, 1), ElementsAre(1));
  EXPECT_THAT(Firsts({1, 100}, 0), ElementsAre(1));
}

TEST_F(ExecutionStoreTest, OpenExecutionsAreFoundWithoutTheClosedOnes) {
  Commit(CommitOf(Key("a"), 1, 1));
  Commit(CommitOf(Key("b"), 1, 1));
  Sync();
  Commit(CommitOf(Key("a"), 2, 1, false));
  Commit(CommitOf(Key("c"), 1, 1, false));  // started and closed at once
  EXPECT_THAT(Open(), ElementsAre("b"));
  Sync();
  EXPECT_THAT(Open(), ElementsAre("b"));
  EXPECT_TRUE(executions().reader().Load(Key("a")).value().has_value());
  std::vector<std::string> all;
  ASSERT_TRUE(executions()
                  .reader()
                  .ForEachExecution([&](const ExecutionKey& key, bool open) {
                    all.push_back((open ? "open " : "closed ") + key.workflow_id.value());
                    return Ok();
                  })
                  .has_value());
  EXPECT_THAT(all, ElementsAre("open b", "closed a", "closed c"));
}

TEST_F(ExecutionStoreTest, SeveralExecutionsInOneCommitShareItsFate) {  // continue-as-new
  std::vector<ExecutionCommit> commits;
  commits.push_back(CommitOf(Key("w", "r1"), 1, 1, false));
  commits.push_back(CommitOf(Key("w", "r2"), 1, 1));
  executions().Commit(std::move(commits), {});
  store_.reset();
  machine_.disk->Crash();
  store_ = machine_.Start();
  EXPECT_FALSE(executions().reader().Load(Key("w", "r1")).value().has_value());
  EXPECT_FALSE(executions().reader().Load(Key("w", "r2")).value().has_value());
}

TEST_F(ExecutionStoreTest, ABatchCarriesTheNumberOfItsCommit) {  // H3
  const uint64_t last = store_->stage().last_sequence();
  Commit(CommitOf(Key("w"), 1, 1));
  Commit(CommitOf(Key("w"), 2, 1));
  Sync();
  const auto batches = executions().reader().ReadStoredBatches(Key("w")).value();
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(batches[0].commit_sequence, last + 1);
  EXPECT_EQ(batches[1].commit_sequence, last + 2);
}

TEST_F(ExecutionStoreTest, TheOpenVisibilityRowGoesWhenTheRunCloses) {  // H28
  const auto with_row = [](ExecutionCommit commit) {
    auto& record = commit.visibility.emplace();
    record.set_run_id(commit.key.run_id.value());
    record.set_status(commit.state->folded().status());
    *record.mutable_start_time() = ToProto(Instant(5s));
    return commit;
  };
  Commit(with_row(CommitOf(Key("w"), 1, 1)));
  Sync();
  EXPECT_TRUE(
      machine_.disk->Get(Family::kVisibility, keys::Visibility("default", true, Instant(5s), "r1")).has_value());
  Commit(with_row(CommitOf(Key("w"), 2, 1, false)));
  Sync();
  EXPECT_EQ(machine_.disk->RowCount(Family::kVisibility), 1u);
  EXPECT_TRUE(
      machine_.disk->Get(Family::kVisibility, keys::Visibility("default", false, Instant(5s), "r1")).has_value());
}

TEST_F(ExecutionStoreTest, AChangedByteOfAStoredEventIsNamed) {  // H4, F6
  Commit(CommitOf(Key("w"), 1, 3));
  Commit(CommitOf(Key("w"), 4, 2));
  Commit(CommitOf(Key("w"), 6, 1));
  Sync();
  const std::string key = keys::History(Key("w"), 4);
  const std::string intact = machine_.disk->Get(Family::kHistory, key).value();
  for (size_t at = 8; at < intact.size(); ++at) {  // The first 8 bytes are the commit's number.
    std::string changed = intact;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    WriteSet set;
    set.puts.push_back({Family::kHistory, key, changed});
    ASSERT_TRUE(machine_.disk->Write({&set}, true).has_value());
    const auto report = executions().reader().VerifyChain(Key("w")).value();
    EXPECT_EQ(report.first_bad, 4) << "byte " << at;
    EXPECT_EQ(report.events, 3);
    EXPECT_FALSE(report.problem.empty());
  }
}

TEST_F(ExecutionStoreTest, AMissingBatchIsNamedWhereverItWas) {
  for (const EventId missing : {1, 4, 6}) {
    const ExecutionKey key = Key("w" + std::to_string(missing));
    Commit(CommitOf(key, 1, 3));
    Commit(CommitOf(key, 4, 2));
    Commit(CommitOf(key, 6, 1, false));  // the last one is vouched for by the checkpoint of the end
    Sync();
    WriteSet set;
    set.deletes.push_back({Family::kHistory, keys::History(key, missing)});
    ASSERT_TRUE(machine_.disk->Write({&set}, true).has_value());
    EXPECT_EQ(executions().reader().VerifyChain(key).value().first_bad, missing);
  }
  EXPECT_EQ(executions().reader().VerifyChain(Key("nobody")).error().code, StatusCode::kNotFound);
}

TEST_F(ExecutionStoreTest, AReadErrorOnTheWayToACommitStopsTheStore) {
  Commit(CommitOf(Key("w"), 1, 1));
  ASSERT_TRUE(store_->Close().has_value());
  WriteSet set;
  set.puts.push_back({Family::kState, keys::State(Key("w"), true), "\xff\xff"});
  ASSERT_TRUE(machine_.disk->Write({&set}, true).has_value());
  store_ = machine_.Start();
  Commit(CommitOf(Key("w"), 2, 1));
  ASSERT_TRUE(machine_.fatal.has_value());
  EXPECT_EQ(machine_.fatal->code, StatusCode::kDataLoss);
  EXPECT_THAT(machine_.fatal->message, HasSubstr("workflow w, run r1"));
}

using ExecutionStoreDeathTest = ExecutionStoreTest;
TEST_F(ExecutionStoreDeathTest, EventsThatLeaveAGapStopTheProcess) {
  Commit(CommitOf(Key("w"), 1, 2));
  EXPECT_DEATH(Commit(CommitOf(Key("w"), 4, 1)), "workflow w, run r1: events from 4 on cannot follow event 2");
  EXPECT_DEATH(Commit(CommitOf(Key("w"), 2, 1)), "cannot follow event 2");
}

}  // namespace
}  // namespace wfe::storage
