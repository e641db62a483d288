// TradingVerificationWorkflow in virtual time (CW-4, CW-5): engine, worker, workflow and steps are the real ones, the
// model is played, and single steps fail for good.
#include <gmock/gmock.h>

#include <fstream>

#include "activities/packaged/trading/example.h"
#include "activities/packaged/trading/steps.h"
#include "engine/base/parse_json.h"
#include "tests/workflows/packaged_world.h"
#include "workflows/packaged/trading.h"

namespace wfe::workflows {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr test::PackageUnderTest kTrading{.workflow_type = kTradingVerificationWorkflow,
                                          .register_workflow = &RegisterTradingVerification,
                                          .example = &trading::TradingExample,
                                          .start = "2026-03-02T00:00:00.000Z"};

constexpr const char* kReview =
    "{\"summary\": \"It buys strength.\", \"findings\": [{\"file\": \"momentum.py\", \"line\": 104, \"severity\": "
    "\"high\", \"title\": \"Doubled exposure\", \"message\": \"Strength is used twice.\"}], \"recommendations\": [\"Rank "
    "first.\"]}";

class TradingWorld : public test::PackagedWorld {
 protected:
  TradingWorld() : PackagedWorld(kTrading) {
    WriteExample();
    trading::RegisterTradingActivities(activities_, {.packaged = config(), .node = Node()});
    answer_ = [](const agent::CallRequest&) { return Says(kReview); };
  }
  void SetUp() override {
    if (const auto python = nodes::NodeSettings(Node()).Python(); !python) GTEST_SKIP() << python.error().message;
  }
  nodes::NodeConfig Node() const {
    nodes::NodeConfig node;
    node.work_root = work();
    return node;
  }
  /// A folder with this algorithm and nothing else.
  void WriteOnly(const std::string& name, const std::string& text) const {
    fs::remove_all(in());
    Write(name, text);
  }
};

TEST_F(TradingWorld, DeliversReportPageDataAndTestCases) {
  const PackagedResult result = Run();
  ASSERT_EQ(failure_, "");
  EXPECT_EQ(result.state, "done");
  EXPECT_THAT(Files(result), testing::UnorderedElementsAre("trading_report.md", "trading_report.json",
                                                           "trading_report.html",
                                                           "test_trading_algorithm.py"));
  EXPECT_EQ(result.findings.at("critical"), 6) << "two secrets, eval, a shell, look-ahead measured and tested";
  EXPECT_THAT(result.headline, HasSubstr("(extreme)"));
  EXPECT_EQ(result.model_use.calls, 1);
  const nlohmann::json report = ParseJson(Text("trading_report.json"));
  EXPECT_EQ(report.at("review").at("findings").size(), 1u);
  EXPECT_FALSE(report.at("tests").contains("text"));
  EXPECT_EQ(report.at("recommendations").at(0).at("rank"), 1);
  for (const char* name : {"trading_report.md", "trading_report.json", "trading_report.html"}) {
    EXPECT_THAT(Text(name), Not(HasSubstr("q7Xv2LmN9t"))) << name;
    EXPECT_THAT(Text(name), HasSubstr("Doubled exposure")) << name;
  }
  for (const std::string& part : asked_.parts) EXPECT_THAT(part, Not(HasSubstr("q7Xv2LmN9t")));
}

TEST_F(TradingWorld, GoesWithoutAModel) {
  const PackagedResult result = Run({{"without_model", true}});
  EXPECT_EQ(result.state, "done");
  EXPECT_EQ(result.model_use.calls, 0);
  EXPECT_TRUE(asked_.parts.empty());
}

TEST_F(TradingWorld, DeliversTheOthersWhenAStepFailsForGood) {
  Break(trading::kBacktestAlgorithm);
  Break(trading::kSecurityAudit);
  const PackagedResult result = Run();
  EXPECT_EQ(result.state, "incomplete");
  EXPECT_THAT(Gaps(result), ElementsAre("backtest_algorithm: it is broken", "security_audit: it is broken"));
  EXPECT_THAT(Files(result), Contains("trading_report.md"));
  EXPECT_THAT(Text("trading_report.md"), HasSubstr("## Missing\n\n- `backtest_algorithm`: it is broken"));
  EXPECT_THAT(Text("trading_report.md"), HasSubstr("## Edge cases"));
  EXPECT_THAT(Text("trading_report.html"), HasSubstr("it is broken"));
}

TEST_F(TradingWorld, DeliversWithoutTheAssessment) {
  Break(trading::kAssessRisks);
  const PackagedResult result = Run();
  EXPECT_THAT(Gaps(result), ElementsAre("assess_risks: it is broken"));
  EXPECT_THAT(result.headline, HasSubstr("the risk was not assessed"));
}

TEST_F(TradingWorld, TakesAnAnswerThatIsNoneForAGap) {
  answer_ = [](const agent::CallRequest&) { return Says("I would rather not."); };
  const PackagedResult result = Run();
  EXPECT_THAT(Gaps(result), ElementsAre("review_algorithm: the model's answer has no JSON in it"));
  EXPECT_EQ(result.model_use.calls, 1) << "it was asked, and paid";
  EXPECT_THAT(Text("trading_report.md"), HasSubstr("## Risk"));
}

TEST_F(TradingWorld, NamesTheLineOfPricesThatAreNone) {
  Write("prices.csv", "date,close\n2024-01-02,100\n2024-01-03,-4\n");
  const PackagedResult result = Run();
  EXPECT_THAT(Gaps(result), ElementsAre("backtest_algorithm: prices.csv:3: the close \"-4\" must be above 0"));
}

TEST_F(TradingWorld, RefusesAFolderWithoutAnAlgorithm) {
  fs::remove_all(in());
  fs::create_directories(in());
  Run();
  EXPECT_THAT(failure_, HasSubstr("there is no algorithm in " + in()));
}

TEST_F(TradingWorld, TellsASyntaxErrorOnceAndBlamesTheAlgorithmForNothingElse) {  // CW-5
  WriteOnly("bot.py", "def signals(bars, params:\n    return []\n");
  const PackagedResult result = Run({{"without_model", true}});
  EXPECT_THAT(Gaps(result), ElementsAre("assess_risks: no program of the folder could be read",
                                        "backtest_algorithm: there is nothing to run: bot.py cannot be read, and no other "
                                        "file has signals(bars, params) or decide(bars, params) at its top",
                                        HasSubstr("document bot.py: line 1: it is not Python 3."),
                                        HasSubstr("generate_test_cases: there is nothing to run")));
  EXPECT_TRUE(result.findings.empty()) << "what nobody has read has forgotten no stop and no limit";
}

TEST_F(TradingWorld, SaysOfAnotherLanguageThatItIsNotRun) {
  WriteOnly("bot.js", "eval(rule);\n");
  const PackagedResult result = Run({{"without_model", true}});
  EXPECT_THAT(Gaps(result), Contains("backtest_algorithm: there is nothing to run: bot.js is JavaScript, and only Python is "
                                     "run"));
  EXPECT_EQ(result.findings, (std::map<std::string, int64_t>{{"critical", 1}}));
  EXPECT_THAT(result.headline, HasSubstr("the risk was not assessed"));
}

/// CW-5: nothing to assess is said to be that, and is no low risk.
TEST_F(TradingWorld, AssessesNoRiskWhereThereIsNoCode) {
  WriteOnly("a.py", "");
  const PackagedResult result = Run({{"without_model", true}});
  EXPECT_EQ(result.state, "incomplete");
  EXPECT_THAT(Gaps(result), Contains("assess_risks: no program of the folder has any code"));
  EXPECT_THAT(result.headline, HasSubstr("0 findings; the risk was not assessed"));
}

TEST_F(TradingWorld, DoesWhatNeedsNoParametersWithoutThem) {
  Write("parameters.json", "{\"window\": 20,\n");
  const PackagedResult result = Run({{"without_model", true}});
  const std::string why = "parameters.json is not JSON (line 2, column 1)";
  EXPECT_THAT(Gaps(result), ElementsAre("backtest_algorithm: " + why, "document parameters.json: " + why,
                                        "generate_test_cases: " + why));
  EXPECT_EQ(result.findings.at("critical"), 4) << "two secrets, eval, a shell";
  EXPECT_THAT(result.headline, HasSubstr("risk "));
}

struct NeverRuns {
  const char* name;
  const char* text;
  const char* cause;
};

class TradingNeverRan : public TradingWorld, public testing::WithParamInterface<NeverRuns> {};

/// CW-5: an algorithm that never came to its decisions has no back-test, whatever else was found of it.
TEST_P(TradingNeverRan, IsAGapWithItsCauseInASentence) {
  WriteOnly("bot.py", GetParam().text);
  const PackagedResult result = Run({{"without_model", true}});
  EXPECT_EQ(result.state, "incomplete");
  std::string why;
  for (const packaged::Gap& gap : result.gaps) {
    if (gap.step == "backtest_algorithm") why = gap.reason;
  }
  EXPECT_THAT(why, HasSubstr(GetParam().cause));
  EXPECT_THAT(Files(result), Contains("trading_report.html"));
}

INSTANTIATE_TEST_SUITE_P(
    Causes, TradingNeverRan,
    testing::Values(
        NeverRuns{"RaisesAtImport", "raise ValueError('no')\ndef signals(bars, params):\n    return []\n",
                  "made no decisions over 520 bars: bot.py:1: ValueError: no"},
        NeverRuns{"Raises", "def signals(bars, params):\n    return [1 / 0]\n",
                  "bot.py:2: ZeroDivisionError: division by zero"},
        NeverRuns{"Exits", "def signals(bars, params):\n    raise SystemExit(0)\n",
                  "bot.py:2: it ends the program (SystemExit: 0)"},
        NeverRuns{"Vanishes", "import os\ndef signals(bars, params):\n    os._exit(0)\n",
                  "bot.py: it ended without an answer"},
        NeverRuns{"EatsMemory", "def signals(bars, params):\n    return bytearray(10 << 30)\n", "memory"},
        NeverRuns{"TakesTooLittle", "def signals(bars):\n    return [0.0] * len(bars)\n",
                  "bot.py:1: signals() takes bars; it is called as signals(bars, params)"},
        NeverRuns{"TakesTooMuch", "def signals(bars, params, broker):\n    return [0.0] * len(bars)\n",
                  "bot.py:1: signals() takes bars, params, broker; it is called as signals(bars, params)"}),
    [](const testing::TestParamInfo<NeverRuns>& row) { return std::string(row.param.name); });

TEST_F(TradingWorld, WritesOverNobodysFiles) {
  fs::create_directories(out());
  std::ofstream(out() + "/trading_report.md") << "mine";
  Run();
  EXPECT_THAT(failure_, HasSubstr("trading_report.md"));
  EXPECT_EQ(Text("trading_report.md"), "mine");
}

}  // namespace
}  // namespace wfe::workflows
