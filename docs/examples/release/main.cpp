// Children and other workflows: a release has a child for each package, and tells a workflow that somebody else runs.
#include "workers/host/run_worker.h"
#include "workers/sdk/workflow.h"

using namespace std::chrono_literals;
using namespace wfe::sdk;

struct PackageInput {
  std::string name;
  std::string version;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PackageInput, name, version)

struct ReleaseInput {
  std::string version;
  std::vector<std::string> packages;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ReleaseInput, version, packages)

struct ReleaseResult {
  std::vector<std::string> files;
  bool announced = false;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ReleaseResult, files, announced)

inline constexpr ActivityType<PackageInput, std::string> kPack{"pack"};
inline constexpr WorkflowType<PackageInput, std::string> kPackage{"Package"};
inline constexpr WorkflowType<ReleaseInput, ReleaseResult> kRelease{"Release"};

ActivityResult<std::string> Pack(ActivityContext&, const PackageInput& input) {
  return input.name + "-" + input.version + ".tar";
}

Task<std::string> Package(WorkflowContext& ctx, PackageInput input) {
  std::string file = co_await ctx.Activity(kPack, input, {.start_to_close = 10min});
  co_return file;
}

Task<ReleaseResult> Release(WorkflowContext& ctx, ReleaseInput input) {
  std::vector<ChildHandle<std::string>> children;
  for (const std::string& name : input.packages) {
    PackageInput package{.name = name, .version = input.version};
    std::string id = "package-" + name + "-" + input.version;
    children.push_back(ctx.StartChild(kPackage, package, {.workflow_id = id, .retry = {.maximum_attempts = 3}}));
  }
  ReleaseResult result;
  std::string failed;
  for (const ChildHandle<std::string>& child : children) {
    try {
      std::string file = co_await child.Result();
      result.files.push_back(file);
    } catch (const ChildWorkflowFailure& failure) {  // one that could not be started, too
      failed = failure.what();
    }
  }
  if (!failed.empty()) throw WorkflowFailure(failed, "PACKAGE_FAILED");

  ExternalWorkflow announcer = ctx.External("announcer");
  try {
    co_await announcer.Signal("released", result.files);
    result.announced = true;
  } catch (const ExternalWorkflowFailure& failure) {  // nobody of that id is running
    ctx.Log(LogLevel::kWarning, failure.what());
  }
  co_return result;
}

int main(int argc, char** argv) {
  WorkflowRegistry workflows;
  workflows.Register(kPackage, &Package);
  workflows.Register(kRelease, &Release);
  ActivityRegistry activities;
  activities.Register(kPack, &Pack);
  return wfe::worker::RunWorker(argc, argv, workflows, activities, {.task_queue = "release"});
}
