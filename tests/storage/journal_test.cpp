// A run as checkpoint and journal: what is written, what is read back, and what damage is noticed.
#include <gmock/gmock.h>

#include "engine/storage/keys.h"
#include "tests/history/random_run.h"
#include "tests/history/wide_run.h"
#include "tests/storage/storage_test_support.h"

namespace wfe::storage {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ExecutionCommit MadeCommit(const history::MutableState& state, const history::Transition& transition, RunTail* tail) {
  ExecutionCommit commit;
  commit.key = state.Key();
  commit.events = EventBatch::Encode(transition.events);
  commit.notes = transition.notes;
  commit.state = &state;
  commit.tail = tail;
  return commit;
}

/// An activity under way, whose heartbeats are transitions without events.
class HeartbeatingRun {
 public:
  HeartbeatingRun() {
    EXPECT_TRUE(execution_.Start());
    made_.push_back(Last());
    EXPECT_TRUE(execution_.StartTask());
    history::WorkflowTaskCompleted completed = execution_.Completion();
    for (int i = 0; i < 20; ++i) *completed.request.add_commands() = history::Schedule("a" + std::to_string(i), 1h);
    EXPECT_TRUE(execution_.Do(completed));
    made_.push_back(Last());
    EXPECT_TRUE(execution_.StartActivity(5));
    made_.push_back(Last());
  }
  void Heartbeat(const std::string& details) {
    EXPECT_TRUE(execution_.Do(history::ActivityHeartbeat{execution_.Activity(5), history::Text(details), "worker"}));
    made_.push_back(Last());
  }
  void Terminate() {
    EXPECT_TRUE(execution_.Do(history::TerminateRequested{"enough", {}, "client"}));
    made_.push_back(Last());
  }

  /// Commits what the store has not seen.
  template <class Commit>
  void Hand(Commit commit) {
    for (Made& made : made_) commit(MadeCommit(made.state, made.transition, &tail));
    made_.clear();
  }
  const history::MutableState& state() const { return execution_.state(); }
  ExecutionKey key() const { return state().Key(); }
  RunTail tail;

 private:
  struct Made {
    history::MutableState state;
    history::Transition transition;
  };
  Made Last() const {
    Made made{execution_.state(), {}};
    made.transition.events = execution_.last().events;
    made.transition.notes = execution_.last().notes;
    return made;
  }
  history::Execution execution_;
  std::vector<Made> made_;
};

class JournalTest : public testing::Test {
 protected:
  void Commit(ExecutionCommit commit) { store_->executions().Commit(One(std::move(commit)), {}); }
  void Sync() {
    while (store_->stage().RunOnce() > 0) {
    }
  }
  void Restart() {
    ASSERT_TRUE(store_->Close().has_value());
    store_ = machine_.Start();
  }
  /// Hands over what the run has made, and makes it durable.
  void Hand(HeartbeatingRun& run) {
    run.Hand([&](ExecutionCommit commit) { Commit(std::move(commit)); });
    Sync();
  }
  void Beat(HeartbeatingRun& run, const std::vector<std::string>& details) {
    for (const std::string& each : details) {
      run.Heartbeat(each);
      Hand(run);
    }
  }
  /// Up to and with its next checkpoint.
  void Settle(HeartbeatingRun& run) {
    do {
      Beat(run, {std::string(100, 'x')});
    } while (run.tail.checkpoint != run.tail.transition);
    ASSERT_GT(run.state().SizeBytes(), 1000);
  }
  Result<std::optional<LoadedRun>> Load(const ExecutionKey& key) { return store_->executions().LoadRun(key); }
  ChainReport Verify(const ExecutionKey& key) { return store_->executions().reader().VerifyChain(key).value(); }

  /// The transitions of the run's journal rows on the disk.
  std::vector<int64_t> JournalRows(const ExecutionKey& key) {
    const std::string prefix = keys::JournalPrefix(key);
    std::vector<int64_t> found;
    auto cursor = machine_.disk->Scan(Family::kState, prefix, keys::PrefixEnd(prefix));
    for (; cursor->Valid(); cursor->Next()) found.push_back(keys::ParseJournalTransition(cursor->key()).value());
    EXPECT_TRUE(cursor->Finish().has_value());
    return found;
  }
  void Write(Put put) {
    WriteSet set;
    set.puts.push_back(std::move(put));
    ASSERT_TRUE(machine_.disk->Write({&set}, true).has_value());
  }
  void Remove(Family family, std::string key) {
    WriteSet set;
    set.deletes.push_back({family, std::move(key)});
    ASSERT_TRUE(machine_.disk->Write({&set}, true).has_value());
  }

  MemoryMachine machine_;
  std::unique_ptr<Store> store_ = machine_.Start();
};

std::string Stored(const history::MutableState& state) {
  engine::v1::MutableState row = history::ToCheckpoint(state);
  row.mutable_bookkeeping()->clear_chain_head();
  return history::Bytes(row);
}

TEST_F(JournalTest, ReadsBackAnyRunAtAnyTransition) {  // H5
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    MemoryMachine machine;
    const auto store = machine.Start();
    store->executions().CheckJournals();
    history::RandomRun run(seed);
    RunTail tail;
    store->executions().Commit(One(MadeCommit(run.execution().state(), run.execution().last(), &tail)), {});
    for (int step = 0; step < 100; ++step) {
      if (!run.Step()) continue;
      const history::Execution& execution = run.execution();
      store->executions().Commit(One(MadeCommit(execution.state(), execution.last(), &tail)), {});
      const auto loaded = store->executions().LoadRun(execution.state().Key());
      ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
      ASSERT_EQ(Stored((*loaded)->state), Stored(execution.state())) << "step " << step;
      EXPECT_EQ((*loaded)->tail.transition, tail.transition);
      EXPECT_EQ((*loaded)->tail.journal, tail.journal);
      EXPECT_EQ((*loaded)->tail.journal_bytes, tail.journal_bytes);
      EXPECT_EQ((*loaded)->tail.chain_head, tail.chain_head);
      if (step % 20 == 0) {
        while (store->stage().RunOnce() > 0) {
        }
        const auto report = store->executions().reader().VerifyChain(execution.state().Key()).value();
        EXPECT_TRUE(report.ok()) << report.problem;
      }
    }
  }
}

TEST_F(JournalTest, GoesIntoACheckpointWhenItIsLargerThanTheState) {
  HeartbeatingRun run;
  Settle(run);
  const int64_t checkpoint = run.tail.checkpoint;
  EXPECT_THAT(JournalRows(run.key()), IsEmpty());
  Beat(run, {"one", "two"});
  EXPECT_THAT(JournalRows(run.key()), ElementsAre(checkpoint + 1, checkpoint + 2));
  while (run.tail.checkpoint == checkpoint) {
    Beat(run, {std::string(200, 'x')});
    ASSERT_LE(run.tail.journal_bytes, run.state().SizeBytes());
  }
  EXPECT_THAT(JournalRows(run.key()), IsEmpty()) << "the checkpoint covers them";
  EXPECT_EQ(run.tail.checkpoint, run.tail.transition);
  Restart();
  EXPECT_EQ(Stored(Load(run.key()).value()->state), Stored(run.state()));
}

TEST_F(JournalTest, EndsWithTheRun) {
  HeartbeatingRun run;
  Settle(run);
  Beat(run, {"one"});
  run.Terminate();
  Hand(run);
  EXPECT_THAT(JournalRows(run.key()), IsEmpty());
  EXPECT_TRUE(Verify(run.key()).ok());
  EXPECT_EQ(Stored(Load(run.key()).value()->state), Stored(run.state()));
}

TEST_F(JournalTest, CutInTheMiddleIsNamedAndKeepsNoOtherRunFromBeingRead) {
  HeartbeatingRun run;
  Settle(run);
  const std::string missing = std::to_string(run.tail.checkpoint + 2);
  const std::string row = keys::Journal(run.key(), run.tail.checkpoint + 2);
  Beat(run, {"one", "two", "three"});
  Commit(CommitOf(Key("other"), 1, 1));
  Sync();
  Remove(Family::kState, row);

  const Error error = Load(run.key()).error();
  EXPECT_EQ(error.code, StatusCode::kDataLoss);
  EXPECT_EQ(error.message, run.key().ToString() + ": transition " + missing + " is missing from the store");
  EXPECT_THAT(Verify(run.key()).problem, HasSubstr("transition " + missing + " is missing"));
  std::vector<std::string> read, unreadable;
  ASSERT_TRUE(store_->executions()
                  .ForEachOpenKey([&](const ExecutionKey& key) {
                    (Load(key) ? read : unreadable).push_back(key.workflow_id.value());
                  })
                  .has_value());
  EXPECT_THAT(read, ElementsAre("other"));
  EXPECT_THAT(unreadable, ElementsAre("w1"));
}

TEST_F(JournalTest, DoesNotFollowOnACheckpointThatIsOlderThanItsBeginning) {
  HeartbeatingRun run;
  Settle(run);
  const int64_t checkpoint = run.tail.checkpoint;
  const std::string row = keys::State(run.key(), true);
  const std::string older = machine_.disk->Get(Family::kState, row).value();
  while (run.tail.checkpoint == checkpoint) Beat(run, {std::string(200, 'x')});
  Beat(run, {"after it"});
  Write({Family::kState, row, older});
  EXPECT_THAT(Load(run.key()).error().message,
              HasSubstr("transition " + std::to_string(checkpoint + 1) + " is missing"));
}

TEST_F(JournalTest, RowsThatACheckpointCoversAreFound) {
  HeartbeatingRun run;
  Settle(run);
  Beat(run, {"one"});
  EXPECT_TRUE(Verify(run.key()).ok());
  Write({Family::kState, keys::Journal(run.key(), run.tail.checkpoint), "left over"});
  EXPECT_THAT(Verify(run.key()).problem, HasSubstr("a journal row is left"));
}

TEST_F(JournalTest, DamageIsNamedByRun) {
  HeartbeatingRun run;
  Settle(run);
  Beat(run, {"one", "two"});
  const std::string first = keys::Journal(run.key(), run.tail.checkpoint + 1);
  const std::string second = keys::Journal(run.key(), run.tail.checkpoint + 2);
  Write({Family::kState, first, machine_.disk->Get(Family::kState, second).value()});
  EXPECT_THAT(Load(run.key()).error().message, HasSubstr("under the key of another one"));
  Write({Family::kState, first, "\xff"});
  EXPECT_THAT(Load(run.key()).error().message, HasSubstr(run.key().ToString() + ": notes that cannot be read"));
}

/// What two thousand activities write when each is started and completed, in bytes of rows.
int64_t BytesOfFanOut(int count) {
  MemoryMachine machine;
  const auto store = machine.Start();
  history::WideRun run(history::ManyActivities(count));
  RunTail tail;
  const auto commit = [&](const history::Transition& transition) {
    store->executions().Commit(One(MadeCommit(run.state, transition, &tail)), {});
    while (store->stage().RunOnce() > 0) {
    }
  };
  commit(run.made);
  const auto before = static_cast<int64_t>(store->stage().stats().bytes);
  for (EventId id = history::kFirstScheduled; id < history::kFirstScheduled + count; ++id) {
    commit(run.Do(history::ActivityTaskStarted{id, 1, "worker", "poll"}));
  }
  for (EventId id = history::kFirstScheduled; id < history::kFirstScheduled + count; ++id) {
    commit(run.Do(history::ActivityTaskCompleted{{id, 1, {}}, history::Text("ok"), "worker"}));
  }
  return static_cast<int64_t>(store->stage().stats().bytes) - before;
}

TEST(JournalBudget, OneOfTwoThousandActivitiesWritesNoMoreThanTwoKilobytes) {
  const int64_t few = BytesOfFanOut(200);
  const int64_t many = BytesOfFanOut(2000);
  EXPECT_LT(many, 15 * few);
  EXPECT_LE(many / (2 * 2000), 2048) << "a start or a completion, its part of the checkpoints included";
}

}  // namespace
}  // namespace wfe::storage
