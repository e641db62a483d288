#include "engine/visibility/list_filter.h"

#include <gmock/gmock.h>

#include "engine/base/id_source.h"
#include "engine/base/proto_time.h"

namespace wfe::visibility {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

engine::v1::VisibilityRecord Closed() {
  engine::v1::VisibilityRecord record;
  record.set_workflow_id("build-7");
  record.set_run_id("r7");
  record.set_workflow_type("AuditedBuild");
  record.set_task_queue("farm");
  record.set_status(temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_TIMED_OUT);
  *record.mutable_start_time() = ToProto(*ParseIso8601("2026-01-02T03:04:05Z"));
  *record.mutable_close_time() = ToProto(*ParseIso8601("2026-01-02T04:00:00Z"));
  return record;
}
engine::v1::VisibilityRecord Open() {
  engine::v1::VisibilityRecord record = Closed();
  record.set_status(temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_RUNNING);
  record.clear_close_time();
  return record;
}

bool Matches(std::string_view query, const engine::v1::VisibilityRecord& record = Closed()) {
  const auto filter = ListFilter::Parse(query);
  EXPECT_TRUE(filter.has_value()) << query << ": " << filter.error().message;
  return filter.has_value() && filter->Matches(record);
}
std::string Complaint(std::string_view query) {
  const auto filter = ListFilter::Parse(query);
  if (filter.has_value()) return "no complaint";
  EXPECT_EQ(filter.error().code, StatusCode::kInvalidArgument);
  return filter.error().message;
}

TEST(ListFilter, AnEmptyQueryMatchesEverything) {
  EXPECT_TRUE(Matches(""));
  EXPECT_TRUE(Matches(" \n"));
}

TEST(ListFilter, EveryComparisonCompares) {  // S104
  EXPECT_TRUE(Matches("WorkflowId = 'build-7'"));
  EXPECT_FALSE(Matches("WorkflowId = 'build-8'"));
  EXPECT_TRUE(Matches("WorkflowId != \"build-8\""));
  EXPECT_TRUE(Matches("`WorkflowType` <> 'Other'"));
  EXPECT_TRUE(Matches("RunId < 'r8' and RunId <= 'r7' AND RunId > 'r6' AND RunId >= 'r7'"));
  EXPECT_TRUE(Matches("TaskQueue IN ('a', 'farm')"));
  EXPECT_FALSE(Matches("TaskQueue NOT IN ('a', 'farm')"));
  EXPECT_TRUE(Matches("WorkflowId BETWEEN 'build-1' AND 'build-7'"));
  EXPECT_TRUE(Matches("WorkflowId NOT BETWEEN 'build-1' AND 'build-6'"));
  EXPECT_TRUE(Matches("WorkflowId STARTS_WITH 'build-'"));
  EXPECT_TRUE(Matches("WorkflowId not starts_with 'x'"));
}

TEST(ListFilter, AStatusHasManySpellings) {
  for (const char* status : {"'TimedOut'", "'TIMED_OUT'", "\"timedout\"", "7"}) {
    EXPECT_TRUE(Matches("ExecutionStatus = " + std::string(status))) << status;
  }
  EXPECT_TRUE(Matches("ExecutionStatus IN ('Running', 'TimedOut')"));
  EXPECT_FALSE(Matches("ExecutionStatus = 'Running'"));
}

TEST(ListFilter, TimesAreTextsWithAnyOffsetOrNanoseconds) {
  EXPECT_TRUE(Matches("StartTime = '2026-01-02T03:04:05Z'"));
  EXPECT_TRUE(Matches("StartTime = '2026-01-02T05:04:05+02:00'"));
  EXPECT_TRUE(Matches("StartTime = '2026-01-01T22:34:05-04:30'"));
  EXPECT_TRUE(Matches("StartTime > 1767300000000000000 AND StartTime < '2026-01-02T03:04:05.001Z'"));
  EXPECT_TRUE(Matches("CloseTime BETWEEN '2026-01-02T00:00:00Z' AND '2026-01-03T00:00:00Z'"));
}

TEST(ListFilter, AndBindsMoreThanOrAndNotMoreThanBoth) {
  EXPECT_TRUE(Matches("WorkflowId = 'build-7' OR WorkflowId = 'x' AND WorkflowId = 'y'"));
  EXPECT_FALSE(Matches("(WorkflowId = 'build-7' OR WorkflowId = 'x') AND WorkflowId = 'y'"));
  EXPECT_FALSE(Matches("NOT WorkflowId = 'build-7' OR WorkflowId = 'x'"));
  EXPECT_TRUE(Matches("NOT (WorkflowId = 'x' OR NOT RunId = 'r7')"));
}

TEST(ListFilter, AnAbsentCloseTimeMakesComparisonsUnknown) {
  EXPECT_FALSE(Matches("CloseTime > '2000-01-01T00:00:00Z'", Open()));
  EXPECT_FALSE(Matches("NOT CloseTime > '2000-01-01T00:00:00Z'", Open()));
  EXPECT_TRUE(Matches("CloseTime > '2000-01-01T00:00:00Z' OR RunId = 'r7'", Open()));
  EXPECT_TRUE(Matches("CloseTime IS NULL", Open()));
  EXPECT_FALSE(Matches("CloseTime IS NULL"));
  EXPECT_TRUE(Matches("CloseTime IS NOT NULL"));
}

TEST(ListFilter, ARunIsFoundByItsParentAndByTheRootOfItsFamily) {  // S80
  EXPECT_TRUE(Matches("ParentWorkflowId IS NULL AND RootWorkflowId = 'build-7' AND RootRunId = 'r7'"));
  auto child = Closed();
  child.mutable_parent()->set_workflow_id("nightly");
  child.mutable_parent()->set_run_id("r1");
  child.mutable_root()->set_workflow_id("top");
  child.mutable_root()->set_run_id("r0");
  EXPECT_TRUE(Matches("ParentWorkflowId = 'nightly' AND ParentRunId = 'r1'", child));
  EXPECT_TRUE(Matches("RootWorkflowId STARTS_WITH 'to' AND RootRunId IN ('r0')", child));
  EXPECT_FALSE(Matches("RootWorkflowId = 'build-7'", child));
}

TEST(ListFilter, QuotesCanBeQuoted) {
  auto record = Closed();
  record.set_workflow_id("it's \"x\"\\");
  EXPECT_TRUE(Matches(R"(WorkflowId = 'it''s "x"\\')", record));
  EXPECT_TRUE(Matches(R"(WorkflowId = "it's \"x\"\\")", record));
}

TEST(ListFilter, ComplaintsNameThePlaceAndTheThing) {
  EXPECT_EQ(Complaint("WorkflowId = 'a' AND Colour = 'red'"),
            "unknown attribute \"Colour\" at position 22 of the filter; known are WorkflowId, RunId, WorkflowType, "
            "TaskQueue, "
            "ExecutionStatus, StartTime, CloseTime, ParentWorkflowId, ParentRunId, RootWorkflowId, RootRunId; custom search attributes are not served");
  EXPECT_EQ(Complaint("workflowid = 'a'").substr(0, 30), "unknown attribute \"workflowid\"");
  EXPECT_EQ(Complaint("WorkflowId 'a'"), "expected a comparison, found \"a\" at position 12 of the filter");
  EXPECT_EQ(Complaint("WorkflowId = a"), "expected a text in quotes, found \"a\" at position 14 of the filter");
  EXPECT_EQ(Complaint("WorkflowId ="), "expected a text in quotes, found the end at position 13 of the filter");
  EXPECT_EQ(Complaint("WorkflowId = 'a"), "the text that begins at position 14 does not end");
  EXPECT_EQ(Complaint("WorkflowId = 'a' ORDER BY StartTime"),
            "expected AND, OR or the end, found \"ORDER\" at position 18 of the filter");
  EXPECT_EQ(Complaint("(WorkflowId = 'a'"), "expected \")\", found the end at position 18 of the filter");
  EXPECT_EQ(Complaint("WorkflowId = 'a';"), "unexpected character at position 17 of the filter");
  EXPECT_EQ(Complaint("ExecutionStatus = 'Lost'"), "\"Lost\" is no execution status at position 19 of the filter");
  EXPECT_EQ(Complaint("StartTime > 'today'"),
            "\"today\" is no time like 2026-11-21T05:15:02Z at position 13 of the filter");
  EXPECT_EQ(Complaint("StartTime > 99999999999999999999"), "the number is too large at position 13 of the filter");
  EXPECT_EQ(Complaint("StartTime STARTS_WITH '2026'"), "STARTS_WITH is for texts only at position 11 of the filter");
  EXPECT_EQ(Complaint("WorkflowId NOT = 'a'"),
            "expected IN, BETWEEN or STARTS_WITH, found \"=\" at position 16 of the filter");
  EXPECT_THAT(Complaint(std::string(1000, '(')), HasSubstr("too many levels"));
  EXPECT_THAT(Complaint(std::string(100'000, ' ')), HasSubstr("longer than"));
}

TEST(ListFilter, AStatusTellsWhichRowsNeedNotBeRead) {
  const auto running = ListFilter::Parse("WorkflowId = 'a' AND ExecutionStatus = 'Running'").value();
  EXPECT_TRUE(running.MayMatchOpen());
  EXPECT_FALSE(running.MayMatchClosed());
  const auto closed = ListFilter::Parse("ExecutionStatus != 'Running'").value();
  EXPECT_FALSE(closed.MayMatchOpen());
  EXPECT_TRUE(closed.MayMatchClosed());
  const auto either = ListFilter::Parse("WorkflowId = 'a' OR ExecutionStatus = 'Running'").value();
  EXPECT_TRUE(either.MayMatchOpen() && either.MayMatchClosed());
}

TEST(ListFilter, RandomTokensNeverDoMoreThanFail) {
  const std::string pieces[] = {"WorkflowId",
                                "StartTime",
                                "ExecutionStatus",
                                "=",
                                "!=",
                                "<",
                                "(",
                                ")",
                                ",",
                                "'a'",
                                "\"",
                                "'",
                                "7",
                                "-",
                                "AND",
                                "OR",
                                "NOT",
                                "IN",
                                "BETWEEN",
                                "STARTS_WITH",
                                "IS",
                                "NULL",
                                "\\",
                                "`",
                                "\xff",
                                std::string("\0", 1),
                                "2026-01-01T00:00:00Z",
                                "'2026-01-01T00:00:00Z'",
                                " "};
  SeededIdSource random(3);
  int parsed = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string query;
    for (uint64_t n = random.NextRandom() % 12; n > 0; --n) {
      query += random.NextRandom() % 8 == 0 ? std::string(1, static_cast<char>(random.NextRandom()))
                                            : pieces[random.NextRandom() % std::size(pieces)];
      if (random.NextRandom() % 2 == 0) query += ' ';
    }
    const auto filter = ListFilter::Parse(query);
    if (!filter.has_value()) continue;
    ++parsed;
    filter->Matches(Open());
    filter->Matches(Closed());
  }
  EXPECT_GT(parsed, 100);
}

}  // namespace
}  // namespace wfe::visibility
