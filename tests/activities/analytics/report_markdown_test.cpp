// report.md: tables that are tables, and text that stays text (RP-1 to RP-4).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "activities/analytics/reports/reports.h"
#include "tests/activities/analytics/example_report.h"

namespace wfe::analytics {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string Markdown(const json& report) {
  Result<std::string> markdown = RenderMarkdown(report);
  EXPECT_TRUE(markdown.has_value()) << (markdown ? "" : markdown.error().message);
  return markdown ? *std::move(markdown) : "";
}

size_t Bars(const std::string& line) {
  size_t bars = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '|' && (i == 0 || line[i - 1] != '\\')) ++bars;
  }
  return bars;
}

/// Every line of a table has as many cells as its head.
void ExpectTablesAreWhole(const std::string& markdown) {
  std::istringstream lines(markdown);
  size_t expected = 0;
  bool in_fence = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) in_fence = !in_fence;
    if (in_fence || !line.starts_with("|")) {
      expected = 0;
      continue;
    }
    if (expected == 0) expected = Bars(line);
    EXPECT_EQ(Bars(line), expected) << line;
  }
}

TEST(ReportMarkdown, HasTheSectionsInTheirOrder) {
  const std::string markdown = Markdown(ExampleReport());
  size_t at = 0;
  for (const char* heading : {"# Build audit, 14 to 21 Nov 2026\n", "\n## Summary\n", "\n## Findings\n",
                              "\n## Token efficiency\n", "\n## Constraint effectiveness\n", "\n## Prompt refinement\n",
                              "\n## Context volatility\n", "\n## Trend\n", "\n## Appendix\n"}) {
    const size_t found = markdown.find(heading, at);
    ASSERT_NE(found, std::string::npos) << heading;
    at = found;
  }
}

TEST(ReportMarkdown, TheSummaryIsATableWithItsChanges) {
  EXPECT_THAT(Markdown(ExampleReport()),
              HasSubstr("| First-pass success rate | 61.9% | +7.0\u00A0pts better | 54.9% | 84 |"));
}

TEST(ReportMarkdown, AFindingNamesItsEvidenceAndItsDiff) {
  const std::string markdown = Markdown(ExampleReport());
  EXPECT_THAT(markdown, HasSubstr("### F2: Repairing TYPESCRIPT\\_TS2345 costs twice as much as other repairs"));
  EXPECT_THAT(markdown, HasSubstr("- **95% interval:** +7,120 to +13,180"));
  EXPECT_THAT(markdown, HasSubstr("- **p, adjusted:** &lt;0.001"));
  EXPECT_THAT(markdown, HasSubstr("```diff\n--- typescript-package version 3\n"));
  EXPECT_THAT(markdown, HasSubstr("wfe prompts activate typescript-package 4 --reason 'finding F2'"));
}

TEST(ReportMarkdown, ChartsAreBarsOfText) {
  const std::string markdown = Markdown(ExampleReport());
  EXPECT_THAT(markdown, HasSubstr("\nTYPESCRIPT_TS2345       ████"));
  EXPECT_THAT(markdown, HasSubstr("█ 21,840 (19,100 to 24,580)  n = 31\n"));
}

TEST(ReportMarkdown, TablesStayWholeWhateverTheTextsHold) {
  json report = ExampleReport();
  ExpectTablesAreWhole(Markdown(report));
  const std::string attack = "a|b\n| c | <script>`x`</script> ``` \\";
  report["audits"][0]["tables"][0]["rows"][0]["fixing"] = attack;
  report["audits"][0]["tables"][0]["rows"][0]["runs"] = json::array({attack});
  report["audits"][0]["charts"][0]["series"][0]["points"][0]["x"] = attack;
  report["header"]["problems"]["listed"][0]["file"] = attack;
  report["header"]["problems"]["listed"][0]["message"] = attack;
  report["findings"][1]["proposal"]["diff"] = "+```\n+# not a heading\n";
  const std::string markdown = Markdown(report);
  ExpectTablesAreWhole(markdown);
  EXPECT_THAT(markdown, HasSubstr("````diff\n+```\n+# not a heading\n````\n"));
}

TEST(ReportMarkdown, TextOfOthersTurnsNothingAround) {  // SEC-M4
  json report = ExampleReport();
  report["findings"][0]["title"] = "safe \u202egnihton\u202c\u009b2J";
  report["findings"][1]["proposal"]["diff"] = "+\u202eabc\x1b[2J\n";
  const std::string markdown = Markdown(report);
  for (const char* harmful : {"\u202e", "\u202c", "\u009b", "\x1b"}) EXPECT_THAT(markdown, Not(HasSubstr(harmful)));
}

TEST(ReportMarkdown, WhatIsAbsentIsLeftOut) {
  const std::string markdown = Markdown(SmallestReport());
  EXPECT_THAT(markdown, Not(HasSubstr("## Trend")));
  EXPECT_THAT(markdown, Not(HasSubstr("$")));
  EXPECT_THAT(markdown, HasSubstr("Nothing in this window calls for a change."));
}

TEST(ReportMarkdown, TheHeadingSaysThatNoModelWasCalled) {
  json report = ExampleReport();
  report["scripted_only"] = true;
  EXPECT_THAT(Markdown(report), HasSubstr("# Build audit, 14 to 21 Nov 2026 (scripted: no model was called)\n"));
}

TEST(ReportMarkdown, TheSameReportGivesTheSameBytes) {  // OP-11
  EXPECT_EQ(Markdown(ExampleReport()), Markdown(ExampleReport()));
}

TEST(ReportMarkdown, AMalformedReportIsRefused) {
  json report = ExampleReport();
  report["summary"] = "none";
  const Result<std::string> markdown = RenderMarkdown(report);
  ASSERT_FALSE(markdown.has_value());
  EXPECT_EQ(markdown.error().message, "audit report: summary must be a list");
  EXPECT_EQ(markdown.error().code, StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace wfe::analytics
