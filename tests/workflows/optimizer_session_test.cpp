// WorkflowOptimizerSession in virtual time: engine, worker, workflows and activities are the real ones; traffic comes all
// the time, and server and worker are killed around the boundaries of its steps.
#include "workflows/optimizer/session_workflow.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <set>

#include "tests/simulation/random.h"
#include "tools/demo/optimizer_world.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using optimizer::SessionState;
using optimizer::StoredSession;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr const char* kName = "report";
constexpr const char* kSession = "s1";

/// Two steps that do not need each other, and what both need.
json Report(int64_t check_ms = 4'000) {
  const auto step = [](const char* id, int64_t ms, const json& reads) {
    return json{{"id", id},
                {"activity", "simulateStep"},
                {"parameters", {{"duration_ms", ms}, {"spread", 0.1}, {"values", {id}}}},
                {"reads", reads},
                {"writes", {id}},
                {"outputs", {{id, "/value"}}}};
  };
  return {{"id", kName},
          {"start", "plan"},
          {"inputs", {"task"}},
          {"outputs", {"write", "check"}},
          {"nodes", {step("plan", 1'000, {"task"}), step("write", 5'000, {"plan"}), step("check", check_ms, {"plan"})}},
          {"edges", {{{"source", "plan"}, {"target", "write"}}, {{"source", "write"}, {"target", "check"}}}}};
}

class OptimizerSession : public ::testing::Test {
 protected:
  void Begin(uint64_t seed, const json& options = json::object(), const json& graph = Report()) {
    world_ = std::make_unique<demo::OptimizerWorld>(seed, *ParseIso8601("2026-03-02T08:00:00.000Z"));
    Must(world_->Boot());
    ASSERT_TRUE(world_->AddVersion(kName, graph, "as it is").has_value());
    world_->state = [](int64_t run) { return json{{"task", run}}; };
    Must(world_->Live(kName, 10min, 120));
    json all = {{"executions", 15},
                {"trials", 2},
                {"rollout", {{"min_samples", 5}, {"stages", {{{"percent", 20}, {"duration_s", 1200}}, {{"percent", 100}, {"duration_s", 600}}}}}},
                {"experiment", {{"share", 0.5}, {"min_samples", 20}, {"check_every_s", 300}}}};
    all.update(options);
    Must(world_->Start(kOptimizerSession, SessionWorkflowId(kName),
                       {{"session_id", kSession}, {"workflow_id", kName}, {"options", all}, {"author", "ada"}, {"reason", "slow"}}));
  }
  static void Must(const Status& status) { ASSERT_TRUE(status.has_value()) << status.error().ToString(); }
  StoredSession Session() { return world_->Session(kSession); }
  void LiveUntil(std::string_view phase, Duration patience = 12h) {
    const Instant until = world_->Now() + patience;
    while (world_->Now() < until && Session().state.phase != phase && !Session().state.ended()) {
      Must(world_->Live(kName, 5min, 120));
    }
    ASSERT_EQ(Session().state.phase, phase) << Session().state.outcome << ": " << Session().state.why;
  }
  std::string Id(std::string_view strategy) {
    for (const auto& candidate : Session().state.candidates) {
      if (candidate.suggestion.strategy_type == strategy) return candidate.suggestion.suggestion_id;
    }
    return "";
  }
  /// What became of it; empty: it was taken.
  std::string Decide(const std::string& action, const std::vector<std::string>& ids, const std::string& request) {
    Must(world_->Signal(SessionWorkflowId(kName), kSessionDecisionSignal,
                        SessionDecision{.request_id = request,
                                        .action = action,
                                        .suggestions = ids,
                                        .author = "ada",
                                        .reason = "because",
                                        .rating = std::nullopt}));
    Must(world_->Live(kName, 1min, 0));
    const auto answer = world_->Query(SessionWorkflowId(kName), kSessionStatusQuery);
    if (!answer) return answer.error().ToString();
    for (const SessionAnswer& each : answer->get<SessionProgress>().answers) {
      if (each.request_id == request) return each.refused;
    }
    return "no answer";
  }
  std::vector<std::string> Kinds() {
    std::vector<std::string> kinds;
    for (const auto& event : Session().events) kinds.push_back(event.kind);
    return kinds;
  }
  /// Every step once, in order, each with a reason; the traffic never above its stage.
  void ExpectSound() {
    const StoredSession session = Session();
    std::set<std::string> once;
    for (const auto& event : session.events) {
      EXPECT_NE(event.reason, "") << event.kind;
      if (event.kind == optimizer::kValidated) continue;
      EXPECT_TRUE(once.insert(event.kind).second) << event.kind << " twice";
    }
    EXPECT_EQ(world_->workflow_tasks_failed(), 0U);
    if (session.state.rollout_id.empty()) return;
    const auto rollout = delivery::RolloutLog(world_->records()).Get(session.state.rollout_id);
    ASSERT_TRUE(rollout.has_value());
    int entered = 0;
    for (const auto& event : rollout->events) {
      if (event.kind != delivery::kStageEntered) continue;
      EXPECT_EQ(event.stage, ++entered);
      EXPECT_DOUBLE_EQ(event.share, rollout->header.plan.stages.at(static_cast<size_t>(entered) - 1).percent / 100);
    }
  }

  std::unique_ptr<demo::OptimizerWorld> world_;
};

TEST_F(OptimizerSession, GoesFromAProfileToAVersionInService) {  // WO-1, VA-5
  Begin(1);
  LiveUntil("waiting");
  const SessionState waiting = Session().state;
  ASSERT_TRUE(waiting.profile);
  EXPECT_EQ(waiting.profile->executions, 15);
  const std::string id = Id(optimizer::kParallelization);
  ASSERT_NE(id, "");
  const auto& candidate = *std::ranges::find_if(
      waiting.candidates, [&](const auto& each) { return each.suggestion.suggestion_id == id; });
  ASSERT_TRUE(candidate.validation) << candidate.why_not_tried;
  EXPECT_TRUE(candidate.validation->is_valid);
  EXPECT_NEAR(candidate.validation->speedup, 10.0 / 6, 0.15) << "as the estimate says";
  EXPECT_NEAR(candidate.suggestion.estimated_improvement.speedup, 10.0 / 6, 0.15);
  EXPECT_EQ(Decide("approve", {id}, "1"), "");
  LiveUntil("ended");
  const SessionState ended = Session().state;
  EXPECT_EQ(ended.outcome, optimizer::kOutcomeDeployed) << ended.why;
  EXPECT_EQ(ended.new_version_id, "report_v1");
  EXPECT_EQ(world_->Versions(kName).in_service, 1);
  ExpectSound();
}

TEST_F(OptimizerSession, ThroughKillsDoesEachStepOnce) {  // WO-1, RO-1
  const char* const text = std::getenv("WFE_SEEDS");  // so many; `ctest -R optimizer_session_long` takes 60
  const uint64_t seeds = text == nullptr ? 2 : std::strtoull(text, nullptr, 10);
  uint64_t deployed = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(seed);
    simulation::Random random(seed);
    const bool tested = random.Chance(0.5);
    Begin(seed, {{"deploy", tested ? "ab_test" : "gradual_rollout"}});
    bool decided = false;
    for (int i = 0; i < 300 && !Session().state.ended(); ++i) {
      Must(world_->Live(kName, std::chrono::seconds(30 + random.Below(600)), 120));
      if (Session().state.phase == "waiting" && !decided) {
        decided = true;
        Must(world_->Signal(SessionWorkflowId(kName), kSessionDecisionSignal,
                            SessionDecision{.request_id = "1",
                                            .action = "approve",
                                            .suggestions = {Id(optimizer::kParallelization)},
                                            .author = "ada",
                                            .reason = "because",
                                            .rating = 3}));
      }
      Must(random.Chance(0.5) ? world_->KillServer() : world_->KillWorker());
    }
    // A kill costs a run many times its own length, so an experiment now and then shows no difference.
    const std::string outcome = Session().state.outcome;
    if (!tested || outcome != optimizer::kOutcomeNotBetter) {
      EXPECT_EQ(outcome, optimizer::kOutcomeDeployed) << Session().state.why;
    }
    if (outcome == optimizer::kOutcomeDeployed) ++deployed;
    ExpectSound();
  }
  EXPECT_GE(10 * deployed, 8 * seeds);
}

TEST_F(OptimizerSession, TakesOnlyDecisionsAboutWhatWaits) {  // WO-4
  Begin(2);
  LiveUntil("waiting");
  EXPECT_THAT(Decide("approve", {"nothing"}, "1"), HasSubstr("is no suggestion that waits for a decision"));
  std::vector<std::string> all;
  for (const auto& candidate : Session().state.candidates) {
    ASSERT_TRUE(candidate.validation) << candidate.why_not_tried;
    EXPECT_NE(candidate.validation->recommendation, delivery::kReject) << candidate.validation->reason;
    all.push_back(candidate.suggestion.suggestion_id);
  }
  EXPECT_EQ(Decide("reject", all, "2"), "");
  LiveUntil("ended");
  EXPECT_EQ(Session().state.outcome, optimizer::kOutcomeRejected);
  EXPECT_EQ(world_->Versions(kName).versions.size(), 1U) << "nothing was made";
}

TEST_F(OptimizerSession, WaitsAsLongAsItMayAndSaysThatNobodyDecided) {  // WO-1
  Begin(3, {{"approval_hours", 2}});
  LiveUntil("waiting");
  Must(world_->Live(kName, 3h, 0));
  EXPECT_EQ(Session().state.outcome, optimizer::kOutcomeNotDecided);
}

TEST_F(OptimizerSession, AppliesByItselfOnlyWhatNeedsNoMoreThanADryRun) {  // WO-2
  Begin(4, {{"auto_apply", true}, {"deploy", "immediate"}});
  LiveUntil("waiting");  // parallelization is of medium risk
  EXPECT_THAT(Kinds(), ::testing::Not(Contains(optimizer::kApproved)));
}

TEST_F(OptimizerSession, OfAWorkflowWithoutExecutionsSaysWhyItCannot) {
  world_ = std::make_unique<demo::OptimizerWorld>(5, *ParseIso8601("2026-03-02T08:00:00.000Z"));
  Must(world_->Boot());
  Must(world_->Start(kOptimizerSession, "none", {{"workflow_id", "nothing"}, {"author", "ada"}, {"reason", "r"}}));
  Must(world_->Live(kName, 1min, 0));
  EXPECT_THAT(world_->Outcome("none").error().message, HasSubstr("there are no versions of a workflow \"nothing\""));
  ASSERT_TRUE(world_->AddVersion(kName, Report(), "as it is").has_value());
  Must(world_->Start(kOptimizerSession, "new",
                     {{"session_id", kSession}, {"workflow_id", kName}, {"author", "ada"}, {"reason", "r"}}));
  Must(world_->Live(kName, 1min, 0));
  EXPECT_EQ(Session().state.outcome, optimizer::kOutcomeCannot);
  EXPECT_THAT(Session().state.why, HasSubstr("report_v0 has no executions yet"));
}

}  // namespace
}  // namespace wfe::workflows
