// What generations leave behind: reports, usage, nodes, artifacts, experiments (RC-1, RC-2, RC-3, RC-14, SG-5, XB-1).
#include <gmock/gmock.h>

#include "activities/learning/records/artifact_memory.h"
#include "activities/learning/records/experiment_store.h"
#include "activities/learning/records/generations.h"
#include "activities/learning/records/node_registry.h"
#include "activities/learning/records/timed_rows.h"
#include "tools/demo/memory_records.h"

namespace wfe::learning {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Instant At(const std::string& text) { return ParseIso8601(text).value(); }

class LearningRecords : public ::testing::Test {
 protected:
  json RowOf(std::string_view table, const std::string& key_part) {
    for (const auto& [key, value] : rows_.tables[std::string(table)]) {
      if (key.find(key_part) != std::string::npos) return json::parse(value);
    }
    return nullptr;
  }
  size_t RowCount(std::string_view table) { return rows_.tables[std::string(table)].size(); }

  wfe::demo::MemoryRecords rows_;
  std::shared_ptr<client::RecordsClient> records_ = std::make_shared<client::RecordsClient>(rows_);
  RowProblems problems_;
};

GenerationReport Report(const std::string& run, const std::string& created_at, double score = 0.8,
                        const std::string& id = "") {
  GenerationReport report;
  report.report_id = id.empty() ? "report-of-" + run : id;
  report.node_id = "word-count";
  report.workflow_run_id = run;
  report.checks = {{.name = "syntax", .status = "pass", .score = 1},
                   {.name = "undefined_names", .status = "fail", .score = 0, .message = "json", .line = 3},
                   {.name = "import_order", .status = "pass", .score = 1, .auto_fixed = true}};
  report.overall_score = score;
  report.grade = "B-";
  report.template_id = "generation-python";
  report.template_version = 3;
  report.created_at = created_at;
  return report;
}

UsageRow Usage(const std::string& run, const std::string& created_at, bool success) {
  UsageRow usage;
  usage.workflow_run_id = run;
  usage.nl_input = "count the words of a text";
  usage.workflow_type = "StreamlinedGenerationWorkflow";
  usage.created_at = created_at;
  usage.duration_ms = 9000;
  usage.success = success;
  usage.outcome = success ? "success_first_pass" : "failed";
  return usage;
}

TEST_F(LearningRecords, ReportIsSavedOnceAndKeepsKeysItDoesNotKnow) {  // RC-1
  json newer = Report("r1", "2026-11-20T10:00:00.000Z");
  newer["reviewer"] = "anna";
  newer["checks"][0]["rule"] = "E999";
  EXPECT_TRUE(*SaveReport(*records_, newer.get<GenerationReport>()));
  EXPECT_FALSE(*SaveReport(*records_, newer.get<GenerationReport>())) << "another attempt of the same activity";
  EXPECT_EQ(RowCount(kReportsTable), 1U);
  const json row = RowOf(kReportsTable, "report-of-r1");
  EXPECT_EQ(row["reviewer"], "anna");
  EXPECT_EQ(row["checks"][0]["rule"], "E999");
  EXPECT_EQ(row["row_version"], 1);
  EXPECT_EQ(row["checks"][1]["line"], 3);
}

TEST_F(LearningRecords, ReportWithoutATimeIsRefusedByName) {
  const auto saved = SaveReport(*records_, Report("r1", "yesterday"));
  ASSERT_FALSE(saved.has_value());
  EXPECT_THAT(saved.error().message, HasSubstr("\"yesterday\" is not a time"));
}

TEST_F(LearningRecords, GenerationIsTheFirstReportOfARunWithWhatBecameOfIt) {  // PO-2, RC-14, SG-7
  const auto save = [&](const GenerationReport& report) { ASSERT_TRUE(SaveReport(*records_, report).has_value()); };
  save(Report("r1", "2026-11-20T10:00:09.000Z", 0.95, "second"));  // after the escalation
  save(Report("r1", "2026-11-20T10:00:05.000Z", 0.4, "first"));
  save(Report("r2", "2026-11-20T11:00:00.000Z"));
  ASSERT_TRUE(SaveUsage(*records_, Usage("r1", "2026-11-19T23:59:00.000Z", true)).has_value());
  const auto generations = LoadGenerations(
      *records_, {.template_id = "generation-python", .last_n = 100, .now = At("2026-11-20T12:00:00Z")}, problems_);
  ASSERT_TRUE(generations.has_value()) << generations.error().ToString();
  ASSERT_THAT(*generations, SizeIs(2));
  const Generation& first = generations->front();
  EXPECT_EQ(first.report_id, "first");
  EXPECT_EQ(first.score, 0.4);
  EXPECT_EQ(first.template_id, "generation-python");
  EXPECT_EQ(first.template_version, 3);
  EXPECT_EQ(first.success, true);
  EXPECT_EQ(first.findings.at("undefined_names"), 1);
  EXPECT_EQ(first.findings.at("import_order"), 1) << "what was repaired had been found";
  EXPECT_FALSE(generations->back().success.has_value()) << "the run has not ended";
}

TEST_F(LearningRecords, NewestGenerationsAreFoundHoweverOldTheyAre) {  // PO-1
  for (int i = 0; i < 30; ++i) {
    const std::string day = (i < 9 ? "0" : "") + std::to_string(i + 1);
    ASSERT_TRUE(SaveReport(*records_, Report("run" + day, "2026-01-" + day + "T10:00:00.000Z")).has_value());
  }
  for (const char* now : {"2026-01-31T00:00:00Z", "2026-02-20T00:00:00Z", "2027-02-20T00:00:00Z"}) {
    const auto generations = LoadGenerations(*records_, {.last_n = 5, .now = At(now)}, problems_);
    ASSERT_TRUE(generations.has_value());
    ASSERT_THAT(*generations, SizeIs(5)) << now;
    EXPECT_EQ(generations->front().run_id, "run26");
    EXPECT_EQ(generations->back().run_id, "run30");
  }
  const auto since =
      LoadGenerations(*records_, {.since = At("2026-01-20T11:00:00Z"), .now = At("2027-02-20T00:00:00Z")}, problems_);
  EXPECT_THAT(*since, SizeIs(10));
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(LearningRecords, RowThatCannotBeReadIsNamedAndHidesNoOther) {
  ASSERT_TRUE(SaveReport(*records_, Report("r1", "2026-11-20T10:00:00.000Z")).has_value());
  rows_.tables[std::string(kReportsTable)]["2026-11-20T10:00:01.000Z/bad"] = "{]";
  rows_.tables[std::string(kReportsTable)]["2026-11-20T10:00:02.000Z/newer"] =
      R"({"row_version":2,"report_id":"newer","node_id":"n","workflow_run_id":"r","checks":{},"overall_score":1,"created_at":"2026-11-20T10:00:02.000Z"})";
  const auto generations = LoadGenerations(*records_, {.last_n = 9, .now = At("2026-11-20T12:00:00Z")}, problems_);
  EXPECT_THAT(*generations, SizeIs(1));
  EXPECT_THAT(
      problems_,
      ElementsAre("row 2026-11-20T10:00:01.000Z/bad of table generation_reports is not JSON (line 1, column 2)",
                  "row 2026-11-20T10:00:02.000Z/newer of table generation_reports cannot be read: checks must be "
                  "a list; a newer wfe wrote it"));
}

NodeEvent Version(const std::string& report, const std::string& at) {
  NodeEvent event;
  event.at = at;
  event.description = "counts words";
  event.task_type = "text";
  event.content_hash = "hash-of-" + report;
  event.report_id = report;
  return event;
}

TEST_F(LearningRecords, NodeIsAFoldOverItsVersionsAndTests) {  // RC-2
  NodeRegistry registry(*records_);
  EXPECT_TRUE(*registry.AddVersion("word-count", Version("p1", "2026-11-20T10:00:00.000Z")));
  EXPECT_FALSE(*registry.AddVersion("word-count", Version("p1", "2026-11-20T10:00:00.000Z"))) << "again";
  EXPECT_EQ(registry.Get("word-count")->status, kNodeNew);
  EXPECT_TRUE(*registry.SetTestResult("word-count", "p1", "passed", "2026-11-20T10:00:01.000Z"));
  EXPECT_FALSE(*registry.SetTestResult("word-count", "p1", "passed", "2026-11-20T10:00:01.000Z"));
  EXPECT_TRUE(*registry.AddVersion("word-count", Version("p2", "2026-11-20T11:00:00.000Z")));
  EXPECT_TRUE(*registry.SetTestResult("word-count", "p2", "failed", "2026-11-20T11:00:01.000Z"));
  const auto node = registry.Get("word-count");
  ASSERT_TRUE(node.has_value());
  EXPECT_EQ(node->status, kNodeReady);
  EXPECT_EQ(node->current_version, 1) << "a version that fails its tests does not replace one that passed";
  EXPECT_EQ(node->versions[1].content_hash, "hash-of-p2");
  EXPECT_TRUE(*registry.SetStatus("word-count", "retired", "anna", "there is a library", "2026-11-20T12:00:00.000Z"));
  EXPECT_EQ(registry.Get("word-count")->status, kNodeRetired);
}

TEST_F(LearningRecords, RegistryRefusesInSentences) {  // RC-2
  NodeRegistry registry(*records_);
  EXPECT_THAT(registry.Get("nobody").error().message, HasSubstr("there is no node \"nobody\""));
  EXPECT_THAT(registry.AddVersion("a/b", Version("p1", "x")).error().message, HasSubstr("none of them a slash"));
  EXPECT_THAT(registry.SetTestResult("n", "p9", "passed", "x").error().message, HasSubstr("no version of report p9"));
  EXPECT_THAT(registry.SetStatus("n", "broken", "a", "b", "x").error().message, HasSubstr("retired or new"));
  ASSERT_TRUE(registry.AddVersion("good", Version("p1", "2026-11-20T10:00:00.000Z")).has_value());
  rows_.tables[std::string(kNodesTable)]["odd/00000001"] = R"({"kind":"forked","at":"2026-11-20T10:00:00.000Z"})";
  EXPECT_THAT(*registry.List(problems_), SizeIs(1));
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("unknown kind \"forked\"; a newer wfe may have written it")));
}

TEST_F(LearningRecords, TwoWritersOfOneNodeBothFindTheirVersions) {  // RC-2
  NodeRegistry registry(*records_);
  ASSERT_TRUE(registry.AddVersion("n", Version("p1", "2026-11-20T10:00:00.000Z")).has_value());
  EventLog log(*records_, kNodesTable);
  int decisions = 0;
  const auto appended = log.Append("n", [&](const StoredEvents& events) -> Result<std::optional<std::string>> {
    if (++decisions == 1) {
      EXPECT_TRUE(*registry.AddVersion("n", Version("p2", "2026-11-20T10:00:01.000Z")));
    }
    EXPECT_THAT(events, SizeIs(decisions));
    NodeEvent event = Version("p3", "2026-11-20T10:00:02.000Z");
    event.kind = "version";
    return std::optional(RowText(event));
  });
  EXPECT_TRUE(*appended);
  EXPECT_EQ(decisions, 2) << "what met another's change is decided anew";
  EXPECT_THAT(registry.Get("n")->versions, SizeIs(3));
}

Artifact Example(const std::string& id, double score, const std::string& content, const std::string& at,
                 std::vector<std::string> tags = {}) {
  Artifact artifact;
  artifact.artifact_id = id;
  artifact.artifact_type = "EXAMPLE";
  artifact.name = "example " + id;
  artifact.content = content;
  artifact.quality_score = score;
  artifact.tags = std::move(tags);
  artifact.tags.push_back(ScoreTag(score));
  artifact.created_at = at;
  artifact.source_run = "run-" + id;
  return artifact;
}

std::vector<std::string> Ids(const Result<std::vector<ArtifactHit>>& hits) {
  std::vector<std::string> ids;
  if (!hits) return {hits.error().message};
  for (const ArtifactHit& hit : *hits) ids.push_back(hit.artifact.artifact_id);
  return ids;
}

TEST(ScoreTags, AreTensRoundedDown) {  // RC-3
  EXPECT_EQ(ScoreTag(0.93), "score-90");
  EXPECT_EQ(ScoreTag(0.9), "score-90");
  EXPECT_EQ(ScoreTag(0.7), "score-70");
  EXPECT_EQ(ScoreTag(0.29), "score-20");
  EXPECT_EQ(ScoreTag(1), "score-100");
  EXPECT_EQ(ScoreTag(1.5), "score-100");
  EXPECT_EQ(ScoreTag(-1), "score-0");
}

TEST_F(LearningRecords, ArtifactsAreFoundByTagsTypeScoreTimeAndLikeness) {  // RC-3
  ArtifactMemory memory(records_);
  const std::string sa(kTagStaticAnalysis);
  ASSERT_TRUE(memory.Put(Example("a", 0.95, "def main(): count words", "2026-11-20T10:00:00.000Z", {sa})).has_value());
  ASSERT_TRUE(memory.Put(Example("b", 0.91, "sorts numbers", "2026-11-20T11:00:00.000Z", {sa, "proven"})).has_value());
  ASSERT_TRUE(memory.Put(Example("c", 0.50, "counting each word twice", "2026-11-20T12:00:00Z", {"slow"})).has_value());
  EXPECT_THAT(Ids(memory.Find({})), ElementsAre("c", "b", "a"));
  EXPECT_THAT(Ids(memory.Find({.all_tags = {sa, "score-90"}})), ElementsAre("b", "a"));
  EXPECT_THAT(Ids(memory.Find({.any_tags = {"proven", "slow"}})), ElementsAre("c", "b"));
  EXPECT_THAT(Ids(memory.Find({.min_score = 0.92})), ElementsAre("a"));
  EXPECT_THAT(Ids(memory.Find({.type = "PATTERN"})), IsEmpty());
  EXPECT_THAT(Ids(memory.Find({.since = "2026-11-20T11:00:00Z", .until = "2026-11-20T12:00:00Z"})), ElementsAre("b"));
  EXPECT_THAT(Ids(memory.Find({.limit = 1})), ElementsAre("c"));
  EXPECT_THAT(Ids(memory.Find({.text = "word counts"})), ::testing::UnorderedElementsAre("a", "c")) << "by word stems";
  EXPECT_THAT(Ids(memory.Find({.all_tags = {sa}, .text = "the number of words"})), ElementsAre("b", "a"));
  EXPECT_THAT(Ids(memory.Find({.text = "\" OR * NEAR( -"})), IsEmpty()) << "operators are words, or nothing";
  EXPECT_THAT(Ids(memory.Find({.text = "zebra"})), IsEmpty());
}

TEST_F(LearningRecords, MemoryOfAnotherProcessSeesWhatIsNewAndTheNewestRowOfAnId) {  // RC-3
  ArtifactMemory reader(records_);
  ArtifactMemory writer(records_);
  ASSERT_TRUE(writer.Put(Example("a", 0.90, "old words", "2026-11-20T10:00:00.000Z")).has_value());
  EXPECT_THAT(Ids(reader.Find({.text = "words"})), ElementsAre("a"));
  ASSERT_TRUE(writer.Put(Example("a", 0.97, "new phrase", "2026-11-21T10:00:00.000Z")).has_value());
  EXPECT_FALSE(*writer.Put(Example("a", 0.97, "new phrase", "2026-11-21T10:00:00.000Z")));
  EXPECT_THAT(Ids(reader.Find({.text = "words"})), IsEmpty());
  EXPECT_THAT(Ids(reader.Find({.text = "phrases"})), ElementsAre("a"));
  EXPECT_EQ(reader.Get("a")->quality_score, 0.97);
  EXPECT_THAT(*reader.Find({}), SizeIs(1));
  EXPECT_THAT(reader.Get("z").error().message, HasSubstr("there is no artifact \"z\""));
}

TEST_F(LearningRecords, LongContentIsABlobAndItsBeginningIsSearched) {  // RC-3
  ArtifactMemory memory(records_);
  const std::string longer = "begin " + std::string(100'000, 'x') + " end";
  ASSERT_TRUE(memory.Put(Example("a", 0.9, longer, "2026-11-20T10:00:00.000Z")).has_value());
  const auto artifact = memory.Get("a");
  ASSERT_TRUE(artifact.has_value());
  EXPECT_EQ(artifact->content.size(), kInlineBytes);
  EXPECT_EQ(*memory.Content(*artifact), longer);
  EXPECT_THAT(Ids(memory.Find({.text = "begin"})), ElementsAre("a"));
}

TEST_F(LearningRecords, MemoryRefusesInSentences) {  // RC-3
  ArtifactMemory memory(records_);
  Artifact strange = Example("a", 0.9, "x", "2026-11-20T10:00:00.000Z");
  strange.artifact_type = "IDEA";
  EXPECT_THAT(memory.Put(strange).error().message, HasSubstr("must be PATTERN, REPORT, EXAMPLE, FAILURE or TEMPLATE"));
  EXPECT_THAT(memory.Find({.type = "IDEA"}).error().message, HasSubstr("not \"IDEA\""));
  EXPECT_THAT(memory.Find({.since = "soon"}).error().message, HasSubstr("\"soon\" is not a time"));
  EXPECT_THAT(memory.Find({.limit = 0}).error().message, HasSubstr("limit must be from 1 to 10000"));
  rows_.tables[std::string(kArtifactsTable)]["2026-11-20T10:00:00.000Z/bad"] = "1";
  EXPECT_THAT(*memory.Find({}), IsEmpty());
  EXPECT_THAT(memory.problems(), SizeIs(1));
}

TEST_F(LearningRecords, TextsInAnyLanguageAndNoUtf8AreIndexed) {
  ArtifactMemory memory(records_);
  ASSERT_TRUE(memory.Put(Example("a", 0.9, "zählt Wörter", "2026-11-20T10:00:00.000Z")).has_value());
  ASSERT_TRUE(memory.Put(Example("b", 0.9, "\xff\xfe bytes", "2026-11-20T10:00:00.000Z")).has_value());
  EXPECT_THAT(Ids(memory.Find({.text = "worter"})), ElementsAre("a")) << "accents do not count";
  EXPECT_THAT(Ids(memory.Find({.text = "bytes"})), ElementsAre("b"));
}

Experiment OfTemplates() {
  Experiment experiment;
  experiment.experiment_id = "e1";
  experiment.subject = "template:generation-python";
  experiment.control = "1";
  experiment.variant = "2";
  experiment.metrics = {{.name = "quality", .higher_is_better = true}};
  experiment.variant_share = 0.5;
  experiment.started_at = "2026-11-20T10:00:00.000Z";
  return experiment;
}

TEST_F(LearningRecords, ArmIsRecordedAtTheStartOfARunAndStays) {  // XB-1, AB-10
  ExperimentStore store(*records_);
  EXPECT_TRUE(*store.Start(OfTemplates()));
  EXPECT_FALSE(*store.Start(OfTemplates())) << "two optimizers at once";
  const auto running = store.RunningOn("template:generation-python", problems_);
  ASSERT_TRUE(running.has_value() && running->has_value());
  int variants = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string run = "run-" + std::to_string(i);
    const auto first = store.Assign(**running, run, "2026-11-20T10:00:01.000Z");
    ASSERT_TRUE(first.has_value());
    Experiment changed = **running;
    changed.variant_share = 0.001;
    const auto retried = store.Assign(changed, run, "2026-11-20T10:05:01.000Z");
    EXPECT_EQ(retried->arm, first->arm);
    EXPECT_EQ(retried->value, first->value);
    variants += first->arm == kVariantArm ? 1 : 0;
  }
  EXPECT_NEAR(variants, 50, 20);
  EXPECT_THAT(*store.Assignments("e1", problems_), SizeIs(100));
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(LearningRecords, FirstDecisionOfAnExperimentIsKept) {  // XB-4
  ExperimentStore store(*records_);
  ASSERT_TRUE(store.Start(OfTemplates()).has_value());
  ABTestResult result{.experiment_id = "e1"};
  EXPECT_THAT(store.Decide(result).error().message, HasSubstr("is not decided"));
  result.winner = kWinnerVariant;
  EXPECT_TRUE(*store.Decide(result));
  result.winner = kWinnerControl;
  EXPECT_FALSE(*store.Decide(result));
  EXPECT_EQ(store.Get("e1")->result->winner, kWinnerVariant);
  EXPECT_FALSE(store.RunningOn("template:generation-python", problems_)->has_value());
  Experiment bad = OfTemplates();
  bad.experiment_id = "e2";
  bad.variant_share = 2;
  EXPECT_THAT(store.Start(bad).error().message, HasSubstr("experiment e2: variant_share must be"));
}

}  // namespace
}  // namespace wfe::learning
