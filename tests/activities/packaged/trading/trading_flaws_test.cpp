// The planted flaws of the example (CW-4): which ones are found without any model, and by what; and that the same
// algorithm without them raises no alarm.
#include <gmock/gmock.h>

#include "activities/packaged/trading/report.h"
#include "activities/packaged/trading/steps.h"
#include "tests/activities/packaged/trading/trading_machine.h"

namespace wfe::trading {
namespace {

using test::TradingMachine;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class PlantedFlaws : public TradingMachine {
 protected:
  void SetUp() override { NeedsPython(); }
};

/// Seventeen flaws that can be seen in the text.
TEST_F(PlantedFlaws, AreFoundByReadingTheAlgorithm) {
  PutExample();
  const ExaminedFolder folder = Examine();
  EXPECT_EQ(folder.method, kBySyntax);
  EXPECT_EQ(folder.entry, (AlgorithmEntry{.file = "momentum.py", .function = "signals"}));
  EXPECT_THAT(Told(FindingsOfStep(folder, kStepSecurity).findings),
              ElementsAre("secret-in-code broker.ini:4", "secret-in-code momentum.py:13",
                          "code-execution momentum.py:25",
                          "shell-injection momentum.py:29", "unsafe-loading momentum.py:20",
                              "sql-injection momentum.py:33",
                          "insecure-transport momentum.py:14"));
  EXPECT_THAT(Told(FindingsOfStep(folder, kStepAnalyze).findings),
              ElementsAre("no-position-limit momentum.py:89", "no-stop-loss momentum.py:89",
                          "float-money momentum.py:56",
                          "off-by-one-window momentum.py:66", "missing-costs momentum.py:89"));
  EXPECT_THAT(Told(FindingsOfStep(folder, kStepEdges).findings),
              ElementsAre("unbounded-retry momentum.py:39", "swallowed-error momentum.py:61",
                          "division-by-zero momentum.py:70",
                          "division-by-zero momentum.py:71", "division-by-zero momentum.py:86",
                          "division-by-zero momentum.py:102", "empty-history momentum.py:91"));
  EXPECT_THAT(Told(FindingsOfStep(folder, kStepPerformance).findings), ElementsAre("quadratic-loop momentum.py:78"));
  EXPECT_THAT(folder.notes, IsEmpty());
}

/// Look-ahead and leverage cannot be seen in the text: they are measured.
TEST_F(PlantedFlaws, ThatDependOnPricesAreFoundByRunningTheAlgorithm) {
  PutExample();
  const BacktestReport report = Backtest();
  ASSERT_EQ(report.courses.size(), 4u);
  EXPECT_TRUE(Rules(report.findings).contains("look-ahead"));
  EXPECT_TRUE(Rules(report.findings).contains("leverage"));
  EXPECT_EQ(report.look_ahead.changed, 25);
  EXPECT_EQ(report.look_ahead.checked + report.look_ahead.failed, static_cast<int64_t>(kExampleBars));
  EXPECT_EQ(report.look_ahead.failed, 1) << "on the first bar alone its range is 0";
  // Later prices are worth money, which is why it matters.
  EXPECT_GT(report.courses[0].total_return, report.courses[2].total_return);
  EXPECT_EQ(report.courses[2].name, "without later prices");
  EXPECT_GT(report.courses[1].total_return, report.courses[0].total_return) << "costs cost";
  EXPECT_EQ(report.bars, static_cast<int64_t>(kExampleBars));
  EXPECT_LE(report.curve.size(), 120u);
  EXPECT_EQ(report.curve.back().date, report.to);
  // What is drawn falls as deep as the table says.
  double peak_net = report.costs.initial_cash.usd();
  double peak_hold = peak_net;
  double deepest_net = 0;
  double deepest_hold = 0;
  for (const CurvePoint& point : report.curve) {
    peak_net = std::max(peak_net, point.net);
    peak_hold = std::max(peak_hold, point.hold);
    deepest_net = std::max(deepest_net, 1 - point.net / peak_net);
    deepest_hold = std::max(deepest_hold, 1 - point.hold / peak_hold);
  }
  EXPECT_DOUBLE_EQ(deepest_net, report.courses.front().max_drawdown);
  EXPECT_DOUBLE_EQ(deepest_hold, report.courses.back().max_drawdown);
}

TEST_F(PlantedFlaws, OverMadeUpPricesAreHeadedAsSuch) {
  Put("bot.py", test::kPlain);
  TradingReport report{.name = "x", .generated_at = "2026-11-27T00:00:00.000Z", .sources = Sources()};
  report.backtest = Backtest();
  EXPECT_THAT(TradingHeadline(report), HasSubstr("; back-tested on made-up prices"));
  EXPECT_THAT(TradingMarkdown(report), HasSubstr("signals() of `bot.py` on prices made from seed 14, "));
  EXPECT_THAT(TradingHtml(report), HasSubstr(">2 Jan 2023</text>")) << "days of several years have theirs";
  Put("prices.csv", PricesCsv(MakePrices(3, 40)));
  report.sources = Sources();
  report.backtest = Backtest();
  EXPECT_THAT(TradingHeadline(report), Not(HasSubstr("made-up")));
  EXPECT_THAT(TradingMarkdown(report), HasSubstr("signals() of `bot.py` on prices.csv, "));
}

TEST_F(PlantedFlaws, FailTheGeneratedTestCases) {
  PutExample();
  const TestCases cases = Tests();
  std::vector<std::string> failed;
  std::vector<std::string> places;
  for (const TestOutcome& one : cases.outcomes) {
    EXPECT_FALSE(one.says.empty()) << one.name;
    if (one.outcome == "passed") continue;
    EXPECT_EQ(one.outcome, "failed") << one.name;
    failed.push_back(one.name);
    if (one.line > 0) places.push_back(one.name + " " + one.file + ":" + std::to_string(one.line));
  }
  EXPECT_EQ(cases.outcomes.size(), 15u);
  EXPECT_THAT(failed, UnorderedElementsAre("test_no_bars", "test_one_bar", "test_flat_prices", "test_flat_after_moving",
                                           "test_weight_keeps_its_limit", "test_does_not_look_ahead"));
  EXPECT_THAT(places, UnorderedElementsAre("test_no_bars momentum.py:91", "test_one_bar momentum.py:86",
                                           "test_flat_prices momentum.py:86",
                                               "test_flat_after_moving momentum.py:102"));
  EXPECT_THAT(Rules(cases.findings), UnorderedElementsAre("case-failed", "unlimited-weight", "look-ahead"));
}

/// No false alarm of any check, run or case over the clean version.
TEST_F(PlantedFlaws, AreNotSeenWhereThereAreNone) {
  PutClean();
  const ExaminedFolder folder = Examine();
  EXPECT_THAT(Told(folder.findings), IsEmpty());
  const BacktestReport report = Backtest();
  EXPECT_EQ(report.look_ahead.changed, 0);
  EXPECT_EQ(report.look_ahead.checked, static_cast<int64_t>(kExampleBars));
  for (const TradingFinding& one : report.findings) EXPECT_EQ(one.severity, "info") << one.rule << ": " << one.message;
  EXPECT_EQ(report.courses[0].final_equity, report.courses[2].final_equity) << "with and without later prices";
  const TestCases cases = Tests();
  for (const TestOutcome& one : cases.outcomes) EXPECT_EQ(one.outcome, "passed") << one.name << ": " << one.message;
}

TEST_F(PlantedFlaws, AreFewerWithoutPythonAndThatIsSaid) {
  PutExample();
  nodes::NodeConfig config = Config();
  config.python = "/nowhere/python3";
  const ExaminedFolder folder = ExamineWith(nodes::NodeSettings(config));
  EXPECT_EQ(folder.method, kByPatterns);
  EXPECT_THAT(folder.notes, Contains(HasSubstr("by patterns only: nodes in Python need Python 3.8")));
  EXPECT_THAT(Rules(folder.findings),
              UnorderedElementsAre("secret-in-code", "code-execution", "shell-injection", "unsafe-loading",
                                   "sql-injection",
                                   "insecure-transport", "no-stop-loss", "no-position-limit", "missing-costs"));
}

TEST_F(PlantedFlaws, AreToldWithoutTheirSecrets) {
  PutExample();
  TradingReport report{.name = "example", .generated_at = "2026-11-27T00:00:00.000Z", .sources = Sources()};
  const ExaminedFolder folder = Examine();
  report.findings = folder.findings;
  report.risks = AssessRisks(report.findings);
  report.recommendations = Recommend(*report.risks, report.findings);
  const auto loaded = LoadSources(folder_.path(), report.sources);
  std::string all = TradingMarkdown(report) + TradingHtml(report) + nlohmann::json(report).dump();
  for (const std::string& part : ReviewPrompt(*loaded, report.findings)) all += part;
  EXPECT_THAT(all, Not(HasSubstr("q7Xv2LmN9t")));
  EXPECT_THAT(all, Not(HasSubstr("Tg5!vRq8")));
  EXPECT_THAT(all, Not(HasSubstr("Lm7w"))) << "the end of it";
  EXPECT_THAT(all, HasSubstr("secret-in-code"));
  EXPECT_GT(report.risks->score, 80);
}

TEST_F(PlantedFlaws, OfOrderAndTimeAreFoundInStreamingAlgorithms) {
  Put("bot.py", "def decide(bars, params):\n    last = bars[-1]\n    return 1.0 if last['close'] > last['open'] else "
                "0.0\n");
  const BacktestReport report = Backtest();
  EXPECT_EQ(report.entry.function, "decide");
  EXPECT_EQ(report.prices, "made from seed 14");
  EXPECT_EQ(report.look_ahead.changed, 0) << "what it gets holds no later bar";
  EXPECT_EQ(report.courses.front().days_invested > 0.3, true);
}

TEST_F(PlantedFlaws, OfGrowthAreMeasuredInLines) {
  Put("slow.py",
      "def signals(bars, params):\n    weights = []\n    for i in range(len(bars)):\n        total = 0.0\n"
      "        for j in range(i):\n            total += bars[j]['close']\n"
      "        weights.append(1.0 if i and total / i < bars[i]['close'] else 0.0)\n    return weights\n");
  const BacktestReport report = Backtest();
  EXPECT_TRUE(Rules(report.findings).contains("work-grows"));
  EXPECT_TRUE(Rules(Examine().findings).contains("quadratic-loop"));
}

TEST_F(PlantedFlaws, AreAddedToByAModelWhosePlacesAreChecked) {
  PutExample();
  const auto loaded = LoadSources(folder_.path(), Sources());
  const std::string answer =
      "Here it is:\n```json\n{\"summary\": \"S.\", \"findings\": ["
      "{\"file\": \"momentum.py\", \"line\": 13, \"severity\": \"high\", \"title\": \"T\", \"message\": \"M\"},"
      "{\"file\": \"momentum.py\", \"line\": 9999, \"severity\": \"high\", \"title\": \"T\", \"message\": \"M\"},"
      "{\"file\": \"none.py\", \"line\": 1, \"severity\": \"high\", \"title\": \"T\", \"message\": \"M\"},"
      "{\"file\": \"momentum.py\", \"line\": 1, \"severity\": \"awful\", \"title\": \"T\", \"message\": \"M\"}],"
      "\"recommendations\": [\"R\", 7]}\n```";
  const auto review = ReadReview(answer, *loaded);
  ASSERT_TRUE(review.has_value()) << review.error().message;
  EXPECT_EQ(review->summary, "S.");
  EXPECT_EQ(review->dropped, 3);
  ASSERT_EQ(review->findings.size(), 1u);
  EXPECT_EQ(review->findings[0].source, kByModel);
  EXPECT_THAT(review->findings[0].evidence, Not(HasSubstr("q7Xv2L")));
  EXPECT_THAT(review->recommendations, ElementsAre("R"));
  EXPECT_FALSE(ReadReview("I cannot do that.", *loaded).has_value());
  EXPECT_FALSE(ReadReview("{\"summary\": \"cut", *loaded).has_value());
}

}  // namespace
}  // namespace wfe::trading
