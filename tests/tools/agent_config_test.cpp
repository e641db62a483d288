// From wfe.toml and the environment to backends that can be called (RW-D12, RW-D25).
#include "tools/wfe/agent_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "activities/agent/programs/agent_program.h"
#include "tests/activities/agent/agent_test_support.h"
#include "tests/activities/agent/imitation_server.h"

namespace wfe::cli {
namespace {

using agent::ImitationServer;
using ::testing::HasSubstr;

class AgentConfigTest : public ::testing::Test {
 protected:
  AgentConfigTest() {
    for (const char* name : {"GOOGLE_GEMINI_BASE_URL", "GEMINI_MODEL", "WFE_AGENT_BACKEND", "WFE_CONFIG"})
      unsetenv(name);
    setenv("GEMINI_API_KEY", "test-key", 1);
  }
  Result<agent::GeminiConfig> Load(const std::string& toml) {
    WriteAll(dir_ / "wfe.toml", toml);
    WFE_ASSIGN_OR_RETURN(const Config config, LoadConfig(dir_ / "wfe.toml"));
    return AgentConfigFrom(config, dir_.path());
  }
  const TempDir dir_;
};

TEST_F(AgentConfigTest, OneBaseUrlReachesBothBackendsHoweverItIsGiven) {  // RW-D12
  const std::string program = dir_ / "gemini";
  WriteAll(program,
                  "#!/bin/sh\nprintf %s \"$GOOGLE_GEMINI_BASE_URL\" > url.txt\necho '{\"type\":\"result\","
                  "\"status\":\"success\"}'\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const std::string chunk = R"(data: {"candidates":[{"finishReason":"STOP"}]})"
                            "\r\n\r\n";
  int round = 0;
  for (const bool by_variable : {false, true}) {
    for (const std::string ending : {"", "/", "/v1beta", "/v1beta/"}) {
      const ImitationServer server({{.pieces = {chunk}}});
      const std::string root = server.url().substr(0, server.url().rfind('/'));
      const std::string toml = "[agent]\ncli_path = \"" + program + "\"\n";
      unsetenv("GOOGLE_GEMINI_BASE_URL");
      if (by_variable) setenv("GOOGLE_GEMINI_BASE_URL", (root + ending).c_str(), 1);
      const auto agent = Load(by_variable ? toml : toml + "base_url = \"" + root + ending + "\"\n");
      ASSERT_TRUE(agent.has_value()) << agent.error().message;
      const nlohmann::json request = nlohmann::json::object();
      const auto answer =
          agent->backends.at("gemini")->Generate({.step_name = "s", .turn = 1, .model = "m", .request = request}, {});
      EXPECT_TRUE(answer.ok());
      EXPECT_THAT(server.requests().at(0).head, HasSubstr("POST /v1beta/models/m:streamGenerateContent")) << ending;

      const std::string project = dir_ / ("project" + std::to_string(++round));
      std::filesystem::create_directories(project);
      const auto run = agent->programs.at("gemini-cli")
                           ->Run({.step_name = "s",
                                  .prompt = "p",
                                  .context = "c",
                                  .working_dir = project,
                                  .model = "m",
                                  .private_dir = project + "-private"},
                                 {});
      EXPECT_TRUE(run.ok()) << run.error().message;
      EXPECT_EQ(ReadAll(project + "/url.txt"), root) << ending;
    }
  }
  unsetenv("GOOGLE_GEMINI_BASE_URL");
}

TEST_F(AgentConfigTest, LimitsOfAStepComeFromTheFile) {  // RW-D25
  const auto agent = Load(
      "[agent]\nmax_turns = 7\nmax_output_tokens = 1000\nmax_files = 3\nmax_file_bytes = 4096\n"
      "max_total_bytes = 8192\n");
  ASSERT_TRUE(agent.has_value()) << agent.error().message;
  EXPECT_EQ(agent->limits.max_turns, 7);
  EXPECT_EQ(agent->limits.max_output_tokens, 1000);
  EXPECT_EQ(agent->limits.max_files, 3);
  EXPECT_EQ(agent->limits.max_file_bytes, 4096);
  EXPECT_EQ(agent->limits.max_total_bytes, 8192);
  EXPECT_THAT(Load("[agent]\nmax_turns = -1\n").error().message, HasSubstr("agent.max_turns must be from 0 to 1000"));
}

TEST_F(AgentConfigTest, OwnCommandGetsTheVariablesThatAreNamedAndTheyAreSecrets) {
  setenv("OTHER_MODEL_KEY", "key-of-another-vendor", 1);
  const auto agent = Load(
      "[agent]\nbackend = \"command\"\ncommand = [\"sh\", \"-c\", \"true\"]\n"
      "command_env = [\"OTHER_MODEL_KEY\"]\n");
  ASSERT_TRUE(agent.has_value()) << agent.error().message;
  EXPECT_THAT(agent->secrets, ::testing::Contains("key-of-another-vendor"));
  EXPECT_EQ(AgentWarning(*agent), "");
}

TEST_F(AgentConfigTest, OwnCommandIsToldTheModelThatTheFileNamesAndNoneOfGemini) {  // RW-D5
  setenv("GEMINI_MODEL", "gemini-2.5-pro", 1);
  const auto agent = Load("[agent]\nbackend = \"command\"\ncommand = [\"sh\"]\n");
  unsetenv("GEMINI_MODEL");
  EXPECT_EQ(agent::ModelFor(*agent, "command", ""), "");
  EXPECT_EQ(agent::ModelFor(*agent, "command", "of-the-build"), "of-the-build");
  EXPECT_EQ(agent::ModelFor(*agent, "gemini", ""), "gemini-2.5-pro");
  const auto named = Load("[agent]\nmodel = \"coder-7b\"\ncommand = [\"sh\"]\n");
  EXPECT_EQ(agent::ModelFor(*named, "command", ""), "coder-7b");
  EXPECT_EQ(agent::ModelFor(*named, "gemini", ""), "coder-7b");
  EXPECT_EQ(agent::ModelFor(*Load("[agent]\n"), "gemini-cli", ""), "gemini-2.5-flash");
}

TEST_F(AgentConfigTest, WorkerSaysAtItsStartWhatIsMissing) {
  unsetenv("GEMINI_API_KEY");
  const auto agent = Load("[agent]\nbackend = \"gemini\"\n");
  EXPECT_EQ(AgentWarning(*agent),
            "builds that name no backend will fail: backend gemini: GEMINI_API_KEY is not set in the environment of "
            "the worker");
  const auto mistyped = Load("[agent]\nbackend = \"gemni\"\n");
  ASSERT_FALSE(mistyped.has_value());
  EXPECT_THAT(mistyped.error().message, HasSubstr("agent.backend must be gemini"));
  EXPECT_THAT(Load("[build]\nsandbox = \"banana\"\n").error().message, HasSubstr("preferred, required or off"));
}

}  // namespace
}  // namespace wfe::cli
