// Efficiency, waste and profiles from the events of steps: CE-4, CE-5.
#include <gmock/gmock.h>

#include "activities/context/rules/profile.h"

namespace wfe::context {
namespace {

using agent::HookEvent;
using agent::StepHooks;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

HookEvent Load(const std::string& path, int64_t tokens = 100, int64_t calls = 2) {
  return {.kind = "loaded",
          .path = path,
          .via = "given",
          .tokens = tokens,
          .calls = calls,
          .cost_usd = Money::Nanos(tokens * calls * 300)};
}
HookEvent Access(const std::string& path, const char* kind = "read") {
  return {.kind = kind, .path = path, .via = "tool_call"};
}

int g_steps = 0;

StepHooks Step(const std::string& run, std::vector<HookEvent> events, const std::string& type = "Build") {
  const int number = ++g_steps;
  return {.id = "step-" + std::to_string(number),
          .run_id = run,
          .workflow_id = "w-" + run,
          .workflow_type = type,
          .step_name = "implement_v1",
          .category = type + "/implement",
          .at = "2026-11-20T10:00:0" + std::to_string(number % 10) + ".000Z",
          .success = true,
          .events = std::move(events)};
}

TEST(ContextEfficiency, IsFilesAccessedOfFilesLoaded) {  // CE-4
  const EfficiencyReport report = ReportOf(
      {Step("r1", {Load("a"), Load("b"), Load("c"), Load("d"), Access("a"), Access("b", "written"),
                   Access("c", "named")}),
       Step("r2", {Load("a"), Access("a", "deleted"), Access("made.txt", "written")}, "Graph")});
  EXPECT_DOUBLE_EQ(report.total.percent.value(), 80);
  ASSERT_THAT(report.types, SizeIs(2));
  EXPECT_DOUBLE_EQ(report.types[0].percent.value(), 75);
  EXPECT_DOUBLE_EQ(report.types[1].percent.value(), 100) << "a file that the step made was never loaded";
  EXPECT_EQ(report.types[0].wasted_tokens, 200);
  EXPECT_EQ(report.types[0].wasted_usd, Money::Nanos(60'000));
  EXPECT_EQ(report.files[0].path, "d");
  EXPECT_DOUBLE_EQ(report.files[0].percent.value(), 0);
}

TEST(ContextEfficiency, IsUndefinedWhenNothingWasLoaded) {  // CE-4
  const EfficiencyReport report = ReportOf({Step("r", {Access("made.txt", "written")})});
  EXPECT_FALSE(report.total.percent.has_value());
  EXPECT_FALSE(report.types[0].percent.has_value());
  EXPECT_FALSE(ReportOf({}).total.percent.has_value());
  EXPECT_FALSE(EfficiencyOf(0, 0).has_value());
  EXPECT_FALSE(nlohmann::json(report).at("total").contains("percent")) << "and no number stands for it";
}

TEST(ContextEfficiency, StandingContextIsNoFile) {
  HookEvent context{.kind = "context", .path = ".wfe/context.md", .via = "given", .tokens = 5'000, .calls = 9};
  const EfficiencyReport report = ReportOf({Step("r", {context, Load("a"), Access("a")})});
  EXPECT_EQ(report.total.loaded, 1);
  EXPECT_EQ(report.total.loaded_tokens, 200);
}

TEST(ContextEfficiency, FileCountsOnceInARunButItsWasteInEveryStep) {
  const EfficiencyReport report =
      ReportOf({Step("r", {Load("a"), Access("a")}), Step("r", {Load("a")}), Step("r", {Load("a")})});
  EXPECT_EQ(report.total.loaded, 1);
  EXPECT_DOUBLE_EQ(report.total.percent.value(), 100);
  EXPECT_EQ(report.total.wasted_tokens, 400);
  EXPECT_EQ(report.files[0].loads, 3);
  EXPECT_EQ(report.files[0].unused, 2);
}

TEST(ContextEfficiency, StepThatWasWrittenTwiceCountsOnce) {  // its completion was lost, and the day had changed
  const StepHooks step = Step("r", {Load("a")});
  EXPECT_EQ(ReportOf({step, step}).total.wasted_tokens, 200);
}

TEST(ContextEfficiency, TokensWithoutAPriceAreSaidToBe) {
  HookEvent unpriced = Load("a");
  unpriced.cost_usd.reset();
  const EfficiencyReport report = ReportOf({Step("r", {unpriced, Load("b")})});
  EXPECT_EQ(report.unpriced_tokens, 200);
  EXPECT_EQ(report.total.wasted_tokens, 400);
  EXPECT_EQ(report.total.wasted_usd, Money::Nanos(60'000));
}

std::vector<StepHooks> TenSteps() {
  std::vector<StepHooks> steps;
  for (int i = 0; i < 10; ++i) {
    std::vector<HookEvent> events = {Load("always"), Load("often"), Load("half"), Load("never", 1'000),
                                     Access("always")};
    if (i < 9) events.push_back(Access("often", "written"));
    if (i < 5) events.push_back(Access("half"));
    events.push_back(Access("made-" + std::to_string(i), "written"));
    steps.push_back(Step("r" + std::to_string(i), std::move(events)));
  }
  return steps;
}

TEST(ContextProfile, SetIsWhatKeepsTheExpectedEfficiencyAtTheTarget) {  // CE-5
  const auto profiles = ProfilesOf(TenSteps());
  ASSERT_THAT(profiles, SizeIs(1));
  const ContextProfile& profile = profiles[0];
  EXPECT_EQ(profile.category, "Build/implement");
  EXPECT_DOUBLE_EQ(profile.percent.value(), 60);
  // 1.0, 0.9 and 0.5 have a mean of 0.8.
  EXPECT_THAT(profile.recommended, ElementsAre("always", "half", "often"));
  EXPECT_EQ(profile.set_tokens, 300);
  EXPECT_DOUBLE_EQ(profile.expected_percent.value(), 80);
  EXPECT_EQ(profile.loaded_tokens, 13'000);
  EXPECT_EQ(profile.expected_tokens, 3'000);
  EXPECT_NEAR(profile.saving_percent, 76.9, 0.05);
}

TEST(ContextProfile, WhatIsOutsideOfTheSetIsCountedAsReadByTheAgentItself) {
  ProfileRules rules;
  rules.max_tokens = 100;
  const ContextProfile profile = ProfilesOf(TenSteps(), rules)[0];
  EXPECT_THAT(profile.recommended, ElementsAre("always"));
  EXPECT_EQ(profile.expected_tokens, 10 * 100 + 9 * 100 + 5 * 100);
  EXPECT_DOUBLE_EQ(profile.expected_percent.value(), 100);
}

TEST(ContextProfile, FewStepsAndFailedOnesRecommendNothingAndSaySo) {
  std::vector<StepHooks> steps = TenSteps();
  for (size_t i = 4; i < steps.size(); ++i) steps[i].success = false;
  const ContextProfile profile = ProfilesOf(steps)[0];
  EXPECT_THAT(profile.recommended, IsEmpty());
  EXPECT_THAT(profile.why, HasSubstr("5 successful steps, and there are 4"));
  EXPECT_EQ(profile.saving_percent, 0);
}

TEST(ContextProfile, ProjectsAndCategoriesHaveTheirOwn) {
  std::vector<StepHooks> steps = TenSteps();
  for (size_t i = 0; i < 5; ++i) steps[i].project = "/home/me/words";
  EXPECT_THAT(ProfilesOf(steps), SizeIs(2));
  for (StepHooks& step : steps) step.success = false;
  EXPECT_THAT(ProfilesOf(steps), IsEmpty());
}

}  // namespace
}  // namespace wfe::context
