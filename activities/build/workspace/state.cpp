#include "activities/build/workspace/state.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/text.h"
#include "engine/base/parse_json.h"
#include "engine/base/record_json.h"

namespace wfe::build {
namespace {

constexpr const char* kStateFile = "state.json";

bool PlainName(const std::string& id) {
  if (id.empty() || id.size() > 200 || id.front() == '.') return false;
  for (const char c : id) {
    const bool fine =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!fine) return false;
  }
  return true;
}

}  // namespace

std::string BuildDirectory(const std::string& work_root, const std::string& run_id) {
  return work_root + "/builds/" + run_id;
}

Result<WorkspaceFolder> WorkspaceFolder::Open(const std::string& work_root, const std::string& run_id,
                                              const std::function<bool()>& wait) {
  if (!PlainName(run_id)) return InvalidArgument("the run id \"" + sandbox::Printable(run_id) + "\" is no plain name");
  const std::string path = work_root + "/workspaces/" + run_id;
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return Internal("cannot make " + path + ": " + error.message());
  UniqueFd lock(::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock.open()) return Internal("cannot lock " + path + ": " + std::strerror(errno));
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return Internal("cannot lock " + path + ": " + std::strerror(errno));
    if (!wait()) return Cancelled("the activity was cancelled");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return WorkspaceFolder(path, std::move(lock));
}

Result<std::optional<WorkspaceState>> WorkspaceFolder::Load() const {
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(path_, {.reserved = {}}));
  const Result<std::string> text = dir.Read(kStateFile);
  if (!text && text.error().code == StatusCode::kNotFound) return std::optional<WorkspaceState>();
  if (!text) return text.error();
  try {
    return std::optional<WorkspaceState>(ParseJson(*text).get<WorkspaceState>());
  } catch (const nlohmann::json::exception&) {
    return DataLoss(path_ + "/" + kStateFile + " is not what wfe writes there");
  }
}

Status WorkspaceFolder::Save(const WorkspaceState& state) const {
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(path_, {.reserved = {}}));
  return dir.Write(kStateFile, nlohmann::json(state).dump(1), 0600);
}

}  // namespace wfe::build
