// LG-12: files touched are found by comparing snapshots; host recovery puts a tree back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "activities/sandbox/packed_tree.h"
#include "activities/sandbox/tree_snapshot.h"
#include "engine/base/hash.h"
#include "engine/base/record_json.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::sandbox {
namespace {

using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;

SafeDir OpenDir(const TempDir& temp) {
  auto dir = SafeDir::Open(temp.path());
  WFE_CHECK(dir.has_value());
  return *std::move(dir);
}

TEST(TreeSnapshot, ADiffNamesCreatedChangedAndDeletedFilesSorted) {
  const TempDir temp;
  temp.Put("keep.ts", "same");
  temp.Put("src/change.ts", "old");
  temp.Put("gone.ts", "x");
  temp.Put("run.sh", "x");
  const SafeDir dir = OpenDir(temp);
  const TreeSnapshot before = TakeSnapshot(dir).value();
  temp.Put("src/change.ts", "new");
  temp.Put("src/a.ts", "x");
  std::filesystem::remove(temp / "gone.ts");
  std::filesystem::permissions(temp / "run.sh", std::filesystem::perms(0755));
  const TreeSnapshot after = TakeSnapshot(dir).value();
  const TreeDiff diff = Diff(before, after);
  EXPECT_THAT(diff.created, ElementsAre("src/a.ts"));
  EXPECT_THAT(diff.changed, ElementsAre("run.sh", "src/change.ts"));
  EXPECT_THAT(diff.deleted, ElementsAre("gone.ts"));
  EXPECT_THAT(diff.Touched(), ElementsAre("gone.ts", "run.sh", "src/a.ts", "src/change.ts"));
  EXPECT_TRUE(Diff(after, after).empty());
  EXPECT_NE(before.Hash(), after.Hash());
}

TEST(TreeSnapshot, TheFoldersOfToolsAndTheTraceAreNotPartOfTheTree) {
  const TempDir temp;
  temp.Put("a.ts", "x");
  for (const char* path : {"node_modules/m/i.js", ".git/HEAD", ".wfe/claim.json", "audit_trace.jsonl", ".gemini/x"}) {
    temp.Put(path, "x");
  }
  const TreeSnapshot snapshot = TakeSnapshot(OpenDir(temp)).value();
  ASSERT_EQ(snapshot.files.size(), 1u);
  EXPECT_EQ(snapshot.files[0].path, "a.ts");
}

TEST(TreeSnapshot, ALinkIsRecordedByItsTargetTextAndNeverFollowed) {
  const TempDir temp;
  std::filesystem::create_symlink("/etc/passwd", temp / "link");
  const TreeSnapshot snapshot = TakeSnapshot(OpenDir(temp)).value();
  ASSERT_EQ(snapshot.files.size(), 1u);
  EXPECT_TRUE(snapshot.files[0].symlink);
  EXPECT_EQ(snapshot.files[0].size, std::string("/etc/passwd").size());
}

TEST(TreeSnapshot, PackedTreesAreDeterministicAndComeBackWhole) {
  const TempDir temp;
  temp.Put("src/a.bin", std::string("\0\xff\n", 3));
  temp.Put("run.sh", "#!/bin/sh\n", true);
  temp.Put("empty", "");
  const SafeDir dir = OpenDir(temp);
  const std::string blob = PackTree(dir).value();
  EXPECT_EQ(blob, PackTree(dir).value());

  const TempDir elsewhere;
  elsewhere.Put("stale.ts", "x");
  elsewhere.Put("audit_trace.jsonl", "kept");
  const SafeDir target = OpenDir(elsewhere);
  ASSERT_TRUE(UnpackTree(blob, target, {.delete_others = true}));
  EXPECT_EQ(TakeSnapshot(target).value(), TakeSnapshot(dir).value());
  EXPECT_EQ(elsewhere.Get("audit_trace.jsonl"), "kept");
}

TEST(TreeSnapshot, LinksKindsModesAndEmptyDirectoriesComeBackInPlace) {  // RW-D3
  const TempDir temp;
  temp.Put("a.txt", "1");
  temp.Put("d/x", "x");
  temp.Put("swap", "was a file");
  std::filesystem::create_symlink("a.txt", temp / "l");
  std::filesystem::create_symlink("/etc", temp / "outside");
  std::filesystem::create_directories(temp / "empty/deep");
  std::filesystem::permissions(temp / "a.txt", std::filesystem::perms(0640));
  const SafeDir dir = OpenDir(temp);
  const TreeSnapshot before = TakeSnapshot(dir).value();
  const std::string blob = PackTree(dir).value();

  // As an agent may leave it: every kind has become another one.
  std::filesystem::remove(temp / "l");
  std::filesystem::create_symlink("d/x", temp / "l2");
  std::filesystem::remove_all(temp / "d");
  temp.Put("d", "a file now");
  std::filesystem::remove(temp / "swap");
  std::filesystem::create_symlink("/etc/passwd", temp / "swap");
  std::filesystem::remove(temp / "outside");
  temp.Put("outside/passwd", "x");
  std::filesystem::remove_all(temp / "empty");
  std::filesystem::create_directories(temp / "new/deep");
  std::filesystem::permissions(temp / "a.txt", std::filesystem::perms(0755));
  temp.Put("node_modules/m", "stays");
  ASSERT_TRUE(UnpackTree(blob, dir, {.delete_others = true}));
  EXPECT_EQ(TakeSnapshot(dir).value(), before);
  EXPECT_EQ(PackTree(dir).value(), blob);
  EXPECT_EQ(std::filesystem::read_symlink(temp / "outside"), "/etc");
  EXPECT_TRUE(std::filesystem::is_directory(temp / "empty/deep"));
  EXPECT_FALSE(temp.Has("new"));
  EXPECT_TRUE(temp.Has("node_modules/m"));
}

TEST(TreeSnapshot, ALinkInTheWayIsReplacedAndNothingIsWrittenThroughIt) {  // RW-D3
  const TempDir temp;
  temp.Put("d/x", "x");
  temp.Put("f", "f");
  const std::string blob = PackTree(OpenDir(temp)).value();
  const TempDir outside;
  outside.Put("f", "theirs");
  const TempDir elsewhere;
  std::filesystem::create_directory_symlink(outside.path(), elsewhere / "d");
  std::filesystem::create_symlink(outside / "f", elsewhere / "f");
  const SafeDir target = OpenDir(elsewhere);
  EXPECT_FALSE(UnpackTree(blob, target)) << "it was not asked to delete anything";
  ASSERT_TRUE(UnpackTree(blob, target, {.delete_others = true}));
  EXPECT_EQ(PackTree(target).value(), blob);
  EXPECT_EQ(outside.Get("f"), "theirs");
  EXPECT_FALSE(outside.Has("x"));
}

TEST(TreeSnapshot, ABlobOfAnEarlierVersionHasFilesOnlyAndLeavesLinksAlone) {  // RW-D3
  const TempDir temp;
  temp.Put("a.txt", "1");
  std::string old = PackTree(OpenDir(temp)).value();
  old.resize(old.size() - 32);
  old[9] = '1';
  old += AsBytes(Sha256(old));
  temp.Put("a.txt", "2");
  temp.Put("b.txt", "2");
  std::filesystem::create_symlink("a.txt", temp / "l");
  std::filesystem::create_directory(temp / "empty");
  const SafeDir dir = OpenDir(temp);
  EXPECT_FALSE(ReadTree(old, dir, {}).value().whole);
  ASSERT_TRUE(UnpackTree(old, dir, {.delete_others = true}));
  EXPECT_EQ(temp.Get("a.txt"), "1");
  EXPECT_FALSE(temp.Has("b.txt"));
  EXPECT_TRUE(std::filesystem::is_symlink(temp / "l"));
  EXPECT_TRUE(temp.Has("empty"));
}

TEST(TreeSnapshot, ABlobThatNoWriterOfOursMakesIsRefused) {
  const TempDir temp;
  const SafeDir dir = OpenDir(temp);
  const auto refused = [&](const std::vector<PackedEntry>& entries) {
    TreeWriter writer;
    for (const PackedEntry& entry : entries) writer.Add(entry.path, entry.kind, entry.mode, entry.content);
    const auto tree = UnpackTree(writer.Finish(), dir);
    return !tree && std::filesystem::is_empty(temp.path());
  };
  EXPECT_TRUE(refused({{"l", FileKind::kSymlink, 0, "/tmp"}, {"l/x", FileKind::kFile, 0644, "x"}}));
  EXPECT_TRUE(refused({{"l", FileKind::kSymlink, 0, "/tmp"}, {"l-", FileKind::kFile, 0, ""}, {"l/x", FileKind::kFile, 0, ""}}));
  EXPECT_TRUE(refused({{"l", FileKind::kSymlink, 0, ""}}));
  EXPECT_TRUE(refused({{"l", FileKind::kSymlink, 0, std::string_view("a\0b", 3)}}));
  EXPECT_TRUE(refused({{"d", FileKind::kDirectory, 0, "x"}}));
  EXPECT_TRUE(refused({{"../x", FileKind::kSymlink, 0, "a"}}));
  EXPECT_TRUE(refused({{".git", FileKind::kSymlink, 0, "a"}}));
}

TEST(PackedTree, WorkOfOthersIsWhatNeitherTheBuildLeftNorTheNextTreeHas) {  // RW-D3
  const auto blob = [](const std::map<std::string, std::string>& files) {
    TreeWriter writer;
    for (const auto& [path, content] : files) {
      const bool link = content.starts_with("-> ");
      writer.Add(path, link ? FileKind::kSymlink : FileKind::kFile, 0644, link ? content.substr(3) : content);
    }
    return writer.Finish();
  };
  const TempDir temp;
  const SafeDir dir = OpenDir(temp);
  const std::string left = blob({{"a", "built"}, {"b", "built"}, {"c", "built"}, {"l", "-> a"}, {"same", "s"}});
  const std::string next = blob({{"a", "base"}, {"b", "base"}, {"c", "base"}, {"same", "s"}});
  const auto others = [&](const std::map<std::string, std::string>& files) {
    const std::string now = blob(files);
    return WorkOfOthers(ReadTree(now, dir, {}).value(), ReadTree(left, dir, {}).value(), ReadTree(next, dir, {}).value());
  };
  // Half restored: an attempt before this one was killed.
  EXPECT_THAT(others({{"a", "built"}, {"b", "base"}, {"c", "built"}, {"same", "s"}}), testing::IsEmpty());
  EXPECT_THAT(others({{"a", "mine"}, {"b", "base"}, {"l", "-> b"}, {"new", "mine"}, {"same", "s"}}),
              ElementsAre("a", "c", "l", "new"));
  EXPECT_EQ(FirstFew({"a", "b"}), "a, b");
  EXPECT_EQ(FirstFew({"a", "b", "c", "d", "e", "f", "g"}), "a, b, c, d, e and 2 more");
}

TEST(TreeSnapshot, ADamagedBlobWritesNothing) {
  const TempDir temp;
  temp.Put("a.ts", "content");
  std::filesystem::create_symlink("a.ts", temp / "l");
  const std::string blob = PackTree(OpenDir(temp)).value();
  const TempDir elsewhere;
  const SafeDir target = OpenDir(elsewhere);
  for (size_t i = 0; i < blob.size(); ++i) {
    std::string damaged = blob;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_EQ(UnpackTree(damaged, target).error().code, StatusCode::kDataLoss) << i;
  }
  EXPECT_FALSE(UnpackTree(blob.substr(0, blob.size() - 1), target));
  EXPECT_FALSE(UnpackTree("", target));
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere.path()));
}

TEST(TreeSnapshot, LimitsAreReportedWithTheFileThatExceedsThem) {
  const TempDir temp;
  temp.Put("a", "123");
  temp.Put("b", "123");
  const SafeDir dir = OpenDir(temp);
  EXPECT_EQ(TakeSnapshot(dir, {.max_files = 1}).error().code, StatusCode::kResourceExhausted);
  const auto total = TakeSnapshot(dir, {.max_total_bytes = 5});
  EXPECT_THAT(total.error().message, HasSubstr("b"));
  EXPECT_FALSE(TakeSnapshot(dir, {.max_file_bytes = 2}));
}

TEST(TreeSnapshot, JsonRoundTripKeepsTheSnapshot) {
  const TempDir temp;
  temp.Put("a", "123");
  const TreeSnapshot snapshot = TakeSnapshot(OpenDir(temp)).value();
  EXPECT_EQ(nlohmann::json(snapshot).get<TreeSnapshot>(), snapshot);
}

}  // namespace
}  // namespace wfe::sandbox
