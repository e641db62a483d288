// TX-2: profiles are data, and a mistake in one is named with its place.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "activities/build/checks/preflight.h"
#include "activities/build/profile/profile.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::build {
namespace {

using nlohmann::json;
using test::TempDir;
using testing::HasSubstr;

json Valid() { return json::parse(R"({"name":"p","checks":[{"id":"a","argv":["true"],"class":"COMMAND_FAILED"}]})"); }

std::string ErrorOf(const json& profile) {
  const auto parsed = ParseProfile(profile.dump(), "p.json");
  return parsed ? "" : parsed.error().message;
}

TEST(Profile, TheBuiltInProfilesLoad) {
  const auto typescript = LoadProfile("typescript", {});
  ASSERT_TRUE(typescript) << typescript.error().message;
  EXPECT_EQ(typescript->checks.size(), 5u);
  EXPECT_EQ(typescript->hash.size(), 64u);
  std::vector<std::string> starter;
  for (const StarterFile& file : typescript->starter_files) starter.push_back(file.path);
  EXPECT_THAT(starter, testing::IsSupersetOf({"package.json", "package-lock.json", "tsconfig.json"}));
  ASSERT_TRUE(LoadProfile("cpp", {}));
}

TEST(Profile, TheStarterLockFileNamesNoRegistry) {
  const Profile profile = LoadProfile("typescript", {}).value();
  for (const StarterFile& file : profile.starter_files) {
    EXPECT_THAT(file.content, testing::Not(HasSubstr("\"resolved\""))) << file.path;
  }
}

TEST(Profile, MistakesAreNamedWithTheirPlace) {
  ASSERT_EQ(ErrorOf(Valid()), "");
  const std::vector<std::tuple<std::string, json, std::string>> mistakes = {
      {"/checks/0/argv", "tsc --noEmit", "p.json: /checks/0/argv: must be an array of strings"},
      {"/checks/0/argv", json::array(), "/checks/0/argv: must not be empty"},
      {"/checks/0/argv", {"a", 1}, "/checks/0/argv/1: must be a string"},
      {"/checks/0/tymeout", 3, "/checks/0/tymeout: is not a known key"},
      {"/checks/0/timeout_s", "3", "/checks/0/timeout_s: must be a whole number"},
      {"/checks/0/timeout_s", 0, "/checks/0/timeout_s: must be from 1 to"},
      {"/checks/0/parser", "yaml", "/checks/0/parser: \"yaml\" is not one of"},
      {"/checks/0/parser", "regex", "/checks/0/pattern: goes with"},
      {"/checks/0/class", "tsc error", "/checks/0/class: must be upper case"},
      {"/checks/0/output_file", "../x", "/checks/0/output_file: must be a relative path"},
      {"/checks/0/on_fail", "explode", "/checks/0/on_fail: must be"},
      {"/checks/0/ok_exit", {"0"}, "/checks/0/ok_exit/0: must be a whole number"},
      {"/checks/0/aliases", {{"r", "no_any"}}, "/checks/0/aliases/r: must be upper case"},
      {"/sandbox", "maybe", "/sandbox: must be"},
      {"/protected", {"../x"}, "/protected/0: must be"},
      {"/protected", {"*.json"}, "/protected/0: must be"},
      {"/env", {{"LD_PRELOAD", "x"}}, "/env/LD_PRELOAD: may not be set"},
      {"/name", "../x", "/name: must be lower case"},
      {"/requires", {{{"program", "x"}, {"min_version", "new"}}}, "/requires/0/min_version"},
      {"/extra", 1, "/extra: is not a known key"},
  };
  for (const auto& [place, value, message] : mistakes) {
    json profile = Valid();
    profile[json::json_pointer(place)] = value;
    EXPECT_THAT(ErrorOf(profile), HasSubstr(message)) << place;
  }
  json twice = Valid();
  twice["checks"].push_back(twice["checks"][0]);
  EXPECT_THAT(ErrorOf(twice), HasSubstr("/checks/1/id: is used twice"));
  json pattern = Valid();
  pattern["checks"][0]["parser"] = "regex";
  pattern["checks"][0]["pattern"] = "(";
  EXPECT_THAT(ErrorOf(pattern), HasSubstr("/checks/0/pattern: is not a regular expression"));
  EXPECT_FALSE(ParseProfile("{", "p.json"));
  EXPECT_FALSE(ParseProfile("[]", "p.json"));
}

TEST(Profile, DirectoriesComeBeforeTheBuiltInOnesAndBringTheirStarterFiles) {
  const TempDir temp;
  json profile = Valid();
  profile["name"] = "typescript";
  profile["starter"] = "files";
  temp.Put("typescript.json", profile.dump());
  temp.Put("files/src/a.ts", "content");
  const Profile loaded = LoadProfile("typescript", {"/no/such/dir", temp.path()}).value();
  ASSERT_EQ(loaded.starter_files.size(), 1u);
  EXPECT_EQ(loaded.starter_files[0].path, "src/a.ts");
}

TEST(Profile, AnUnknownNameSaysWhatThereIs) {
  const auto missing = LoadProfile("cobol", {"/somewhere"});
  EXPECT_THAT(missing.error().message,
              testing::AllOf(HasSubstr("commands, cpp, go, javascript, python, rust, typescript, vitest"),
                             HasSubstr("/somewhere")));
  EXPECT_FALSE(LoadProfile("../../etc/passwd", {"/somewhere"}));
}

/// Keys of an object of the schema; every one must be known to the reader.
std::vector<std::string> SchemaKeys(const json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, unused] : object.at("properties").items()) keys.push_back(key);
  return keys;
}

TEST(Profile, TheSchemaAndTheReaderKnowTheSameKeys) {
  std::ifstream file(std::string(WFE_SOURCE_DIR) + "/schemas/profile.schema.json");
  const json schema = json::parse(file);
  const json& defs = schema.at("$defs");
  const auto known = [](json profile, const std::string& place, const std::vector<std::string>& keys) {
    for (const std::string& key : keys) {
      json one = profile;
      // A value of no right type: the reader speaks about the value, or does not know the key.
      one[json::json_pointer(place)][key] = json::array({json::object()});
      EXPECT_THAT(ErrorOf(one), testing::Not(HasSubstr(key + ": is not a known key"))) << place;
    }
    profile[json::json_pointer(place)]["no_such_key"] = 1;
    EXPECT_THAT(ErrorOf(profile), HasSubstr("no_such_key: is not a known key")) << place;
  };
  json profile = Valid();
  profile["dependencies"] = {{"install_argv", {"npm"}}};
  profile["checks"][0]["probe"] = json::object();
  profile["checks"][0]["when"] = {{"file", "x"}};
  known(profile, "", SchemaKeys(schema));
  known(profile, "/checks/0", SchemaKeys(defs.at("check")));
  known(profile, "/checks/0/probe", SchemaKeys(defs.at("probe")));
  known(profile, "/checks/0/when", SchemaKeys(defs.at("condition")));
  known(profile, "/dependencies", SchemaKeys(defs.at("dependencies")));
  // And the other way round: what the shipped profiles use stands in the schema.
  for (const EmbeddedFile& shipped : EmbeddedProfileFiles()) {
    if (shipped.path.find('/') != std::string_view::npos) continue;
    const json text = json::parse(shipped.content);
    for (const auto& [key, unused] : text.items()) EXPECT_TRUE(schema.at("properties").contains(key)) << key;
    for (const json& check : text.at("checks")) {
      for (const auto& [key, unused] : check.items())
        EXPECT_TRUE(defs.at("check").at("properties").contains(key)) << key;
    }
  }
}

TEST(Profile, MistakesInConditionsPatternsAndWaysToInstallAreNamedToo) {
  const std::vector<std::tuple<std::string, json, std::string>> mistakes = {
      {"/checks/0/when", {{"file", "a"}, {"script", "b"}}, "/checks/0/when: needs exactly one of"},
      {"/checks/0/when", {{"file", "/abs"}}, "/checks/0/when/file: is no pattern"},
      {"/checks/0/when", {{"any", json::array()}}, "/checks/0/when/any: must be an array of conditions"},
      {"/checks/0/when", {{"all", {{{"dependency", 3}}}}}, "/checks/0/when/all/0/dependency: must be a string"},
      {"/checks/0/when", {{"dependency", "x"}, {"contains", "y"}}, "/checks/0/when/contains: goes with"},
      {"/checks/0/files_pattern", "no group", "/checks/0/files_pattern: needs a group"},
      {"/checks/0/examines", "everything", "/checks/0/examines: must be"},
      {"/checks/0/runs", "twice", "/checks/0/runs: must be"},
      {"/checks/0/probe", {{"argv", 3}}, "/checks/0/probe/argv: must be an array"},
      {"/sources", {"../x"}, "/sources/0: is no pattern"},
      {"/template", "No Such", "/template: must be lower case"},
      {"/detect", json::object(), "/detect/when: is missing"},
      {"/dependencies", {{{"install", {{"a"}, "b"}}}}, "/dependencies/0/install/1/argv: must be an array"},
      {"/dependencies", {{"install", {{"a"}}}, {"scratch", {"../x"}}}, "/dependencies/scratch/0: must be a relative"},
  };
  for (const auto& [place, value, message] : mistakes) {
    json profile = Valid();
    profile[json::json_pointer(place)] = value;
    EXPECT_THAT(ErrorOf(profile), HasSubstr(message)) << place;
  }
  json deep = {{"file", "x"}};
  for (int i = 0; i < 50; ++i) deep = {{"not", deep}};
  json profile = Valid();
  profile["checks"][0]["when"] = deep;
  EXPECT_THAT(ErrorOf(profile), HasSubstr("nested too deep"));
}

TEST(Versions, NumbersAreComparedPartByPart) {
  EXPECT_EQ(CompareVersions("20.9.0", "20.19.0"), -1);
  EXPECT_EQ(CompareVersions("20.19", "20.19.0"), 0);
  EXPECT_EQ(CompareVersions("22", "20.19.0"), 1);
}

}  // namespace
}  // namespace wfe::build
