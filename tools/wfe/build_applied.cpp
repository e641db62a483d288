// What was applied to a directory on this machine, kept so that it can be taken back.
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "activities/sandbox/safe_files.h"
#include "engine/base/parse_json.h"
#include "tools/wfe/build_changes.h"
#include "tools/wfe/user_state.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;
using sandbox::SafeDir;

std::string Folder(const std::string& run_id) { return UserStateDirectory() + "/applied/" + run_id; }

Result<SafeDir> OpenFolder(const std::string& run_id) {
  return SafeDir::Open(Folder(run_id), {.reserved = {}, .max_file_bytes = 64ull << 20});
}

}  // namespace

std::string UserStateDirectory() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && state[0] == '/') return std::string(state) + "/wfe";
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr && home[0] == '/' ? home : "/tmp") + "/.local/state/wfe";
}

Status RememberApplied(const std::string& run_id, const std::string& directory,
                       const std::vector<PlannedWrite>& writes) {
  std::error_code error;
  fs::create_directories(Folder(run_id), error);
  if (error) return Internal("cannot make " + Folder(run_id) + ": " + error.message());
  fs::permissions(Folder(run_id), fs::perms::owner_all, error);
  WFE_ASSIGN_OR_RETURN(const SafeDir dir, OpenFolder(run_id));
  nlohmann::json files = nlohmann::json::array();
  for (size_t i = 0; i < writes.size(); ++i) {
    nlohmann::json file = {{"path", writes[i].path}};
    for (const char* side : {"before", "after"}) {
      const std::optional<FileVersion>& version = side[0] == 'b' ? writes[i].was : writes[i].becomes;
      if (!version) continue;
      const std::string name = std::to_string(i) + "." + side;
      WFE_RETURN_IF_ERROR(dir.Write(name, version->content, 0600));
      file[side] = {{"file", name}, {"mode", version->mode}, {"link", version->link}};
      if (version->directory) file[side]["directory"] = true;
    }
    files.push_back(std::move(file));
  }
  // Last: a record without it was not finished, and nothing was written yet.
  const nlohmann::json record = {{"directory", directory}, {"files", std::move(files)}};
  return dir.Write("applied.json", record.dump(1, ' ', false, nlohmann::json::error_handler_t::replace), 0600);
}

Result<std::optional<Applied>> FindApplied(const std::string& run_id) {
  std::error_code error;
  if (!fs::exists(Folder(run_id) + "/applied.json", error)) return std::optional<Applied>();
  WFE_ASSIGN_OR_RETURN(const SafeDir dir, OpenFolder(run_id));
  WFE_ASSIGN_OR_RETURN(const std::string text, dir.Read("applied.json"));
  Applied applied;
  try {
    const nlohmann::json record = ParseJson(text);  // what is none of ours has no such keys
    applied.directory = record.at("directory").get<std::string>();
    for (const nlohmann::json& file : record.at("files")) {
      FileChange change{.path = file.at("path").get<std::string>(), .before = {}, .after = {}};
      for (const char* side : {"before", "after"}) {
        if (!file.contains(side)) continue;
        FileVersion version{.content = {},
                            .mode = file[side].at("mode"),
                            .link = file[side].at("link"),
                            .directory = file[side].value("directory", false)};
        WFE_ASSIGN_OR_RETURN(version.content, dir.Read(file[side].at("file").get<std::string>()));
        (side[0] == 'b' ? change.before : change.after) = std::move(version);
      }
      applied.changes.push_back(std::move(change));
    }
  } catch (const nlohmann::json::exception&) {
    return DataLoss(Folder(run_id) + "/applied.json is not what wfe writes there");
  }
  return std::optional<Applied>(std::move(applied));
}

void ForgetApplied(const std::string& run_id) {
  std::error_code ignored;
  fs::remove_all(Folder(run_id), ignored);
}

}  // namespace wfe::cli
