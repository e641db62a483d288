// What the tests of workspaces share: real git repositories, and the activities over a work root of their own.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "activities/build/workspace/open_workspace.h"
#include "activities/build/workspace/register.h"
#include "activities/build/workspace/workspace.h"
#include "activities/sandbox/tree_snapshot.h"
#include "tests/activities/build/compliance_test_support.h"

namespace wfe::build::test {

using namespace wfe::test;  // NOLINT: the directories and contexts that all tests of activities share

/// A repository with one branch, main, and an identity of its own.
class GitProject : public TempDir {
 public:
  GitProject() {
    Git("init -q -b main");
    Git("config user.name Someone");
    Git("config user.email someone@example.com");
  }
  /// What git prints, without the last line end.  The test fails when git does.
  std::string Git(const std::string& arguments) const {
    const std::string command =
        "cd '" + path() + "' && GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null git " + arguments;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
    WFE_CHECK(pipe != nullptr);
    std::string output;
    std::array<char, 4096> buffer;
    while (const size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
      output.append(buffer.data(), count);
    while (!output.empty() && output.back() == '\n') output.pop_back();
    return output;
  }
  void Commit(const std::string& message) const {
    Git("add -A");
    Git("commit -q --no-verify -m '" + message + "'");
  }
};

class WorkspaceFixture : public testing::Test {
 public:
  void TestBody() override {}
  std::shared_ptr<MemoryBlobs> blobs = std::make_shared<MemoryBlobs>();
  std::function<Status(const std::string&)> allow;
  std::vector<std::string> secrets;

  const std::string& root() const { return root_.path(); }
  WorkspaceConfig Config() const {
    return {.work_root = root(),
            .path = {},
            .blob_sink = blobs,
            .blob_source = blobs,
            .allow = allow,
            .secrets = secrets};
  }
  sdk::ActivityResult<OpenWorkspaceReport> Try(const OpenWorkspaceRequest& request, FakeContext& context) const {
    return OpenWorkspace(Config(), context, request);
  }
  OpenWorkspaceReport Open(const OpenWorkspaceRequest& request) const {
    FakeContext context;
    const auto opened = Try(request, context);
    if (!opened.has_value()) {
      ADD_FAILURE() << (opened.failure() != nullptr ? opened.failure()->message : "cancelled");
      return {};
    }
    return opened.value();
  }
  /// The sentence of a refusal; nothing may be left of a build directory's claim.
  std::string Failure(const OpenWorkspaceRequest& request) const {
    FakeContext context;
    const auto opened = Try(request, context);
    if (opened.failure() == nullptr) return "it opened " + opened.value().working_dir;
    EXPECT_TRUE(opened.failure()->non_retryable) << opened.failure()->message;
    return opened.failure()->message;
  }
  RecordStepReport Record(const OpenWorkspaceReport& opened, const std::string& step, const std::string& verdict,
                          const std::string& entry, const std::vector<std::string>& files = {}) const {
    FakeContext context;
    const auto recorded = RecordStep(Config(), context,
                                     {.working_dir = opened.working_dir,
                                      .project_dir = opened.project_dir,
                                      .branch = opened.branch,
                                      .run_id = {},
                                      .step = step,
                                      .verdict = verdict,
                                      .entry_id = entry,
                                      .files = files});
    if (!recorded.has_value()) {
      ADD_FAILURE() << (recorded.failure() != nullptr ? recorded.failure()->message : "cancelled");
      return {};
    }
    return recorded.value();
  }
  /// The blob of a directory as an agent's step leaves it.
  std::string Pack(const std::string& dir) const {
    const auto opened = sandbox::SafeDir::Open(dir);
    WFE_CHECK(opened.has_value());
    const auto packed = sandbox::PackTree(*opened);
    WFE_CHECK(packed.has_value(), packed.has_value() ? "" : packed.error().message);
    return blobs->Put(*packed).value();
  }
  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  static void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }

 private:
  TempDir root_;
};

}  // namespace wfe::build::test
