// The calls of tools in an agent's transcript, kept beside the step and never in its way: RC-10.
#include "activities/agent/step/tool_calls.h"

#include "activities/agent/programs/command_agent.h"
#include "activities/agent/programs/gemini_cli.h"
#include "activities/agent/programs/gemini_session.h"
#include "tests/activities/agent/agent_step_test_support.h"

namespace wfe::agent {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class AgentToolCalls : public AgentTest {
 protected:
  AgentToolCalls() {
    config_.record_tool_calls = [this](const std::string& key, const StepToolCalls& calls) {
      keys_.push_back(key);
      steps_.push_back(calls);
    };
  }

  std::vector<std::string> keys_;
  std::vector<StepToolCalls> steps_;
};

TEST_F(AgentToolCalls, StandWithHashesOfWhatWentInAndCameOutAndHowTheyEnded) {  // RC-10
  WriteAll(Dir() + "/a.txt", "words");
  const json arguments = {{"file_path", "a.txt"}};
  const auto result = Play({Answer({CallPart("read_file", arguments), CallPart("fetch", {{"url", "x"}})}),
                            Answer({Write("b.txt", "new")}), Answer({TextPart("done")})});
  ASSERT_TRUE(result.has_value());
  ASSERT_THAT(steps_, SizeIs(1));
  const StepToolCalls& step = steps_[0];
  EXPECT_EQ(keys_[0], "2026-11-21/" + step.id);
  EXPECT_EQ(step.run_id, "run-1");
  EXPECT_EQ(step.step_name, "implement_v1");
  EXPECT_EQ(step.via, "tool_call");
  EXPECT_EQ(step.count, 3);
  EXPECT_EQ(step.failed, 1);
  ASSERT_THAT(step.calls, SizeIs(3));
  EXPECT_EQ(step.calls[0].tool, "read_file");
  EXPECT_EQ(step.calls[0].input_hash, ToHex(Sha256(arguments.dump())));
  EXPECT_EQ(step.calls[0].output_hash, ToHex(Sha256("words")));
  EXPECT_TRUE(step.calls[0].success);
  EXPECT_TRUE(step.calls[0].duration_ms.has_value());
  EXPECT_EQ(step.calls[0].cost_usd, Money());
  EXPECT_EQ(step.calls[1].tool, "fetch");
  EXPECT_FALSE(step.calls[1].success);
  EXPECT_EQ(step.calls[2].tool, "write_file");
  const json kept = step;
  EXPECT_EQ(json(kept.get<StepToolCalls>()), kept);
}

TEST_F(AgentToolCalls, OfARetryAreThoseOfTheWholeStepOnce) {  // AB-5
  backend_ = std::make_shared<PreparedBackend>(
      std::vector<ModelOutcome>{Answer({Write("a.txt", "x")}),
                                ModelError{.kind = ModelErrorKind::kRetryable, .message = "busy"},
                                Answer({Write("b.txt", "y")}), Answer({TextPart("done")})});
  backend_->by_call = true;
  config_.backends["gemini"] = backend_;
  ASSERT_NE(Run(Request(), 1).failure(), nullptr);
  EXPECT_THAT(steps_, IsEmpty()) << "the step has not ended";
  ASSERT_TRUE(Run(Request(), 2).has_value());
  ASSERT_THAT(steps_, SizeIs(1));
  EXPECT_EQ(steps_[0].count, 2);
}

TEST_F(AgentToolCalls, AreCountedBeyondThoseThatAreKept) {
  std::vector<json> parts;
  for (size_t i = 0; i < kMaxToolCallsKept + 20; ++i) parts.push_back(CallPart("read_file", {{"file_path", "none"}}));
  ASSERT_TRUE(Play({Answer(parts), Answer({Write("a.txt", "x")}), Answer({TextPart("done")})}).has_value());
  ASSERT_THAT(steps_, SizeIs(1));
  EXPECT_EQ(steps_[0].count, static_cast<int64_t>(kMaxToolCallsKept) + 21);
  EXPECT_EQ(steps_[0].failed, static_cast<int64_t>(kMaxToolCallsKept) + 20);
  EXPECT_THAT(steps_[0].calls, SizeIs(kMaxToolCallsKept));
}

TEST_F(AgentToolCalls, OfAStepWithoutAnyLeaveNoRow) {
  AgentRequest request = Request();
  request.requires_file_changes = false;
  config_.backends["gemini"] = std::make_shared<PreparedBackend>(
      std::vector<ModelOutcome>{Answer({TextPart("NOTHING TO DO, all is well")})});
  ASSERT_TRUE(Run(request).has_value());
  EXPECT_THAT(steps_, IsEmpty());
}

TEST_F(AgentToolCalls, OfAProgramAreItsOwnWord) {
  const std::string script =
      "echo x > told.txt\n"
      R"(printf '%s\n' '{"type":"tool_use","id":"1","tool":"write_file","path":"told.txt","input":{"n":1}}')"
      "\n"
      R"(printf '%s\n' '{"type":"tool_result","id":"1","status":"ok","output":"fine","duration_ms":7}')"
      "\n"
      R"(printf '%s\n' '{"type":"tool_use","id":"2","tool":"shell","path":""}')"
      "\n"
      R"(printf '%s\n' '{"type":"result","status":"done","finish_reason":"STOP"}')";
  config_.programs["command"] = MakeCommandAgent({.argv = {"sh", "-c", script},
                                                  .path = "/usr/bin:/bin",
                                                  .environment = {},
                                                  .sandbox = sandbox::SandboxPolicy::kOff});
  AgentRequest request = Request();
  request.backend = "command";
  const auto result = Run(request);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  ASSERT_THAT(steps_, SizeIs(1));
  EXPECT_EQ(steps_[0].via, "program");
  ASSERT_THAT(steps_[0].calls, SizeIs(2));
  const AgentToolCall& told = steps_[0].calls[0];
  EXPECT_EQ(told.input_hash, ToHex(Sha256(R"({"n":1})")));
  EXPECT_EQ(told.output_hash, ToHex(Sha256("fine")));
  EXPECT_EQ(told.duration_ms, 7);
  EXPECT_TRUE(told.success);
  EXPECT_FALSE(told.cost_usd.has_value()) << "what a program's tools cost it does not say";
  EXPECT_FALSE(steps_[0].calls[1].success) << "it was never answered";
  EXPECT_EQ(steps_[0].failed, 1);
}

TEST_F(AgentToolCalls, OfTheGeminiCommandLineHaveTheTimesOfItsEvents) {
  const std::string said = ReadAll(std::string(WFE_SOURCE_DIR) + "/tests/testdata/gemini/gemini-cli-stream-json.jsonl");
  const ModelOutcome outcome = ParseGeminiCliRun(0, said, "");
  ASSERT_TRUE(outcome.ok());
  const auto report = outcome.response().get<ProgramReport>();
  ASSERT_THAT(report.tool_calls, SizeIs(1));
  EXPECT_EQ(report.tool_calls[0].tool, "write_file");
  EXPECT_EQ(report.tool_calls[0].duration_ms, 94);
  EXPECT_TRUE(report.tool_calls[0].success);
  EXPECT_EQ(report.tool_calls[0].input_hash.size(), 64U);
  EXPECT_EQ(report.tool_calls[0].output_hash, "") << "it says no more than that it went well";
}

}  // namespace
}  // namespace wfe::agent
