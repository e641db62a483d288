// Audited builds in virtual time: engine, worker and workflow are the real ones, the activities are a script.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/workflows/fake_build.h"
#include "tools/demo/virtual_host.h"
#include "workers/sdk/workflow_registry.h"
#include "workflows/audited_build/audited_build.h"

namespace wfe::testing {

/// How a run ended.
struct BuildEnd {
  std::string status;  ///< completed | failed | canceled
  workflows::AuditedBuildResult result;
  std::string failure_type;
  std::string failure;
  Duration taken{};
};

class BuildWorld {
 public:
  /// `root`: below it are the work roots of the machines, for activities that touch real files.
  explicit BuildWorld(std::string root = "");
  ~BuildWorld();

  void Start();
  /// Starts build `id`; the input needs no task.
  void Submit(workflows::AuditedBuildInput input, const std::string& id = "build");
  /// Until the run has closed, for at most `limit` of virtual time; fails the test beyond it.
  BuildEnd Await(const std::string& id = "build", Duration limit = std::chrono::hours(72));
  /// Submit and Await.
  BuildEnd Run(const workflows::AuditedBuildInput& input) {
    Submit(input);
    return Await();
  }
  /// Until `reached` holds, or the run has closed, or a day has passed; true when it holds.
  bool RunUntil(const std::function<bool()>& reached, const std::string& id = "build");
  bool IsOpen(const std::string& id = "build");
  void Signal(const std::string& name, const nlohmann::json& argument, const std::string& id = "build");
  void Cancel(const std::string& id = "build");
  /// The pending activity as a description shows it: its attempt, and its last failure's message.
  std::pair<int, std::string> Pending(const std::string& id = "build");
  nlohmann::json Query(const std::string& name, const std::string& id = "build");

  /// The worker's machine burns down and another one, with another work root, takes its place after `absence`.
  void ReplaceHost(Duration absence = std::chrono::seconds(5));
  /// The power goes and comes back.
  void Restart();

  /// Of the directory in which the build ended; every entry is judged by the validator's rules.
  std::vector<std::string> Steps(const BuildEnd& end);
  const trace::LogEntry* Entry(const BuildEnd& end, const std::string& step);

  FakeBuild& build() { return build_; }
  demo::VirtualHost& host() { return *host_; }

 private:
  void StartWorker();

  std::string RootOf(size_t machine) const { return root_ + "/machine-" + std::to_string(machine); }

  const std::string root_;
  sdk::WorkflowRegistry workflows_;
  std::unique_ptr<demo::VirtualHost> host_;
  FakeBuild build_;
  std::vector<std::unique_ptr<sdk::ActivityRegistry>> machines_;
  std::map<std::string, Instant> submitted_;
};

}  // namespace wfe::testing
