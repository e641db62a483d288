// The stored form of a state: bytes that older versions wrote, and rows that do not fit themselves.
#include "engine/history/state_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "engine/history/decide.h"
#include "tests/history/execution.h"

namespace wfe::history {
namespace {

using testing::HasSubstr;

std::string Unhex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

/// The state rows of the store that a program with format 2 wrote.
std::vector<std::string> OldRows() {
  std::ifstream file(std::string(WFE_SOURCE_DIR) + "/tests/testdata/stores/format_2.rows");
  std::vector<std::string> rows;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string family, key, value;
    words >> family >> key >> value;
    if (family == "state") rows.push_back(Unhex(value));
  }
  return rows;
}

TEST(StateCodec, WritesWhatOlderVersionsWroteByteForByte) {
  const auto rows = OldRows();
  ASSERT_EQ(rows.size(), 9u);
  int activities = 0, timers = 0, buffered = 0, transient = 0, started = 0;
  for (const std::string& bytes : rows) {
    engine::v1::MutableState row;
    ASSERT_TRUE(row.ParseFromString(bytes));
    const Result<MutableState> state = FromCheckpoint(row);
    ASSERT_TRUE(state.has_value()) << state.error().message;
    ASSERT_EQ(Bytes(row), bytes);
    started += row.folded().has_started() ? 1 : 0;
    row.mutable_folded()->clear_started();  // it is in the history
    EXPECT_EQ(Bytes(ToCheckpoint(*state)), Bytes(row)) << row.ShortDebugString();
    activities += static_cast<int>(state->activities().size());
    timers += static_cast<int>(state->timers().size());
    buffered += static_cast<int>(state->buffer().events.size());
    transient += state->workflow_task().IsTransient() ? 1 : 0;
  }
  // The rows are worth something only if there is something in them.
  EXPECT_EQ(activities, 3);
  EXPECT_EQ(timers, 2);
  EXPECT_EQ(buffered, 2);
  EXPECT_EQ(transient, 1);
  EXPECT_EQ(started, 1);
}

TEST(StateCodec, RefusesAStateWhosePartsDoNotFitAndNamesTheRun) {
  engine::v1::MutableState row;
  row.mutable_folded()->set_workflow_id("w1");
  row.mutable_folded()->set_run_id("r1");
  row.mutable_folded()->set_next_event_id(9);
  row.mutable_folded()->add_activities()->set_scheduled_event_id(5);
  const auto refusal = [&] {
    const Result<MutableState> state = FromCheckpoint(row);
    EXPECT_FALSE(state.has_value());
    EXPECT_EQ(state.has_value() ? StatusCode::kOk : state.error().code, StatusCode::kDataLoss);
    return state.has_value() ? "" : state.error().message;
  };
  EXPECT_THAT(refusal(), HasSubstr("workflow w1, run r1 is damaged: 0 attempts belong to 1 open activities"));
  row.mutable_bookkeeping()->add_activity_attempts()->set_scheduled_event_id(6);
  EXPECT_THAT(refusal(), HasSubstr("activity 5 has no attempt of its own"));
  row.mutable_bookkeeping()->mutable_activity_attempts(0)->set_scheduled_event_id(5);
  row.mutable_folded()->add_timers()->set_started_event_id(7);
  row.mutable_folded()->add_timers()->set_started_event_id(7);
  EXPECT_THAT(refusal(), HasSubstr("timer 7 is there twice"));
  row.mutable_folded()->set_next_event_id(7);
  EXPECT_THAT(refusal(), HasSubstr("timer 7 is started by no event"));
  row.mutable_folded()->set_next_event_id(5);
  EXPECT_THAT(refusal(), HasSubstr("activity 5 is scheduled by no event"));
}

}  // namespace
}  // namespace wfe::history
