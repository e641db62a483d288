// A build of a project under git works beside the checkout, and each step is a commit of its own.  (RW-D3)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "activities/build/checks/compliance.h"
#include "activities/build/checks/lent.h"
#include "activities/build/checks/register.h"
#include "activities/sandbox/check_products.h"
#include "tests/activities/build/workspace_test_support.h"

namespace wfe::build {
namespace {

using test::FakeContext;
using test::GitProject;
using test::WorkspaceFixture;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class BranchWorkspaces : public WorkspaceFixture {};

TEST_F(BranchWorkspaces, ADirectoryWithACommitIsExportedAndTheCheckoutStaysAsItIs) {
  GitProject project;
  project.Put("src/index.ts", "one\n");
  project.Commit("first");
  project.Put("src/index.ts", "the user's own change\n");
  project.Put("notes.txt", "new\n");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .workflow_id = "build 42"});
  EXPECT_EQ(opened.kind, "branch");
  EXPECT_EQ(opened.branch, "wfe/build-42");
  EXPECT_EQ(opened.base_commit, project.Git("rev-parse HEAD"));
  EXPECT_EQ(opened.note, "2 uncommitted files are not part of the build");
  EXPECT_EQ(Read(opened.working_dir + "/src/index.ts"), "one\n");
  EXPECT_FALSE(std::filesystem::exists(opened.working_dir + "/.git"));
  EXPECT_FALSE(std::filesystem::exists(opened.working_dir + "/notes.txt"));
  EXPECT_EQ(project.Get("src/index.ts"), "the user's own change\n");
  EXPECT_EQ(project.Git("status --porcelain"), " M src/index.ts\n?? notes.txt");
  EXPECT_EQ(project.Git("rev-parse wfe/build-42"), opened.base_commit);
  EXPECT_FALSE(opened.base_snapshot_blob_hash.empty());
}

TEST_F(BranchWorkspaces, ABuildThatEndsBeforeItsFirstStepLeavesNoBranch) {  // RW-D3
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Commit("first");
  sdk::ActivityRegistry registry;
  RegisterComplianceActivities(registry, {.work_root = root()});
  RegisterWorkspaceActivities(registry, Config());
  const auto release = [&](const OpenWorkspaceReport& opened, const std::string& run) {
    FakeContext context(run);
    const auto released = (*registry.Find(std::string(kReleaseWorkingDir.name)))(
        context, {{"working_dir", opened.working_dir}, {"claim_id", run}});
    EXPECT_TRUE(released.has_value());
  };
  const OpenWorkspaceReport failed = Open({.project_dir = project.path(), .workflow_id = "failed"});
  EXPECT_EQ(project.Git("branch --list 'wfe/*'"), "  wfe/failed");
  release(failed, "run-1");
  EXPECT_EQ(project.Git("branch --list 'wfe/*'"), "");
  release(failed, "run-1");  // at least once
  // One with a step stays, and so does one that somebody has moved or works on.
  for (const char* id : {"stepped", "moved", "used"}) {
    const std::string run = std::string("run-") + id;
    const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .workflow_id = id, .run_id = run});
    if (id == std::string("stepped")) {
      FakeContext context(run);
      Write(opened.working_dir + "/b.txt", "2\n");
      ASSERT_TRUE(RecordStep(Config(), context,
                             {.working_dir = opened.working_dir,
                              .project_dir = opened.project_dir,
                              .branch = opened.branch,
                              .run_id = run,
                              .step = "implement_v1",
                              .verdict = {},
                              .entry_id = "e1"})
                      .has_value());
    } else if (id == std::string("moved")) {
      project.Git("branch -f wfe/moved $(git commit-tree -m mine HEAD^{tree})");
    } else {
      project.Git("checkout -q wfe/used");
    }
    release(opened, run);
  }
  EXPECT_EQ(project.Git("for-each-ref --format='%(refname:short)' refs/heads/wfe"), "wfe/moved\nwfe/stepped\nwfe/used");
}

TEST_F(BranchWorkspaces, EachStepIsACommitWithItsVerdictAndEntryAndTheUsersFilesAreNotTouched) {
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Put(".gitignore", "ignored/\n");
  project.Commit("first");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .workflow_id = "b"});
  Write(opened.working_dir + "/new.txt", "2\n");
  Write(opened.working_dir + "/ignored/x", "no\n");
  Write(opened.working_dir + "/.wfe/claim.json", "{}");
  Write(opened.working_dir + "/audit_trace.jsonl", "{}\n");
  Write(opened.working_dir + "/node_modules/m/index.js", "no");
  Write(opened.working_dir + "/GEMINI.md", "the agent's context");
  const RecordStepReport first = Record(opened, "implement_v1", "", "entry-1");
  std::filesystem::remove(opened.working_dir + "/a.txt");
  const RecordStepReport second = Record(opened, "fix_attempt_1", "pass", "entry-2");
  EXPECT_EQ(project.Git("log --format=%s main..wfe/b"), "fix_attempt_1: pass\nimplement_v1");
  EXPECT_EQ(project.Git("rev-parse wfe/b"), second.commit);
  EXPECT_EQ(project.Git("rev-parse wfe/b~1"), first.commit);
  EXPECT_THAT(project.Git("log -1 --format=%B wfe/b"), HasSubstr("Wfe-Entry: entry-2"));
  EXPECT_EQ(project.Git("diff --name-status main wfe/b"), "D\ta.txt\nA\tnew.txt");
  EXPECT_EQ(project.Git("status --porcelain"), "");
  EXPECT_TRUE(project.Has("a.txt"));
}

TEST_F(BranchWorkspaces, FilesOfTheAgentThatGitIgnoresAreNamed) {  // RW-D3
  GitProject project;
  project.Put("package/a.txt", "1\n");
  project.Put(".gitignore", "*.log\n");
  project.Commit("first");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path() + "/package", .workflow_id = "b"});
  Write(opened.working_dir + "/out.log", "it passes with me\n");
  Write(opened.working_dir + "/of-a-check.log", "1\n");
  Write(opened.working_dir + "/q.txt", "1\n");
  for (int i = 0; i < 2; ++i) {
    const RecordStepReport step = Record(opened, "implement_v1", "pass", "entry-1", {"gone.log", "out.log", "q.txt"});
    EXPECT_THAT(step.ignored, ElementsAre("out.log"));
    EXPECT_EQ(step.note, "git ignores files of the agent, so they are not part of the result: out.log");
  }
  EXPECT_EQ(project.Git("diff --name-status main wfe/b"), "A\tpackage/q.txt");
}

TEST_F(BranchWorkspaces, EnvironmentOfTheCheckoutIsLentAndInNoCommit) {  // RW-D9
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Put(".gitignore", ".venv/\nnode_modules/\n");
  project.Commit("first");
  project.Put(".venv/bin/python", "x", true);
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .workflow_id = "b"});
  EXPECT_THAT(opened.note, HasSubstr("the checkout's .venv is used as it is"));
  EXPECT_EQ(opened.note.find("node_modules"), std::string::npos);
  const auto dir = sandbox::SafeDir::Open(opened.working_dir, {.reserved = {}});
  ASSERT_TRUE(dir.has_value());
  EXPECT_EQ(LentDirectory(*dir, ".venv"), project / ".venv");
  EXPECT_EQ(LentDirectory(*dir, "node_modules"), "");
  // As it is placed where there is no sandbox: a rule for directories does not hold for a link.
  std::filesystem::create_directory_symlink(project / ".venv", opened.working_dir + "/.venv");
  Record(opened, "implement_v1", "", "entry-1");
  EXPECT_EQ(project.Git("diff --name-status main wfe/b"), "");
}

TEST_F(BranchWorkspaces, FileWithASecretOfThisMachineIsInNoCommitWhoeverWroteIt) {  // RW-D14
  GitProject project;
  project.Put("settings.txt", "port = 1\n");
  project.Commit("first");
  secrets = {"key-of-the-model"};
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .workflow_id = "b"});
  // Across the border of two reads, too.
  Write(opened.working_dir + "/big.bin", std::string((1 << 20) - 5, 'x') + "key-of-the-model");
  Write(opened.working_dir + "/leak [1].txt", "key-of-the-model\n");
  Write(opened.working_dir + "/settings.txt", "port = 2\nkey = key-of-the-model\n");
  Write(opened.working_dir + "/good.txt", "1\n");
  const RecordStepReport step = Record(opened, "implement_v1", "", "entry-1");
  EXPECT_THAT(step.note, HasSubstr("settings.txt holds a secret key of this machine and is in no commit"));
  EXPECT_EQ(project.Git("diff --name-status main wfe/b"), "A\tgood.txt");
  EXPECT_EQ(project.Git("grep -c key-of-the-model wfe/b || true"), "");
  // Without the secret it is work like any other.
  Write(opened.working_dir + "/settings.txt", "port = 2\n");
  EXPECT_THAT(Record(opened, "fix_attempt_1", "pass", "entry-2").note, HasSubstr("big.bin"));
  EXPECT_EQ(project.Git("show wfe/b:settings.txt"), "port = 2");
}

TEST_F(BranchWorkspaces, WhatChecksLeaveBehindIsInNoCommitUnlessTheAgentTakesItUp) {
  GitProject project;
  project.Put("package/a.txt", "1\n");
  project.Put("package/formatted.txt", "a  b\n");
  project.Commit("first");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path() + "/package", .workflow_id = "b"});
  const std::string& dir = opened.working_dir;
  const auto verify = [&dir](const std::function<void()>& checks) {
    const auto open = sandbox::SafeDir::Open(dir, {.reserved = {}});
    ASSERT_TRUE(open.has_value());
    sandbox::CheckProducts products(*open);
    ASSERT_TRUE(products.Before().has_value());
    checks();
    ASSERT_TRUE(products.After().has_value());
  };
  Write(dir + "/agent.txt", "the agent's\n");
  verify([&] {
    Write(dir + "/coverage/[1] of *?.json", "{}");
    Write(dir + "/coverage/1 of xy.json", "{}");
    Write(dir + "/snapshot.txt", "as it came out\n");
    Write(dir + "/formatted.txt", "a b\n");
  });
  Record(opened, "implement_v1", "fail", "entry-1");
  EXPECT_EQ(project.Git("diff --name-status main wfe/b"), "A\tpackage/agent.txt\nM\tpackage/formatted.txt");
  // The next step's agent writes over one of them and makes a name that a pattern would have covered.
  Write(dir + "/snapshot.txt", "as it should be, says the agent\n");
  Write(dir + "/coverage/[1] of all.json", "{}");
  verify([&] { Write(dir + "/coverage/[1] of *?.json", "{ }"); });
  const std::string packed = Pack(dir);
  Record(opened, "fix_attempt_1", "pass", "entry-2");
  // The kept tree is that of the commit, so that a resumed build finds it.
  const OpenWorkspaceReport resumed = Open({.project_dir = project.path() + "/package",
                                            .workflow_id = "c",
                                            .run_id = "run-2",
                                            .restore_snapshot_blob_hash = packed,
                                            .base_commit = opened.base_commit,
                                            .branch = opened.branch,
                                            .base_snapshot_blob_hash = opened.base_snapshot_blob_hash});
  EXPECT_EQ(project.Git("rev-parse wfe/c"), project.Git("rev-parse wfe/b"));
  EXPECT_EQ(project.Git("diff --name-only wfe/b~1 wfe/b"), "package/coverage/[1] of all.json\npackage/snapshot.txt");
}

TEST_F(BranchWorkspaces, TheSameEntryMakesOneCommitHoweverOftenItIsRecorded) {
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Commit("first");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .workflow_id = "b"});
  Write(opened.working_dir + "/a.txt", "2\n");
  const RecordStepReport first = Record(opened, "implement_v1", "", "entry-1");
  // As if killed after the branch was moved and before that was written down.
  const std::string state = root() + "/workspaces/run-1/state.json";
  const std::string after = Read(state);
  const RecordStepReport again = Record(opened, "implement_v1", "", "entry-1");
  EXPECT_EQ(again.commit, first.commit);
  nlohmann::json json = nlohmann::json::parse(after);
  json["commits"] = nlohmann::json::object();
  json["last_commit"] = opened.base_commit;
  Write(state, json.dump());
  EXPECT_EQ(Record(opened, "implement_v1", "", "entry-1").commit, first.commit);
  EXPECT_EQ(project.Git("rev-list --count main..wfe/b"), "1");
}

TEST_F(BranchWorkspaces, OpeningTwiceGivesTheSameAnswerAndKeepsTheWork) {
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Commit("first");
  const OpenWorkspaceRequest request{.project_dir = project.path(), .workflow_id = "b"};
  const OpenWorkspaceReport opened = Open(request);
  Write(opened.working_dir + "/a.txt", "2\n");
  const OpenWorkspaceReport again = Open(request);
  EXPECT_EQ(nlohmann::json(again), nlohmann::json(opened));
  EXPECT_EQ(Read(opened.working_dir + "/a.txt"), "2\n");
}

TEST_F(BranchWorkspaces, TwoBuildsOfOneRepositoryHaveBranchesAndDirectoriesOfTheirOwn) {
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Commit("first");
  const OpenWorkspaceReport one = Open({.project_dir = project.path(), .workflow_id = "same", .run_id = "run-1"});
  const OpenWorkspaceReport two = Open({.project_dir = project.path(), .workflow_id = "same", .run_id = "run-2"});
  EXPECT_EQ(one.branch, "wfe/same");
  EXPECT_EQ(two.branch, "wfe/same-run-2");
  EXPECT_NE(one.working_dir, two.working_dir);
}

TEST_F(BranchWorkspaces, ABuildInASubDirectoryHasTheWholeTreeAroundIt) {
  GitProject project;
  project.Put("package.json", "{}");
  project.Put("packages/a/index.js", "a");
  project.Commit("first");
  const OpenWorkspaceReport opened = Open({.project_dir = project / "packages/a", .workflow_id = "b"});
  EXPECT_THAT(opened.working_dir, testing::EndsWith("/builds/run-1/packages/a"));
  EXPECT_EQ(Read(opened.working_dir + "/../../package.json"), "{}");
  EXPECT_THAT(opened.note, HasSubstr("agent and checks see the directory packages/a alone"));
  Write(opened.working_dir + "/index.js", "b");
  Write(opened.working_dir + "/GEMINI.md", "context");
  Record(opened, "implement_v1", "", "e1");
  EXPECT_EQ(project.Git("diff --name-only main wfe/b"), "packages/a/index.js");
}

TEST_F(BranchWorkspaces, HooksFiltersAndLineEndsOfTheRepositoryDoNothing) {
  GitProject project;
  project.Put(".gitattributes", "*.bin filter=evil\n*.txt text eol=crlf\n");
  project.Put("data.bin", "version https://git-lfs.github.com/spec/v1\n");
  project.Put("unix.txt", "a\nb\n");
  project.Put("dos.md", "a\r\nb\r\n");
  project.Commit("first");
  const std::string mark = project / "ran";
  project.Git("config filter.evil.smudge 'touch " + mark + "; cat'");
  project.Git("config filter.evil.clean 'touch " + mark + "; cat'");
  project.Git("config core.fsmonitor 'touch " + mark + "'");
  project.Git("config core.autocrlf true");
  for (const char* hook :
       {"post-checkout", "pre-commit", "post-commit", "reference-transaction", "post-index-change"}) {
    project.Put(std::string(".git/hooks/") + hook, "#!/bin/sh\ntouch " + mark + "\n", true);
  }
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .workflow_id = "b"});
  EXPECT_EQ(Read(opened.working_dir + "/unix.txt"), "a\nb\n");
  EXPECT_EQ(Read(opened.working_dir + "/dos.md"), "a\r\nb\r\n");
  Write(opened.working_dir + "/more.bin", "x\n");
  Write(opened.working_dir + "/dos.md", "a\r\nc\r\n");
  const RecordStepReport step = Record(opened, "implement_v1", "", "e1");
  EXPECT_NE(step.commit, "");
  EXPECT_FALSE(std::filesystem::exists(mark));
  project.Git("config --unset core.fsmonitor");
  EXPECT_EQ(project.Git("diff --name-only main wfe/b"), "dos.md\nmore.bin");
}

TEST_F(BranchWorkspaces, ARepositoryPlantedInTheBuildIsRemovedAndNeverObeyed) {
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Commit("first");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .workflow_id = "b"});
  const std::string mark = root() + "/ran";
  Write(opened.working_dir + "/sub/.git/config", "[core]\n\tfsmonitor = touch " + mark + "\n");
  Write(opened.working_dir + "/sub/.git/HEAD", "ref: refs/heads/x\n");
  Write(opened.working_dir + "/sub/file", "x\n");
  Record(opened, "implement_v1", "", "e1");
  EXPECT_FALSE(std::filesystem::exists(mark));
  EXPECT_FALSE(std::filesystem::exists(opened.working_dir + "/sub/.git"));
  EXPECT_EQ(project.Git("diff --name-only main wfe/b"), "sub/file");
}

TEST_F(BranchWorkspaces, OddNamesLinksAndReadOnlyFilesAreCarried) {
  GitProject project;
  project.Put("new\nline.txt", "1\n");
  project.Put("run.sh", "#!/bin/sh\n", true);
  std::filesystem::create_symlink("loop", project / "loop");
  std::filesystem::create_symlink("/etc/hostname", project / "outside");
  project.Commit("first");
  std::filesystem::permissions(project / "run.sh", std::filesystem::perms(0555));
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .workflow_id = "b"});
  EXPECT_EQ(Read(opened.working_dir + "/new\nline.txt"), "1\n");
  EXPECT_TRUE(std::filesystem::is_symlink(opened.working_dir + "/loop"));
  Write(opened.working_dir + "/other\nline", "2\n");
  const RecordStepReport step = Record(opened, "implement_v1", "", "e1");
  EXPECT_EQ(project.Git("show -z --name-only --format= " + step.commit), std::string("other\nline\0", 11));
}

TEST_F(BranchWorkspaces, ASubmoduleComesFromItsCloneOrIsSaidToBeEmpty) {
  GitProject library;
  library.Put("lib.c", "int x;\n");
  library.Commit("library");
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Git("-c protocol.file.allow=always submodule add -q " + library.path() + " lib");
  project.Commit("with library");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .workflow_id = "b"});
  EXPECT_EQ(Read(opened.working_dir + "/lib/lib.c"), "int x;\n");
  EXPECT_THAT(opened.note, HasSubstr("changes in the submodule lib are not committed"));
  Write(opened.working_dir + "/a.txt", "2\n");
  Record(opened, "implement_v1", "", "e1");
  EXPECT_EQ(project.Git("diff --name-only main wfe/b"), "a.txt");

  project.Git("submodule deinit -q -f lib");
  const OpenWorkspaceReport without = Open({.project_dir = project.path(), .workflow_id = "c", .run_id = "run-2"});
  EXPECT_THAT(without.note, HasSubstr("the submodule lib is empty in the build: it has no clone here"));
}

TEST_F(BranchWorkspaces, ALinkedWorktreeAndADetachedHeadAreBuiltFromTheirOwnCommit) {
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Commit("first");
  const std::string tree = root() + "-worktree";
  project.Git("worktree add -q --detach " + tree);
  const OpenWorkspaceReport opened = Open({.project_dir = tree, .workflow_id = "b"});
  EXPECT_EQ(opened.kind, "branch");
  Write(opened.working_dir + "/a.txt", "2\n");
  const RecordStepReport step = Record(opened, "implement_v1", "", "e1");
  EXPECT_EQ(project.Git("rev-parse wfe/b"), step.commit);
  std::filesystem::remove_all(tree);
}

TEST_F(BranchWorkspaces, ABranchThatSomebodyMovedIsLeftAloneAndThatIsSaid) {
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Commit("first");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .workflow_id = "b"});
  project.Git("checkout -q wfe/b");
  project.Put("mine.txt", "mine\n");
  project.Commit("mine");
  const std::string mine = project.Git("rev-parse HEAD");
  Write(opened.working_dir + "/a.txt", "2\n");
  const RecordStepReport step = Record(opened, "implement_v1", "", "e1");
  EXPECT_THAT(step.note, HasSubstr("was moved by somebody else"));
  EXPECT_EQ(project.Git("rev-parse wfe/b"), mine);
  EXPECT_EQ(project.Git("show -s --format=%P " + step.commit), opened.base_commit);
}

TEST_F(BranchWorkspaces, AResumedBuildGoesOnFromTheCommitWhoseTreeItIs) {
  GitProject project;
  project.Put("a.txt", "1\n");
  std::filesystem::create_symlink("a.txt", project / "link");
  project.Commit("first");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .workflow_id = "b"});
  Write(opened.working_dir + "/a.txt", "2\n");
  const RecordStepReport one = Record(opened, "implement_v1", "", "e1");
  const std::string snapshot = Pack(opened.working_dir);
  Write(opened.working_dir + "/more.txt", "3\n");
  Record(opened, "fix_attempt_1", "", "e2");

  const OpenWorkspaceReport resumed = Open({.project_dir = project.path(),
                                            .workflow_id = "b-again",
                                            .run_id = "run-2",
                                            .restore_snapshot_blob_hash = snapshot,
                                            .base_commit = opened.base_commit,
                                            .branch = opened.branch,
                                            .base_snapshot_blob_hash = opened.base_snapshot_blob_hash});
  EXPECT_EQ(Read(resumed.working_dir + "/a.txt"), "2\n");
  EXPECT_FALSE(std::filesystem::exists(resumed.working_dir + "/more.txt"));
  EXPECT_TRUE(std::filesystem::is_symlink(resumed.working_dir + "/link"));
  EXPECT_EQ(resumed.base_snapshot_blob_hash, opened.base_snapshot_blob_hash);
  EXPECT_EQ(project.Git("rev-parse " + resumed.branch), one.commit);
  EXPECT_EQ(resumed.branch, "wfe/b-again");
}

TEST_F(BranchWorkspaces, OnAHostWithoutTheRepositoryTheTreeIsThereAndStepsAreNotCommitted) {
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Commit("first");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .workflow_id = "b"});
  Write(opened.working_dir + "/a.txt", "2\n");
  const std::string snapshot = Pack(opened.working_dir);

  WorkspaceFixture other_host;
  other_host.blobs = blobs;
  const std::string gone = other_host.root() + "-gone/project";
  const OpenWorkspaceReport moved = other_host.Open({.project_dir = gone,
                                                     .kind = "branch",
                                                     .workflow_id = "b",
                                                     .restore_snapshot_blob_hash = snapshot,
                                                     .base_commit = opened.base_commit,
                                                     .branch = opened.branch});
  EXPECT_EQ(Read(moved.working_dir + "/a.txt"), "2\n");
  EXPECT_THAT(moved.note, HasSubstr("steps are not committed on this host"));
  const RecordStepReport step = other_host.Record(moved, "fix_attempt_1", "", "e2");
  EXPECT_EQ(step.commit, "");
  EXPECT_NE(step.note, "");
  EXPECT_FALSE(std::filesystem::exists(gone));
}

TEST_F(BranchWorkspaces, AnExportThatWasInterruptedIsMadeAgainWhole) {
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Commit("first");
  Write(root() + "/builds/run-1/half-written", "x");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .workflow_id = "b"});
  EXPECT_FALSE(std::filesystem::exists(opened.working_dir + "/half-written"));
  EXPECT_EQ(Read(opened.working_dir + "/a.txt"), "1\n");
}

TEST_F(BranchWorkspaces, ManyFilesAreExportedAndACancelStopsThem) {
  GitProject project;
  for (int i = 0; i < 2'000; ++i) project.Put("d" + std::to_string(i % 100) + "/" + std::to_string(i), "x");
  project.Commit("many");
  FakeContext cancelled;
  cancelled.Cancel();
  EXPECT_NE(Try({.project_dir = project.path(), .workflow_id = "b"}, cancelled).cancelled(), nullptr);
  FakeContext context;
  const auto opened = Try({.project_dir = project.path(), .workflow_id = "b"}, context);
  ASSERT_TRUE(opened.has_value());
  EXPECT_TRUE(std::filesystem::exists(opened.value().working_dir + "/d99/1999"));
}

TEST_F(BranchWorkspaces, ABranchThatCannotBeMadeIsOneSentence) {
  GitProject empty;
  empty.Put("a.txt", "1\n");
  EXPECT_THAT(Failure({.project_dir = empty.path(), .kind = "branch"}), HasSubstr("has no commit yet"));
  const test::TempDir plain;
  plain.Put("a.txt", "1\n");
  EXPECT_THAT(Failure({.project_dir = plain.path(), .kind = "branch", .run_id = "run-2"}),
              HasSubstr("is in no git repository"));
  EXPECT_THAT(Failure({.project_dir = plain.path(), .kind = "tree"}), HasSubstr("is not one of auto, branch"));
  EXPECT_THAT(Failure({.project_dir = "relative"}), HasSubstr("must be an absolute path"));
  EXPECT_THAT(Failure({.project_dir = plain.path(), .run_id = "../../etc"}), HasSubstr("is no plain name"));
  EXPECT_THAT(Failure({.project_dir = empty / ".git"}), HasSubstr("name a checkout of it"));
}

TEST_F(BranchWorkspaces, ADirectoryThatTheWorkerMayNotUseIsRefused) {
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Commit("first");
  allow = [](const std::string& path) -> Status { return PermissionDenied(path + " is not allowed"); };
  EXPECT_EQ(Failure({.project_dir = project.path()}), project.path() + " is not allowed");
  std::filesystem::create_directory_symlink(project.path(), root() + "/link");
  EXPECT_EQ(Failure({.project_dir = root() + "/link"}), project.path() + " is not allowed");
}

}  // namespace
}  // namespace wfe::build
