// RW-D9, AB-2: dependencies as each package manager has them, with imitations of the managers: what they are given, what
// is kept, what the checks see.

#include <gmock/gmock.h>

#include "activities/build/checks/dependencies.h"
#include "activities/build/checks/lent.h"
#include "activities/build/checks/settings.h"
#include "tests/activities/build/compliance_machine.h"

namespace wfe::build {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Dependencies : public test::ComplianceMachine {
 protected:
  /// An imitation of npm that notes what stands around it and makes a directory with a checker.
  void SetUp() override {
    root_.Put("bin/npm",
              "#!/bin/sh\necho \"$@\" >> " + (root_ / "calls") + "\nfind . -type f | sort > " + (root_ / "given") +
                  "\nmkdir -p node_modules/.bin node_modules/@mono packages/a/node_modules/nested\n"
                  "ln -s ../../packages/a node_modules/@mono/a\n"
                  "printf '#!/bin/sh\\ncat node_modules/@mono/a/index.js\\n' > node_modules/.bin/tool\n"
                  "chmod +x node_modules/.bin/tool\n",
              true);
    Project("package.json", R"({"workspaces":["packages/*"]})");
    Project("package-lock.json", "{}");
    Project("packages/a/package.json", R"({"name":"@mono/a"})");
    Project("packages/a/index.js", "the working directory's own");
    Project("src/index.js", "code of the project");
  }
  void UseNpm(const std::string& sandbox = "off", const std::string& checker = "node_modules/.bin/tool") {
    OneCheck({{"argv", {checker}}, {"probe", {{"version_argv", {"true"}}}}},
             {{"sandbox", sandbox},
              {"dependencies",
               {{"also", {".npmrc", "**/package.json"}},
                {"nested", true},
                {"scratch", {".cache"}},
                {"install", json::array({json::array({"npm", "ci"})})}}}});
  }
};

TEST_F(Dependencies, TheInstallerGetsManifestsLockFileAndSettingsAndNothingElse) {
  UseNpm();
  Project(".npmrc", "legacy-peer-deps=true\n");
  {
    const auto ready = PreflightOf("p");
    ASSERT_TRUE(ready.has_value()) << (ready.failure() != nullptr ? ready.failure()->message : "cancelled");
  }
  ASSERT_TRUE(Install().value().installed);
  EXPECT_EQ(root_.Get("given"), "./.npmrc\n./package-lock.json\n./package.json\n./packages/a/package.json\n");
}

TEST_F(Dependencies, SettingsArePartOfTheKeyAndTheirSecretsAreNeitherKeptNorSaid) {
  UseNpm();
  Project(".npmrc", "//registry.example/:_authToken=canary-1\n");
  {
    const auto ready = PreflightOf("p");
    ASSERT_TRUE(ready.has_value()) << (ready.failure() != nullptr ? ready.failure()->message : "cancelled");
  }
  const InstallDependenciesReport first = Install().value();
  Project(".npmrc", "//registry.example/:_authToken=canary-2\n");
  const InstallDependenciesReport second = Install().value();
  EXPECT_TRUE(second.installed);
  EXPECT_NE(first.dependency_hash, second.dependency_hash);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root_ / "work")) {
    EXPECT_NE(entry.path().filename(), ".npmrc");
  }
  root_.Put("bin/npm", "#!/bin/sh\necho \"bad line: $(cat .npmrc)\" >&2\nexit 1\n", true);
  Project(".npmrc", "//registry.example/:_authToken=canary-3\n");
  const auto failed = Install();
  ASSERT_NE(failed.failure(), nullptr);
  EXPECT_THAT(failed.failure()->message, AllOf(HasSubstr("bad line"), Not(HasSubstr("canary-3"))));
}

TEST_F(Dependencies, ThePackagesOfAWorkspaceLeadToTheWorkingDirectoryWithAndWithoutASandbox) {
  for (const std::string sandbox : {"off", "preferred", "off"}) {
    UseNpm(sandbox);
    {
    const auto ready = PreflightOf("p");
    ASSERT_TRUE(ready.has_value()) << (ready.failure() != nullptr ? ready.failure()->message : "cancelled");
  }
    ASSERT_TRUE(Install().has_value());
    const ComplianceReport report = Check().value();
    EXPECT_TRUE(report.passed) << sandbox << ": " << report.error_log;
  }
  Project("packages/a/index.js", "changed");
  OneCheck({{"argv",
             {"sh", "-c", "grep -q changed node_modules/@mono/a/index.js && test -d packages/a/node_modules/nested"}}},
           json::parse(root_.Get("profiles/p.json")));
  EXPECT_TRUE(Check().value().passed) << Check().value().error_log;
}

TEST_F(Dependencies, AManagerInPathIsUsedAndOthersComeThroughNpm) {
  const ComplianceSettings settings(config_);
  std::string problem;
  const std::vector<std::string> through_npm = {"npm", "exec", "--yes", "--package=pnpm@9", "--", "pnpm", "install"};
  EXPECT_THAT(InstallerCommand(settings, through_npm, &problem),
              ElementsAre(root_ / "bin/npm", "exec", "--yes", "--package=pnpm@9", "--", "pnpm", "install"));
  root_.Put("bin/pnpm", "#!/bin/sh\n", true);
  EXPECT_THAT(InstallerCommand(settings, through_npm, &problem), ElementsAre(root_ / "bin/pnpm", "install"));
  EXPECT_TRUE(InstallerCommand(settings, {"poetry", "install"}, &problem).empty());
  EXPECT_THAT(problem, HasSubstr("poetry"));
}

TEST_F(Dependencies, SeveralCommandsRunInOrderAndTheFirstFailureIsTheReason) {
  OneCheck(
      {{"argv", {"true"}}},
      {{"dependencies",
        {{"manifest", "requirements.txt"},
         {"lock", "requirements.txt"},
         {"directory", ".venv"},
         {"install", {{"mkdir", ".venv"}, {"sh", "-c", "echo no matching wheel >&2; exit 7"}, {"touch", "never"}}}}}});
  Project("requirements.txt", "x==1\n");
  {
    const auto ready = PreflightOf("p");
    ASSERT_TRUE(ready.has_value()) << (ready.failure() != nullptr ? ready.failure()->message : "cancelled");
  }
  const auto failed = Install();
  EXPECT_THAT(failed.failure()->message, AllOf(HasSubstr("exit code 7"), HasSubstr("no matching wheel")));
}

TEST_F(Dependencies, OfTheProjectItselfAreUsedAsTheyAre) {
  UseNpm();
  Project("node_modules/.bin/tool", "#!/bin/sh\ntrue\n");
  std::filesystem::permissions(root_ / "project/node_modules/.bin/tool", std::filesystem::perms(0755));
  EXPECT_FALSE(PreflightOf("p").value().needs_dependencies);
  EXPECT_FALSE(Install().value().needed);
  EXPECT_TRUE(Check().value().passed);
  EXPECT_FALSE(root_.Has("calls"));
}

TEST_F(Dependencies, ThatNobodyNamesNeedNoLockFile) {
  UseNpm("off", "true");
  std::filesystem::remove(root_ / "project/package-lock.json");
  EXPECT_FALSE(PreflightOf("p").has_value()) << "its workspaces may have some";
  Project("package.json", R"({"devDependencies":{"left-pad":"1"}})");
  EXPECT_FALSE(PreflightOf("p").has_value());
  Project("package.json", R"({"name":"alone","dependencies":{},"scripts":{"test":"node --test"}})");
  const auto ready = PreflightOf("p");
  ASSERT_TRUE(ready.has_value()) << ready.failure()->message;
  EXPECT_FALSE(ready.value().needs_dependencies);
  EXPECT_FALSE(Install().value().needed);
  EXPECT_FALSE(root_.Has("calls"));
}

TEST_F(Dependencies, OutsideTheProjectAreSeenByTheirPlaceholderOnly) {
  OneCheck({{"argv", {"sh", "-c", "test -f \"$CACHE/module\""}}},
           {{"env", {{"CACHE", "$DEPS"}}},
            {"dependencies",
             {{"manifest", "go.mod"},
              {"lock", "go.sum"},
              {"lock_required", false},
              {"directory", "modules"},
              {"in_project", false},
              {"in_place", true},
              {"env", {{"INTO", "$DEPS"}}},
              {"install", {{"sh", "-c", "test -f src/index.js && mkdir -p \"$INTO\" && touch \"$INTO/module\""}}}}}});
  Project("go.mod", "module x");
  EXPECT_FALSE(PreflightOf("p").value().needs_dependencies) << "no lock file, nothing to install";
  Project("go.sum", "a v1");
  ASSERT_TRUE(PreflightOf("p").value().needs_dependencies);
  const auto installed = Install();
  ASSERT_TRUE(installed.has_value()) << installed.failure()->message;
  EXPECT_TRUE(Check().value().passed) << Check().value().error_log;
  EXPECT_FALSE(root_.Has("project/modules"));
}

class Lent : public test::ComplianceMachine {
 protected:
  void NoteIt() {
    const auto dir = sandbox::SafeDir::Open(project(), {.reserved = {}});
    ASSERT_TRUE(dir.has_value());
    ASSERT_TRUE(NoteCheckout(*dir, root_ / "checkout").has_value());
  }
};

TEST_F(Lent, WhatStandsBesideTheCommittedFilesOfACheckoutIsUsedAsItIs) {  // RW-D9
  for (const std::string sandbox : {"preferred", "off"}) {
    OneCheck({{"argv", {"node_modules/.bin/tool"}}},
             {{"sandbox", sandbox},
              {"dependencies", {{"nested", true}, {"install", json::array({json::array({"npm", "ci"})})}}}});
    Project("package.json", "{}");
    Project("package-lock.json", "{}");
    root_.Put("checkout/node_modules/.bin/tool",
              "#!/bin/sh\nls node_modules/.bin\n! touch node_modules/new 2>/dev/null || echo WRITTEN\nexit 1\n", true);
    NoteIt();
    const auto ready = PreflightOf("p");
    ASSERT_TRUE(ready.has_value()) << ready.failure()->message;
    EXPECT_FALSE(ready.value().needs_dependencies);
    const ComplianceReport report = Check().value();
    EXPECT_THAT(report.error_log, HasSubstr("tool")) << sandbox;
    const bool written = report.error_log.find("WRITTEN") != std::string::npos;
    EXPECT_EQ(written, report.sandbox == "none") << "read-only in the sandbox";
    EXPECT_TRUE(root_.Has("checkout/node_modules/.bin/tool")) << "what the user installed is never thrown away";
  }
}

TEST_F(Lent, EnvironmentOfPythonIsFoundWithoutALockFileAndByCommandsOfAPersonToo) {  // RW-D9
  for (const std::string sandbox : {"preferred", "off"}) {
    OneCheck({{"argv", {"$PYTHON", "-m", "mypy"}}}, {{"sandbox", sandbox}});
    root_.Put("checkout/.venv/bin/python", "#!/bin/sh\necho lent python $2\nexit 1\n", true);
    // A script names its interpreter by its place in the checkout.
    root_.Put("checkout/.venv/bin/pytest", "#!" + (root_ / "checkout/.venv/bin/python") + "\n", true);
    NoteIt();
    ASSERT_TRUE(PreflightOf("p").has_value());
    EXPECT_THAT(Check().value().error_log, HasSubstr("lent python mypy")) << sandbox;
    EXPECT_THAT(Check("p", {".venv/bin/pytest"}).value().error_log, HasSubstr("lent python")) << sandbox;
  }
}

TEST_F(Lent, WorkspaceInstallsFromItsLockFileAsBefore) {  // RW-D9
  OneCheck({{"argv", {"true"}}},
           {{"dependencies", {{"nested", true}, {"install", json::array({json::array({"npm", "ci"})})}}}});
  root_.Put("bin/npm", "#!/bin/sh\nexit 0\n", true);
  Project("package.json", R"({"workspaces":["packages/*"]})");
  Project("package-lock.json", "{}");
  root_.Put("checkout/node_modules/x/index.js", "x");
  NoteIt();
  const auto ready = PreflightOf("p");
  ASSERT_TRUE(ready.has_value()) << ready.failure()->message;
  EXPECT_TRUE(ready.value().needs_dependencies);
}

TEST_F(Lent, MemberOfAWorkspaceWithoutALockFileOfItsOwnIsToldHowItIsBuilt) {  // RW-D9
  OneCheck({{"argv", {"true"}}},
           {{"dependencies", {{"nested", true}, {"install", json::array({json::array({"npm", "ci"})})}}}});
  root_.Put("package.json", R"({"workspaces":["project"]})");
  root_.Put("package-lock.json", "{}");
  Project("package.json", "{}");
  const auto refused = PreflightOf("p");
  ASSERT_NE(refused.failure(), nullptr);
  EXPECT_THAT(refused.failure()->message,
              AllOf(HasSubstr("it is a part of what stands in .., which has one"),
                    HasSubstr("--check 'npm test -w NAME'")));
}

}  // namespace
}  // namespace wfe::build
