#include "activities/sandbox/check_products.h"

#include <nlohmann/json.hpp>

#include "activities/sandbox/state_directory.h"
#include "engine/base/parse_json.h"

namespace wfe::sandbox {
namespace {

using nlohmann::json;

std::string RecordPath() { return std::string(kStateDirectory) + "/check_products.json"; }

/// Size and time tell whether somebody wrote the file since.
json StampOf(const SafeEntry& entry) { return json::array({entry.size, entry.modified_ns}); }

Result<std::vector<SafeEntry>> Files(const SafeDir& dir) {
  SafeDir::ListOptions options;
  options.excluded = {".git", "node_modules", std::string(kStateDirectory)};
  options.max_entries = CheckProducts::kMaxFiles;
  return dir.List("", options);
}

/// Path → stamp, as the last verification left them; empty when there was none.
json Recorded(const SafeDir& dir) {
  const auto text = dir.Read(RecordPath());
  json record = text ? ParseJson(*text) : json();
  return record.is_object() ? record : json::object();
}

bool IsAsRecorded(const json& record, const SafeEntry& entry) {
  const auto found = record.find(entry.path);
  return found != record.end() && *found == StampOf(entry);
}

}  // namespace

Status CheckProducts::Before() {
  auto files = Files(dir_);
  too_many_ = !files && files.error().code == StatusCode::kResourceExhausted;
  if (too_many_) return Ok();
  WFE_RETURN_IF_ERROR(files);
  const json record = Recorded(dir_);
  for (const SafeEntry& entry : *files) before_[entry.path] = IsAsRecorded(record, entry);
  return Ok();
}

Status CheckProducts::After() {
  if (too_many_) return Ok();
  const auto files = Files(dir_);
  if (!files) return files.error().code == StatusCode::kResourceExhausted ? Ok() : Status(files.error());
  json record = json::object();
  for (const SafeEntry& entry : *files) {
    const auto was = before_.find(entry.path);
    if ((was == before_.end() || was->second) && dir_.CheckPath(entry.path)) record[entry.path] = StampOf(entry);
  }
  return dir_.Write(RecordPath(), record.dump(), 0600);
}

Result<std::vector<std::string>> ProductsOfChecks(const SafeDir& dir) {
  const json record = Recorded(dir);
  std::vector<std::string> paths;
  for (const auto& [path, stamp] : record.items()) {
    WFE_ASSIGN_OR_RETURN(const auto entry, dir.Stat(path));
    if (entry.has_value() && stamp == StampOf(*entry)) paths.push_back(path);
  }
  return paths;
}

}  // namespace wfe::sandbox
