#include "activities/build/profile/project_facts.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>

#include "activities/sandbox/glob.h"
#include "engine/base/parse_json.h"

namespace wfe::build {
namespace {

using nlohmann::json;

constexpr uint64_t kMaxManifestBytes = 4ull << 20;

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// "Foo_Bar" and "foo.bar" are the same package to Python.
std::string PythonName(std::string name) {
  name = Lower(std::move(name));
  for (char& c : name) {
    if (c == '_' || c == '.') c = '-';
  }
  return name;
}

/// JSON of the user.
json ParseManifest(const std::string& text) {
  json document = ParseJson(text);
  return document.is_object() ? document : json::object();
}

}  // namespace

Result<ProjectFacts> ProjectFacts::Read(const sandbox::SafeDir& dir, size_t max_files) {
  ProjectFacts facts(dir);
  WFE_ASSIGN_OR_RETURN(sandbox::SourceFiles found, sandbox::FindSourceFiles(dir, max_files));
  facts.files_ = std::move(found.files);
  facts.others_ = found.others;
  for (const std::string& path : facts.Matching({"package.json", "*/package.json", "*/*/package.json"})) {
    facts.ReadPackage(path);
  }
  facts.ReadPython();
  return facts;
}

std::string ProjectFacts::Text(const std::string& path) const {
  auto text = dir_->Read(path, kMaxManifestBytes);
  return text ? *std::move(text) : "";
}

void ProjectFacts::ReadPackage(const std::string& path) {
  const json manifest = ParseManifest(Text(path));
  for (const char* key : {"dependencies", "devDependencies", "optionalDependencies", "peerDependencies"}) {
    const auto found = manifest.find(key);
    if (found == manifest.end() || !found->is_object()) continue;
    for (const auto& [name, unused] : found->items()) dependencies_.insert(Lower(name));
  }
  if (path == "package.json") package_ = manifest;
}

void ProjectFacts::ReadPython() {
  // "pytest>=8", pytest = "^8", pytest[all]: a name at the beginning of a line or of a quoted text.
  static const RE2 kName(R"((?m)(?:^|["'])\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:["'=<>!~;,@ ]|$))");
  for (const std::string& path : Matching({"pyproject.toml", "requirements*.txt", "*-requirements.txt", "setup.cfg",
                                           "setup.py", "tox.ini", "Pipfile", "requirements/*.txt"})) {
    const std::string text = Text(path);
    re2::StringPiece rest(text);
    std::string name;
    while (RE2::FindAndConsume(&rest, kName, &name)) dependencies_.insert(PythonName(name));
  }
}

std::vector<std::string> ProjectFacts::Matching(const std::vector<std::string>& globs) const {
  const sandbox::GlobSet set(globs);
  std::vector<std::string> matching;
  for (const std::string& path : files_) {
    if (set.Matches(path)) matching.push_back(path);
  }
  return matching;
}

std::string ProjectFacts::FileFor(const Condition& condition) const {
  for (const std::string& path : Matching({condition.value})) {
    if (condition.contains.empty() || Text(path).find(condition.contains) != std::string::npos) return path;
  }
  return "";
}

bool ProjectFacts::Holds(const Condition& condition) const {
  const auto holds = [this](const Condition& part) { return Holds(part); };
  switch (condition.kind) {
    case Condition::Kind::kAlways:
      return true;
    case Condition::Kind::kFile:
      return !FileFor(condition).empty();
    case Condition::Kind::kDependency:
      return dependencies_.contains(Lower(condition.value));
    case Condition::Kind::kScript: {
      const auto scripts = package_.find("scripts");
      return scripts != package_.end() && scripts->is_object() && scripts->contains(condition.value);
    }
    case Condition::Kind::kAny:
      return std::any_of(condition.parts.begin(), condition.parts.end(), holds);
    case Condition::Kind::kAll:
      return std::all_of(condition.parts.begin(), condition.parts.end(), holds);
    case Condition::Kind::kNot:
      return !Holds(condition.parts.front());
  }
  return false;
}

std::string ProjectFacts::Evidence(const Condition& condition) const {
  switch (condition.kind) {
    case Condition::Kind::kAlways:
      return "";
    case Condition::Kind::kFile: {
      const std::string path = FileFor(condition);
      // What a profile looks for may be quoted itself: "eslintConfig" as a key of package.json.
      const bool quoted = condition.contains.starts_with('"') && condition.contains.ends_with('"');
      const std::string held = condition.contains.empty() || quoted ? condition.contains : "\"" + condition.contains + "\"";
      if (!path.empty()) return path + (held.empty() ? " is there" : " holds " + held);
      // A file that is there and says nothing of this is not a missing one.
      const std::vector<std::string> there = held.empty() ? std::vector<std::string>() : Matching({condition.value});
      return there.empty() ? "there is no " + condition.value : there.front() + " does not hold " + held;
    }
    case Condition::Kind::kDependency:
      return "the project " + std::string(Holds(condition) ? "depends" : "does not depend") + " on " + condition.value;
    case Condition::Kind::kScript:
      return "package.json has " + std::string(Holds(condition) ? "a" : "no") + " script \"" + condition.value + "\"";
    case Condition::Kind::kNot:
      return Evidence(condition.parts.front());
    case Condition::Kind::kAny:
    case Condition::Kind::kAll: {
      const bool holds = Holds(condition);
      const bool any = condition.kind == Condition::Kind::kAny;
      std::string text;
      for (const Condition& part : condition.parts) {
        // What holds is said by the parts that hold; what does not, by those that do not.
        if (Holds(part) != holds) continue;
        const std::string said = Evidence(part);
        if (said.empty()) continue;
        text += (text.empty() ? "" : " and ") + said;
        if (holds && any) break;
      }
      return text;
    }
  }
  return "";
}

}  // namespace wfe::build
