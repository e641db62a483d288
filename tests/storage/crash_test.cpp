// A store that is crashed again and again, from a seed: what was acknowledged is there, and nothing is half there.
#include <gmock/gmock.h>

#include <map>

#include "tests/storage/storage_test_support.h"

namespace wfe::storage {
namespace {

using namespace std::chrono_literals;

/// Commits to a few runs, crashes at random places, restarts, compares.
class CrashLoop {
 public:
  explicit CrashLoop(uint64_t seed) : random_(seed) {}

  void Run(int lives) {
    for (int life = 0; life < lives; ++life) {
      machine_.fatal.reset();
      auto store = machine_.TryStart();
      ASSERT_TRUE(store.has_value()) << store.error().ToString();
      Check(**store);
      if (testing::Test::HasFatalFailure()) return;
      if (Below(4) > 0) {
        machine_.disk->FailNthWrite(
            static_cast<int>(1 + Below(12)), Unavailable("injected"),
            Below(2) == 0 ? MemoryKeyValueStore::FailedWrite::kLost : MemoryKeyValueStore::FailedWrite::kUnsynced);
      }
      Live(**store);
      if (Below(5) == 0 && (*store)->Close().has_value()) executor_.RunAll();
      store->reset();
      executor_.RunAll();
      machine_.disk->Crash(Below(3));
    }
  }

 private:
  uint64_t Below(uint64_t n) { return random_.NextRandom() % n; }

  void Live(Store& store) {
    const uint64_t steps = Below(40);
    for (uint64_t step = 0; step < steps && !store.stage().failed(); ++step) {
      if (Below(3) == 0) {
        store.stage().RunOnce();
        if (Below(2) == 0) executor_.RunAll();
        machine_.clock.Advance(400ms);
        continue;
      }
      const std::string id = "w" + std::to_string(Below(4));
      const int count = static_cast<int>(Below(3));
      const EventId first = handed_in_[id] + 1;
      handed_in_[id] += count;
      const EventId last = handed_in_[id];
      store.executions().Commit(One(CommitOf(Key(id), first, count)),
                                {&executor_, [this, id, last] { acknowledged_[id] = last; }});
    }
  }

  void Check(Store& store) {
    for (auto& [id, last] : handed_in_) {
      const EventId stored = store.executions().reader().LastEventId(Key(id)).value();
      ASSERT_GE(stored, acknowledged_[id]) << id << ": an acknowledged event is gone";
      ASSERT_LE(stored, last) << id;
      const auto state = store.executions().reader().Load(Key(id)).value();
      if (!state.has_value()) {
        ASSERT_EQ(stored, 0);
        last = 0;
        continue;
      }
      ASSERT_EQ(state->folded().next_event_id(), stored + 1) << id << ": state and history disagree";
      const auto report = store.executions().reader().VerifyChain(Key(id)).value();
      ASSERT_TRUE(report.ok()) << id << ": " << report.problem;
      last = stored;
    }
    ASSERT_GT(store.identity().epoch, epoch_);
    epoch_ = store.identity().epoch;
  }

  MemoryMachine machine_;
  QueueExecutor executor_;
  SeededIdSource random_;
  std::map<std::string, EventId> handed_in_;
  std::map<std::string, EventId> acknowledged_;
  uint64_t epoch_ = 0;
};

class CrashTest : public testing::TestWithParam<uint64_t> {};

TEST_P(CrashTest, WhatWasAcknowledgedSurvivesAndNothingIsHalfThere) {  // F1, F2, F4
  for (uint64_t seed = GetParam() * 100; seed < GetParam() * 100 + 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CrashLoop(seed).Run(30);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, CrashTest, testing::Range<uint64_t>(0, 5));

}  // namespace
}  // namespace wfe::storage
