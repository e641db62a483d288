#include "tools/wfe/local_store.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/base/hash.h"
#include "engine/base/parse_json.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/local.h"
#include "tools/wfe/user_state.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;

constexpr auto kLockPoll = std::chrono::milliseconds(50);
constexpr int kLockPolls = 200;  // 10 s: another command that looks at the same build

std::string Root() { return UserStateDirectory() + "/local"; }

bool IsLocked(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  return fd.open() && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
}

std::optional<LocalBuild> Read(const std::string& directory) {
  std::ifstream in(directory + "/build.json", std::ios::binary);
  if (!in) return std::nullopt;
  const nlohmann::json json = ParseJson(std::string(std::istreambuf_iterator<char>(in), {}));
  const auto text = [&json](const char* key) {
    return json.is_object() && json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
  };
  LocalBuild build{.directory = directory,
                   .workflow_id = text("workflow_id"),
                   .project_dir = text("project_dir"),
                   .started = text("started"),
                   .address = text("address")};
  if (build.workflow_id.empty()) return std::nullopt;
  build.alive = IsLocked(build.AliveLock());
  return build;
}

Result<UniqueFd> Lock(const std::string& path, int polls, const std::string& busy) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.open()) return Internal("cannot make " + path + ": " + std::strerror(errno));
  for (int i = 0; ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
    if (errno != EWOULDBLOCK && errno != EINTR) return Internal("cannot lock " + path + ": " + std::strerror(errno));
    if (i >= polls) return FailedPrecondition(busy);
    std::this_thread::sleep_for(kLockPoll);
  }
  return fd;
}

/// A command that was killed could not end its run, and nobody else goes on with it.
Status EndWhatWasLeftOpen(Globals& globals, const std::string& workflow_id) {
  namespace enums = temporal::api::enums::v1;
  const auto description = Describe(globals, {workflow_id, ""});
  if (!description) return description.error().code == StatusCode::kNotFound ? Ok() : Status(description.error());
  const auto& info = description->workflow_execution_info();
  if (info.status() != enums::WORKFLOW_EXECUTION_STATUS_RUNNING) return Ok();
  ws::TerminateWorkflowExecutionRequest request;
  request.set_namespace_(globals.Namespace());
  request.mutable_workflow_execution()->set_workflow_id(workflow_id);
  request.mutable_workflow_execution()->set_run_id(info.execution().run_id());
  request.set_reason("the command that ran it has ended");
  const auto ended = globals.Call<ws::TerminateWorkflowExecutionResponse>("TerminateWorkflowExecution", request);
  return ended ? Ok() : Status(ended.error());
}

}  // namespace

std::string LocalBuildDirectory(const std::string& workflow_id) {
  // Readable for people, and one directory for one id whatever stands in it.
  std::string name;
  for (const char c : workflow_id.substr(0, 60)) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ? c : '-';
  }
  return Root() + "/" + name + "." + ToHex(Sha256(workflow_id)).substr(0, 12);
}

std::vector<LocalBuild> LocalBuilds() {
  std::vector<LocalBuild> builds;
  std::error_code error;
  for (fs::directory_iterator at(Root(), error), end; !error && at != end; at.increment(error)) {
    if (auto build = Read(at->path().string())) builds.push_back(*std::move(build));
  }
  std::sort(builds.begin(), builds.end(),
            [](const LocalBuild& a, const LocalBuild& b) { return a.started > b.started; });
  return builds;
}

std::optional<LocalBuild> FindLocalBuild(const std::string& workflow_id) {
  auto build = Read(LocalBuildDirectory(workflow_id));
  return build && build->workflow_id == workflow_id ? build : std::nullopt;
}

Result<LocalStoreLocks> LockLocalStore(const std::string& workflow_id, bool to_run) {
  const LocalBuild build{.directory = LocalBuildDirectory(workflow_id)};
  std::error_code error;
  fs::create_directories(build.directory, error);
  if (error) {
    return FailedPrecondition("cannot make " + build.directory + " for the records of the build: " + error.message() +
                              "; XDG_STATE_HOME names another place");
  }
  fs::permissions(Root(), fs::perms::owner_all, error);
  LocalStoreLocks locks;
  if (to_run) {
    // Somebody may be asking at this very moment whether the build still lives; that takes no time.
    WFE_ASSIGN_OR_RETURN(locks.alive, Lock(build.AliveLock(), 10,
                                           "the build " + workflow_id + " runs already, in another command; `wfe build "
                                           "show " + workflow_id + " --local` looks at it"));
  }
  WFE_ASSIGN_OR_RETURN(locks.open, Lock(build.directory + "/open.lock", kLockPolls,
                                        "another command has the records of " + workflow_id + " open; try again"));
  return locks;
}

Status DescribeLocalBuild(const LocalBuild& build) {
  const nlohmann::json json = {{"workflow_id", build.workflow_id},
                               {"project_dir", build.project_dir},
                               {"started", build.started},
                               {"address", build.address}};
  const std::string path = build.directory + "/build.json";
  std::ofstream out(path + ".new", std::ios::binary | std::ios::trunc);
  out << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  out.close();
  std::error_code error;
  if (out) fs::rename(path + ".new", path, error);
  if (!out || error) return Internal("cannot write " + path);
  return Ok();
}

Status OpenLocalBuild(Globals& globals, const LocalBuild& build) {
  if (build.alive) {
    globals.Use(build.address);
    return Ok();
  }
  WFE_ASSIGN_OR_RETURN(auto stack, LocalStack::OpenForReading(build.workflow_id));
  globals.Use(std::move(stack));
  return EndWhatWasLeftOpen(globals, build.workflow_id);
}

Result<bool> FallBackToLocalBuild(Globals& globals, const std::string& workflow_id) {
  if (globals.UsesLocalStore() || (globals.AddressWasNamed() && !globals.local)) return false;
  const auto build = FindLocalBuild(workflow_id);
  if (!build) return false;
  WFE_RETURN_IF_ERROR(OpenLocalBuild(globals, *build));
  return true;
}

}  // namespace wfe::cli
