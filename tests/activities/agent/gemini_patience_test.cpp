// A model that is unavailable is waited for, by time and not by attempts (AB-6, RW-D4), all of it in virtual time.
#include "activities/agent/backends/api_errors.h"
#include "activities/agent/backends/patience.h"
#include "tests/activities/agent/agent_step_test_support.h"

namespace wfe::agent {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

ModelError Busy(std::optional<Duration> delay = std::nullopt) {
  return {.kind = ModelErrorKind::kRetryable, .message = "HTTP 503", .retry_delay = delay, .error_class = "HTTP_503"};
}

TEST(Patience, OwnWaitsGrowToFiveMinutesAndNoFurther) {
  const Instant start = *ParseIso8601("2026-11-21T05:00:00.000Z");
  Duration before{};
  for (int failures = 1; failures <= 40; ++failures) {
    const NextTry low = DecideNextTry(Busy(), {.since = start, .failures = failures}, start, hours(24), 0);
    const NextTry high = DecideNextTry(Busy(), {.since = start, .failures = failures}, start, hours(24), 0.999);
    EXPECT_FALSE(low.give_up);
    EXPECT_GE(low.delay, before);
    EXPECT_LT(low.delay, high.delay) << "chance spreads the tries of many steps";
    EXPECT_LE(high.delay, minutes(5));
    before = low.delay;
  }
  EXPECT_GE(before, minutes(3));
}

TEST(Patience, ServersDelayIsKeptUnlessItSaysAtOnceAgainAndAgain) {
  const Instant start = *ParseIso8601("2026-11-21T05:00:00.000Z");
  const auto delay = [&](Duration asked, int failures) {
    return DecideNextTry(Busy(asked), {.since = start, .failures = failures}, start, hours(24), 0.5).delay;
  };
  EXPECT_EQ(delay(seconds(45), 1), Duration(seconds(45)));
  EXPECT_EQ(delay(minutes(20), 9), Duration(minutes(20)));
  EXPECT_EQ(delay(std::chrono::milliseconds(200), 3), Duration(std::chrono::milliseconds(200)));
  EXPECT_GT(delay(std::chrono::milliseconds(200), 12), minutes(3));
}

TEST(Patience, DaysQuotaWaitsForMidnightPacificAlsoWhenClocksChange) {
  const auto reset = [](const char* now) { return FormatIso8601Millis(NextQuotaReset(*ParseIso8601(now))); };
  EXPECT_EQ(reset("2026-11-21T05:00:00.000Z"), "2026-11-21T08:00:00.000Z");
  EXPECT_EQ(reset("2026-11-21T08:00:00.000Z"), "2026-11-22T08:00:00.000Z");
  EXPECT_EQ(reset("2026-07-01T06:59:59.000Z"), "2026-07-01T07:00:00.000Z");
  EXPECT_EQ(reset("2026-11-01T12:00:00.000Z"), "2026-11-02T08:00:00.000Z") << "the day of 25 hours";
  const Instant now = *ParseIso8601("2026-11-21T05:00:00.000Z");
  const NextTry next = DecideNextTry(DailyQuota(), {.since = now, .failures = 1}, now, hours(24), 0.5);
  EXPECT_FALSE(next.give_up);
  EXPECT_EQ(next.delay, Duration(hours(3)) + seconds(30));
  const NextTry beyond = DecideNextTry(DailyQuota(), {.since = now, .failures = 1}, now, hours(2), 0.5);
  EXPECT_TRUE(beyond.give_up);
  EXPECT_THAT(beyond.message, HasSubstr("unavailable for another 3 h, longer than the 2 h that the step waits"));
}

TEST(Patience, LastTryIsMadeWhenTimeIsOverAndNotLater) {
  const Instant start = *ParseIso8601("2026-11-21T05:00:00.000Z");
  const Unavailability down{.since = start, .failures = 30};
  const NextTry last = DecideNextTry(Busy(), down, start + hours(24) - seconds(10), hours(24), 0.9);
  EXPECT_FALSE(last.give_up);
  EXPECT_EQ(last.delay, Duration(seconds(10)));
  const NextTry over = DecideNextTry(Busy(), down, start + hours(24), hours(24), 0.9);
  EXPECT_TRUE(over.give_up);
  EXPECT_EQ(over.message, "the model was unavailable for 24 h: HTTP 503");
  EXPECT_TRUE(DecideNextTry(Busy(), {.since = start, .failures = 1}, start, Duration::zero(), 0).give_up);
}

/// Runs attempts as an engine does, on virtual time; the last one's result.
class OutageTest : public AgentTest {
 protected:
  sdk::ActivityResult<AgentReply> RunThroughOutage(const AgentRequest& request, int* attempts) {
    while (true) {
      sdk::ActivityResult<AgentReply> result = Run(request, ++*attempts);
      if (result.failure() == nullptr || result.failure()->non_retryable || *attempts >= 2000) return result;
      EXPECT_TRUE(result.failure()->next_retry_delay.has_value());
      clock_->Advance(*result.failure()->next_retry_delay);
    }
  }
};

TEST_F(OutageTest, AnHourOfOutageEndsInAStepThatIsDoneAndCountsEveryCall) {
  const Instant up = clock_->Now() + hours(1);
  class Outage final : public ModelBackend {
   public:
    Outage(std::shared_ptr<ManualClock> clock, Instant up) : clock_(std::move(clock)), up_(up) {}
    ModelOutcome Generate(const ModelCall& call, const CallControl&) override {
      ++calls;
      if (call.turn == 2 && clock_->Now() < up_) return Busy();
      return call.turn == 3 ? Answer({TextPart("done")}) : Answer({Write("f" + std::to_string(call.turn), "x")});
    }
    int calls = 0;

   private:
    std::shared_ptr<ManualClock> clock_;
    Instant up_;
  };
  const auto outage = std::make_shared<Outage>(clock_, up);
  config_.backends["gemini"] = outage;
  int attempts = 0;
  const auto result = RunThroughOutage(Request(), &attempts);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_GT(attempts, 12) << "every five minutes at least";
  EXPECT_LT(attempts, 40) << "and not every second";
  EXPECT_EQ(result.value().lost_calls, attempts - 1);
  EXPECT_EQ(outage->calls, attempts - 1 + 3);
  EXPECT_EQ(result.value().turns, 3);
}

TEST_F(OutageTest, OutageLongerThanPatienceEndsTheStepAndSaysHowLongItWas) {
  config_.backends["gemini"] = backend_ = std::make_shared<PreparedBackend>(std::vector<ModelOutcome>(2000, Busy()));
  backend_->by_call = true;
  AgentRequest request = Request();
  request.patience_s = 7200;
  int attempts = 0;
  const Instant began = clock_->Now();
  const auto result = RunThroughOutage(request, &attempts);
  ASSERT_NE(result.failure(), nullptr);
  EXPECT_EQ(result.failure()->type, "MODEL_UNAVAILABLE");
  EXPECT_TRUE(result.failure()->non_retryable);
  EXPECT_EQ(result.failure()->message, "the model was unavailable for 2 h: HTTP 503");
  EXPECT_EQ(clock_->Now() - began, Duration(hours(2)));
  EXPECT_EQ(result.failure()->details.get<AgentReply>().unavailable_since, "2026-11-21T05:00:00.000Z");
}

TEST_F(OutageTest, GoodAnswerBetweenTwoOutagesBeginsTheTimeAnew) {
  std::vector<ModelOutcome> calls(15, Busy());  // about half an hour
  calls.emplace_back(Answer({Write("a", "x")}));
  calls.insert(calls.end(), 15, Busy());
  calls.emplace_back(Answer({TextPart("done")}));
  config_.backends["gemini"] = backend_ = std::make_shared<PreparedBackend>(calls);
  backend_->by_call = true;
  AgentRequest request = Request();
  request.patience_s = 45 * 60;
  int attempts = 0;
  const Instant began = clock_->Now();
  const auto result = RunThroughOutage(request, &attempts);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_GT(clock_->Now() - began, Duration(minutes(45)));
  EXPECT_EQ(result.value().lost_calls, 30);
}

TEST_F(OutageTest, DaysQuotaIsWaitedForOnce) {
  config_.backends["gemini"] = backend_ = std::make_shared<PreparedBackend>(
      std::vector<ModelOutcome>{DailyQuota(), Answer({Write("a", "x")}), Answer({TextPart("done")})});
  backend_->by_call = true;
  int attempts = 0;
  ASSERT_TRUE(RunThroughOutage(Request(), &attempts).has_value());
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(FormatIso8601Millis(clock_->Now()), "2026-11-21T08:00:00.000Z");
}

TEST_F(AgentTest, BrokenMachineIsTriedFiveTimesInARowAndNotForDays) {
  config_.backends["gemini"] = std::make_shared<PreparedBackend>(std::vector<ModelOutcome>{});
  WriteAll(root_ / "blocked", "a file where the work root should be");
  config_.work_root = root_ / "blocked";
  sdk::ActivityRegistry registry;
  RegisterGeminiActivities(registry, config_);
  for (int attempt = 1; attempt <= 5; ++attempt) {
    TestContext context("1", attempt);
    const auto result = CallActivity(registry, kExecuteGeminiAgent, context, Request());
    ASSERT_NE(result.failure(), nullptr);
    EXPECT_EQ(result.failure()->type, "TOOL_IO");
    EXPECT_EQ(result.failure()->non_retryable, attempt == 5) << attempt;
  }
}

}  // namespace
}  // namespace wfe::agent
