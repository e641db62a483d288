// The dashboard's figures are recounts of stored rows; its text fits a terminal; its page is a document of its own.
// (RP-5, RP-6, RP-12)
#include "activities/dashboard/figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <pugixml.hpp>
#include <sstream>

#include "activities/agent/cost/call_log.h"
#include "activities/analytics/reports/format.h"
#include "activities/dashboard/page.h"
#include "activities/dashboard/source.h"
#include "activities/dashboard/text.h"
#include "activities/learning/records/timed_rows.h"
#include "tools/demo/memory_records.h"

namespace wfe::dashboard {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const Instant kNow = *ParseIso8601("2026-11-26T12:00:00Z");

std::string At(Duration ago) { return FormatIso8601Millis(kNow - ago); }

class DashboardTest : public ::testing::Test {
 protected:
  learning::UsageRow& Ran(const std::string& run, Duration ago, const std::string& outcome, int64_t duration_ms,
                          Money cost) {
    learning::UsageRow row;
    row.workflow_run_id = run;
    row.nl_input = "count the words of <b>a text</b>";
    row.workflow_type = "StreamlinedGenerationWorkflow";
    row.created_at = At(ago);
    row.duration_ms = duration_ms;
    row.cost_usd = cost;
    row.success = outcome != "failed";
    row.outcome = outcome;
    rows_.usage.push_back(std::move(row));
    return rows_.usage.back();
  }
  void Reported(const std::string& run, Duration ago, double score, int64_t fixes) {
    learning::GenerationReport report;
    report.report_id = run + "-" + std::to_string(++reports_);
    report.node_id = "node";
    report.workflow_run_id = run;
    report.overall_score = score;
    report.grade = "A";
    report.auto_fixes_applied = fixes;
    report.created_at = At(ago);
    rows_.reports.push_back(std::move(report));
  }
  learning::CycleRow& Cycled(const std::string& cycle, Duration ago) {
    learning::CycleRow row;
    row.cycle_id = cycle;
    row.template_id = "generation-python";
    row.at = At(ago);
    row.sentence = "nothing changed: too few";
    rows_.cycles.push_back(std::move(row));
    return rows_.cycles.back();
  }
  void Called(const std::string& id, const std::string& at, const std::string& model, double usd) {
    const nlohmann::json row = {{"call_id", id},         {"status", "done"},      {"started", at},
                                {"time", at},            {"model", model},        {"input_tokens", 1000},
                                {"output_tokens", 100},  {"cached_tokens", 0},    {"cost_usd", usd},
                                {"workflow_id", "some"}, {"workflow_type", "Any"}};
    ASSERT_TRUE(rows_.calls.Add(row.dump()).has_value());
  }
  Dashboard Make(Duration window = 24h) const { return MakeDashboard(rows_, kNow, window); }

  DashboardRows rows_;
  int reports_ = 0;
};

TEST_F(DashboardTest, CountsGenerationsOfTheWindowByTheirThreeEnds) {  // RP-5, SG-7
  Ran("a", 1h, "success_first_pass", 8000, Money::Nanos(10'000'000));
  Ran("b", 2h, "success_after_escalation", 16'000, Money::Nanos(23'000'001));
  Ran("c", 3h, "failed", 12'000, Money::Nanos(20'000'000)).escalated = true;
  Ran("d", 4h, "success_first_pass", 400, Money()).scripted = true;
  Ran("e", 5h, "success_first_pass", 9999, Money::Nanos(1)).unpriced_calls = 1;
  Ran("old", 24h, "failed", 1, Money::Usd(100));
  Ran("other", 1h, "failed", 1, Money::Usd(100)).workflow_type = "AuditedBuildWorkflow";
  const GenerationFigures figures = Make().generations;
  EXPECT_EQ(figures.generations, 5);
  EXPECT_EQ(figures.success_first_pass, 3);
  EXPECT_EQ(figures.success_after_escalation, 1);
  EXPECT_EQ(figures.failed, 1);
  EXPECT_DOUBLE_EQ(*figures.success_rate, 0.8);
  EXPECT_DOUBLE_EQ(*figures.mean_duration_ms, (8000 + 16'000 + 12'000 + 400 + 9999) / 5.0);
  EXPECT_EQ(figures.within_target, 3);
  EXPECT_EQ(figures.cost_usd, Money::Nanos(53'000'002));
  EXPECT_EQ(figures.priced, 3);
  EXPECT_EQ(*figures.mean_cost_usd, Money::Nanos(17'666'667)) << "of the runs whose calls all have a price";
  EXPECT_EQ(figures.unpriced, 1);
  EXPECT_EQ(figures.scripted, 1);
  EXPECT_EQ(Make().analysis.escalations, 2) << "those that failed, too";
  EXPECT_EQ(Make(25h).generations.generations, 6);
}

TEST_F(DashboardTest, MeansQualityOverTheFirstAnswerOfEachRun) {  // RP-5, PO-2
  Reported("a", 2h, 0.4, 1);
  Reported("a", 1h, 1.0, 2);
  Reported("b", 1h, 0.8, 0);
  Reported("early", 25h, 0.1, 5);
  Reported("early", 23h, 1.0, 1);
  const AnalysisFigures figures = Make().analysis;
  EXPECT_EQ(figures.reports, 4);
  EXPECT_EQ(figures.first_answers, 2) << "the first answer of the run that began before the window is not in it";
  EXPECT_DOUBLE_EQ(*figures.mean_quality, 0.6);
  EXPECT_EQ(figures.auto_fixes, 4);
}

TEST_F(DashboardTest, TellsWhatTheOptimizerDidAndWhetherQualityMoves) {  // RP-5, PO-8
  EXPECT_TRUE(Make().optimization.last_run_at.empty());
  Cycled("one", 30h);
  auto& applied = Cycled("two", 3h);
  applied.deployment.mode = learning::kDeployedActive;
  applied.changed = true;
  applied.sentence = "version 2 is active now";
  Cycled("two", 3h).template_id = "generation-cpp";
  Cycled("three", 2h).measurement.action = learning::kMeasuredRolledBack;
  for (int day = 0; day < 14; ++day) {
    for (int i = 0; i < 3; ++i) {
      const std::string run = std::to_string(day) + "." + std::to_string(i);
      Reported(run, day * 24h + 1h + i * 1min, day < 7 ? 0.9 + i * 0.01 : 0.6 + i * 0.01, 0);
    }
  }
  const OptimizationFigures figures = Make().optimization;
  EXPECT_EQ(figures.last_run_at, At(2h));
  EXPECT_THAT(figures.last_run, ::testing::ElementsAre("generation-python: nothing changed: too few"));
  EXPECT_EQ(figures.cycles, 2) << "a cycle has a row for each template";
  EXPECT_EQ(figures.improvements, 1);
  EXPECT_EQ(figures.taken_back, 1);
  ASSERT_EQ(figures.days.size(), 7U);
  int64_t answers = 0;
  for (const DayOfQuality& day : figures.days) answers += day.answers;
  EXPECT_EQ(answers, 21);
  EXPECT_DOUBLE_EQ(*figures.days.back().mean_quality, *Make().analysis.mean_quality);
  EXPECT_EQ(figures.direction, "rising");
  rows_.cycles.pop_back();
  EXPECT_THAT(Make().optimization.last_run, ::testing::ElementsAre("generation-python: version 2 is active now"));
}

TEST_F(DashboardTest, SumsCallsOfTodayThisMonthAndInAll) {  // RP-6, QF-1
  Called("1", "2026-11-26T00:00:00.000Z", "small", 0.25);
  Called("2", "2026-11-25T23:59:59.999Z", "large", 0.5);
  Called("3", "2026-10-31T23:59:59.999Z", "large", 1);
  const CostFigures figures = Make().costs;
  EXPECT_EQ(figures.today.cost_usd, *Money::Parse("0.25"));
  EXPECT_EQ(figures.month.cost_usd, *Money::Parse("0.75"));
  EXPECT_EQ(figures.total.cost_usd, *Money::Parse("1.75"));
  EXPECT_EQ(figures.total.calls, 3);
  EXPECT_EQ(*figures.mean_call_usd, Money::Nanos(583'333'333));
  ASSERT_EQ(figures.by_model.size(), 2U);
  EXPECT_EQ(figures.by_model[0].name, "large");
  EXPECT_EQ(figures.by_model[0].cost_usd, *Money::Parse("1.5"));
}

/// Everything that can be there, with names as long and as hostile as they come.
void Fill(DashboardRows& rows) {
  rows.budgets.push_back({.budget = "daily of a-workflow-type-with-a-very-long-name",
                          .period = "2026-11-26",
                          .limit_usd = Money::Usd(50),
                          .used_usd = Money::Usd(45),
                          .reserved_usd = Money::Usd(10),
                          .warn_at_percent = 80,
                          .on_exceed = "block"});
  rows.budgets.push_back({.budget = "monthly", .period = "2026-11", .used_usd = Money::Usd(7), .on_exceed = "warn"});
  rows.budgets.push_back({.budget = "run", .limit_usd = Money(), .warn_at_percent = 80, .on_exceed = "block"});
  rows.budgets.push_back(
      {.budget = "none", .period = "2026-11", .limit_usd = Money(), .warn_at_percent = 0, .on_exceed = "defer"});
  rows.problems.push_back("row \x1b[31m\xff of table x cannot be read: " + std::string(200, 'y'));
}

TEST_F(DashboardTest, TextFitsEightyColumnsAndNothingInItMovesTheCursor) {  // RP-5, RP-6, SEC-M4
  for (const bool full : {false, true}) {
    if (full) {
      Ran("a", 1h, "success_first_pass", 8000, Money::Nanos(10'000'000));
      Reported("a", 1h, 0.9, 1);
      Cycled("one", 1h).sentence = "rolled back\n\x1b[2J" + std::string(300, 'x');
      Called("1", "2026-11-26T00:00:00.000Z", "a-model\x07-" + std::string(80, 'm'), 1234.5);
      Fill(rows_);
    }
    const std::string text = DashboardText(Make(), 80);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(analytics::reports::Characters(line), 80U) << line;
      EXPECT_EQ(line.find('\x1b'), std::string::npos) << line;
      EXPECT_EQ(line.find('\x07'), std::string::npos) << line;
    }
    EXPECT_THAT(text, HasSubstr(full ? "target < 10.0 s: met by 1 of 1" : "never run"));
  }
}

TEST_F(DashboardTest, SparklineSpansItsValuesAndLeavesGaps) {
  EXPECT_EQ(Sparkline({0.5, std::nullopt, 0.75, 1.0}), "▁ ▅█");
  EXPECT_EQ(Sparkline({0.5, 0.5}), "▅▅");
  EXPECT_EQ(Sparkline({}), "");
}

TEST_F(DashboardTest, PageIsWellFormedFetchesNothingAndLeadsFromFiguresToRows) {  // RP-5, RP-6, SEC-M4
  Ran("a", 1h, "success_first_pass", 8000, Money::Nanos(10'000'000));
  Reported("a", 1h, 0.9, 1);
  Cycled("one", 1h).sentence = "<script>alert(1)</script>";
  Called("1", "2026-11-26T00:00:00.000Z", "a<model", 0.5);
  Fill(rows_);
  const std::string page = DashboardPage(Make(), rows_, kNow, 24h);
  pugi::xml_document document;
  const auto parsed = document.load_string(page.c_str(), pugi::parse_default | pugi::parse_cdata | pugi::parse_doctype);
  ASSERT_TRUE(parsed) << parsed.description() << " at " << page.substr(static_cast<size_t>(parsed.offset), 80);
  EXPECT_EQ(page.find("http://"), std::string::npos);
  EXPECT_EQ(page.find("https://"), std::string::npos);
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  for (const pugi::xpath_node link : document.select_nodes("//a[starts-with(@href, '#')]")) {
    const std::string id = std::string(link.node().attribute("href").value()).substr(1);
    EXPECT_TRUE(document.select_node(("//*[@id='" + id + "']").c_str())) << "no part has the id " << id;
  }
  EXPECT_EQ(document.select_nodes("//*[@id='rows']//tbody/tr").size(), 4U) << "one row of each kind";
  EXPECT_TRUE(document.select_node("//*[@class='used over']")) << "a budget beyond its mark stands out";
}

TEST_F(DashboardTest, ReadsAgainOnlyWhatMayHaveChangedAndFindsItsRows) {  // RP-12
  wfe::demo::MemoryRecords service;
  client::RecordsClient records(service);
  const auto put = [&](std::string_view table, const std::string& id, const auto& row, const std::string& at) {
    service.tables[std::string(table)][*learning::TimedKey(at, id)] = learning::RowText(row);
  };
  Ran("a", 1h, "success_first_pass", 8000, Money());
  Ran("b", 72h, "failed", 8000, Money());
  for (const learning::UsageRow& row : rows_.usage) {
    put(learning::kUsageTable, row.workflow_run_id, row, row.created_at);
  }
  Cycled("long ago", 100 * 24h);
  put(learning::kCyclesTable, "long-ago", rows_.cycles[0], rows_.cycles[0].at);
  service.tables[std::string(learning::kUsageTable)][*learning::TimedKey(At(80h), "broken")] = "{";

  DashboardSource source(records, [] { return std::vector<client::BudgetFigure>(); });
  auto read = source.Read(kNow, 24h);
  ASSERT_TRUE(read.has_value()) << read.error().ToString();
  EXPECT_EQ(MakeDashboard(**read, kNow, 24h).generations.generations, 1);
  EXPECT_EQ(MakeDashboard(**read, kNow, 96h).generations.generations, 2);
  EXPECT_EQ(MakeDashboard(**read, kNow, 24h).optimization.last_run_at, At(100 * 24h));
  ASSERT_EQ((*read)->problems.size(), 1U);
  EXPECT_THAT((*read)->problems[0], HasSubstr("broken of table usage_history"));

  // A run of yesterday that ends now is seen; what is older is not read again.
  put(learning::kUsageTable, "late", Ran("late", 20h, "failed", 1, Money()), At(20h));
  service.tables[std::string(learning::kUsageTable)].erase(*learning::TimedKey(At(72h), "b"));
  read = source.Read(kNow + 1min, 24h);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(MakeDashboard(**read, kNow, 24h).generations.generations, 2);
  EXPECT_EQ(MakeDashboard(**read, kNow, 96h).generations.generations, 3);
  EXPECT_EQ((*read)->problems.size(), 1U) << "told once for each look";
}

}  // namespace
}  // namespace wfe::dashboard
