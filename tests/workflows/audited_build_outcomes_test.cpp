// Every way in which an audited build ends, in virtual time, each with a trace that the validator accepts (RW-D27).
#include <gmock/gmock.h>

#include "tests/workflows/build_world.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using agent::AgentReply;
using testing::BuildEnd;
using testing::BuildWorld;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::FakeBuild;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class AuditedBuildOutcome : public ::testing::Test {
 protected:
  AuditedBuildOutcome() { world_.Start(); }
  FakeBuild& build() { return world_.build(); }

  void FailFirst(int verifications, const std::string& type = "JEST_FAILURE") {
    build().verdicts["initial_verification"] = FakeBuild::Failing(type, "the first log");
    for (int n = 1; n < verifications; ++n) {
      const std::string number = std::to_string(n);
      build().verdicts["fix_attempt_" + number] = FakeBuild::Failing(type, "log " + number);
    }
  }

  /// The model's service fails for so long, each failure after 2 s.
  void AgentUnavailableFor(const std::string& step, Duration outage) {
    const Instant over = world_.host().loop().Now() + outage;
    build().on_start = [this, step, over](const std::string& activity, const std::string& of) {
      if (activity != "executeGeminiAgent" || of != step) return;
      if (world_.host().loop().Now() < over) {
        auto failure = FakeBuild::Failure(agent::kModelUnavailableType, "HTTP 503 UNAVAILABLE", false);
        failure.details = {{"latency_ms", 2000}};
        build().agent[step] = {failure};
      } else {
        build().agent.erase(step);
      }
    };
  }

  BuildWorld world_;
  std::unique_ptr<demo::StrandLoop::Strand> cancel_;
};

TEST_F(AuditedBuildOutcome, AStepThatAToolDidIsInTheTraceWithWhatItSaved) {  // PD-6, LG-17
  AgentReply routed = FakeBuild::Reply("implement_v1");
  routed.prompt_token_count = routed.completion_token_count = 0;
  routed.token_count_source.clear();
  routed.cost_usd.reset();
  routed.model = "tool/isort";
  routed.tool_id = "isort";
  routed.pattern_signature = "lint:imports:python";
  routed.tokens_saved = 45'000;
  routed.cost_saved_usd = Money::Nanos(90'000'000);
  build().agent["implement_v1"] = {routed};
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_EQ(end.result.total_tokens, 1000) << "of the scaffold";
  EXPECT_THAT(world_.Steps(end), ElementsAre("workflow_started", "scaffold", "implement_v1", "tool_routed",
                                             "initial_verification:pass", "workflow_completed"));
  EXPECT_EQ(world_.Entry(end, "implement_v1")->ext["tool_id"], "isort");
  const auto& ext = world_.Entry(end, "tool_routed")->ext;
  EXPECT_EQ(ext["pattern_signature"], "lint:imports:python");
  EXPECT_EQ(ext["tokens_saved"], 45'000);
  EXPECT_EQ(ext["step"], "implement_v1");
}

TEST_F(AuditedBuildOutcome, AToolThatLiesCostsARepairByTheAgent) {  // PD-6, PD-7
  AgentReply routed = FakeBuild::Reply("implement_v1");
  routed.tool_id = "isort";
  routed.pattern_signature = "lint:imports:python";
  build().agent["implement_v1"] = {routed};
  FailFirst(1);
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_THAT(world_.Steps(end),
              ElementsAre("workflow_started", "scaffold", "implement_v1", "tool_routed", "initial_verification:fail",
                          "fix_attempt_1", "fix_attempt_1:pass", "workflow_completed"));
}

TEST_F(AuditedBuildOutcome, NewProjectIsLaidOutImplementedVerifiedAndPasses) {  // AB-2
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_EQ(end.result.message, "all checks passed at once");
  EXPECT_EQ(end.result.total_tokens, 2000);
  EXPECT_THAT(world_.Steps(end), ElementsAre("workflow_started", "scaffold", "implement_v1", "initial_verification:pass",
                                             "workflow_completed"));
  EXPECT_EQ(world_.Entry(end, "initial_verification")->ext["tests_total"], 3);
  EXPECT_EQ(world_.Entry(end, "implement_v1")->ext["instruction_template"], "instruction-implement@1");
  EXPECT_THAT(build().claims, IsEmpty());
}

TEST_F(AuditedBuildOutcome, ExistingProjectIsNotLaidOutAgain) {  // RW-D8
  build().mode = "change";
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_THAT(world_.Steps(end),
              ElementsAre("workflow_started", "implement_v1", "initial_verification:pass", "workflow_completed"));
  EXPECT_EQ(world_.Entry(end, "implement_v1")->ext["instruction_template"], "instruction-change@1");
}

TEST_F(AuditedBuildOutcome, ProjectThatIsAsItShouldBePassesAndSaysThatNothingWasChanged) {  // RW-D8
  build().mode = "change";
  AgentReply nothing = FakeBuild::Reply("implement_v1");
  nothing.files_touched.clear();
  nothing.no_change = true;
  build().agent["implement_v1"] = {nothing};
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_EQ(end.result.message, "all checks passed, and the agent changed nothing");
  EXPECT_EQ(world_.Entry(end, "implement_v1")->ext["no_change"], true);
}

TEST_F(AuditedBuildOutcome, FailingChecksAreRepairedFromTheirLog) {  // AB-2, AB-4
  FailFirst(2);
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_EQ(end.result.message, "all checks passed after 2 fix attempts");
  EXPECT_THAT(build().prompts.at(2), HasSubstr("error_log: the first log"));
  EXPECT_THAT(build().prompts.at(3), HasSubstr("error_log: log 1"));
  EXPECT_THAT(world_.Steps(end), ElementsAre("workflow_started", "scaffold", "implement_v1", "initial_verification:fail",
                                             "fix_attempt_1", "fix_attempt_1:fail", "fix_attempt_2",
                                             "fix_attempt_2:pass", "workflow_completed"));
}

TEST_F(AuditedBuildOutcome, ChecksThatGoOnFailingEndAsNotPassed) {  // AB-3
  FailFirst(9);
  AuditedBuildInput input;
  input.max_fix_attempts = 1;
  const BuildEnd end = world_.Run(input);
  EXPECT_EQ(end.result.status, "not_passed");
  EXPECT_EQ(end.result.message, "the checks still fail after 1 fix attempt");
  EXPECT_EQ(end.result.last_error_type, "JEST_FAILURE");
  EXPECT_EQ(world_.Steps(end).back(), "workflow_completed");
}

TEST_F(AuditedBuildOutcome, SameErrorTwiceEndsTheBuildWhenAskedTo) {  // AB-9
  build().verdicts["initial_verification"] = FakeBuild::Failing("TSC_ERROR", "the same");
  build().verdicts["fix_attempt_1"] = FakeBuild::Failing("TSC_ERROR", "the same");
  AuditedBuildInput input;
  input.stop_on_repeated_failure = true;
  const BuildEnd end = world_.Run(input);
  EXPECT_EQ(end.result.status, "not_passed");
  EXPECT_EQ(end.result.fix_attempts, 1);
}

TEST_F(AuditedBuildOutcome, BudgetOfNothingBuysNothing) {  // AB-1, RW-D24
  for (const bool tokens : {true, false}) {
    AuditedBuildInput input;
    if (tokens) input.token_budget = 0;
    if (!tokens) input.cost_budget_usd = Money();
    const std::string id = tokens ? "tokens" : "money";
    world_.Submit(input, id);
    const BuildEnd end = world_.Await(id);
    EXPECT_EQ(end.result.status, "budget_exhausted") << id;
    EXPECT_EQ(build().agent_calls, 0) << id;
    EXPECT_THAT(world_.Steps(end), ElementsAre("workflow_started", "budget_blocked", "workflow_completed")) << id;
  }
}

TEST_F(AuditedBuildOutcome, BudgetEndsTheBuildBeforeTheNextStep) {  // AB-1
  FailFirst(9);
  AuditedBuildInput input;
  input.token_budget = 2500;
  input.max_fix_attempts = 9;
  const BuildEnd end = world_.Run(input);
  EXPECT_EQ(end.result.status, "budget_exhausted");
  EXPECT_EQ(end.result.total_tokens, 3000);
  EXPECT_EQ(build().agent_calls, 3);
}

TEST_F(AuditedBuildOutcome, BudgetThatEndsInsideAStepKeepsWhatTheStepDid) {  // RW-D24
  AgentReply cut = FakeBuild::Reply("implement_v1");
  cut.budget_exhausted = true;
  build().agent["implement_v1"] = {cut};
  AuditedBuildInput input;
  input.cost_budget_usd = Money::Usd(5);
  const BuildEnd end = world_.Run(input);
  EXPECT_EQ(end.result.status, "budget_exhausted");
  EXPECT_THAT(end.result.files, Contains("src/implement_v1.ts"));
  EXPECT_EQ(build().checks_run, 0);
}

TEST_F(AuditedBuildOutcome, ABudgetOfTheServerThatBlocksEndsTheBuildAsBudgetExhausted) {  // QF-2, LG-17
  auto failure = FakeBuild::Failure(agent::kBudgetExceededType, "the budget \"daily\" is used up: 50.00 of 50.00 USD");
  AgentReply spent = FakeBuild::Reply("implement_v1");
  spent.error = failure.message;
  failure.details = spent;
  build().agent["implement_v1"] = {failure};
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.status, "budget_exhausted");
  EXPECT_THAT(end.result.message, HasSubstr("implement_v1: the budget \"daily\" is used up"));
  EXPECT_EQ(end.result.total_tokens, 2000) << "what the step had used before";
  EXPECT_EQ(end.result.cost_usd, Money::Nanos(20'000'000));
  EXPECT_THAT(world_.Steps(end), Contains("budget_blocked"));
  EXPECT_THAT(build().claims, IsEmpty());
}

TEST_F(AuditedBuildOutcome, ABudgetThatDefersIsWaitedForOnADurableTimerAlsoForAMonth) {  // QF-2
  for (const Duration wait : {Duration(20h), Duration(24h * 12)}) {
    auto failure = FakeBuild::Failure(agent::kBudgetDeferredType, "the budget \"monthly\" is used up", false);
    AgentReply deferred;
    const std::string id = "waits-" + std::to_string(wait / 1h);
    deferred.resumes_at = FormatIso8601Millis(world_.host().loop().Now() + wait);
    failure.details = deferred;
    failure.next_retry_delay = wait;
    build().agent["scaffold"] = {failure, FakeBuild::Reply("scaffold")};
    world_.Submit({}, id);
    ASSERT_TRUE(world_.RunUntil([&] { return build().agent_calls == 1; }, id));
    world_.host().loop().Advance(1min);
    world_.Restart();
    const BuildEnd end = world_.Await(id, 24h * 20);
    EXPECT_EQ(end.result.status, "passed") << id << ": " << end.failure << end.result.message;
    EXPECT_GE(end.taken, wait - 1min);
    EXPECT_LT(end.taken, wait + 1h);
    build().agent_calls = 0;
  }
}

TEST_F(AuditedBuildOutcome, AgentsOwnFailureEndsTheBuildWithItsWords) {  // AB-3
  auto failure = FakeBuild::Failure(agent::kAgentErrorType, "the model stopped with SAFETY");
  AgentReply spent = FakeBuild::Reply("implement_v1");
  spent.error = failure.message;
  failure.details = spent;
  build().agent["implement_v1"] = {failure};
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.status, "agent_error");
  EXPECT_EQ(end.result.message, "implement_v1: the model stopped with SAFETY");
  EXPECT_EQ(end.result.total_tokens, 2000);
  EXPECT_THAT(world_.Steps(end), Contains("implement_v1:fail"));
}

TEST_F(AuditedBuildOutcome, AgentThatFailedBeforeItsFirstAnswerLeavesASoundTrace) {  // RW-D10, TR-8
  build().agent["scaffold"] = {FakeBuild::Failure(agent::kAgentErrorType, "API key not valid")};
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.status, "agent_error");
  EXPECT_THAT(world_.Steps(end), ElementsAre("workflow_started", "scaffold:fail", "workflow_completed"));
}

TEST_F(AuditedBuildOutcome, OutageOfAnHourIsWaitedFor) {  // RW-D4, AB-6
  AgentUnavailableFor("implement_v1", 1h);
  world_.Submit({});
  // In the middle of it, a description says what is waited for.
  const Instant half = world_.host().loop().Now() + 30min;
  ASSERT_TRUE(world_.RunUntil([&] { return world_.host().loop().Now() > half; }));
  const auto [attempt, reason] = world_.Pending();
  EXPECT_GT(attempt, 5);
  EXPECT_THAT(reason, HasSubstr("503"));
  const BuildEnd end = world_.Await();
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_GT(end.taken, 1h);
  EXPECT_LT(end.taken, 1h + 15min);
  EXPECT_THAT(world_.Steps(end), ElementsAre("workflow_started", "scaffold", "implement_v1", "initial_verification:pass",
                                             "workflow_completed"));
}

TEST_F(AuditedBuildOutcome, UsedUpDayIsWaitedForUntilItsReset) {  // RW-D4
  auto failure = FakeBuild::Failure(agent::kModelUnavailableType, "the day's quota is used up", false);
  failure.next_retry_delay = 20h;
  build().agent["scaffold"] = {failure, FakeBuild::Reply("scaffold")};
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_GT(end.taken, 20h);
}

TEST_F(AuditedBuildOutcome, PatienceThatIsOverEndsTheBuildAsAnAgentError) {  // RW-D4, AB-6
  build().agent["scaffold"] = {
      FakeBuild::Failure(agent::kModelUnavailableType, "the model was unavailable for 24 h: HTTP 503")};
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.status, "agent_error");
  EXPECT_THAT(end.result.message, HasSubstr("unavailable for 24 h"));
  EXPECT_THAT(build().claims, IsEmpty());
}

TEST_F(AuditedBuildOutcome, AbortStopsTheAgentThenGivesTheDirectoryBack) {  // AB-7, AB-8, RW-D11, RW-D22
  AgentReply slow = FakeBuild::Reply("implement_v1");
  slow.latency_ms = 3'600'000;
  build().agent["implement_v1"] = {slow};
  world_.Submit({});
  ASSERT_TRUE(world_.RunUntil([&] { return build().agent_calls == 2; }));
  world_.host().loop().Advance(1min);
  EXPECT_THAT(build().claims, SizeIs(1));
  const Instant asked = world_.host().loop().Now();
  world_.Signal("abort", {{"reason", "wrong task"}, {"author", "ada"}});
  const BuildEnd end = world_.Await();
  EXPECT_EQ(end.result.status, "aborted");
  EXPECT_EQ(end.result.message, "aborted: wrong task");
  EXPECT_LT(world_.host().loop().Now() - asked, 20s);
  EXPECT_THAT(build().claims, IsEmpty());
  EXPECT_THAT(world_.Steps(end), ElementsAre("workflow_started", "scaffold", "abort_requested", "workflow_completed"));
  EXPECT_EQ(world_.Entry(end, "abort_requested")->ext["author"], "ada");
}

TEST_F(AuditedBuildOutcome, CancelStopsTheChecksAndLeavesAWholeTrace) {  // AB-7, EN-8
  world_.Submit({});
  ASSERT_TRUE(world_.RunUntil([&] { return build().checks_run == 1; }));
  world_.host().loop().Advance(5s);
  world_.Cancel();
  const BuildEnd end = world_.Await();
  EXPECT_EQ(end.status, "canceled");
  EXPECT_THAT(build().claims, IsEmpty());
  EXPECT_THAT(world_.Steps(end), ElementsAre("workflow_started", "scaffold", "implement_v1", "workflow_cancelled"));
}

TEST_F(AuditedBuildOutcome, StepThatEndsAsTheBuildIsCancelledIsInTheTrace) {  // AB-7, TR-9
  AgentReply quick = FakeBuild::Reply("implement_v1");
  quick.latency_ms = 4'000;  // less than a heartbeat: it never hears of the cancel
  build().agent["implement_v1"] = {quick};
  world_.Submit({});
  ASSERT_TRUE(world_.RunUntil([&] { return build().agent_calls == 2; }));
  world_.host().loop().Advance(1s);
  world_.Cancel();
  const BuildEnd end = world_.Await();
  EXPECT_EQ(end.status, "canceled");
  EXPECT_THAT(world_.Steps(end), ElementsAre("workflow_started", "scaffold", "implement_v1", "workflow_cancelled"));
}

TEST_F(AuditedBuildOutcome, CancelBeforeAnythingWasClaimedLeavesNoTrace) {  // AB-7
  build().on_start = [this](const std::string& activity, const std::string&) {
    if (activity == "openWorkspace") world_.host().loop().After(0s, *cancel_, [this] { world_.Cancel(); });
  };
  cancel_ = std::make_unique<demo::StrandLoop::Strand>(world_.host().loop());
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.status, "canceled");
  EXPECT_THAT(build().claims, IsEmpty());
}

TEST_F(AuditedBuildOutcome, GuidanceGoesIntoTheNextFixPromptOnceAndIntoTheTrace) {  // AB-8, RW-D22, RW-D23
  FailFirst(2);
  world_.Submit({});
  ASSERT_TRUE(world_.RunUntil([&] { return build().agent_calls == 1; }));
  world_.Signal("add_guidance", {{"text", "Use a set."}, {"author", "ada"}});
  const BuildEnd end = world_.Await();
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_THAT(build().prompts.at(2), HasSubstr("Use a set."));
  EXPECT_THAT(build().prompts.at(3), Not(HasSubstr("Use a set.")));
  EXPECT_EQ(world_.Entry(end, "guidance_added")->ext["text"], "Use a set.");
  EXPECT_EQ(world_.Entry(end, "guidance_added")->ext["author"], "ada");
}

TEST_F(AuditedBuildOutcome, GuidanceUnderAKeyThatNobodyReadsIsRefusedInTheTrace) {  // AB-8, RW-D22
  FailFirst(1);
  world_.Submit({});
  ASSERT_TRUE(world_.RunUntil([&] { return build().agent_calls == 1; }));
  world_.Signal("add_guidance", {{"hint", "Use a set."}});
  const BuildEnd end = world_.Await();
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_THAT(world_.Steps(end), Not(::testing::Contains("guidance_added")));
  EXPECT_THAT(world_.Entry(end, "guidance_refused")->ext["reason"].get<std::string>(),
              HasSubstr("the key \"hint\" is not known"));
  for (const std::string& prompt : build().prompts) EXPECT_THAT(prompt, Not(HasSubstr("Use a set.")));
}

TEST_F(AuditedBuildOutcome, EntriesOfATraceAreInTheOrderOfTheirTimes) {  // LG-1, RW-D22
  AgentReply slow = FakeBuild::Reply("implement_v1");
  slow.latency_ms = 3'600'000;
  build().agent["implement_v1"] = {slow};
  world_.Submit({});
  ASSERT_TRUE(world_.RunUntil([&] { return build().agent_calls == 2; }));
  world_.host().loop().Advance(1min);
  world_.Signal("add_guidance", "Use a set.");
  world_.host().loop().Advance(1min);
  world_.Signal("abort", {{"reason", "wrong task"}});
  const BuildEnd end = world_.Await();
  const auto& entries = build().traces.begin()->second.entries;
  for (size_t i = 1; i < entries.size(); ++i) {
    EXPECT_LE(entries[i - 1].timestamp, entries[i].timestamp) << entries[i].step_name;
  }
  EXPECT_LT(world_.Entry(end, "guidance_added")->timestamp, world_.Entry(end, "abort_requested")->timestamp)
      << "each has the time at which it came";
}

TEST_F(AuditedBuildOutcome, PassInWhichNothingChangedIsToldApart) {  // RW-D8
  build().mode = "change";
  AgentReply lazy = FakeBuild::Reply("implement_v1");
  lazy.files_touched.clear();
  lazy.no_change = true;
  lazy.text = "I did all of it";
  build().agent["implement_v1"] = {lazy};
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_TRUE(end.result.nothing_changed);
  EXPECT_EQ(world_.Entry(end, "workflow_completed")->ext["nothing_changed"], true);
  EXPECT_EQ(world_.Entry(end, "implement_v1")->ext["agent_text"], "I did all of it");
}

TEST_F(AuditedBuildOutcome, FilesOfTheAgentThatGitIgnoresAreSaidWithTheVerdict) {  // RW-D3
  build().workspace = "branch";
  build().ignored = {"out.log"};
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.ignored_files, std::vector<std::string>{"out.log"});
  EXPECT_THAT(end.result.message, HasSubstr("which are not part of the result: out.log"));
  EXPECT_EQ(world_.Entry(end, "workflow_completed")->ext["ignored_files"][0], "out.log");
}

TEST_F(AuditedBuildOutcome, PreflightThatRefusesFailsTheRunAndLeavesNoMark) {  // AB-1
  build().failures.emplace("preflightBuild", FakeBuild::Failure("PROFILE", "there is no profile typo"));
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.status, "failed");
  EXPECT_EQ(end.failure_type, "PROFILE");
  EXPECT_EQ(end.failure, "preflightBuild: there is no profile typo");
  EXPECT_EQ(build().agent_calls, 0);
  EXPECT_THAT(build().traces, IsEmpty());
}

TEST_F(AuditedBuildOutcome, WhatIsMissingIsSaidBeforeMoneyIsSpent) {  // RW-D6, AB-1
  const std::vector<std::pair<std::string, std::string>> missing = {{"checkAgent", "MISSING_KEY"},
                                                                    {"installDependencies", "DEPENDENCIES"},
                                                                    {"probeChecks", "MISSING_TOOL"}};
  for (const auto& [activity, type] : missing) {
    build().failures.clear();
    build().failures.emplace(activity, FakeBuild::Failure(type, "it is missing"));
    world_.Submit({}, activity);
    const BuildEnd end = world_.Await(activity);
    EXPECT_EQ(end.status, "failed") << activity;
    EXPECT_EQ(end.failure_type, type);
    EXPECT_EQ(build().agent_calls, 0) << activity;
    EXPECT_THAT(build().claims, IsEmpty()) << activity;
  }
}

TEST_F(AuditedBuildOutcome, ExaminationThatCannotTakePlaceIsNeverTheAgentsFault) {  // RW-D6
  auto& verdict = build().verdicts["initial_verification"];
  verdict = FakeBuild::Failing("MISSING_TOOL", "vitest is missing");
  verdict.fault_type = "MISSING_TOOL";
  verdict.fault = "the check vitest has no program node_modules/.bin/vitest";
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.status, "failed");
  EXPECT_EQ(end.failure_type, "MISSING_TOOL");
  EXPECT_EQ(end.failure, "the check vitest has no program node_modules/.bin/vitest");
  EXPECT_EQ(build().agent_calls, 2);
  EXPECT_THAT(build().claims, IsEmpty());
  EXPECT_THAT(world_.Steps(end), ElementsAre("workflow_started", "scaffold", "implement_v1", "initial_verification:fail",
                                             "workflow_failed"));
}

TEST_F(AuditedBuildOutcome, StepsBecomeCommitsWithTheirVerdicts) {  // RW-D3
  build().workspace = "branch";
  FailFirst(1);
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_EQ(end.result.branch, "wfe/build");
  EXPECT_EQ(end.result.commit, "commit-3");
  EXPECT_THAT(build().commits, ElementsAre("scaffold ", "implement_v1 JEST_FAILURE", "fix_attempt_1 pass"));
}

TEST_F(AuditedBuildOutcome, RepositoryThatTakesNoCommitsDoesNotEndTheBuild) {  // RW-D3
  build().workspace = "branch";
  build().failures.emplace("recordStep", FakeBuild::Failure("WORKSPACE", "the repository is read-only"));
  const BuildEnd end = world_.Run({});
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_EQ(world_.Entry(end, "workflow_completed")->ext["commit_problem"], "the repository is read-only");
}

TEST_F(AuditedBuildOutcome, ResumedBuildGoesOnWhereTheOtherEnded) {  // RW-D4
  FailFirst(1);
  AuditedBuildInput input;
  input.max_fix_attempts = 3;
  input.resume = ResumePoint{.workflow_id = "first",
                             .run_id = "r1",
                             .step = "fix_attempt_2",
                             .snapshot_blob_hash = "tree-after-fix_attempt_1",
                             .fix_attempts = 1,
                             .total_tokens = 5000,
                             .cost_usd = Money::Nanos(500'000'000),
                             .base_snapshot_blob_hash = "tree-before-it-all",
                             .baseline = {{"tests", "of the first tree"}},
                             .protected_hashes = {}};
  const BuildEnd end = world_.Run(input);
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_EQ(end.result.fix_attempts, 2);
  EXPECT_EQ(end.result.total_tokens, 6000);
  EXPECT_EQ(end.result.base_snapshot_blob_hash, "tree-before-it-all");
  // What the agent wrote before is not the examiner's.
  EXPECT_EQ(build().baselines.back(), nlohmann::json({{"tests", "of the first tree"}}));
  EXPECT_EQ(build().restored[end.result.working_dir], "tree-after-fix_attempt_1");
  EXPECT_THAT(build().taken_over, ElementsAre("r1", "r1")) << "a terminated run could not give its directory back";
  EXPECT_THAT(world_.Steps(end), ElementsAre("workflow_started", "build_resumed", "initial_verification:fail",
                                             "fix_attempt_2", "fix_attempt_2:pass", "workflow_completed"));
}

TEST_F(AuditedBuildOutcome, ResumedBuildRepeatsTheStepThatNeverEnded) {  // RW-D4
  AuditedBuildInput input;
  input.resume = ResumePoint{.workflow_id = "first", .run_id = "r1", .step = "implement_v1"};
  const BuildEnd end = world_.Run(input);
  EXPECT_THAT(world_.Steps(end), ElementsAre("workflow_started", "build_resumed", "implement_v1",
                                             "initial_verification:pass", "workflow_completed"));
}

TEST_F(AuditedBuildOutcome, InputThatMakesNoSenseFailsTheRunWithASentence) {  // SEC-M10
  AuditedBuildInput input;
  input.mode = "destroy";
  const BuildEnd end = world_.Run(input);
  EXPECT_EQ(end.status, "failed");
  EXPECT_EQ(end.failure_type, "INVALID_INPUT");
  EXPECT_THAT(end.failure, HasSubstr("input.mode must be auto, create or change, not \"destroy\""));
}

TEST_F(AuditedBuildOutcome, BuildBesideALongOneIsNotDelayed) {  // RW-D1
  AgentReply slow = FakeBuild::Reply("scaffold");
  slow.latency_ms = 3'600'000;
  build().agent["scaffold"] = {slow, FakeBuild::Reply("scaffold")};
  world_.Submit({}, "long");
  ASSERT_TRUE(world_.RunUntil([&] { return build().agent_calls == 1; }, "long"));
  world_.Submit({}, "short");
  const BuildEnd end = world_.Await("short");
  EXPECT_EQ(end.result.status, "passed");
  EXPECT_LT(end.taken, 3min);
  EXPECT_EQ(world_.Query("status", "long")["step"], "scaffold");
}

}  // namespace
}  // namespace wfe::workflows
