// The optimizer finds what a population has planted, takes back what harms, and leaves alone what is well (PO-4 to
// PO-7, XB-4).  WFE_SEEDS=N looks at N seeds instead of a few.
#include <gmock/gmock.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "tests/activities/learning/population.h"

namespace wfe::learning {
namespace {

using ::testing::HasSubstr;

constexpr int kHours = 30;

uint64_t Seeds() {
  const char* wanted = std::getenv("WFE_SEEDS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 5;
}

/// How many of `n` may be so by chance when each is with probability `rate`.
double AtMost(double rate, double n) { return rate * n + 3 * std::sqrt(rate * (1 - rate) * n) + 1; }

CycleOptions AutoApply() {
  CycleOptions options;
  options.auto_apply = true;
  return options;
}

/// 20 generations an hour: half of them the variant, 100 in each arm after some ten hours.
CycleOptions ByExperiment() {
  CycleOptions options;
  options.variant_share = 0.5;
  options.min_samples = 80;
  return options;
}

const PromptRules& HarmfulRules() {
  static const PromptRules kRules = *PromptRules::Parse(
      R"({"rules":[{"id":"brief","class":"undefined_names","threshold":0.4,"section":"structure","text":["Be brief above all."],"reason":"an idea"}]})");
  return kRules;
}

TEST(PlantedPrompts, ForgottenImportIsFoundAndThePromptSaysIt) {  // PO-4, PO-6
  int found = 0;
  int better = 0;
  double hours = 0;
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    Population population(seed, {.forgotten_import = 0.5}, AutoApply());
    double before = 0;
    for (int hour = 1; hour <= kHours; ++hour) {
      const CycleRow row = population.Hour();
      if (row.deployment.mode != kDeployedActive || row.proposal.rule_id != "undefined-names-imports") continue;
      before = row.window.mean_quality;
      hours += hour;
      ++found;
    }
    const CycleRow last = population.Hour();
    if (population.ActiveText().find(kNeededWords) != std::string::npos && last.window.mean_quality > before + 0.05)
      ++better;
  }
  const auto n = static_cast<double>(Seeds());
  std::printf("forgotten import: found in %d of %.0f worlds after %.1f hours on average; quality rose in %d\n", found,
              n, hours / std::max(found, 1), better);
  EXPECT_EQ(found, Seeds()) << "each exactly once";
  EXPECT_GE(better, 0.98 * n);
}

TEST(PlantedPrompts, HarmfulVersionIsRolledBackAndNothingElseIsTouched) {  // PO-7
  int rolled_back = 0;
  int corrected = 0;
  double generations = 0;
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    Population population(1000 + seed, {.harm = 0.4}, AutoApply());
    for (int hour = 0; hour < 5; ++hour) population.Hour();
    const int harmful = population.PersonActivates(kHarmfulWords);
    bool changed_instead = false;
    for (int hour = 1; hour <= kHours; ++hour) {
      const CycleRow row = population.Hour();
      // Harm too small to be shown while the version was new may still give a rule its findings: the optimizer then
      // corrects what a rollback would have undone, and what it put on top is measured from there on.
      if (row.deployment.mode == kDeployedActive) changed_instead = true;
      if (row.measurement.action != kMeasuredRolledBack || row.measurement.version != harmful) continue;
      EXPECT_THAT(row.sentence, HasSubstr("one-sided Welch"));
      EXPECT_THAT(row.undo, HasSubstr("wfe prompts activate generation-python 2"));
      generations += static_cast<double>(row.measurement.cohorts->version.n);
      ++rolled_back;
    }
    if (population.State().Find(harmful)->status == prompts::kTemplateRolledBack) continue;
    EXPECT_TRUE(changed_instead) << "seed " << seed;
    ++corrected;
  }
  std::printf("harmful version: rolled back in %d of %llu worlds, by its first %.0f generations on average; a rule "
              "corrected it first in %d\n",
              rolled_back, static_cast<unsigned long long>(Seeds()), generations / std::max(rolled_back, 1), corrected);
  EXPECT_EQ(rolled_back + corrected, Seeds());
  EXPECT_LE(corrected, AtMost(0.01, static_cast<double>(Seeds())) - 1);
}

TEST(PlantedPrompts, WithNothingPlantedHardlyACycleChangesAnything) {  // PO-4, PO-7
  int cycles = 0;
  int changed = 0;
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    Population population(2000 + seed, {}, AutoApply());
    for (int hour = 0; hour < kHours; ++hour) {
      ++cycles;
      if (population.Hour().changed) ++changed;
    }
  }
  std::printf("nothing planted: %d of %d cycles changed something (%.3f %%)\n", changed, cycles,
              100.0 * changed / cycles);
  EXPECT_LE(changed, AtMost(0.001, cycles));
}

TEST(PlantedPrompts, EqualVersionIsKeptThoughItIsLookedAtEveryHour) {  // PO-7
  int rolled_back = 0;
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    Population population(3000 + seed, {}, AutoApply());
    for (int hour = 0; hour < 5; ++hour) population.Hour();
    const int equal = population.PersonActivates("- Names are words.");
    for (int hour = 0; hour < kHours; ++hour) population.Hour();
    if (population.State().active != equal) ++rolled_back;
  }
  std::printf("equal version: rolled back in %d of %llu worlds (alpha is 5 %%)\n", rolled_back,
              static_cast<unsigned long long>(Seeds()));
  EXPECT_LE(rolled_back, AtMost(0.05, static_cast<double>(Seeds())));
}

TEST(PlantedPrompts, ExperimentFindsTheCureAndMakesItActive) {  // PO-6, XB-1, XB-4
  int cured = 0;
  double hours = 0;
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    Population population(4000 + seed, {.forgotten_import = 0.5}, ByExperiment());
    for (int hour = 1; hour <= kHours; ++hour) {
      const CycleRow row = population.Hour();
      if (row.measurement.action != kMeasuredActivated) continue;
      ++cured;
      hours += hour;
    }
  }
  std::printf("experiment with a cure: active in %d of %llu worlds after %.1f hours on average\n", cured,
              static_cast<unsigned long long>(Seeds()), hours / std::max(cured, 1));
  EXPECT_GE(cured, 0.98 * static_cast<double>(Seeds()));
  EXPECT_LE(cured, Seeds());
}

TEST(PlantedPrompts, ExperimentWithAHarmfulVariantEndsAndTheWordingIsNotTriedAgain) {  // XB-4
  int given_up = 0;
  int started = 0;
  double variants = 0;
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    Population population(5000 + seed, {.forgotten_import = 0.5, .harm = 0.9}, ByExperiment(), HarmfulRules());
    for (int hour = 1; hour <= kHours; ++hour) {
      const CycleRow row = population.Hour();
      if (row.deployment.mode == kDeployedExperiment) ++started;
      if (row.measurement.action != kMeasuredGivenUp) continue;
      ++given_up;
      variants += static_cast<double>(row.measurement.experiment->variant.samples);
    }
    EXPECT_EQ(population.State().active, 1) << "seed " << seed;
  }
  std::printf("experiment with harm: given up in %d of %llu worlds after %.0f runs of the variant on average\n",
              given_up, static_cast<unsigned long long>(Seeds()), variants / std::max(given_up, 1));
  EXPECT_EQ(given_up, Seeds());
  EXPECT_EQ(started, Seeds()) << "a wording that was given up is not tried again";
}

TEST(PromptCycle, TwoOptimizersAtOnceMakeOneChange) {  // PO-6
  for (const bool auto_apply : {true, false}) {
    CycleOptions options = ByExperiment();
    options.auto_apply = auto_apply;
    Population population(1, {.forgotten_import = 0.6}, options);
    population.Generate(60);
    const std::string now = FormatIso8601Millis(population.clock().Now());
    const LearningConfig& config = population.config();
    const auto collected = *CollectGenerations(config, {.template_id = kPopulationTemplate, .last_n = 100, .now = now});
    const ApplyPromptRulesInput rules{
        .template_id = kPopulationTemplate, .of_active = collected.of_active, .options = options};
    // Both have drafted before either deploys, and each deploys twice, as a retried activity does.
    const PromptProposal first = *ApplyPromptRules(config, rules);
    const PromptProposal second = *ApplyPromptRules(config, rules);
    EXPECT_EQ(first.version, 2);
    EXPECT_EQ(second.version, 2);
    for (const PromptProposal* proposal : {&first, &second, &first, &second}) {
      const auto deployed = DeployPrompt(config, {.template_id = kPopulationTemplate,
                                                  .version = proposal->version,
                                                  .base_version = proposal->base_version,
                                                  .reason = proposal->reason,
                                                  .options = options,
                                                  .now = now});
      ASSERT_TRUE(deployed.has_value()) << deployed.error().ToString();
      EXPECT_EQ(deployed->mode, auto_apply ? kDeployedActive : kDeployedExperiment) << deployed->note;
    }
    EXPECT_EQ(population.State().versions.size(), 2U);
    EXPECT_EQ(population.ChangesBy("optimizer"), 1);
    EXPECT_EQ(population.State().active, auto_apply ? 2 : 1);
    EXPECT_EQ(population.records().tables[std::string(kExperimentsTable)].size(), auto_apply ? 0U : 1U);
  }
}

TEST(PromptCycle, SectionThatTheTemplateLacksIsANoteAndTheNextRuleIsTried) {  // PO-4
  const PromptRules rules = *PromptRules::Parse(
      R"({"rules":[
        {"id":"lost","class":"undefined_names","threshold":0.4,"section":"colours","text":["- x"],"reason":"r"},
        {"id":"found","class":"undefined_names","threshold":0.4,"section":"imports","text":["- `import json`"],"reason":"r"}]})");
  Population population(1, {.forgotten_import = 0.6}, AutoApply(), rules);
  const CycleRow row = population.Hour(60);
  EXPECT_EQ(row.proposal.rule_id, "found");
  EXPECT_THAT(row.proposal.notes, ::testing::ElementsAre("Version 1 of generation-python has no section colours."));
}

TEST(PromptCycle, PersonsChangeInBetweenIsNotOverwritten) {  // PO-6
  Population population(1, {.forgotten_import = 0.6}, AutoApply());
  population.Generate(60);
  const std::string now = FormatIso8601Millis(population.clock().Now());
  const auto collected =
      *CollectGenerations(population.config(), {.template_id = kPopulationTemplate, .last_n = 100, .now = now});
  const PromptProposal proposal =
      *ApplyPromptRules(population.config(),
                        {.template_id = kPopulationTemplate, .of_active = collected.of_active, .options = AutoApply()});
  const int persons = population.PersonActivates("- Names are words.");
  const auto deployed = DeployPrompt(population.config(), {.template_id = kPopulationTemplate,
                                                           .version = proposal.version,
                                                           .base_version = proposal.base_version,
                                                           .reason = proposal.reason,
                                                           .options = AutoApply(),
                                                           .now = now});
  ASSERT_TRUE(deployed.has_value()) << deployed.error().ToString();
  EXPECT_EQ(deployed->mode, kDeployedNot);
  EXPECT_THAT(deployed->note, HasSubstr("is active now"));
  EXPECT_EQ(population.State().active, persons);
}

TEST(PromptCycle, OptimizerThatDiedAfterTheDecisionIsMadeUpByTheNextCycle) {  // XB-4
  Population population(4001, {.forgotten_import = 0.5}, ByExperiment());
  CycleRow row;
  while (row.deployment.mode != kDeployedExperiment) row = population.Hour();
  ExperimentStore experiments(*population.config().records);
  ABTestResult result{.experiment_id = row.deployment.experiment_id};
  result.winner = kWinnerVariant;
  result.reason = "the variant is better in quality";
  ASSERT_TRUE(*experiments.Decide(result));
  row = population.Hour();
  EXPECT_EQ(row.measurement.action, kMeasuredActivated);
  EXPECT_EQ(population.State().active, 2);
}

TEST(PromptCycle, RollbackWhoseAnswerWasLostIsStillThatCyclesWhenItIsTriedAgain) {  // PO-7
  Population population(1001, {.harm = 0.4}, AutoApply());
  for (int hour = 0; hour < 5; ++hour) population.Hour();
  const int harmful = population.PersonActivates(kHarmfulWords);
  CycleRow row;
  while (row.measurement.action != kMeasuredRolledBack) row = population.Hour();
  const auto again = MeasureTemplate(
      population.config(),
      {.template_id = kPopulationTemplate, .cycle_id = row.cycle_id, .options = AutoApply(), .now = row.at});
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->action, kMeasuredRolledBack);
  EXPECT_EQ(again->version, harmful);
  EXPECT_EQ(again->reason, row.measurement.reason);
  EXPECT_EQ(population.ChangesBy("optimizer"), 1);
}

TEST(PromptCycle, PersonWhoActivatesARolledBackVersionAgainIsNotOverruledByOldGenerations) {  // PO-7
  Population population(1001, {.harm = 0.4}, AutoApply());
  for (int hour = 0; hour < 5; ++hour) population.Hour();
  const int harmful = population.PersonActivates(kHarmfulWords);
  while (population.State().active == harmful) population.Hour();
  ASSERT_TRUE(population.config().templates->Activate(kPopulationTemplate, harmful, "anna", "once more").has_value());
  const CycleRow row = population.Cycle();
  EXPECT_EQ(row.measurement.action, kMeasuredNothing);
  EXPECT_THAT(row.measurement.reason, HasSubstr("has 0 of 20 generations"));
}

TEST(PromptRulesFile, WhatIsWrongIsNamed) {  // PO-4
  const auto refused = [](const char* text) { return PromptRules::Parse(text).error().message; };
  EXPECT_THAT(refused("[]"), HasSubstr("no JSON object with a list of rules"));
  EXPECT_THAT(refused(R"({"rules":[{"id":"a"}]})"), HasSubstr("prompt rule 1 is malformed"));
  EXPECT_THAT(refused(R"({"rules":[{"id":"a","class":"c","threshold":2,"section":"s","text":["t"],"reason":"r"}]})"),
              HasSubstr("prompt rule 1 (a) needs a threshold between 0 and 1"));
  EXPECT_THAT(
      refused(R"({"rules":[{"id":"a","class":"c","threshold":0.4,"section":"s","text":["{{x}}"],"reason":"r"}]})"),
      HasSubstr("may not add a placeholder"));
  EXPECT_GE(PromptRules::BuiltIn().rules().size(), 8U);
}

}  // namespace
}  // namespace wfe::learning
