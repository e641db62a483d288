#include "engine/history/retry.h"

#include <gtest/gtest.h>

#include "engine/base/proto_time.h"

namespace wfe::history {
namespace {

using namespace std::chrono_literals;

const Instant kNow{1'700'000'000s};

api::failure::v1::Failure Application(const std::string& type) {
  api::failure::v1::Failure failure;
  failure.mutable_application_failure_info()->set_type(type);
  return failure;
}

api::failure::v1::Failure TimeoutOf(enums::TimeoutType type) {
  api::failure::v1::Failure failure;
  failure.mutable_timeout_failure_info()->set_timeout_type(type);
  return failure;
}

TEST(RetryPolicy, EmptyFieldsGetTheDefaults) {  // S17
  const auto policy = WithDefaults({});
  EXPECT_EQ(FromProto(policy.initial_interval()), 1s);
  EXPECT_EQ(policy.backoff_coefficient(), 2.0);
  EXPECT_EQ(FromProto(policy.maximum_interval()), 100s);
  EXPECT_EQ(policy.maximum_attempts(), 0);
}

TEST(RetryPolicy, ContradictionsAreRefused) {  // S18, S19
  const auto refused = [](auto change) {
    api::common::v1::RetryPolicy policy;
    change(policy);
    return !CheckRetryPolicy(policy).has_value();
  };
  EXPECT_TRUE(refused([](auto& p) { p.set_backoff_coefficient(0.5); }));
  EXPECT_TRUE(refused([](auto& p) { p.set_maximum_attempts(-1); }));
  EXPECT_TRUE(refused([](auto& p) { *p.mutable_initial_interval() = ToProto(-1s); }));
  EXPECT_TRUE(refused([](auto& p) {
    *p.mutable_initial_interval() = ToProto(10s);
    *p.mutable_maximum_interval() = ToProto(5s);
  }));
  EXPECT_FALSE(refused([](auto& p) { p.set_maximum_attempts(3); }));
}

TEST(Retry, IntervalGrowsByTheCoefficientUpToTheMaximum) {  // S20
  const auto policy = WithDefaults({});
  EXPECT_EQ(DecideRetry(policy, 1, Application("E"), kNow, {}).backoff, 1s);
  EXPECT_EQ(DecideRetry(policy, 3, Application("E"), kNow, {}).backoff, 4s);
  EXPECT_EQ(DecideRetry(policy, 8, Application("E"), kNow, {}).backoff, 100s);
  EXPECT_EQ(DecideRetry(policy, 2'000'000'000, Application("E"), kNow, {}).backoff, 100s);
}

TEST(Retry, StopsAtTheMaximumAttempts) {  // S18
  auto policy = WithDefaults({});
  policy.set_maximum_attempts(2);
  EXPECT_EQ(DecideRetry(policy, 1, Application("E"), kNow, {}).state, enums::RETRY_STATE_IN_PROGRESS);
  EXPECT_EQ(DecideRetry(policy, 2, Application("E"), kNow, {}).state, enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
}

TEST(Retry, StopsWhenTheNextAttemptWouldComeAfterTheExpiration) {  // S21
  const auto policy = WithDefaults({});
  EXPECT_EQ(DecideRetry(policy, 1, Application("E"), kNow, kNow + 1s).state, enums::RETRY_STATE_IN_PROGRESS);
  EXPECT_EQ(DecideRetry(policy, 1, Application("E"), kNow, kNow + 999ms).state, enums::RETRY_STATE_TIMEOUT);
}

TEST(Retry, TheFailureMayNameTheDelayButNotLiftTheCaps) {  // S22
  auto policy = WithDefaults({});
  policy.set_maximum_attempts(2);
  auto failure = Application("E");
  *failure.mutable_application_failure_info()->mutable_next_retry_delay() = ToProto(7s);
  EXPECT_EQ(DecideRetry(policy, 1, failure, kNow, {}).backoff, 7s);
  EXPECT_EQ(DecideRetry(policy, 2, failure, kNow, {}).state, enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
  EXPECT_EQ(DecideRetry(policy, 1, failure, kNow, kNow + 6s).state, enums::RETRY_STATE_TIMEOUT);
}

TEST(Retry, SomeFailuresNeverRetry) {  // S23
  auto policy = WithDefaults({});
  policy.add_non_retryable_error_types("Fatal");
  const auto state = [&](const api::failure::v1::Failure& failure) {
    return DecideRetry(policy, 1, failure, kNow, {}).state;
  };
  auto flagged = Application("E");
  flagged.mutable_application_failure_info()->set_non_retryable(true);
  api::failure::v1::Failure canceled;
  canceled.mutable_canceled_failure_info();
  api::failure::v1::Failure terminated;
  terminated.mutable_terminated_failure_info();
  for (const auto& failure :
       {Application("Fatal"), flagged, canceled, terminated, TimeoutOf(enums::TIMEOUT_TYPE_SCHEDULE_TO_START),
        TimeoutOf(enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE)}) {
    EXPECT_EQ(state(failure), enums::RETRY_STATE_NON_RETRYABLE_FAILURE) << failure.ShortDebugString();
  }
}

TEST(Retry, AttemptTimeoutsRetryUnlessListed) {  // S24
  auto policy = WithDefaults({});
  EXPECT_EQ(DecideRetry(policy, 1, TimeoutOf(enums::TIMEOUT_TYPE_START_TO_CLOSE), kNow, {}).state,
            enums::RETRY_STATE_IN_PROGRESS);
  policy.add_non_retryable_error_types("TemporalTimeout:StartToClose");
  EXPECT_EQ(DecideRetry(policy, 1, TimeoutOf(enums::TIMEOUT_TYPE_START_TO_CLOSE), kNow, {}).state,
            enums::RETRY_STATE_NON_RETRYABLE_FAILURE);
  EXPECT_EQ(DecideRetry(policy, 1, TimeoutOf(enums::TIMEOUT_TYPE_HEARTBEAT), kNow, {}).state,
            enums::RETRY_STATE_IN_PROGRESS);
  policy.add_non_retryable_error_types("TemporalTimeout:Heartbeat");
  EXPECT_EQ(DecideRetry(policy, 1, TimeoutOf(enums::TIMEOUT_TYPE_HEARTBEAT), kNow, {}).state,
            enums::RETRY_STATE_NON_RETRYABLE_FAILURE);
}

TEST(ProtoTime, RoundTripsAndCutsWhatIsTooLong) {
  EXPECT_EQ(FromProto(ToProto(kNow + 123ns)), kNow + 123ns);
  EXPECT_EQ(FromProto(ToProto(Duration(1500ms))), 1500ms);
  EXPECT_EQ(FromProto(ToProto(Duration(-1500ms))), -1500ms);
  google::protobuf::Duration endless;
  endless.set_seconds(315'576'000'000);
  EXPECT_EQ(FromProto(endless), kLongestDuration);
}

}  // namespace
}  // namespace wfe::history
