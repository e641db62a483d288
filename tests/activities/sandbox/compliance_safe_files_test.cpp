// AC-2: no path escape.  Every way out of the working directory that a model could write down.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "activities/sandbox/safe_files.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::sandbox {
namespace {

using test::TempDir;
using testing::ElementsAre;

SafeDir OpenDir(const TempDir& temp, SafeDirOptions options = {}) {
  auto dir = SafeDir::Open(temp.path(), std::move(options));
  WFE_CHECK(dir.has_value());
  return *std::move(dir);
}

TEST(SafeFiles, AFileIsWrittenWithItsParentsReadBackAndDeleted) {
  const TempDir temp;
  const SafeDir dir = OpenDir(temp);
  ASSERT_TRUE(dir.Write("src/deep/a.ts", "one"));
  ASSERT_TRUE(dir.Write("src/deep/a.ts", "two"));
  EXPECT_EQ(dir.Read("src/deep/a.ts").value(), "two");
  EXPECT_EQ(dir.Read("./src//deep/./a.ts").value(), "two");
  ASSERT_TRUE(dir.Remove("src/deep/a.ts"));
  ASSERT_TRUE(dir.Remove("src/deep/a.ts")) << "a retry finds it gone, which is fine";
  EXPECT_EQ(dir.Read("src/deep/a.ts").error().code, StatusCode::kNotFound);
  EXPECT_TRUE(std::filesystem::is_empty(temp / "src/deep")) << "no temporary file is left";
}

TEST(SafeFiles, PathsThatAreNotPlainRelativeFileNamesAreRefused) {
  const TempDir temp;
  const SafeDir dir = OpenDir(temp);
  const std::vector<std::string> refused = {
      "",
      ".",
      "/etc/passwd",
      "..",
      "../x",
      "a/../../x",
      "a/..",
      "a/",
      std::string("a\0b", 3),
      "a\nb",
      "a\x1b[31m",
      "a\\b",
      "\xff\xfe",
      ".git/hooks/pre-commit",
      "sub/.git/config",
      ".GIT/config",
      ".gemini/settings.json",
      "node_modules/x/index.js",
      "packages/a/node_modules/x.js",
      "audit_trace.jsonl",
      "./audit_trace.jsonl",
      ".wfe/claim.json",
      std::string(300, 'a'),
      std::string(2000, 'a'),
  };
  for (const std::string& path : refused) {
    EXPECT_FALSE(dir.CheckPath(path)) << path;
    EXPECT_FALSE(dir.Write(path, "x")) << path;
    EXPECT_FALSE(dir.Read(path)) << path;
    EXPECT_FALSE(dir.Remove(path)) << path;
  }
  EXPECT_TRUE(std::filesystem::is_empty(temp.path()));
}

TEST(SafeFiles, NamesThatOnlyLookLikeEscapesAreOrdinary) {
  const TempDir temp;
  const SafeDir dir = OpenDir(temp);
  for (const std::string path : {"..a", "a..b/c", "...", ".github/ci.yml", "node_modules.md", "ünïcode.ts"}) {
    EXPECT_TRUE(dir.Write(path, "x")) << path;
  }
}

TEST(SafeFiles, ASymbolicLinkIsNeverFollowedWhereverItStands) {
  const TempDir outside;
  outside.Put("secret.txt", "secret");
  const TempDir temp;
  const SafeDir dir = OpenDir(temp);
  std::filesystem::create_symlink(outside / "secret.txt", temp / "file_link");
  std::filesystem::create_directory_symlink(outside.path(), temp / "dir_link");
  std::filesystem::create_symlink("/proc/self/root", temp / "magic");
  std::filesystem::create_symlink("inside.txt", temp / "harmless_link");
  temp.Put("inside.txt", "inside");

  EXPECT_EQ(dir.Read("file_link").error().code, StatusCode::kPermissionDenied);
  EXPECT_EQ(dir.Read("dir_link/secret.txt").error().code, StatusCode::kPermissionDenied);
  EXPECT_FALSE(dir.Read("magic/etc/passwd"));
  EXPECT_FALSE(dir.Read("harmless_link"));
  EXPECT_FALSE(dir.Write("dir_link/new.txt", "x"));
  EXPECT_FALSE(dir.Remove("dir_link/secret.txt"));
  EXPECT_FALSE(outside.Has("new.txt"));

  // Writing to a link replaces the link; what it pointed to keeps its content.
  ASSERT_TRUE(dir.Write("file_link", "mine"));
  EXPECT_EQ(outside.Get("secret.txt"), "secret");
  EXPECT_FALSE(std::filesystem::is_symlink(temp / "file_link"));
}

TEST(SafeFiles, WritingToAHardLinkLeavesTheOtherNameAlone) {
  const TempDir temp;
  const TempDir outside;
  outside.Put("original", "original");
  std::filesystem::create_hard_link(outside / "original", temp / "linked");
  ASSERT_TRUE(OpenDir(temp).Write("linked", "changed"));
  EXPECT_EQ(outside.Get("original"), "original");
}

TEST(SafeFiles, ANamedPipeOrDirectoryIsRefusedWithoutWaiting) {
  const TempDir temp;
  const SafeDir dir = OpenDir(temp);
  ASSERT_EQ(::mkfifo((temp / "pipe").c_str(), 0600), 0);
  std::filesystem::create_directory(temp / "folder");
  EXPECT_EQ(dir.Read("pipe").error().code, StatusCode::kFailedPrecondition);
  EXPECT_FALSE(dir.Read("folder"));
  EXPECT_FALSE(dir.Write("folder", "x"));
  EXPECT_FALSE(dir.Remove("folder"));
}

TEST(SafeFiles, ADirectoryThatKeepsTurningIntoALinkNeverLeadsOut) {
  const TempDir outside;
  outside.Put("target.txt", "outside");
  const TempDir temp;
  const SafeDir dir = OpenDir(temp);
  std::atomic<bool> stop{false};
  std::thread attacker([&] {
    while (!stop) {
      ::mkdir((temp / "d").c_str(), 0755);
      std::error_code ignored;
      std::filesystem::remove_all(temp / "d", ignored);
      ::symlink(outside.path().c_str(), (temp / "d").c_str());
      ::unlink((temp / "d").c_str());
    }
  });
  for (int i = 0; i < 2000; ++i) {
    const auto read = dir.Read("d/target.txt");
    EXPECT_FALSE(read);
    (void)dir.Write("d/planted.txt", "x").has_value();
    (void)dir.Remove("d/target.txt").has_value();
  }
  stop = true;
  attacker.join();
  EXPECT_EQ(outside.Get("target.txt"), "outside");
  EXPECT_FALSE(outside.Has("planted.txt"));
}

TEST(SafeFiles, SizesAboveTheLimitAreRefusedBothWays) {
  const TempDir temp;
  const SafeDir dir = OpenDir(temp, {.max_file_bytes = 10});
  EXPECT_EQ(dir.Write("a", "12345678901").error().code, StatusCode::kResourceExhausted);
  temp.Put("big", "12345678901");
  EXPECT_EQ(dir.Read("big").error().code, StatusCode::kResourceExhausted);
  EXPECT_TRUE(dir.Read("big", 11));
}

TEST(SafeFiles, AListingIsSortedLeavesReservedNamesOutAndStopsAtItsLimit) {
  const TempDir temp;
  for (const char* path : {"b.ts", "a/z.ts", "a/b/c.ts", "node_modules/x.js", ".git/config", "audit_trace.jsonl"}) {
    temp.Put(path, "x");
  }
  const SafeDir dir = OpenDir(temp);
  std::vector<std::string> paths;
  const std::vector<SafeEntry> entries = dir.List("", {}).value();
  for (const SafeEntry& entry : entries) paths.push_back(entry.path);
  EXPECT_THAT(paths, ElementsAre("a/b/c.ts", "a/z.ts", "b.ts"));
  EXPECT_EQ(dir.List("a", {.recursive = false}).value().size(), 1u);
  EXPECT_EQ(dir.List("", {.max_entries = 2}).error().code, StatusCode::kResourceExhausted);
}

TEST(SafeFiles, AListingLeavesHiddenNamesOutWhereItIsAskedTo) {
  const TempDir temp;
  for (const char* path : {"a/.b/c.txt", "a/d.txt", ".e", "f.g"}) temp.Put(path, "x");
  const SafeDir dir = OpenDir(temp);
  SafeDir::ListOptions shown;
  shown.hidden = false;
  std::vector<std::string> paths;
  const std::vector<SafeEntry> entries = dir.List("", shown).value();
  for (const SafeEntry& entry : entries) paths.push_back(entry.path);
  EXPECT_THAT(paths, ElementsAre("a/d.txt", "f.g"));
  EXPECT_EQ(dir.List("", {}).value().size(), 4u);
}

}  // namespace
}  // namespace wfe::sandbox
