#include "activities/build/checks/tsc_references.h"

#include <algorithm>
#include <set>

#include "engine/base/parse_json.h"

namespace wfe::build {
namespace {

using nlohmann::json;

/// "a/b" and "../c" → "a/c"; "" when it leads out of the project.
std::string Joined(const std::string& directory, const std::string& path) {
  std::vector<std::string> parts;
  std::string part;
  for (const char c : directory + "/" + path + "/") {
    if (c != '/') {
      part += c;
      continue;
    }
    if (part == "..") {
      if (parts.empty()) return "";
      parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    part.clear();
  }
  std::string joined;
  for (const std::string& one : parts) joined += (joined.empty() ? "" : "/") + one;
  return joined;
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

bool IsFile(const ProjectFacts& facts, const std::string& path) {
  return std::binary_search(facts.files().begin(), facts.files().end(), path);
}

/// The configuration files that `config` refers to, as far as they are there.
std::vector<std::string> References(const ProjectFacts& facts, const std::string& path, const json& config) {
  std::vector<std::string> found;
  const auto references = config.find("references");
  if (references == config.end() || !references->is_array()) return found;
  for (const json& reference : *references) {
    if (!reference.is_object() || !reference.contains("path") || !reference.at("path").is_string()) continue;
    const std::string target = Joined(DirectoryOf(path), reference.at("path").get<std::string>());
    for (const std::string& candidate : {target, target + ".json", target.empty() ? "tsconfig.json" : target + "/tsconfig.json"}) {
      if (!IsFile(facts, candidate)) continue;
      found.push_back(candidate);
      break;
    }
  }
  return found;
}

}  // namespace

json ParseJsonWithComments(const std::string& text) {
  std::string clean;
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      const size_t start = i++;
      while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
      clean += text.substr(start, i - start + 1);
    } else if (c == '/' && text.compare(i, 2, "//") == 0) {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (c == '/' && text.compare(i, 2, "/*") == 0) {
      const size_t end = text.find("*/", i + 2);
      i = end == std::string::npos ? text.size() : end + 1;
    } else {
      if (c == '{' || c == '[') ++depth;
      if (depth > 200) return nullptr;
      if (c == '}' || c == ']') {
        --depth;
        const size_t last = clean.find_last_not_of(" \t\r\n");
        if (last != std::string::npos && clean[last] == ',') clean.erase(last, 1);
      }
      clean += c;
    }
  }
  json document = ParseJson(clean);
  return document.is_discarded() ? json(nullptr) : document;
}

std::vector<std::vector<std::string>> TscCommands(const ProjectFacts& facts, const std::vector<std::string>& argv,
                                                  bool listing) {
  if (!IsFile(facts, "tsconfig.json")) return {argv};
  const json root = ParseJsonWithComments(facts.Text("tsconfig.json"));
  if (!root.is_object()) return {argv};
  const std::vector<std::string> direct = References(facts, "tsconfig.json", root);
  if (direct.empty()) return {argv};
  const auto files = root.find("files");
  const bool looks_at_none = files != root.end() && files->is_array() && files->empty() && !root.contains("include");
  std::set<std::string> all(direct.begin(), direct.end());
  bool one_needs_another = !looks_at_none;
  std::vector<std::string> queue = direct;
  for (size_t next = 0; next < queue.size() && queue.size() < 1000; ++next) {
    const json config = ParseJsonWithComments(facts.Text(queue[next]));
    if (!config.is_object()) continue;
    for (const std::string& further : References(facts, queue[next], config)) {
      one_needs_another = true;
      if (all.insert(further).second) queue.push_back(further);
    }
  }
  if (one_needs_another && !listing) {
    std::vector<std::string> build = {argv.front(), "-b"};
    for (size_t i = 1; i < argv.size(); ++i) {
      if (argv[i] != "--noEmit") build.push_back(argv[i]);
    }
    return {build};
  }
  std::vector<std::vector<std::string>> commands;
  if (!looks_at_none) commands.push_back(argv);
  for (const std::string& config : all) {
    std::vector<std::string> command = argv;
    command.insert(command.end(), {"-p", config});
    commands.push_back(std::move(command));
  }
  return commands;
}

}  // namespace wfe::build
