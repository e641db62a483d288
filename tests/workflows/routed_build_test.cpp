// A step of an agent in whole builds, with the real agent, router, gate and records: a tool is asked before anybody
// else, a model only where the run may spend, and each leaves its rows once (PD-6, QF-5, RC-10).
#include <gmock/gmock.h>

#include <filesystem>

#include "activities/agent/step/agent_worker.h"
#include "activities/patterns/steps/register.h"
#include "activities/quota/steps/run_gate.h"
#include "tests/activities/agent/agent_step_test_support.h"
#include "tests/workflows/build_world.h"

namespace wfe::workflows {
namespace {

using agent::Answer;
using agent::PreparedBackend;
using agent::StepHooks;
using agent::StepToolCalls;
using agent::TextPart;
using patterns::PatternProblems;
using testing::BuildEnd;
using testing::BuildWorld;
using testing::FakeBuild;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const char* const kDedupe = "data:dedupe:reports";

class RoutedBuild : public ::testing::Test {
 protected:
  RoutedBuild() {
    agent::GeminiConfig config;
    config.work_root = root_ / "worker";
    config.clock = clock_;
    config.chance = [] { return 0.0; };
    config.blob_sink = blobs_;
    config.blob_source = blobs_;
    config.backends["gemini"] = backend_;
    config.offer_to_tools = [this](sdk::ActivityContext& context, const agent::ToolOffer& offer) {
      return router_->Offer(context, offer);
    };
    config.admit_run = [this](const client::BudgetedCall& call) {
      ++asked_;
      return gate_->Admit(call);
    };
    config.record_hooks = [this](const std::string&, const StepHooks& hooks) {
      hooks_.push_back(hooks);
      return Ok();
    };
    config.record_tool_calls = [this](const std::string&, const StepToolCalls& calls) { calls_.push_back(calls); };
    backend_->by_call = true;
    worker_ = std::make_unique<agent::AgentWorker>(config);
    EXPECT_TRUE(blobs_->Put("context").has_value());
    MakeRouter();
    MakeGate();
    build().mode = "change";
    build().real_agent = [this](sdk::ActivityContext& context, const agent::AgentRequest& request) {
      return worker_->ExecuteAgent(context, request);
    };
    build().real_admission = [this](sdk::ActivityContext& context, const agent::AdmitRunInput& input) {
      return worker_->AdmitRun(context, input);
    };
    build().on_open = [this](const std::string& working_dir) {
      if (std::filesystem::exists(working_dir)) return;
      opened_.push_back(working_dir);
      WriteAll(working_dir + "/names.txt", "b\na\nb\n");
    };
    world_.Start();
  }

  void MakeRouter() {
    patterns::RouterConfig router{.rows = rows_};
    router.runner.work_root = root_ / "worker";
    router.runner.blob_sink = blobs_;
    if (!sandbox::ProbeSandbox("bwrap", "/usr/local/bin:/usr/bin:/bin").usable) {
      router.runner.sandbox = sandbox::SandboxPolicy::kOff;
    }
    router.clock = clock_;
    router.refresh = Duration(0);
    router_ = std::make_shared<patterns::ToolRouter>(router);
  }
  void MakeGate() {
    gate_ = std::make_unique<quota::RunGate>(
        quota::RunGate::Setup{.rows = rows_,
                              .report = [this](Instant) -> Result<quota::QuotaReport> {
                                quota::QuotaReport report;
                                report.forecast.quota = 1'000'000;
                                report.forecast.used = used_;
                                return report;
                              },
                              .rules = {},
                              .mode = quota::PreflightMode::kEnforce,
                              .clock = clock_,
                              .say = {}});
  }
  /// Ten runs in which an agent did it, and from now on this command.
  void Activate(const std::vector<std::string>& command) {
    std::vector<patterns::Operation> operations;
    for (int i = 0; i < 10; ++i) {
      patterns::Operation operation;
      operation.workflow_run_id = "earlier-" + std::to_string(i);
      operation.step = "implement_v1";
      operation.observed_at = "2026-11-1" + std::to_string(i) + "T08:00:00.000Z";
      operation.task = "Remove duplicates from the orders";
      operation.tokens = 50'000;
      operation.successes = 1;
      operations.push_back(operation);
    }
    ASSERT_TRUE(patterns::KeepOperations(*rows_, patterns::PatternRules::BuiltIn(), operations).has_value());
    patterns::Tool tool{.tool_id = "dedupe"};
    tool.command = command;
    tool.timeout_s = 20;
    ASSERT_TRUE(patterns::ToolStore(*rows_).Register(tool, clock_->Now()).has_value());
    ASSERT_TRUE(patterns::ActivatePattern(*rows_, kDedupe, "dedupe", clock_->Now()).has_value());
  }
  BuildEnd Build() {
    AuditedBuildInput input;
    input.task = "Tidy up.\nTask:\nRemove duplicates from the orders";
    return world_.Run(input);
  }

  FakeBuild& build() { return world_.build(); }
  std::string Names(const BuildEnd& end) const { return ReadAll(end.result.working_dir + "/names.txt"); }
  size_t Decisions() {
    size_t rows = 0;
    const Status read = rows_->ScanRows(std::string(quota::kQuotaPreflightsTable), "",
                                        [&rows](const std::string&, const std::string&) { ++rows; });
    EXPECT_TRUE(read.has_value());
    return rows;
  }
  std::vector<patterns::ToolCall> Routed() {
    PatternProblems problems;
    return *patterns::ToolStore(*rows_).Calls(problems);
  }

  const TempDir root_;
  BuildWorld world_{root_.path()};
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(*ParseIso8601("2026-11-23T09:00:00.000Z"));
  std::shared_ptr<MemoryRows> rows_ = std::make_shared<MemoryRows>();
  std::shared_ptr<MemoryBlobs> blobs_ = std::make_shared<MemoryBlobs>();
  std::shared_ptr<PreparedBackend> backend_ = std::make_shared<PreparedBackend>(std::vector<agent::ModelOutcome>{
      Answer({agent::Write("names.txt", "by the agent\n")}), Answer({TextPart("done")})});
  std::shared_ptr<patterns::ToolRouter> router_;
  std::unique_ptr<quota::RunGate> gate_;
  std::unique_ptr<agent::AgentWorker> worker_;
  int64_t used_ = 0;
  int asked_ = 0;
  std::vector<StepHooks> hooks_;
  std::vector<StepToolCalls> calls_;
  std::vector<std::string> opened_;
};

TEST_F(RoutedBuild, AToolAnswersAndNeitherGateNorModelIsAsked) {  // PD-6
  used_ = 2'000'000;  // a model could not be asked
  Activate({"sort", "-u", "-o", "names.txt", "names.txt"});
  const BuildEnd end = Build();
  ASSERT_EQ(end.result.status, "passed") << end.failure << end.result.message;
  EXPECT_EQ(Names(end), "a\nb\n");
  EXPECT_THAT(world_.Steps(end), Contains("tool_routed"));
  EXPECT_EQ(trace::ExtString(*world_.Entry(end, "implement_v1"), "tool_id"), "dedupe");
  EXPECT_THAT(backend_->requests, IsEmpty());
  EXPECT_EQ(asked_, 0);
  EXPECT_EQ(Decisions(), 0U);
  EXPECT_THAT(hooks_, IsEmpty());
  EXPECT_THAT(calls_, IsEmpty());
  ASSERT_THAT(Routed(), SizeIs(1));
  EXPECT_TRUE(Routed()[0].success);
  EXPECT_EQ(end.result.total_tokens, 0);
}

TEST_F(RoutedBuild, WhereTheToolFailsTheModelIsAskedThroughTheGateAndTheStepIsRecordedOnce) {  // PD-6, QF-5, RC-10
  Activate({"false"});
  const BuildEnd end = Build();
  ASSERT_EQ(end.result.status, "passed") << end.failure << end.result.message;
  EXPECT_EQ(Names(end), "by the agent\n");
  EXPECT_THAT(world_.Steps(end), Not(Contains("tool_routed")));
  EXPECT_THAT(backend_->requests, SizeIs(2));
  EXPECT_EQ(asked_, 2) << "before each call";
  EXPECT_EQ(Decisions(), 1U) << "and decided once";
  ASSERT_THAT(Routed(), SizeIs(1));
  EXPECT_FALSE(Routed()[0].success);
  ASSERT_THAT(hooks_, SizeIs(1));
  EXPECT_EQ(hooks_[0].run_id, end.result.workflow_run_id);
  EXPECT_EQ(hooks_[0].category, "AuditedBuildWorkflow/implement");
  ASSERT_THAT(calls_, SizeIs(1));
  EXPECT_EQ(calls_[0].count, 1);
  EXPECT_EQ(calls_[0].calls.at(0).tool, "write_file");
  EXPECT_EQ(calls_[0].id, hooks_[0].id);
}

TEST_F(RoutedBuild, WhereTheGateDeniesTheCallTheBuildEndsWithItsSentence) {  // QF-5
  used_ = 2'000'000;
  Activate({"false"});
  const BuildEnd end = Build();
  EXPECT_EQ(end.result.status, "budget_exhausted") << end.failure;
  EXPECT_THAT(end.result.message, HasSubstr("implement_v1: the month's quota of tokens denies this run"));
  EXPECT_THAT(world_.Steps(end), Contains("budget_blocked"));
  EXPECT_THAT(backend_->requests, IsEmpty());
  EXPECT_THAT(hooks_, IsEmpty());
  EXPECT_EQ(Names(end), "b\na\nb\n");
}

TEST_F(RoutedBuild, AHostThatMayRefuseDoesSoBeforeAnythingIsMade) {  // QF-5
  used_ = 2'000'000;
  build().admits_runs = true;
  Activate({"sort", "-u", "-o", "names.txt", "names.txt"});
  const BuildEnd end = Build();
  EXPECT_EQ(end.status, "completed");
  EXPECT_EQ(end.result.status, "budget_exhausted") << end.failure;
  EXPECT_THAT(end.result.message, HasSubstr("the month's quota of tokens denies this run: with this run 200.0 %"));
  EXPECT_EQ(end.result.working_dir, "");
  EXPECT_EQ(end.result.trace, "");
  EXPECT_THAT(opened_, IsEmpty());
  EXPECT_THAT(build().claims, IsEmpty());
  EXPECT_THAT(build().traces, IsEmpty());
  EXPECT_THAT(Routed(), IsEmpty());
  EXPECT_EQ(Decisions(), 1U);
}

TEST_F(RoutedBuild, ARunThatIsAdmittedBeforeItBeginsIsNotDecidedAboutAgain) {  // QF-5
  build().admits_runs = true;
  const BuildEnd end = Build();
  ASSERT_EQ(end.result.status, "passed") << end.failure << end.result.message;
  EXPECT_THAT(opened_, SizeIs(1));
  EXPECT_EQ(asked_, 3) << "before the build and before each call";
  EXPECT_EQ(Decisions(), 1U);
}

TEST_F(RoutedBuild, ABuildGoesOnWhereNobodyCanSayWhetherItMay) {  // QF-5
  build().admits_runs = true;
  build().failures.emplace("admitRun", FakeBuild::Failure("UNAVAILABLE", "records: gone", false));
  const BuildEnd end = Build();
  ASSERT_EQ(end.result.status, "passed") << end.failure << end.result.message;
  EXPECT_EQ(asked_, 2) << "the calls are asked about as always";
}

TEST_F(RoutedBuild, CannedAnswersAreNoCallsThatAnybodyRefuses) {  // QF-5
  used_ = 2'000'000;
  build().admits_runs = true;
  backend_->canned = true;
  EXPECT_EQ(Build().result.status, "passed");
  EXPECT_EQ(asked_, 0);
}

}  // namespace
}  // namespace wfe::workflows
