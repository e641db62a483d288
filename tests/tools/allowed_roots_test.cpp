// SEC-C3, by its kind: every activity that this program serves and that takes a directory is asked to use one that it may
// not touch, and one that leads there by a link.
#include "activities/build/checks/allowed_roots.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "activities/agent/step/config.h"
#include "activities/batch/document_list.h"
#include "activities/prompts/records_template_rows.h"
#include "tests/activities/agent/agent_test_support.h"
#include "tests/workers/fake_service.h"
#include "tools/demo/memory_records.h"
#include "tools/wfe/worker_activities.h"
#include "workers/client/records_client.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

/// By activity: the keys of its input under which directories stand.  A new activity is entered here.
const std::map<std::string, std::vector<std::string>> kDirectories = {
    {"activateDraft", {}},
    {"load_trading_algorithm", {"project_dir"}},
    {"analyze_algorithm", {"project_dir"}},
    {"security_audit", {"project_dir"}},
    {"identify_edge_cases", {"project_dir"}},
    {"performance_review", {"project_dir"}},
    {"backtest_algorithm", {"project_dir"}},
    {"generate_test_cases", {"project_dir"}},
    {"review_algorithm", {"project_dir"}},
    {"assess_risks", {}},
    {"recommendations", {}},
    {"comprehensive_verification", {}},
    {"aggregateTraces", {}},  // paths in its manifest: RegisterOptimizationActivities' check_path
    {"analyzeOperationPatterns", {}},
    {"analyzePatterns", {}},
    {"analyzeQualityTrend", {}},
    {"analyzeStatic", {"working_dir"}},
    {"applyPromptRules", {}},
    {"beginRollout", {}},
    {"callModel", {}},
    {"checkAgent", {}},
    {"checkRegression", {}},
    {"chooseTemplate", {}},
    {"chooseVersion", {}},
    {"beginOptimizerSession", {}},
    {"recordOptimizerSession", {}},
    {"buildProfile", {}},
    {"generateSuggestions", {}},
    {"searchVariant", {}},
    {"prepareTrials", {}},
    {"changeGraph", {}},
    {"dryRunVariant", {}},
    {"makeVersion", {}},
    {"beginExperiment", {}},
    {"evaluateExperiment", {}},
    {"activateVersion", {}},
    {"learnFromSession", {}},
    {"trainPredictor", {}},
    {"recordRun", {}},
    {"admitRun", {}},
    {"collectGenerations", {}},
    {"collectTraces", {"sources"}},
    {"deployPrompt", {}},
    {"describeHost", {}},
    {"detectPatterns", {}},
    {"draftIssue", {}},  // writes below a directory of the worker's configuration
    {"escalateGeneration", {}},
    {"executeGeminiAgent", {"working_dir"}},
    {"forecastQuota", {}},
    {"generateCode", {}},
    {"installDependencies", {"working_dir"}},
    {"joinBatch", {}},
    {"listPromptTemplates", {}},
    {"logAuditEntry", {"working_dir"}},
    {"matchPattern", {}},
    {"measureTemplate", {}},
    {"notifyMonitorHook", {}},
    {"openWorkspace", {"project_dir"}},
    {"planBatch", {}},
    {"planGeneration", {}},
    {"preflightBuild", {"working_dir"}},
    {"preflightQuota", {}},
    {"prepareContext", {"working_dir"}},
    {"prepareInstruction", {}},
    {"probeChecks", {"working_dir"}},
    {"processBatch", {}},  // its step is guarded by itself: see the test below
    {"recordExecution", {}},
    {"recordOptimizationCycle", {}},
    {"recordStep", {"working_dir", "project_dir"}},
    {"recordUsage", {}},
    {"refreshBestPractices", {}},
    {"releaseWorkingDir", {"working_dir"}},
    {"restoreSnapshot", {"working_dir"}},
    {"rollBackVersion", {}},
    {"runAudit", {}},
    {"runComplianceChecks", {"working_dir"}},
    {"runNodeTests", {"working_dir"}},
    {"runTool", {}},
    {"saveGeneration", {}},
    {"saveTestResult", {}},
    {"setTrafficSplit", {}},
    {"simulateStep", {}},
    {"triageTask", {}},
    {"updateArtifactMemory", {}},
    {"watchWorkflow", {}},
    {"check_permit_consistency", {}},
    {"design_monitoring_architecture", {}},
    {"extract_safety_requirements", {}},
    {"generate_bill_of_materials", {}},
    {"generate_firmware", {}},
    {"generate_test_plan", {}},
    {"load_battery_specs", {"project_dir"}},
    {"verify_safety_compliance", {}},
    {"write_battery_report", {}},
    {"extract_permit", {}},
    {"load_permit_documents", {"project_dir"}},
    {"prepare_deliverables", {"output_dir"}},
    {"review_permit", {}},
    {"review_permit_consistency", {}},
    {"save_deliverables", {"output_dir"}},
    {"write_permits_report", {}},
    {"writeReport", {"output_dir"}},
};

class Context final : public sdk::ActivityContext {
 public:
  explicit Context(std::string type) {
    info_.activity_type = std::move(type);
    info_.run_id = "run-1";
  }
  const sdk::ActivityInfo& info() const override { return info_; }
  void Heartbeat(const json&) override {}
  std::optional<json> LastHeartbeatDetails() const override { return std::nullopt; }
  bool IsCancelled() const override { return false; }
  bool WaitForCancel(Duration) override { return false; }

 private:
  sdk::ActivityInfo info_;
};

class AllowedRootsOfTheWorker : public testing::Test {
 protected:
  AllowedRootsOfTheWorker() {
    agent_.work_root = root_.path();
    WorkerActivities worker{.config = config_,
                            .agent = agent_,
                            .records = std::make_shared<client::RecordsClient>(service_),
                            .service = &service_,
                            .ns = "default",
                            .work_root = root_.path(),
                            .host_queue = "wfe@host-1",
                            .roots = std::make_shared<const build::AllowedRoots>(std::vector{root_.path()})};
    RegisterWorkerActivities(registry_, worker);
  }
  void ExpectRefused(const std::string& name, const std::string& key, const std::string& path) {
    SCOPED_TRACE(name + ", " + key);
    json input = {{key, path}};
    if (key == "sources") input = {{"sources", {{{"kind", "directory"}, {"location", path}}}}};
    Context context(name);
    const auto result = (*registry_.Find(name))(context, input);
    ASSERT_NE(result.failure(), nullptr);
    EXPECT_EQ(result.failure()->type, build::kFailureNotAllowed);
    EXPECT_TRUE(result.failure()->non_retryable);
    EXPECT_THAT(result.failure()->message, HasSubstr("wfe worker --allow "));
  }

  TempDir root_;
  TempDir outside_;
  Config config_;
  agent::GeminiConfig agent_;
  worker::FakeService service_;
  sdk::ActivityRegistry registry_;
};

TEST_F(AllowedRootsOfTheWorker, HoldForEveryActivityThatTakesADirectory) {
  fs::create_directory_symlink(outside_.path(), root_ / "link");
  int asked = 0;
  for (const std::string& name : registry_.Names()) {
    const auto known = kDirectories.find(name);
    ASSERT_NE(known, kDirectories.end()) << name << " is new: say in this test which directories it takes";
    for (const std::string& key : known->second) {
      ExpectRefused(name, key, outside_.path());
      ExpectRefused(name, key, outside_ / "new");
      ExpectRefused(name, key, root_ / "link/new");
      ExpectRefused(name, key, root_ / "../");
      ++asked;
    }
  }
  EXPECT_GE(asked, 10);
  EXPECT_TRUE(fs::is_empty(outside_.path())) << "and none of them has left a mark";
}

TEST_F(AllowedRootsOfTheWorker, HoldForTheStepsOfABatch) {
  demo::MemoryRecords memory;
  const auto records = std::make_shared<client::RecordsClient>(memory);
  sdk::ActivityRegistry registry;
  RegisterWorkerActivities(registry, {.config = config_,
                                      .agent = agent_,
                                      .records = records,
                                      .service = &service_,
                                      .ns = "default",
                                      .work_root = root_.path(),
                                      .host_queue = "wfe@host-1",
                                      .roots = std::make_shared<const build::AllowedRoots>(std::vector{root_.path()}),
                                      .alive_lock = ""});
  const auto list = batch::StoreDocumentList(*records, {{.name = outside_.path(), .text = "x"}});
  ASSERT_TRUE(list.has_value());
  const json input = {{"job", "j"},
                      {"documents_blob", *list},
                      {"first", 0},
                      {"count", 1},
                      {"step", {{"activity", "runComplianceChecks"}, {"parameters", {{"working_dir", "{name}"}}}}}};
  Context context("processBatch");
  const auto result = (*registry.Find("processBatch"))(context, input);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result.value().at("tally").at("failed"), 1);
  EXPECT_THAT(result.value().at("headline").get<std::string>(), HasSubstr("wfe worker --allow "));
  EXPECT_TRUE(fs::is_empty(outside_.path()));
}

}  // namespace
}  // namespace wfe::cli
