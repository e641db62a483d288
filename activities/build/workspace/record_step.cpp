#include "activities/build/checks/compliance.h"
#include "activities/build/workspace/branch_workspace.h"
#include "activities/build/workspace/open_workspace.h"
#include "activities/build/workspace/state.h"
#include "activities/sandbox/text.h"

namespace wfe::build {
namespace {

Result<RecordStepReport> Record(const WorkspaceConfig& config, sdk::ActivityContext& context,
                                const RecordStepRequest& request) {
  const auto alive = [&context] {
    context.Heartbeat({{"activity", kRecordStep.name}});
    return !context.IsCancelled();
  };
  if (request.branch.empty()) return RecordStepReport{.commit = {}, .note = "the build has no branch"};
  const std::string run_id = request.run_id.empty() ? context.info().run_id : request.run_id;
  WFE_ASSIGN_OR_RETURN(const WorkspaceFolder folder, WorkspaceFolder::Open(config.work_root, run_id, alive));
  WFE_ASSIGN_OR_RETURN(auto state, folder.Load());
  if (!state || state->toplevel.empty() || state->branch.empty()) {
    return RecordStepReport{.commit = {}, .note = "the repository of the build is not on this host"};
  }
  Git git(FindGit(config), WatchOf(context));
  BranchWorkspace branch(git, folder, *state, config.secrets, alive);
  WFE_RETURN_IF_ERROR(branch.Prepare());
  RecordStepReport report;
  // A step is recorded also where that cannot be told.
  if (auto ignored = branch.Ignored(request.files)) report.ignored = *std::move(ignored);
  if (const auto known = state->commits.find(request.entry_id); known != state->commits.end()) {
    report.commit = known->second;
  } else {
    WFE_ASSIGN_OR_RETURN(report.commit,
                         branch.Commit(run_id, request.step, request.verdict, request.entry_id, report.note));
    state->commits[request.entry_id] = report.commit;
    WFE_RETURN_IF_ERROR(folder.Save(*state));
  }
  if (!report.ignored.empty()) {
    report.note +=
        std::string(report.note.empty() ? "" : "; ") +
        "git ignores files of the agent, so they are not part of the result: " + sandbox::Listed(report.ignored);
  }
  return report;
}

}  // namespace

sdk::ActivityResult<RecordStepReport> RecordStep(const WorkspaceConfig& config, sdk::ActivityContext& context,
                                                 const RecordStepRequest& request) {
  auto report = Record(config, context, request);
  if (report) return *std::move(report);
  auto failure = FailureOf(report.error());
  if (auto* application = std::get_if<sdk::ApplicationFailure>(&failure)) return std::move(*application);
  return std::get<sdk::ActivityCancelled>(failure);
}

void RegisterWorkspaceActivities(sdk::ActivityRegistry& registry, WorkspaceConfig config) {
  WFE_CHECK(config.work_root.starts_with('/'), "WorkspaceConfig::work_root must be an absolute path");
  registry.Register(kOpenWorkspace, [config](sdk::ActivityContext& context, const OpenWorkspaceRequest& request) {
    return OpenWorkspace(config, context, request);
  });
  registry.Register(kRecordStep, [config](sdk::ActivityContext& context, const RecordStepRequest& request) {
    return RecordStep(config, context, request);
  });
  // The last thing that a build does.
  const std::string release(kReleaseWorkingDir.name);
  if (const sdk::ActivityFunction* known = registry.Find(release); known != nullptr) {
    registry.RegisterErased(
        release, [config, function = *known](sdk::ActivityContext& context, const nlohmann::json& input) {
          auto released = function(context, input);
          // What cannot be tidied away is no reason to fail a build that has ended.
          (void)DropEmptyBranch(config, context, context.info().run_id);
          return released;
        });
  }
}

}  // namespace wfe::build
