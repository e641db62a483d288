// The Gemini command line as a backend, against an imitation of it that behaves as the real one was measured to
// (gemini_real_cli_test drives that one): its hidden endings are found out, and what it spent is counted (RW-D4, RW-D5,
// RW-D15, AB-5, AB-6).
#include "activities/agent/programs/gemini_cli.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "activities/agent/call/model_call.h"
#include "activities/agent/cost/cost_ledger.h"
#include "tests/activities/agent/agent_step_test_support.h"
#include "tests/support/imitation/imitation_model.h"

namespace wfe::agent {
namespace {

using imitation::ImitationModel;
using imitation::ModelAnswer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ModelAnswer Writes(const std::string& path = "src/a.ts") {
  return {.calls = {{.name = "write_file", .args = {{"file_path", path}, {"content", "export const a = 1;\n"}}}}};
}

class GeminiCliTest : public AgentTest {
 protected:
  GeminiCliTest() {
    config_.record_call = [this](const json& row) { rows_[LedgerKey(row)] = row; };
  }
  void Use(const ImitationModel& model, const std::string& key = "key-of-the-test") {
    const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    config_.programs["gemini-cli"] = MakeGeminiCli({.program = here / "imitation_gemini_cli",
                                                    .path = "/usr/bin:/bin",
                                                    .api_key = key,
                                                    .base_url = model.root_url(),
                                                    .wall_clock = std::chrono::minutes(5)});
    config_.secrets = {key};
  }
  AgentRequest CliRequest() const {
    AgentRequest request = Request();
    request.backend = "gemini-cli";
    request.model = "gemini-2.5-flash";
    request.instruction = "Create src/a.ts";
    request.context_text = "MARK-OF-THE-CONTEXT";
    return request;
  }
  sdk::ActivityResult<AgentReply> RunOnce(std::vector<ModelAnswer> script, const std::string& id) {
    const ImitationModel model(std::move(script));
    Use(model);
    return Run(CliRequest(), 1, id);
  }

  std::map<std::string, json> rows_;
};

TEST_F(GeminiCliTest, WorksInTheDirectoryWithItsContextAndReportsWhatItSpent) {
  WriteAll(Dir() + "/GEMINI.md", "MARK-OF-THE-PROJECT\n");
  ModelAnswer writes = Writes();
  writes.turn = 1;
  writes.tokens = {.prompt = 1000, .output = 90, .thoughts = 10, .cached = 300};
  const ImitationModel model({writes, {.text = "Created."}});
  Use(model);
  const auto result = Run(CliRequest());
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  const AgentReply& reply = result.value();
  EXPECT_EQ(File("src/a.ts"), "export const a = 1;\n");
  EXPECT_THAT(reply.files_touched, ElementsAre("src/a.ts"));
  EXPECT_EQ(reply.text, "Created.");
  EXPECT_EQ(reply.finish_reason, "STOP");
  EXPECT_EQ(reply.prompt_token_count, 2000);
  EXPECT_EQ(reply.thoughts_token_count, 10);
  EXPECT_EQ(model.calls(), 2);
  EXPECT_THAT(model.served()[0].body, HasSubstr("MARK-OF-THE-CONTEXT"));
  EXPECT_THAT(model.served()[0].body, HasSubstr("MARK-OF-THE-PROJECT"));
  EXPECT_EQ(rows_.size(), 2u) << "a run of a program is one call";
}

TEST_F(GeminiCliTest, EndingsThatItHidesAreFound) {
  ModelAnswer writes = Writes();
  writes.turn = 1;
  const auto safety = RunOnce({writes, {.text = "I begin and", .fault = "safety"}}, "1");
  ASSERT_NE(safety.failure(), nullptr);
  EXPECT_EQ(safety.failure()->type, "AGENT_ERROR");
  EXPECT_THAT(safety.failure()->message, HasSubstr("the model stopped with SAFETY"));

  writes.calls[0].args["file_path"] = "c.ts";
  const auto cut =
      RunOnce({{.times = 1, .text = "half an answer", .fault = "max_tokens"}, writes, {.text = "done"}}, "2");
  ASSERT_TRUE(cut.has_value()) << cut.failure()->message;
  EXPECT_EQ(cut.value().turns, 2) << "one repair run";

  writes.calls[0].args["file_path"] = "b.ts";
  const auto empty = RunOnce({{.times = 1, .fault = "empty"}, writes, {.text = "done"}}, "3");
  ASSERT_TRUE(empty.has_value()) << empty.failure()->message;
  EXPECT_EQ(empty.value().nudges, 1);

  const auto malformed = RunOnce({{.fault = "malformed_call"}}, "4");
  EXPECT_THAT(malformed.failure()->message, HasSubstr("MALFORMED_FUNCTION_CALL"));
}

TEST_F(GeminiCliTest, ServiceThatIsAwayIsWaitedForAndARefusalIsNot) {
  for (const char* fault : {"503", "429", "cut"}) {
    ModelAnswer writes = Writes();
    writes.turn = 1;
    const auto result = RunOnce({writes, {.text = "I beg", .fault = fault}}, fault);
    ASSERT_NE(result.failure(), nullptr) << fault;
    EXPECT_EQ(result.failure()->type, "MODEL_UNAVAILABLE") << fault << ": " << result.failure()->message;
    EXPECT_FALSE(result.failure()->non_retryable) << fault;
    EXPECT_EQ(result.failure()->details.get<AgentReply>().lost_prompt_token_count, 1000)
        << fault << ": the first answer was paid";
  }
  const auto day = RunOnce({{.fault = "quota_day"}}, "day");
  EXPECT_THAT(day.failure()->message, HasSubstr("midnight Pacific")) << "the quota of a day is waited for";
  const auto key = RunOnce({{.fault = "bad_key"}}, "key");
  EXPECT_EQ(key.failure()->type, "AGENT_ERROR");
  EXPECT_THAT(key.failure()->message, HasSubstr("API_KEY_INVALID"));
  {
    const ImitationModel gone({});
    Use(gone);
  }
  const auto unreachable = Run(CliRequest(), 1, "gone");
  EXPECT_EQ(unreachable.failure()->type, "MODEL_UNAVAILABLE") << unreachable.failure()->message;
}

TEST_F(GeminiCliTest, MakesASingleCallInWordsAndLeavesNothingBehind) {
  ModelAnswer writes = Writes("stray.txt");
  writes.turn = 1;
  const ImitationModel model({writes, {.text = "```python\nx = 1\n```"}});
  Use(model);
  sdk::ActivityRegistry registry;
  RegisterGeminiActivities(registry, config_);
  TestContext context;
  CallRequest request;
  request.step_name = "generate";
  request.model = "gemini-2.5-flash";
  request.backend = "gemini-cli";
  request.system = "SYSTEM-TEXT";
  request.parts = {"Count."};
  const auto result = CallActivity(registry, kCallModel, context, request);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_EQ(result.value().text, "```python\nx = 1\n```");
  EXPECT_EQ(result.value().finish_reason, "STOP");
  EXPECT_EQ(result.value().prompt_token_count, 2000) << "of both of its turns";
  EXPECT_TRUE(result.value().cost_usd.has_value());
  EXPECT_THAT(model.served()[0].body, HasSubstr("SYSTEM-TEXT"));
  EXPECT_EQ(rows_.size(), 2u);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) {
    EXPECT_NE(entry.path().filename(), "stray.txt");
  }
  request.parameters.temperature = 0;
  TestContext other("2");
  EXPECT_THAT(CallActivity(registry, kCallModel, other, request).failure()->message,
              HasSubstr("cannot be given generationConfig.temperature"));
}

TEST_F(GeminiCliTest, KilledInMidAnswerLeavesNoProcessAndTheNextAttemptDoesTheWork) {
  ModelAnswer first = Writes();
  first.times = 1;
  const ImitationModel model({first, {.times = 1, .text = "I beg", .fault = "hang"}, first, {.text = "done"}});
  Use(model);
  config_.record_call = nullptr;
  const pid_t worker = fork();
  if (worker == 0) {
    (void)Run(CliRequest());
    _exit(1);
  }
  while (model.hanging() == 0) {
    ASSERT_EQ(waitpid(worker, nullptr, WNOHANG), 0) << "it ended by itself";
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  kill(worker, SIGKILL);
  int status = 0;
  waitpid(worker, &status, 0);
  config_.record_call = [this](const json& row) { rows_[LedgerKey(row)] = row; };
  const auto result = Run(CliRequest(), 2);
  ASSERT_TRUE(result.has_value()) << result.failure()->message;
  EXPECT_EQ(model.calls(), 4) << "nobody else asked";
  EXPECT_EQ(result.value().lost_calls, 1);
  EXPECT_EQ(result.value().lost_prompt_token_count, 1000) << "from the record that the killed run had kept";
}

}  // namespace
}  // namespace wfe::agent
