// A worker's machine and a folder with an algorithm, for the tests of trading.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "activities/packaged/trading/examine.h"
#include "activities/packaged/trading/example.h"
#include "activities/packaged/trading/measure.h"
#include "activities/packaged/trading/rules.h"
#include "activities/packaged/trading/test_cases.h"
#include "engine/base/check.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::trading::test {

inline constexpr const char* kPlain = R"py(
def signals(bars, params):
    return [0.5 for bar in bars]
)py";

class TradingMachine : public testing::Test {
 protected:
  TradingMachine() : settings_(Config()) {}

  void NeedsPython() {
    if (const auto python = settings_.Python(); !python) GTEST_SKIP() << python.error().message;
  }
  void Put(const std::string& name, const std::string& text) {
    const std::filesystem::path path = std::filesystem::path(folder_.path()) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  void PutExample() {
    for (const packaged::ExampleFile& file : TradingExample()) Put(std::string(file.name), std::string(file.text));
  }
  /// The example with another algorithm, and nothing that is wrong beside it.
  void PutClean() {
    PutExample();
    Put("momentum.py", Text(std::string(WFE_SOURCE_DIR) + "/tests/activities/packaged/trading/clean/momentum.py"));
    std::filesystem::remove(std::filesystem::path(folder_.path()) / "broker.ini");
  }
  static std::string Text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }

  TradingSources Sources() {
    auto sources = ReadTradingSources(folder_.path());
    WFE_CHECK(sources.has_value(), sources.error().message);
    return *std::move(sources);
  }
  ExaminedFolder Examine() { return ExamineWith(settings_); }
  ExaminedFolder ExamineWith(const nodes::NodeSettings& settings) {
    auto folder = ExamineFolder(settings, folder_.path(), Sources(), {});
    WFE_CHECK(folder.has_value(), folder.error().message);
    return *std::move(folder);
  }
  Result<BacktestReport> TryBacktest() {
    return BacktestFolder(settings_, folder_.path(), Sources(), Examine(), {});
  }
  BacktestReport Backtest() {
    auto report = TryBacktest();
    WFE_CHECK(report.has_value(), report.error().message);
    return *std::move(report);
  }
  TestCases Tests() {
    const TradingSources sources = Sources();
    const auto loaded = LoadSources(folder_.path(), sources);
    const auto parameters = ReadTradingParameters(folder_.path(), sources);
    auto cases = RunGeneratedTests(settings_, *loaded, Examine().entry, parameters->algorithm, {});
    WFE_CHECK(cases.has_value(), cases.error().message);
    return *std::move(cases);
  }
  /// "rule file:line" of each, in their order.
  static std::vector<std::string> Told(const std::vector<TradingFinding>& findings) {
    std::vector<std::string> told;
    for (const TradingFinding& one : findings) {
      told.push_back(one.rule + " " + one.file + (one.line > 0 ? ":" + std::to_string(one.line) : ""));
    }
    return told;
  }
  static std::set<std::string> Rules(const std::vector<TradingFinding>& findings) {
    std::set<std::string> rules;
    for (const TradingFinding& one : findings) rules.insert(one.rule);
    return rules;
  }

  nodes::NodeConfig Config() const {
    nodes::NodeConfig config;
    config.work_root = root_ / "work";
    config.path = "/usr/local/bin:/usr/bin:/bin";
    return config;
  }

  const wfe::test::TempDir root_;
  const wfe::test::TempDir folder_;
  const nodes::NodeSettings settings_;
};

}  // namespace wfe::trading::test
