// What is decided about a variant before and while it meets traffic: constraints, validation, the winner of an
// experiment.
#include <gmock/gmock.h>

#include "activities/delivery/rules/constraints.h"
#include "activities/delivery/rules/validation.h"
#include "activities/delivery/rules/winner.h"

namespace wfe::delivery {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

struct ConstraintCase {
  const char* name;
  OptimizationConstraints constraints;
  VariantFacts facts;
  std::string verdict;
  std::vector<std::string> violations;  // "type severity"
};

VariantFacts Fine() {
  return {.equivalent = true,
          .quality_score = 0.9,
          .memory_mb = 100,
          .cpu_percent = 50,
          .cost = 0.01,
          .security_checked = true};
}

void ExpectReport(const ConstraintCase& each) {
  const ConstraintReport report = CheckConstraints(each.constraints, each.facts);
  EXPECT_EQ(report.verdict, each.verdict) << each.name;
  std::vector<std::string> found;
  for (const ConstraintViolation& violation : report.violations) {
    found.push_back(violation.type + " " + violation.severity);
    EXPECT_NE(violation.description, "");
  }
  EXPECT_EQ(found, each.violations) << each.name;
}

TEST(Constraints, EachViolationHasItsSeverityAndTheWorstDecides) {  // CC-1, CC-2
  const auto facts = [](auto change) {
    VariantFacts changed = Fine();
    change(changed);
    return changed;
  };
  const OptimizationConstraints all{
      .min_quality_score = 0.8, .max_memory_mb = 200, .max_cpu_percent = 90, .max_cost = 0.02};
  OptimizationConstraints hard = all;
  hard.budget_is_hard = true;
  OptimizationConstraints nothing{.require_equivalence = false, .require_security_check = false};
  OptimizationConstraints free_of_charge{.max_cost = 0};
  const ConstraintCase cases[] = {
      {"all kept", all, Fine(), "PASS", {}},
      {"outputs differ",
       all,
       facts([](auto& f) { f.equivalent = false; }),
       "REJECT",
       {"functional_equivalence CRITICAL"}},
      {"outputs were not compared",
       {},
       facts([](auto& f) { f.equivalent.reset(); }),
       "REJECT",
       {"functional_equivalence CRITICAL"}},
      {"nothing is required", nothing, {}, "PASS", {}},
      {"quality too low", all, facts([](auto& f) { f.quality_score = 0.79; }), "CONDITIONAL", {"quality HIGH"}},
      {"quality at the limit", all, facts([](auto& f) { f.quality_score = 0.8; }), "PASS", {}},
      {"quality not measured", all, facts([](auto& f) { f.quality_score.reset(); }), "CONDITIONAL", {"quality HIGH"}},
      {"memory", all, facts([](auto& f) { f.memory_mb = 201; }), "WARNING", {"memory MEDIUM"}},
      {"cpu", all, facts([](auto& f) { f.cpu_percent = 91; }), "WARNING", {"cpu MEDIUM"}},
      {"cost", all, facts([](auto& f) { f.cost = 0.03; }), "WARNING", {"cost MEDIUM"}},
      {"cost, where the budget is hard", hard, facts([](auto& f) { f.cost = 0.03; }), "REJECT", {"cost MEDIUM"}},
      {"a limit of 0 is a limit", free_of_charge, Fine(), "WARNING", {"cost MEDIUM"}},
      {"no limit is none", {}, facts([](auto& f) { f.cost = 1e9; }), "PASS", {}},
      {"a secret and a new command",
       all,
       facts([](auto& f) {
         f.secrets_exposed = {"GEMINI_API_KEY"};
         f.new_commands = {"curl"};
       }),
       "REJECT",
       {"security CRITICAL", "security CRITICAL"}},
      {"wider access to files",
       {},
       facts([](auto& f) { f.new_directories = {"/etc"}; }),
       "REJECT",
       {"security CRITICAL"}},
      {"a new place for requests",
       {},
       facts([](auto& f) { f.new_targets = {"https://x"}; }),
       "REJECT",
       {"security CRITICAL"}},
      {"security was not checked",
       {},
       facts([](auto& f) { f.security_checked = false; }),
       "REJECT",
       {"security CRITICAL"}},
  };
  for (const ConstraintCase& each : cases) ExpectReport(each);
}

TEST(Validation, PoliciesSayWhatIsTheSame) {  // VA-4
  struct Case {
    const char* name;
    EquivalencePolicy policy;
    TrialRun original;
    TrialRun variant;
    std::string difference;
  };
  const auto output = [](const char* text) { return TrialRun{.output = json::parse(text)}; };
  const auto checks = [](std::map<std::string, bool> of) { return TrialRun{.checks = std::move(of)}; };
  const auto score = [](double of) { return TrialRun{.score = of}; };
  const EquivalencePolicy exact;
  const EquivalencePolicy normalized{.kind = "normalized", .volatile_fields = {"/at", "/items/*/id", "/a~1b"}};
  const EquivalencePolicy schema{.kind = "schema"};
  const EquivalencePolicy by_checks{.kind = "checks"};
  const EquivalencePolicy by_score{.kind = "score", .epsilon = 0.05};
  const Case cases[] = {
      {"the same in another order", exact, output(R"({"a":1,"b":[2]})"), output(R"({"b":[2],"a":1})"), ""},
      {"another value", exact, output(R"({"a":{"b":1}})"), output(R"({"a":{"b":2}})"), "/a/b differs"},
      {"another whole", exact, output("1"), output("2"), "the output differs"},
      {"only volatile fields", normalized, output(R"({"at":1,"items":[{"id":1,"v":1}],"a/b":3})"),
       output(R"({"at":2,"items":[{"id":7,"v":1}]})"), ""},
      {"volatile fields and another", normalized, output(R"({"items":[{"id":1,"v":1}]})"),
       output(R"({"items":[{"id":7,"v":2}]})"), "/items/0/v differs"},
      {"the same shape", schema, output(R"({"a":1,"l":[{"x":"y"}]})"), output(R"({"a":2.5,"l":[{"x":"z"},{"x":""}]})"),
       ""},
      {"a key is missing", schema, output(R"({"a":1,"b":2})"), output(R"({"a":1})"), "/b is missing"},
      {"a key is new", schema, output(R"({"a":1})"), output(R"({"a":1,"b":2})"), "/b is new"},
      {"another type", schema, output(R"({"a":1})"), output(R"({"a":"1"})"), "/a is number and string"},
      {"another type in a list", schema, output(R"([{"x":1}])"), output(R"([{"x":1},{"x":null}])"),
       "/1/x is number and null"},
      {"both pass", by_checks, checks({{"test", true}, {"lint", false}}), checks({{"test", true}, {"lint", true}}), ""},
      {"one fails", by_checks, checks({{"test", true}}), checks({{"test", false}}), "check test fails"},
      {"one did not run", by_checks, checks({{"test", true}}), checks({}), "check test did not run on the variant"},
      {"none ran", by_checks, checks({}), checks({{"test", true}}), "no check ran on the original"},
      {"within epsilon", by_score, score(0.90), score(0.86), ""},
      {"below epsilon", by_score, score(0.90), score(0.84), "the score is 0.84, and was 0.9"},
      {"better", by_score, score(0.50), score(0.99), ""},
      {"the variant failed", exact, output("1"), TrialRun{.error = "boom"}, "the variant fails: boom"},
      {"the original failed", exact, TrialRun{.error = "boom"}, output("1"), "the original fails: boom"},
  };
  for (const Case& each : cases) {
    const EquivalenceCheck check = CompareRuns({each.name, each.original, each.variant}, each.policy);
    EXPECT_EQ(check.difference, each.difference) << each.name;
    EXPECT_EQ(check.equivalent, each.difference.empty()) << each.name;
  }
  for (const char* text : {R"({"kind":"similar"})", R"({"volatile_fields":["at"]})", R"({"epsilon":2})"}) {
    EXPECT_ANY_THROW(std::ignore = json::parse(text).get<EquivalencePolicy>()) << text;
  }
}

TrialPair Pair(double duration, double cost, json output = 1) {
  return {"in",
          {.output = 1, .duration_ms = 1000, .cost_usd = 1},
          {.output = std::move(output), .duration_ms = duration, .cost_usd = cost}};
}

TEST(Validation, RecommendsTheFirstThatMatches) {  // VA-1, VA-2, VA-3
  struct Case {
    double duration;
    double cost;
    std::string recommendation;
  };
  const Case cases[] = {
      {500, 0.5, "APPROVE"},
      {800, 0.8, "APPROVE"},                     // 1.25 and 0.2
      {1000 / 1.2, 0.8, "CONDITIONAL_APPROVE"},  // not more than 1.2
      {800, 0.95, "CONDITIONAL_APPROVE"},
      {1000, 0.75, "CONDITIONAL_APPROVE"},
      {1000, 1, "MARGINAL"},
      {950, 0.95, "MARGINAL"},
      {300, 1.2, "MARGINAL"},  // guarded: a fifth dearer
      {1200, 0.2, "MARGINAL"},
  };
  for (const Case& each : cases) {
    const ValidationResult result = Validate({Pair(each.duration, each.cost)}, {});
    EXPECT_TRUE(result.is_valid);
    EXPECT_EQ(result.recommendation, each.recommendation) << result.reason;
  }
  ValidationResult result = Validate({Pair(100, 0.1), Pair(100, 0.1, 2)}, {});
  EXPECT_EQ(result.recommendation, "REJECT");
  EXPECT_FALSE(result.functional_equivalence);
  TrialPair failing = Pair(100, 0.1);
  failing.variant.error = "boom";
  result = Validate({Pair(100, 0.1), failing}, {});
  EXPECT_EQ(result.recommendation, "REJECT");
  EXPECT_EQ(result.error_rate, 0.5);
  EXPECT_FALSE(result.is_valid);
  result = Validate({}, {});
  EXPECT_EQ(result.recommendation, "REJECT");
  EXPECT_EQ(result.reason, "there was no input to try it on");
}

TEST(Validation, ConstraintsLowerWhatIsRecommendedAndStandInTheResult) {  // VA-1, CC-2
  ConstraintReport report{.verdict = "REJECT", .violations = {{"security", "a new command runs: curl", "CRITICAL"}}};
  ValidationResult result = Validate({Pair(100, 0.1)}, {}, report);
  EXPECT_EQ(result.recommendation, "REJECT");
  EXPECT_EQ(result.violations.size(), 1u);
  report.verdict = "CONDITIONAL";
  EXPECT_EQ(Validate({Pair(100, 0.1)}, {}, report).recommendation, "CONDITIONAL_APPROVE");
  report.verdict = "WARNING";
  EXPECT_EQ(Validate({Pair(100, 0.1)}, {}, report).recommendation, "APPROVE");
}

TEST(Validation, WhatCostNothingBeforeIsNoReductionWhenItCosts) {  // VA-1, a zero baseline
  TrialPair pair = Pair(1000, 0.5);
  pair.original.cost_usd = 0;
  EXPECT_EQ(Validate({pair}, {}).cost_reduction, -1);
  pair.variant.cost_usd = 0;
  EXPECT_EQ(Validate({pair}, {}).cost_reduction, 0);
  pair.variant.duration_ms = 0;
  EXPECT_GT(Validate({pair}, {}).speedup, 1000);
}

TEST(Winner, IsDecidedBySuccessFirstAndTradeOffsAreWeighedForAPerson) {  // XB-3, XB-2
  learning::Experiment experiment{.experiment_id = "e1",
                                  .subject = "workflow:report",
                                  .control = "report_v0",
                                  .variant = "report_v1",
                                  .metrics = VersionMetrics(),
                                  .started_at = "2026-03-02T00:00:00.000Z"};
  const Instant now = *ParseIso8601("2026-03-02T12:00:00.000Z");
  const auto arm = [](int64_t n, double duration, double cost, double success) {
    learning::ArmSummary summary{.samples = n};
    summary.errors = static_cast<int64_t>(static_cast<double>(n) * (1 - success));
    summary.metrics = {{"duration_ms", {.n = n, .mean = duration, .stddev = duration / 4}},
                       {"cost_usd", {.n = n, .mean = cost, .stddev = cost / 4}},
                       {"success", {.n = n, .mean = success, .stddev = 0.3}}};
    return summary;
  };
  struct Case {
    const char* name;
    learning::ArmSummary control;
    learning::ArmSummary variant;
    int hours;
    std::string winner;
  };
  const Case cases[] = {
      {"faster", arm(900, 1000, 1, 0.9), arm(100, 700, 1, 0.9), 12, "variant"},
      {"cheaper", arm(900, 1000, 1, 0.9), arm(100, 1000, 0.6, 0.9), 12, "variant"},
      {"faster, and fails 6 points more, not significantly", arm(900, 1000, 1, 0.9), arm(100, 500, 1, 0.84), 12,
       "control"},
      {"faster, and fails 4 points more", arm(900, 1000, 1, 0.9), arm(100, 500, 1, 0.86), 12, "variant"},
      {"slower", arm(900, 1000, 1, 0.9), arm(100, 1500, 1, 0.9), 12, "control"},
      {"faster and dearer", arm(900, 1000, 1, 0.9), arm(100, 500, 2, 0.9), 12, "tradeoff"},
      {"no difference", arm(900, 1000, 1, 0.9), arm(100, 1000, 1, 0.9), 12, "equal"},
      {"too few when its time is over", arm(900, 1000, 1, 0.9), arm(99, 500, 1, 0.9), 24, "inconclusive"},
      {"too few, and time is left", arm(900, 1000, 1, 0.9), arm(99, 500, 1, 0.9), 12, ""},
      {"fails all the time, early", arm(200, 1000, 1, 0.95), arm(25, 500, 1, 0.2), 1, "control"},
  };
  for (const Case& each : cases) {
    const auto result = JudgeVersions(experiment, {.control = each.control, .variant = each.variant}, {},
                                      now + std::chrono::hours(each.hours - 12));
    EXPECT_EQ(result.winner, each.winner) << each.name << ": " << result.reason;
    if (each.winner == "tradeoff") {
      EXPECT_THAT(result.reason,
                  HasSubstr("better in duration_ms and worse in cost_usd; weighted, the variant is -0.500"));
    }
  }
}

}  // namespace
}  // namespace wfe::delivery
