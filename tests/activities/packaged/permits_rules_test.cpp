// What rules find in permit documents without a model (CW-2): days, periods, values, gaps; and every problem that is
// planted in the example, by its name.
#include <gmock/gmock.h>

#include <algorithm>

#include "activities/documents/document_text.h"
#include "activities/packaged/permits/example.h"
#include "activities/packaged/permits/review.h"

namespace wfe::packaged {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

Day On(const char* day) { return *ParseIsoDay(day); }

std::vector<std::string> DaysIn(const std::string& text) {
  std::vector<std::string> days;
  for (const FoundDate& date : FindDates(text)) days.push_back(date.day ? IsoDay(*date.day) : "none: " + date.text);
  return days;
}

PermitReview Review(const std::vector<std::pair<std::string, std::string>>& documents, const char* as_of = "2026-06-01",
                    const WorkCalendar& calendar = {}) {
  std::vector<PermitFacts> facts;
  for (const auto& [name, text] : documents) facts.push_back(ExtractPermitFacts(name, text));
  return ReviewPermits(std::move(facts), {.as_of = On(as_of), .soon_days = 30, .calendar = calendar});
}

std::string DayOf(const std::string& sentence, const WorkCalendar& calendar = {}) {
  const PermitReview review = Review({{"a.md", "Notified on: 2026-03-05\n\n" + sentence + "\n"}}, "2026-01-01", calendar);
  if (review.deadlines.size() != 1) return std::to_string(review.deadlines.size()) + " deadlines";
  const DatedDeadline& deadline = review.deadlines[0];
  return deadline.date.empty() ? "open" : deadline.date;
}

TEST(Dates, AreReadInTheUsualNotations) {
  EXPECT_THAT(DaysIn("2026-06-30, 30.06.2026, 30/06/2026, 06/30/2026"),
              ElementsAre("2026-06-30", "2026-06-30", "2026-06-30", "2026-06-30"));
  EXPECT_THAT(DaysIn("30 June 2026; 30-Jun-2026; 30th of June 2026; June 30, 2026; 30. Juni 2026; 3. M\xC3\xA4rz 2026"),
              ElementsAre("2026-06-30", "2026-06-30", "2026-06-30", "2026-06-30", "2026-06-30", "2026-03-03"));
  EXPECT_THAT(DaysIn("31 June 2026, 2026-02-29, 29.02.2028"), ElementsAre("none: 31 June 2026", "none: 2026-02-29", "2028-02-29"));
  EXPECT_THAT(DaysIn("12345-06-30, parcel 214/3, 1.2.3, version 2026.1"), IsEmpty());
  EXPECT_TRUE(FindDates("03/04/2026")[0].ambiguous);
  EXPECT_FALSE(FindDates("13/04/2026")[0].ambiguous);
}

TEST(Deadlines, FallOnTheNextWorkingDayAfterAHoliday) {
  const auto easter = WorkCalendar::Parse("# Easter\n2026-04-03 Good Friday\n\n2026-04-06 Easter Monday\n");
  ASSERT_TRUE(easter.has_value());
  EXPECT_EQ(DayOf("It shall be submitted within 30 days of notification.", *easter), "2026-04-07");
  EXPECT_EQ(DayOf("It shall be submitted within 30 days of notification."), "2026-04-06");
  EXPECT_EQ(DayOf("It shall be submitted within 20 working days after notification.", *easter), "2026-04-02");
  EXPECT_EQ(DayOf("It shall be submitted within 21 working days after notification.", *easter), "2026-04-07");
  EXPECT_THAT(WorkCalendar::Parse("2026-13-01 no month").error().message, HasSubstr("line 1"));
}

TEST(Deadlines, AreCountedFromTheDayThatTheSentenceNames) {
  EXPECT_EQ(DayOf("Objections may be raised within one month of notification."), "2026-04-06");  // the 5th is a Sunday
  EXPECT_EQ(DayOf("The report is due no later than two weeks after notification."), "2026-03-19");
  EXPECT_EQ(DayOf("It shall be reported at least 5 working days before the start of construction."), "open");
  EXPECT_EQ(DayOf("A guarantee shall be provided within 14 days."), "open");
  EXPECT_EQ(DayOf("The report shall be submitted by 30 June 2026."), "2026-06-30");
  EXPECT_EQ(DayOf("Valid until: 31 December 2026"), "2026-12-31");
  EXPECT_EQ(DayOf("The meeting was on 30 June 2026 and lasted for 3 months."), "0 deadlines");
  const WorkCalendar weekends;
  EXPECT_EQ(IsoDay(weekends.End(On("2026-01-31"), 1, PeriodUnit::kMonths)), "2026-02-28");
  EXPECT_EQ(IsoDay(weekends.End(On("2028-02-29"), 1, PeriodUnit::kYears)), "2029-02-28");
  EXPECT_EQ(IsoDay(weekends.End(On("2026-08-17"), -10, PeriodUnit::kWorkingDays)), "2026-08-03");
}

TEST(Values, AreComparedInTheSameUnit) {
  EXPECT_THAT(Review({{"a", "The plant has a rated power of 12.5 MW.\n"}, {"b", "Rated power: 12,500 kW\n"}}).findings, IsEmpty());
  EXPECT_THAT(Review({{"a", "The site area is 8,400 m\xC2\xB2.\n"}, {"b", "Site area: 0.84 ha\n"}, {"c", "Site area: 8.400 m2\n"}}).findings,
              IsEmpty());
  const PermitReview differ = Review({{"a", "Parcel: 214/3\n"}, {"b", "on parcel no. 214/2 in the east\n"}, {"c", "Plot: 214 / 3\n"}});
  ASSERT_EQ(differ.findings.size(), 1U);
  EXPECT_EQ(differ.findings[0].statement, "parcel: 214/3 in a, c; 214/2 in b");
  EXPECT_EQ(differ.findings[0].severity, "high");
}

/// CW-2: every value that the page lists as compared, as a plain line of two documents.
TEST(Values, OfPlainFieldsAreCompared) {
  const auto said = [](const std::string& one, const std::string& other) {
    const PermitReview review = Review({{"a", one + "\n"}, {"b", other + "\n"}});
    return review.findings.size() == 1 ? review.findings[0].statement : std::to_string(review.findings.size());
  };
  EXPECT_EQ(said("Address: Am Lindenhof 7", "Address: Am Lindenhof 9"), "address: Am Lindenhof 7 in a; Am Lindenhof 9 in b");
  EXPECT_EQ(said("Address: Am Lindenhof 7", "Site address: Am Lindenhof 9"),
            "address: Am Lindenhof 7 in a; Am Lindenhof 9 in b");
  EXPECT_EQ(said("Throughput: 900 t/a", "Throughput: 1,200 t/a"), "throughput: 1,200 t/a in b; 900 t/a in a");
  EXPECT_EQ(said("Energy: 40 MWh", "Energy: 42 MWh"), "energy capacity: 40 MWh in a; 42 MWh in b");
  EXPECT_EQ(said("Power: 10 MW", "Rated power: 12 MW"), "power capacity: 10 MW in a; 12 MW in b");
  EXPECT_EQ(said("Area of the site: 8,400 m\xC2\xB2", "Area of the site: 0.9 ha"),
            "site area: 8,400 m\xC2\xB2 in a; 0.9 ha in b");
  EXPECT_EQ(said("Noise limit at night: 45 dB(A)", "Noise limit at night: 40 dB(A)"),
            "noise limit night: 40 dB(A) in b; 45 dB(A) in a");
  EXPECT_EQ(said("The noise limit at night is 45 dB(A).", "Night-time noise limit: 40 dB(A)"),
            "noise limit night: 40 dB(A) in b; 45 dB(A) in a");
  EXPECT_EQ(said("Energy: 40 MWh", "Energy: 40,000 kWh"), "0") << "the same in another unit";
  EXPECT_EQ(said("Applicant: Elbe GmbH\nAddress: Kai 1", "Site address: Am Lindenhof 9"), "0") << "the applicant's own";
  EXPECT_EQ(said("Issuing authority: Landratsamt\nAddress: Markt 1", "Address: Am Lindenhof 9"), "0");
}

TEST(Values, ThatMayBeReadInTwoWaysAreToldAndNotCompared) {
  const PermitReview review = Review({{"a", "Power: 10.000 kW\n"}, {"b", "Rated power: 10 MW\n"}});
  ASSERT_EQ(review.findings.size(), 1U);
  EXPECT_EQ(review.findings[0].kind, "ambiguous_number");
  EXPECT_EQ(review.findings[0].severity, "low");
  EXPECT_EQ(review.findings[0].statement, "10.000 kW may be 10 kW or 10000 kW, and is not compared");
  for (const char* plain : {"0.125 MW", "12.5 MW", "1.250.000 kW", "10,000 kW"}) {
    EXPECT_THAT(Review({{"a", std::string("Power: ") + plain + "\n"}}).findings, IsEmpty()) << plain;
  }
  const auto area = ExtractPermitFacts("a", "Site area: 1.250 hectares\n");
  ASSERT_EQ(area.values.size(), 1U);
  EXPECT_EQ(area.values[0].normalized, "12500 m\xC2\xB2");
}

TEST(Sentences, AreFoundAcrossLinesAndPages) {
  const PermitFacts facts = ExtractPermitFacts("a.pdf", "PERMIT\n\n1. Scope\n\nThe plant must be\nsafe at no. 7 of\n\fthe road. It may not smell.\n");
  ASSERT_EQ(facts.statements.size(), 2U);
  EXPECT_EQ(facts.statements[0].text, "The plant must be safe at no. 7 of the road.");
  EXPECT_EQ(facts.statements[0].place.line, 5);
  EXPECT_EQ(facts.statements[1].place.page, 2);
}

/// "severity kind document" of every finding.
std::vector<std::string> NamesOf(const PermitReview& review) {
  std::vector<std::string> names;
  for (const PermitFinding& finding : review.findings) {
    std::string what = finding.kind == "contradiction" ? finding.statement.substr(0, finding.statement.find(':')) : "";
    if (what.empty()) what = finding.evidence.front().document.substr(0, 2);
    names.push_back(finding.severity + " " + finding.kind + " " + what);
  }
  return names;
}

TEST(PermitExample, ShowsEveryPlantedProblemToRulesAlone) {  // CW-2
  std::vector<PermitFacts> facts;
  ReviewSettings settings{.as_of = On("2026-06-01"), .soon_days = 30, .calendar = {}};
  for (const ExampleFile& file : PermitExample()) {
    if (file.name == "holidays.txt") {
      settings.calendar = *WorkCalendar::Parse(file.text);
      continue;
    }
    const auto text = documents::TextOfDocument(std::string(file.text), {});
    ASSERT_TRUE(text.has_value()) << file.name << ": " << text.error().message;
    facts.push_back(ExtractPermitFacts(std::string(file.name), text->text));
  }
  ASSERT_EQ(facts.size(), 12U);
  const PermitReview review = ReviewPermits(facts, settings);
  const std::vector<std::string> planted = {
      // Seven contradictions between documents.
      "high contradiction applicant", "high contradiction parcel", "high contradiction power capacity",
      "high contradiction noise limit night", "high contradiction working hours",
      "high contradiction deadline for construction start", "high contradiction deadline for completion",
      // Deadlines: three expired, three due soon, two that nobody can compute; time to appeal is told of beside them.
      "high deadline_expired 01", "high deadline_expired 03", "high deadline_expired 07", "medium deadline_soon 02",
      "medium deadline_soon 10", "medium deadline_soon 12", "medium deadline_open 07", "medium deadline_open 11",
      "low deadline_expired 01", "low deadline_expired 02", "low deadline_expired 03", "low deadline_soon 12",
      // Gaps.
      "high no_signature 02", "high impossible_date 08", "medium placeholder 05", "medium placeholder 05",
      "medium placeholder 07", "medium empty_section 05", "medium missing_section 04", "medium missing_document 08",
      "medium validity_ends_early 03", "medium validity_ends_early 10", "low missing_number 01", "low ambiguous_date 10"};
  EXPECT_THAT(NamesOf(review), UnorderedElementsAreArray(planted));
  EXPECT_THAT(HeadlineOf(review), HasSubstr("12 documents, 22 deadlines (6 expired, 4 due soon, 10 later, 2 open), 7 contradictions"));
  const auto fire = std::ranges::find(review.deadlines, "fire_safety", &DatedDeadline::subject);
  ASSERT_NE(fire, review.deadlines.end());
  EXPECT_EQ(fire->date, "2026-04-07");
  EXPECT_EQ(fire->moved_from, "2026-04-04");
  // The order in which they were read does not matter.
  std::ranges::reverse(facts);
  EXPECT_EQ(nlohmann::json(ReviewPermits(facts, settings)), nlohmann::json(review));
}

TEST(Rules, EndOnHostileTexts) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "shall within 30 days of [insert ";
  EXPECT_LE(Review({{"a", text}, {"b", std::string(100'000, '|')}, {"c", std::string(50'000, '#') + "\n:\n:::\n"}}).documents.size(), 3U);
}

}  // namespace
}  // namespace wfe::packaged
