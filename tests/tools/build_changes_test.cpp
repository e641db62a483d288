// What a build changed comes into a project whole or not at all, and out of it again only while it is as it was left.
#include "tools/wfe/build_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/activities/build/workspace_test_support.h"

namespace wfe::cli {
namespace {

using build::test::GitProject;
using build::test::TempDir;
using sandbox::PackTree;
using sandbox::SafeDir;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Packed(const TempDir& dir) { return PackTree(SafeDir::Open(dir.path()).value()).value(); }

std::vector<std::string> Paths(const std::vector<FileChange>& changes) { return PathsOf(changes); }

/// Two trees: a file changed, one deleted, one new, one made executable, one left alone.
struct Example {
  Example() {
    before.Put("same.txt", "same\n");
    before.Put("src/a.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    before.Put("gone.txt", "old\n");
    before.Put("run.sh", "#!/bin/sh\n");
    after.Put("same.txt", "same\n");
    after.Put("src/a.txt", "1\n2\n3\n4\n5\n6\n7\n8\nnine\n");
    after.Put("run.sh", "#!/bin/sh\n", true);
    after.Put("new/deep/b.bin", std::string("\0\x01", 2));
    changes = ChangesBetween(Packed(before), Packed(after)).value();
  }
  TempDir before;
  TempDir after;
  std::vector<FileChange> changes;
};

TEST(BuildChanges, AreFoundBetweenTwoKeptTreesAndReadAsAPatch) {
  const Example example;
  EXPECT_THAT(Paths(example.changes), ElementsAre("gone.txt", "new/deep/b.bin", "run.sh", "src/a.txt"));
  const std::string patch = RenderPatch(example.changes, false).value();
  EXPECT_THAT(patch, HasSubstr("diff --git a/src/a.txt b/src/a.txt"));
  EXPECT_THAT(patch, HasSubstr("-9\n+nine"));
  EXPECT_THAT(patch, HasSubstr("deleted file mode 100644"));
  EXPECT_THAT(patch, HasSubstr("new mode 100755"));
  EXPECT_THAT(patch, HasSubstr("diff --git a/gone.txt b/gone.txt"));
  EXPECT_THAT(patch, HasSubstr("diff --git a/new/deep/b.bin b/new/deep/b.bin"));
  const std::string stat = RenderPatch(example.changes, true).value();
  EXPECT_THAT(stat, HasSubstr("4 files changed"));
  EXPECT_THAT(stat, HasSubstr("\n src/a.txt "));
  EXPECT_EQ(RenderPatch({}, false).value(), "");
  EXPECT_THAT(ChangesBetween("", Packed(example.before)).value(), testing::SizeIs(4));
  EXPECT_FALSE(ChangesBetween("", "garbage").has_value());
}

TEST(BuildChanges, TheirPatchIsAppliedByGitItself) {
  const Example example;
  GitProject project;
  for (const char* name : {"same.txt", "src/a.txt", "gone.txt", "run.sh"}) project.Put(name, example.before.Get(name));
  project.Commit("first");
  project.Put("../patch-" + project.path().substr(project.path().rfind('/') + 1),
              RenderPatch(example.changes, false).value());
  const std::string patch = project / ("../patch-" + project.path().substr(project.path().rfind('/') + 1));
  project.Git("apply " + patch);
  std::filesystem::remove(patch);
  EXPECT_EQ(project.Get("src/a.txt"), example.after.Get("src/a.txt"));
  EXPECT_EQ(project.Get("new/deep/b.bin"), example.after.Get("new/deep/b.bin"));
  EXPECT_FALSE(project.Has("gone.txt"));
}

TEST(BuildChanges, BetweenCommitsCarryLinksAndOddNames) {
  GitProject project;
  project.Put("a b\n.txt", "1\n");
  project.Commit("first");
  const std::string first = project.Git("rev-parse HEAD");
  project.Put("a b\n.txt", "2\n");
  std::filesystem::create_symlink("elsewhere", project / "link");
  project.Commit("second");
  const auto changes = ChangesBetweenCommits(project.path(), first, "HEAD").value();
  ASSERT_THAT(Paths(changes), ElementsAre("a b\n.txt", "link"));
  EXPECT_EQ(changes[0].before->content, "1\n");
  EXPECT_TRUE(changes[1].after->link);
  EXPECT_EQ(changes[1].after->content, "elsewhere");
  EXPECT_FALSE(ChangesBetweenCommits(project.path(), first, "refs/heads/nothing").has_value());
}

TEST(ApplyBuild, WritesAllOfItAndTakesAllOfItBack) {
  const Example example;
  TempDir target;
  for (const char* name : {"same.txt", "src/a.txt", "gone.txt", "run.sh"}) target.Put(name, example.before.Get(name));
  const std::string before = Packed(target);
  const ApplyPlan plan = PlanApply(example.changes, target.path(), OnConflict::kMerge).value();
  EXPECT_THAT(plan.conflicts, IsEmpty());
  ASSERT_TRUE(Write(plan.writes, target.path()));
  EXPECT_EQ(Packed(target), Packed(example.after));
  EXPECT_THAT(PlanApply(example.changes, target.path(), OnConflict::kMerge).value().writes, IsEmpty());

  const ApplyPlan back = PlanApply(Reversed(example.changes), target.path(), OnConflict::kRefuse).value();
  EXPECT_THAT(back.conflicts, IsEmpty());
  ASSERT_TRUE(Write(back.writes, target.path()));
  EXPECT_EQ(Packed(target), before);
  EXPECT_FALSE(target.Has("new"));
}

/// A project with a link, a directory, an empty one; and what an agent made of it, each kind another one.
struct Kinds {
  Kinds() {
    Start(before);
    Start(after);
    std::filesystem::remove(after / "l");
    std::filesystem::remove(after / "l2");
    std::filesystem::create_symlink("d/x", after / "l2");
    std::filesystem::create_symlink("a.txt", after / "newlink");
    std::filesystem::remove_all(after / "d");
    after.Put("d", "file\n");
    std::filesystem::remove_all(after / "e");
    std::filesystem::create_symlink("/etc", after / "e");
    std::filesystem::remove(after / "f");
    after.Put("f/in", "x");
    std::filesystem::remove_all(after / "logs");
    after.Put("cache/x", "x");
    std::filesystem::remove(after / "tmp/t");
    std::filesystem::create_directory(after / "fresh");
    std::filesystem::permissions(after / "a.txt", std::filesystem::perms(0755));
    std::filesystem::permissions(after / "mode.txt", std::filesystem::perms(0600));
    changes = ChangesBetween(Packed(before), Packed(after)).value();
  }
  static void Start(const TempDir& dir) {
    dir.Put("a.txt", "a\n");
    dir.Put("mode.txt", "m\n");
    dir.Put("d/x", "x\n");
    dir.Put("e/deep/y", "y\n");
    dir.Put("f", "f\n");
    dir.Put("tmp/t", "t\n");
    std::filesystem::create_symlink("a.txt", dir / "l");
    std::filesystem::create_symlink("a.txt", dir / "l2");
    std::filesystem::create_directory(dir / "logs");
    std::filesystem::create_directory(dir / "cache");
  }
  TempDir before;
  TempDir after;
  std::vector<FileChange> changes;
};

TEST(ApplyBuild, LinksKindsModesAndEmptyDirectoriesAreAppliedAndTakenBack) {  // RW-D3
  const Kinds kinds;
  EXPECT_THAT(Paths(kinds.changes), ElementsAre("a.txt", "cache/x", "d", "d/x", "e", "e/deep/y", "f", "f/in", "fresh",
                                                "l", "l2", "logs", "mode.txt", "newlink", "tmp/t"));
  const std::string patch = RenderPatch(kinds.changes, false).value();
  for (const char* said : {"# deleted empty directory logs\n", "# new empty directory fresh\n",
                           "# mode of mode.txt: 0600, before 0644\n", "new file mode 120000", "deleted file mode 120000",
                           "+++ b/newlink", "-a.txt\n", "+d/x\n"}) {
    EXPECT_THAT(patch, HasSubstr(said));
  }
  EXPECT_THAT(patch, testing::Not(HasSubstr("empty directory cache")));

  TempDir target;
  Kinds::Start(target);
  const std::string before = Packed(target);
  const ApplyPlan plan = PlanApply(kinds.changes, target.path(), OnConflict::kMerge).value();
  EXPECT_THAT(plan.conflicts, IsEmpty());
  ASSERT_TRUE(Write(plan.writes, target.path()));
  EXPECT_EQ(Packed(target), Packed(kinds.after));
  EXPECT_THAT(PlanApply(kinds.changes, target.path(), OnConflict::kMerge).value().writes, IsEmpty());

  const ApplyPlan back = PlanApply(Reversed(kinds.changes), target.path(), OnConflict::kRefuse).value();
  EXPECT_THAT(back.conflicts, IsEmpty());
  ASSERT_TRUE(Write(back.writes, target.path()));
  EXPECT_EQ(Packed(target), before);
  EXPECT_THAT(PlanApply(Reversed(kinds.changes), target.path(), OnConflict::kRefuse).value().writes, IsEmpty());
}

TEST(ApplyBuild, WhatTheUserPutWhereAKindChangesIsAConflict) {  // RW-D3
  const Kinds kinds;
  TempDir target;
  Kinds::Start(target);
  target.Put("d/mine", "x");
  std::filesystem::create_directory(target / "e/mine");
  std::filesystem::remove(target / "l2");
  std::filesystem::create_symlink("mine", target / "l2");
  EXPECT_THAT(PlanApply(kinds.changes, target.path(), OnConflict::kMerge).value().conflicts,
              ElementsAre("d", "e", "l2"));
  // Of an undo: a link of the user's where a directory has to be.
  TempDir built;
  Kinds::Start(built);
  ASSERT_TRUE(Write(PlanApply(kinds.changes, built.path(), OnConflict::kMerge).value().writes, built.path()));
  TempDir outside;
  std::filesystem::remove(built / "e");
  std::filesystem::create_directory_symlink(outside.path(), built / "e");
  EXPECT_THAT(PlanApply(Reversed(kinds.changes), built.path(), OnConflict::kRefuse).value().conflicts, ElementsAre("e"));
  EXPECT_TRUE(std::filesystem::is_empty(outside.path()));
}

TEST(ApplyBuild, ALinkThatABranchChangedIsAppliedToItsCheckout) {  // RW-D3
  GitProject project;
  project.Put("a.txt", "1\n");
  project.Put("d/x", "1\n");
  std::filesystem::create_symlink("a.txt", project / "l");
  std::filesystem::create_symlink("a.txt", project / "l2");
  std::filesystem::permissions(project / "a.txt", std::filesystem::perms(0600));
  project.Commit("first");
  const std::string first = project.Git("rev-parse HEAD");
  project.Git("checkout -q -b other");
  project.Put("a.txt", "2\n");
  std::filesystem::remove(project / "l");
  std::filesystem::remove(project / "l2");
  std::filesystem::create_symlink("d/x", project / "l2");
  std::filesystem::remove_all(project / "d");
  std::filesystem::create_symlink("a.txt", project / "d");
  project.Commit("second");
  const auto changes = ChangesBetweenCommits(project.path(), first, "other").value();
  project.Git("checkout -q main");
  std::filesystem::permissions(project / "a.txt", std::filesystem::perms(0600));
  const ApplyPlan plan = PlanApply(changes, project.path(), OnConflict::kMerge).value();
  EXPECT_THAT(plan.conflicts, IsEmpty());
  ASSERT_TRUE(Write(plan.writes, project.path()));
  project.Git("add -A");
  EXPECT_EQ(project.Git("diff --cached other"), "");
  project.Git("reset -q");
  EXPECT_EQ(std::filesystem::status(project / "a.txt").permissions(), std::filesystem::perms(0600));
  ASSERT_TRUE(Write(PlanApply(Reversed(changes), project.path(), OnConflict::kRefuse).value().writes, project.path()));
  EXPECT_EQ(project.Git("status --porcelain"), "");
}

TEST(ApplyBuild, AConflictNamesItsFilesAndAnotherPlaceInAFileIsMerged) {
  const Example example;
  TempDir target;
  for (const char* name : {"same.txt", "gone.txt", "run.sh"}) target.Put(name, example.before.Get(name));
  target.Put("src/a.txt", "one\n2\n3\n4\n5\n6\n7\n8\n9\n");
  const ApplyPlan merged = PlanApply(example.changes, target.path(), OnConflict::kMerge).value();
  EXPECT_THAT(merged.conflicts, IsEmpty());
  EXPECT_THAT(merged.merged, ElementsAre("src/a.txt"));
  ASSERT_TRUE(Write(merged.writes, target.path()));
  EXPECT_EQ(target.Get("src/a.txt"), "one\n2\n3\n4\n5\n6\n7\n8\nnine\n");

  TempDir other;
  other.Put("src/a.txt", "1\n2\n3\n4\n5\n6\n7\n8\nIX\n");
  other.Put("gone.txt", "the user changed it\n");
  other.Put("new/deep/b.bin", "the user has one\n");
  other.Put("run.sh", "#!/bin/sh\n");
  EXPECT_THAT(PlanApply(example.changes, other.path(), OnConflict::kMerge).value().conflicts,
              ElementsAre("gone.txt", "new/deep/b.bin", "src/a.txt"));
}

TEST(ApplyBuild, NothingIsWrittenThroughALink) {
  const Example example;
  TempDir outside;
  TempDir target;
  for (const char* name : {"gone.txt", "run.sh"}) target.Put(name, example.before.Get(name));
  std::filesystem::create_directory_symlink(outside.path(), target / "new");
  std::filesystem::create_directory_symlink(outside.path(), target / "src");
  const auto plan = PlanApply(example.changes, target.path(), OnConflict::kMerge);
  ASSERT_TRUE(plan.has_value());
  EXPECT_FALSE(plan->conflicts.empty());
  EXPECT_TRUE(std::filesystem::is_empty(outside.path()));
}

TEST(ApplyBuild, WhatWasAppliedIsRememberedWithWhatStoodThere) {
  const TempDir state;
  setenv("XDG_STATE_HOME", state.path().c_str(), 1);
  EXPECT_FALSE(FindApplied("run-1").value().has_value());
  const std::vector<PlannedWrite> writes = {
      {"a.txt", FileVersion{"old", 0644, false}, FileVersion{std::string("\0\xff", 2), 0755, false}},
      {"empty", FileVersion{"", 0777, false, true}, std::nullopt},
      {"new.txt", std::nullopt, FileVersion{"new", 0644, false}}};
  ASSERT_TRUE(RememberApplied("run-1", "/project", writes));
  const auto applied = FindApplied("run-1").value();
  ASSERT_TRUE(applied.has_value());
  EXPECT_EQ(applied->directory, "/project");
  ASSERT_EQ(applied->changes.size(), 3u);
  EXPECT_EQ(applied->changes[0].before, writes[0].was);
  EXPECT_EQ(applied->changes[0].after, writes[0].becomes);
  EXPECT_EQ(applied->changes[1].before, writes[1].was);
  EXPECT_FALSE(applied->changes[2].before.has_value());
  ForgetApplied("run-1");
  EXPECT_FALSE(FindApplied("run-1").value().has_value());
}

}  // namespace
}  // namespace wfe::cli
