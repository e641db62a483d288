// Sums over the calls of tools that agents leave behind: RC-10.
#include "activities/context/rules/tool_use.h"

#include <gmock/gmock.h>

#include "activities/context/records/context_store.h"

namespace wfe::context {
namespace {

using agent::AgentToolCall;
using agent::StepToolCalls;
using ::testing::IsEmpty;
using ::testing::SizeIs;

StepToolCalls StepWith(const std::string& id, const std::string& via, std::vector<AgentToolCall> calls) {
  StepToolCalls step{.id = id, .run_id = "r", .at = "2026-11-21T05:00:00.000Z", .via = via};
  step.count = static_cast<int64_t>(calls.size());
  step.calls = std::move(calls);
  return step;
}

TEST(ToolUse, IsCountedByToolAndByWhoCarriedItOut) {
  const AgentToolCall read{.tool = "read_file", .duration_ms = 4, .success = true};
  const AgentToolCall failed{.tool = "read_file", .duration_ms = 2};
  const AgentToolCall untimed{.tool = "shell", .success = true};
  StepToolCalls longest = StepWith("2", "tool_call", {read});
  longest.count = 7;
  const ToolUseReport report = ToolUseOf({StepWith("1", "tool_call", {read, failed}), longest,
                                          StepWith("3", "program", {untimed, read})});
  EXPECT_EQ(report.steps, 3);
  EXPECT_EQ(report.calls, 11);
  EXPECT_EQ(report.left_out, 6);
  ASSERT_THAT(report.tools, SizeIs(3));
  EXPECT_EQ(report.tools[0].tool, "read_file");
  EXPECT_EQ(report.tools[0].via, "tool_call");
  EXPECT_EQ(report.tools[0].steps, 2);
  EXPECT_EQ(report.tools[0].calls, 3);
  EXPECT_EQ(report.tools[0].failed, 1);
  EXPECT_NEAR(*report.tools[0].mean_duration_ms, 10.0 / 3, 1e-9);
  EXPECT_EQ(report.tools[1].via, "program");
  EXPECT_EQ(report.tools[2].tool, "shell");
  EXPECT_FALSE(report.tools[2].mean_duration_ms.has_value());
}

TEST(ToolUse, OfADayIsReadBackAndARowThatIsNoneIsAProblem) {
  MemoryRows rows;
  const StepToolCalls step = StepWith("1", "tool_call", {{.tool = "read_file", .success = true}});
  ASSERT_TRUE(WriteToolCalls(rows, "2026-11-21/1", step).has_value());
  ASSERT_TRUE(WriteToolCalls(rows, "2026-11-21/1", StepWith("1", "program", {})).has_value()) << "kept as it was";
  ASSERT_TRUE(rows.AppendRow(std::string(agent::kAgentToolCallsTable), "2026-11-21/2", "[]").has_value());
  std::vector<std::string> problems;
  const Instant noon = *ParseIso8601("2026-11-21T12:00:00.000Z");
  const auto read = ReadToolCalls(rows, noon, noon, problems);
  ASSERT_TRUE(read.has_value());
  ASSERT_THAT(*read, SizeIs(1));
  EXPECT_EQ(read->at(0).via, "tool_call");
  EXPECT_THAT(problems, SizeIs(1));
  EXPECT_THAT(*ReadToolCalls(rows, noon + std::chrono::hours(24), noon + std::chrono::hours(48), problems), IsEmpty());
}

}  // namespace
}  // namespace wfe::context
