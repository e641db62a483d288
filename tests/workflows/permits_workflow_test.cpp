// PermitReviewWorkflow in virtual time: engine, worker, workflow and activities are the real ones, the model is played.
#include <gmock/gmock.h>

#include <fstream>

#include "activities/packaged/permits/example.h"
#include "activities/packaged/permits/register.h"
#include "activities/packaged/permits/steps.h"
#include "tests/workflows/packaged_world.h"
#include "workflows/packaged/permits.h"

namespace wfe::workflows {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr test::PackageUnderTest kPermits{.workflow_type = kPermitReviewWorkflow,
                                          .register_workflow = &RegisterPermitReview,
                                          .example = &packaged::PermitExample,
                                          .start = "2026-06-01T08:00:00.000Z"};

class PermitWorld : public test::PackagedWorld {
 protected:
  PermitWorld() : PackagedWorld(kPermits) {
    packaged::RegisterPermitActivities(activities_, config());
    answer_ = [](const agent::CallRequest&) { return Says("{\"findings\": []}"); };
  }
};

TEST_F(PermitWorld, DeliversThreeFilesOutOfTwelveDocuments) {  // CW-2
  WriteExample();
  const PackagedResult result = Run();
  EXPECT_EQ(failure_, "");
  EXPECT_EQ(result.state, "done");
  EXPECT_THAT(result.gaps, IsEmpty());
  EXPECT_THAT(result.deliverables, SizeIs(3));
  EXPECT_EQ(calls_, 13);
  EXPECT_EQ(result.model_use.calls, 13);
  EXPECT_EQ(result.findings.at("high"), 12);
  EXPECT_THAT(result.headline, HasSubstr("as of 2026-06-01"));
  EXPECT_THAT(Text("permits_report.md"), HasSubstr("214/2 in 04-nature-conservation-decision.txt"));
  EXPECT_EQ(json::parse(Text("permits_report.json")).at("findings").size(), 31U);
  EXPECT_THAT(Text("permits_report.html"), HasSubstr("<svg"));
}

TEST_F(PermitWorld, TakesFromAModelOnlyWhatItCanQuote) {
  Write("a.md", "# Permit\n\nThe holder shall keep the yard tidy.\n");
  answer_ = [](const agent::CallRequest& request) {
    if (request.step_name != "review_permit") return Says("{\"findings\": []}");
    return Says(
        R"({"findings": [{"kind": "ambiguity", "severity": "high", "statement": "What is tidy?", "quote": "keep the   yard tidy"},
                         {"kind": "risk", "severity": "high", "statement": "Made up.", "quote": "the plant may explode"}]})");
  };
  const PackagedResult result = Run();
  EXPECT_EQ(result.state, "done");
  const json report = json::parse(Text("permits_report.json"));
  EXPECT_THAT(Text("permits_report.md"), HasSubstr("What is tidy?"));
  EXPECT_EQ(Text("permits_report.md").find("Made up."), std::string::npos);
  EXPECT_THAT(report.at("model_sentence").get<std::string>(), HasSubstr("1 finding that quoted what is not there was left out"));
}

TEST_F(PermitWorld, DeliversTheRestWhereAStepOrADocumentFailsForGood) {  // CW-5
  Write("a.md", "Parcel: 1/1\n\nThe holder shall report by 2026-06-10.\n");
  Write("b.md", "Parcel: 1/2\n");
  Write("scan.bin", std::string("\x89PNG\r\n\x1a\n\0\0", 10));
  Write("holidays.txt", "Christmas is a holiday\n");
  answer_ = [](const agent::CallRequest& request) -> sdk::ActivityResult<agent::CallReply> {
    if (request.step_name == "review_permit_consistency") return Fails();
    return Says("I would rather not.");
  };
  const PackagedResult result = Run();
  EXPECT_EQ(failure_, "");
  EXPECT_EQ(result.state, "incomplete");
  std::vector<std::string> gaps;
  for (const packaged::Gap& gap : result.gaps) gaps.push_back(gap.step);
  EXPECT_THAT(gaps, ::testing::ElementsAre("document scan.bin", "holidays.txt", "review_permit a.md", "review_permit b.md",
                                           "review_permit_consistency"));
  EXPECT_EQ(result.model_use.calls, 2);
  EXPECT_EQ(result.model_use.unanswered, 1);
  EXPECT_THAT(result.deliverables, SizeIs(3));
  const std::string report = Text("permits_report.md");
  EXPECT_THAT(report, HasSubstr("## Missing"));
  EXPECT_THAT(report, HasSubstr("its text needs OCR first"));
  EXPECT_THAT(report, HasSubstr("1 more step asked and got no answer"));
  EXPECT_THAT(report, HasSubstr("parcel: 1/1 in a.md; 1/2 in b.md"));
}

TEST_F(PermitWorld, SaysThatAModelWasAskedAndWasAway) {
  Write("a.md", "The holder shall report by 2026-06-10.\n");
  answer_ = [](const agent::CallRequest&) { return sdk::ActivityResult<agent::CallReply>(Fails()); };
  const PackagedResult result = Run();
  EXPECT_EQ(result.model_use.calls, 0);
  EXPECT_EQ(result.model_use.unanswered, 2);
  EXPECT_THAT(Text("permits_report.md"), HasSubstr("A model was asked and gave no answer"));
}

TEST_F(PermitWorld, CountsEveryDeadlineInItsHeadline) {
  Write("a.md", "The holder shall report by 2026-06-10.\n\nThe fee is due by 2026-05-10.\n\n"
                "Works shall be finished by 2028-06-10.\n");
  const PackagedResult result = Run({{"without_model", true}});
  EXPECT_THAT(result.headline, HasSubstr("3 deadlines (1 expired, 1 due soon, 1 later)"));
}

TEST_F(PermitWorld, AsksNoModelWhereItIsToldSo) {
  Write("a.md", "The holder shall report by 2026-06-10.\n");
  const PackagedResult result = Run({{"without_model", true}, {"parameters", {{"as_of", "2026-06-11"}}}});
  EXPECT_EQ(calls_, 0);
  EXPECT_EQ(result.state, "done");
  EXPECT_THAT(Text("permits_report.md"), HasSubstr("1 day before 2026-06-11"));
}

TEST_F(PermitWorld, RefusesWhatItCannotDoBeforeItSpendsAnything) {  // CW-5
  Run();
  EXPECT_THAT(failure_, HasSubstr("there are no documents in "));
  EXPECT_EQ(calls_, 0);
}

TEST_F(PermitWorld, SaysHowManyMoreCannotBeRead) {  // CW-5
  for (const char* name : {"a.md", "b.md", "c.md", "d.md", "e.md"}) Write(name, " \n");
  Run();
  EXPECT_THAT(failure_, HasSubstr("none of the 5 documents could be read: document a.md: "));
  EXPECT_THAT(failure_, HasSubstr("document c.md: it is empty; and 2 more"));
}

TEST_F(PermitWorld, WritesOverNobodysFiles) {
  Write("a.md", "Parcel: 1/1\n");
  fs::create_directories(dir_ / "out");
  std::ofstream(dir_ / "out" / "permits_report.md") << "mine";
  Run();
  EXPECT_THAT(failure_, HasSubstr("permits_report.md was there before and is not ours"));
  EXPECT_EQ(calls_, 0);
  EXPECT_EQ(Text("permits_report.md"), "mine");
}

TEST_F(PermitWorld, NamesTheWrongMemberOfItsInput) {
  Run({{"parameters", {{"as_of", "tomorrow"}}}});
  EXPECT_THAT(failure_, HasSubstr("input.parameters.as_of must be a day such as 2026-06-01"));
}

}  // namespace
}  // namespace wfe::workflows
