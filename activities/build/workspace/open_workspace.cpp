#include "activities/build/workspace/open_workspace.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "activities/build/checks/claim.h"
#include "activities/build/checks/compliance.h"
#include "activities/build/checks/lent.h"
#include "activities/build/workspace/branch_workspace.h"
#include "activities/build/workspace/state.h"
#include "activities/build/workspace/tree_files.h"
#include "activities/sandbox/packed_tree.h"
#include "activities/sandbox/text.h"
#include "activities/sandbox/tree_snapshot.h"
#include "activities/sandbox/withheld.h"

namespace wfe::build {
namespace {

namespace fs = std::filesystem;

/// A tree that is kept as one blob; the records service takes 256 MiB.
sandbox::SnapshotOptions KeptTree(const WorkspaceConfig& config, std::vector<std::string>& withheld) {
  return {.max_total_bytes = 200ull << 20, .secrets = config.secrets, .withheld = &withheld};
}

bool Below(const std::string& path, const std::string& dir) {
  return path == dir || (path.starts_with(dir) && path.size() > dir.size() && path[dir.size()] == '/');
}

class Opening {
 public:
  Opening(const WorkspaceConfig& config, sdk::ActivityContext& context, const OpenWorkspaceRequest& request)
      : config_(config),
        context_(context),
        request_(request),
        run_id_(request.run_id.empty() ? context.info().run_id : request.run_id),
        claim_id_(request.claim_id.empty() ? run_id_ : request.claim_id),
        git_(FindGit(config), WatchOf(context)) {}

  Result<OpenWorkspaceReport> Run() {
    WFE_ASSIGN_OR_RETURN(const WorkspaceFolder folder,
                         WorkspaceFolder::Open(config_.work_root, run_id_, [this] { return Alive(); }));
    WFE_ASSIGN_OR_RETURN(const auto known, folder.Load());
    std::error_code error;
    if (known && fs::is_directory(known->working_dir, error)) {
      state_ = *known;
      WFE_RETURN_IF_ERROR(Restore());
      return Report();
    }
    WFE_RETURN_IF_ERROR(ResolveProject());
    WFE_RETURN_IF_ERROR(ChooseKind());
    if (state_.kind == kWorkspaceBranch) {
      WFE_RETURN_IF_ERROR(OpenBranch(folder, known));
    } else if (state_.kind == kWorkspaceCopy) {
      WFE_RETURN_IF_ERROR(OpenCopy());
    } else {
      WFE_RETURN_IF_ERROR(OpenInPlace());
    }
    for (const std::string& note : notes_) state_.note += (state_.note.empty() ? "" : "; ") + note;
    WFE_RETURN_IF_ERROR(folder.Save(state_));
    return Report();
  }

 private:
  bool Alive() {
    context_.Heartbeat({{"activity", kOpenWorkspace.name}});
    return !context_.IsCancelled();
  }

  OpenWorkspaceReport Report() const {
    return {.working_dir = state_.working_dir,
            .project_dir = state_.project_dir,
            .kind = state_.kind,
            .base_commit = state_.base_commit,
            .branch = state_.branch,
            .base_snapshot_blob_hash = state_.base_snapshot_blob_hash,
            .note = state_.note};
  }

  Status ResolveProject() {
    const std::string& given = request_.project_dir;
    project_is_new_ = given.empty();
    if (given.empty()) {
      state_.project_dir = BuildDirectory(config_.work_root, run_id_);
      return Ok();
    }
    if (given[0] != '/' || given.find('\0') != std::string::npos) {
      return InvalidArgument("the project directory \"" + sandbox::Printable(given) + "\" must be an absolute path");
    }
    std::error_code error;
    const fs::path real = fs::weakly_canonical(given, error);
    if (error) return FailedPrecondition("cannot reach " + given + ": " + error.message());
    state_.project_dir = real.string();
    if (state_.project_dir.size() > 1 && state_.project_dir.back() == '/') state_.project_dir.pop_back();
    if (state_.project_dir == "/")
      return InvalidArgument("the project directory may not be the root of the file system");
    if (config_.allow) WFE_RETURN_IF_ERROR(config_.allow(state_.project_dir));
    if (!fs::exists(real, error)) {
      project_is_new_ = true;
    } else if (!fs::is_directory(real, error)) {
      return FailedPrecondition(given + " is not a directory");
    } else if (::access(real.c_str(), R_OK | X_OK) != 0) {
      return FailedPrecondition("the project directory " + real.string() + " is not readable for this worker");
    } else {
      project_is_new_ = IsEmptyProject(real.string());
    }
    return Ok();
  }

  /// Sets state_.kind and, for a branch, base_commit and where the repository is.
  Status ChooseKind() {
    const bool automatic = request_.kind == kWorkspaceAuto || request_.kind.empty();
    if (!automatic && request_.kind != kWorkspaceBranch && request_.kind != kWorkspaceCopy &&
        request_.kind != kWorkspaceInPlace) {
      return InvalidArgument("the kind of workspace \"" + sandbox::Printable(request_.kind) +
                             "\" is not one of auto, branch, in_place, copy");
    }
    state_.kind = kWorkspaceInPlace;
    if (project_is_new_ && request_.kind != kWorkspaceBranch) {
      // A project that is elsewhere only: what is restored goes to a directory of the build's own.
      if (!request_.restore_snapshot_blob_hash.empty() && request_.kind == kWorkspaceCopy) state_.kind = kWorkspaceCopy;
      return Ok();
    }
    auto repository = FindRepository(state_.project_dir);
    if (!repository && repository.error().code == StatusCode::kInvalidArgument) return repository.error();
    if (repository) {
      state_.toplevel = repository->toplevel;
      state_.git_dir = repository->git_dir;
      state_.common_dir = repository->common_dir;
    }
    if (request_.kind == kWorkspaceCopy) state_.kind = kWorkspaceCopy;
    if (!automatic && request_.kind != kWorkspaceBranch) return Ok();
    const std::string why_not = repository ? WhyNoBranch(*repository) : repository.error().message;
    if (why_not.empty()) {
      state_.kind = kWorkspaceBranch;
      return Ok();
    }
    state_.base_commit.clear();
    if (!automatic) {
      if (!request_.restore_snapshot_blob_hash.empty()) {
        // Another host, without the repository: the work goes on there, without commits.
        state_.kind = kWorkspaceBranch;
        state_.toplevel.clear();
        notes_.push_back("steps are not committed on this host: " + why_not);
        return Ok();
      }
      return FailedPrecondition("no branch can be made for the build: " + why_not);
    }
    if (repository || repository.error().code != StatusCode::kNotFound)
      notes_.push_back("the build works in place: " + why_not);
    return Ok();
  }

  /// Empty: a branch can be made, and state_.base_commit says from where.
  std::string WhyNoBranch(const Repository& repository) {
    if (FindGit(config_).empty()) return "the program git is not in PATH";
    // The whole checkout is exported, and its git directory may be elsewhere (a linked worktree).
    for (const std::string& dir : {repository.toplevel, repository.git_dir, repository.common_dir}) {
      if (Below(dir, state_.project_dir) || !config_.allow) continue;
      if (const Status allowed = config_.allow(dir); !allowed) return allowed.error().message;
    }
    state_.root = BuildDirectory(config_.work_root, run_id_);
    state_.working_dir = repository.prefix.empty() ? state_.root : state_.root + "/" + repository.prefix;
    auto head = HeadOf();
    if (!head) return head.error().message;
    state_.base_commit = request_.base_commit.empty() ? *head : request_.base_commit;
    if (state_.base_commit.empty()) return "the repository " + repository.toplevel + " has no commit yet";
    return {};
  }

  Result<std::string> HeadOf() {
    auto head = git_.RunOnRefs(
        {.toplevel = state_.toplevel, .git_dir = state_.git_dir, .common_dir = state_.common_dir, .prefix = {}},
        {"rev-parse", "--verify", "--quiet", "HEAD"});
    if (!head) {
      if (head.error().message.ends_with("it said nothing")) return std::string();
      return head.error();
    }
    return head->substr(0, head->find('\n'));
  }

  Status OpenBranch(const WorkspaceFolder& folder, const std::optional<WorkspaceState>& before) {
    const bool restoring = !request_.restore_snapshot_blob_hash.empty();
    state_.root = BuildDirectory(config_.work_root, run_id_);
    if (state_.toplevel.empty()) return FillWithoutRepository();
    BranchWorkspace branch(git_, folder, state_, config_.secrets, [this] { return Alive(); });
    WFE_RETURN_IF_ERROR(branch.Prepare());
    if (!branch.HasCommit(state_.base_commit)) {
      if (!restoring)
        return FailedPrecondition("the repository " + state_.toplevel + " has no commit " + state_.base_commit);
      notes_.push_back("steps are not committed on this host: " + state_.toplevel + " has no commit " +
                       state_.base_commit);
      return FillWithoutRepository();
    }
    const std::string prefix = fs::path(state_.working_dir).lexically_relative(state_.root).string();
    if (prefix != "." && !branch.HasDirectory(state_.base_commit, prefix)) {
      if (request_.kind != kWorkspaceBranch) {
        notes_.push_back("the build works in place: " + prefix + " is not in the repository's commit");
        state_.kind = kWorkspaceInPlace;
        state_.base_commit.clear();
        return OpenInPlace();
      }
    }
    if (!restoring) {
      const int uncommitted = branch.UncommittedFiles(state_.base_commit);
      if (uncommitted < 0) notes_.push_back("what is not committed is not part of the build");
      if (uncommitted == 1) notes_.push_back("1 uncommitted file is not part of the build");
      if (uncommitted > 1)
        notes_.push_back(std::to_string(uncommitted) + " uncommitted files are not part of the build");
    }
    WFE_RETURN_IF_ERROR(branch.Export(state_.base_commit, notes_));
    std::error_code error;
    fs::create_directories(state_.working_dir, error);
    if (restoring) {
      state_.base_snapshot_blob_hash = request_.base_snapshot_blob_hash;
    } else {
      WFE_RETURN_IF_ERROR(KeepBase(/*needed=*/false));
    }
    WFE_RETURN_IF_ERROR(Restore());
    WFE_RETURN_IF_ERROR(Lend(prefix));
    const std::string earlier = before ? before->branch : request_.branch;
    if (branch.AdoptBranch(earlier, run_id_)) return Ok();
    std::string start = state_.base_commit;
    if (restoring && !request_.branch.empty()) {
      WFE_ASSIGN_OR_RETURN(const std::string like, branch.CommitLike(request_.branch));
      if (!like.empty()) start = like;
    }
    const std::string& id = request_.workflow_id.empty() ? context_.info().workflow_id : request_.workflow_id;
    if (const Status made = branch.MakeBranch(id, run_id_, start); !made) {
      if (made.error().code == StatusCode::kCancelled) return made;
      notes_.push_back("no branch is made, so steps are not committed: " + made.error().message);
    }
    return Ok();
  }

  /// What is not committed and that the checks need all the same.
  Status Lend(const std::string& prefix) {
    WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(state_.working_dir, {.reserved = {}}));
    WFE_RETURN_IF_ERROR(NoteCheckout(dir, state_.project_dir));
    for (const char* name : {"node_modules", ".venv"}) {
      if (LentDirectory(dir, name).empty()) continue;
      notes_.push_back("the checkout's " + std::string(name) + " is used as it is");
    }
    if (prefix != ".") {
      notes_.push_back("agent and checks see the directory " + sandbox::Printable(prefix) +
                       " alone, not the rest of the repository");
    }
    return Ok();
  }

  Status FillWithoutRepository() {
    state_.toplevel.clear();
    state_.working_dir = state_.root;
    state_.base_commit = request_.base_commit;
    state_.base_snapshot_blob_hash = request_.base_snapshot_blob_hash;
    std::error_code error;
    fs::create_directories(state_.working_dir, error);
    if (error) return Internal("cannot make " + state_.working_dir + ": " + error.message());
    return Restore();
  }

  Status OpenCopy() {
    state_.root = state_.working_dir = BuildDirectory(config_.work_root, run_id_);
    std::error_code error;
    fs::remove_all(state_.root, error);
    if (!project_is_new_) {
      WFE_RETURN_IF_ERROR(CopyDirectory(state_.project_dir, state_.root, {".git", ".wfe", "audit_trace.jsonl"},
                                        config_.work_root, {}, [this] { return Alive(); }));
    }
    fs::create_directories(state_.root, error);
    if (error) return Internal("cannot make " + state_.root + ": " + error.message());
    if (!request_.restore_snapshot_blob_hash.empty()) {
      state_.base_snapshot_blob_hash = request_.base_snapshot_blob_hash;
      return Restore();
    }
    return KeepBase(/*needed=*/true);
  }

  Status OpenInPlace() {
    state_.root = state_.working_dir = state_.project_dir;
    if (Below(config_.work_root, state_.working_dir)) {
      return FailedPrecondition("the project directory " + state_.working_dir + " contains the worker's work root " +
                                config_.work_root + "; start the worker with --work-root elsewhere");
    }
    std::error_code error;
    fs::create_directories(state_.working_dir, error);
    if (error)
      return FailedPrecondition("cannot make the project directory " + state_.working_dir + ": " + error.message());
    if (::access(state_.working_dir.c_str(), W_OK) != 0) {
      return FailedPrecondition("the project directory " + state_.working_dir + " is not writable for this worker");
    }
    // Held while it is written to, and given back: pre-flight takes it for the run.
    WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(state_.working_dir, {.reserved = {}}));
    const auto state = dir.Stat(sandbox::kStateDirectory);
    const bool worked_here = state && state->has_value();
    const auto holder = ReadClaim(dir);
    const Claim claim{.claim_id = claim_id_,
                      .workflow_id = request_.workflow_id.empty() ? context_.info().workflow_id : request_.workflow_id,
                      .claimed_at = FormatIso8601Millis(SystemClock().Now()),
                      .alive_lock = config_.alive_lock};
    std::optional<Claim> replaced;
    WFE_RETURN_IF_ERROR(TakeClaim(dir, claim, request_.take_over_from, &replaced));
    Status done = CheckNeighbours(dir, claim_id_);
    if (done && replaced) {
      notes_.push_back("the process of build " + replaced->workflow_id + ", which worked here since " +
                       replaced->claimed_at + ", is gone: its directory was taken over as that build left it");
    }
    if (done && worked_here) RemoveEmptyMountPoints(dir);
    if (done) done = FillInPlace();
    if (done) done = ExcludeFromGit();
    if (!holder || holder->claim_id != claim_id_) {
      if (const auto dropped = DropClaim(dir, claim_id_); !dropped && done) done = dropped.error();
    }
    return done;
  }

  Status FillInPlace() {
    if (request_.restore_snapshot_blob_hash.empty()) return KeepBase(/*needed=*/true);
    state_.base_snapshot_blob_hash = request_.base_snapshot_blob_hash;
    return Restore();
  }

  /// wfe's own files must not show in the user's `git status`.
  Status ExcludeFromGit() {
    if (state_.common_dir.empty()) return Ok();
    const std::string prefix = fs::path(state_.working_dir).lexically_relative(state_.toplevel).string();
    const std::string below = prefix == "." ? "/" : "/" + prefix + "/";
    const std::string path = state_.common_dir + "/info/exclude";
    std::error_code error;
    fs::create_directories(state_.common_dir + "/info", error);
    if (fs::is_symlink(fs::symlink_status(path, error))) return Ok();
    std::ifstream in(path, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    std::string added;
    for (const char* name : {".wfe/", "audit_trace.jsonl"}) {
      const std::string line = below + name;
      if (("\n" + text).find("\n" + line + "\n") == std::string::npos) added += line + "\n";
    }
    if (added.empty()) return Ok();
    std::ofstream out(path, std::ios::binary | std::ios::app);
    out << (text.empty() || text.back() == '\n' ? "" : "\n") << added;
    out.close();
    if (!out) notes_.push_back("wfe's own files show in git status: " + path + " is not writable");
    return Ok();
  }

  /// Stores the tree as it is before the first step.
  Status KeepBase(bool needed) {
    if (!config_.blob_sink) return Ok();
    Alive();
    WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(state_.working_dir));
    std::vector<std::string> withheld;
    const auto packed = sandbox::PackTree(dir, KeptTree(config_, withheld));
    if (!packed) {
      if (needed)
        notes_.push_back("no diff and no undo for this build: the tree before it cannot be kept (" +
                         packed.error().message + ")");
      return Ok();
    }
    WFE_ASSIGN_OR_RETURN(state_.base_snapshot_blob_hash, config_.blob_sink->Put(*packed));
    if (needed && !withheld.empty()) {
      notes_.push_back("in no kept tree, so neither in a diff nor changed by an undo, for the secrets in it: " +
                       sandbox::Listed(withheld));
    }
    return Ok();
  }

  /// Makes the working directory what the blob holds; what a snapshot leaves out stays.
  Status Restore() {
    if (request_.restore_snapshot_blob_hash.empty()) return Ok();
    if (!config_.blob_source) return FailedPrecondition("this worker has no blob store to restore a tree from");
    Alive();
    WFE_ASSIGN_OR_RETURN(const std::string blob, config_.blob_source->Get(request_.restore_snapshot_blob_hash));
    WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(state_.working_dir));
    std::vector<std::string> withheld;
    const auto before = sandbox::PackTree(dir, KeptTree(config_, withheld));
    if (before && *before == blob) return Ok();
    if (state_.kind == kWorkspaceInPlace && !IsEmptyProject(state_.working_dir)) {
      if (!before) {
        return FailedPrecondition("nothing is put over what stands in " + state_.working_dir +
                                  ", since it cannot be kept: " + before.error().message);
      }
      WFE_RETURN_IF_ERROR(RefuseLaterWork(dir, *before, blob));
      if (config_.blob_sink) {
        WFE_ASSIGN_OR_RETURN(const std::string kept, config_.blob_sink->Put(*before));
        notes_.push_back("what stood in " + state_.working_dir + " before is kept; it comes back with: wfe blob show " +
                         kept + " --to DIRECTORY");
      }
    }
    WFE_ASSIGN_OR_RETURN(
        [[maybe_unused]] const sandbox::TreeSnapshot tree,
        sandbox::UnpackTree(blob, dir, {.delete_others = true, .limits = {.secrets = config_.secrets}}));
    return Ok();
  }

  /// What the user did after the run before had ended is not written over unasked.  An attempt that was killed while it
  /// restored has left a mixture of both trees: that is nobody's work.
  Status RefuseLaterWork(const sandbox::SafeDir& dir, const std::string& now, const std::string& next) const {
    if (request_.expected_snapshot_blob_hash.empty()) return Ok();
    WFE_ASSIGN_OR_RETURN(const std::string left, config_.blob_source->Get(request_.expected_snapshot_blob_hash));
    WFE_ASSIGN_OR_RETURN(const auto others, sandbox::WorkOfOthers(dir, now, left, next));
    if (others.empty()) return Ok();
    return FailedPrecondition("what changed in " + state_.working_dir + " since the build ended would be lost: " +
                              sandbox::FirstFew(others) + "; --discard keeps it as a blob and goes on");
  }

  const WorkspaceConfig& config_;
  sdk::ActivityContext& context_;
  const OpenWorkspaceRequest& request_;
  const std::string run_id_;
  const std::string claim_id_;
  Git git_;
  WorkspaceState state_;
  std::vector<std::string> notes_;
  bool project_is_new_ = false;
};

}  // namespace

std::string FindGit(const WorkspaceConfig& config) {
  const char* own = std::getenv("PATH");
  return sandbox::FindProgram("git", !config.path.empty() ? config.path : own != nullptr ? own : "/usr/bin:/bin");
}

sandbox::ProcessWatch WatchOf(sdk::ActivityContext& context) {
  return {.is_cancelled = [&context] { return context.IsCancelled(); },
          .heartbeat = [&context] { context.Heartbeat({{"activity", "workspace"}}); },
          .heartbeat_interval = std::chrono::seconds(2)};
}

std::variant<sdk::ApplicationFailure, sdk::ActivityCancelled> FailureOf(const Error& error) {
  if (error.code == StatusCode::kCancelled) return sdk::ActivityCancelled{};
  const bool claimed = error.code == StatusCode::kAlreadyExists;
  // The disk, the records service or another process may be at fault: those are tried again.
  const bool retryable = error.code == StatusCode::kInternal || error.code == StatusCode::kUnavailable ||
                         error.code == StatusCode::kDeadlineExceeded;
  return sdk::ApplicationFailure{.message = error.message,
                                 .type = std::string(claimed ? kFailureDirectoryClaimed : kFailureWorkspace),
                                 .non_retryable = !retryable,
                                 .next_retry_delay = std::nullopt,
                                 .details = nullptr};
}

sdk::ActivityResult<OpenWorkspaceReport> OpenWorkspace(const WorkspaceConfig& config, sdk::ActivityContext& context,
                                                       const OpenWorkspaceRequest& request) {
  // What was cancelled before it began makes nothing.
  if (context.IsCancelled()) return sdk::ActivityCancelled{};
  auto report = Opening(config, context, request).Run();
  if (report) return *std::move(report);
  auto failure = FailureOf(report.error());
  if (auto* application = std::get_if<sdk::ApplicationFailure>(&failure)) return std::move(*application);
  return std::get<sdk::ActivityCancelled>(failure);
}

}  // namespace wfe::build
