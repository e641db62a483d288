// An ended build is taken up where it stopped, from its history alone.  (AB-6)
#include "tools/wfe/build_resume.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "tools/wfe/build_record.h"
#include "tools/wfe/build_start.h"
#include "tools/wfe/build_summary.h"

namespace wfe::cli {
namespace {

namespace enums = temporal::api::enums::v1;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

/// A history of a build, written as its workflow would.
class Story {
 public:
  explicit Story(json input) {
    auto& event = Event(enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED);
    auto& started = *event.mutable_workflow_execution_started_event_attributes();
    started.mutable_workflow_type()->set_name("AuditedBuildWorkflow");
    *started.mutable_input()->add_payloads() = ToPayload(input);
  }
  Story& Activity(const std::string& type, const json& input, const json& result) {
    auto& event = Event(enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED);
    auto& scheduled = *event.mutable_activity_task_scheduled_event_attributes();
    const int64_t id = event.event_id();
    scheduled.mutable_activity_type()->set_name(type);
    *scheduled.mutable_input()->add_payloads() = ToPayload(input);
    auto& completed =
        *Event(enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED).mutable_activity_task_completed_event_attributes();
    completed.set_scheduled_event_id(id);
    *completed.mutable_result()->add_payloads() = ToPayload(result);
    return *this;
  }
  Story& Opened() {
    Activity("openWorkspace", {{"project_dir", "/p"}},
             {{"working_dir", "/root/builds/run-1"},
              {"project_dir", "/p"},
              {"kind", "branch"},
              {"base_commit", "base"},
              {"branch", "wfe/b"},
              {"base_snapshot_blob_hash", "s0"},
              {"note", "1 uncommitted file is not part of the build"}});
    return Activity("preflightBuild", {}, {{"profile", "cpp"}, {"mode", "change"}, {"template_id", "cpp-project"}});
  }
  Story& Agent(const std::string& step, const std::string& snapshot, int tokens = 100) {
    json entry = {{"step_name", step},
                  {"validation_status", snapshot.empty() ? "fail" : "N/A"},
                  {"total_token_cost", tokens},
                  {"files_touched", {"a.cpp"}},
                  {"ext", {{"kind", "agent"}, {"entry_id", "e" + std::to_string(++entries_)}, {"cost_usd", 0.01}}}};
    if (!snapshot.empty()) entry["ext"]["snapshot_blob_hash"] = snapshot;
    if (snapshot.empty()) entry["ext"]["agent_error"] = "the day's quota is used up";
    return Activity("logAuditEntry", {{"entry", entry}}, nullptr);
  }
  Story& Checks(const std::string& step, bool pass) {
    json entry = {{"step_name", step},
                  {"validation_status", pass ? "pass" : "fail"},
                  {"ext", {{"kind", "verification"}, {"entry_id", "e" + std::to_string(++entries_)}}}};
    if (!pass) entry["validation_error_type"] = "TEST_FAILURE";
    return Activity("logAuditEntry", {{"entry", entry}}, nullptr);
  }
  BuildRecord Ended(const std::string& status) {
    auto& done =
        *Event(enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED).mutable_workflow_execution_completed_event_attributes();
    *done.mutable_result()->add_payloads() = ToPayload({{"status", status}, {"message", "because"}});
    return Record();
  }
  BuildRecord Record() const { return ReadBuild(history_, {"build-1", "run-1"}); }

 private:
  temporal::api::history::v1::HistoryEvent& Event(enums::EventType type) {
    auto& event = *history_.add_events();
    event.set_event_id(history_.events_size());
    event.set_event_type(type);
    return event;
  }
  temporal::api::history::v1::History history_;
  int entries_ = 0;
};

json Resumed(const BuildRecord& build, const ResumeOptions& options = {}) {
  const auto input = ResumeInput(build, options);
  return input ? *input : json(input.error().message);
}

const json kInput = {{"task", "Do it."}, {"working_dir", "/p"}, {"max_fix_attempts", 2}};

TEST(BuildRecord, TellsStepsVerdictsMoneyAndWhereTheResultIs) {
  Story story(kInput);
  story.Opened()
      .Agent("implement_v1", "s1", 7000)
      .Checks("initial_verification", false)
      .Agent("fix_attempt_1", "s2", 12);
  story.Activity("recordStep", {{"entry_id", "e1"}}, {{"commit", "abcdef123456"}});
  const BuildRecord build = story.Checks("fix_attempt_1", true).Ended("passed");
  EXPECT_EQ(build.Status(), "passed");
  EXPECT_EQ(build.Tokens(), 7012);
  EXPECT_EQ(build.CostUsd(), Money::Nanos(20'000'000));
  EXPECT_EQ(build.FixAttempts(), 1);
  EXPECT_EQ(build.LastSnapshot(), "s2");
  EXPECT_EQ(OneLine(build), "passed after 1 fix attempt · 7,012 tokens · $0.0200");
  const std::string page = BuildPage(build, 80);
  EXPECT_THAT(page, HasSubstr("✗ initial_verification  checks fail TEST_FAILURE"));
  EXPECT_THAT(page, HasSubstr("branch wfe/b of /p, 1 commit"));
  EXPECT_THAT(page, HasSubstr("1 uncommitted file is not part of the build"));
  EXPECT_THAT(page, HasSubstr("wfe build diff build-1 --apply"));
  EXPECT_THAT(page, HasSubstr("abcdef12"));
}

TEST(BuildRecord, EntriesThatAnotherHostWasOfferedAgainCountOnce) {
  Story story(kInput);
  story.Opened().Agent("implement_v1", "s1");
  const json again = {{"entry",
                       {{"step_name", "implement_v1"},
                        {"total_token_cost", 100},
                        {"validation_status", "N/A"},
                        {"ext", {{"kind", "agent"}, {"entry_id", "e1"}}}}}};
  story.Activity("logAuditEntry", again, nullptr);
  EXPECT_EQ(story.Record().Tokens(), 100);
  EXPECT_EQ(story.Record().steps.size(), 1u);
  EXPECT_EQ(story.Record().Status(), "running");
}

TEST(ResumeBuild, GoesOnAfterTheLastStepThatDidItsWork) {
  const json after_agent_error = Resumed(Story(kInput)
                                             .Opened()
                                             .Agent("implement_v1", "s1")
                                             .Checks("initial_verification", false)
                                             .Agent("fix_attempt_1", "")
                                             .Ended("agent_error"));
  EXPECT_EQ(after_agent_error["resume"]["step"], "fix_attempt_1");
  EXPECT_EQ(after_agent_error["resume"]["snapshot_blob_hash"], "s1");
  EXPECT_EQ(after_agent_error["resume"]["fix_attempts"], 0);
  EXPECT_EQ(after_agent_error["resume"]["total_tokens"], 200);
  EXPECT_EQ(after_agent_error["resume"]["base_commit"], "base");
  EXPECT_EQ(after_agent_error["resume"]["branch"], "wfe/b");
  EXPECT_EQ(after_agent_error["resume"]["base_snapshot_blob_hash"], "s0");
  EXPECT_EQ(after_agent_error["workspace"], "branch");
  EXPECT_EQ(after_agent_error["mode"], "change");
  EXPECT_EQ(after_agent_error["profile"], "cpp");
  EXPECT_EQ(after_agent_error["max_fix_attempts"], 2);

  EXPECT_EQ(Resumed(Story(kInput).Opened().Agent("implement_v1", "").Ended("agent_error"))["resume"]["step"],
            "implement_v1");
  EXPECT_EQ(Resumed(Story(kInput).Opened().Agent("implement_v1", "s1").Ended("aborted"))["resume"]["step"],
            "initial_verification");
  EXPECT_EQ(Resumed(Story(kInput).Ended("aborted"))["resume"]["step"], "scaffold");
}

TEST(ResumeBuild, AfterTheLastAttemptThereAreAsManyOnceMore) {
  Story story(kInput);
  story.Opened().Agent("implement_v1", "s1").Checks("initial_verification", false);
  story.Agent("fix_attempt_1", "s2")
      .Checks("fix_attempt_1", false)
      .Agent("fix_attempt_2", "s3")
      .Checks("fix_attempt_2", false);
  const BuildRecord build = story.Ended("not_passed");
  EXPECT_EQ(Resumed(build)["max_fix_attempts"], 4);
  EXPECT_EQ(Resumed(build)["resume"]["step"], "fix_attempt_3");
  EXPECT_EQ(Resumed(build)["resume"]["fix_attempts"], 2);
  EXPECT_EQ(Resumed(build, {.max_fix_attempts = 9})["max_fix_attempts"], 9);

  const json again = Resumed(build, {.from = "fix_attempt_1"});
  EXPECT_EQ(again["resume"]["snapshot_blob_hash"], "s1");
  EXPECT_EQ(again["resume"]["fix_attempts"], 0);
  EXPECT_EQ(again["resume"]["total_tokens"], 300);
  EXPECT_EQ(Resumed(build, {.from = "implement_v1"})["resume"]["snapshot_blob_hash"], "");
  EXPECT_EQ(Resumed(build, {.from = "initial_verification"})["resume"]["snapshot_blob_hash"], "s1");
}

TEST(ResumeBuild, InPlaceItGoesBackToTheTreeBeforeTheBuildAndKnowsWhatItLeft) {  // RW-D3, RW-D4
  const auto in_place = [](BuildRecord build) {
    build.place.kind = "in_place";
    return build;
  };
  const BuildRecord build = in_place(Story(kInput).Opened().Agent("implement_v1", "s1").Ended("aborted"));
  const json again = Resumed(build, {.from = "implement_v1"});
  EXPECT_EQ(again["resume"]["snapshot_blob_hash"], "s0");
  EXPECT_EQ(again["resume"]["expected_snapshot_blob_hash"], "s1");
  EXPECT_EQ(Resumed(build)["resume"]["snapshot_blob_hash"], "s1");
  EXPECT_EQ(Resumed(build)["resume"]["expected_snapshot_blob_hash"], "s1");
  EXPECT_FALSE(Resumed(build, {.discard = true})["resume"].contains("expected_snapshot_blob_hash"));
  // No step ended: going on replaces nothing, doing it again replaces all but the tree before.
  const BuildRecord early = in_place(Story(kInput).Opened().Ended("aborted"));
  EXPECT_EQ(Resumed(early)["resume"]["snapshot_blob_hash"], "");
  EXPECT_FALSE(Resumed(early)["resume"].contains("expected_snapshot_blob_hash"));
  EXPECT_FALSE(early.KeptATree());
  BuildRecord unkept = build;
  unkept.place.base_snapshot_blob_hash.clear();
  EXPECT_THAT(Resumed(unkept, {.from = "implement_v1"}).get<std::string>(), HasSubstr("was not kept"));
}

TEST(ResumeBuild, StepsOfItsEarlierRunsAreShownAndFound) {  // RW-D4
  Story first(kInput);
  first.Opened().Agent("implement_v1", "s1").Checks("initial_verification", false);
  const BuildRecord before = first.Agent("fix_attempt_1", "s2").Checks("fix_attempt_1", false).Ended("not_passed");
  json input = Resumed(before);
  input["resume"]["run_id"] = "run-0";
  BuildRecord build = Story(input).Opened().Agent("fix_attempt_2", "s3").Ended("aborted");
  EXPECT_THAT(Resumed(build, {.from = "implement_v1"}).get<std::string>(), HasSubstr("it had fix_attempt_2"));
  build.earlier.push_back(before);
  build.earlier.back().target.run_id = "run-0";
  const json again = Resumed(build, {.from = "fix_attempt_1"});
  EXPECT_EQ(again["resume"]["snapshot_blob_hash"], "s1");
  EXPECT_EQ(again["resume"]["fix_attempts"], 0);
  EXPECT_EQ(again["resume"]["total_tokens"], build.Tokens());
  EXPECT_THAT(Resumed(build, {.from = "scaffold"}).get<std::string>(),
              HasSubstr("it had implement_v1, initial_verification, fix_attempt_1, fix_attempt_2"));
  const std::string page = BuildPage(build, 100);
  EXPECT_THAT(page, HasSubstr("run run-0: not_passed"));
  EXPECT_THAT(page, HasSubstr("✓ implement_v1"));
  EXPECT_LT(page.find("implement_v1"), page.find("fix_attempt_2"));
  const json object = BuildObject(build);
  EXPECT_EQ(object["steps"].size(), 1u);
  EXPECT_EQ(object["earlier_runs"][0]["run_id"], "run-0");
  EXPECT_EQ(object["earlier_runs"][0]["steps"].size(), 4u);
}

TEST(BuildSummary, SaysWhatFailedWhereAndHowLittleAnExitCodeProves) {  // AB-1
  json input = kInput;
  input["task"] = std::string(200, 'x');
  Story story(input);
  story.Opened().Agent("implement_v1", "s1");
  const json report = {{"passed", false},
                       {"error_log",
                        "src/a.ts:3:1 TSC_ERROR no such name, and much more than one line of a terminal holds\n"
                        "  an excerpt\n\nsrc/b.ts:9:2 TEST_FAILURE 1 is not 2\n\nin words: 5\n"},
                       {"checks", {{{"id", "command_1"}, {"evidence", "exit_code"}},
                                   {{"id", "tests"}, {"evidence", "reporter"}, {"files_by_exit_code", 2}}}}};
  story.Activity("runComplianceChecks", {}, report);
  BuildRecord build = story.Checks("initial_verification", false).Ended("not_passed");
  const std::string page = BuildPage(build, 80);
  EXPECT_THAT(page, HasSubstr("\n    src/a.ts:3:1 TSC_ERROR no such name"));
  EXPECT_THAT(page, HasSubstr("\n    src/b.ts:9:2 TEST_FAILURE 1 is not 2\n"));
  EXPECT_THAT(page, testing::Not(HasSubstr("in words")));
  EXPECT_THAT(page, HasSubstr("all of it: wfe audit show-step build-1 initial_verification"));
  EXPECT_THAT(page, HasSubstr("  checks decide by their exit code alone: command_1, tests (2 files);"));
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    const auto columns = std::ranges::count_if(line, [](char c) { return (c & 0xc0) != 0x80; });
    EXPECT_LE(columns, 80) << line;
  }
  story = Story(kInput);
  story.Opened().Agent("implement_v1", "s1");
  story.Activity("runComplianceChecks", {}, {{"passed", true}, {"checks", json::array()}});
  build = story.Checks("initial_verification", true).Ended("passed");
  EXPECT_THAT(BuildPage(build, 80), testing::Not(HasSubstr("exit code")));
  EXPECT_THAT(BuildPage(build, 80), HasSubstr("git merge wfe/b"));
  build.branch_is_gone = true;
  EXPECT_THAT(BuildPage(build, 80), testing::Not(HasSubstr("git merge")));
  EXPECT_THAT(BuildPage(build, 80), HasSubstr("is not there any more"));
}

TEST(BuildSummary, WhatABuildDidNotMakeIsNotOffered) {  // RW-D4
  const auto lines = [](const BuildRecord& build) {
    std::string text;
    for (const std::string& line : NextSteps(build)) text += line + "\n";
    return text;
  };
  const BuildRecord nothing = Story(kInput).Opened().Ended("aborted");
  EXPECT_THAT(lines(nothing), testing::Not(HasSubstr("take it")));
  EXPECT_THAT(lines(nothing), testing::Not(HasSubstr("see it")));
  EXPECT_THAT(lines(nothing), HasSubstr("wfe build resume build-1"));
  EXPECT_THAT(lines(Story(kInput).Opened().Agent("implement_v1", "s1").Ended("aborted")), HasSubstr("take it"));
  // A fault of the machine, before any step: it would only come again.
  BuildRecord failed = nothing;
  failed.outcome->status = enums::WORKFLOW_EXECUTION_STATUS_FAILED;
  EXPECT_THAT(lines(failed), HasSubstr("when that is mended: wfe build resume build-1"));
  // In place, what a stopped step left can be seen and undone, against the tree before.
  BuildRecord stopped = nothing;
  stopped.place.kind = "in_place";
  EXPECT_THAT(lines(stopped), HasSubstr("wfe build diff build-1"));
  EXPECT_THAT(lines(stopped), HasSubstr("wfe build undo build-1"));
}

TEST(ResumeBuild, AResumedBuildIsResumedFromWhereItStands) {
  json input = kInput;
  input["resume"] = {{"step", "fix_attempt_2"},
                     {"snapshot_blob_hash", "s5"},
                     {"fix_attempts", 1},
                     {"total_tokens", 1000},
                     {"cost_usd", 0.5}};
  const json resumed = Resumed(
      Story(input).Opened().Checks("initial_verification", false).Agent("fix_attempt_2", "").Ended("agent_error"));
  EXPECT_EQ(resumed["resume"]["step"], "fix_attempt_2");
  EXPECT_EQ(resumed["resume"]["snapshot_blob_hash"], "s5");
  EXPECT_EQ(resumed["resume"]["total_tokens"], 1100);
  EXPECT_NEAR(resumed["resume"]["cost_usd"].get<double>(), 0.51, 1e-9);
}

TEST(ResumeBuild, SaysWhyThereIsNothingToGoOnWith) {
  EXPECT_THAT(Resumed(Story(kInput).Opened().Record()).dump(), HasSubstr("still runs"));
  const BuildRecord passed =
      Story(kInput).Opened().Agent("implement_v1", "s1").Checks("initial_verification", true).Ended("passed");
  EXPECT_THAT(Resumed(passed).dump(), HasSubstr("has passed"));
  EXPECT_EQ(Resumed(passed, {.from = "implement_v1"})["resume"]["step"], "implement_v1");
  EXPECT_THAT(Resumed(passed, {.from = "fix_attempt_7"}).dump(),
              HasSubstr("had no step fix_attempt_7; it had implement_v1, initial_verification"));
  json input = kInput;
  input["token_budget"] = 150;
  const BuildRecord spent = Story(input).Opened().Agent("implement_v1", "s1", 150).Ended("budget_exhausted");
  EXPECT_THAT(Resumed(spent).dump(), HasSubstr("150 of 150; give a greater --token-budget"));
  EXPECT_EQ(Resumed(spent, {.token_budget = 500})["token_budget"], 500);
}

TEST(BuildInput, LeavesOutWhatWasNotSaid) {
  const json input = BuildInput({.task = "Do it.", .dir = "/tmp/some/project"}).value();
  EXPECT_EQ(input, json({{"task", "Do it."}, {"working_dir", "/tmp/some/project"}}));
  const json full = BuildInput({.task = "Do it.",
                                .dir = "/tmp/p/../q",
                                .profile = "cpp",
                                .checks = {"make test"},
                                .agent = "scripted",
                                .mode = "change",
                                .policy = "warn",
                                .copy = true,
                                .max_fix_attempts = 1,
                                .token_budget = 5})
                        .value();
  EXPECT_EQ(full["working_dir"], "/tmp/q");
  EXPECT_EQ(full["checks"], json({"make test"}));
  EXPECT_EQ(full["backend"], "scripted");
  EXPECT_EQ(full["workspace"], "copy");
  EXPECT_EQ(full["token_budget"], 5);
}

TEST(BuildInput, RefusesWhatWouldBeASlip) {
  setenv("HOME", "/tmp", 1);
  EXPECT_THAT(BuildInput({.task = " "}).error().message, HasSubstr("say what to build"));
  EXPECT_THAT(BuildInput({.task = "x", .dir = "/"}).error().message, HasSubstr("the root of the file system"));
  EXPECT_THAT(BuildInput({.task = "x", .dir = "/tmp"}).error().message, HasSubstr("whole home directory"));
  EXPECT_THAT(BuildInput({.task = "x", .dir = "/etc/hostname"}).error().message, HasSubstr("is not a directory"));
  EXPECT_THAT(BuildInput({.task = "@/no/such/file"}).error().message, HasSubstr("there is no file /no/such/file"));
  EXPECT_THAT(BuildInput({.task = "x", .dir = "/tmp/q", .in_place = true, .copy = true}).error().message,
              HasSubstr("exclude each other"));
}

}  // namespace
}  // namespace wfe::cli
