// TX-2: profiles are data, and a mistake in one is named with its place.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "activities/compliance/preflight.h"
#include "activities/compliance/profile.h"
#include "tests/activities/compliance_test_support.h"

namespace wfe::activities {
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
  EXPECT_THAT(missing.error().message, testing::AllOf(HasSubstr("commands, cpp, go, javascript, python, rust, typescript, vitest"), HasSubstr("/somewhere")));
  EXPECT_FALSE(LoadProfile("../../etc/passwd", {"/somewhere"}));
}

TEST(Versions, NumbersAreComparedPartByPart) {
  EXPECT_EQ(CompareVersions("20.9.0", "20.19.0"), -1);
  EXPECT_EQ(CompareVersions("20.19", "20.19.0"), 0);
  EXPECT_EQ(CompareVersions("22", "20.19.0"), 1);
}

}  // namespace
}  // namespace wfe::activities
