#include "activities/compliance/profile.h"

#include <re2/re2.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>

#include "activities/compliance/safe_files.h"
#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::activities {
namespace {

using nlohmann::json;

/// Leaves the reader; never leaves this file.
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An object of the profile that knows its own JSON path and refuses what it was not asked for.
class Object {
 public:
  Object(const json& value, std::string path) : value_(value), path_(std::move(path)) {
    if (!value.is_object()) Fail("", "must be an object");
  }

  void AllowOnly(std::initializer_list<std::string_view> keys) const {
    for (const auto& [key, unused] : value_.items()) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) Fail("/" + key, "is not a known key");
    }
  }
  [[noreturn]] void Fail(const std::string& below, const std::string& what) const {
    const std::string place = path_ + below;
    throw Malformed((place.empty() ? "/" : place) + ": " + what);
  }
  const json* Find(const std::string& key) const {
    const auto found = value_.find(key);
    return found == value_.end() ? nullptr : &*found;
  }
  std::string PathOf(const std::string& key) const { return path_ + "/" + key; }

  std::string Text(const std::string& key, std::optional<std::string> missing = std::nullopt) const {
    const json* found = Find(key);
    if (found == nullptr) {
      if (!missing.has_value()) Fail("/" + key, "is missing");
      return *missing;
    }
    if (!found->is_string()) Fail("/" + key, "must be a string");
    if (!missing.has_value() && found->get_ref<const std::string&>().empty()) Fail("/" + key, "must not be empty");
    return found->get<std::string>();
  }
  std::optional<int64_t> Number(const std::string& key, int64_t low, int64_t high) const {
    const json* found = Find(key);
    if (found == nullptr) return std::nullopt;
    if (!found->is_number_integer()) Fail("/" + key, "must be a whole number");
    const int64_t number = found->get<int64_t>();
    if (number < low || number > high) {
      Fail("/" + key, "must be from " + std::to_string(low) + " to " + std::to_string(high));
    }
    return number;
  }
  std::vector<std::string> Texts(const std::string& key, bool required) const {
    const json* found = Find(key);
    if (found == nullptr) {
      if (required) Fail("/" + key, "is missing");
      return {};
    }
    if (!found->is_array()) Fail("/" + key, "must be an array of strings");
    std::vector<std::string> texts;
    for (const json& item : *found) {
      if (!item.is_string()) Fail("/" + key + "/" + std::to_string(texts.size()), "must be a string");
      texts.push_back(item.get<std::string>());
    }
    if (required && texts.empty()) Fail("/" + key, "must not be empty");
    return texts;
  }
  std::vector<int> Numbers(const std::string& key, std::vector<int> missing) const {
    const json* found = Find(key);
    if (found == nullptr) return missing;
    if (!found->is_array()) Fail("/" + key, "must be an array of whole numbers");
    std::vector<int> numbers;
    for (const json& item : *found) {
      if (!item.is_number_integer()) Fail("/" + key + "/" + std::to_string(numbers.size()), "must be a whole number");
      numbers.push_back(item.get<int>());
    }
    return numbers;
  }
  std::vector<Object> Objects(const std::string& key, bool required) const {
    const json* found = Find(key);
    if (found == nullptr) {
      if (required) Fail("/" + key, "is missing");
      return {};
    }
    if (!found->is_array()) Fail("/" + key, "must be an array of objects");
    std::vector<Object> objects;
    for (const json& item : *found) objects.emplace_back(item, PathOf(key) + "/" + std::to_string(objects.size()));
    if (required && objects.empty()) Fail("/" + key, "must not be empty");
    return objects;
  }
  std::vector<std::pair<std::string, std::string>> TextMap(const std::string& key) const {
    const json* found = Find(key);
    if (found == nullptr) return {};
    if (!found->is_object()) Fail("/" + key, "must be an object of strings");
    std::vector<std::pair<std::string, std::string>> map;
    for (const auto& [name, value] : found->items()) {
      if (!value.is_string()) Fail("/" + key + "/" + name, "must be a string");
      map.emplace_back(name, value.get<std::string>());
    }
    return map;
  }

 private:
  const json& value_;
  std::string path_;
};

bool IsIdentifier(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool IsErrorClass(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool IsPlainRelativePath(const std::string& path) {
  if (path.empty() || path.front() == '/' || path.back() == '/') return false;
  std::istringstream parts(path);
  for (std::string part; std::getline(parts, part, '/');) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return true;
}

std::string ErrorClass(const Object& object, const std::string& key,
                       std::optional<std::string> missing = std::nullopt) {
  const std::string name = object.Text(key, missing);
  if (!name.empty() && !IsErrorClass(name)) object.Fail("/" + key, "must be upper case letters, digits and '_'");
  return name;
}

ParserKind ReadParser(const Object& object) {
  static constexpr std::pair<std::string_view, ParserKind> kParsers[] = {
      {"none", ParserKind::kNone},
      {"regex", ParserKind::kRegex},
      {"eslint_json", ParserKind::kEslintJson},
      {"jest_json", ParserKind::kJestJson},
      {"junit_xml", ParserKind::kJunitXml},
      {"gcc_text", ParserKind::kGccText},
  };
  const std::string name = object.Text("parser", "none");
  for (const auto& [known, kind] : kParsers) {
    if (known == name) return kind;
  }
  object.Fail("/parser", "\"" + name + "\" is not one of none, regex, eslint_json, jest_json, junit_xml, gcc_text");
}

CheckSpec ReadCheck(const Object& object) {
  object.AllowOnly({"id", "argv", "timeout_s", "parser", "pattern", "class", "detail", "class_rules", "aliases",
                    "ok_exit", "cannot_run_exit", "cannot_run_detail", "output_file", "min_tests", "max_suppressed",
                    "on_fail"});
  CheckSpec check;
  check.id = object.Text("id");
  if (!IsIdentifier(check.id)) object.Fail("/id", "must be lower case letters, digits, '_' and '-'");
  check.argv = object.Texts("argv", true);
  if (check.argv[0].empty()) object.Fail("/argv/0", "must not be empty");
  check.timeout = std::chrono::seconds(object.Number("timeout_s", 1, 24 * 3600).value_or(120));
  check.parser = ReadParser(object);
  check.error_class = ErrorClass(object, "class");
  check.detail = object.Text("detail", "");
  check.pattern = object.Text("pattern", "");
  if ((check.parser == ParserKind::kRegex) != !check.pattern.empty()) {
    object.Fail("/pattern", "goes with the parser \"regex\", and only with it");
  }
  if (!check.pattern.empty()) {
    const RE2 expression(check.pattern, RE2::Quiet);
    if (!expression.ok()) object.Fail("/pattern", "is not a regular expression: " + expression.error());
    if (!expression.NamedCapturingGroups().contains("text")) object.Fail("/pattern", "needs a group (?P<text>...)");
  }
  for (const Object& rule : object.Objects("class_rules", false)) {
    rule.AllowOnly({"code", "class"});
    check.class_rules.emplace_back(rule.Text("code"), ErrorClass(rule, "class"));
    const RE2 expression(check.class_rules.back().first, RE2::Quiet);
    if (!expression.ok()) rule.Fail("/code", "is not a regular expression: " + expression.error());
  }
  for (auto& [rule, detail] : object.TextMap("aliases")) {
    if (!IsErrorClass(detail)) object.Fail("/aliases/" + rule, "must be upper case letters, digits and '_'");
    check.aliases.emplace(rule, detail);
  }
  check.ok_exit = object.Numbers("ok_exit", {0});
  check.cannot_run_exit = object.Numbers("cannot_run_exit", {});
  check.cannot_run_detail = ErrorClass(object, "cannot_run_detail", "");
  check.output_file = object.Text("output_file", "");
  if (!check.output_file.empty() && !IsPlainRelativePath(check.output_file)) {
    object.Fail("/output_file", "must be a relative path without \"..\"; it lies in $OUT");
  }
  if (check.parser == ParserKind::kJunitXml && check.output_file.empty()) {
    object.Fail("/output_file", "is missing; junit_xml reads a file");
  }
  check.min_tests = object.Number("min_tests", 0, 1'000'000).value_or(0);
  check.max_suppressed = object.Number("max_suppressed", 0, 1'000'000);
  const std::string on_fail = object.Text("on_fail", "continue");
  if (on_fail != "continue" && on_fail != "stop") object.Fail("/on_fail", "must be \"continue\" or \"stop\"");
  check.stop_on_fail = on_fail == "stop";
  return check;
}

SandboxPolicy ReadSandbox(const Object& object) {
  const std::string name = object.Text("sandbox", "preferred");
  if (name == "preferred") return SandboxPolicy::kPreferred;
  if (name == "required") return SandboxPolicy::kRequired;
  if (name == "off") return SandboxPolicy::kOff;
  object.Fail("/sandbox", "must be \"preferred\", \"required\" or \"off\"");
}

DependencySpec ReadDependencies(const Object& object) {
  object.AllowOnly({"manifest", "lock", "directory", "install_argv", "timeout_s"});
  DependencySpec dependencies;
  dependencies.manifest = object.Text("manifest", "package.json");
  dependencies.lock = object.Text("lock", "package-lock.json");
  dependencies.directory = object.Text("directory", "node_modules");
  for (const auto& [key, path] :
       {std::pair("/manifest", &dependencies.manifest), std::pair("/lock", &dependencies.lock),
        std::pair("/directory", &dependencies.directory)}) {
    if (!IsPlainRelativePath(*path) || path->find('/') != std::string::npos)
      object.Fail(key, "must be a plain file name");
  }
  dependencies.install_argv = object.Texts("install_argv", true);
  dependencies.timeout = std::chrono::seconds(object.Number("timeout_s", 1, 24 * 3600).value_or(600));
  return dependencies;
}

Profile Read(const json& document, std::string* starter_directory) {
  const Object object(document, "");
  object.AllowOnly({"name", "description", "sandbox", "requires", "protected", "dependencies", "env", "limits",
                    "starter", "checks"});
  Profile profile;
  profile.name = object.Text("name");
  if (!IsIdentifier(profile.name)) object.Fail("/name", "must be lower case letters, digits, '_' and '-'");
  profile.description = object.Text("description", "");
  profile.sandbox = ReadSandbox(object);
  for (const Object& tool : object.Objects("requires", false)) {
    tool.AllowOnly({"program", "version_argv", "min_version"});
    profile.requires_tools.push_back({.program = tool.Text("program"),
                                      .version_argv = tool.Texts("version_argv", false),
                                      .min_version = tool.Text("min_version", "")});
    if (!profile.requires_tools.back().min_version.empty() &&
        !RE2::FullMatch(profile.requires_tools.back().min_version, "\\d+(\\.\\d+)*")) {
      tool.Fail("/min_version", "must be numbers separated by dots");
    }
  }
  profile.protected_files = object.Texts("protected", false);
  for (size_t i = 0; i < profile.protected_files.size(); ++i) {
    const std::string& path = profile.protected_files[i];
    const bool any_depth = path.starts_with("**/");
    const std::string rest = any_depth ? path.substr(3) : path;
    if (!IsPlainRelativePath(rest) || (any_depth && rest.find('/') != std::string::npos) ||
        (!any_depth && rest.find('*') != std::string::npos)) {
      object.Fail("/protected/" + std::to_string(i), "must be a relative path, or \"**/\" and a file name");
    }
  }
  if (const json* dependencies = object.Find("dependencies")) {
    profile.dependencies = ReadDependencies(Object(*dependencies, "/dependencies"));
  }
  for (const auto& variable : object.TextMap("env")) {
    if (!RE2::FullMatch(variable.first, "[A-Za-z_][A-Za-z0-9_]*")) {
      object.Fail("/env/" + variable.first, "is not a name of an environment variable");
    }
    if (variable.first.starts_with("LD_")) object.Fail("/env/" + variable.first, "may not be set by a profile");
    profile.environment.push_back(variable);
  }
  if (const json* found = object.Find("limits")) {
    const Object limits(*found, "/limits");
    limits.AllowOnly({"file_mib", "processes"});
    if (const auto mib = limits.Number("file_mib", 1, 1 << 20))
      profile.file_bytes_limit = static_cast<uint64_t>(*mib) << 20;
    if (const auto processes = limits.Number("processes", 16, 1 << 20)) {
      profile.processes_limit = static_cast<uint64_t>(*processes);
    }
  }
  *starter_directory = object.Text("starter", "");
  if (!starter_directory->empty() && !IsIdentifier(*starter_directory)) {
    object.Fail("/starter", "must be the plain name of a directory beside the profile");
  }
  std::set<std::string> ids;
  for (const Object& check : object.Objects("checks", true)) {
    profile.checks.push_back(ReadCheck(check));
    if (!ids.insert(profile.checks.back().id).second) check.Fail("/id", "is used twice");
  }
  return profile;
}

Result<Profile> Parse(std::string_view text, const std::string& origin, std::string* starter_directory) {
  const json document = ParseJson(text);
  if (document.is_discarded()) return InvalidArgument(origin + ": " + WhyNotJson(text));
  try {
    Profile profile = Read(document, starter_directory);
    profile.hash = ToHex(Sha256(text));
    return profile;
  } catch (const Malformed& malformed) {
    return InvalidArgument(origin + ": " + malformed.what());
  }
}

Status LoadStarterFiles(const std::string& directory, Profile& profile) {
  WFE_ASSIGN_OR_RETURN(const SafeDir starter, SafeDir::Open(directory));
  WFE_ASSIGN_OR_RETURN(const auto entries, starter.List("", {.max_entries = 1000}));
  for (const SafeEntry& entry : entries) {
    if (entry.kind != FileKind::kFile) continue;
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
  if (!IsIdentifier(name)) {
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

}  // namespace wfe::activities
