// A check profile: which commands examine a project and how their output is read.  Profiles are data (JSON), checked
// strictly when they are loaded: an unknown key, a wrong type or an unknown parser is an error that names its place.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/build/profile/project_facts.h"
#include "activities/sandbox/sandbox.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::build {

enum class ParserKind { kNone, kRegex, kEslintJson, kJestJson, kJunitXml, kGccText, kRuffJson, kGoTestJson, kCargoText };

/// How it is proved, before a token is spent, that a check can do its work here.
struct ProbeSpec {
  std::vector<std::string> version_argv;  ///< Starts the program; empty: argv[0] and --version.
  std::vector<std::string> argv;          ///< Loads the configuration; empty: nothing to load.
  std::vector<int> ok_exit = {0};         ///< Of `argv`.
  std::string ok_pattern;                 ///< RE2: a run of `argv` that prints this has loaded it all the same.
};

struct CheckSpec {
  std::string id;                 ///< [a-z0-9_-]+; also the suffix of TIMEOUT_<ID>.
  std::vector<std::string> argv;  ///< "$OUT" becomes the directory for output files, "$DEPS" that of the dependencies, "$WORK"
                                  ///< the project, "$PYTHON" its interpreter.
  Condition when;                 ///< A project that does not meet it does not get this check.
  Duration timeout = std::chrono::minutes(2);
  ParserKind parser = ParserKind::kNone;
  std::string pattern;      ///< regex (RE2), one line = one finding; named groups: path, line, column, code, text.
  std::string error_class;  ///< Base class, e.g. "TSC_ERROR".
  std::string detail;       ///< regex: appended to the class in the counts after '_'; "$code" = that group.
  /// regex: (expression over the whole code, class): the first match replaces error_class.
  std::vector<std::pair<std::string, std::string>> class_rules;
  std::map<std::string, std::string> aliases;  ///< Rule name (plugin dropped; "no-unsafe-*" allowed) → detail.
  std::vector<int> ok_exit = {0};
  std::vector<int> cannot_run_exit;       ///< The tool could not do its work: COMMAND_FAILED.
  std::string cannot_run_detail;          ///< e.g. "ESLINT_CONFIG".
  std::string cannot_run_pattern;         ///< A failing run that prints this (RE2) could not do its work either.
  std::string no_files_pattern;           ///< A run that prints this (RE2) found no file to examine.
  std::string output_file;                ///< Relative to $OUT; read by the parser instead of standard output.
  /// Which of the project's files this check must have looked at: "sources", "tests" or "" (it does not tell).
  std::string examines;
  std::vector<std::string> files_argv;  ///< Prints the files it looks at, one a line; empty: the parser knows them.
  std::string files_pattern;            ///< RE2 over the output with a group `count` or `path`.
  std::string files_file;               ///< Relative to $OUT: a JSON array of objects with `file`.
  bool tsc_references = false;          ///< "runs": "tsc_references": see tsc_references.h.
  ProbeSpec probe;
  /// Beyond the profile's; values may hold what argv may.  A PATH stands in front of the other.
  sandbox::Environment environment;
  int64_t min_tests = 0;                  ///< Fewer tests run: <class>_NO_TESTS.
  std::optional<int64_t> max_suppressed;  ///< More: POLICY_VIOLATION_SUPPRESSED.
  bool from_command = false;              ///< A person named it; whatever program it starts is theirs.
  bool stop_on_fail = false;              ///< "on_fail": "stop"; later checks are skipped.
};

/// A program that must be there and run.
struct ToolSpec {
  std::string program;
  std::vector<std::string> version_argv;  ///< Empty: PROGRAM --version.
  std::string min_version;                ///< "20.19.0"; empty: any.
};

/// One way to install dependencies.  A profile may name several; the first whose `when` holds is the project's.
struct DependencySpec {
  std::string manager = "npm";  ///< For people: npm, yarn, pnpm, pip, ...
  Condition when;
  std::string manifest = "package.json";
  std::string lock = "package-lock.json";
  bool lock_required = true;                 ///< False: without one there is nothing to install.
  std::string directory = "node_modules";    ///< Made by the commands, shown to the checks read-only.
  bool in_project = true;                    ///< Shown at /w/<directory>; otherwise only as $DEPS.
  std::vector<std::string> also;             ///< Patterns of further files the installer needs: .npmrc, **/package.json.
  bool in_place = false;                     ///< Run in the project itself, which the commands only read; $DEPS is theirs.
  bool nested = false;                       ///< Packages of a workspace have a `directory` of their own.
  std::vector<std::string> scratch;          ///< Below `directory`: where checks write caches; empty for each command.
  std::vector<std::vector<std::string>> install;  ///< Run in a fresh directory that holds only the files above.
  Duration timeout = std::chrono::minutes(10);
  sandbox::Environment environment;  ///< For the installer.
};

struct StarterFile {
  std::string path;
  std::string content;
};

struct Profile {
  std::string name;
  std::string description;
  std::string template_create;  ///< GEMINI.md template of a new project.
  std::string template_change;  ///< Of an existing one.
  Condition detect;             ///< kAlways: never detected.
  int64_t detect_priority = 0;  ///< The highest that holds wins; two at the top are ambiguous.
  std::vector<std::string> sources;  ///< Patterns of the files that checks examine.
  std::vector<std::string> tests;    ///< Patterns of test files.
  std::string hash;  ///< SHA-256 of the JSON text.
  sandbox::SandboxPolicy sandbox = sandbox::SandboxPolicy::kPreferred;
  std::vector<ToolSpec> requires_tools;
  /// Relative paths, or "**/NAME" for a file name at any depth, where '*' in NAME stands for any characters.
  std::vector<std::string> protected_files;
  std::vector<DependencySpec> dependency_choices;
  std::optional<DependencySpec> dependencies;  ///< The choice for one project; the first one until it is resolved.
  sandbox::Environment environment;            ///< Added to the clean environment; may hold $OUT and $DEPS.
  std::optional<uint64_t> file_bytes_limit;
  std::optional<uint64_t> processes_limit = 512;
  sandbox::SandboxLimits sandbox_limits;
  std::vector<StarterFile> starter_files;  ///< Written into an empty project only.
  std::vector<CheckSpec> checks;
};

/// Reads the text of a profile.  INVALID_ARGUMENT with `origin` and the JSON path, e.g.
/// "typescript.json: /checks/1/argv: must be an array of strings".
Result<Profile> ParseProfile(std::string_view json_text, const std::string& origin);

/// Finds NAME.json in the directories (starter files beside it, under the directory it names), then among the built-in
/// profiles.  NOT_FOUND lists where it looked and what there is.
Result<Profile> LoadProfile(const std::string& name, const std::vector<std::string>& directories);

/// Names of all profiles there are: those of the directories and the built-in ones, sorted.
std::vector<std::string> ProfileNames(const std::vector<std::string>& directories);

/// One file compiled into the program, by its path below activities/build/profile/profiles.
struct EmbeddedFile {
  std::string_view path;
  std::string_view content;
};
const std::vector<EmbeddedFile>& EmbeddedProfileFiles();

}  // namespace wfe::build
