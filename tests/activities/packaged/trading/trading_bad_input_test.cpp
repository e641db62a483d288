// What is no algorithm, or a hostile one: one clear answer that names the file, and the rest is examined (CW-5).
#include <gmock/gmock.h>

#include "tests/activities/packaged/trading/trading_machine.h"

namespace wfe::trading {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class BadAlgorithms : public test::TradingMachine {
 protected:
  void SetUp() override { NeedsPython(); }
  std::string WhyNothing() {
    const auto sources = ReadTradingSources(folder_.path());
    return sources ? "there is something" : sources.error().message;
  }
};

TEST_F(BadAlgorithms, AreNoneInAnEmptyFolder) {
  EXPECT_EQ(WhyNothing(), "there is no algorithm in " + folder_.path() + ": it holds no file of a kind that is "
                                                                         "examined");
  EXPECT_EQ(ReadTradingSources(folder_ / "nowhere").error().code, StatusCode::kNotFound);
}

TEST_F(BadAlgorithms, AreNamedWhenNothingCanBeRead) {
  Put("latin.py", "name = 'caf\xe9'\n");
  Put("utf16.py", std::string("\xff\xfe" "d\0e\0", 6));
  EXPECT_EQ(WhyNothing(), "nothing in " + folder_.path() + " can be examined: latin.py: its text is not UTF-8 (and 1 "
                                                           "more)");
}

TEST_F(BadAlgorithms, DoNotKeepTheOthersFromBeingExamined) {
  Put("good.py", test::kPlain);
  Put("huge.py", std::string(kMaxSourceBytes + 1, '#'));
  Put("broken.py", "def signals(bars, params:\n    return []\n");
  Put("bot.js", "eval(rule);\n");
  const ExaminedFolder folder = Examine();
  EXPECT_EQ(folder.entry.file, "good.py");
  ASSERT_EQ(folder.unread.size(), 2u);
  EXPECT_EQ(folder.unread[0], (UnreadFile{"huge.py", "it has 1048577 bytes; the limit of a file is 1048576"}));
  EXPECT_EQ(folder.unread[1].path, "broken.py");
  EXPECT_THAT(folder.unread[1].reason, HasSubstr("line 1: it is not Python 3."));
  EXPECT_EQ(folder.programs_read, 1);
  EXPECT_THAT(folder.notes, Contains("bot.js: it is JavaScript, which is not analysed: only patterns of secrets and "
                                     "injection "
                                     "were looked for"));
  EXPECT_TRUE(Rules(folder.findings).contains("code-execution"));
}

TEST_F(BadAlgorithms, OfAnotherLanguageAreNotRun) {
  Put("bot.js", "function signals(bars) { return []; }\n");
  EXPECT_EQ(TryBacktest().error().message, "there is nothing to run: bot.js is JavaScript, and only Python is run");
  EXPECT_FALSE(Rules(Examine().findings).contains("no-stop-loss")) << "nobody has read it";
}

TEST_F(BadAlgorithms, ThatFailAreFindingsWithTheirLine) {
  Put("bot.py", "import statistics\n\ndef signals(bars, params):\n    return [params['missing'] for bar in bars]\n");
  const BacktestReport report = Backtest();
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].rule, "run-failed");
  EXPECT_EQ(report.findings[0].line, 4);
  EXPECT_EQ(report.findings[0].message, "on the given prices: KeyError: 'missing'");
  EXPECT_EQ(report.fault, "the algorithm made no decisions over 520 bars: bot.py:4: KeyError: 'missing'");
  EXPECT_THAT(report.courses, IsEmpty());
}

TEST_F(BadAlgorithms, ThatDecideNothingUsableAreFindings) {
  const auto fault = [&](const std::string& body) {
    Put("bot.py", "def signals(bars, params):\n    " + body + "\n");
    const BacktestReport report = Backtest();
    return report.findings.empty() ? std::string("none") : report.findings[0].message;
  };
  EXPECT_EQ(fault("return [1.0]"), "on the given prices: it gives 1 decisions for 520 bars");
  EXPECT_EQ(fault("return [float('nan')] * len(bars)"), "on the given prices: its decision of 2023-01-02 is nan");
  EXPECT_THAT(fault("return 'buy'"), HasSubstr("it gives what is no list of numbers"));
  EXPECT_THAT(fault("return None"), HasSubstr("it gives what is no list of numbers"));
  EXPECT_THAT(fault("raise SystemExit(0)"), HasSubstr("SystemExit: 0"));
  EXPECT_THAT(fault("import no_such_module"), HasSubstr("ModuleNotFoundError: No module named 'no_such_module'"));
  EXPECT_EQ(fault("import os; os._exit(0)"), "on the given prices: it ended without an answer");
}

TEST_F(BadAlgorithms, ThatNeverEndAreEnded) {
  Put("bot.py", "def signals(bars, params):\n    while True:\n        pass\n");
  const TradingSources sources = Sources();
  const auto loaded = LoadSources(folder_.path(), sources);
  const auto run = RunAlgorithm(settings_, *loaded, Examine().entry, nlohmann::json::object(), MakePrices(1, 40), {},
                                std::chrono::seconds(2));
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->fault, "it did not end within 2 s");
}

TEST_F(BadAlgorithms, CannotWriteOutsideOfTheirDirectoryNorReachTheNetwork) {
  if (!settings_.ChooseSandbox()->used) GTEST_SKIP() << settings_.ChooseSandbox()->reason;
  Put("bot.py",
      "import socket\n\ndef signals(bars, params):\n    try:\n        open('" + folder_.path() + "/mark', 'w')\n"
      "        return [1.0] * len(bars)\n    except OSError:\n        pass\n    try:\n"
      "        socket.create_connection(('192.0.2.1', 80), 1)\n        return [1.0] * len(bars)\n"
      "    except OSError:\n        return [0.0] * len(bars)\n");
  const BacktestReport report = Backtest();
  EXPECT_TRUE(report.sandboxed);
  EXPECT_EQ(report.max_weight, 0) << "it could";
  EXPECT_FALSE(std::filesystem::exists(folder_ / "mark"));
}

TEST_F(BadAlgorithms, ThatPrintTheirSecretsDoNotGetThemIntoTheReport) {
  Put("bot.py", "API_SECRET = 'q7Xv2LmN9tRz4KpW8sYb'\n\ndef signals(bars, params):\n    print(API_SECRET)\n"
                "    raise ValueError(API_SECRET)\n");
  const BacktestReport report = Backtest();
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_THAT(report.findings[0].message, HasSubstr("ValueError: [redacted"));
}

TEST_F(BadAlgorithms, AreNotRunOverPricesThatAreNone) {
  PutExample();
  Put("prices.csv", "date,close\n2024-01-02,100\n2024-01-03,-4\n");
  EXPECT_EQ(TryBacktest().error().message, "prices.csv:3: the close \"-4\" must be above 0");
}

TEST_F(BadAlgorithms, HaveParametersThatAreChecked) {
  Put("bot.py", test::kPlain);
  Put("parameters.json", "[1]");
  EXPECT_EQ(ReadTradingParameters(folder_.path(), Sources()).error().message, "parameters.json must be a JSON object");
  Put("parameters.json", "{\"window\": ");
  EXPECT_EQ(ReadTradingParameters(folder_.path(), Sources()).error().message, "parameters.json is not JSON");
  Put("parameters.json", "{\"backtest\": {\"fee_bps\": -1}}");
  EXPECT_EQ(ReadTradingParameters(folder_.path(), Sources()).error().message,
            "parameters.json: backtest.fee_bps must be from 0 to 1000");
  Put("parameters.json", "{\"backtest\": {\"fees\": 1}}");
  EXPECT_EQ(ReadTradingParameters(folder_.path(), Sources()).error().message,
            "parameters.json: backtest.fees is not known");
}

TEST_F(BadAlgorithms, ThatChangeDuringARunAreNoticed) {
  Put("bot.py", test::kPlain);
  const TradingSources sources = Sources();
  Put("bot.py", "x = 1\n");
  EXPECT_THAT(LoadSources(folder_.path(), sources).error().message, HasSubstr("bot.py has changed since this run has "
                                                                              "begun"));
}

}  // namespace
}  // namespace wfe::trading
