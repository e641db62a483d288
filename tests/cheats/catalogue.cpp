#include "tests/cheats/catalogue.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "engine/base/check.h"

namespace wfe::cheats {
namespace {

std::string Between(const std::string& line, const std::string& prefix, const std::string& suffix) {
  if (!line.starts_with(prefix) || !line.ends_with(suffix) || line.size() < prefix.size() + suffix.size()) return "";
  return line.substr(prefix.size(), line.size() - prefix.size() - suffix.size());
}

void ReadFile(const std::string& path, const std::string& name, Catalogue& catalogue) {
  std::ifstream in(path);
  Project* project = nullptr;
  Case* now = nullptr;
  std::string* content = nullptr;
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const std::string section = Between(line, "== ", " ==");
    const std::string block = Between(line, "-- ", " --");
    if (!section.empty()) {
      content = nullptr;
      project = nullptr;
      now = nullptr;
      if (section.starts_with("project ")) {
        project = &catalogue.projects[name + " " + section.substr(8)];
        continue;
      }
      const bool cheat = section.starts_with("cheat: ");
      WFE_CHECK(cheat || section.starts_with("honest: "), path + ":" + std::to_string(number) + ": " + line);
      catalogue.cases.push_back({.title = section.substr(cheat ? 7 : 8), .cheat = cheat, .file = name});
      now = &catalogue.cases.back();
    } else if (!block.empty() && project != nullptr) {
      content = &project->files[block];
    } else if (!block.empty() && now != nullptr) {
      const size_t blank = block.find(' ');
      const std::string verb = block.substr(0, blank);
      const std::string rest = blank == std::string::npos ? "" : block.substr(blank + 1);
      Action action;
      action.path = rest;
      if (verb == "delete") action.kind = Action::Kind::kDelete;
      if (verb == "verify") action.kind = Action::Kind::kVerify;
      if (verb == "rename") {
        action.kind = Action::Kind::kRename;
        action.path = rest.substr(0, rest.find(" -> "));
        action.text = rest.substr(rest.find(" -> ") + 4);
      }
      now->actions.push_back(std::move(action));
      content = verb == "write" ? &now->actions.back().text : nullptr;
    } else if (content != nullptr) {
      *content += line + "\n";
    } else if (project != nullptr && line.starts_with("profile: ")) {
      project->profile = line.substr(9);
    } else if (now != nullptr && line.starts_with("project: ")) {
      now->project = name + " " + line.substr(9);
    } else if (now != nullptr && line.starts_with("caught: ")) {
      std::string classes = line.substr(8) + "|";
      for (size_t bar = classes.find('|'); bar != std::string::npos; bar = classes.find('|')) {
        now->caught.push_back(classes.substr(0, bar));
        classes.erase(0, bar + 1);
      }
    } else {
      WFE_CHECK(line.empty() || line.starts_with("#"), path + ":" + std::to_string(number) + ": " + line);
    }
  }
}

}  // namespace

Catalogue ReadCatalogue(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt" && entry.path().filename() != "CMakeLists.txt")
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  Catalogue catalogue;
  for (const auto& file : files) ReadFile(file.string(), file.stem().string(), catalogue);
  for (const Case& one : catalogue.cases)
    WFE_CHECK(catalogue.projects.contains(one.project), one.file + ": " + one.title);
  return catalogue;
}

}  // namespace wfe::cheats
