// Tools before agents: what a registered tool does, no model is asked for; what a tool does not do, hangs at or lies
// about, the agent does (PD-6, PD-7, RC-10, RC-11).
#include "activities/agent/step/agent_worker.h"
#include "activities/patterns/steps/register.h"
#include "activities/trace/log_entry.h"
#include "tests/activities/agent/agent_step_test_support.h"
#include "workers/client/row_store.h"

namespace wfe::agent {
namespace {

using patterns::OperationPattern;
using patterns::PatternProblems;
using patterns::Tool;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const char* const kDedupe = "data:dedupe:reports";

class ToolRouting : public AgentTest {
 protected:
  ToolRouting() {
    patterns::RouterConfig router{.rows = rows_};
    router.runner.work_root = root_ / "worker";
    router.runner.blob_sink = blobs_;
    if (!sandbox::ProbeSandbox("bwrap", "/usr/local/bin:/usr/bin:/bin").usable) {
      router.runner.sandbox = sandbox::SandboxPolicy::kOff;
    }
    router.clock = clock_;
    router.refresh = Duration(0);
    router_ = std::make_shared<patterns::ToolRouter>(router);
    config_.offer_to_tools = [this](sdk::ActivityContext& context, const ToolOffer& offer) {
      return router_->Offer(context, offer);
    };
    backend_ = std::make_shared<PreparedBackend>(
        std::vector<ModelOutcome>{Answer({Write("names.txt", "by the agent\n")}), Answer({TextPart("done")})});
    backend_->by_call = true;
    config_.backends["gemini"] = backend_;
    Put("names.txt", "b\na\nb\n");
    Learn();
  }
  void Put(const std::string& name, const std::string& text) const {
    std::ofstream(Dir() + "/" + name) << text;
  }
  /// Ten runs in which an agent did it.
  void Learn() {
    std::vector<patterns::Operation> operations;
    for (int i = 0; i < 10; ++i) {
      patterns::Operation operation;
      operation.workflow_run_id = "earlier-" + std::to_string(i);
      operation.step = "implement_v1";
      operation.observed_at = "2026-11-1" + std::to_string(i) + "T08:00:00.000Z";
      operation.task = "Remove duplicates from the orders";
      operation.tokens = 50'000;
      operation.cost_usd = *Money::FromNumber(0.1);
      operation.successes = 1;
      operations.push_back(operation);
    }
    ASSERT_TRUE(patterns::KeepOperations(*rows_, patterns::PatternRules::BuiltIn(), operations).has_value());
  }
  void Activate(const std::vector<std::string>& command, const std::function<void(Tool&)>& change = {}) {
    Tool tool{.tool_id = "dedupe"};
    tool.command = command;
    tool.timeout_s = 20;
    if (change) change(tool);
    const auto registered = patterns::ToolStore(*rows_).Register(tool, clock_->Now());
    ASSERT_TRUE(registered.has_value()) << registered.error().message;
    const auto activated = patterns::ActivatePattern(*rows_, kDedupe, "dedupe", clock_->Now());
    ASSERT_TRUE(activated.has_value()) << activated.error().message;
  }
  sdk::ActivityResult<AgentReply> Step(const std::string& step = "implement_v1", int attempt = 1,
                                       const std::string& id = "1") {
    AgentRequest request = Request(step);
    request.instruction = step.starts_with("fix") ? "The verification failed with TEST_FAILURE. Repair it."
                                                  : "Run the tests.\n\nTask:\nRemove duplicates from the orders";
    return Run(request, attempt, id);
  }
  OperationPattern Pattern() { return **patterns::PatternStore(*rows_).Find(kDedupe); }
  std::vector<patterns::ToolCall> Calls() {
    PatternProblems problems;
    return *patterns::ToolStore(*rows_).Calls(problems);
  }
  int64_t TokensSaved() {
    PatternProblems problems;
    int64_t tokens = 0;
    const auto savings = patterns::ToolStore(*rows_).Savings(problems);
    for (const patterns::Saving& saving : *savings) tokens += saving.tokens_saved;
    return tokens;
  }
  /// The agent did it, and the tool's call says why it had to.
  void ExpectAgentBecause(const std::string& why) {
    const auto result = Step();
    ASSERT_TRUE(result.has_value()) << result.failure()->message;
    EXPECT_EQ(result.value().tool_id, "");
    EXPECT_EQ(File("names.txt"), "by the agent\n");
    ASSERT_THAT(Calls(), SizeIs(1));
    EXPECT_FALSE(Calls()[0].success);
    EXPECT_THAT(Calls()[0].why, HasSubstr(why));
    EXPECT_EQ(TokensSaved(), 0);
  }

  std::shared_ptr<MemoryRows> rows_ = std::make_shared<MemoryRows>();
  std::shared_ptr<patterns::ToolRouter> router_;
};

TEST_F(ToolRouting, ARegisteredToolDoesTheStepAndNoModelIsAsked) {
  Activate({"sort", "-u", "-o", "names.txt", "names.txt"});
  const auto result = Step();
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  const AgentReply& reply = result.value();
  EXPECT_EQ(File("names.txt"), "a\nb\n");
  EXPECT_THAT(reply.files_touched, ElementsAre("names.txt"));
  EXPECT_EQ(reply.tool_id, "dedupe");
  EXPECT_EQ(reply.pattern_signature, kDedupe);
  EXPECT_EQ(reply.model, "tool/dedupe");
  EXPECT_EQ(reply.turns, 0);
  EXPECT_EQ(reply.tokens_saved, 50'000);
  EXPECT_EQ(reply.cost_saved_usd, *Money::FromNumber(0.1));
  EXPECT_FALSE(reply.cost_usd.has_value());
  EXPECT_TRUE(backend_->requests.empty());
  trace::LogEntry entry;
  FillAgentEntry(entry, reply);
  EXPECT_EQ(entry.ext["tool_id"], "dedupe");

  PatternProblems problems;
  const auto savings = patterns::ToolStore(*rows_).Savings(problems);
  ASSERT_THAT(*savings, SizeIs(1));
  EXPECT_EQ((*savings)[0].optimization_type, "tool_routing");
  EXPECT_EQ((*savings)[0].baseline, "mean of 10 operations of this pattern by an agent");
  ASSERT_THAT(Calls(), SizeIs(1));
  EXPECT_TRUE(Calls()[0].success);
  EXPECT_EQ(Pattern().tool_calls, 1);
  EXPECT_EQ(Pattern().tool_successes, 1);
}

TEST_F(ToolRouting, ASecondAttemptPutsTheSameInPlaceWithoutRunningTheToolAgain) {
  Activate({"sh", "-c", "echo x >> names.txt"});
  ASSERT_TRUE(Step().has_value());
  EXPECT_EQ(File("names.txt"), "b\na\nb\nx\n");
  const auto again = Step("implement_v1", 2);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(File("names.txt"), "b\na\nb\nx\n");
  EXPECT_THAT(again.value().files_touched, ElementsAre("names.txt"));
  EXPECT_THAT(Calls(), SizeIs(1));
  EXPECT_EQ(TokensSaved(), 50'000);
}

TEST_F(ToolRouting, AToolThatHangsIsEndedAndTheAgentDoesIt) {
  Activate({"sleep", "1000"}, [](Tool& tool) { tool.timeout_s = 1; });
  ExpectAgentBecause("did not end within 1 s");
}

TEST_F(ToolRouting, AToolThatChangesNothingHasNotDoneIt) {
  Activate({"true"});
  ExpectAgentBecause("it changed no file");
}

TEST_F(ToolRouting, AToolThatFailsLeavesNothingBehind) {
  Activate({"sh", "-c", "echo rubbish > other.txt; echo 'no such order' >&2; exit 3"});
  ExpectAgentBecause("it ended with 3: no such order");
  EXPECT_FALSE(std::filesystem::exists(Dir() + "/other.txt"));
}

TEST_F(ToolRouting, AToolWhoseOutputIsNotWhatItsSchemaSaysIsNotBelieved) {
  Activate({"sh", "-c", "sort -u -o names.txt names.txt; echo '{\"removed\": \"some\"}'"}, [](Tool& tool) {
    tool.output_schema = {{"type", "object"}, {"properties", {{"removed", {{"type", "integer"}}}}}};
  });
  ExpectAgentBecause("its output is not what its schema says: /removed: is no integer");
}

TEST_F(ToolRouting, AToolWhoseVerificationFailsIsNotBelieved) {
  Activate({"sort", "-o", "names.txt", "names.txt"}, [](Tool& tool) {
    tool.verify = {"sh", "-c", "test \"$(sort -u names.txt)\" = \"$(cat names.txt)\""};
  });
  ExpectAgentBecause("its verification failed");
}

TEST_F(ToolRouting, AToolMayNotChangeWhatIsProtected) {
  Activate({"sh", "-c", "echo > names.txt; echo 'all pass' > tests.cfg"});
  Put("tests.cfg", "strict\n");
  AgentRequest request = Request();
  request.instruction = "Remove duplicates from the orders";
  request.protected_paths = {"tests.cfg"};
  ASSERT_TRUE(Run(request).has_value());
  EXPECT_EQ(File("tests.cfg"), "strict\n");
  EXPECT_THAT(Calls()[0].why, HasSubstr("tests.cfg, which is protected"));
}

TEST_F(ToolRouting, AToolThatIsNotThereIsAFailureAndTheAgentDoesIt) {
  Activate({"no-such-program-anywhere"});
  ExpectAgentBecause("no-such-program-anywhere cannot be started");
}

TEST_F(ToolRouting, ARepairAfterItSaysThatTheToolHasNotDoneIt) {
  Activate({"sort", "-u", "-o", "names.txt", "names.txt"});
  ASSERT_TRUE(Step().has_value());
  EXPECT_EQ(TokensSaved(), 50'000);
  const auto repaired = Step("fix_attempt_1", 1, "2");
  ASSERT_TRUE(repaired.has_value()) << repaired.failure()->message;
  EXPECT_EQ(repaired.value().tool_id, "");
  EXPECT_EQ(TokensSaved(), 0) << "what it had saved is taken back";
  ASSERT_THAT(Calls(), SizeIs(1));
  EXPECT_FALSE(Calls()[0].success);
  EXPECT_EQ(Pattern().tool_successes, 0);
}

TEST_F(ToolRouting, AToolThatFailsTooOftenIsNotTriedAnyMore) {
  Activate({"false"});
  for (int i = 1; i <= 7; ++i) {
    backend_->requests.clear();
    Put("names.txt", "b\n");
    ASSERT_TRUE(Step("implement_v1", 1, std::to_string(i)).has_value());
  }
  EXPECT_THAT(Calls(), SizeIs(5));
  EXPECT_EQ(Pattern().automation_status, patterns::kRetired);
  EXPECT_THAT(Pattern().reason, HasSubstr("succeeded in 0 of 5 calls"));
}

TEST_F(ToolRouting, OnlyWhatIsActiveAndSureIsRouted) {
  Tool tool{.tool_id = "dedupe"};
  tool.command = {"sort", "-u", "-o", "names.txt", "names.txt"};
  ASSERT_TRUE(patterns::ToolStore(*rows_).Register(tool, clock_->Now()).has_value());
  ASSERT_TRUE(Step().has_value());
  EXPECT_EQ(File("names.txt"), "by the agent\n") << "registering activates nothing";
  const auto unsure = patterns::ActivatePattern(*rows_, "test:pytest:backend", "dedupe", clock_->Now());
  EXPECT_EQ(unsure.error().code, StatusCode::kNotFound);
  const auto without = patterns::ActivatePattern(*rows_, kDedupe, "other", clock_->Now());
  EXPECT_THAT(without.error().message, HasSubstr("there is no tool other"));
}

TEST_F(ToolRouting, DocumentsAreAnsweredByToolsThatTakeBatches) {
  CallRequest request{.step_name = "document"};
  request.parts = {"Remove duplicates from the orders", "\n\nb\na\nb\n"};
  const auto call = [&] {
    sdk::ActivityRegistry registry;
    RegisterGeminiActivities(registry, config_);
    TestContext context("1", 1);
    return CallActivity(registry, kCallModel, context, request);
  };
  Activate({"sh", "-c", "cat | wc -c"}, [](Tool& tool) { tool.supports_batch = true; });
  const auto result = call();
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_EQ(result.value().tool_id, "dedupe");
  EXPECT_EQ(result.value().finish_reason, "STOP");
  EXPECT_EQ(result.value().tokens_saved, 50'000);
  EXPECT_TRUE(backend_->requests.empty());
}

TEST_F(ToolRouting, AnActivityIsAToolAsWell) {
  sdk::ActivityRegistry activities;
  activities.RegisterErased("upperCase", [](sdk::ActivityContext&, const json& input) {
    return sdk::ActivityResult<json>(json(input.at("what").get<std::string>() + "!"));
  });
  patterns::ToolRunnerConfig runner;
  runner.work_root = root_ / "worker";
  runner.activity = [&](const std::string& name) { return activities.Find(name); };
  Tool tool{.tool_id = "upper"};
  tool.activity_type = "upperCase";
  tool.input = {{"what", "{task} of {step}"}};
  const patterns::ToolWork work{.input = {.task = "{step}", .step = "s", .pattern = "", .input = ""}};
  TestContext context("1", 1);
  patterns::ToolOutcome outcome = patterns::RunTool(runner, context, tool, work);
  EXPECT_TRUE(outcome.done()) << outcome.why;
  EXPECT_EQ(outcome.text, "{step} of s!") << "what a task says stands for nothing else";
  tool.activity_type = "nobodyServesThis";
  outcome = patterns::RunTool(runner, context, tool, work);
  EXPECT_EQ(outcome.why, "this worker serves no activity nobodyServesThis");
}

TEST(ToolSchemas, WhatCannotBeCheckedIsRefused) {
  EXPECT_TRUE(patterns::CheckToolSchema({{"type", "object"}, {"required", {"a"}}}).has_value());
  EXPECT_THAT(patterns::CheckToolSchema({{"$ref", "#/x"}}).error().message, HasSubstr("\"$ref\" of a schema"));
  EXPECT_THAT(patterns::CheckToolSchema({{"type", "text"}}).error().message, HasSubstr("\"type\" must be one of"));
  EXPECT_THAT(patterns::CheckToolSchema({{"items", {{"pattern", "x"}}}}).error().message, HasSubstr("\"pattern\""));
}

}  // namespace
}  // namespace wfe::agent
