// RW-D3, RW-D7, RW-D9: what a project is, which profile it gets, which of its checks, and what a new one is given.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "activities/build/checks/plan.h"
#include "activities/build/checks/reporters.h"
#include "activities/build/checks/starter_files.h"
#include "activities/build/checks/tsc_references.h"
#include "activities/build/profile/resolve_profile.h"
#include "activities/sandbox/glob.h"
#include "activities/sandbox/ignore_rules.h"
#include "activities/sandbox/text.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::build {
namespace {

using nlohmann::json;
using test::TempDir;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Key;
using testing::Not;
using testing::UnorderedElementsAre;

class Project : public testing::Test {
 protected:
  void Put(const std::string& path, const std::string& content = "") { root_.Put(path, content); }
  const sandbox::SafeDir& dir() {
    dir_.emplace(sandbox::SafeDir::Open(root_.path(), {.reserved = {}}).value());
    return *dir_;
  }
  ProjectFacts Facts() { return ProjectFacts::Read(dir()).value(); }
  std::string Detected() {
    const auto detected = DetectProfile({}, Facts());
    return detected ? detected->profile : detected.error().message;
  }
  std::vector<std::string> Checks(const std::string& profile, const std::vector<std::string>& commands = {}) {
    const auto resolved = ResolveProfile({}, profile, Facts(), commands);
    if (!resolved) return {resolved.error().message};
    std::vector<std::string> ids;
    for (const CheckSpec& check : resolved->profile.checks) ids.push_back(check.id);
    return ids;
  }
  std::string Mode(const std::string& asked, bool named, bool again = false) {
    const Profile profile = LoadProfile("typescript", {}).value();
    const auto mode = ResolveMode({.mode = asked, .profile_named = named, .again = again}, profile, Facts(), dir());
    return mode ? *mode : mode.error().message;
  }

  const TempDir root_;
  std::optional<sandbox::SafeDir> dir_;
};

TEST(Globs, MatchWholePathsAsProfilesWriteThem) {
  const sandbox::GlobSet set({"**/*.test.{ts,tsx}", "tests/**", "*.json", "src/[ab]?.c"});
  for (const char* path : {"a.test.ts", "x/y/a.test.tsx", "tests/deep/er/x", "package.json", "src/a1.c"}) {
    EXPECT_TRUE(set.Matches(path)) << path;
  }
  for (const char* path : {"a.test.js", "x/package.json", "src/c1.c", "src/a12.c", "mytests/x", "a.test.ts/x"}) {
    EXPECT_FALSE(set.Matches(path)) << path;
  }
  EXPECT_FALSE(sandbox::CheckGlob("/etc/passwd"));
  EXPECT_FALSE(sandbox::CheckGlob("../x"));
  EXPECT_FALSE(sandbox::CheckGlob(""));
}

TEST(IgnoredFiles, AreThoseOfGit) {
  sandbox::IgnoreRules rules;
  rules.Add("", "# comment\n*.log\n!keep.log\n/build\nout/\ndoc/*.txt\n\n");
  rules.Add("sub", "*.tmp\n/only\n");
  EXPECT_TRUE(rules.Ignores("a.log", false));
  EXPECT_TRUE(rules.Ignores("deep/a.log", false));
  EXPECT_FALSE(rules.Ignores("deep/keep.log", false));
  EXPECT_TRUE(rules.Ignores("build", true));
  EXPECT_FALSE(rules.Ignores("sub/build", true)) << "a leading slash ties it to its directory";
  EXPECT_TRUE(rules.Ignores("x/out", true));
  EXPECT_FALSE(rules.Ignores("x/out", false)) << "a trailing slash means directories";
  EXPECT_TRUE(rules.Ignores("doc/a.txt", false));
  EXPECT_FALSE(rules.Ignores("doc/x/a.txt", false));
  EXPECT_TRUE(rules.Ignores("sub/deep/a.tmp", false));
  EXPECT_FALSE(rules.Ignores("a.tmp", false));
  EXPECT_TRUE(rules.Ignores("sub/only", false));
}

TEST_F(Project, FilesThatGitIgnoresInstalledOnesAndLoopsOfLinksAreNotItsOwn) {
  Put(".gitignore", "generated/\n");
  Put("generated/a.ts");
  Put("node_modules/x/index.js");
  Put(".venv/bin/python");
  Put("src/a.ts");
  std::filesystem::create_directory_symlink(root_.path(), root_ / "src/loop");
  EXPECT_THAT(Facts().files(), ElementsAre(".gitignore", "src/a.ts"));
}

TEST_F(Project, MoreFilesThanTheLimitAreRefusedInOneSentenceAndIgnoredOnesDoNotCount) {
  for (int i = 0; i < 30; ++i) Put("generated/" + std::to_string(i));
  Put("a.ts");
  const auto refused = ProjectFacts::Read(dir(), 10);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("more than 10 files"), HasSubstr(".gitignore")));
  Put(".gitignore", "generated\n");
  EXPECT_TRUE(ProjectFacts::Read(dir(), 10));
}

// ---- detection
// -------------------------------------------------------------------------------------------------------

TEST_F(Project, IsKnownByWhatStandsInIt) {
  const std::vector<std::tuple<std::string, std::vector<std::pair<std::string, std::string>>>> projects = {
      {"typescript", {{"package.json", R"({"devDependencies":{"typescript":"5","jest":"29"}})"}}},
      {"typescript", {{"package.json", "{}"}, {"tsconfig.json", "{}"}}},
      {"vitest", {{"package.json", R"({"devDependencies":{"vitest":"4"}})"}, {"tsconfig.json", "{}"}}},
      {"javascript", {{"package.json", R"({"scripts":{"test":"node --test"}})"}}},
      {"python", {{"pyproject.toml", "[project]\nname = \"x\"\n"}}},
      {"python", {{"requirements.txt", "pytest==8\n"}}},
      {"cpp", {{"CMakeLists.txt", "project(x)"}}},
      {"go", {{"go.mod", "module x"}}},
      {"rust", {{"Cargo.toml", "[package]"}}},
  };
  for (const auto& [profile, files] : projects) {
    for (const auto& entry : std::filesystem::directory_iterator(root_.path())) std::filesystem::remove_all(entry);
    for (const auto& [path, content] : files) Put(path, content);
    EXPECT_EQ(Detected(), profile) << files.front().first << " " << files.front().second;
  }
}

TEST_F(Project, ThatSaysNothingOrTwoThingsGetsOneSentenceWithWhatToSay) {
  EXPECT_THAT(Detected(), AllOf(HasSubstr("is empty"), HasSubstr("typescript"), HasSubstr("--check")));
  Put("README.md", "hello");
  EXPECT_THAT(Detected(), HasSubstr("nothing in the directory says"));
  Put("go.mod", "module x");
  Put("Cargo.toml", "[package]");
  EXPECT_THAT(Detected(), AllOf(HasSubstr("go, because go.mod is there"), HasSubstr("rust, because"),
                                HasSubstr("name the one that is meant")));
}

TEST_F(Project, GetsTheChecksThatItHas) {
  Put("package.json", R"({"devDependencies":{"typescript":"5","jest":"29"}})");
  EXPECT_THAT(Checks("typescript"), ElementsAre("jest")) << "no tsconfig.json, no eslint";
  Put("tsconfig.json", "{}");
  Put("package.json", R"({"devDependencies":{"typescript":"5","eslint":"9"},"scripts":{"test":"tape"}})");
  Put(".eslintrc.json", "{}");
  EXPECT_THAT(Checks("typescript"), ElementsAre("tsc", "eslint", "npm_test"));
  const auto resolved = ResolveProfile({}, "", Facts(), {}).value();
  EXPECT_THAT(resolved.left_out, Contains(Key("jest")));
  EXPECT_THAT(resolved.detection, HasSubstr("typescript, because package.json is there"));
}

TEST_F(Project, WithoutAnyCheckThatFitsSaysWhichCommandToName) {
  Put("package.json", "{}");
  EXPECT_THAT(Checks("javascript"), ElementsAre(AllOf(HasSubstr("no check of the profile javascript fits"),
                                                      HasSubstr("--check 'npm test'"))));
}

TEST_F(Project, CommandsOfAPersonReplaceTheChecksAndNeedNoProfile) {
  EXPECT_THAT(Checks("", {"make test", "make test", "test -f x && echo ok"}),
              ElementsAre("make_test", "make_test_2", "test_f_x"));
  const auto resolved = ResolveProfile({}, "", Facts(), {"make test", "echo $HOME"}).value();
  EXPECT_EQ(resolved.profile.checks.at(0).timeout, std::chrono::minutes(10));
  EXPECT_EQ(ResolveProfile({}, "", Facts(), {"make test"}, std::chrono::hours(2)).value().profile.checks.at(0).timeout,
            std::chrono::hours(2))
      << "a test suite that takes long (RW-D44)";
  EXPECT_EQ(resolved.profile.name, "commands");
  EXPECT_THAT(resolved.profile.checks[0].argv, ElementsAre("make", "test"));
  EXPECT_THAT(resolved.profile.checks[1].argv, ElementsAre("sh", "-c", "echo $HOME"));
  EXPECT_THAT(Checks("", {" "}), ElementsAre(HasSubstr("empty command")));
}

TEST_F(Project, TestsBehindNpmAreStartedByTheirOwnRunner) {  // SEC-H8
  const auto argv = [&](const std::string& package, const std::vector<std::string>& commands = {}) {
    Put("package.json", package);
    const Profile profile = ResolveProfile({}, "javascript", Facts(), commands).value().profile;
    return sandbox::JoinCommand(profile.checks.front().argv);
  };
  Put("test/a.test.js");
  Put("test/b.test.js");
  Put("test/deep/c.test.js");
  EXPECT_EQ(argv(R"({"scripts":{"test":"node --test"}})"), "node --test");
  EXPECT_EQ(argv(R"({"scripts":{"test":"node --test test/*.test.js"}})"), "node --test test/a.test.js test/b.test.js");
  EXPECT_EQ(argv(R"({"scripts":{"test":"node --test './test/*.none'"}})"), "node --test ./test/*.none");
  EXPECT_EQ(argv(R"({"scripts":{"unit":"node --test"}})", {"npm run unit -- test/deep/"}), "node --test test/deep/");
  EXPECT_EQ(argv(R"({"scripts":{"test":"jest --ci"},"devDependencies":{"jest":"30"}})", {"npm test"}),
            "node_modules/.bin/jest --ci");
  EXPECT_EQ(argv(R"({"scripts":{"test":"vitest run"},"devDependencies":{"vitest":"3"}})", {"npm test"}),
            "node_modules/.bin/vitest run");
  EXPECT_EQ(argv("{}", {"python3 -m unittest discover -s test -p 'test_*.py'"}),
            "python3 -m unittest discover -s test -p test_*.py");
  EXPECT_EQ(argv("{}", {"npm test"}), "npm test");

  for (const char* scripts :
       {R"({"test":"tape test"})", R"({"test":"node --test && echo"})", R"({"test":"A=1 node --test"})",
        R"({"test":"node --test $FILES"})", R"({"test":"node --test","pretest":"true"})",
        R"({"test":"node --test","posttest":"true"})", R"({"test":"npx jest"})", R"({"test":"jest"})",
        R"({"test":"vitest"})", R"({"test":"node --test --watch"})", R"({"test":"node run.js --test"})", R"({"test":1})",
        R"({"test":""})"}) {
    EXPECT_EQ(argv(std::string(R"({"scripts":)") + scripts + "}", {"npm test"}), "npm test") << scripts;
  }
  EXPECT_EQ(argv(R"({"scripts":{"test":"node --test"},"devDependencies":{"node":"20"}})"), "npm test");
  EXPECT_EQ(argv(R"({"scripts":{"test":"node --test"},"config":{"port":"1"}})"), "npm test");
  EXPECT_EQ(argv(R"({"scripts":{"test":"node --test"}})", {"npm test --silent"}), "npm test --silent");
  Put(".npmrc", "node-options=--require ./x.js\n");
  EXPECT_EQ(argv(R"({"scripts":{"test":"node --test"}})"), "npm test");
}

TEST_F(Project, TestsStartedInThePlaceOfNpmFindWhatNpmGives) {
  Put("package.json", R"({"name":"p","version":"1.2.3","scripts":{"test":"node --test"}})");
  const CheckSpec check = ResolveProfile({}, "javascript", Facts(), {}).value().profile.checks.front();
  EXPECT_EQ(check.id, "npm_test");
  EXPECT_THAT(check.probe.version_argv, ElementsAre("node", "--version"));
  EXPECT_THAT(check.environment,
              IsSupersetOf({testing::Pair("PATH", "$WORK/node_modules/.bin"), testing::Pair("INIT_CWD", "$WORK"),
                            testing::Pair("npm_lifecycle_event", "test"), testing::Pair("npm_package_name", "p"),
                            testing::Pair("npm_package_version", "1.2.3")}));
}

TEST_F(Project, IsInstalledByItsOwnPackageManager) {
  const auto manager = [&] {
    return ResolveProfile({}, "javascript", Facts(), {"true"}).value().profile.dependencies->manager;
  };
  Put("package.json", "{}");
  EXPECT_EQ(manager(), "npm");
  Put("yarn.lock", "# yarn lockfile v1\n");
  EXPECT_EQ(manager(), "yarn");
  Put("pnpm-lock.yaml", "lockfileVersion: '9.0'\n");
  EXPECT_EQ(manager(), "pnpm");
}

// ---- RW-D3
// --------------------------------------------------------------------------------------------------------------

TEST_F(Project, IsNewOnlyWhereNoneStands) {
  EXPECT_EQ(Mode("auto", true), "create");
  Put(".git/HEAD", "ref");
  EXPECT_EQ(Mode("auto", true), "create") << "a repository without files";
  Put("src/add.ts", "code");
  EXPECT_EQ(Mode("auto", true), "create") << "loose files and a named profile";
  EXPECT_EQ(Mode("auto", false), "change");
  EXPECT_EQ(Mode("change", true), "change");
  Put("package.json", "{}");  // Beside src/add.ts.
  EXPECT_EQ(Mode("auto", true), "change");
  EXPECT_THAT(Mode("create", true), AllOf(HasSubstr("package.json"), HasSubstr("mode create")));
  EXPECT_THAT(Mode("maybe", true), HasSubstr("auto, create or change"));
}

TEST_F(Project, OfAManifestAloneIsNewAndKeepsItsManifest) {
  Put("package.json", "{\"name\":\"theirs\"}");
  Put("package-lock.json", "{}");
  Put(".npmrc", "legacy-peer-deps=true");
  Put("README.md", "hello");
  EXPECT_EQ(Mode("auto", true), "create");
  EXPECT_EQ(Mode("create", true), "create");
  EXPECT_EQ(Mode("auto", false), "change") << "only when the profile is named";
  std::vector<std::string> paths;
  const Profile profile = LoadProfile("typescript", {}).value();
  {
    const ProjectFacts facts = Facts();
    for (const StarterFile* file : MissingStarterFiles(profile, facts)) paths.push_back(file->path);
  }
  EXPECT_THAT(paths, UnorderedElementsAre("eslint.config.mjs", "jest.config.cjs", "tsconfig.json"));
  for (const StarterFile& file : profile.starter_files) {
    if (std::find(paths.begin(), paths.end(), file.path) != paths.end()) Put(file.path, file.content);
  }
  EXPECT_EQ(Mode("auto", true, /*again=*/true), "create") << "a retry of the same pre-flight";
  EXPECT_EQ(Mode("auto", true), "change");
  Put("index.js", "code");
  EXPECT_EQ(Mode("auto", true, /*again=*/true), "change");
}

TEST_F(Project, ThatThisRunBeganIsStillNewWhenItIsTriedAgain) {
  const Profile profile = LoadProfile("typescript", {}).value();
  for (const StarterFile& file : profile.starter_files) Put(file.path, file.content);
  EXPECT_EQ(Mode("auto", true, /*again=*/true), "create");
  EXPECT_EQ(Mode("auto", true), "change") << "the next build works on what this one made";
  EXPECT_EQ(Mode("create", true), "create");
}

TEST_F(Project, KeepsItsOwnConfigurationOfEveryKind) {
  Put("jest.config.js", "module.exports = {}");
  Put("tsconfig.json", "{}");
  std::vector<std::string> paths;
  const Profile profile = LoadProfile("typescript", {}).value();
  const ProjectFacts facts = Facts();
  for (const StarterFile* file : MissingStarterFiles(profile, facts)) paths.push_back(file->path);
  EXPECT_THAT(paths, UnorderedElementsAre(".npmrc", "eslint.config.mjs", "package-lock.json", "package.json"));
}

TEST(Profiles, EveryShippedOneHasATemplateSourcesAndStarterFilesThatItsOwnChecksFit) {
  for (const std::string& name : ProfileNames({})) {
    const Profile profile = LoadProfile(name, {}).value();
    for (const std::string& id : {profile.template_create, profile.template_change}) {
      EXPECT_TRUE(std::filesystem::exists(std::string(WFE_SOURCE_DIR) + "/workflows/audited_build/templates/" + id +
                                          "/v001.md"))
          << name << " names the template " << id;
    }
    if (name == "commands") continue;
    EXPECT_FALSE(profile.sources.empty()) << name;
    EXPECT_FALSE(profile.tests.empty()) << name;
    const TempDir root;
    for (const StarterFile& file : profile.starter_files) root.Put(file.path, file.content);
    const sandbox::SafeDir dir = sandbox::SafeDir::Open(root.path(), {.reserved = {}}).value();
    const ProjectFacts facts = ProjectFacts::Read(dir).value();
    EXPECT_EQ(DetectProfile({}, facts).value().profile == name, name != "javascript") << name;
    EXPECT_TRUE(ResolveProfile({}, name, facts, {})) << name;
  }
}

// ---- solution-style tsconfig
// -----------------------------------------------------------------------------------------

TEST_F(Project, OfReferencedTscProjectsIsExaminedOneByOneOrBuilt) {
  const std::vector<std::string> tsc = {"tsc", "--noEmit"};
  Put("tsconfig.json", "{ // plain\n \"include\": [\"src\"], }");
  EXPECT_THAT(TscCommands(Facts(), tsc, false), ElementsAre(tsc));
  Put("tsconfig.json",
      "{ \"files\": [], /* refs */ \"references\": [{\"path\": \"./tsconfig.app.json\"}, {\"path\": \"lib\"},],}");
  Put("tsconfig.app.json", "{}");
  Put("lib/tsconfig.json", "{}");
  EXPECT_THAT(TscCommands(Facts(), tsc, false), ElementsAre(ElementsAre("tsc", "--noEmit", "-p", "lib/tsconfig.json"),
                                                            ElementsAre("tsc", "--noEmit", "-p", "tsconfig.app.json")));
  Put("tsconfig.app.json", "{\"references\":[{\"path\":\"./lib\"}]}");
  EXPECT_THAT(TscCommands(Facts(), tsc, false), ElementsAre(ElementsAre("tsc", "-b")));
  EXPECT_EQ(TscCommands(Facts(), tsc, true).size(), 2u) << "files are listed without building";
}

TEST(JsonWithComments, DeepOrBrokenTextIsNoValue) {
  EXPECT_TRUE(ParseJsonWithComments(std::string(100'000, '[')).is_null());
  EXPECT_TRUE(ParseJsonWithComments("{\"a\": \"x").is_null());
  EXPECT_EQ(ParseJsonWithComments("{\"a\": \"//no\", /*c*/ \"b\": [1,2,],}").at("a"), "//no");
}

// ---- plan
// ------------------------------------------------------------------------------------------------------------

TEST_F(Project, IsPlannedWithoutAnythingBeingWritten) {
  ComplianceConfig config;
  config.work_root = root_ / "work";
  std::filesystem::create_directory(root_ / "p");
  Put("p/CMakeLists.txt", "project(x)");
  Put("p/a.cpp", "int main() {}");
  const BuildPlan plan = PlanChecks(config, root_ / "p", "", {}).value();
  EXPECT_EQ(plan.profile, "cpp");
  EXPECT_EQ(plan.mode, "change");
  EXPECT_EQ(plan.template_id, "existing-project");
  EXPECT_EQ(plan.source_files, 1);
  EXPECT_EQ(plan.checks.size(), 3u);
  EXPECT_THAT(plan.starter_files, IsEmpty());
  EXPECT_FALSE(root_.Has("p/.wfe"));
  EXPECT_FALSE(root_.Has("work"));
  const BuildPlan named = PlanChecks(config, root_ / "p", "", {"no-such-program --now"}).value();
  EXPECT_THAT(named.problems, ElementsAre(HasSubstr("there is no program no-such-program")));
  EXPECT_EQ(named.checks.at(0).evidence, kEvidenceExitCode);
  const BuildPlan tested = PlanChecks(config, root_ / "p", "", {"pytest -q"}).value();
  EXPECT_EQ(tested.checks.at(0).evidence, kEvidenceReporter);
  std::filesystem::create_directory(root_ / "empty");
  EXPECT_FALSE(PlanChecks(config, root_ / "empty", "", {}));
  const BuildPlan fresh = PlanChecks(config, root_ / "empty", "typescript", {}).value();
  EXPECT_EQ(fresh.mode, "create");
  EXPECT_THAT(fresh.starter_files, IsSupersetOf({"package.json", "tsconfig.json"}));
}

TEST_F(Project, PlanFindsAModuleThatPythonDoesNotHave) {  // RW-D6
  ComplianceConfig config;
  config.work_root = root_ / "work";
  Put("p/pyproject.toml", "[project]\nname = \"x\"\n");
  Put("p/x.py", "x = 1\n");
  Put("p/tests/test_x.py", "def test_x():\n    assert 1 + 1 == 2\n");
  root_.Put("p/.venv/bin/python", "#!/bin/sh\necho \"No module named $2\" >&2\nexit 1\n", true);
  const BuildPlan missing = PlanChecks(config, root_ / "p", "python", {}).value();
  EXPECT_THAT(missing.problems, testing::Contains(HasSubstr("No module named pytest")));
  root_.Put("p/.venv/bin/python", "#!/bin/sh\necho 1.0\n", true);
  EXPECT_THAT(PlanChecks(config, root_ / "p", "python", {}).value().problems,
              Not(testing::Contains(HasSubstr("pytest"))));
}

TEST_F(Project, ReasonOfACheckThatIsLeftOutIsTrueOfAFileThatIsThere) {  // RW-D9
  const Condition condition{.kind = Condition::Kind::kFile, .value = "setup.cfg", .contains = "[mypy", .parts = {}};
  EXPECT_EQ(Facts().Evidence(condition), "there is no setup.cfg");
  Put("setup.cfg", "[metadata]\n");
  EXPECT_EQ(Facts().Evidence(condition), "setup.cfg does not hold \"[mypy\"");
  Put("setup.cfg", "[mypy]\n");
  EXPECT_EQ(Facts().Evidence(condition), "setup.cfg holds \"[mypy\"");
  const Condition key{.kind = Condition::Kind::kFile, .value = "setup.cfg", .contains = "\"key\"", .parts = {}};
  EXPECT_EQ(Facts().Evidence(key), "setup.cfg does not hold \"key\"") << "quoted once";
}

TEST_F(Project, ProfileThatBeginsNoProjectChangesTheOneThatIsThere) {  // RW-D7
  const Profile commands = LoadProfile("commands", {}).value();
  const auto mode = [&] {
    return ResolveMode({.mode = "auto", .profile_named = true, .again = false}, commands, Facts(), dir()).value();
  };
  EXPECT_EQ(mode(), "create");
  Put("main.xyz", "x");
  EXPECT_EQ(mode(), "change");
}

}  // namespace
}  // namespace wfe::build
