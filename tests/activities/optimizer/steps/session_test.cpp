// Sessions as records: what events add up to, what is refused, what sessions led to all together.
#include "activities/optimizer/steps/session.h"

#include <gmock/gmock.h>

#include "activities/optimizer/learning/learned_changes.h"
#include "activities/optimizer/steps/register.h"
#include "activities/delivery/records/version_store.h"
#include "tools/demo/memory_records.h"

namespace wfe::optimizer {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* kAt = "2026-03-02T08:00:00.000Z";

class Sessions : public ::testing::Test {
 protected:
  SessionHeader Header(const std::string& id, const std::string& workflow) {
    return {.session_id = id, .workflow_id = workflow, .options = {}, .author = "ada", .reason = "r", .started_at = kAt};
  }
  void Append(const std::string& id, int64_t number, std::string_view kind, const json& data) {
    const Status done = log_.Append(
        id, number, {.kind = std::string(kind), .at = kAt, .author = "ada", .reason = "because", .data = data});
    ASSERT_TRUE(done.has_value()) << done.error().ToString();
  }
  /// A session with two suggestions, of which the first is approved and the second rejected.
  void Decided(const std::string& id, const std::string& workflow, std::string_view outcome) {
    ASSERT_TRUE(log_.Begin(Header(id, workflow)).has_value());
    const OptimizationSuggestion first{.suggestion_id = "a", .strategy_type = "caching"};
    const OptimizationSuggestion second{.suggestion_id = "b", .strategy_type = "pruning"};
    Append(id, 1, kSuggested, Suggestions{.made = {first, second}, .refused = {}});
    Append(id, 2, kApproved, {{"suggestions", {"a"}}, {"rating", 4}});
    Append(id, 3, kRejected, {{"suggestions", {"b"}}});
    Append(id, 4, kVersionMade, {{"version_id", workflow + "_v1"}});
    Append(id, 5, kEnded, {{"outcome", outcome}});
  }

  demo::MemoryRecords rows_;
  std::shared_ptr<client::RecordsClient> records_ = std::make_shared<client::RecordsClient>(rows_);
  SessionLog log_{*records_};
};

TEST_F(Sessions, AreWhatTheirEventsAddUpTo) {  // WO-1, WO-4
  Decided("s", "report", kOutcomeDeployed);
  const auto session = log_.Get("s");
  ASSERT_TRUE(session.has_value()) << session.error().ToString();
  EXPECT_EQ(session->state.phase, "ended");
  EXPECT_EQ(session->state.outcome, kOutcomeDeployed);
  EXPECT_EQ(session->state.new_version_id, "report_v1");
  ASSERT_EQ(session->state.candidates.size(), 2U);
  EXPECT_EQ(session->state.candidates[0].decision, "approved");
  EXPECT_EQ(session->state.candidates[0].decided_by, "ada");
  EXPECT_EQ(session->state.candidates[0].rating, 4);
  EXPECT_EQ(session->state.candidates[1].decision, "rejected");
  EXPECT_EQ(session->events.size(), 5U);
}

TEST_F(Sessions, KeepAnEventOnceAndRefuseAGap) {  // WO-1
  ASSERT_TRUE(log_.Begin(Header("s", "report")).has_value());
  Append("s", 1, kPresented, nullptr);
  Append("s", 1, kEnded, {{"outcome", "stopped"}});  // an attempt that comes late
  EXPECT_EQ(log_.Get("s")->state.phase, "waiting");
  const Status gap = log_.Append("s", 3, {.kind = std::string(kEnded), .at = kAt, .data = {{"outcome", "stopped"}}});
  ASSERT_FALSE(gap.has_value());
  EXPECT_EQ(gap.error().code, StatusCode::kDataLoss);
}

TEST_F(Sessions, OfWhichARowCannotBeReadAreNamedAndHideNoOther) {
  Decided("good", "report", kOutcomeDeployed);
  ASSERT_TRUE(log_.Begin(Header("bad", "report")).has_value());
  Append("bad", 1, kApproved, {{"no", "suggestions"}});
  learning::RowProblems problems;
  const auto sessions = log_.List(problems);
  ASSERT_TRUE(sessions.has_value());
  EXPECT_EQ(sessions->size(), 1U);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0], HasSubstr("row bad/00000002 of table optimizer_sessions cannot be read"));
}

TEST_F(Sessions, TogetherSayHowManyChangesWereApprovedAndTakenBack) {  // TG-9
  Decided("one", "report", kOutcomeDeployed);
  Decided("two", "invoice", kOutcomeDeployed);
  Decided("three", "mail", kOutcomeRolledBack);
  ASSERT_TRUE(log_.Begin(Header("four", "mail")).has_value());
  learning::RowProblems problems;
  const AdoptionFigures figures = Adoption(*log_.List(problems), {"invoice_v1"});
  EXPECT_EQ(figures.sessions, 4);
  EXPECT_EQ(figures.workflows, 3);
  EXPECT_EQ(figures.optimized_workflows, 1) << "invoice's version was taken back later";
  EXPECT_EQ(figures.suggestions, 6);
  EXPECT_EQ(figures.approval_rate, 0.5);
  EXPECT_EQ(figures.deployed, 2);
  EXPECT_DOUBLE_EQ(*figures.rollback_rate, 2.0 / 3);
  EXPECT_EQ(figures.mean_rating, 4);
}

TEST(SessionOptions, RefuseWhatNoSessionCanBe) {  // WO-2, WO-3
  const std::pair<json, std::string> cases[] = {
      {{{"executions", 0}}, "executions must be from 1"},
      {{{"deploy", "sideways"}}, "deploy must be gradual_rollout, ab_test or immediate"},
      {{{"duration_weight", 0}, {"cost_weight", 0}}, "not both 0"},
      {{{"experiment", {{"share", 1}}}}, "experiment.share must be between 0 and 1"},
      {{{"trials", 21}}, "trials must be from 0 to 20"},
      {{{"search_algorithm", "rl"}}, "search_algorithm must be hill_climbing"},
      {{{"executoins", 5}}, "executoins is not known"},
  };
  for (const auto& [options, sentence] : cases) {
    try {
      CheckRecord(options.get<SessionOptions>());
      FAIL() << options.dump();
    } catch (const json::exception& e) {
      EXPECT_THAT(std::string(e.what()), HasSubstr(sentence));
    }
  }
}

TEST_F(Sessions, DoNotBeginWithoutVersionsNorBesideARollout) {  // WO-1
  const OptimizerConfig config{.records = records_, .history = {}};
  delivery::VersionStore store(*records_);
  ASSERT_TRUE(store.Put({.workflow_id = "mail",
                         .content = "{\"sender\": 1}",
                         .parent_version = std::nullopt,
                         .suggestion = "",
                         .metrics = nullptr,
                         .author = "ada",
                         .reason = "r",
                         .at = kAt}));
  EXPECT_THAT(BeginSession(config, {.header = Header("s", "mail")})->refused, HasSubstr("mail_v0 is no graph"));
  const auto unknown = BeginSession(config, {.header = Header("s", "report")});
  ASSERT_TRUE(unknown.has_value());
  EXPECT_THAT(unknown->refused, HasSubstr("there are no versions of a workflow \"report\""));
  for (const char* name : {"a", "b"}) {
    graph::Graph graph{.id = name, .start = "end"};
    graph.nodes.push_back({.id = "end", .kind = "decision"});
    ASSERT_TRUE(store.Put({.workflow_id = "report",
                           .content = graph::CanonicalJson(graph),
                           .parent_version = std::nullopt,
                           .suggestion = "",
                           .metrics = nullptr,
                           .author = "ada",
                           .reason = "r",
                           .at = kAt}));
  }
  EXPECT_EQ(BeginSession(config, {.header = Header("s", "report")})->refused, "");
  ASSERT_TRUE(store.Split("report", {.rollout_id = "r1",
                                     .version = 1,
                                     .control = 0,
                                     .share = 0.5,
                                     .step = 1,
                                     .change = {.author = "ada", .reason = "r", .at = kAt}}));
  EXPECT_THAT(BeginSession(config, {.header = Header("t", "report")})->refused,
              HasSubstr("rollout r1 divides the traffic"));
  EXPECT_FALSE(log_.Get("t").has_value()) << "and it has left nothing";
}

TEST_F(Sessions, OfferWhatHelpedAWorkflowLikeThisOne) {  // LN-6
  graph::Graph graph{.id = "invoice", .start = "read", .inputs = {"task"}, .outputs = {"text"}};
  graph.nodes.push_back({.id = "read", .activity = "simulateStep", .tool = "reader", .reads = {"task"}, .writes = {"page"},
                         .deterministic = true});
  graph.nodes.push_back({.id = "write", .activity = "simulateStep", .reads = {"page"}, .writes = {"text"}});
  graph.edges.push_back({.source = "read", .target = "write"});
  OptimizationSuggestion kept{.suggestion_id = "a", .strategy_type = "caching", .action = "enable_cache", .target = "reader"};
  kept.changes.push_back({.type = "enable_cache", .nodes = {"read"}, .cache = graph::CacheSettings()});
  kept.risk_level = "LOW";
  kept.needs = "validation";
  kept.estimated_improvement.confidence = 0.9;
  const auto saved = SaveLearned(*records_, {.id = "s-a", .at = kAt, .workflow_id = "invoice", .suggestion = kept,
                                             .measured_improvement = 0.3}, graph);
  ASSERT_TRUE(saved.has_value()) << saved.error().ToString();
  graph.id = "report";
  ASSERT_TRUE(delivery::VersionStore(*records_).Put({.workflow_id = "report",
                                                     .content = graph::CanonicalJson(graph),
                                                     .parent_version = std::nullopt,
                                                     .suggestion = "",
                                                     .metrics = nullptr,
                                                     .author = "ada",
                                                     .reason = "r",
                                                     .at = kAt}));
  delivery::ExecutionRecord run{.workflow_id = "report", .version_id = "report_v0", .workflow_run_id = "r1"};
  run.nodes = json::array();
  run.started_at = kAt;
  run.success = true;
  ASSERT_TRUE(delivery::SaveExecution(*records_, run).has_value());
  const OptimizerConfig config{.records = records_, .history = {}};
  GenerateSuggestionsInput ask{.window = {.workflow_id = "report", .version = 0, .version_id = "report_v0", .from = kAt,
                                          .to = "2026-03-02T09:00:00.000Z", .executions = 1},
                               .now = "2026-03-02T09:00:00.000Z"};
  const auto found = GenerateSuggestions(config, ask);
  ASSERT_TRUE(found.has_value()) << found.error().ToString();
  ASSERT_EQ(found->made.size(), 1U);
  EXPECT_EQ(found->made[0].strategy_type, "caching");
  EXPECT_EQ(found->made[0].needs, "approval") << "it was measured elsewhere";
  ask.learning = false;
  EXPECT_TRUE(GenerateSuggestions(config, ask)->made.empty());
}

}  // namespace
}  // namespace wfe::optimizer
