#include "activities/build/profile/runner_command.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace wfe::build {
namespace {

constexpr size_t kMaxPlainWords = 2000;

std::string ProgramName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// Options of node whose value may be the next word.
bool TakesNextWord(const std::string& option) {
  static const std::set<std::string_view> kOptions = {
      "-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions", "--env-file",
      "--env-file-if-exists", "--test-name-pattern", "--test-skip-pattern", "--test-reporter",
      "--test-reporter-destination", "--test-concurrency", "--test-timeout", "--test-shard", "--test-isolation",
      "--test-coverage-include", "--test-coverage-exclude", "--test-coverage-lines", "--test-coverage-branches",
      "--test-coverage-functions", "--test-global-setup"};
  return kOptions.contains(option);
}

/// `--test` among node's own options, and nothing that makes it do something else.
bool RunsNodeTests(const std::vector<std::string>& argv) {
  static const std::set<std::string_view> kOther = {"-e", "--eval", "-p",      "--print", "-pe",     "-c",
                                                    "-i", "--check", "--watch", "--run",   "--help", "-h",
                                                    "-v", "--version"};
  bool found = false;
  for (size_t i = 1; i < argv.size() && argv[i].starts_with('-') && argv[i] != "--"; ++i) {
    if (kOther.contains(argv[i])) return false;
    if (argv[i] == "--test") found = true;
    if (TakesNextWord(argv[i])) ++i;
  }
  return found;
}

/// What the shell puts in the place of a pattern; the pattern itself when no file fits.
std::vector<std::string> FilledIn(const std::string& pattern, const ProjectFacts& facts) {
  const bool here = pattern.starts_with("./");
  const std::string wanted = here ? pattern.substr(2) : pattern;
  std::set<std::string> found;
  const auto look = [&](const std::string& path) {
    if (::fnmatch(wanted.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD | FNM_NOESCAPE) == 0) {
      found.insert(here ? "./" + path : path);
    }
  };
  for (const std::string& path : facts.files()) {
    look(path);
    for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      look(path.substr(0, slash));
    }
  }
  if (found.empty()) return {pattern};
  return {found.begin(), found.end()};
}

/// `npm test`, `npm run NAME`: the script's name; "" for anything else.  `behind`: what stands after `--`.
std::string NpmScript(const std::vector<std::string>& argv, std::vector<std::string>& behind) {
  if (argv.size() < 2 || argv[0] != "npm") return "";
  size_t at = 2;
  std::string name;
  if (argv[1] == "test" || argv[1] == "t") {
    name = "test";
  } else if ((argv[1] == "run" || argv[1] == "run-script") && argv.size() > 2 && !argv[2].starts_with('-')) {
    name = argv[2];
    at = 3;
  } else {
    return "";
  }
  if (at == argv.size()) return name;
  if (argv[at] != "--") return "";
  behind.assign(argv.begin() + static_cast<std::ptrdiff_t>(at) + 1, argv.end());
  return name;
}

/// What npm starts for the script; "" when npm does more than that, or does it in a way of the project's own.
std::string ScriptText(const ProjectFacts& facts, const std::string& name) {
  const auto& package = facts.package();
  const auto scripts = package.find("scripts");
  if (scripts == package.end() || !scripts->is_object() || package.contains("config")) return "";
  if (scripts->contains("pre" + name) || scripts->contains("post" + name)) return "";
  const auto script = scripts->find(name);
  if (script == scripts->end() || !script->is_string()) return "";
  const std::string settings = facts.Text(".npmrc");
  for (const std::string_view key : {"node-options", "node_options", "script-shell", "script_shell"}) {
    if (settings.find(key) != std::string::npos) return "";
  }
  return script->get<std::string>();
}

/// As npm sets it for a script, as far as a program may look at it.
void AddNpmEnvironment(const ProjectFacts& facts, const std::string& name, const std::string& script,
                       CheckSpec& check) {
  const auto text = [&facts](const char* key) {
    const auto found = facts.package().find(key);
    return found != facts.package().end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  check.environment = {{"PATH", "$WORK/node_modules/.bin"},
                       {"INIT_CWD", "$WORK"},
                       {"npm_command", name == "test" ? "test" : "run-script"},
                       {"npm_lifecycle_event", name},
                       {"npm_lifecycle_script", script},
                       {"npm_package_json", "$WORK/package.json"},
                       {"npm_package_name", text("name")},
                       {"npm_package_version", text("version")}};
}

}  // namespace

size_t PythonModuleAt(const std::vector<std::string>& argv) {
  if (argv.empty() || (!ProgramName(argv[0]).starts_with("python") && argv[0] != "$PYTHON")) return 0;
  for (size_t i = 1; i + 1 < argv.size(); ++i) {
    const std::string& word = argv[i];
    if (word == "-m") return i;
    if (word == "-W" || word == "-X") {
      ++i;
    } else if (!word.starts_with("-W") && !word.starts_with("-X") &&
               (word.size() < 2 || word[0] != '-' || word.find_first_of("-cm", 1) != std::string::npos)) {
      return 0;
    }
  }
  return 0;
}

Reporter ReporterFor(const std::vector<std::string>& argv) {
  if (argv.empty()) return Reporter::kNone;
  const std::string name = ProgramName(argv[0]);
  if (name == "jest") return Reporter::kJest;
  if (name == "vitest") return Reporter::kVitest;
  if (name == "pytest" || name == "py.test") return Reporter::kPytest;
  // A node that the project brings along is of a version that nobody has asked for.
  if (name == "node" && (argv[0] == name || argv[0].starts_with('/')) && RunsNodeTests(argv)) return Reporter::kNode;
  const size_t at = PythonModuleAt(argv);
  if (at == 0) return Reporter::kNone;
  if (argv[at + 1] == "unittest") return Reporter::kUnittest;
  return argv[at + 1] == "pytest" ? Reporter::kPytest : Reporter::kNone;
}

std::optional<std::vector<std::string>> PlainWords(const std::string& command, const ProjectFacts& facts) {
  std::vector<std::string> words;
  std::string word;
  bool begun = false;
  bool pattern = false;
  bool quoted_pattern = false;
  char quote = 0;
  // One blank more ends the last word.
  for (const char c : command + " ") {
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else if (c == '\n' || (quote == '"' && std::string_view("$`\\!").find(c) != std::string_view::npos)) {
        return std::nullopt;
      } else {
        quoted_pattern = quoted_pattern || std::string_view("*?[").find(c) != std::string_view::npos;
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      begun = true;
    } else if (c == ' ' || c == '\t') {
      if (!begun) continue;
      if (pattern && quoted_pattern) return std::nullopt;
      const std::vector<std::string> filled = pattern ? FilledIn(word, facts) : std::vector<std::string>{word};
      words.insert(words.end(), filled.begin(), filled.end());
      if (words.size() > kMaxPlainWords) return std::nullopt;
      word.clear();
      begun = pattern = quoted_pattern = false;
    } else if (std::string_view("\\$`|&;<>()[]{}~#!\n").find(c) != std::string_view::npos ||
               (c == '=' && words.empty())) {
      return std::nullopt;
    } else {
      pattern = pattern || c == '*' || c == '?';
      begun = true;
      word += c;
    }
  }
  if (quote != 0 || words.empty()) return std::nullopt;
  return words;
}

void StartRunnerItself(const ProjectFacts& facts, CheckSpec& check) {
  if (check.from_command && check.argv.size() == 3 && check.argv[0] == "sh") {
    const auto words = PlainWords(check.argv[2], facts);
    if (words.has_value() && ReporterFor(*words) != Reporter::kNone) check.argv = *words;
    return;
  }
  std::vector<std::string> behind;
  const std::string name = NpmScript(check.argv, behind);
  const std::string script = name.empty() ? "" : ScriptText(facts, name);
  auto words = PlainWords(script, facts);
  // npm would find a node that the project depends on first.
  if (!words.has_value() || facts.dependencies().contains("node")) return;
  const Reporter reporter = ReporterFor(*words);
  std::string& program = words->front();
  if (reporter == Reporter::kJest || reporter == Reporter::kVitest) {
    const auto says = [&](const char* word) { return std::find(words->begin(), words->end(), word) != words->end(); };
    const bool runs_once = reporter == Reporter::kJest || says("run") || says("--run");
    if (program.find('/') != std::string::npos || !facts.dependencies().contains(program) || !runs_once) return;
    program = "node_modules/.bin/" + program;
  } else if (reporter != Reporter::kNode || program != "node") {
    return;
  }
  words->insert(words->end(), behind.begin(), behind.end());
  // What is behind `--` may make it something else.
  if (ReporterFor(*words) != reporter) return;
  check.argv = *std::move(words);
  if (!check.probe.version_argv.empty()) check.probe.version_argv = {"node", "--version"};
  AddNpmEnvironment(facts, name, script, check);
}

}  // namespace wfe::build
