// What is no algorithm, or a hostile one: one clear answer that names the file, and the rest is examined (CW-5).
#include <gmock/gmock.h>
#include <unistd.h>

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

/// CW-5: what nobody may look at is not left out without a word.
TEST_F(BadAlgorithms, AreNotLookedForInAFolderWithoutRightsInSilence) {
  Put("good.py", test::kPlain);
  Put("signals/bot.py", "eval(rule)\n");
  const std::string locked = folder_ / "signals";
  std::filesystem::permissions(locked, std::filesystem::perms::none);
  const bool all_may = ::access(locked.c_str(), R_OK) == 0;  // root
  const auto sources = ReadTradingSources(folder_.path());
  std::filesystem::permissions(locked, std::filesystem::perms::owner_all);
  if (all_may) GTEST_SKIP() << "whoever runs this may read every folder";
  ASSERT_FALSE(sources.has_value());
  EXPECT_EQ(sources.error().code, StatusCode::kPermissionDenied);
  EXPECT_THAT(sources.error().message, HasSubstr("signals"));
}

TEST_F(BadAlgorithms, BehindALinkAreNamedAsNotRead) {
  Put("good.py", test::kPlain);
  std::filesystem::create_symlink("/etc/hostname", folder_ / "bot.py");
  std::filesystem::create_symlink("/etc/hostname", folder_ / "prices.csv");
  std::filesystem::create_directory_symlink("/etc", folder_ / "signals");
  const std::string why = "it is a symbolic link; links are not followed";
  EXPECT_THAT(Examine().unread, ElementsAre(UnreadFile{"bot.py", why}, UnreadFile{"signals", why}));
  EXPECT_THAT(TryBacktest().error().message, HasSubstr("prices.csv: ")) << "no prices are made up in its place";
}

/// CW-5: nothing to assess is no low risk.
TEST_F(BadAlgorithms, WithoutALineOfCodeAreNotRead) {
  Put("a.py", "");
  Put("b.py", "# to be written\n\"\"\"Later.\"\"\"\n");
  const ExaminedFolder folder = Examine();
  EXPECT_EQ(folder.programs_read, 0);
  EXPECT_EQ(folder.programs_empty, 2);
  EXPECT_THAT(folder.notes, ElementsAre("a.py: there is no code in it", "b.py: there is no code in it"));
  nodes::NodeConfig config = Config();
  config.python = "/nowhere/python3";
  std::filesystem::remove(folder_ / "b.py");
  const ExaminedFolder by_patterns = ExamineWith(nodes::NodeSettings(config));
  EXPECT_EQ(by_patterns.programs_read, 0);
  EXPECT_EQ(by_patterns.programs_empty, 1);
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

/// A program that breaks its contract does not look ahead by that.
TEST_F(BadAlgorithms, ThatBreakTheirContractAreAccusedOfNothingElse) {
  for (const char* body : {"return [0.5 for bar in bars][1:]", "return None", "return [float('nan')] * len(bars)",
                           "assert len(bars) > 500, 'too few'\n    return [0.5 for bar in bars]"}) {
    Put("bot.py", "def signals(bars, params):\n    " + std::string(body) + "\n");
    EXPECT_THAT(Rules(Tests().findings), ElementsAre("case-failed")) << body;
  }
  Put("bot.py", "def signals(bars, params):\n    return [0.5 for bar in bars][1:]\n");
  const BacktestReport report = Backtest();
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].rule, "broken-contract");
  EXPECT_EQ(report.fault, "the algorithm made no decisions over 520 bars: bot.py: it gives 519 decisions for 520 bars");
  EXPECT_THAT(Tests().findings.front().message, HasSubstr("it gives 139 decisions for 140 bars"));
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
  EXPECT_EQ(ReadTradingParameters(folder_.path(), Sources()).error().message, "parameters.json is not JSON (line 1, column 12)");
  Put("parameters.json", "{\"backtest\": {\"fee_bps\": -1}}");
  EXPECT_EQ(ReadTradingParameters(folder_.path(), Sources()).error().message,
            "parameters.json: backtest.fee_bps must be from 0 to 1000");
  Put("parameters.json", "{\"backtest\": {\"fees\": 1}}");
  EXPECT_EQ(ReadTradingParameters(folder_.path(), Sources()).error().message,
            "parameters.json: backtest.fees is not known");
}

/// What does not need the parameters is done without them, and blames the algorithm for nothing that may stand there.
TEST_F(BadAlgorithms, AreExaminedThoughTheirParametersAreNone) {
  Put("bot.py", std::string(test::kPlain) + "\nAPI_SECRET = 'q7Xv2LmN9tRz4KpW8sYb'\n");
  Put("parameters.json", "{\"stop_loss\": 0.1,\n \"max_weight\": 1.0,\n \"fee_bps\": }");
  const ExaminedFolder folder = Examine();
  EXPECT_THAT(Rules(folder.findings), ElementsAre("secret-in-code"));
  ASSERT_EQ(folder.unread.size(), 1u);
  EXPECT_EQ(folder.unread[0], (UnreadFile{"parameters.json", "parameters.json is not JSON (line 3, column 13)"}));
  EXPECT_EQ(TryBacktest().error().message, "parameters.json is not JSON (line 3, column 13)");
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
