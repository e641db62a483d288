// Group commit, its order, its overlay, and fail-stop (ARCHITECTURE D5, F4).
#include "engine/storage/commit_stage.h"

#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <thread>
#include <utility>

#include "tests/storage/storage_test_support.h"

namespace wfe::storage {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

PendingWrite Row(const std::string& key, const std::string& value) {
  PendingWrite write;
  write.rows.puts.push_back({Family::kRows, key, value});
  return write;
}

class CommitStageTest : public testing::Test {
 protected:
  DurableCallback Note(int number) {
    return {&executor_, [this, number] { notes_.push_back(number); }};
  }

  MemoryMachine machine_;
  QueueExecutor executor_;
  std::vector<int> notes_;
};

/// A disk on which something else happens while a write is under way.
class InterruptedDisk final : public KeyValueStore {
 public:
  explicit InterruptedDisk(KeyValueStore& disk) : disk_(disk) {}
  Result<std::string> Get(Family family, std::string_view key) const override { return disk_.Get(family, key); }
  std::unique_ptr<Cursor> Scan(Family family, std::string_view first, std::string_view last) const override {
    return disk_.Scan(family, first, last);
  }
  std::unique_ptr<Cursor> ScanReverse(Family family, std::string_view first, std::string_view last) const override {
    return disk_.ScanReverse(family, first, last);
  }
  Status Write(const std::vector<const WriteSet*>& sets, bool sync) override {
    if (auto meanwhile = std::exchange(meanwhile_, nullptr)) meanwhile();
    return disk_.Write(sets, sync);
  }
  void DuringTheNextWrite(std::function<void()> meanwhile) { meanwhile_ = std::move(meanwhile); }

 private:
  KeyValueStore& disk_;
  std::function<void()> meanwhile_;
};

/// A ledger during whose next write something else happens, and which then loses the write when told to.
class InterruptedLedger final : public Ledger {
 public:
  explicit InterruptedLedger(Ledger& ledger) : ledger_(ledger) {}
  Result<std::optional<LedgerMark>> Read() const override { return ledger_.Read(); }
  Status Write(const LedgerMark& mark) override {
    if (auto meanwhile = std::exchange(meanwhile_, nullptr)) {
      meanwhile();
      return Ok();  // the power goes before the mark is on the disk
    }
    return ledger_.Write(mark);
  }
  void InsteadOfTheNextWrite(std::function<void()> meanwhile) { meanwhile_ = std::move(meanwhile); }

 private:
  Ledger& ledger_;
  std::function<void()> meanwhile_;
};

TEST_F(CommitStageTest, WhateverWaitsBecomesOneWrite) {
  auto store = machine_.Start();
  const uint64_t writes = machine_.disk->write_count();
  for (int i = 0; i < 10; ++i) store->stage().Enqueue(Row("k" + std::to_string(i), "v"), Note(i));
  EXPECT_EQ(store->stage().pending_commits(), 10u);
  EXPECT_EQ(store->stage().RunOnce(), 10u);
  EXPECT_EQ(machine_.disk->write_count(), writes + 1);
  EXPECT_EQ(store->stage().pending_commits(), 0u);
  EXPECT_EQ(store->stage().RunOnce(), 0u);
  EXPECT_EQ(machine_.disk->write_count(), writes + 1);
}

TEST_F(CommitStageTest, CallbacksComeInOrderOnTheirExecutorAfterTheSync) {
  auto store = machine_.Start();
  for (int i = 0; i < 5; ++i) store->stage().Enqueue(Row("k", std::to_string(i)), Note(i));
  executor_.RunAll();
  EXPECT_THAT(notes_, IsEmpty());
  store->stage().RunOnce();
  EXPECT_THAT(notes_, IsEmpty());  // posted, not run
  executor_.RunAll();
  EXPECT_THAT(notes_, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(machine_.disk->Get(Family::kRows, "k").value(), "4");
}

TEST_F(CommitStageTest, AGroupIsCutAtItsSizeAndTheRestFollows) {
  CommitStageOptions options;
  options.max_group_bytes = 10;
  CommitStage stage(*machine_.disk, *machine_.ledger, machine_.clock, options);
  stage.Begin({}, {}, Instant(0ns));
  for (int i = 0; i < 3; ++i) stage.Enqueue(Row("key" + std::to_string(i), "12345678"), Note(i));
  EXPECT_EQ(stage.RunOnce(), 1u);
  EXPECT_EQ(stage.RunOnce(), 1u);
  EXPECT_EQ(stage.RunOnce(), 1u);
  EXPECT_EQ(stage.stats().groups, 3u);
}

TEST_F(CommitStageTest, ReadsSeeCommitsThatAreNotWrittenYet) {
  auto store = machine_.Start();
  CommitStage& stage = store->stage();
  ASSERT_TRUE(stage.WaitDurable(stage.Enqueue(Row("a", "old"), {})).has_value());
  ASSERT_TRUE(stage.WaitDurable(stage.Enqueue(Row("b", "old"), {})).has_value());
  PendingWrite write = Row("a", "new");
  write.rows.deletes.push_back({Family::kRows, "b"});
  stage.Enqueue(std::move(write), {});
  EXPECT_EQ(machine_.disk->Get(Family::kRows, "a").value(), "old");
  const auto expect_new = [&] {
    EXPECT_EQ(stage.Get(Family::kRows, "a").value(), "new");
    EXPECT_EQ(stage.Get(Family::kRows, "b").error().code, StatusCode::kNotFound);
    auto cursor = stage.Scan(Family::kRows, "", "");
    ASSERT_TRUE(cursor->Valid());
    EXPECT_EQ(cursor->value(), "new");
    cursor->Next();
    EXPECT_FALSE(cursor->Valid());
    EXPECT_TRUE(cursor->Finish().has_value());
  };
  expect_new();
  stage.RunOnce();
  expect_new();
}

TEST_F(CommitStageTest, AWaiterWithoutAThreadCommitsItself) {
  auto store = machine_.Start();
  store->stage().Enqueue(Row("a", "1"), Note(1));
  const uint64_t second = store->stage().Enqueue(Row("b", "2"), Note(2));
  EXPECT_TRUE(store->stage().WaitDurable(second).has_value());
  EXPECT_EQ(machine_.disk->Get(Family::kRows, "b").value(), "2");
  executor_.RunAll();
  EXPECT_THAT(notes_, ElementsAre(1, 2));
}

TEST_F(CommitStageTest, AfterAFailedWriteNothingIsEverAcknowledged) {  // F4
  auto store = machine_.Start();
  machine_.disk->FailNthWrite(2, Unavailable("fdatasync: Input/output error"));
  store->stage().Enqueue(Row("a", "1"), Note(1));
  store->stage().RunOnce();
  store->stage().Enqueue(Row("b", "1"), Note(2));
  store->stage().Enqueue(Row("c", "1"), Note(3));
  EXPECT_EQ(store->stage().RunOnce(), 0u);
  ASSERT_TRUE(machine_.fatal.has_value());
  EXPECT_EQ(machine_.fatal->message, "fdatasync: Input/output error");
  EXPECT_TRUE(store->stage().failed());
  machine_.disk->Crash();  // The disk works again; the process still must not use it.
  const uint64_t late = store->stage().Enqueue(Row("d", "1"), Note(4));
  EXPECT_EQ(store->stage().RunOnce(), 0u);
  EXPECT_EQ(store->stage().WaitDurable(late).error().code, StatusCode::kUnavailable);
  EXPECT_FALSE(store->Close().has_value());
  executor_.RunAll();
  EXPECT_THAT(notes_, ElementsAre(1));
  EXPECT_FALSE(machine_.disk->Get(Family::kRows, "d").has_value());
}

TEST_F(CommitStageTest, TheLedgerIsMarkedOnceAnIntervalWhileBusy) {
  auto store = machine_.Start();
  const auto marked = [&] { return machine_.ledger->Read().value()->sequence; };
  const uint64_t first = marked();
  store->stage().Enqueue(Row("a", "1"), {});
  store->stage().RunOnce();
  EXPECT_EQ(marked(), first);
  machine_.clock.Advance(1s);
  store->stage().Enqueue(Row("a", "2"), {});
  store->stage().RunOnce();
  EXPECT_EQ(marked(), first + 2);
  store->stage().Enqueue(Row("a", "3"), {});
  store->stage().RunOnce();
  EXPECT_EQ(marked(), first + 2);
  ASSERT_TRUE(store->Close().has_value());
  EXPECT_EQ(marked(), first + 3);
  EXPECT_TRUE(machine_.ledger->Read().value()->clean_shutdown);
}

TEST_F(CommitStageTest, ANewerRowStaysVisibleWhenTheOlderOneBecomesDurable) {
  InterruptedDisk disk(*machine_.disk);
  CommitStage stage(disk, *machine_.ledger, machine_.clock, {});
  stage.Begin({}, {}, Instant(0ns));
  stage.Enqueue(Row("a", "old"), {});
  disk.DuringTheNextWrite([&] { stage.Enqueue(Row("a", "new"), {}); });
  EXPECT_EQ(stage.RunOnce(), 1u);
  EXPECT_EQ(machine_.disk->Get(Family::kRows, "a").value(), "old");
  EXPECT_EQ(stage.Get(Family::kRows, "a").value(), "new");
}

TEST_F(CommitStageTest, AMarkMadeWhileAGroupIsBeingWrittenIsKnownToThatGroup) {
  {
    auto first = machine_.Start();
  }
  auto disk = std::make_shared<InterruptedDisk>(*machine_.disk);
  StoreOptions options;
  options.clock = &machine_.clock;
  options.ids = &machine_.ids;
  {
    auto store = Store::Open(disk, machine_.ledger, options).value();
    store->stage().Enqueue(Row("a", "1"), {});
    store->stage().RunOnce();
    store->stage().Enqueue(Row("a", "2"), {});
    disk->DuringTheNextWrite([&] { store->stage().MarkLedger(); });
    store->stage().RunOnce();
  }
  machine_.disk->Crash();
  EXPECT_TRUE(machine_.TryStart().has_value());
}

TEST_F(CommitStageTest, AGroupWrittenBeforeAMarkIsOnTheDiskStillKnowsTheMarkBefore) {
  {
    auto first = machine_.Start();
  }
  auto ledger = std::make_shared<InterruptedLedger>(*machine_.ledger);
  StoreOptions options;
  options.clock = &machine_.clock;
  options.ids = &machine_.ids;
  {
    auto store = Store::Open(machine_.disk, ledger, options).value();
    for (int i = 0; i < 3; ++i) {
      store->stage().Enqueue(Row("a", std::to_string(i)), {});
      store->stage().RunOnce();
    }
    ledger->InsteadOfTheNextWrite([&] {
      store->stage().Enqueue(Row("a", "last"), {});
      store->stage().RunOnce();
    });
    store->stage().MarkLedger();
  }
  machine_.disk->Crash();
  EXPECT_TRUE(machine_.TryStart().has_value());
}

TEST_F(CommitStageTest, ThePersistedClockNeverRunsBackwards) {  // F8
  auto store = machine_.Start();
  const Instant before = store->last_known_time();
  machine_.clock.Set(before - 1h);
  store->stage().Enqueue(Row("a", "1"), {});
  store->stage().RunOnce();
  EXPECT_EQ(store->last_known_time(), before);
  store = machine_.Start();
  EXPECT_EQ(store->last_known_time(), before);
}

std::string HashAfter(MemoryMachine& machine, const std::vector<PendingWrite>& commits, bool one_group) {
  CommitStage stage(*machine.disk, *machine.ledger, machine.clock, {});
  stage.Begin({}, {}, Instant(0ns));
  for (const PendingWrite& commit : commits) {
    stage.Enqueue(commit, {});
    if (!one_group) stage.RunOnce();
  }
  stage.RunOnce();
  return stage.durable_position().running_hash;
}

TEST_F(CommitStageTest, TheRunningHashTellsOtherRowsAndAnotherOrderButNotHowTheyWereGrouped) {
  const std::vector<PendingWrite> sound = {Row("a", "1"), Row("b", "2")};
  const std::string hash = HashAfter(machine_, sound, true);
  EXPECT_EQ(hash.size(), 32u);
  EXPECT_EQ(HashAfter(machine_, sound, false), hash);
  EXPECT_NE(HashAfter(machine_, {Row("b", "2"), Row("a", "1")}, true), hash);
  EXPECT_NE(HashAfter(machine_, {Row("a", "1")}, true), hash);
  EXPECT_NE(HashAfter(machine_, {Row("a", "1"), Row("b", "3")}, true), hash);
  EXPECT_NE(HashAfter(machine_, {Row("a", "1b"), Row("", "2")}, true), hash);
  std::vector<PendingWrite> other = sound;
  other[1].rows.puts[0].family = Family::kBlobs;
  EXPECT_NE(HashAfter(machine_, other, true), hash);
  other = sound;
  other[1].rows.deletes.push_back({Family::kRows, "c"});
  EXPECT_NE(HashAfter(machine_, other, true), hash);
}

TEST_F(CommitStageTest, AnOverlaidKeyOutlivesTheCommitThatBroughtItFirst) {
  InterruptedDisk disk(*machine_.disk);
  CommitStage stage(disk, *machine_.ledger, machine_.clock, {});
  stage.Begin({}, {}, Instant(0ns));
  const std::string key(100, 'k');
  stage.Enqueue(Row(key, "old"), {});
  disk.DuringTheNextWrite([&] {
    stage.Enqueue(Row(key, "new"), {});
    stage.Enqueue(Row(std::string(100, 'j'), "other"), {});
  });
  EXPECT_EQ(stage.RunOnce(), 1u);
  auto cursor = stage.ScanReverse(Family::kRows, "", "");
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->key(), key);
  EXPECT_EQ(cursor->value(), "new");
  EXPECT_TRUE(cursor->Finish().has_value());
  stage.RunOnce();
  EXPECT_EQ(machine_.disk->Get(Family::kRows, key).value(), "new");
}

TEST(CommitPauses, GrowWithTheGroupAndEndAtTwoMilliseconds) {  // R3
  EXPECT_EQ(CommitStage::PauseAfter(0), Duration::zero());
  EXPECT_EQ(CommitStage::PauseAfter(1), Duration::zero()) << "a commit that comes alone waits for nothing";
  EXPECT_EQ(CommitStage::PauseAfter(2), 100us);
  EXPECT_EQ(CommitStage::PauseAfter(11), 1ms);
  EXPECT_EQ(CommitStage::PauseAfter(100'000), 2ms);
}

TEST_F(CommitStageTest, ManyThreadsCommitThroughOneStageThread) {
  CommitStage stage(*machine_.disk, *machine_.ledger, machine_.clock, {});
  stage.Begin({}, {}, Instant(0ns));
  stage.Start();
  std::atomic<int> acknowledged = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      uint64_t last = 0;
      for (int i = 0; i < 200; ++i) {
        const std::string key = std::to_string(t) + "/" + std::to_string(i);
        last = stage.Enqueue(Row(key, "v"), {nullptr, [&] { ++acknowledged; }});
        EXPECT_EQ(stage.Get(Family::kRows, key).value(), "v");
      }
      EXPECT_TRUE(stage.WaitDurable(last).has_value());
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(stage.Stop().has_value());
  EXPECT_EQ(acknowledged, 800);
  EXPECT_EQ(machine_.disk->RowCount(Family::kRows), 800u);
  EXPECT_EQ(stage.stats().commits, 800u);
  EXPECT_LE(stage.stats().groups, 800u);
  EXPECT_EQ(machine_.ledger->Read().value()->sequence, 800u);
}

TEST_F(CommitStageTest, AFailedSyncReleasesWaitersOfTheStageThread) {
  CommitStageOptions options;
  std::atomic<bool> fatal = false;
  options.fatal = [&](const Error&) { fatal = true; };
  CommitStage stage(*machine_.disk, *machine_.ledger, machine_.clock, options);
  stage.Begin({}, {}, Instant(0ns));
  machine_.disk->FailNthWrite(1, Unavailable("EIO"));
  stage.Start();
  EXPECT_FALSE(stage.WaitDurable(stage.Enqueue(Row("a", "1"), {})).has_value());
  EXPECT_TRUE(fatal);
}

TEST(CommitStageDeathTest, ByDefaultAFailureEndsTheProcessAtOnceWithItsOwnCode) {
  EXPECT_EXIT(ExitOnStorageFailure(Unavailable("EIO")), testing::ExitedWithCode(kStorageFailedExitCode),
              "nothing can be acknowledged any more: UNAVAILABLE: EIO");
}

}  // namespace
}  // namespace wfe::storage
