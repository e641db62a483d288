// The state machine of a schedule: overlap, catch-up, buffer, pause, limits, patches (S90-S98, H37).
#include "engine/schedules/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "engine/base/proto_time.h"
#include "engine/schedules/overlap.h"
#include "engine/schedules/start_request.h"

namespace wfe::schedules {
namespace {

namespace pb = temporal::api::schedule::v1;
namespace enums = temporal::api::enums::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

class Machine : public ::testing::Test {
 protected:
  static constexpr auto kSkip = enums::SCHEDULE_OVERLAP_POLICY_SKIP;
  static constexpr auto kBufferOne = enums::SCHEDULE_OVERLAP_POLICY_BUFFER_ONE;
  static constexpr auto kBufferAll = enums::SCHEDULE_OVERLAP_POLICY_BUFFER_ALL;
  static constexpr auto kCancelOther = enums::SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER;
  static constexpr auto kTerminateOther = enums::SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER;
  static constexpr auto kAllowAll = enums::SCHEDULE_OVERLAP_POLICY_ALLOW_ALL;

  void Make(OverlapPolicy policy = kSkip) {
    schedule_.mutable_policies()->set_overlap_policy(policy);
    auto created = Create({.ns = "default",
                           .schedule_id = "s",
                           .schedule = schedule_,
                           .memo = {},
                           .search_attributes = {},
                           .request_id = "create",
                           .initial_patch = {}},
                          now_, limits_);
    ASSERT_TRUE(created.has_value()) << created.error().message;
    state_ = std::make_unique<State>(*std::move(created));
  }

  static pb::Schedule Hourly() {
    pb::Schedule schedule;
    schedule.mutable_spec()->add_interval()->mutable_interval()->set_seconds(3600);
    auto& action = *schedule.mutable_action()->mutable_start_workflow();
    action.set_workflow_id("w");
    action.mutable_workflow_type()->set_name("T");
    action.mutable_task_queue()->set_name("tq");
    return schedule;
  }

  Status Do(const Input& input) {
    Status status = Advance(*state_, input, now_, limits_);
    const auto problem = CheckRow(row(), limits_);
    EXPECT_EQ(problem, std::nullopt) << *problem;
    return status;
  }
  void Must(const Input& input) {
    const Status status = Do(input);
    EXPECT_TRUE(status.has_value()) << status.error().message;
  }
  /// Lets time pass with a Tick at each deadline, as a shard does.
  void Pass(Duration by) {
    const Instant end = now_ + by;
    for (auto due = NextDeadline(*state_, limits_); due && *due <= end; due = NextDeadline(*state_, limits_)) {
      now_ = std::max(now_, *due);
      Must(Tick{});
    }
    now_ = end;
  }
  /// Answers what is being started; the run ids are "run-NUMBER".
  void AnswerStarts() {
    while (row().starting_size() > 0) {
      const auto start = row().starting(0);
      Must(StartAnswered{.number = start.number(),
                         .workflow_id = StartRequest(row(), start).workflow_id(),
                         .first_run_id = "run-" + std::to_string(start.number()),
                         .refusal = std::nullopt});
    }
  }
  void PassAndStart(Duration by) {
    Pass(by);
    AnswerStarts();
  }
  void Close(uint64_t number, enums::WorkflowExecutionStatus status = enums::WORKFLOW_EXECUTION_STATUS_COMPLETED,
             const std::string& text = "") {
    ActionClosed closed;
    closed.first_run_id = "run-" + std::to_string(number);
    for (const auto& action : row().running()) {
      if (action.first_run_id() == closed.first_run_id) closed.workflow_id = action.workflow_id();
    }
    EXPECT_FALSE(closed.workflow_id.empty()) << "run " << number << " does not run";
    closed.status = status;
    if (status == enums::WORKFLOW_EXECUTION_STATUS_COMPLETED) closed.result.add_payloads()->set_data(text);
    if (status == enums::WORKFLOW_EXECUTION_STATUS_FAILED) closed.failure.set_message(text);
    Must(closed);
  }
  void Patch(const std::function<void(pb::SchedulePatch&)>& fill, const std::string& request_id = "") {
    Patched patched;
    fill(patched.patch);
    patched.request_id = request_id;
    Must(patched);
  }
  void Trigger(OverlapPolicy policy = enums::SCHEDULE_OVERLAP_POLICY_UNSPECIFIED) {
    Patch([&](auto& patch) { patch.mutable_trigger_immediately()->set_overlap_policy(policy); });
  }

  const engine::v1::ScheduleRow& row() const { return state_->row; }
  const pb::ScheduleInfo& info() const { return state_->row.info(); }
  std::vector<std::string> Running() const {
    std::vector<std::string> ids;
    for (const auto& action : row().running()) ids.push_back(action.first_run_id());
    return ids;
  }
  template <class T>
  size_t Wants() const {
    size_t count = 0;
    for (const Effect& effect : Wanted(*state_)) count += std::holds_alternative<T>(effect) ? 1 : 0;
    return count;
  }

  Limits limits_;
  pb::Schedule schedule_ = Hourly();
  Instant now_ = *ParseIso8601("2024-01-01T00:00:00Z");
  std::unique_ptr<State> state_;
};

TEST_F(Machine, StartsOnceForEachDueTime) {
  Make();
  for (int i = 1; i <= 5; ++i) {
    PassAndStart(1h);
    Close(static_cast<uint64_t>(i));
  }
  EXPECT_EQ(info().action_count(), 5);
  EXPECT_EQ(info().recent_actions_size(), 5);
  EXPECT_EQ(info().recent_actions(4).start_workflow_status(), enums::WORKFLOW_EXECUTION_STATUS_COMPLETED);
  EXPECT_EQ(FormatIso8601Millis(*NextDeadline(*state_, limits_)), "2024-01-01T06:00:00.000Z");
}

TEST_F(Machine, TheStartCarriesTheNominalTimeAndTheSchedulesName) {  // S93
  schedule_.mutable_spec()->mutable_jitter()->set_seconds(600);
  Make();
  Pass(90min);
  ASSERT_EQ(row().starting_size(), 1);
  const auto request = StartRequest(row(), row().starting(0));
  EXPECT_EQ(request.workflow_id(), "w-2024-01-01T01:00:00Z");
  EXPECT_EQ(request.search_attributes().indexed_fields().at("TemporalScheduledStartTime").data(),
            "\"2024-01-01T01:00:00Z\"");
  EXPECT_EQ(request.search_attributes().indexed_fields().at("TemporalScheduledById").data(), "\"s\"");
  EXPECT_EQ(request.request_id(), StartRequest(row(), row().starting(0)).request_id());
  auto other = row().starting(0);
  other.set_number(2);
  EXPECT_NE(request.request_id(), StartRequest(row(), other).request_id());
}

TEST_F(Machine, SkipLeavesOutWhatOverlaps) {  // S90
  Make(kSkip);
  PassAndStart(1h);
  PassAndStart(2h);
  EXPECT_EQ(info().overlap_skipped(), 2);
  Close(1);
  EXPECT_EQ(row().starting_size(), 0);
  PassAndStart(1h);
  EXPECT_EQ(info().action_count(), 2);
}

TEST_F(Machine, BufferOneKeepsTheFirstThatOverlaps) {  // S90
  Make(kBufferOne);
  PassAndStart(1h);
  PassAndStart(3h);
  EXPECT_EQ(row().buffer_size(), 1);
  EXPECT_EQ(info().overlap_skipped(), 2);
  Close(1);
  ASSERT_EQ(row().starting_size(), 1);
  EXPECT_EQ(StartRequest(row(), row().starting(0)).workflow_id(), "w-2024-01-01T02:00:00Z");
}

TEST_F(Machine, BufferAllRunsEverythingOneAfterTheOther) {  // S90
  Make(kBufferAll);
  PassAndStart(4h);
  EXPECT_EQ(row().buffer_size(), 3);
  for (uint64_t i = 1; i <= 4; ++i) {
    EXPECT_THAT(Running(), ElementsAre("run-" + std::to_string(i)));
    Close(i);
    AnswerStarts();
  }
  EXPECT_EQ(info().action_count(), 4);
}

TEST_F(Machine, CancelOtherWaitsForTheEndAndKeepsOnlyTheLastStart) {  // S90, S91
  Make(kCancelOther);
  PassAndStart(1h);
  PassAndStart(1h);
  EXPECT_EQ(Wants<CancelAction>(), 1u);
  EXPECT_EQ(row().starting_size(), 0);
  PassAndStart(1h);
  EXPECT_EQ(row().buffer_size(), 1);
  EXPECT_EQ(info().overlap_skipped(), 1);
  Close(1, enums::WORKFLOW_EXECUTION_STATUS_CANCELED);
  ASSERT_EQ(row().starting_size(), 1);
  EXPECT_EQ(StartRequest(row(), row().starting(0)).workflow_id(), "w-2024-01-01T03:00:00Z");
  EXPECT_EQ(Wants<CancelAction>(), 0u);
}

TEST_F(Machine, TerminateOtherTerminates) {  // S90
  Make(kTerminateOther);
  PassAndStart(1h);
  PassAndStart(1h);
  EXPECT_EQ(Wants<TerminateAction>(), 1u);
  EXPECT_EQ(Wants<CancelAction>(), 0u);
  Close(1, enums::WORKFLOW_EXECUTION_STATUS_TERMINATED);
  AnswerStarts();
  EXPECT_THAT(Running(), ElementsAre("run-2"));
}

TEST_F(Machine, AllowAllStartsBesideEachOther) {  // S90
  Make(kAllowAll);
  PassAndStart(3h);
  EXPECT_THAT(Running(), ElementsAre("run-1", "run-2", "run-3"));
  EXPECT_EQ(Wants<WatchAction>(), 3u);
  PassAndStart(20h);
  EXPECT_EQ(row().running_size(), 10) << "those that left the recent actions are not followed";
  EXPECT_EQ(info().action_count(), 23);
}

TEST_F(Machine, DowntimeIsCaughtUpWithinTheWindow) {  // S92
  schedule_.mutable_policies()->mutable_catchup_window()->set_seconds(2 * 3600 + 60);
  Make(kBufferAll);
  now_ += 5h;  // nobody ticked
  Must(Tick{});
  EXPECT_EQ(info().missed_catchup_window(), 2);
  EXPECT_EQ(row().starting_size() + row().buffer_size(), 3);
}

TEST_F(Machine, TheCatchupWindowHasADefaultAndALeastValue) {  // S92
  Make();
  EXPECT_EQ(row().schedule().policies().catchup_window().seconds(), 365 * 86400);
  schedule_.mutable_policies()->mutable_catchup_window()->set_seconds(1);
  Make();
  EXPECT_EQ(row().schedule().policies().catchup_window().seconds(), 10);
}

TEST_F(Machine, AFullBufferDropsAndCounts) {  // S96
  Make(kBufferAll);
  PassAndStart(1h);
  PassAndStart(1003h);
  EXPECT_EQ(row().buffer_size(), 1000);
  EXPECT_EQ(info().buffer_dropped(), 3);
}

TEST_F(Machine, ALongDowntimeIsWorkedOffInSteps) {
  schedule_.mutable_spec()->mutable_interval(0)->mutable_interval()->set_seconds(1);
  Make(kSkip);
  now_ += 2500s;
  Must(Tick{});
  EXPECT_LT(*NextDeadline(*state_, limits_), now_);
  Pass(0s);
  EXPECT_EQ(row().times_due(), 2500);
  EXPECT_EQ(row().starting_size(), 1);
}

TEST_F(Machine, PausedItLetsTimesPassAndGoesOnFromNow) {  // S98
  Make();
  Patch([](auto& patch) { patch.set_pause("for repairs"); });
  EXPECT_TRUE(row().schedule().state().paused());
  EXPECT_EQ(row().schedule().state().notes(), "for repairs");
  EXPECT_EQ(NextDeadline(*state_, limits_), std::nullopt);
  now_ += 5h + 1min;
  Patch([](auto& patch) { patch.set_unpause("repaired"); });
  EXPECT_EQ(row().times_due(), 0);
  PassAndStart(1h);
  EXPECT_EQ(info().action_count(), 1);
  EXPECT_EQ(row().schedule().state().notes(), "repaired");
}

TEST_F(Machine, ATriggerActsWhilePausedAndUnderItsOwnPolicy) {  // S98
  schedule_.mutable_state()->set_paused(true);
  Make(kSkip);
  Trigger();
  AnswerStarts();
  Trigger();
  EXPECT_EQ(info().overlap_skipped(), 1);
  Trigger(kAllowAll);
  AnswerStarts();
  EXPECT_EQ(row().running_size(), 2);
}

TEST_F(Machine, ARepeatedPatchChangesNothing) {
  Make(kAllowAll);
  for (int i = 0; i < 2; ++i) {
    Patch([](auto& patch) { patch.mutable_trigger_immediately(); }, "same");
  }
  EXPECT_EQ(row().starting_size(), 1);
}

TEST_F(Machine, WhatIsStartedUnderAllowAllStandsInNobodysWay) {
  Make(kSkip);
  Trigger(kAllowAll);
  AnswerStarts();
  PassAndStart(1h);
  EXPECT_EQ(info().overlap_skipped(), 0);
  EXPECT_EQ(row().running_size(), 2);
}

TEST_F(Machine, ABackfillActsForEveryTimeOfItsRange) {  // S98; the start is excluded, the end included
  Make(kSkip);
  const auto backfill = [&](OverlapPolicy policy) {
    Patch([&](auto& patch) {
      auto& range = *patch.add_backfill_request();
      *range.mutable_start_time() = ToProto(now_ - 5h);
      *range.mutable_end_time() = ToProto(now_);
      range.set_overlap_policy(policy);
    });
  };
  backfill(kBufferAll);
  EXPECT_EQ(row().starting_size() + row().buffer_size(), 5);
  backfill(kAllowAll);
  EXPECT_EQ(row().starting_size(), 6);
  EXPECT_EQ(row().times_due(), 10);
}

TEST_F(Machine, ALongBackfillLosesNothing) {
  Make(kBufferAll);
  Patch([&](auto& patch) {
    auto& range = *patch.add_backfill_request();
    *range.mutable_start_time() = ToProto(now_ - 1500h);
    *range.mutable_end_time() = ToProto(now_);
  });
  Patch([](auto& patch) { patch.set_pause("only the backfill"); });
  uint64_t number = 0;
  for (Pass(0s), AnswerStarts(); row().running_size() > 0; Pass(0s), AnswerStarts()) Close(++number);
  EXPECT_EQ(number, 1500u);
  EXPECT_EQ(info().buffer_dropped(), 0);
}

TEST_F(Machine, LimitedActionsRunOut) {  // S98
  schedule_.mutable_state()->set_limited_actions(true);
  schedule_.mutable_state()->set_remaining_actions(2);
  Make(kAllowAll);
  EXPECT_EQ(FutureActionTimes(*state_, now_, 10).size(), 2u);
  PassAndStart(5h);
  EXPECT_EQ(info().action_count(), 2);
  EXPECT_EQ(row().schedule().state().remaining_actions(), 0);
  Trigger();
  AnswerStarts();
  EXPECT_EQ(info().action_count(), 3) << "what is asked for is done";
  EXPECT_EQ(row().schedule().state().remaining_actions(), 0);
}

TEST_F(Machine, SkippedTimesDoNotCountAgainstTheLimit) {
  schedule_.mutable_state()->set_limited_actions(true);
  schedule_.mutable_state()->set_remaining_actions(2);
  Make(kSkip);
  PassAndStart(3h);
  EXPECT_EQ(row().schedule().state().remaining_actions(), 1);
}

TEST_F(Machine, AFailurePausesWhenAskedTo) {  // S94
  schedule_.mutable_policies()->set_pause_on_failure(true);
  Make();
  PassAndStart(1h);
  Close(1, enums::WORKFLOW_EXECUTION_STATUS_CANCELED);
  EXPECT_FALSE(row().schedule().state().paused());
  PassAndStart(1h);
  Close(2, enums::WORKFLOW_EXECUTION_STATUS_FAILED, "no disk");
  EXPECT_TRUE(row().schedule().state().paused());
  EXPECT_THAT(row().schedule().state().notes(), HasSubstr("no disk"));
}

TEST_F(Machine, TheNextRunLearnsTheLastResultAndTheLastFailure) {  // S95
  Make(kSkip);
  PassAndStart(1h);
  Close(1, enums::WORKFLOW_EXECUTION_STATUS_COMPLETED, "first");
  PassAndStart(1h);
  Close(2, enums::WORKFLOW_EXECUTION_STATUS_FAILED, "second");
  Pass(1h);
  auto request = StartRequest(row(), row().starting(0));
  EXPECT_EQ(request.last_completion_result().payloads(0).data(), "first");
  EXPECT_EQ(request.continued_failure().message(), "second");
  AnswerStarts();
  Close(3, enums::WORKFLOW_EXECUTION_STATUS_COMPLETED, "third");
  Trigger(kAllowAll);
  request = StartRequest(row(), row().starting(0));
  EXPECT_FALSE(request.has_last_completion_result()) << "not under AllowAll";
  EXPECT_FALSE(request.has_continued_failure());
}

TEST_F(Machine, ARefusedStartIsCountedAndNoted) {
  Make();
  Pass(1h);
  Must(StartAnswered{
      .number = 1, .workflow_id = "w", .first_run_id = "", .refusal = AlreadyExists("is already running")});
  EXPECT_EQ(info().action_count(), 0);
  EXPECT_EQ(row().starts_failed(), 1);
  EXPECT_THAT(row().schedule().state().notes(), HasSubstr("is already running"));
}

TEST_F(Machine, AnUpdateReplacesTheScheduleAndNeedsTheCurrentToken) {
  Make();
  Pass(150min);
  const uint64_t token = row().conflict_token();
  pb::Schedule daily = Hourly();
  daily.mutable_spec()->mutable_interval(0)->mutable_interval()->set_seconds(86400);
  Updated update{.schedule = daily, .conflict_token = token, .memo = {}, .search_attributes = {}, .request_id = "u"};
  Must(update);
  EXPECT_EQ(FormatIso8601Millis(*NextDeadline(*state_, limits_)), "2024-01-02T00:00:00.000Z");
  Must(update);  // the same request again
  update.request_id = "other";
  EXPECT_EQ(Do(update).error().code, StatusCode::kFailedPrecondition);
  update.conflict_token.reset();
  daily.mutable_spec()->add_cron_string("nonsense");
  update.schedule = daily;
  EXPECT_EQ(Do(update).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(row().schedule().spec().structured_calendar_size(), 0) << "a refused update leaves the schedule as it was";
}

TEST_F(Machine, WithNothingToDoItGoesAfterAWeek) {  // S96
  *schedule_.mutable_spec()->mutable_end_time() = ToProto(now_ + 90min);
  Make();
  PassAndStart(3h);
  EXPECT_EQ(NextDeadline(*state_, limits_), std::nullopt) << "its action still runs";
  Close(1);
  EXPECT_EQ(NextDeadline(*state_, limits_), now_ + 7 * 24h);
  EXPECT_FALSE(Expired(*state_, now_ + 6 * 24h, limits_));
  EXPECT_TRUE(Expired(*state_, now_ + 7 * 24h, limits_));
}

TEST_F(Machine, ASecondLoadingOfItsRowIsTheSameState) {
  Make(kBufferAll);
  PassAndStart(4h);
  const State again = Load(row()).value();
  EXPECT_EQ(NextDeadline(again, limits_), NextDeadline(*state_, limits_));
  EXPECT_EQ(Wanted(again).size(), Wanted(*state_).size());
}

TEST_F(Machine, WhateverHappensEveryDueTimeIsAccountedFor) {  // H37; CheckRow runs after every input
  std::mt19937 random(3);
  const auto upto = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 60; ++round) {
    schedule_ = Hourly();
    schedule_.mutable_state()->set_limited_actions(upto(4) == 0);
    schedule_.mutable_state()->set_remaining_actions(upto(20));
    schedule_.mutable_policies()->set_pause_on_failure(upto(4) == 0);
    if (upto(2)) schedule_.mutable_policies()->mutable_catchup_window()->set_seconds(upto(20'000));
    if (upto(2)) schedule_.mutable_spec()->mutable_jitter()->set_seconds(upto(4000));
    limits_.max_buffer = static_cast<size_t>(2 + upto(10));
    Make(static_cast<OverlapPolicy>(upto(7)));
    for (int step = 0; step < 200; ++step) {
      switch (upto(7)) {
        case 0:
          now_ += std::chrono::minutes(upto(400));
          Must(Tick{});
          break;
        case 1:
          Pass(std::chrono::minutes(upto(300)));
          break;
        case 2:
          AnswerStarts();
          break;
        case 3:
          if (row().running_size() > 0) {
            const auto& id = row().running(upto(row().running_size())).first_run_id();
            Close(std::stoull(id.substr(4)), static_cast<enums::WorkflowExecutionStatus>(2 + upto(3)), "x");
          }
          break;
        case 4:
          Trigger(static_cast<OverlapPolicy>(upto(7)));
          break;
        case 5:
          Patch([&](auto& patch) { upto(2) ? patch.set_pause("p") : patch.set_unpause("u"); });
          break;
        default:
          Patch([&](auto& patch) {
            auto& range = *patch.add_backfill_request();
            *range.mutable_start_time() = ToProto(now_ - std::chrono::hours(upto(20)));
            *range.mutable_end_time() = ToProto(now_);
            range.set_overlap_policy(static_cast<OverlapPolicy>(upto(7)));
          });
          break;
      }
      if (row().starting_size() > 0 && upto(3) == 0) {
        Must(StartAnswered{
            .number = row().starting(0).number(), .workflow_id = "w", .first_run_id = "", .refusal = Internal("no")});
      }
    }
  }
}

// --- What would cost its shard too much (SEC-H1).

TEST_F(Machine, WhatTakesTooLongToAnswerIsRefusedWhenItIsMadeAndWhenItIsChanged) {  // SEC-H1
  pb::Schedule hostile = Hourly();
  hostile.mutable_spec()->mutable_interval(0)->mutable_interval()->set_seconds(1);
  for (const char* seconds : {"*/2", "1/2"}) {
    auto& excluded = *hostile.mutable_spec()->add_exclude_calendar();
    excluded.set_second(seconds);
    excluded.set_minute("*");
    excluded.set_hour("*");
  }
  const auto created = Create({.ns = "default",
                               .schedule_id = "s",
                               .schedule = hostile,
                               .memo = {},
                               .search_attributes = {},
                               .request_id = {},
                               .initial_patch = {}},
                              now_, limits_);
  ASSERT_FALSE(created.has_value());
  EXPECT_EQ(created.error().code, StatusCode::kInvalidArgument);
  EXPECT_THAT(created.error().message, HasSubstr("its exclusions take them all"));
  Make();
  EXPECT_EQ(Do(Updated{.schedule = hostile, .conflict_token = {}, .memo = {}, .search_attributes = {}, .request_id = {}})
                .error()
                .code,
            StatusCode::kInvalidArgument);
}

TEST_F(Machine, ALargeScheduleIsRefused) {  // SEC-H1, SEC-M1
  schedule_.mutable_action()->mutable_start_workflow()->mutable_input()->add_payloads()->set_data(
      std::string(static_cast<size_t>(limits_.max_bytes), 'x'));
  const auto created = Create({.ns = "default",
                               .schedule_id = "s",
                               .schedule = schedule_,
                               .memo = {},
                               .search_attributes = {},
                               .request_id = {},
                               .initial_patch = {}},
                              now_, limits_);
  EXPECT_THAT(created.error().message, HasSubstr("max_schedule_bytes"));
}

TEST_F(Machine, ALongCatchUpIsDoneInStepsOfBoundedWork) {  // SEC-H1
  limits_.max_work_per_step = 100;
  Make();
  now_ += 24h * 30;
  Must(Tick{});
  EXPECT_LT(row().times_due(), 100);
  for (int step = 0; step < 50 && row().times_due() < 720; ++step) Must(Tick{});
  EXPECT_EQ(row().times_due(), 720);
}

}  // namespace
}  // namespace wfe::schedules
