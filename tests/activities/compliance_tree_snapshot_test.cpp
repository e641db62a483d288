// LG-12: files touched are found by comparing snapshots; host recovery puts a tree back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "activities/compliance/tree_snapshot.h"
#include "tests/activities/compliance_test_support.h"

namespace wfe::activities {
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

TEST(TreeSnapshot, ADamagedBlobWritesNothing) {
  const TempDir temp;
  temp.Put("a.ts", "content");
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
}  // namespace wfe::activities
