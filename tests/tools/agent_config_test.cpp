// From wfe.toml and the environment to backends that can be called (RW-D12, RW-D25).
#include "tools/wfe/agent_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "activities/agent/programs/agent_program.h"
#include "tests/activities/agent/agent_test_support.h"
#include "activities/outbound/http_client.h"
#include "tests/support/imitation/imitation_server.h"

namespace wfe::cli {
namespace {

using imitation::ImitationServer;
using ::testing::HasSubstr;

class AgentConfigTest : public ::testing::Test {
 protected:
  AgentConfigTest() {
    for (const char* name : {"GOOGLE_GEMINI_BASE_URL", "GEMINI_MODEL", "WFE_AGENT_BACKEND", "WFE_CONFIG", "WFE_OPENAI_BASE_URL",
                             "WFE_OPENAI_MODEL"})
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

TEST_F(AgentConfigTest, OpenAiServiceIsABackendWithAModelAndAKeyThatIsASecret) {
  setenv("LOCAL_MODEL_KEY", "key-of-the-local-model", 1);
  const ImitationServer server({{.pieces = {R"(data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]})"
                                            "\n\n"}}});
  const std::string root = server.url().substr(0, server.url().rfind('/'));
  const auto agent = Load("[agent]\nbackend = \"openai\"\n[openai]\nbase_url = \"" + root +
                          "\"\nmodel = \"qwen2.5-coder:7b\"\nkey_env = \"LOCAL_MODEL_KEY\"\n");
  ASSERT_TRUE(agent.has_value()) << agent.error().message;
  EXPECT_EQ(AgentWarning(*agent), "");
  EXPECT_THAT(agent->secrets, ::testing::Contains("key-of-the-local-model"));
  EXPECT_EQ(agent::ModelFor(*agent, "openai", ""), "qwen2.5-coder:7b");
  EXPECT_EQ(agent::ModelFor(*agent, "gemini", ""), "gemini-2.5-flash");
  const nlohmann::json request = {{"contents", nlohmann::json::array()}};
  const auto answer =
      agent->backends.at("openai")->Generate({.step_name = "s", .turn = 1, .model = "m", .request = request}, {});
  EXPECT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_THAT(server.requests().at(0).head, HasSubstr("POST /v1/chat/completions "));
  EXPECT_THAT(server.requests().at(0).head, HasSubstr("Authorization: Bearer key-of-the-local-model"));
  unsetenv("LOCAL_MODEL_KEY");
  const auto without = Load("[agent]\nbackend = \"openai\"\n[openai]\nbase_url = \"" + root +
                            "\"\nmodel = \"m\"\nkey_env = \"LOCAL_MODEL_KEY\"\n");
  EXPECT_THAT(AgentWarning(*without), HasSubstr("LOCAL_MODEL_KEY is not set in the environment of the worker"));
}

TEST_F(AgentConfigTest, TiersAreModelsOfTheirBackendsAndHaveDefaults) {
  const auto resolved = [](const agent::GeminiConfig& agent, const std::string& backend, const std::string& model) {
    const auto result = agent::ResolveModel(agent, backend, model);
    return result ? result->backend + ":" + result->model + ":" + result->tier : result.error().message;
  };
  const auto plain = Load("[agent]\nmodel = \"gemini-3.5-flash\"\n");
  ASSERT_TRUE(plain.has_value()) << plain.error().message;
  EXPECT_EQ(resolved(*plain, "", "small"), "gemini:gemini-2.5-flash-lite:small");
  EXPECT_EQ(resolved(*plain, "", "medium"), "gemini:gemini-3.5-flash:medium");
  EXPECT_EQ(resolved(*plain, "", "large"), "gemini:gemini-2.5-pro:large");
  EXPECT_EQ(resolved(*plain, "", ""), "gemini:gemini-3.5-flash:") << "as without tiers";
  EXPECT_EQ(resolved(*plain, "", "gemini-2.5-pro"), "gemini:gemini-2.5-pro:");
  EXPECT_EQ(resolved(*plain, "scripted", "small"), "scripted:small:") << "the name of a cassette";
  const auto mixed = Load("[openai]\nbase_url = \"http://127.0.0.1:1\"\nmodel = \"m\"\n"
                          "[tiers]\nsmall = \"openai:qwen2.5-coder:7b\"\n");
  ASSERT_TRUE(mixed.has_value()) << mixed.error().message;
  EXPECT_EQ(resolved(*mixed, "", "small"), "openai:qwen2.5-coder:7b:small");
  EXPECT_EQ(resolved(*mixed, "openai", "small"), "openai:qwen2.5-coder:7b:small");
  EXPECT_EQ(resolved(*mixed, "openai", ""), "openai:m:");
  EXPECT_EQ(resolved(*mixed, "", "large"), "gemini:gemini-2.5-pro:large");
  EXPECT_THAT(resolved(*mixed, "gemini", "small"), HasSubstr("is a model of the backend openai"));
  const auto canned = Load("[agent]\nbackend = \"scripted\"\nmodel = \"careful\"\n");
  EXPECT_EQ(resolved(*canned, "", "large"), "scripted:careful:large");
  EXPECT_THAT(Load("[tiers]\nsmall = \"openai:m\"\n").error().message, HasSubstr("tiers.small"));
}

TEST_F(AgentConfigTest, WhatGoesOutIsCountedAndGoesNowhereElse) {  // AC-12
  MetricsRegistry metrics;
  const ImitationServer server({{.pieces = {R"(data: {"candidates":[{"finishReason":"STOP"}]})"
                                            "\n\n"}}});
  WriteAll(dir_ / "wfe.toml", "[agent]\nbase_url = \"" + server.url() + "\"\n");
  const auto config = LoadConfig(dir_ / "wfe.toml");
  const auto agent = AgentConfigFrom(*config, dir_.path(), metrics);
  ASSERT_TRUE(agent.has_value()) << agent.error().message;
  const nlohmann::json request = nlohmann::json::object();
  for (int i = 0; i < 2; ++i) {
    (void)agent->backends.at("gemini")->Generate({.step_name = "s", .turn = 1, .model = "m", .request = request}, {});
  }
  const std::string origin = *outbound::OriginOf(server.url(), "it");
  EXPECT_THAT(metrics.Text(), HasSubstr("wfe_outbound_calls_total{origin=\"" + origin + "\",end=\"200\"} 1"));
  EXPECT_THAT(metrics.Text(), HasSubstr("wfe_outbound_calls_total{origin=\"" + origin + "\",end=\"500\"} 1"));
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
