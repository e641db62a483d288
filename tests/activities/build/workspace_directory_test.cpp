// Builds outside git, or in a directory itself: what stood there is kept, and wfe's own files do not show.  (RW-D3)
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include "activities/build/checks/claim.h"
#include "engine/base/unique_fd.h"
#include "tests/activities/build/workspace_test_support.h"

namespace wfe::build {
namespace {

using test::GitProject;
using test::TempDir;
using test::WorkspaceFixture;
using testing::HasSubstr;

class DirectoryWorkspaces : public WorkspaceFixture {};

TEST_F(DirectoryWorkspaces, WithoutAProjectTheBuildGetsADirectoryOfItsOwn) {
  const OpenWorkspaceReport opened = Open({});
  EXPECT_EQ(opened.kind, "in_place");
  EXPECT_EQ(opened.working_dir, root() + "/builds/run-1");
  EXPECT_TRUE(std::filesystem::is_directory(opened.working_dir));
  EXPECT_FALSE(opened.base_snapshot_blob_hash.empty());
}

TEST_F(DirectoryWorkspaces, AMissingOrEmptyProjectIsBuiltInPlaceEvenInsideARepository) {
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Commit("first");
  const OpenWorkspaceReport missing = Open({.project_dir = project / "new/one"});
  EXPECT_EQ(missing.kind, "in_place");
  EXPECT_EQ(missing.working_dir, project / "new/one");
  std::filesystem::create_directory(project / "empty");
  EXPECT_EQ(Open({.project_dir = project / "empty", .run_id = "run-2"}).kind, "in_place");
  // A directory that the commit does not have cannot be exported.
  project.Put("untracked/b.txt", "1\n");
  const OpenWorkspaceReport untracked = Open({.project_dir = project / "untracked", .run_id = "run-3"});
  EXPECT_EQ(untracked.kind, "in_place");
  EXPECT_THAT(untracked.note, HasSubstr("untracked is not in the repository's commit"));
}

TEST_F(DirectoryWorkspaces, OutsideGitTheDirectoryItselfIsUsedAndItsTreeIsKept) {
  const TempDir project;
  project.Put("a.txt", "1\n");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path()});
  EXPECT_EQ(opened.kind, "in_place");
  EXPECT_EQ(opened.working_dir, project.path());
  EXPECT_EQ(opened.note, "");
  project.Put("a.txt", "2\n");
  EXPECT_EQ(Open({.project_dir = project.path()}).base_snapshot_blob_hash, opened.base_snapshot_blob_hash);
  EXPECT_EQ(Record(opened, "implement_v1", "", "e1").commit, "");
}

TEST_F(DirectoryWorkspaces, FilesOfSecretsAreInNoKeptTreeAndStayWhenOneIsRestored) {  // RW-D14
  secrets = {"key-of-the-model"};
  const TempDir project;
  project.Put("a.txt", "1\n");
  project.Put(".env", "PASSWORD=hunter2\n");
  project.Put(".env.example", "PASSWORD=\n");
  project.Put("deploy/config.toml", "key = 'key-of-the-model'\n");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path()});
  EXPECT_THAT(opened.note, HasSubstr("for the secrets in it: .env, deploy/config.toml"));
  const std::string kept = blobs->Get(opened.base_snapshot_blob_hash).value();
  EXPECT_THAT(kept, HasSubstr(".env.example"));
  EXPECT_EQ(kept.find("hunter2"), std::string::npos);
  EXPECT_EQ(kept.find("key-of-the-model"), std::string::npos);
  project.Put("new.txt", "of a step\n");
  Open({.project_dir = project.path(),
        .run_id = "run-2",
        .restore_snapshot_blob_hash = opened.base_snapshot_blob_hash,
        .base_snapshot_blob_hash = opened.base_snapshot_blob_hash});
  EXPECT_FALSE(project.Has("new.txt"));
  EXPECT_EQ(project.Get(".env"), "PASSWORD=hunter2\n");
  EXPECT_EQ(project.Get("deploy/config.toml"), "key = 'key-of-the-model'\n");
}

TEST_F(DirectoryWorkspaces, InPlaceInARepositoryWfesOwnFilesDoNotShowInItsStatus) {
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Put("sub/b.txt", "1\n");
  project.Commit("first");
  for (int i = 0; i < 2; ++i) {
    const std::string run = "run-" + std::to_string(i);
    Open({.project_dir = project.path(), .kind = "in_place", .run_id = run});
    Open({.project_dir = project / "sub", .kind = "in_place", .run_id = run + "-sub"});
  }
  project.Put(".wfe/x", "x");
  project.Put("audit_trace.jsonl", "x");
  project.Put("sub/audit_trace.jsonl", "x");
  EXPECT_EQ(project.Git("status --porcelain"), "");
  EXPECT_EQ(project.Git("branch --list 'wfe/*'"), "");
  const std::string exclude = project.Get(".git/info/exclude");
  EXPECT_EQ(exclude.find("/audit_trace.jsonl\n"), exclude.rfind("\n/audit_trace.jsonl\n") + 1) << exclude;
}

TEST_F(DirectoryWorkspaces, ACopyHasEverythingButTheRepositoryAndLeavesTheProjectAlone) {
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Commit("first");
  project.Put("uncommitted.txt", "2\n");
  project.Put("node_modules/m/index.js", "x");
  std::filesystem::create_directory_symlink("..", project / "node_modules/loop");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .kind = "copy"});
  EXPECT_EQ(opened.kind, "copy");
  EXPECT_EQ(opened.working_dir, root() + "/builds/run-1");
  EXPECT_EQ(Read(opened.working_dir + "/uncommitted.txt"), "2\n");
  EXPECT_EQ(Read(opened.working_dir + "/node_modules/m/index.js"), "x");
  EXPECT_TRUE(std::filesystem::is_symlink(opened.working_dir + "/node_modules/loop"));
  EXPECT_FALSE(std::filesystem::exists(opened.working_dir + "/.git"));
  Write(opened.working_dir + "/a.txt", "changed");
  EXPECT_EQ(project.Get("a.txt"), "1\n");
}

TEST_F(DirectoryWorkspaces, ARestoredTreeReplacesFilesAndWhatStoodThereIsKeptAsABlob) {
  const TempDir project;
  project.Put("a.txt", "1\n");
  project.Put("gone.txt", "1\n");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path()});
  project.Put("a.txt", "built\n");
  std::filesystem::remove(project / "gone.txt");
  const std::string snapshot = Pack(project.path());
  project.Put("a.txt", "the user went on\n");
  project.Put("users.txt", "x");
  project.Put("node_modules/m", "kept");
  const OpenWorkspaceReport resumed = Open({.project_dir = project.path(),
                                            .run_id = "run-2",
                                            .restore_snapshot_blob_hash = snapshot,
                                            .base_snapshot_blob_hash = opened.base_snapshot_blob_hash});
  EXPECT_EQ(project.Get("a.txt"), "built\n");
  EXPECT_FALSE(project.Has("users.txt"));
  EXPECT_TRUE(project.Has("node_modules/m"));
  EXPECT_EQ(resumed.base_snapshot_blob_hash, opened.base_snapshot_blob_hash);
  ASSERT_THAT(resumed.note, HasSubstr("before is kept; it comes back with: wfe blob show "));
  const std::string kept = resumed.note.substr(resumed.note.find("show ") + 5, 64);
  EXPECT_THAT(blobs->Get(kept).value(), HasSubstr("the user went on"));
}

TEST_F(DirectoryWorkspaces, WhatTheUserDidAfterTheBuildIsNotWrittenOverUnasked) {  // RW-D3
  const TempDir project;
  project.Put("a.txt", "base\n");
  project.Put("b.txt", "base\n");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path()});
  project.Put("a.txt", "built\n");
  project.Put("b.txt", "built\n");
  const std::string left = Pack(project.path());
  OpenWorkspaceRequest request{.project_dir = project.path(),
                               .run_id = "run-2",
                               .restore_snapshot_blob_hash = opened.base_snapshot_blob_hash,
                               .expected_snapshot_blob_hash = left,
                               .base_snapshot_blob_hash = opened.base_snapshot_blob_hash};
  project.Put("b.txt", "mine\n");
  project.Put("new.txt", "mine\n");
  std::filesystem::create_symlink("a.txt", project / "link");
  const std::string mine = Pack(project.path());
  EXPECT_THAT(Failure(request), HasSubstr("since the build ended would be lost: b.txt, link, new.txt; --discard"));
  EXPECT_EQ(Pack(project.path()), mine);
  EXPECT_FALSE(ReadClaim(sandbox::SafeDir::Open(project.path(), {.reserved = {}}).value()).has_value());

  // Told to, it goes on, and all of it comes back: kinds, links and bits.
  request.expected_snapshot_blob_hash.clear();
  const OpenWorkspaceReport resumed = Open(request);
  EXPECT_EQ(Pack(project.path()), opened.base_snapshot_blob_hash);
  const std::string kept = resumed.note.substr(resumed.note.find("show ") + 5, 64);
  EXPECT_EQ(kept, mine);

  // An attempt that was killed while it restored has left some of both trees: nobody's work.
  project.Put("a.txt", "built\n");
  request.run_id = "run-3";
  request.expected_snapshot_blob_hash = left;
  Open(request);
  EXPECT_EQ(Pack(project.path()), opened.base_snapshot_blob_hash);
}

TEST_F(DirectoryWorkspaces, ADirectoryThatAnotherRunHoldsIsNotTouched) {
  const TempDir project;
  project.Put("a.txt", "1\n");
  const sandbox::SafeDir dir = sandbox::SafeDir::Open(project.path(), {.reserved = {}}).value();
  ASSERT_TRUE(TakeClaim(dir, {.claim_id = "other", .workflow_id = "build-7", .claimed_at = {}}, ""));
  EXPECT_THAT(Failure({.project_dir = project.path()}), HasSubstr("belongs to run other of workflow build-7"));
  EXPECT_EQ(ReadClaim(dir).value().claim_id, "other");
  // The opened directory is free again until pre-flight takes it; one that the run holds already stays its own.
  ASSERT_TRUE(DropClaim(dir, "other").value());
  Open({.project_dir = project.path()});
  EXPECT_FALSE(ReadClaim(dir).has_value());
  ASSERT_TRUE(TakeClaim(dir, {.claim_id = "run-2", .workflow_id = {}, .claimed_at = {}}, ""));
  Open({.project_dir = project.path(), .run_id = "run-2"});
  EXPECT_EQ(ReadClaim(dir).value().claim_id, "run-2");
}

TEST_F(DirectoryWorkspaces, ATerminatedBuildsDirectoryIsTakenOverByTheBuildThatResumesIt) {  // RW-D4
  const TempDir project;
  project.Put("a.txt", "1\n");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path(), .run_id = "run-1"});
  const sandbox::SafeDir dir = sandbox::SafeDir::Open(project.path(), {.reserved = {}}).value();
  ASSERT_TRUE(TakeClaim(dir, {.claim_id = "run-1", .workflow_id = "build-7", .claimed_at = {}}, "")) << "pre-flight does";
  project.Put("a.txt", "after implement_v1\n");
  const std::string snapshot = Pack(project.path());
  project.Put("a.txt", "half a repair\n");
  project.Put("half.txt", "x");

  // Terminated: its claim stays.  Nobody else gets the directory, nor whoever names another run.
  OpenWorkspaceRequest request{.project_dir = project.path(),
                               .run_id = "run-2",
                               .claim_id = "run-2",
                               .restore_snapshot_blob_hash = snapshot,
                               .base_snapshot_blob_hash = opened.base_snapshot_blob_hash};
  for (const char* from : {"", "run-0"}) {
    request.take_over_from = from;
    EXPECT_THAT(Failure(request), HasSubstr("belongs to run run-1 of workflow build-7")) << from;
    EXPECT_EQ(project.Get("a.txt"), "half a repair\n");
    EXPECT_EQ(ReadClaim(dir).value().claim_id, "run-1");
  }
  request.take_over_from = "run-1";
  const OpenWorkspaceReport resumed = Open(request);
  EXPECT_EQ(resumed.working_dir, project.path());
  EXPECT_EQ(resumed.base_snapshot_blob_hash, opened.base_snapshot_blob_hash);
  EXPECT_EQ(project.Get("a.txt"), "after implement_v1\n");
  EXPECT_FALSE(project.Has("half.txt"));
  EXPECT_THAT(resumed.note, HasSubstr("before is kept; ")) << "also what the terminated run left";
  EXPECT_FALSE(ReadClaim(dir).has_value()) << "free until pre-flight takes it for the new run";
  // An attempt after that (the first one's answer was lost) finds nothing to take over and does the same.
  EXPECT_EQ(Open(request).working_dir, project.path());
}

// RW-D41: a killed command can give nothing back.
TEST_F(DirectoryWorkspaces, ADirectoryWhoseHoldersProcessIsGoneIsTakenOverWithAWordAndAFileSaysHowElse) {
  const TempDir project;
  project.Put("a.txt", "1\n");
  const sandbox::SafeDir dir = sandbox::SafeDir::Open(project.path(), {.reserved = {}}).value();
  const std::string lock = root() + "/alive.lock";
  UniqueFd held(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);
  const Claim other{.claim_id = "other", .workflow_id = "build-7", .claimed_at = "2026-11-21", .alive_lock = lock};
  ASSERT_TRUE(TakeClaim(dir, other, ""));
  EXPECT_EQ(ReadClaim(dir).value().alive_lock, lock);
  EXPECT_THAT(Failure({.project_dir = project.path()}),
              AllOf(HasSubstr("belongs to run other of workflow build-7"), HasSubstr("`wfe build clean build-7` frees it"),
                    HasSubstr("remove " + project.path() + "/.wfe/claim.json")));
  std::filesystem::create_directory(project / ".git");
  std::filesystem::create_directory(project / ".gemini");
  held.Close();
  const OpenWorkspaceReport opened = Open({.project_dir = project.path()});
  EXPECT_THAT(opened.note, HasSubstr("the process of build build-7, which worked here since 2026-11-21, is gone"));
  EXPECT_FALSE(project.Has(".git")) << "an empty mount point of the killed sandbox";
  EXPECT_FALSE(project.Has(".gemini"));
  // The same where the lock went with the records of the build.
  ASSERT_TRUE(TakeClaim(dir, other, ""));
  std::filesystem::remove(lock);
  EXPECT_THAT(Open({.project_dir = project.path(), .run_id = "run-2"}).note, HasSubstr("is gone"));
}

// RW-D41
TEST_F(DirectoryWorkspaces, ADirectoryAboveOrBelowOneThatAnotherRunHoldsIsNotTouched) {
  const TempDir project;
  project.Put("a.txt", "1\n");
  project.Put("sub/deep/b.txt", "1\n");
  project.Put("beside/c.txt", "1\n");
  const sandbox::SafeDir inner = sandbox::SafeDir::Open(project / "sub/deep", {.reserved = {}}).value();
  ASSERT_TRUE(TakeClaim(inner, {.claim_id = "other", .workflow_id = "build-7", .claimed_at = {}}, ""));
  EXPECT_THAT(Failure({.project_dir = project.path()}),
              AllOf(HasSubstr("overlaps " + project / "sub/deep"), HasSubstr("workflow build-7")));
  EXPECT_FALSE(ReadClaim(sandbox::SafeDir::Open(project.path(), {.reserved = {}}).value()).has_value()) << "given back";
  Open({.project_dir = project / "beside", .run_id = "run-2"});
  ASSERT_TRUE(DropClaim(inner, "other").value());
  const sandbox::SafeDir outer = sandbox::SafeDir::Open(project.path(), {.reserved = {}}).value();
  ASSERT_TRUE(TakeClaim(outer, {.claim_id = "other", .workflow_id = "build-7", .claimed_at = {}}, ""));
  EXPECT_THAT(Failure({.project_dir = project / "sub/deep", .run_id = "run-3"}),
              HasSubstr("overlaps " + project.path() + ", which belongs to run other"));
}

TEST_F(DirectoryWorkspaces, AProjectAroundTheWorkRootIsNotBuiltInPlace) {
  const std::string parent = std::filesystem::path(root()).parent_path().string();
  WorkspaceConfig config = Config();
  config.work_root = root() + "/inner/work";
  test::FakeContext context;
  Write(root() + "/a.txt", "x");
  const auto refused = OpenWorkspace(config, context, {.project_dir = root()});
  ASSERT_NE(refused.failure(), nullptr);
  EXPECT_THAT(refused.failure()->message, HasSubstr("contains the worker's work root"));
  // A copy leaves the work root out.
  const auto copied = OpenWorkspace(config, context, {.project_dir = root(), .kind = "copy", .run_id = "run-2"});
  ASSERT_TRUE(copied.has_value());
  EXPECT_TRUE(std::filesystem::exists(copied.value().working_dir + "/a.txt"));
  EXPECT_FALSE(std::filesystem::exists(copied.value().working_dir + "/inner/work"));
}

TEST_F(DirectoryWorkspaces, ATreeThatCannotBeKeptIsSaidAndNotReplaced) {
  const TempDir project;
  project.Put("a.txt", "1\n");
  const std::string snapshot = Pack(project.path());
  for (int i = 0; i < 20'001; ++i) project.Put("d" + std::to_string(i % 50) + "/" + std::to_string(i), "");
  const OpenWorkspaceReport opened = Open({.project_dir = project.path()});
  EXPECT_EQ(opened.base_snapshot_blob_hash, "");
  EXPECT_THAT(opened.note, HasSubstr("no diff and no undo for this build"));
  EXPECT_THAT(Failure({.project_dir = project.path(), .run_id = "run-2", .restore_snapshot_blob_hash = snapshot}),
              HasSubstr("nothing is put over what stands in"));
  EXPECT_TRUE(project.Has("d1/1"));
}

TEST_F(DirectoryWorkspaces, TheRecordsReadOldInputsAndKeepUnknownKeys) {
  const nlohmann::json json = {{"project_dir", "/p"}, {"later", 1}};
  const auto request = json.get<OpenWorkspaceRequest>();
  EXPECT_EQ(request.kind, "auto");
  EXPECT_EQ(nlohmann::json(request)["later"], 1);
  EXPECT_THROW(nlohmann::json({{"kind", 3}}).get<OpenWorkspaceRequest>(), nlohmann::json::exception);
}

TEST(MountPoints, OfASandboxAreRemovedAndWhatHoldsSomethingStays) {  // RW-D3
  const test::TempDir project;
  for (const char* name : {".git", "node_modules", ".venv"}) std::filesystem::create_directory(project / name);
  project.Put(".gemini/settings.json", "{}");
  const auto dir = sandbox::SafeDir::Open(project.path(), {.reserved = {}});
  ASSERT_TRUE(dir.has_value());
  RemoveEmptyMountPoints(*dir);
  for (const char* name : {".git", "node_modules", ".venv"}) EXPECT_FALSE(project.Has(name)) << name;
  EXPECT_TRUE(project.Has(".gemini/settings.json"));
}

}  // namespace
}  // namespace wfe::build
