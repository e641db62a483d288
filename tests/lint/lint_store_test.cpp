// The store rules H3-H6, H21, H22's rows, H27's mark and H28: a run as the store has it, and each kind of damage to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/history/chain.h"
#include "engine/history/decide.h"
#include "engine/lint/lint.h"
#include "tests/lint/history_builder.h"

namespace wfe::lint {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::Field;
using testing::IsEmpty;

/// The run as a sound store would keep it.
StoredRun Stored(const HistoryBuilder& history) {
  StoredRun run;
  run.key = {Namespace("default"), WorkflowId("w"), RunId("run-1")};
  Sha256Digest head = history::kChainStart;
  int64_t size = 0;
  for (size_t batch = 0; batch < history.batch_starts().size(); ++batch) {
    const EventId first = history.batch_starts()[batch];
    const EventId end = batch + 1 < history.batch_starts().size() ? history.batch_starts()[batch + 1]
                                                                  : static_cast<EventId>(history.events().size() + 1);
    if (first == end) continue;
    temporal::api::history::v1::History events;
    for (EventId id = first; id < end; ++id) {
      const HistoryEvent& event = history.events()[static_cast<size_t>(id - 1)];
      *events.add_events() = event;
      head = history::ChainNext(head, event.SerializeAsString());
      if (event.has_workflow_execution_signaled_event_attributes()) {
        if (!run.request_ids) run.request_ids.emplace();
        run.request_ids->push_back(event.workflow_execution_signaled_event_attributes().request_id());
      }
    }
    run.batches.push_back({first, static_cast<int32_t>(end - first), events.SerializeAsString()});
    size += static_cast<int64_t>(run.batches.back().bytes.size());
  }
  *run.state.mutable_folded() = history::Fold(run.key, history.events());
  auto& bookkeeping = *run.state.mutable_bookkeeping();
  bookkeeping.set_chain_head(std::string(AsBytes(head)));
  bookkeeping.set_history_size_bytes(size);
  for (const auto& activity : run.state.folded().activities()) {
    auto& attempt = *bookkeeping.add_activity_attempts();
    attempt.set_scheduled_event_id(activity.scheduled_event_id());
    attempt.set_attempt(1);
  }
  run.visibility.emplace();
  run.visibility->set_status(run.state.folded().status());
  run.visibility->set_history_length(static_cast<int64_t>(history.events().size()));
  run.visibility->set_history_size_bytes(size);
  return run;
}

HistoryBuilder OpenRun() {
  HistoryBuilder history;
  history.TaskScheduled();
  history.NewBatch().Advance(1s).TaskStarted();
  history.TaskCompleted();
  history.TimerStarted("t1", 60s);
  history.ActivityScheduled("a1");
  history.NewBatch().Signal("r1");
  history.TaskScheduled();
  return history;
}

HistoryBuilder ClosedRun() {
  HistoryBuilder history;
  history.TaskScheduled();
  history.NewBatch().Advance(1s).TaskStarted();
  history.TaskCompleted();
  history.Completed();
  return history;
}

StoreLintOptions Options() {
  StoreLintOptions options;
  options.fold = history::Fold;
  return options;
}

class StoreLint : public testing::Test {
 protected:
  void ExpectBroken(const std::string& rule, const std::string& what) {
    EXPECT_THAT(LintStored(run_, Options()), Contains(Field(&Finding::rule, rule))) << what;
    run_ = sound_;
  }

  StoredRun run_ = Stored(OpenRun());
  StoredRun sound_ = run_;
};

TEST_F(StoreLint, SoundRunsRaiseNoAlarm) {
  EXPECT_THAT(LintStored(run_, Options()), IsEmpty()) << Describe(LintStored(run_, Options()));
  const StoredRun closed = Stored(ClosedRun());
  EXPECT_THAT(LintStored(closed, Options()), IsEmpty()) << Describe(LintStored(closed, Options()));
}

TEST_F(StoreLint, DamagedBatchesAreFound) {
  run_.batches.erase(run_.batches.begin() + 1);
  ExpectBroken("H3", "a missing batch");
  run_.batches[1].first_event_id += 1;
  ExpectBroken("H3", "a batch under the wrong key");
  run_.batches[1].count += 1;
  ExpectBroken("H3", "a wrong count");
  run_.batches[1].bytes.pop_back();
  ExpectBroken("H3", "a batch cut short");
  std::swap(run_.batches[0], run_.batches[1]);
  ExpectBroken("H3", "batches out of order");
  run_.batches.pop_back();
  ExpectBroken("H6", "the last batch is missing");
  run_.batches.push_back(run_.batches.back());
  ExpectBroken("H3", "a batch twice");
}

TEST_F(StoreLint, AnyFlippedBitOfAnEventBreaksTheChain) {
  for (size_t at = 0; at < run_.batches[1].bytes.size(); at += 7) {
    run_.batches[1].bytes[at] = static_cast<char>(run_.batches[1].bytes[at] ^ 0x10);
    EXPECT_FALSE(LintStored(run_, Options()).empty()) << "byte " << at;
    run_ = sound_;
  }
  (*run_.state.mutable_bookkeeping()->mutable_chain_head())[3] ^= 1;
  ExpectBroken("H4", "another head");
  run_.state.mutable_bookkeeping()->clear_chain_head();
  ExpectBroken("H4", "no head");
}

TEST_F(StoreLint, AStateThatIsNoFoldIsFound) {
  run_.state.mutable_folded()->set_signal_count(0);
  ExpectBroken("H5", "a forgotten signal");
  run_.state.mutable_folded()->clear_workflow_task();
  ExpectBroken("H5", "a forgotten workflow task");
  run_.state.mutable_folded()->mutable_activities(0)->set_task_queue("elsewhere");
  ExpectBroken("H5", "another queue");
  run_.state.mutable_folded()->mutable_workflow_type()->set_name("Other");
  ExpectBroken("H5", "another type");
  run_.state.mutable_folded()->set_cancel_requested(true);
  ExpectBroken("H5", "a cancellation nobody asked for");
}

TEST_F(StoreLint, BookkeepingThatDoesNotFitIsFound) {
  run_.state.mutable_bookkeeping()->clear_activity_attempts();
  ExpectBroken("H5", "an activity without attempt");
  run_.state.mutable_bookkeeping()->mutable_activity_attempts(0)->set_scheduled_event_id(99);
  ExpectBroken("H5", "an attempt without activity");
  run_.state.mutable_bookkeeping()->mutable_activity_attempts(0)->set_attempt(0);
  ExpectBroken("H5", "attempt 0");
  run_.state.mutable_bookkeeping()->set_transient_workflow_task(true);
  ExpectBroken("H5", "a task both scheduled and transient");
}

TEST_F(StoreLint, WrongSizesAndCountsAreFound) {
  run_.state.mutable_folded()->set_next_event_id(7);
  ExpectBroken("H6", "next event id");
  run_.state.mutable_bookkeeping()->set_history_size_bytes(1);
  ExpectBroken("H6", "size");
  StoreLintOptions options = Options();
  options.limits.max_pending_activities = 0;
  EXPECT_THAT(LintStored(run_, options), Contains(Field(&Finding::rule, "H6")));
}

// "pending timer without physical timer": the worst published bug of this kind of engine.
TEST_F(StoreLint, TimersMustBeTheSameInHistoryStateAndIndex) {
  run_.state.mutable_folded()->clear_timers();
  ExpectBroken("H21", "open in the history only");
  run_.state.mutable_folded()->add_timers()->set_timer_id("t2");
  ExpectBroken("H21", "open in the state only");
  run_.state.mutable_folded()->mutable_timers(0)->mutable_due()->set_seconds(1);
  ExpectBroken("H21", "another due time");
  run_.timer_index = std::optional<Instant>();
  ExpectBroken("H21", "no row in the index");
  const Instant due = GetTime(OpenRun().events()[4]) + 60s;
  run_.timer_index = due + 1ns;
  ExpectBroken("H21", "the index wakes too late");
  run_.timer_index = due;
  EXPECT_THAT(LintStored(run_, Options()), IsEmpty());
}

TEST_F(StoreLint, ASignalWithoutItsRowIsFound) {
  run_.request_ids->clear();
  ExpectBroken("H22", "no row");
}

TEST_F(StoreLint, StatusMustAgreeEverywhere) {
  run_.visibility->set_status(enums::WORKFLOW_EXECUTION_STATUS_COMPLETED);
  ExpectBroken("H27", "listed as closed");
  run_.state.mutable_folded()->set_status(enums::WORKFLOW_EXECUTION_STATUS_FAILED);
  ExpectBroken("H27", "the state says closed");
  run_.current_run.emplace();
  run_.current_run->set_run_id("run-1");
  run_.current_run->set_status(enums::WORKFLOW_EXECUTION_STATUS_FAILED);
  ExpectBroken("H27", "the current-run row says closed");
}

TEST_F(StoreLint, WhatAClosedRunLeavesBehindIsFound) {
  run_ = sound_ = Stored(ClosedRun());
  run_.timer_index = Instant(1s);
  ExpectBroken("H28", "a timer row");
  run_.queued_tasks = 1;
  ExpectBroken("H28", "a queued task");
  run_.state.mutable_bookkeeping()->add_buffered_events();
  ExpectBroken("H28", "a buffered event");
}

}  // namespace
}  // namespace wfe::lint
