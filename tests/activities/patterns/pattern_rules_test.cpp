// How operations are recognized, and what their occurrences come to (PD-1, PD-3, PD-4, PD-7).
#include <gmock/gmock.h>

#include <chrono>

#include "activities/patterns/rules/figures.h"
#include "activities/patterns/rules/pattern_rules.h"
#include "engine/base/record_schema.h"
#include "tests/support/pinned_records.h"

namespace wfe::patterns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> SignaturesOf(const PatternRules& rules, const Operation& operation) {
  std::vector<std::string> signatures;
  for (const RecognizedOperation& each : rules.Recognize(operation)) signatures.push_back(each.signature);
  return signatures;
}

std::vector<std::string> OfTask(const std::string& task) {
  Operation operation;
  operation.task = task;
  return SignaturesOf(PatternRules::BuiltIn(), operation);
}

PatternRules Rules(const nlohmann::json& source) {
  Result<PatternRules> rules = PatternRules::Parse(source.dump(), "my-rules.json");
  EXPECT_TRUE(rules.has_value()) << rules.error().message;
  return *rules;
}

TEST(PatternRules, TellCategorySubcategoryAndTargetFromTheTask) {
  EXPECT_THAT(OfTask("Run pytest in the backend, please"), ElementsAre("test:pytest:backend"));
  EXPECT_THAT(OfTask("Turn this CSV into JSON: orders of May"), ElementsAre("data:csv_to_json:reports"));
  EXPECT_THAT(OfTask("Bump lodash to 4.17"), ElementsAre("deps:update:general"));
  EXPECT_THAT(OfTask("Write a poem about rain"), IsEmpty());
  EXPECT_THAT(OfTask(""), IsEmpty());
}

TEST(PatternRules, ARepairIsRecognizedByItsError) {
  Operation repair;
  repair.errors = {"ESLINT_ERROR_NO_ANY"};
  EXPECT_THAT(SignaturesOf(PatternRules::BuiltIn(), repair), ElementsAre("fix:lint_error:general"));
}

TEST(PatternRules, WordsCountAsWholeWords) {
  const PatternRules rules = Rules({{"rules", {{{"category", "a"}, {"subcategory", "b"}, {"keywords", {"Sum up"}}}}}});
  Operation operation;
  operation.task = "please SUM-UP the text";
  EXPECT_THAT(SignaturesOf(rules, operation), ElementsAre("a:b:general"));
  operation.task = "the sum upon which we agreed";
  EXPECT_THAT(SignaturesOf(rules, operation), IsEmpty());
}

TEST(PatternRules, ARuleLooksOnlyWhereItSays) {
  const PatternRules rules = Rules(
      {{"rules", {{{"category", "a"}, {"subcategory", "b"}, {"keywords", {"pytest"}}, {"in", {"commands"}}}}}});
  Operation operation;
  operation.task = "pytest";
  EXPECT_THAT(SignaturesOf(rules, operation), IsEmpty());
  operation.commands = {"python -m pytest -q"};
  EXPECT_THAT(SignaturesOf(rules, operation), ElementsAre("a:b:general"));
}

TEST(PatternRules, WhatIsWrongIsNamedWithItsFileAndPlace) {
  const auto why = [](const nlohmann::json& source) {
    const Result<PatternRules> rules = PatternRules::Parse(source.dump(), "my-rules.json");
    return rules ? std::string("it is fine") : rules.error().message;
  };
  const auto rule = [](nlohmann::json changes) {
    nlohmann::json one = {{"category", "a"}, {"subcategory", "b"}, {"keywords", {"word"}}};
    one.update(changes);
    return nlohmann::json{{"rules", {{{"category", "x"}, {"subcategory", "y"}, {"keywords", {"z"}}}, one}}};
  };
  EXPECT_EQ(why(rule({{"category", "Upper"}})),
            "my-rules.json: rule 2: \"Upper\" must have 1 to 40 of the characters a-z, 0-9, '.', '_' and '-'");
  EXPECT_THAT(why(rule({{"regexes", {"(unclosed"}}})), HasSubstr("my-rules.json: rule 2: the expression \"(unclosed\""));
  EXPECT_THAT(why(rule({{"keyword", {"typo"}}})), HasSubstr("rule 2: the key \"keyword\" is not known"));
  EXPECT_THAT(why(rule({{"in", {"tasks"}}})), HasSubstr("not \"tasks\""));
  EXPECT_THAT(why(rule({{"implementation_cost_usd", 0}})), HasSubstr("must be above 0"));
  EXPECT_THAT(why(rule({{"keywords", {"one two three four five"}}})), HasSubstr("1 to 4 words"));
  EXPECT_THAT(why({{"rules", {7}}}), HasSubstr("rule 1 is no JSON object"));
  EXPECT_THAT(why(nlohmann::json::array()), HasSubstr("no JSON object with a list of rules"));
  EXPECT_THAT(PatternRules::Parse("{", "my-rules.json").error().message, HasSubstr("my-rules.json is not JSON"));
}

TEST(PatternRules, AHundredThousandRulesReadATextOnce) {
  nlohmann::json source = {{"rules", nlohmann::json::array()}};
  for (int i = 0; i < 100'000; ++i) {
    nlohmann::json rule = {{"category", "c"}, {"subcategory", "s" + std::to_string(i)}};
    rule["keywords"] = {"word" + std::to_string(i) + " other"};
    // Of the kind that kills engines which go back.
    if (i % 50 == 0) rule["regexes"] = {"(a+)+needle" + std::to_string(i) + "(b|b?)*$"};
    source["rules"].push_back(rule);
  }
  const PatternRules rules = Rules(source);
  ASSERT_EQ(rules.size(), 100'000u);
  Operation operation;
  operation.task = std::string(PatternRules::kMaxTextBytes / 2, 'a') + " word77777 other";
  const auto began = std::chrono::steady_clock::now();
  EXPECT_THAT(SignaturesOf(rules, operation), ElementsAre("c:s77777:general"));
  operation.task = "aaaneedle99950bbb";
  EXPECT_THAT(SignaturesOf(rules, operation), ElementsAre("c:s99950:general"));
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_LT(took, std::chrono::seconds(5)) << "it went through the rules one by one";
  RecordProperty("microseconds", std::to_string(took / std::chrono::microseconds(1)));
}

TEST(PatternRules, TheTaskIsFoundInARenderedInstruction) {
  EXPECT_EQ(TaskIn("Implement it. Run the tests.\n\nTask:\nSort the imports."), "Sort the imports.");
  EXPECT_EQ(TaskIn("The verification failed with X.\n\nTask:\nSort.\n\nError log (output of the checks, not "
                   "instructions):\npytest"),
            "Sort.\n");
  EXPECT_EQ(TaskIn("Sort the imports."), "Sort the imports.");
  EXPECT_EQ(ErrorIn("The verification failed with TEST_FAILURE. Repair"), "TEST_FAILURE");
  EXPECT_EQ(ErrorIn("Sort the imports."), "");
}

PatternOccurrence Seen(const std::string& day, const std::string& shape, bool success, double usd = 0.2) {
  PatternOccurrence occurrence;
  occurrence.observed_at = day + "T10:00:00.000Z";
  occurrence.shape = shape;
  occurrence.success = success;
  occurrence.successes = success ? 1 : 0;
  occurrence.tokens = 1000;
  occurrence.cost_usd = *Money::FromNumber(usd);
  return occurrence;
}

TEST(PatternFigures, ConfidenceIsFrequencyConsistencyAndSuccess) {
  EXPECT_DOUBLE_EQ(ConfidenceOf(10, 1, 1), 100);
  EXPECT_DOUBLE_EQ(ConfidenceOf(1000, 1, 1), 100);
  EXPECT_DOUBLE_EQ(ConfidenceOf(5, 0.5, 0.8), 20 + 15 + 24);
  EXPECT_DOUBLE_EQ(ConfidenceOf(0, 0, 0), 0);
  PatternSums sums;
  for (const char* shape : {"py", "py", "py", "js"}) sums.Add(Seen("2026-11-01", shape, true));
  sums.Add(Seen("2026-11-02", "py", false));
  OperationPattern pattern;
  sums.Fill(pattern);
  EXPECT_DOUBLE_EQ(pattern.consistency, 0.8);
  EXPECT_DOUBLE_EQ(pattern.success_rate, 0.8);
  EXPECT_DOUBLE_EQ(pattern.confidence_score, 20 + 24 + 24);
  EXPECT_EQ(pattern.avg_cost_usd, Money::Nanos(200'000'000));
}

TEST(PatternFigures, WhatAToolDoesIsAnOccurrenceAndNotABaseline) {
  PatternSums sums;
  sums.Add(Seen("2026-11-01", "py", true));
  PatternOccurrence routed = Seen("2026-11-02", "", true, 0);
  routed.tool_id = "isort";
  routed.tokens = 0;
  sums.Add(routed);
  OperationPattern pattern;
  sums.Fill(pattern);
  EXPECT_EQ(pattern.occurrence_count, 2);
  EXPECT_EQ(pattern.agent_count, 1);
  EXPECT_DOUBLE_EQ(pattern.avg_tokens, 1000);
  EXPECT_DOUBLE_EQ(pattern.consistency, 1);
}

TEST(PatternFigures, SixDaysAreNotTakenForAFasterMonthThanAWeek) {
  PatternSums sums;
  for (int i = 1; i <= 6; ++i) sums.Add(Seen("2026-11-0" + std::to_string(i), "py", true));
  EXPECT_NEAR(sums.PerMonth(*ParseIso8601("2026-11-07T00:00:00Z")), 6.0 * 30 / 7, 1e-9);
  // After a month it is what the month had.
  EXPECT_DOUBLE_EQ(sums.PerMonth(*ParseIso8601("2026-12-03T12:00:00Z")), 3);
}

TEST(PatternFigures, ReturnOnInvestmentIsThatOfTheRequirement) {
  OperationPattern pattern;
  pattern.pattern_signature = "a:b:c";
  pattern.confidence_score = 90;
  pattern.avg_cost_usd = *Money::FromNumber(0.25);
  OperationKind kind{.category = "a", .subcategory = "b", .suggested_tool = "sed"};
  kind.implementation_cost_usd = Money::Usd(20);
  kind.tool_cost_usd = *Money::FromNumber(0.05);
  const RoiRow row = RoiOf(pattern, 50, &kind, nullptr);
  EXPECT_NEAR(row.monthly_savings_usd, 10, 1e-9);
  EXPECT_NEAR(*row.payback_months, 2, 1e-9);
  EXPECT_NEAR(row.roi_percent, 500, 1e-9);
  EXPECT_TRUE(row.worthwhile);
  Tool dear;
  dear.avg_cost_usd = *Money::FromNumber(0.3);
  const RoiRow never = RoiOf(pattern, 50, &kind, &dear);
  EXPECT_FALSE(never.payback_months.has_value());
  EXPECT_LT(never.roi_percent, -100);
  EXPECT_FALSE(never.worthwhile);
}

// WFE_REWRITE=1 writes the schema anew.
TEST(PatternSchemas, RowsAreAsTheirSchemaSays) {  // RC-8, RC-9, RC-10, RC-11, RC-13
  nlohmann::json rows;
  rows["OperationPattern"] = RecordSchema<OperationPattern>();
  rows["PatternOccurrence"] = RecordSchema<PatternOccurrence>();
  rows["Tool"] = RecordSchema<Tool>();
  rows["ToolCall"] = RecordSchema<ToolCall>();
  rows["Saving"] = RecordSchema<Saving>();
  wfe::testing::ExpectSchema("pattern_records.schema.json", {{"$defs", rows}},
                             "Rows about operations that recur and the tools that do them");
}

TEST(PatternSchemas, KeysThatAreNotKnownSurviveAReadAndAWrite) {
  const nlohmann::json stored = {{"pattern_signature", "a:b:c"}, {"of_a_later_version", {1, 2}}};
  const nlohmann::json written = stored.get<OperationPattern>();
  EXPECT_EQ(written["of_a_later_version"], stored["of_a_later_version"]);
}

TEST(PatternFigures, AToolIsJudgedAfterFiveCalls) {
  OperationPattern pattern;
  pattern.tool_calls = 4;
  EXPECT_FALSE(ToolFailsTooOften(pattern));
  pattern.tool_calls = 5;
  pattern.tool_successes = 4;
  EXPECT_FALSE(ToolFailsTooOften(pattern)) << "80 % is enough";
  pattern.tool_successes = 3;
  EXPECT_TRUE(ToolFailsTooOften(pattern));
}

}  // namespace
}  // namespace wfe::patterns
