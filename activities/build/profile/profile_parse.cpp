// The text of a profile → Profile.  Every key is documented in docs/profiles.md and schemas/profile.schema.json.

#include <re2/re2.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "activities/build/profile/profile_reader.h"
#include "activities/sandbox/glob.h"

namespace wfe::build {

bool IsProfileIdentifier(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

namespace {

using nlohmann::json;
using Object = ProfileObject;

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
      {"ruff_json", ParserKind::kRuffJson},
      {"go_test_json", ParserKind::kGoTestJson},
      {"cargo_text", ParserKind::kCargoText},
      {"exit_code", ParserKind::kNone},  // The same as none, in the words of who names a command.
  };
  const std::string name = object.Text("parser", "none");
  for (const auto& [known, kind] : kParsers) {
    if (known == name) return kind;
  }
  object.Fail("/parser", "\"" + name + "\" is not one of none, exit_code, regex, eslint_json, jest_json, junit_xml, gcc_text, "
                                          "ruff_json, go_test_json, cargo_text");
}

std::vector<std::string> Globs(const Object& object, const std::string& key) {
  std::vector<std::string> globs = object.Texts(key, false);
  for (size_t i = 0; i < globs.size(); ++i) {
    const Status sound = sandbox::CheckGlob(globs[i]);
    if (!sound) object.Fail("/" + key + "/" + std::to_string(i), "is no pattern: " + sound.error().message);
  }
  return globs;
}

std::string Expression(const Object& object, const std::string& key) {
  std::string text = object.Text(key, "");
  const RE2 expression(text, RE2::Quiet);
  if (!expression.ok()) object.Fail("/" + key, "is not a regular expression: " + expression.error());
  return text;
}

Condition ReadCondition(const json& value, const std::string& path, int depth = 0) {
  const Object object(value, path);
  object.AllowOnly({"file", "contains", "dependency", "script", "any", "all", "not"});
  Condition condition;
  int kinds = 0;
  const auto parts = [&](const char* key, Condition::Kind kind) {
    if (object.Find(key) == nullptr) return;
    ++kinds;
    condition.kind = kind;
    if (depth > 8) object.Fail(std::string("/") + key, "is nested too deep");
    if (!object.Find(key)->is_array() || object.Find(key)->empty()) {
      object.Fail(std::string("/") + key, "must be an array of conditions");
    }
    for (const json& part : *object.Find(key)) {
      condition.parts.push_back(
          ReadCondition(part, object.PathOf(key) + "/" + std::to_string(condition.parts.size()), depth + 1));
    }
  };
  const auto text = [&](const char* key, Condition::Kind kind) {
    if (object.Find(key) == nullptr) return;
    ++kinds;
    condition.kind = kind;
    condition.value = object.Text(key);
  };
  text("file", Condition::Kind::kFile);
  text("dependency", Condition::Kind::kDependency);
  text("script", Condition::Kind::kScript);
  parts("any", Condition::Kind::kAny);
  parts("all", Condition::Kind::kAll);
  if (const json* part = object.Find("not")) {
    ++kinds;
    condition.kind = Condition::Kind::kNot;
    if (depth > 8) object.Fail("/not", "is nested too deep");
    condition.parts = {ReadCondition(*part, object.PathOf("not"), depth + 1)};
  }
  if (kinds != 1) object.Fail("", "needs exactly one of file, dependency, script, any, all, not");
  condition.contains = object.Text("contains", "");
  if (!condition.contains.empty() && condition.kind != Condition::Kind::kFile) {
    object.Fail("/contains", "goes with \"file\"");
  }
  if (condition.kind == Condition::Kind::kFile) {
    const Status sound = sandbox::CheckGlob(condition.value);
    if (!sound) object.Fail("/file", "is no pattern: " + sound.error().message);
  }
  return condition;
}

Condition ConditionAt(const Object& object, const std::string& key) {
  const json* found = object.Find(key);
  return found == nullptr ? Condition{} : ReadCondition(*found, object.PathOf(key));
}

ProbeSpec ReadProbe(const Object& object) {
  object.AllowOnly({"version_argv", "argv", "ok_exit", "ok_pattern"});
  return {.version_argv = object.Texts("version_argv", false),
          .argv = object.Texts("argv", false),
          .ok_exit = object.Numbers("ok_exit", {0}),
          .ok_pattern = Expression(object, "ok_pattern")};
}

void ReadExamined(const Object& object, CheckSpec& check) {
  check.examines = object.Text("examines", "");
  if (!check.examines.empty() && check.examines != "sources" && check.examines != "tests") {
    object.Fail("/examines", "must be \"sources\" or \"tests\"");
  }
  check.files_argv = object.Texts("files_argv", false);
  check.files_pattern = Expression(object, "files_pattern");
  if (!check.files_pattern.empty()) {
    const auto groups = RE2(check.files_pattern, RE2::Quiet).NamedCapturingGroups();
    if (!groups.contains("count") && !groups.contains("path")) {
      object.Fail("/files_pattern", "needs a group (?P<count>...) or (?P<path>...)");
    }
  }
  check.files_file = object.Text("files_file", "");
  if (!check.files_file.empty() && !IsPlainRelativePath(check.files_file)) {
    object.Fail("/files_file", "must be a relative path without \"..\"; it lies in $OUT");
  }
}

CheckSpec ReadCheck(const Object& object) {
  object.AllowOnly({"id", "argv", "when", "timeout_s", "parser", "pattern", "class", "detail", "class_rules",
                    "aliases", "ok_exit", "cannot_run_exit", "cannot_run_detail", "cannot_run_pattern",
                    "no_files_pattern", "output_file", "examines", "files_argv", "files_pattern", "files_file", "probe",
                    "runs", "min_tests", "max_suppressed", "on_fail"});
  CheckSpec check;
  check.id = object.Text("id");
  if (!IsProfileIdentifier(check.id)) object.Fail("/id", "must be lower case letters, digits, '_' and '-'");
  check.argv = object.Texts("argv", true);
  if (check.argv[0].empty()) object.Fail("/argv/0", "must not be empty");
  check.when = ConditionAt(object, "when");
  if (const json* probe = object.Find("probe")) check.probe = ReadProbe(Object(*probe, object.PathOf("probe")));
  ReadExamined(object, check);
  const std::string runs = object.Text("runs", "once");
  if (runs != "once" && runs != "tsc_references") object.Fail("/runs", "must be \"once\" or \"tsc_references\"");
  check.tsc_references = runs == "tsc_references";
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
  check.cannot_run_pattern = Expression(object, "cannot_run_pattern");
  check.no_files_pattern = Expression(object, "no_files_pattern");
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

sandbox::SandboxPolicy ReadSandbox(const Object& object) {
  const std::string name = object.Text("sandbox", "preferred");
  if (name == "preferred") return sandbox::SandboxPolicy::kPreferred;
  if (name == "required") return sandbox::SandboxPolicy::kRequired;
  if (name == "off") return sandbox::SandboxPolicy::kOff;
  object.Fail("/sandbox", "must be \"preferred\", \"required\" or \"off\"");
}

void ReadEnvironment(const Object& object, sandbox::Environment& environment) {
  for (const auto& variable : object.TextMap("env")) {
    if (!RE2::FullMatch(variable.first, "[A-Za-z_][A-Za-z0-9_]*")) {
      object.Fail("/env/" + variable.first, "is not a name of an environment variable");
    }
    if (variable.first.starts_with("LD_")) object.Fail("/env/" + variable.first, "may not be set by a profile");
    environment.push_back(variable);
  }
}

DependencySpec ReadDependencies(const Object& object) {
  object.AllowOnly({"manager", "when", "manifest", "lock", "lock_required", "directory", "in_project", "also", "nested",
                    "in_place", "scratch", "install_argv", "install", "timeout_s", "env"});
  DependencySpec dependencies;
  dependencies.manager = object.Text("manager", "npm");
  dependencies.when = ConditionAt(object, "when");
  dependencies.manifest = object.Text("manifest", "package.json");
  dependencies.lock = object.Text("lock", "package-lock.json");
  dependencies.lock_required = object.Flag("lock_required", true);
  dependencies.directory = object.Text("directory", "node_modules");
  dependencies.in_project = object.Flag("in_project", true);
  dependencies.in_place = object.Flag("in_place", false);
  dependencies.nested = object.Flag("nested", false);
  dependencies.also = Globs(object, "also");
  dependencies.scratch = object.Texts("scratch", false);
  for (size_t i = 0; i < dependencies.scratch.size(); ++i) {
    if (!IsPlainRelativePath(dependencies.scratch[i])) {
      object.Fail("/scratch/" + std::to_string(i), "must be a relative path without \"..\"");
    }
  }
  for (const auto& [key, path] :
       {std::pair("/manifest", &dependencies.manifest), std::pair("/lock", &dependencies.lock),
        std::pair("/directory", &dependencies.directory)}) {
    if (!IsPlainRelativePath(*path) || path->find('/') != std::string::npos)
      object.Fail(key, "must be a plain file name");
  }
  if (object.Find("install") == nullptr) {
    dependencies.install = {object.Texts("install_argv", true)};
  } else {
    const json& commands = *object.Find("install");
    if (!commands.is_array() || commands.empty()) object.Fail("/install", "must be an array of commands");
    for (size_t i = 0; i < commands.size(); ++i) {
      // One command reads like any other list of strings.
      const json one = {{"argv", commands[i]}};
      dependencies.install.push_back(Object(one, object.PathOf("install") + "/" + std::to_string(i)).Texts("argv", true));
    }
  }
  dependencies.timeout = std::chrono::seconds(object.Number("timeout_s", 1, 24 * 3600).value_or(600));
  ReadEnvironment(object, dependencies.environment);
  return dependencies;
}

void ReadTemplates(const Object& object, Profile& profile) {
  const json* found = object.Find("template");
  if (found == nullptr) return;
  if (found->is_string()) {
    profile.template_create = profile.template_change = object.Text("template");
  } else {
    const Object both(*found, object.PathOf("template"));
    both.AllowOnly({"create", "change"});
    profile.template_create = both.Text("create");
    profile.template_change = both.Text("change");
  }
  for (const std::string& id : {profile.template_create, profile.template_change}) {
    if (!IsProfileIdentifier(id)) object.Fail("/template", "must be lower case letters, digits, '_' and '-'");
  }
}

}  // namespace

Profile ReadProfile(const json& document, std::string* starter_directory) {
  const Object object(document, "");
  object.AllowOnly({"$schema", "name", "description", "template", "detect", "sources", "tests", "sandbox", "requires",
                    "protected", "dependencies", "env", "limits", "starter", "checks"});
  Profile profile;
  profile.name = object.Text("name");
  if (!IsProfileIdentifier(profile.name)) object.Fail("/name", "must be lower case letters, digits, '_' and '-'");
  profile.description = object.Text("description", "");
  ReadTemplates(object, profile);
  if (const json* found = object.Find("detect")) {
    const Object detect(*found, "/detect");
    detect.AllowOnly({"when", "priority"});
    if (detect.Find("when") == nullptr) detect.Fail("/when", "is missing");
    profile.detect = ConditionAt(detect, "when");
    profile.detect_priority = detect.Number("priority", 0, 1000).value_or(0);
  }
  profile.sources = Globs(object, "sources");
  profile.tests = Globs(object, "tests");
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
  if (const json* found = object.Find("dependencies")) {
    if (found->is_array()) {
      for (const Object& choice : object.Objects("dependencies", true)) {
        profile.dependency_choices.push_back(ReadDependencies(choice));
      }
    } else {
      profile.dependency_choices.push_back(ReadDependencies(Object(*found, "/dependencies")));
    }
    profile.dependencies = profile.dependency_choices.front();
  }
  ReadEnvironment(object, profile.environment);
  if (const json* found = object.Find("limits")) {
    const Object limits(*found, "/limits");
    limits.AllowOnly({"file_mib", "processes", "memory_mib", "disk_mib", "tmp_mib"});
    if (const auto mib = limits.Number("file_mib", 1, 1 << 20))
      profile.file_bytes_limit = static_cast<uint64_t>(*mib) << 20;
    if (const auto processes = limits.Number("processes", 16, 1 << 20)) {
      profile.processes_limit = static_cast<uint64_t>(*processes);
      profile.sandbox_limits.processes = *profile.processes_limit;
    }
    sandbox::SandboxLimits& sandbox = profile.sandbox_limits;
    for (const auto& [key, value] :
         {std::pair("memory_mib", &sandbox.memory_mib), std::pair("disk_mib", &sandbox.disk_mib),
          std::pair("tmp_mib", &sandbox.tmp_mib)}) {
      if (const auto mib = limits.Number(key, 1, 1 << 20)) *value = static_cast<uint64_t>(*mib);
    }
  }
  *starter_directory = object.Text("starter", "");
  if (!starter_directory->empty() && !IsProfileIdentifier(*starter_directory)) {
    object.Fail("/starter", "must be the plain name of a directory beside the profile");
  }
  std::set<std::string> ids;
  for (const Object& check : object.Objects("checks", profile.name != kCommandsProfile)) {
    profile.checks.push_back(ReadCheck(check));
    if (!ids.insert(profile.checks.back().id).second) check.Fail("/id", "is used twice");
  }
  return profile;
}

}  // namespace wfe::build
