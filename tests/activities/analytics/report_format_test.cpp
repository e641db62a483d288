// Numbers and dates of reports, and text from traces inside markup and markdown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/markdown_text.h"
#include "activities/analytics/reports/markup.h"
#include "activities/analytics/reports/svg_scale.h"

namespace wfe::analytics::reports {
namespace {

using testing::ElementsAre;

TEST(ReportFormat, ValuesAreWrittenByTheirUnit) {
  EXPECT_EQ(FormatValue(0.623, "share"), "62.3%");
  EXPECT_EQ(FormatValue(1234567, "tokens"), "1,234,567");
  EXPECT_EQ(FormatValue(0.0312, "usd"), "$0.0312");
  EXPECT_EQ(FormatValue(-12.5, "usd"), "−$12.50");
  EXPECT_EQ(FormatValue(252000, "ms"), "4 min 12 s");
  EXPECT_EQ(FormatValue(59990, "ms"), "1 min 0 s");
  EXPECT_EQ(FormatValue(7200000, "ms"), "2 h 0 min");
  EXPECT_EQ(FormatValue(1.345, "ratio").substr(0, 3), "1.3");
  EXPECT_EQ(FormatValue(84, "count"), "84");
  EXPECT_EQ(FormatShort(27412, "tokens"), "27.4k");
  EXPECT_EQ(FormatShort(1234567, "tokens"), "1.23M");
  EXPECT_EQ(FormatRound(0.5, "share"), "50%");
}

TEST(ReportFormat, NothingRoundsToMinusZero) {
  EXPECT_EQ(FormatFixed(-0.0001, 2), "0.00");
  EXPECT_EQ(FormatFixed(-1234.5, 1), "−1,234.5");
  EXPECT_EQ(FormatDifference(0.07, "share"), "+7.0\u00A0pts");
}

TEST(ReportFormat, SmallPValuesAreBounded) {
  EXPECT_EQ(FormatP(0.0000002), "<0.001");
  EXPECT_EQ(FormatP(0.0042), "0.004");
  EXPECT_EQ(FormatP(0.42), "0.42");
}

TEST(ReportFormat, AWindowNamesWhatItsEndsShareOnce) {
  EXPECT_EQ(FormatWindow("2026-11-14T00:00:00Z", "2026-11-21T00:00:00Z"), "14 to 21 Nov 2026");
  EXPECT_EQ(FormatWindow("2026-10-30T00:00:00Z", "2026-11-21T00:00:00Z"), "30 Oct to 21 Nov 2026");
  EXPECT_EQ(FormatWindow("2025-12-30T00:00:00Z", "2026-01-02T00:00:00Z"), "30 Dec 2025 to 2 Jan 2026");
  EXPECT_EQ(FormatWindow(std::nullopt, "2026-11-21T00:00:00Z"), "until 21 Nov 2026");
  EXPECT_EQ(FormatWindow(std::nullopt, std::nullopt), "all time");
  EXPECT_EQ(FormatInstant("yesterday"), "yesterday");
}

TEST(ReportFormat, LongIdsAreToldApartByTheirEnds) {
  EXPECT_EQ(ShortId("019a9e5b-1234-7abc-8def-0123456789ab"), "…6789ab");
  EXPECT_EQ(ShortId("short-run"), "short-run");
  EXPECT_EQ(ShortDigest("context:" + std::string(64, 'a')), "context:aaaaaaaa…");
  EXPECT_EQ(ShortDigest("a text that is longer than an id"), "a text that is longer than an id");
  EXPECT_EQ(Clip("äöüß", 3), "äö…");
}

TEST(ReportMarkup, TextFromTracesStaysText) {
  EXPECT_EQ(EscapeMarkup("<script>\"a\" & 'b'"), "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;");
  EXPECT_EQ(EscapeMarkup(std::string("a\0b\x1b", 4)), "a\uFFFDb\uFFFD");
  EXPECT_EQ(EscapeMarkup("\xff\xc3"), "\uFFFD\uFFFD");
  EXPECT_EQ(EscapeMarkup("\u202Egpj.exe"), "\uFFFDgpj.exe") << "text must not run backwards";
}

TEST(ReportMarkup, AnchorsKeepDistinctIdsDistinct) {
  EXPECT_EQ(AnchorOf("run-", "a/b"), "run-a_2fb");
  EXPECT_NE(AnchorOf("run-", "a/b"), AnchorOf("run-", "a_2fb"));
}

TEST(ReportMarkdown, TextFromTracesIsNoMarkup) {
  EXPECT_EQ(EscapeMarkdown("a|b *c* <d> [e](f)\n# g"), "a\\|b \\*c\\* &lt;d&gt; \\[e\\](f) \\# g");
  EXPECT_EQ(MarkdownCode("a`b``c"), "```a`b``c```");
  EXPECT_EQ(MarkdownCode("a|b", true), "`a\\|b`");
  EXPECT_EQ(MarkdownFence("```\nout", "diff"), "````diff\n```\nout\n````\n");
}

TEST(ReportScale, TicksAreRoundAndHoldTheData) {
  EXPECT_THAT(RoundTicks(0, 0.93, 4).at, ElementsAre(0, 0.25, 0.5, 0.75, 1));
  EXPECT_THAT(RoundTicks(0, 18, 4).at, ElementsAre(0, 5, 10, 15, 20));
  EXPECT_THAT(RoundTicks(0, 2, 4, 1).at, ElementsAre(0, 1, 2)) << "of counted things there is no half";
  const Ticks one = RoundTicks(5, 5, 4);
  EXPECT_LE(one.from, 5);
  EXPECT_GT(one.to, 5);
}

TEST(ReportScale, InstantsStandByTimeAndOtherLabelsSideBySide) {
  const XAxis time({"2026-11-14T00:00:00Z", "2026-11-15T00:00:00Z", "2026-11-18T00:00:00Z"}, 0, 100);
  EXPECT_TRUE(time.is_time());
  EXPECT_DOUBLE_EQ(time.At("2026-11-15T00:00:00Z"), 25);
  const XAxis names({"a", "b", "c"}, 0, 100);
  EXPECT_FALSE(names.is_time());
  EXPECT_DOUBLE_EQ(names.At("b"), 50);
}

}  // namespace
}  // namespace wfe::analytics::reports
