// Histories that a Temporal server (1.29.1) wrote for the workflows of child_scenarios.cpp: children of every
// cancellation type and parent close policy, and requests to others (S78 to S82).  Today's code does what they say.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "tests/workers/child_scenarios.h"
#include "workers/core/history_json.h"
#include "workers/core/replayer.h"
#include "workers/sdk/workflow_registry.h"

namespace wfe::core::testing {
namespace {

namespace enums = temporal::api::enums::v1;
using temporal::api::history::v1::History;

std::vector<std::filesystem::path> RecordedHistories() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(WFE_SOURCE_DIR "/tests/testdata/sdk_children")) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

History Read(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  auto history = HistoryFromJson(text.str());
  EXPECT_TRUE(history.has_value()) << file;
  return history.has_value() ? history.value() : History();
}

TEST(CoreChildHistory, EveryPrefixOfWhatATemporalServerWroteReplays) {
  sdk::WorkflowRegistry registry;
  wfe::testing::RegisterChildScenarios(registry);
  const auto files = RecordedHistories();
  EXPECT_GE(files.size(), 40u);
  for (const auto& file : files) {
    const History history = Read(file);
    History prefix;
    for (const auto& event : history.events()) {
      *prefix.add_events() = event;
      const ReplayReport report = Replay(prefix, registry);
      ASSERT_TRUE(report.deterministic())
          << file.filename() << ", the first " << prefix.events_size() << " events: " << report.ToString();
    }
  }
}

TEST(CoreChildHistory, TheRecordedHistoriesHoldEveryEventAboutOtherWorkflows) {
  std::set<enums::EventType> seen;
  for (const auto& file : RecordedHistories()) {
    const History history = Read(file);
    for (const auto& event : history.events()) seen.insert(event.event_type());
  }
  for (int type = enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED;
       type <= enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED; ++type) {
    EXPECT_TRUE(seen.contains(static_cast<enums::EventType>(type))) << enums::EventType_Name(type);
  }
  for (const auto type : {enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED,
                          enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED,
                          enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED}) {
    EXPECT_TRUE(seen.contains(type)) << enums::EventType_Name(type);
  }
}

}  // namespace
}  // namespace wfe::core::testing
