// Runs every file of tests/history/scenarios.  WFE_REWRITE=1 rewrites them: then read the diff.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/history/script.h"

namespace wfe::history {
namespace {

std::filesystem::path Folder() { return std::filesystem::path(WFE_SOURCE_DIR) / "tests/history/scenarios"; }

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class ScenarioFile : public testing::TestWithParam<std::string> {};

TEST_P(ScenarioFile, FollowsAsItSays) {
  const auto path = Folder() / (GetParam() + ".txt");
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  std::vector<Step> steps = ParseScript(text.str());
  ASSERT_FALSE(steps.empty());
  const bool rewrite = std::getenv("WFE_REWRITE") != nullptr;
  Execution execution;
  for (Step& step : steps) {
    SCOPED_TRACE(GetParam() + ": " + step.input.front());
    const std::string output = RunStep(execution, step);
    if (rewrite) {
      step.expected = output;
    } else {
      EXPECT_EQ(output, step.expected);
    }
  }
  if (rewrite) std::ofstream(path) << WriteScript(steps);
}

INSTANTIATE_TEST_SUITE_P(All, ScenarioFile, testing::ValuesIn(Names()), [](const auto& test) { return test.param; });

}  // namespace
}  // namespace wfe::history
