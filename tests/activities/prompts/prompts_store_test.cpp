// The template store: its fold, activation and rollback, writers that meet, and what prepareContext makes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "activities/agent/step/config.h"
#include "activities/prompts/template_store.h"
#include "tests/activities/agent/agent_test_support.h"

namespace wfe::prompts {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kId = "typescript-package";

std::string TemplateText(const std::string& rule) {
  return "# {{package_name}}\n\n## STRICT CONSTRAINTS\n\n" + rule +
         "\n\n## Implementation Prompt\n\n{{task}}\n\n## VERIFICATION PROTOCOL\n\n{{checks}}\n"
         "\n## Core Package Specifics\n\n{{package_specifics}}\n";
}

/// Rows that can be out of reach, and that can let another writer in before an append.
class FakeRows final : public MemoryTemplateRows {
 public:
  Result<bool> Append(const std::string& key, const std::string& value) override {
    if (down) return Unavailable("connection refused");
    if (before_append) std::exchange(before_append, nullptr)();
    return MemoryTemplateRows::Append(key, value);
  }
  Status Scan(const std::string& prefix, const std::function<void(std::string, std::string)>& visit) override {
    if (down) return Unavailable("connection refused");
    return MemoryTemplateRows::Scan(prefix, visit);
  }
  bool down = false;
  std::function<void()> before_append;
};

class TemplateStoreTest : public ::testing::Test {
 protected:
  TemplateStoreTest() {
    WriteAll(dir_ / (std::string(kId) + "/template.json"),
             R"({"active":1,"versions":[{"version":1,"parent_version":0,"author":"wfe","reason":"first"}]})");
    WriteAll(dir_ / (std::string(kId) + "/v001.md"), TemplateText("- One."));
  }
  TemplateStore Store() {
    return TemplateStore(
        {.templates_dir = dir_.path(), .rows = rows_, .blob_sink = blobs_, .blob_source = blobs_, .clock = clock_});
  }
  int Draft(const std::string& rule) {
    TemplateStore store = Store();
    const auto version = store.CreateDraft({.template_id = kId,
                                            .parent_version = 0,
                                            .text = TemplateText(rule),
                                            .author = "ada",
                                            .reason = "because",
                                            .evidence = std::nullopt});
    EXPECT_TRUE(version) << version.error().message;
    return version ? *version : 0;
  }
  TemplateState State() { return *Store().State(kId); }

  const TempDir dir_;
  const std::shared_ptr<FakeRows> rows_ = std::make_shared<FakeRows>();
  const std::shared_ptr<MemoryBlobs> blobs_ = std::make_shared<MemoryBlobs>();
  const std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
};

TEST_F(TemplateStoreTest, WithoutRowsTheFilesAreAllThereIs) {  // RC-4
  const TemplateState state = State();
  EXPECT_EQ(state.active, 1);
  EXPECT_EQ(state.NextVersion(), 2);
  EXPECT_TRUE(state.versions.at(1).built_in);
  EXPECT_EQ(state.versions.at(1).author, "wfe");
  EXPECT_EQ(Store().Load(kId, 0)->text, TemplateText("- One."));
  EXPECT_THAT(*Store().TemplateIds(), ElementsAre(kId));
  EXPECT_EQ(Store().State("other").error().code, StatusCode::kNotFound);
  EXPECT_EQ(Store().Load(kId, 7).error().code, StatusCode::kNotFound);
  EXPECT_EQ(Store().State("a/b").error().code, StatusCode::kInvalidArgument);
}

TEST_F(TemplateStoreTest, MistypedIdIsAnsweredWithTheOneThatWasMeant) {
  const auto said = [this](const char* id) { return Store().State(id).error().message; };
  EXPECT_EQ(said("typescript-packge"), "there is no template \"typescript-packge\"; did you mean typescript-package?");
  EXPECT_EQ(said("typescript/package"),
            "\"typescript/package\" is not a template id; did you mean typescript-package?");
  EXPECT_EQ(said("something-else"), "there is no template \"something-else\"");
  // Also of a template that is stored and in no file.
  TemplateStore store = Store();
  ASSERT_TRUE(store.CreateDraft({.template_id = "own-service",
                                 .parent_version = 0,
                                 .text = TemplateText("- One."),
                                 .author = "ada",
                                 .reason = "because",
                                 .evidence = std::nullopt}));
  EXPECT_THAT(said("own-servce"), HasSubstr("; did you mean own-service?"));
  rows_->down = true;
  EXPECT_THAT(said("own-servce"), HasSubstr("cannot be read"));
}

TEST_F(TemplateStoreTest, DraftIsUsedOnlyOnceItIsActivated) {
  EXPECT_EQ(Draft("- Two."), 2);
  EXPECT_EQ(State().versions.at(2).status, kTemplateDraft);
  EXPECT_EQ(Store().Load(kId, 0)->version, 1);
  EXPECT_EQ(Store().Load(kId, 2)->text, TemplateText("- Two."));
  clock_->Advance(std::chrono::hours(1));
  const auto change = Store().Activate(kId, 2, "grace", "the report says so");
  ASSERT_TRUE(change) << change.error().message;
  EXPECT_EQ(change->previous_version, 1);
  EXPECT_EQ(Store().Load(kId, 0)->version, 2);
  const TemplateState state = State();
  EXPECT_EQ(state.versions.at(1).status, kTemplateSuperseded);
  EXPECT_EQ(state.versions.at(2).status, kTemplateActive);
  EXPECT_EQ(state.versions.at(2).parent_version, 1);
  EXPECT_EQ(state.versions.at(2).activated_at, FormatIso8601Millis(clock_->Now()));
  // VI-7: every change is there with who, when and why.
  ASSERT_EQ(state.events.size(), 2u);
  EXPECT_EQ(state.events[0].author, "ada");
  EXPECT_EQ(state.events[1].author, "grace");
  EXPECT_EQ(state.events[1].reason, "the report says so");
  EXPECT_EQ(state.events[1].previous_version, 1);
}

TEST_F(TemplateStoreTest, EveryChangeNeedsAnAuthorAndAReason) {
  EXPECT_EQ(Store().Activate(kId, 1, "", "why").error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(Store().RollBack(kId, 1, "ada", "  ").error().code, StatusCode::kInvalidArgument);
  TemplateStore files(
      {.templates_dir = dir_.path(), .rows = nullptr, .blob_sink = nullptr, .blob_source = nullptr, .clock = nullptr});
  EXPECT_EQ(files.Activate(kId, 1, "ada", "why").error().code, StatusCode::kFailedPrecondition);
}

TEST_F(TemplateStoreTest, RollbackGoesBackStepByStepOrToANamedVersion) {
  Draft("- Two.");
  Draft("- Three.");
  ASSERT_TRUE(Store().Activate(kId, 2, "ada", "a"));
  ASSERT_TRUE(Store().Activate(kId, 3, "ada", "b"));
  EXPECT_EQ(Store().RollBack(kId, 0, "ada", "worse")->version, 2);
  EXPECT_EQ(State().versions.at(3).status, kTemplateRolledBack);
  EXPECT_EQ(Store().RollBack(kId, 0, "ada", "worse")->version, 1);
  EXPECT_EQ(State().versions.at(2).status, kTemplateRolledBack);
  EXPECT_EQ(Store().RollBack(kId, 0, "ada", "worse").error().code, StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Store().Activate(kId, 2, "ada", "again"));
  ASSERT_TRUE(Store().Activate(kId, 3, "ada", "again"));
  EXPECT_EQ(Store().RollBack(kId, 1, "ada", "both were worse")->version, 1);
  EXPECT_TRUE(State().earlier.empty());
  EXPECT_EQ(State().versions.at(2).status, kTemplateSuperseded);
  EXPECT_EQ(Store().RollBack(kId, 9, "ada", "x").error().code, StatusCode::kNotFound);
}

TEST_F(TemplateStoreTest, ActivatingTheActiveVersionRecordsNothing) {
  const auto change = Store().Activate(kId, 1, "ada", "why");
  ASSERT_TRUE(change);
  EXPECT_FALSE(change->changed);
  EXPECT_TRUE(State().events.empty());
}

TEST_F(TemplateStoreTest, AnActivatedFileKeepsTheWordsItHadThen) {
  Draft("- Two.");
  ASSERT_TRUE(Store().Activate(kId, 2, "ada", "a"));
  ASSERT_TRUE(Store().RollBack(kId, 0, "ada", "b"));
  WriteAll(dir_ / (std::string(kId) + "/v001.md"), TemplateText("- Other words."));
  EXPECT_EQ(Store().Load(kId, 0)->text, TemplateText("- One."));
  std::filesystem::remove_all(dir_ / kId);
  EXPECT_EQ(Store().Load(kId, 0)->text, TemplateText("- One.")) << "the store is complete without the files";
}

TEST_F(TemplateStoreTest, AnUpgradeNeitherActivatesADraftNorHidesIt) {
  Draft("- Two.");
  WriteAll(dir_ / (std::string(kId) + "/template.json"), R"({"active":2})");
  WriteAll(dir_ / (std::string(kId) + "/v002.md"), TemplateText("- Shipped later."));
  const TemplateState state = State();
  EXPECT_EQ(state.active, 1);
  EXPECT_EQ(state.versions.at(1).status, kTemplateActive);
  EXPECT_EQ(state.versions.at(2).status, kTemplateDraft);
  EXPECT_TRUE(state.versions.at(2).hides_file);
  EXPECT_EQ(Store().Load(kId, 2)->text, TemplateText("- Two."));
}

TEST_F(TemplateStoreTest, ATextThatCannotBeATemplateIsRefused) {
  TemplateStore store = Store();
  NewDraft draft{.template_id = kId,
                 .parent_version = 0,
                 .text = "## STRICT CONSTRAINTS\n",
                 .author = "a",
                 .reason = "b",
                 .evidence = std::nullopt};
  EXPECT_THAT(store.CreateDraft(draft).error().message, HasSubstr("Implementation Prompt"));
  draft.text = TemplateText("- {{surprise}}");
  EXPECT_THAT(store.CreateDraft(draft).error().message, HasSubstr("{{surprise}}"));
  draft.text = TemplateText("- {{ bad }}");
  EXPECT_EQ(store.CreateDraft(draft).error().code, StatusCode::kInvalidArgument);
  draft.text = TemplateText("- {{new_here}}");
  draft.template_id = "new-template";
  EXPECT_EQ(*store.CreateDraft(draft), 1) << "a new template has no parent";
  EXPECT_EQ(store.Load("new-template", 0).error().code, StatusCode::kNotFound);
  ASSERT_TRUE(store.Activate("new-template", 1, "a", "b"));
  EXPECT_EQ(store.Load("new-template", 0)->version, 1);
  EXPECT_THAT(*store.TemplateIds(), ElementsAre("new-template", kId));
}

TEST_F(TemplateStoreTest, ADraftThatMeetsAnotherTakesTheNextNumber) {
  int other = 0;
  rows_->before_append = [&] { other = Draft("- Theirs."); };
  EXPECT_EQ(Draft("- Mine."), 3);
  EXPECT_EQ(other, 2);
  EXPECT_EQ(Store().Load(kId, 2)->text, TemplateText("- Theirs."));
  EXPECT_EQ(Store().Load(kId, 3)->text, TemplateText("- Mine."));
}

TEST_F(TemplateStoreTest, AnActivationThatMeetsAnotherSaysWhatItReplaced) {
  Draft("- Two.");
  Draft("- Three.");
  rows_->before_append = [&] { ASSERT_TRUE(Store().Activate(kId, 2, "other", "a")); };
  const auto change = Store().Activate(kId, 3, "ada", "b");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->previous_version, 2);
  EXPECT_EQ(State().events.back().previous_version, 2);
  rows_->before_append = [&] { ASSERT_TRUE(Store().Activate(kId, 1, "other", "c")); };
  EXPECT_EQ(Store().RollBack(kId, 0, "ada", "d").error().code, StatusCode::kAborted)
      << "what was before is another question now";
}

TEST_F(TemplateStoreTest, ManyWritersAtOnceGetDifferentNumbers) {
  std::vector<std::future<std::vector<int>>> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.push_back(std::async(std::launch::async, [this, writer] {
      std::vector<int> versions;
      for (int i = 0; i < 5; ++i) versions.push_back(Draft("- " + std::to_string(writer) + "/" + std::to_string(i)));
      return versions;
    }));
  }
  std::set<int> all;
  for (auto& writer : writers) {
    for (const int version : writer.get()) all.insert(version);
  }
  EXPECT_EQ(all.size(), 20u);
  EXPECT_EQ(*all.rbegin(), 21);
  EXPECT_EQ(State().events.size(), 20u);
}

TEST_F(TemplateStoreTest, DamagedRowsAreNamedNeverSkipped) {
  Draft("- Two.");
  ASSERT_TRUE(rows_->MemoryTemplateRows::Append(TemplateRowKey(kId, 3), "{}"));
  EXPECT_THAT(Store().State(kId).error().message, HasSubstr("00000003 where typescript-package/00000002 should be"));
  ASSERT_TRUE(rows_->MemoryTemplateRows::Append(TemplateRowKey(kId, 2), R"({"kind":"created"})"));
  EXPECT_EQ(Store().State(kId).error().code, StatusCode::kDataLoss);
  EXPECT_THAT(Store().State(kId).error().message, HasSubstr("00000002 of the template store is not an event"));
}

TEST_F(TemplateStoreTest, DiffNamesTheSectionThatChanged) {
  Draft("- Two.");
  const auto diff = Store().Diff(kId, 1, 2);
  ASSERT_TRUE(diff);
  ASSERT_EQ(diff->sections.size(), 1u);
  EXPECT_EQ(diff->sections[0].section, "STRICT CONSTRAINTS");
  EXPECT_EQ(diff->sections[0].lines_added, 1);
  EXPECT_EQ(diff->text,
            "--- typescript-package@1\n+++ typescript-package@2\n@@ -2,7 +2,7 @@ STRICT CONSTRAINTS\n \n"
            " ## STRICT CONSTRAINTS\n \n-- One.\n+- Two.\n \n ## Implementation Prompt\n \n");
}

// ---- prepareContext

class PrepareContextTest : public TemplateStoreTest {
 protected:
  sdk::ActivityResult<agent::PreparedContext> Prepare(int version) {
    agent::GeminiConfig config;
    config.templates_dir = dir_.path();
    config.template_rows = rows_;
    config.blob_sink = blobs_;
    config.blob_source = blobs_;
    sdk::ActivityRegistry registry;
    agent::RegisterGeminiActivities(registry, config);
    TestContext context;
    const agent::PrepareContextInput input{
        .working_dir = work_.path(),
        .template_id = kId,
        .template_version = version,
        .values = {{"task", "t"}, {"package_name", "p"}, {"checks", "c"}, {"package_specifics", "s"}},
        .defaults = {}};
    return CallActivity(registry, agent::kPrepareContext, context, input);
  }
  const TempDir work_;
};

TEST_F(PrepareContextTest, TheActivatedVersionIsWhatTheNextBuildGets) {  // AC-5, RC-5
  const auto before = Prepare(0);
  ASSERT_TRUE(before.has_value());
  EXPECT_EQ(before.value().template_version, 1);
  Draft("- Two.");
  EXPECT_EQ(Prepare(0).value().template_version, 1) << "a draft is not used by itself";
  EXPECT_EQ(Prepare(2).value().template_version, 2) << "unless it is asked for";
  ASSERT_TRUE(Store().Activate(kId, 2, "ada", "because"));
  const auto after = Prepare(0);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after.value().template_version, 2);
  EXPECT_THAT(ReadAll(work_ / after.value().path), HasSubstr("- Two."));
  EXPECT_EQ(*blobs_->Get(after.value().context_file_hash), ReadAll(work_ / after.value().path));
  for (const auto& [section, hash] : before.value().section_hashes) {
    EXPECT_EQ(after.value().section_hashes.at(section) == hash, section != "STRICT CONSTRAINTS") << section;
  }
  EXPECT_EQ(Prepare(1).value().template_version, 1) << "an explicit version is that version";
}

TEST_F(PrepareContextTest, AStoreOutOfReachIsAFailureToRetryNotAReasonToUseTheFile) {
  rows_->down = true;
  for (const int version : {0, 1}) {
    const auto result = Prepare(version);
    ASSERT_NE(result.failure(), nullptr);
    EXPECT_EQ(result.failure()->type, "UNAVAILABLE");
    EXPECT_FALSE(result.failure()->non_retryable);
  }
  EXPECT_FALSE(std::filesystem::exists(work_ / "GEMINI.md"));
  rows_->down = false;
  EXPECT_TRUE(Prepare(9).failure()->non_retryable) << "a version that does not exist";
}

}  // namespace
}  // namespace wfe::prompts
