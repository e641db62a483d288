// A check profile: which commands examine a project and how their output is read.  Profiles are data (JSON), checked
// strictly when they are loaded: an unknown key, a wrong type or an unknown parser is an error that names its place.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/compliance/sandbox.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::activities {

enum class ParserKind { kNone, kRegex, kEslintJson, kJestJson, kJunitXml, kGccText };

struct CheckSpec {
  std::string id;                 ///< [a-z0-9_-]+; also the suffix of TIMEOUT_<ID>.
  std::vector<std::string> argv;  ///< "$OUT" becomes the directory for output files.
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
  std::string output_file;                ///< Relative to $OUT; read by the parser instead of standard output.
  int64_t min_tests = 0;                  ///< Fewer tests run: <class>_NO_TESTS.
  std::optional<int64_t> max_suppressed;  ///< More: POLICY_VIOLATION_SUPPRESSED.
  bool stop_on_fail = false;              ///< "on_fail": "stop"; later checks are skipped.
};

/// A program that must be there and run.
struct ToolSpec {
  std::string program;
  std::vector<std::string> version_argv;  ///< Empty: PROGRAM --version.
  std::string min_version;                ///< "20.19.0"; empty: any.
};

struct DependencySpec {
  std::string manifest = "package.json";
  std::string lock = "package-lock.json";
  std::string directory = "node_modules";
  std::vector<std::string> install_argv;  ///< Run in a fresh directory that holds manifest and lock file only.
  Duration timeout = std::chrono::minutes(10);
};

struct StarterFile {
  std::string path;
  std::string content;
};

struct Profile {
  std::string name;
  std::string description;
  std::string hash;  ///< SHA-256 of the JSON text.
  SandboxPolicy sandbox = SandboxPolicy::kPreferred;
  std::vector<ToolSpec> requires_tools;
  /// Relative paths, or "**/NAME" for a file name at any depth, where '*' in NAME stands for any characters.
  std::vector<std::string> protected_files;
  std::optional<DependencySpec> dependencies;
  Environment environment;  ///< Added to the clean environment.
  std::optional<uint64_t> file_bytes_limit;
  std::optional<uint64_t> processes_limit = 512;
  std::vector<StarterFile> starter_files;  ///< Written into an empty project.
  std::vector<CheckSpec> checks;
};

/// Reads the text of a profile.  INVALID_ARGUMENT with `origin` and the JSON path, e.g.
/// "typescript.json: /checks/1/argv: must be an array of strings".
Result<Profile> ParseProfile(std::string_view json_text, const std::string& origin);

/// Finds NAME.json in the directories (starter files beside it, under the directory it names), then among the built-in
/// profiles.  NOT_FOUND lists where it looked and what there is.
Result<Profile> LoadProfile(const std::string& name, const std::vector<std::string>& directories);

/// One file compiled into the program, by its path below activities/compliance/profiles.
struct EmbeddedFile {
  std::string_view path;
  std::string_view content;
};
const std::vector<EmbeddedFile>& EmbeddedProfileFiles();

}  // namespace wfe::activities
