#include "activities/build/checks/lent.h"

#include <filesystem>
#include <system_error>

#include "activities/build/checks/claim.h"

namespace wfe::build {
namespace {

namespace fs = std::filesystem;

std::string NotePath() { return std::string(sandbox::kStateDirectory) + "/checkout"; }

bool HoldsSomething(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(path, error))) return false;
  return fs::directory_iterator(path, error) != fs::directory_iterator();
}

}  // namespace

Status NoteCheckout(const sandbox::SafeDir& dir, const std::string& project_dir) {
  return dir.Write(NotePath(), project_dir, 0600);
}

std::string LentDirectory(const sandbox::SafeDir& dir, const std::string& name) {
  const auto checkout = dir.Read(NotePath());
  if (!checkout || !checkout->starts_with('/')) return "";
  // An empty one is the place where the lent one is mounted.
  if (HoldsSomething(fs::path(dir.path()) / name)) return "";
  const fs::path lent = fs::path(*checkout) / name;
  return HoldsSomething(lent) ? lent.string() : "";
}

}  // namespace wfe::build
