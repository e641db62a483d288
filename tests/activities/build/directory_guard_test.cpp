// What holds before and while an activity works in a directory (SEC-C3): allowed roots, claims, one attempt at a time.
#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <future>

#include "activities/build/checks/allowed_roots.h"
#include "activities/build/checks/claim.h"
#include "activities/build/checks/compliance.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::build {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(AllowedRoots, WhatLiesBelowARootIsAllowedAlsoBeforeItExists) {
  const TempDir root;
  const AllowedRoots roots({root.path()});
  EXPECT_EQ(*roots.Check(root.path()), root.path());
  EXPECT_EQ(*roots.Check(root / "a//b/./c"), root / "a/b/c");
  fs::create_directories(root / "a/b");
  EXPECT_EQ(*roots.Check(root / "a/b/../b/c"), root / "a/b/c");
}

TEST(AllowedRoots, WhatLiesOutsideIsRefusedWithTheLineToAdd) {
  const TempDir root;
  const TempDir other;
  const AllowedRoots roots({root.path()});
  for (const std::string& path : {other.path(), other / "new", root.path() + "-beside", std::string("/"),
                                  root / "..", root / "missing/../../../etc"}) {
    const auto real = roots.Check(path);
    ASSERT_FALSE(real) << path;
    EXPECT_EQ(real.error().code, StatusCode::kPermissionDenied) << path;
  }
  EXPECT_THAT(roots.Check(other.path()).error().message,
              HasSubstr("this worker may not touch " + other.path() + ": allow it with `wfe worker --allow " + other.path() +
                        "` or, under [worker] in wfe.toml, allowed_roots = [\"" + other.path() + "\"]"));
  EXPECT_FALSE(roots.Check("relative"));
  EXPECT_FALSE(roots.Check(""));
}

TEST(AllowedRoots, LinksCountAsWhereTheyLead) {
  const TempDir root;
  const TempDir other;
  fs::create_directory_symlink(other.path(), root / "out");
  fs::create_directory_symlink(root.path(), other / "in");
  fs::create_directory_symlink(root / "nowhere", root / "dangling");
  const AllowedRoots roots({root.path()});
  EXPECT_THAT(roots.Check(root / "out/x").error().message, HasSubstr("(which is " + other.path() + "/x)"));
  EXPECT_EQ(*roots.Check(other / "in/x"), root / "x");
  EXPECT_FALSE(roots.Check(root / "dangling/x")) << "it may lead anywhere by the time it is used";
  // A root that is a link is what it leads to.
  const AllowedRoots linked({root / "out"});
  EXPECT_EQ(*linked.Check(other / "x"), other / "x");
}

TEST(AllowedRoots, AnInputNamesDirectoriesByTheseKeys) {
  const json input = {{"working_dir", "/a"},
                      {"project_dir", "/b"},
                      {"output_dir", ""},
                      {"task", "/not/a/directory"},
                      {"entry", {{"working_dir", "/data, not a place"}}},
                      {"sources", {{{"kind", "directory"}, {"location", "/c"}}, {{"kind", "records"}, {"location", "/d"}}}}};
  EXPECT_THAT(DirectoriesNamedBy(input), ElementsAre("/a", "/b", "/c"));
  EXPECT_TRUE(DirectoriesNamedBy(json("/a")).empty());
  EXPECT_TRUE(DirectoriesNamedBy({{"working_dir", 7}, {"sources", {1, "x"}}}).empty());
}

class Context final : public sdk::ActivityContext {
 public:
  Context(std::string type, std::string run_id) {
    info_.activity_type = std::move(type);
    info_.run_id = std::move(run_id);
  }
  const sdk::ActivityInfo& info() const override { return info_; }
  void Heartbeat(const json&) override {
    if (++heartbeats_ == 2) waiting_.set_value();
  }
  std::optional<json> LastHeartbeatDetails() const override { return std::nullopt; }
  bool IsCancelled() const override { return cancelled_; }
  bool WaitForCancel(Duration) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return cancelled_;
  }
  void Cancel() { cancelled_ = true; }
  /// Until it has heartbeat twice: it waits for something.
  void WaitUntilItWaits() { waiting_.get_future().wait(); }

 private:
  sdk::ActivityInfo info_;
  std::atomic<bool> cancelled_ = false;
  int heartbeats_ = 0;
  std::promise<void> waiting_;
};

class DirectoryGuard : public ::testing::Test {
 protected:
  DirectoryGuard() {
    fs::create_directories(root_ / "build");
    for (const std::string_view type : {kRunComplianceChecks.name, kPreflight.name, kReleaseWorkingDir.name,
                                        std::string_view("restoreSnapshot"), std::string_view("executeGeminiAgent"),
                                        std::string_view("openWorkspace")}) {
      registry_.RegisterErased(std::string(type), [this](sdk::ActivityContext&, const json& input) {
        ++runs_;
        if (hold_) hold_();
        return sdk::ActivityResult<json>(input);
      });
    }
    GuardDirectories(registry_, {.roots = std::make_shared<const AllowedRoots>(std::vector{root_.path()}),
                                 .lock_dir = locks_.path()});
  }
  sdk::ActivityResult<json> Call(Context& context, const json& input) {
    return (*registry_.Find(context.info().activity_type))(context, input);
  }
  sdk::ActivityResult<json> Call(std::string_view type, const json& input, const std::string& run_id = "run-1") {
    Context context((std::string(type)), run_id);
    return Call(context, input);
  }
  void Claim(const std::string& id) {
    const auto dir = sandbox::SafeDir::Open(root_ / "build", {.reserved = {}});
    ASSERT_TRUE(TakeClaim(*dir, {.claim_id = id, .workflow_id = "w", .claimed_at = ""}, ""));
  }

  TempDir root_;
  TempDir other_;
  TempDir locks_;
  sdk::ActivityRegistry registry_;
  std::atomic<int> runs_ = 0;
  std::function<void()> hold_;
};

TEST_F(DirectoryGuard, TheActivityIsGivenTheRealPath) {
  fs::create_directory_symlink(root_ / "build", other_ / "link");
  const auto result = Call("executeGeminiAgent", {{"working_dir", other_ / "link"}, {"step_name", "x"}});
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result.value(), json({{"working_dir", root_ / "build"}, {"step_name", "x"}}));
}

TEST_F(DirectoryGuard, OutsideNothingRuns) {
  for (const char* key : {"working_dir", "project_dir", "output_dir"}) {
    const auto result = Call("executeGeminiAgent", {{key, other_.path()}});
    ASSERT_NE(result.failure(), nullptr) << key;
    EXPECT_EQ(result.failure()->type, kFailureNotAllowed);
    EXPECT_TRUE(result.failure()->non_retryable);
  }
  EXPECT_EQ(runs_, 0);
}

TEST_F(DirectoryGuard, ADirectoryThatAnotherRunHoldsIsRefused) {
  Claim("run-2");
  const json input = {{"working_dir", root_ / "build"}};
  const auto refused = Call("executeGeminiAgent", input, "run-1");
  ASSERT_NE(refused.failure(), nullptr);
  EXPECT_EQ(refused.failure()->type, kFailureDirectoryClaimed);
  EXPECT_THAT(refused.failure()->message, HasSubstr("belongs to run run-2, not to run run-1"));
  EXPECT_TRUE(Call("executeGeminiAgent", input, "run-2").has_value());
  EXPECT_TRUE(Call("executeGeminiAgent", {{"working_dir", root_ / "build"}, {"claim_id", "run-2"}}, "run-3").has_value())
      << "a run that goes on for another holds its claim";
  EXPECT_TRUE(Call(kReleaseWorkingDir.name, input, "run-1").has_value()) << "it says by itself who holds the directory";
}

TEST_F(DirectoryGuard, RestoringASnapshotNeedsTheRunsClaim) {
  const json input = {{"working_dir", root_ / "build"}, {"snapshot_blob_hash", "x"}};
  const auto refused = Call("restoreSnapshot", input);
  ASSERT_NE(refused.failure(), nullptr);
  EXPECT_THAT(refused.failure()->message, HasSubstr("run run-1 does not hold the working directory"));
  EXPECT_EQ(runs_, 0);
  Claim("run-1");
  EXPECT_TRUE(Call("restoreSnapshot", input).has_value());
}

// SEC-C1: an attempt that the server gave up on may still be ending when the next one comes.
TEST_F(DirectoryGuard, TheNextAttemptWaitsForTheOneBefore) {
  std::promise<void> began;
  std::promise<void> may_end;
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  hold_ = [&, first = std::make_shared<std::atomic<bool>>(true)] {
    most = std::max<int>(most, ++inside);
    if (first->exchange(false)) {
      began.set_value();
      may_end.get_future().wait();
    }
    --inside;
  };
  const json input = {{"working_dir", root_ / "build"}};
  std::thread first([&] { EXPECT_TRUE(Call(kRunComplianceChecks.name, input).has_value()); });
  began.get_future().wait();
  Context second(std::string(kRunComplianceChecks.name), "run-1");
  std::thread waiting([&] { EXPECT_TRUE(Call(second, input).has_value()); });
  second.WaitUntilItWaits();
  EXPECT_EQ(runs_, 1);
  // Another directory is another matter, and a third attempt that is told to end while it waits does so.
  fs::create_directories(root_ / "beside");
  EXPECT_TRUE(Call(kRunComplianceChecks.name, {{"working_dir", root_ / "beside"}}).has_value());
  Context third(std::string(kRunComplianceChecks.name), "run-1");
  third.Cancel();
  EXPECT_NE(Call(third, input).cancelled(), nullptr);
  // Pre-flight of another run is not queued for: it finds the claim.
  EXPECT_TRUE(Call(kPreflight.name, input, "run-9").has_value());
  may_end.set_value();
  first.join();
  waiting.join();
  EXPECT_EQ(inside, 0);
  EXPECT_LE(most, 2) << "the first and the one in the other directory";
}

// RW-D4: a terminated run cannot give its directory back, and what it started may still be ending.
TEST_F(DirectoryGuard, ABuildThatTakesADirectoryOverWaitsForWhatTheTerminatedRunStillDoesThere) {
  Claim("run-1");
  std::promise<void> began;
  std::promise<void> may_end;
  std::atomic<bool> ended = false;
  std::atomic<bool> taken_after = false;
  hold_ = [&, first = std::make_shared<std::atomic<bool>>(true)] {
    if (!first->exchange(false)) {
      taken_after = ended.load();
      return;
    }
    began.set_value();
    may_end.get_future().wait();
    ended = true;
  };
  std::thread agent(
      [&] { EXPECT_TRUE(Call("executeGeminiAgent", {{"working_dir", root_ / "build"}}, "run-1").has_value()); });
  began.get_future().wait();
  Context resumed("openWorkspace", "run-2");
  std::thread taking([&] {
    EXPECT_TRUE(Call(resumed, {{"project_dir", root_ / "build"}, {"take_over_from", "run-1"}}).has_value());
  });
  resumed.WaitUntilItWaits();
  EXPECT_EQ(runs_, 1);
  // One that takes nothing over, or from a run that does not hold it, is refused by the activity and not kept waiting.
  EXPECT_TRUE(Call("openWorkspace", {{"project_dir", root_ / "build"}}, "run-3").has_value());
  EXPECT_TRUE(Call("openWorkspace", {{"project_dir", root_ / "build"}, {"take_over_from", "run-9"}}, "run-3").has_value());
  taken_after = false;
  may_end.set_value();
  agent.join();
  taking.join();
  EXPECT_TRUE(taken_after);
}

}  // namespace
}  // namespace wfe::build
