// Every way a model can end a step, and what the step makes of it: one behaviour for each (issue cases empty-answer,
// nothing-to-scaffold, long-last-answer; RW-D8, RW-D10, RW-D22, RW-D24).
#include "activities/trace/log_entry.h"
#include "activities/trace/trace_validator.h"
#include "tests/activities/agent/agent_step_test_support.h"

namespace wfe::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

json Thought(const std::string& text) { return {{"text", text}, {"thought", true}}; }

TEST_F(AgentTest, EmptyAnswersAreAskedAgainUntilTheModelWorks) {
  json without_content = {{"candidates", json::array({{{"finishReason", "STOP"}}})}};
  const auto result = Play({without_content, Answer({Thought("I will lay out the files.")}), Answer({Write("a", "x")}),
                            Answer({TextPart("done")})});
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_EQ(result.value().nudges, 2);
  EXPECT_EQ(File("a"), "x");
  EXPECT_THAT(backend_->requests.at(1)["contents"].dump(), HasSubstr("You changed no file"));
  EXPECT_EQ(backend_->requests.at(1)["contents"].size(), 1u) << "no empty content stands between two of the user's";
  EXPECT_EQ(backend_->requests.at(2)["contents"].back()["role"], "user");
}

TEST_F(AgentTest, EmptyAnswersWithoutEndAreAnAgentErrorAfterABoundedNumber) {
  const ModelOutcome empty = Answer({});
  const auto result = Play({empty, empty, empty, empty, empty, empty});
  ASSERT_NE(result.failure(), nullptr);
  EXPECT_EQ(result.failure()->type, "AGENT_ERROR");
  EXPECT_EQ(backend_->turns.size(), 4u);
  EXPECT_THAT(result.failure()->message, Not(HasSubstr("it said"))) << "it said nothing";
}

TEST_F(AgentTest, StepThatMayChangeNothingTakesTheModelsWordForIt) {
  AgentRequest request = Request("scaffold");
  request.requires_file_changes = false;
  config_.backends["gemini"] = backend_ = std::make_shared<PreparedBackend>(
      std::vector<ModelOutcome>{Answer({TextPart("The package is laid out already.")})});
  const auto result = Run(request);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_TRUE(result.value().no_change);
  EXPECT_EQ(result.value().text, "The package is laid out already.");
  EXPECT_EQ(backend_->turns.size(), 1u);
  trace::LogEntry entry;
  FillAgentEntry(entry, result.value());
  EXPECT_EQ(entry.ext["no_change"], true);
}

TEST_F(AgentTest, EmptyAnswerIsAskedAgainAlsoWhereNothingNeedsToChange) {
  AgentRequest request = Request("scaffold");
  request.requires_file_changes = false;
  config_.backends["gemini"] = backend_ = std::make_shared<PreparedBackend>(
      std::vector<ModelOutcome>{Answer({}), Answer({TextPart("NOTHING TO DO: fine.")})});
  const auto result = Run(request);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_TRUE(result.value().no_change);
  EXPECT_EQ(result.value().nudges, 1);
}

TEST_F(AgentTest, RequestSaysHowOftenAnAnswerInWordsIsAskedAgain) {
  AgentRequest request = Request();
  request.requires_file_changes = false;
  request.nudges = 1;
  config_.backends["gemini"] = backend_ = std::make_shared<PreparedBackend>(std::vector<ModelOutcome>{
      Answer({TextPart("I would add a file.")}), Answer({Write("a", "x")}), Answer({TextPart("ok")})});
  const auto result = Run(request);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_FALSE(result.value().no_change);
  EXPECT_EQ(File("a"), "x");
}

TEST_F(AgentTest, NothingToDoEndsAStepThatMustChangeSomethingAtOnce) {
  const auto result = Play({Answer({TextPart("NOTHING TO DO: the tests pass already.")})});
  ASSERT_NE(result.failure(), nullptr);
  EXPECT_THAT(result.failure()->message, HasSubstr("\"NOTHING TO DO: the tests pass already.\""));
  EXPECT_EQ(backend_->turns.size(), 1u);
}

TEST_F(AgentTest, SafetyAfterSomeTextIsAnErrorWithTheReasonAndTheWords) {
  for (const char* reason : {"SAFETY", "RECITATION", "PROHIBITED_CONTENT", "LANGUAGE", "OTHER", "A_NEW_ONE"}) {
    config_.work_root = root_ / ("worker-" + std::string(reason));
    const auto result = Play({Answer({Write("a", "x")}), Answer({TextPart("I begin")}, reason)});
    ASSERT_NE(result.failure(), nullptr) << reason;
    EXPECT_THAT(result.failure()->message, HasSubstr(std::string("the model stopped with ") + reason));
    EXPECT_THAT(result.failure()->message, HasSubstr("it said: \"I begin\""));
    const auto reply = result.failure()->details.get<AgentReply>();
    trace::LogEntry entry;
    FillAgentEntry(entry, reply);
    EXPECT_EQ(entry.ext["finish_reason"], reason);
    EXPECT_EQ(entry.ext["turns"], 2);
  }
}

TEST_F(AgentTest, LongLastAnswerIsCutAndKeptWholeAsABlob) {
  std::string words;
  while (words.size() < (3u << 20)) words += "Here is a summary of every chänge. ";
  const auto result = Play({Answer({Write("a", "x")}), Answer({TextPart(words)})});
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  const AgentReply& reply = result.value();
  EXPECT_LT(reply.text.size(), kMaxReplyTextBytes + 100);
  EXPECT_THAT(reply.text, HasSubstr("more bytes ...]"));
  EXPECT_EQ(blobs_->Get(reply.text_blob_hash).value(), words);
  EXPECT_LT(json(reply).dump().size(), 64u << 10);
  trace::LogEntry entry;
  FillAgentEntry(entry, reply);
  EXPECT_EQ(entry.ext["text_blob_hash"], reply.text_blob_hash);
}

TEST_F(AgentTest, EveryPartOfAReplyIsBoundedAlsoInAFailure) {
  const std::string long_name(120, 'n');
  std::vector<ModelOutcome> turns;
  for (int turn = 0; turn < 3; ++turn) {
    std::vector<json> parts;
    for (int i = 0; i < 400; ++i) {
      std::string path;
      for (int deep = 0; deep < 7; ++deep) path += long_name + "/";
      parts.push_back(Write(path + std::to_string(turn) + "-" + std::to_string(i), "x"));
      parts.push_back(CallPart(
          "replace", {{"file_path", "../" + std::string(3000, 'x')}, {"old_string", "a"}, {"new_string", "b"}}));
    }
    turns.push_back(Answer(parts));
  }
  turns.push_back(Answer({TextPart(std::string(3 << 20, 'y'))}, "SAFETY"));
  config_.limits.max_files = 100'000;
  const auto result = Play(turns);
  ASSERT_NE(result.failure(), nullptr);
  EXPECT_LT(result.failure()->message.size(), 4200u);
  EXPECT_LT(result.failure()->details.dump().size(), 800u << 10);
  const auto reply = result.failure()->details.get<AgentReply>();
  EXPECT_EQ(reply.files_touched_count, 1200);
  EXPECT_LT(reply.files_touched.size(), 1200u);
  EXPECT_EQ(reply.action_count, 2400);
}

TEST_F(AgentTest, StepThatFailedBeforeItsFirstAnswerGivesAnEntryTheValidatorAccepts) {  // RW-D10, SEC-M5
  const ModelError refused{.kind = ModelErrorKind::kPermanent, .message = "bad key"};
  const ModelError busy{.kind = ModelErrorKind::kRetryable, .message = "503"};
  for (const ModelError& error : {refused, busy}) {
    config_.work_root = root_ / ("worker-" + error.message);
    const auto result = Play({error});
    ASSERT_NE(result.failure(), nullptr);
    trace::LogEntry entry;
    entry.workflow_run_id = "r";
    entry.step_name = "scaffold";
    entry.timestamp = "2026-11-21T05:00:00.000Z";
    FillAgentEntry(entry, result.failure()->details.get<AgentReply>());
    EXPECT_THAT(trace::CheckEntry(entry), IsEmpty()) << json(entry).dump();
    EXPECT_FALSE(entry.prompt_token_count.has_value()) << "not 0: nothing was counted";
    EXPECT_FALSE(entry.ext.contains("token_count_source"));
    FillAgentEntry(entry, AgentReply{.error = "details that could not be read"});
    EXPECT_THAT(trace::CheckEntry(entry), IsEmpty());
  }
}

TEST_F(AgentTest, BudgetIsCheckedBeforeEveryCallAndZeroBuysNothing) {  // RW-D24
  AgentRequest request = Request();
  request.max_total_tokens = 0;
  config_.backends["gemini"] = backend_ = std::make_shared<PreparedBackend>(
      std::vector<ModelOutcome>{Answer({Write("a", "x")}), Answer({Write("b", "x")}), Answer({TextPart("done")})});
  auto result = Run(request, 1, "none");
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_TRUE(result.value().budget_exhausted);
  EXPECT_TRUE(backend_->turns.empty());

  request.max_total_tokens = 1500;  // a call costs 1,110
  result = Run(request, 1, "some");
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_TRUE(result.value().budget_exhausted);
  EXPECT_EQ(backend_->turns.size(), 2u);
  EXPECT_EQ(File("b"), "x") << "what was bought is used";

  request.max_total_tokens.reset();
  request.max_cost_usd = Money::Nanos(100'000);
  result = Run(request, 1, "money");
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_TRUE(result.value().budget_exhausted);
  EXPECT_EQ(result.value().turns, 1);
}

}  // namespace
}  // namespace wfe::agent
