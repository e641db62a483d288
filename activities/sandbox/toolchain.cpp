#include "activities/sandbox/toolchain.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

#include "activities/sandbox/process_runner.h"
#include "activities/sandbox/text.h"

namespace wfe::sandbox {
namespace {

std::string Real(const std::string& path) {
  const std::unique_ptr<char, decltype(&::free)> resolved(::realpath(path.c_str(), nullptr), &::free);
  return resolved == nullptr ? "" : std::string(resolved.get());
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : slash == 0 ? "/" : path.substr(0, slash);
}

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool Exists(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0;
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The command that says which program a shim stands for; empty: it is no shim.
std::vector<std::string> Question(const std::string& found, const std::string& name, const std::string& path_variable) {
  const std::string real = BaseName(Real(found));
  const auto ask = [&](const std::string& manager, std::vector<std::string> words) {
    std::vector<std::string> command = {manager};
    command.insert(command.end(), words.begin(), words.end());
    return command;
  };
  if (real == "rustup" && name != "rustup") return ask(Real(found), {"which", name});
  if (real == "volta-shim" || (real == "volta" && name != "volta")) {
    return ask(DirectoryOf(Real(found)) + "/volta", {"which", name});
  }
  if ((real == "mise" && name != "mise") || (real == "asdf" && name != "asdf")) return ask(Real(found), {"which", name});
  const std::string directory = DirectoryOf(found);
  if (BaseName(directory) != "shims") return {};
  const std::string root = DirectoryOf(directory);
  for (const char* manager : {"pyenv", "nodenv", "rbenv", "goenv"}) {
    for (const char* below : {"/libexec/", "/bin/"}) {
      const std::string program = root + below + manager;
      if (::access(program.c_str(), X_OK) == 0) return ask(program, {"which", name});
    }
  }
  for (const char* manager : {"mise", "asdf", "pyenv", "nodenv"}) {
    const std::string program = FindProgram(manager, path_variable);
    if (!program.empty()) return ask(program, {"which", name});
  }
  // A shim whose manager is not to be found: whatever it does, it needs its home for it.
  return ask("", {});
}

/// nullopt-like: "" and `problem` say why.
std::string Ask(const std::vector<std::string>& question, const std::string& path_variable, std::string* said) {
  if (question.front().empty()) return "";
  ProcessSpec spec;
  spec.argv = question;
  spec.environment = {{"PATH", path_variable}, {"HOME", Variable("HOME")}, {"LANG", "C.UTF-8"}};
  for (const char* name : {"PYENV_ROOT", "PYENV_VERSION", "RUSTUP_HOME", "CARGO_HOME", "RUSTUP_TOOLCHAIN", "VOLTA_HOME",
                           "ASDF_DATA_DIR", "ASDF_DIR", "MISE_DATA_DIR", "NODENV_ROOT"}) {
    if (!Variable(name).empty()) spec.environment.emplace_back(name, Variable(name));
  }
  spec.limits.wall_clock = std::chrono::seconds(20);
  spec.limits.max_output_bytes = 16 << 10;
  const ProcessOutcome outcome = RunProcess(spec);
  *said = Printable(CleanTerminalText(outcome.err.text));
  if (outcome.kind != ProcessOutcome::Kind::kExited || outcome.exit_code != 0) return "";
  const std::vector<std::string> lines = SplitLines(CleanTerminalText(outcome.out.text));
  return lines.empty() || !lines[0].starts_with('/') || ::access(lines[0].c_str(), X_OK) != 0 ? "" : lines[0];
}

/// "home = /x/bin" of a Python environment: its interpreter's directory.
std::string HomeOfEnvironment(const std::string& prefix) {
  std::ifstream file(prefix + "/pyvenv.cfg");
  for (std::string line; std::getline(file, line);) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos || !line.starts_with("home")) continue;
    const size_t start = line.find_first_not_of(' ', equals + 1);
    if (start != std::string::npos && line[start] == '/') return line.substr(start);
  }
  return "";
}

void AddDirectories(const std::string& path, std::set<std::string>& directories) {
  const std::string directory = DirectoryOf(path);
  if (directory.empty() || directory == "/" || IsSystemDirectory(directory)) return;
  directories.insert(directory);
  const std::string prefix = DirectoryOf(directory);
  // An installation of its own (node, python, a Rust toolchain) needs its libraries; a home directory is none.
  const bool installation = BaseName(directory) == "bin" && prefix != "/" && !prefix.empty() &&
                            prefix != Variable("HOME") && BaseName(prefix) != ".local" &&
                            (Exists(prefix + "/lib") || Exists(prefix + "/pyvenv.cfg"));
  if (!installation) return;
  directories.erase(directory);
  directories.insert(prefix);
  const std::string home = HomeOfEnvironment(prefix);
  if (!home.empty() && home != directory) AddDirectories(home + "/python", directories);
}

}  // namespace

bool IsSystemDirectory(const std::string& directory) {
  for (const std::string_view root : {"/usr", "/bin", "/sbin", "/lib", "/lib64"}) {
    if (directory == root || directory.starts_with(std::string(root) + "/")) return true;
  }
  return false;
}

std::vector<std::string> DirectoriesOf(const std::string& path) {
  std::set<std::string> directories;
  const std::string real = Real(path);
  if (path.starts_with('/')) AddDirectories(path, directories);
  if (!real.empty() && real != path) AddDirectories(real, directories);
  return {directories.begin(), directories.end()};
}

std::string InterpreterOf(std::string_view text) {
  if (!text.starts_with("#!")) return "";
  std::istringstream words(std::string(text.substr(2, text.find('\n') - 2)));
  std::string word;
  words >> word;
  if (BaseName(word) != "env") return word;
  while (words >> word) {
    if (!word.starts_with('-') && word.find('=') == std::string::npos) return word;
  }
  return "";
}

std::string ToolLocation::PathFor(const std::string& path_variable) const {
  std::string path;
  for (const std::string& directory : interpreter_directories) path += directory + ":";
  return path + path_variable;
}

namespace {

/// So long a chain of scripts that interpret scripts is followed.
constexpr int kMaxScripts = 4;

std::string FirstLine(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
  std::ifstream file(path, std::ios::binary);
  std::string line(256, '\0');  // as far as the kernel looks
  file.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<size_t>(file.gcount()));
  return line.substr(0, line.find('\n'));
}

ToolLocation Locate(const std::string& name, const std::string& path_variable, int scripts);

/// The interpreter of what was found is looked for in the same way: a script of a version manager's shim would find a
/// shim, and no home, in the sandbox.
void AddInterpreter(ToolLocation& location, const std::string& name, const std::string& path_variable, int scripts) {
  const std::string interpreter = InterpreterOf(FirstLine(location.program));
  if (interpreter.empty() || scripts >= kMaxScripts) return;
  std::set<std::string> directories(location.directories.begin(), location.directories.end());
  if (interpreter.find('/') != std::string::npos) {
    for (const std::string& directory : DirectoriesOf(interpreter)) directories.insert(directory);
  } else {
    const ToolLocation found = Locate(interpreter, path_variable, scripts + 1);
    if (found.program.empty()) {
      location = {};
      location.problem = name + " is a script of " + interpreter + ", and " + found.problem;
      return;
    }
    directories.insert(found.directories.begin(), found.directories.end());
    location.interpreter_directories = {DirectoryOf(found.start_as)};
    for (const std::string& directory : found.interpreter_directories) {
      location.interpreter_directories.push_back(directory);
    }
  }
  location.directories.assign(directories.begin(), directories.end());
}

ToolLocation Locate(const std::string& name, const std::string& path_variable, int scripts) {
  ToolLocation location;
  const std::string found = FindProgram(name, path_variable);
  if (found.empty()) {
    location.problem = "there is no program " + name + " in PATH";
    return location;
  }
  location.start_as = found;
  const std::vector<std::string> question = Question(found, BaseName(name), path_variable);
  if (!question.empty()) {
    std::string said;
    location.start_as = Ask(question, path_variable, &said);
    if (location.start_as.empty()) {
      location.problem = name + " in PATH (" + found + ") is a shim of a version manager that names no program for it" +
                         (said.empty() ? "" : ": " + said) + "; install it there, or put the real program first in PATH";
      return location;
    }
  }
  location.program = Real(location.start_as);
  location.directories = DirectoriesOf(location.start_as);
  AddInterpreter(location, name, path_variable, scripts);
  return location;
}

}  // namespace

ToolLocation LocateTool(const std::string& name, const std::string& path_variable) {
  return Locate(name, path_variable, 0);
}

}  // namespace wfe::sandbox
