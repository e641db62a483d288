// Hook events as rows, sets and their versions, and what a step is given: RC-10, CE-5, XB-5.
#include <gmock/gmock.h>

#include "activities/context/records/context_store.h"

namespace wfe::context {
namespace {

using agent::FileAsk;
using agent::FileChoice;
using agent::StepHooks;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Instant kNow = *ParseIso8601("2026-11-21T05:00:00.000Z");

class ContextStore : public testing::Test {
 protected:
  void Write(const std::string& day, const std::string& id) {
    StepHooks hooks{.id = id, .run_id = "r", .category = "B/implement", .at = day + "T10:00:00.000Z"};
    ASSERT_TRUE(WriteHooks(rows_, day + "/" + id, hooks));
  }
  FileChoice Choose(const std::string& give) {
    return ChooseFiles(
               rows_, {.give = give, .max_tokens = 77}, ask_,
               [this](const std::string& subject) -> Result<std::optional<learning::Experiment>> {
                 EXPECT_EQ(subject, ExperimentSubject(ask_.category, ask_.project));
                 return experiment_;
               },
               [](const learning::Experiment& experiment, const std::string& run) -> Result<learning::Assignment> {
                 const std::string arm = run.starts_with("v") ? "variant" : "control";
                 return learning::Assignment{.experiment_id = experiment.experiment_id,
                                             .arm = arm,
                                             .value = arm == "variant" ? experiment.variant : experiment.control};
               })
        .value();
  }
  std::string Add(std::vector<std::string> paths) {
    return sets_.Add(ask_.category, ask_.project, {.version = {}, .paths = std::move(paths), .made_at = "now"}).value();
  }

  MemoryRows rows_;
  ContextSetStore sets_{rows_};
  FileAsk ask_{.run_id = "c1", .workflow_type = "B", .category = "B/implement", .project = "/p"};
  std::optional<learning::Experiment> experiment_;
};

TEST_F(ContextStore, ReadsTheDaysThatAreAskedForAndTellsOfRowsThatAreNone) {  // RC-10
  Write("2026-10-01", "a");
  Write("2026-11-01", "b");
  Write("2026-11-21", "c");
  ASSERT_TRUE(rows_.AppendRow("hook_events", "2026-11-20/x", "no json").has_value());
  std::vector<std::string> problems;
  const auto steps = ReadHooks(rows_, kNow - std::chrono::hours(24 * 30), kNow, problems).value();
  ASSERT_THAT(steps, SizeIs(2));
  EXPECT_EQ(steps[1].id, "c");
  EXPECT_THAT(problems, ElementsAre(HasSubstr("row 2026-11-20/x of table hook_events")));
  problems.clear();
  EXPECT_THAT(ReadHooks(rows_, kNow - std::chrono::hours(24 * 400), kNow, problems).value(), SizeIs(3));
}

TEST_F(ContextStore, SetsHaveVersionsAndTheSameFilesAreNoNewOne) {  // CE-5
  EXPECT_EQ(Add({"a", "b"}), "1");
  EXPECT_EQ(Add({"a", "b"}), "1");
  EXPECT_EQ(Add({"a"}), "2");
  EXPECT_FALSE(sets_.Use(ask_.category, ask_.project, "3"));
  ASSERT_TRUE(sets_.Use(ask_.category, ask_.project, "2"));
  EXPECT_EQ(sets_.Get(ask_.category, ask_.project)->active, "2");
  EXPECT_THAT(sets_.Get(ask_.category, "/other")->versions, IsEmpty());
}

TEST_F(ContextStore, PolicySaysWhatAStepIsGivenAndWithoutASetInUseThereIsNothing) {
  EXPECT_EQ(Choose("none").policy, "none");
  EXPECT_EQ(Choose("all").policy, "all");
  EXPECT_EQ(Choose("all").max_tokens, 77);
  EXPECT_EQ(Choose("recommended").policy, "none");
  Add({"a"});
  EXPECT_EQ(Choose("recommended").policy, "none") << "kept, but not in use";
  ASSERT_TRUE(sets_.Use(ask_.category, ask_.project, "1"));
  const FileChoice given = Choose("recommended");
  EXPECT_THAT(given.paths, ElementsAre("a"));
  EXPECT_EQ(given.set_version, "1");
  EXPECT_EQ(Choose("none").policy, "none") << "a worker that gives nothing gives no set either";
}

TEST_F(ContextStore, ExperimentGivesTheVariantTheSetAndTheControlWhatIsUsual) {  // XB-5, AB-10
  Add({"a", "b"});
  experiment_ = ExperimentOnSet(*sets_.Get(ask_.category, ask_.project), "1", 0.5, 10, kNow);
  const FileChoice control = Choose("all");
  EXPECT_EQ(control.policy, "all");
  EXPECT_EQ(control.experiment_arm, experiment_->experiment_id + "/control");
  ask_.run_id = "v1";
  const FileChoice variant = Choose("all");
  EXPECT_EQ(variant.policy, "recommended");
  EXPECT_THAT(variant.paths, ElementsAre("a", "b"));
  EXPECT_EQ(variant.experiment_arm, experiment_->experiment_id + "/variant");
}

TEST_F(ContextStore, ObservationIsTheSumOfARunsStepsInTheExperiment) {  // XB-1
  Add({"a"});
  const learning::Experiment experiment =
      ExperimentOnSet(*sets_.Get(ask_.category, ask_.project), "1", 0.5, 10, kNow);
  const auto step = [&](const char* id, const char* run, const char* arm, int64_t tokens, bool success) {
    return StepHooks{.id = id,
                     .run_id = run,
                     .success = success,
                     .tokens = tokens,
                     .experiment_arm = arm[0] == '\0' ? "" : experiment.experiment_id + "/" + arm};
  };
  const auto seen = ObservationsOf(
      experiment, {step("1", "r1", "control", 10, true), step("2", "r1", "control", 5, false),
                   step("3", "r2", "variant", 7, true), step("3", "r2", "variant", 7, true),
                   step("4", "r3", "", 9, true)});
  ASSERT_THAT(seen, SizeIs(2));
  EXPECT_EQ(seen[0].metrics.at("tokens"), 15);
  EXPECT_EQ(seen[0].metrics.at("success"), 0);
  EXPECT_TRUE(seen[0].error);
  EXPECT_EQ(seen[1].arm, "variant");
  EXPECT_EQ(seen[1].metrics.at("tokens"), 7);
}

}  // namespace
}  // namespace wfe::context
