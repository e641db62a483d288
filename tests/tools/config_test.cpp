// Every key of wfe.toml is checked, has an effect and stands in the documentation (RW-D13).
#include "tools/wfe/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/activities/agent/agent_test_support.h"

namespace wfe::cli {
namespace {

using nlohmann::ordered_json;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::string ReadWhole(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// "section.name" → its value in a configuration that nobody changed.
std::map<std::string, ordered_json> KeysOf(const Config& config) {
  std::map<std::string, ordered_json> keys;
  const ordered_json json = ToJson(config);
  for (const auto& [section, body] : json.items()) {
    if (!body.is_object()) continue;
    for (const auto& [name, value] : body.items()) keys[section + "." + name] = value;
  }
  return keys;
}

class Configuration : public ::testing::Test {
 protected:
  Configuration() {
    for (const char* name : {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY", "TEMPORAL_CONFIG_FILE",
                             "TEMPORAL_PROFILE", "WFE_CONFIG", "WFE_DATA", "WFE_LISTEN", "WFE_HTTP",
                             "WFE_HTTP_TOKEN", "WFE_WORK_ROOT",
                             "WFE_AGENT_BACKEND", "GEMINI_MODEL", "GOOGLE_GEMINI_BASE_URL", "WFE_OPENAI_BASE_URL",
                             "WFE_OPENAI_MODEL", "WFE_QUOTA_LIMIT", "ANTHROPIC_QUOTA_LIMIT"}) {
      unsetenv(name);
    }
    setenv("HOME", dir_.path().c_str(), 1);
  }
  /// The configuration of a file that holds one key.
  Result<Config> With(const std::string& key, const std::string& value) {
    const size_t dot = key.find('.');
    WriteAll(dir_ / "wfe.toml", "[" + key.substr(0, dot) + "]\n" + key.substr(dot + 1) + " = " + value + "\n");
    return LoadConfig(dir_ / "wfe.toml");
  }
  /// Another value that the key takes; of numbers, one of the bounds that a refusal names.
  /// Dollars, or "none".
  static bool IsAmount(const std::string& key, const ordered_json& value) {
    return value.is_number_float() || key == "cost_tracking.run_limit";
  }
  std::string Another(const std::string& key, const ordered_json& value) {
    if (key == "build.sandbox") return "\"off\"";
    if (key == "agent.backend") return "\"scripted\"";
    if (key == "server.log_level") return "\"error\"";
    if (key == "server.log_format") return "\"json\"";
    if (key.starts_with("tiers.")) return "\"gemini:other\"";
    if (key == "cost_tracking.on_exceed") return "\"warn\"";
    if (key == "quota.preflight") return "\"enforce\"";
    if (key == "context.give") return "\"all\"";
    if (IsAmount(key, value)) return "7.5";
    if (value.is_boolean()) return value == true ? "false" : "true";
    if (value.is_array()) return R"(["other"])";
    if (value.is_string()) return "\"other\"";
    const auto refused = With(key, "-1");
    std::string least;
    std::string most;
    EXPECT_FALSE(refused.has_value());
    if (refused.has_value()) return "0";
    EXPECT_TRUE(RE2::PartialMatch(refused.error().message, R"(must be from (\d+) to (\d+))", &least, &most))
        << refused.error().message;
    return value == std::stoll(least) ? most : least;
  }
  const TempDir dir_;
};

TEST_F(Configuration, EachKeyChangesItsOwnValueAndNoOther) {
  const auto before = KeysOf(Config{});
  ASSERT_GT(before.size(), 40u);
  for (const auto& [key, value] : before) {
    const auto changed = With(key, Another(key, value));
    ASSERT_TRUE(changed.has_value()) << changed.error().message;
    auto after = KeysOf(*changed);
    EXPECT_NE(after[key], value) << key;
    after[key] = value;
    EXPECT_EQ(after, before) << key;
  }
}

/// Whoever writes down the value that is there by itself has chosen it all the same: a port that was chosen must be had.
TEST_F(Configuration, ChosenIsWhatSomebodyWroteWhateverItSays) {  // HT-1
  EXPECT_EQ(LoadConfig("")->chosen, std::set<std::string>());
  int same = 0;
  for (const auto& [key, value] : KeysOf(Config{})) {
    const auto written = With(key, value.dump());
    if (!written) continue;  // what stands for "not given" can not always be written
    EXPECT_EQ(written->chosen, std::set<std::string>{key});
    ++same;
  }
  EXPECT_GT(same, 40);
  setenv("WFE_HTTP", HttpConfig().listen.c_str(), 1);
  EXPECT_EQ(LoadConfig("")->chosen, std::set<std::string>{"http.listen"});
  unsetenv("WFE_HTTP");
  EXPECT_EQ(LoadConfig("not-there.toml").error().code, StatusCode::kNotFound);
}

TEST_F(Configuration, AValueOfAnotherTypeIsRefusedByItsKeyAndPlace) {
  for (const auto& [key, value] : KeysOf(Config{})) {
    const bool number_is_wrong = (value.is_string() && !IsAmount(key, value)) || value.is_array();
    const auto refused = With(key, number_is_wrong ? "7" : "\"seven\"");
    ASSERT_FALSE(refused.has_value()) << key;
    EXPECT_THAT(refused.error().message, HasSubstr(key + " must be"));
    EXPECT_THAT(refused.error().message, HasSubstr("wfe.toml:2:"));
  }
  const auto banana = With("build.sandbox", "\"banana\"");
  ASSERT_FALSE(banana.has_value());
  EXPECT_THAT(banana.error().message, HasSubstr("required"));
}

TEST_F(Configuration, TheHookOfMonitorsIsOneCommandOrOneSafeUrl) {  // MO-2
  const auto missing = [&](const std::string& text) {
    WriteAll(dir_ / "wfe.toml", "[monitor]\n" + text);
    const auto config = LoadConfig(dir_ / "wfe.toml");
    return config ? MissingInConfig(*config) : config.error().message;
  };
  EXPECT_EQ(missing("hook_url = \"https://example.org/hook\"\n"), "");
  EXPECT_EQ(missing("hook_command = [\"logger\"]\n"), "");
  EXPECT_THAT(missing("hook_url = \"http://example.org/hook\"\n"), HasSubstr("monitor: the monitor's hook"));
  EXPECT_EQ(missing("hook_url = \"https://example.org\"\nhook_command = [\"logger\"]\n"),
            "monitor: a monitor's hook is a command or a URL, not both");
}

TEST_F(Configuration, ATierNamesABackendThatThereIsAndWhatItNeeds) {
  const auto missing = [this](const std::string& toml) {
    WriteAll(dir_ / "wfe.toml", toml);
    const auto config = LoadConfig(dir_ / "wfe.toml");
    return config ? MissingInConfig(*config) : config.error().message;
  };
  EXPECT_EQ(missing("[tiers]\nsmall = \"gemini:a\"\nlarge = \"scripted:b\"\n"), "");
  EXPECT_THAT(missing("[tiers]\nsmall = \"gemini-2.5-flash\"\n"), HasSubstr("tiers.small must be BACKEND:MODEL"));
  EXPECT_THAT(missing("[tiers]\nsmall = \"opnai:qwen:7b\"\n"),
              HasSubstr("tiers.small names a backend that there is not: \"opnai\"; did you mean openai?"));
  EXPECT_EQ(missing("[tiers]\nlarge = \"openai:qwen:7b\"\n"),
            "tiers.large is \"openai\", and openai.base_url names no service");
  EXPECT_EQ(missing("[tiers]\nlarge = \"openai:qwen:7b\"\n[openai]\nbase_url = \"http://127.0.0.1:8080\"\n"), "");
  EXPECT_EQ(missing("[agent]\nbackend = \"openai\"\n[openai]\nbase_url = \"http://127.0.0.1:8080\"\n"),
            "agent.backend is \"openai\", and openai.model names no model");
  EXPECT_THAT(missing("[openai]\nbase_url = \"http://gpu.example\"\n"), HasSubstr("must be https, or http to this"));
  EXPECT_THAT(missing("[agent]\nbase_url = \"http://gpu.example\"\n"), HasSubstr("agent.base_url: the base URL of"));
  EXPECT_EQ(missing("[openai]\nbase_url = \"http://gpu.example\"\nplain_http = true\n"), "");
  EXPECT_THAT(missing("[openai]\nbase_url = \"http://gpu.example\"\nplain_http = true\nkey_env = \"K\"\n"),
              HasSubstr("which gets a key"));
}

TEST_F(Configuration, EachKeyIsDocumentedAndReadByAnotherFileThanTheOneThatLoadsIt) {
  const fs::path root = WFE_SOURCE_DIR;
  const std::string loader = ReadWhole(root / "tools/wfe/config.cpp");
  std::string readers;
  for (const auto& file : fs::directory_iterator(root / "tools/wfe")) {
    if (file.path().extension() == ".cpp" && file.path().filename() != "config.cpp") readers += ReadWhole(file.path());
  }
  std::string documents;
  for (const char* page : {"docs/cli.md", "docs/reference/limits.md"}) documents += ReadWhole(root / page);
  const RE2 entry(R"re(Key\("([a-z_.]+)", c\.(([a-z_]+)\.[a-z_]+))re");
  std::string_view rest = loader;
  std::string key;
  std::string field;
  std::string section;
  re2::StringPiece input(rest.data(), rest.size());
  int found = 0;
  while (RE2::FindAndConsume(&input, entry, &key, &field, &section)) {
    ++found;
    // A section that is handed over as a whole is read where it arrives.
    const bool whole = RE2::PartialMatch(readers, R"(\w\.)" + section + R"(\s*[,;)}])");
    EXPECT_TRUE(whole || RE2::PartialMatch(readers, R"(\b)" + field + R"(\b)")) << key << " is read by nothing";
    EXPECT_THAT(documents, HasSubstr(key.substr(key.find('.') + 1))) << key << " is in no document";
  }
  EXPECT_EQ(found, static_cast<int>(KeysOf(Config{}).size()));
}

}  // namespace
}  // namespace wfe::cli
