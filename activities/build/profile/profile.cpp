#include "activities/build/profile/profile.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "activities/build/profile/profile_reader.h"
#include "activities/sandbox/safe_files.h"
#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::build {
namespace {

using nlohmann::json;

Result<Profile> Parse(std::string_view text, const std::string& origin, std::string* starter_directory) {
  const json document = ParseJson(text);
  if (document.is_discarded()) return InvalidArgument(origin + ": " + WhyNotJson(text));
  try {
    Profile profile = ReadProfile(document, starter_directory);
    profile.hash = ToHex(Sha256(text));
    return profile;
  } catch (const Malformed& malformed) {
    return InvalidArgument(origin + ": " + JsonErrorText(malformed));
  }
}

Status LoadStarterFiles(const std::string& directory, Profile& profile) {
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir starter, sandbox::SafeDir::Open(directory));
  WFE_ASSIGN_OR_RETURN(const auto entries, starter.List("", {.max_entries = 1000}));
  for (const sandbox::SafeEntry& entry : entries) {
    if (entry.kind != sandbox::FileKind::kFile) continue;
    WFE_ASSIGN_OR_RETURN(std::string content, starter.Read(entry.path));
    profile.starter_files.push_back({.path = entry.path, .content = std::move(content)});
  }
  return Ok();
}

}  // namespace

Result<Profile> ParseProfile(std::string_view json_text, const std::string& origin) {
  std::string starter;
  return Parse(json_text, origin, &starter);
}

Result<Profile> LoadProfile(const std::string& name, const std::vector<std::string>& directories) {
  if (!IsProfileIdentifier(name)) {
    return InvalidArgument("the check profile \"" + name + "\": a name is lower case letters, digits, '_' and '-'");
  }
  for (const std::string& directory : directories) {
    const std::string path = directory + "/" + name + ".json";
    std::ifstream file(path, std::ios::binary);
    if (!file) continue;
    std::ostringstream text;
    text << file.rdbuf();
    std::string starter;
    WFE_ASSIGN_OR_RETURN(Profile profile, Parse(text.str(), path, &starter));
    if (!starter.empty()) WFE_RETURN_IF_ERROR(LoadStarterFiles(directory + "/" + starter, profile));
    return profile;
  }
  std::string known;
  for (const EmbeddedFile& file : EmbeddedProfileFiles()) {
    if (file.path.find('/') != std::string_view::npos) continue;
    const std::string stem(file.path.substr(0, file.path.rfind('.')));
    known += (known.empty() ? "" : ", ") + stem;
    if (stem != name) continue;
    std::string starter;
    WFE_ASSIGN_OR_RETURN(Profile profile, Parse(file.content, "built-in " + std::string(file.path), &starter));
    for (const EmbeddedFile& other : EmbeddedProfileFiles()) {
      if (starter.empty() || !other.path.starts_with(starter + "/")) continue;
      profile.starter_files.push_back(
          {.path = std::string(other.path.substr(starter.size() + 1)), .content = std::string(other.content)});
    }
    return profile;
  }
  std::string looked;
  for (const std::string& directory : directories) looked += (looked.empty() ? "" : ", ") + directory;
  return NotFound("there is no check profile \"" + name + "\"; built in: " + known +
                  (looked.empty() ? "" : "; looked in: " + looked));
}

std::vector<std::string> ProfileNames(const std::vector<std::string>& directories) {
  std::set<std::string> names;
  for (const EmbeddedFile& file : EmbeddedProfileFiles()) {
    if (file.path.find('/') == std::string_view::npos) names.emplace(file.path.substr(0, file.path.rfind('.')));
  }
  for (const std::string& directory : directories) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
      if (entry.path().extension() == ".json") names.insert(entry.path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace wfe::build
